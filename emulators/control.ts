import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Faults } from './faults.ts';

/** What a client outside the process can set in an emulator. These routes need no token and are not recorded. */
const when = z.enum(['before', 'after']);

const fault = z.strictObject({
  method: z.string().exactOptional(),
  path: z.string().min(1),
  times: z.int().min(1).exactOptional(),
  effect: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('answer'),
      status: z.int().min(200).max(599),
      body: z.string().default(''),
      contentType: z.string().exactOptional(),
      headers: z.record(z.string(), z.string()).exactOptional(),
      when: when.exactOptional(),
    }),
    z.strictObject({ kind: z.literal('drop'), when }),
    z.strictObject({ kind: z.literal('delay'), ms: z.int().min(0) }),
  ]),
});

/**
 * Adds a route below `/emulator/` that takes a JSON body and answers what `act` returns, or 204 for nothing. A body that
 * is not of the shape is refused with 422 and a `message`.
 */
export function controlRoute<Shape extends z.ZodType>(
  server: FastifyInstance,
  method: 'POST' | 'PUT' | 'PATCH',
  name: string,
  shape: Shape,
  act: (body: z.output<Shape>) => unknown,
): void {
  server.route({
    method,
    url: `/emulator/${name}`,
    handler: async ({ body }, reply) => {
      const parsed = shape.safeParse(contentOf(body));
      if (!parsed.success) return reply.code(422).send({ message: z.prettifyError(parsed.error) });
      const answer = act(parsed.data);
      return answer === undefined ? reply.code(204).send() : reply.send(answer);
    },
  });
}

/** Undefined where it is no JSON, which no shape takes. */
function contentOf(body: unknown): unknown {
  try {
    return JSON.parse(Buffer.isBuffer(body) ? body.toString('utf8') : '');
  } catch {
    return undefined;
  }
}

/** The routes about faults, which all emulators have: add one, read those that are pending, remove all. */
export function faultRoutes(server: FastifyInstance, faults: Faults): void {
  controlRoute(server, 'POST', 'faults', fault, (given) => faults.add(given));
  server.get('/emulator/faults', async () => ({ faults: faults.pending() }));
  server.delete('/emulator/faults', async (_, reply) => {
    faults.clear();
    return reply.code(204).send();
  });
}
