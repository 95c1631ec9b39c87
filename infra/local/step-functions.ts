import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { z } from 'zod';

/** An execution that a function has asked Step Functions for. */
export interface StartedExecution {
  name: string;
  input: unknown;
}

/**
 * Step Functions as far as starting executions goes (AWS JSON 1.0, `StartExecution`). It only notes them: whoever runs
 * the local state machine takes them from here, as another account's console would.
 */
export interface LocalStepFunctions {
  endpoint: string;
  stateMachineArn: string;
  /** Those not taken yet, in the order in which they were started. */
  take(): StartedExecution[];
  close(): Promise<void>;
}

const STATE_MACHINE_ARN = 'arn:aws:states:us-east-1:123456789012:stateMachine:promotion';
export const executionArn = (name: string) =>
  `${STATE_MACHINE_ARN.replace(':stateMachine:', ':execution:')}:${name}`;

const Start = z.object({
  stateMachineArn: z.literal(STATE_MACHINE_ARN),
  name: z.string().regex(/^[\w-]{1,80}$/),
  input: z.string(),
});

export async function startLocalStepFunctions(): Promise<LocalStepFunctions> {
  const inputs = new Map<string, string>();
  let waiting: StartedExecution[] = [];
  const server = fastify({ forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.post('/', async (request, reply) => {
    reply.type('application/x-amz-json-1.0');
    const action = String(request.headers['x-amz-target']).split('.')[1];
    const refuse = (type: string, message: string) =>
      reply.code(400).send(JSON.stringify({ __type: type, message }));
    if (action !== 'StartExecution') return refuse('UnknownOperationException', `There is no ${action} here`);
    const parsed = Start.safeParse(JSON.parse(String(request.body)));
    if (!parsed.success) return refuse('ValidationException', parsed.error.message);
    const { name, input } = parsed.data;
    const earlier = inputs.get(name);
    // The same name with the same input is a repetition, and answered as the first time.
    if (earlier !== undefined && earlier !== input)
      return refuse('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn(name)}'`);
    if (earlier === undefined) waiting.push({ name, input: JSON.parse(input) });
    inputs.set(name, input);
    return reply.send(JSON.stringify({ executionArn: executionArn(name), startDate: 0 }));
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stateMachineArn: STATE_MACHINE_ARN,
    take() {
      const taken = waiting;
      waiting = [];
      return taken;
    },
    close: () => server.close(),
  };
}
