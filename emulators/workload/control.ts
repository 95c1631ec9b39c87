import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { controlRoute } from '../control.ts';
import type { WorkloadWithoutSocket } from './without-socket.ts';
import { defaultTimings, scripts, variantValues } from './world/settings.ts';

const shapeOf = (names: object, value: (name: unknown) => z.ZodType) =>
  z.strictObject(
    Object.fromEntries(Object.entries(names).map(([name, each]) => [name, value(each).optional()])),
  );

const script = z.strictObject({ artifact: z.string().min(1), script: z.enum(scripts) });
const variants = shapeOf(variantValues, (values) => z.literal(values as string[]));
const timings = shapeOf(defaultTimings, () => z.int().min(0));

/** The routes about how candidates behave, how long things take, and which of the disputed forms is spoken. */
export function settingRoutes(server: FastifyInstance, workload: WorkloadWithoutSocket): void {
  controlRoute(server, 'PUT', 'scripts', script, (given) =>
    workload.direct.script(given.artifact, given.script),
  );
  controlRoute(server, 'PATCH', 'variants', variants, (given) => Object.assign(workload.variants, given));
  controlRoute(server, 'PATCH', 'timings', timings, (given) => Object.assign(workload.timings, given));
}
