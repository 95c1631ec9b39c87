import * as z from 'zod';
import { policyFiles } from './adapters/policy-files.ts';
import { executionServices } from './runtime/execution-services.ts';
import { toHandler } from './runtime/handler.ts';
import { notifyServices } from './runtime/notify-services.ts';
import { readingServices } from './runtime/reading-services.ts';
import { watchReleases } from './use-cases/watch-releases.ts';

/** Watches live releases: counts what the platform and people's own pipelines say of them, and rolls back what is worse. */
export const handler = toHandler('watch-releases', {
  /** The event of the schedule. */
  input: z.object({ watch: z.literal(true) }),
  services: (env, clock, network) => ({
    ...notifyServices(env, clock, network),
    ...executionServices(env, network),
    ...readingServices(env, clock, network),
    policies: policyFiles(new URL('../policies/', import.meta.url)),
    clock,
  }),
  run: (_input, services) => watchReleases(services),
});
