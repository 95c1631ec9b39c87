import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { faultRoutes } from '../control.ts';
import { plainRequest, respond } from '../exchange.ts';
import { Faults, type RecordedRequest } from '../faults.ts';
import { settingRoutes } from './control.ts';
import type { Direct } from './monitor/direct.ts';
import { type WorkloadOptions, workloadWithoutSocket } from './without-socket.ts';
import type { Timings, Variants } from './world/settings.ts';

export interface WorkloadEmulatorOptions extends WorkloadOptions {
  /** Default: any free port. */
  port?: number;
}

export interface WorkloadEmulator {
  /** With the API's prefix, as `DATAROBOT_ENDPOINT` has it: `http://127.0.0.1:8080/api/v2`. */
  readonly url: string;
  readonly token: string;
  /** A fault's path has neither the API's prefix nor slashes at its ends: `workloads/<id>/replacement`. */
  readonly faults: Faults;
  /** Paths as in faults; `body` is the query for requests without a body. */
  readonly requests: RecordedRequest[];
  /** Can be changed at any time; transitions already scheduled keep their timings. */
  readonly variants: Variants;
  readonly timings: Timings;
  /** Fills, scripts and reads the emulator without HTTP. */
  readonly direct: Direct;
  /** Deletes all data, scripts, faults and recorded requests; keeps variants and timings. */
  reset(): void;
  close(): Promise<void>;
}

const LARGEST_BODY = 64 * 1024 * 1024;

/** Starts an emulator of DataRobot's Workload API and of its Workloads' endpoints on 127.0.0.1, with data in memory. */
export async function startWorkloadEmulator(
  options: WorkloadEmulatorOptions = {},
): Promise<WorkloadEmulator> {
  const faults = new Faults();
  const requests: RecordedRequest[] = [];
  let base = '';
  const workload = workloadWithoutSocket(options, () => base);
  const server = fastify({ forceCloseConnections: true, bodyLimit: LARGEST_BODY });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  faultRoutes(server, faults);
  settingRoutes(server, workload);
  server.all('*', async (request, reply) => {
    const { seen, answered } = workload.receive(plainRequest(request));
    requests.push(seen);
    const effect = faults.take(seen.method, seen.path);
    return respond({ request, reply, seen, effect, type: 'application/json; charset=utf-8' }, answered);
  });
  await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const { port } = server.server.address() as AddressInfo;
  base = `http://127.0.0.1:${port}/api/v2`;
  const { token, variants, timings, direct } = workload;
  return {
    url: base,
    token,
    faults,
    requests,
    variants,
    timings,
    direct,
    reset: () => {
      workload.reset();
      faults.clear();
      requests.length = 0;
    },
    close: () => server.close(),
  };
}
