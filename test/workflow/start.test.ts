import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { start } from '../../cli/commands/start-execution.ts';
import type { StartOptions } from '../../cli/commands/start-request.ts';
import { DEFAULT_COLUMNS, shortIds } from '../../cli/screen/layout.ts';
import {
  executionArn,
  type LocalStepFunctions,
  type Runner,
  startLocalStepFunctions,
} from '../../emulators/aws/step-functions.ts';
import type { Effect } from '../../emulators/faults.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { confidenceText } from '../../lambdas/words/confidence.ts';
import { evidenceTable } from '../../lambdas/words/evidence-table.ts';
import { rolloutReason } from '../../lambdas/words/rollout.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { localStateMachine } from '../../local/machine/state-machine.ts';
import { seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import {
  captured,
  finished,
  inOneLine,
  type Ran as Printed,
  promotion,
  promotionProcess,
} from '../support/command.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import {
  begun,
  compared,
  ended,
  notPromoted,
  platformError,
  prepared,
  type StubFunctions,
  stubFunctions,
} from '../support/stub-functions.ts';

/**
 * `promotion start` with the AWS SDK over HTTP: Step Functions is the stand-in, which keeps the history that AWS
 * would; the executions run on the local state machine.
 */

interface Ran extends Printed {
  /** What it threw instead of answering a code. */
  error: unknown;
  /** Milliseconds that it wanted to wait, each time. */
  waits: number[];
}

let sfn: LocalStepFunctions;
/** Called whenever the command waits, in the place of waiting. */
let onWait: (waits: number) => void;

/** The command in this process; time passes at once. */
async function promotionStart(options: StartOptions): Promise<Ran> {
  const ran: Ran = { code: null, error: null, stdout: '', stderr: '', waits: [] };
  const wait = async (ms: number, signal: AbortSignal) => {
    ran.waits.push(ms);
    onWait(ran.waits.length);
    await sleep(1, undefined, { signal });
  };
  const machine = options.follow === undefined ? { arn: sfn.stateMachineArn } : {};
  try {
    ran.code = await captured(ran, () => start({ ...machine, ...options }, { env: process.env, wait }));
  } catch (error) {
    ran.error = error;
  }
  return ran;
}

/** Executions of the real definition on stub functions. */
const onStubs =
  (stubs: StubFunctions): Runner =>
  ({ name, input }, onEvent) =>
    localStateMachine(stubs.handlers).run(input, {
      execution: { id: executionArn(name), name, startTime: new Date().toISOString() },
      waitSeconds: 0,
      onEvent,
    }).result;

/** A promise, and what settles it. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const refusal = (type: string, message = 'refused'): Effect => ({
  kind: 'answer',
  status: 400,
  body: JSON.stringify({ __type: type, message }),
  contentType: 'application/x-amz-json-1.0',
});
/** Whatever the width of the screen made of it. */
const report = (ran: Ran) => JSON.parse(ran.stdout);
const MODEL = 'PascalStrategy';

beforeEach(async () => {
  sfn = await startLocalStepFunctions();
  onWait = () => {};
  vi.stubEnv('AWS_ENDPOINT_URL_SFN', sfn.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
  vi.stubEnv('STATE_MACHINE_ARN', '');
});
afterEach(async () => {
  await sfn.settled();
  await sfn.close();
  vi.unstubAllEnvs();
});

describe('on the emulators', () => {
  let host: EmulatedHost;
  let document: ExecutionDocument;

  emulatedHost((started) => {
    host = started;
  });
  beforeEach(() => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    sfn.runWith(async ({ name, input }, onEvent) => {
      document = await execute(host, input, { name, pauseMs: 1, onEvent });
    });
  });

  it('a promotion is started, followed and shown as the local host shows its own', async () => {
    const ran = await promotionStart({ model: MODEL, version: '3', requestedBy: 'retraining' });
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(
      /^Started, attempt 1\narn:aws:states:us-east-1:123456789012:execution:promotion:PascalStrategy-v3-[0-9a-f]{20}-1\nhttps:\/\/us-east-1\.console\.aws\.amazon\.com\/\S+\n/,
    );
    await sfn.settled();
    const { comparison, serving } = readStateDocument(document.output);
    if (comparison === null || serving === null) throw new Error('nothing was compared or served');
    const started = rolloutReason({ code: 'starting', artifact: serving.artifact_id });
    const plain = inOneLine(ran.stdout);
    for (const part of [
      `PROMOTE ${comparison.recommendation}`,
      confidenceText(comparison),
      // Indented by at least two.
      evidenceTable(comparison, { width: DEFAULT_COLUMNS - 2 }),
      shortIds(started),
      `promoted ${document.reason}`,
    ])
      expect(plain).toContain(inOneLine(part));
    for (const part of [
      /CompareModels .* PROMOTE {2}/,
      /PreparePromotion .* lease taken, fence 1/,
      // Without the sentence, which says the same.
      /ReplaceWorkload .* initializing, candidate launching\n/,
      /PromoteModel .* version 3 is the champion, version 2 no longer/,
      /NotifySuccess .* promoted, alert sent/,
    ])
      expect(ran.stdout).toMatch(part);
    expect(document.registry.after?.stages).toEqual({ 1: 'Archived', 2: 'Archived', 3: 'Production' });
  });

  it('the JSON document has what the local host knows of it, as far as AWS tells it', async () => {
    // Small pages, so that a history takes many of them in either direction.
    sfn.largestPage = 7;
    const ran = await promotionStart({ model: MODEL, dryRun: true, json: true });
    await sfn.settled();
    const { execution, status, reason, output, states } = document;
    expect(report(ran)).toEqual({
      ...{ execution, status, reason, output, states },
      console: expect.stringContaining(`/v2/executions/details/${execution}`),
      attempt: 1,
      found: 'started',
      aws_status: 'SUCCEEDED',
    });
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('CompareModels\n');
  });

  it('an execution that fails says why and exits 1', async () => {
    const ran = await promotionStart({ model: '../../x?y#z', json: true });
    expect(ran.code).toBe(1);
    expect(report(ran)).toMatchObject({
      execution: expect.stringMatching(/:x-y-z-[0-9a-f]{20}-1$/),
      aws_status: 'FAILED',
      status: 'failed',
      output: { error: { Error: 'ModelNotFound', Cause: expect.stringContaining('does not exist') } },
    });
  });
});

describe('a twin', () => {
  it('that runs is followed, and nothing is started', async () => {
    const { open, opened } = gate();
    sfn.runWith(onStubs(stubFunctions({ 'compare-models': [() => opened.then(() => compared())] })));
    const first = await promotionStart({ model: MODEL, detach: true });
    onWait = (waits) => waits === 3 && open();
    const second = await promotionStart({ model: MODEL });
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(second.stdout).toMatch(/^Nothing was started: attempt 1 is already running and is followed\n/);
    expect(second.stdout).toMatch(/CompareModels[\s\S]*\npromoted {2}/);
    expect(sfn.names()).toHaveLength(1);
  });

  it('that has succeeded is reported, and started once more only with --again', async () => {
    sfn.runWith(onStubs(stubFunctions()));
    const options = { model: MODEL, version: '3' };
    await promotionStart(options);
    const reported = await promotionStart(options);
    expect(reported.code).toBe(0);
    expect(reported.stdout).toMatch(/^Nothing was started: the same request has succeeded at 20\d\d-/);
    expect(reported.stdout).toMatch(/Use\s+--again\s+to\s+start\s+a\s+new\s+attempt/);
    expect(reported.stdout).not.toContain('CompareModels');
    expect(reported.stdout).toMatch(/\npromoted {2}Version 3 was promoted\.\n$/);
    expect(sfn.names()).toHaveLength(1);
    const again = await promotionStart({ ...options, again: true, json: true });
    expect(report(again)).toMatchObject({ attempt: 2, found: 'started', status: 'promoted' });
    expect(sfn.names()).toHaveLength(2);
  });

  it('that has succeeded without naming a version is said to be the same for every version', async () => {
    sfn.runWith(onStubs(stubFunctions()));
    await promotionStart({ model: MODEL });
    const { stdout } = await promotionStart({ model: MODEL });
    expect(stdout).toMatch(
      /The\s+request\s+names\s+no\s+version,\s+so\s+it\s+is\s+the\s+same\s+request\s+whichever\s+version\s+is\s+in\s+Staging\s+now/,
    );
  });

  it.each(['FAILED', 'TIMED_OUT', 'ABORTED'] as const)(
    'that ended %s is followed by the next attempt',
    async (status) => {
      await promotionStart({ model: MODEL, detach: true });
      const [first = ''] = sfn.names();
      sfn.end(first, status);
      const ran = await promotionStart({ model: MODEL, detach: true });
      expect(ran.stdout).toMatch(/^Started, attempt 2\n/);
      expect(sfn.names()).toEqual([first, first.replace(/1$/, '2')]);
    },
  );

  it('with another input is none', async () => {
    await promotionStart({ model: MODEL, detach: true });
    await promotionStart({ model: MODEL, detach: true, dryRun: true });
    expect(sfn.names()).toHaveLength(2);
  });

  it('of a promotion that adopts first is another request', async () => {
    await promotionStart({ model: MODEL, detach: true });
    await promotionStart({ model: MODEL, adopt: true, detach: true });
    expect(sfn.take().map(({ input }) => input)).toEqual([
      { model_name: MODEL },
      { model_name: MODEL, adopt: true },
    ]);
  });

  it('of a rollback asks for the default reason and names its target', async () => {
    await promotionStart({ model: MODEL, rollback: true, version: '2', emergency: true, detach: true });
    expect(sfn.take()).toMatchObject([
      {
        name: expect.stringMatching(/^PascalStrategy-v2-/),
        input: {
          operation: 'rollback',
          model_name: MODEL,
          target_version: '2',
          reason: 'MANUAL_REQUEST',
          emergency: true,
        },
      },
    ]);
  });
});

describe('a lost answer of StartExecution', () => {
  const lose = () =>
    sfn.faults.add({ path: 'StartExecution', times: 1, effect: { kind: 'drop', when: 'after' } });

  it('leads to one execution, which is followed', async () => {
    lose();
    sfn.runWith(onStubs(stubFunctions()));
    const ran = await promotionStart({ model: MODEL, json: true });
    expect(report(ran)).toMatchObject({ attempt: 1, status: 'promoted' });
    expect(sfn.names()).toHaveLength(1);
  });

  it('leads to one execution also when that has ended before it is asked for again', async () => {
    lose();
    sfn.runWith(async (_, onEvent) => onEvent({ kind: 'aborted', at: Date.now() }));
    const ran = await promotionStart({ model: MODEL, json: true, again: true });
    expect(report(ran)).toMatchObject({ attempt: 1, aws_status: 'ABORTED', status: 'failed' });
    expect(report(ran).reason).toMatch(/^The execution was aborted/);
    expect(sfn.names()).toHaveLength(1);
  });
});

describe('while it follows', () => {
  const trouble = (effect: Effect, times?: number) =>
    sfn.faults.add({ path: 'GetExecutionHistory', effect, ...(times === undefined ? {} : { times }) });

  it('only new events are read, and each state is shown once', async () => {
    const gates = [gate(), gate(), gate()] as const;
    sfn.largestPage = 5;
    sfn.runWith(
      onStubs(
        stubFunctions({
          'compare-models': [() => gates[0].opened.then(() => compared())],
          'prepare-promotion': [() => gates[1].opened.then(() => prepared())],
          'end-promotion': [() => gates[2].opened.then(() => ended())],
        }),
      ),
    );
    onWait = (waits) => gates[Math.floor(waits / 3)]?.open();
    const ran = await promotionStart({ model: MODEL, json: true });
    expect(report(ran).states.map(({ name }: { name: string }) => name)).toEqual([
      'BeginPromotion',
      'Operation?',
      'CompareModels',
      'PinChallenger',
      'Decision?',
      'RequestApproval',
      'Approval?',
      'PreparePromotion',
      'Prepared?',
      'PromoteModel',
      'WasPromoted?',
      'ClosePromotion',
      'Closed?',
      'NotifySuccess',
      'Outcome?',
      'Done',
    ]);
    expect(new Set(ran.waits)).toEqual(new Set([2_000]));
  });

  it('a history that is a little behind leaves no event out', async () => {
    sfn.runWith(onStubs(stubFunctions()));
    const timestamp = Date.now() / 1000;
    const events = [
      { id: 1, timestamp, type: 'ExecutionStarted', executionStartedEventDetails: { input: '{}' } },
      { id: 4, timestamp, type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'NoSuchState' } },
    ];
    trouble({ kind: 'answer', status: 200, body: JSON.stringify({ events }) }, 1);
    const ran = await promotionStart({ model: MODEL, json: true });
    const names = report(ran).states.map(({ name }: { name: string }) => name);
    expect(names).toHaveLength(16);
    expect([names[0], names.at(-1)]).toEqual(['BeginPromotion', 'Done']);
  });

  it('a retry, a catch and a rollback are shown, and the exit status is 1', async () => {
    const unavailable = platformError('MlflowUnavailable');
    sfn.runWith(
      onStubs(
        stubFunctions({
          'compare-models': [unavailable, compared()],
          'promote-model': [platformError('MlflowRefused')],
          'end-promotion': [ended({ status: 'failed', succeeded: false, reason: 'It was undone.' })],
        }),
      ),
    );
    const ran = await promotionStart({ model: MODEL });
    expect(ran.code).toBe(1);
    for (const part of [
      /CompareModels failed: MlflowUnavailable: /,
      /CompareModels retry 1 after \d+ ms/,
      /PromoteModel failed: MlflowRefused: /,
      /MlflowRefused caught: continues with ModelRollback/,
      /ModelRollback .* Version 2 is back\./,
      /\nfailed {2}It was undone\.\n$/,
    ])
      expect(ran.stdout).toMatch(part);
    expect(ran.stdout).not.toMatch(/trace|at handler/);
  });

  it.each([
    ['adopted', 'adopt', 0],
    ['rolled_back', 'rollback', 0],
    ['rolled_back', 'promote', 1],
    ['kept', 'promote', 0],
    ['busy', 'promote', 1],
    ['needs_investigation', 'promote', 1],
    ['invalid_input', 'promote', 2],
  ] as const)('%s after a %s is exit %i, as of `promotion run`', async (status, operation, code) => {
    const succeeded = status !== 'rolled_back' || operation === 'rollback';
    const stubs = stubFunctions({
      'begin-promotion': [begun({ operation })],
      ...(operation === 'adopt' ? { 'prepare-promotion': [prepared({ status: 'adopted' })] } : {}),
      'promote-model': [notPromoted],
      'end-promotion': [ended({ status, succeeded })],
    });
    sfn.runWith(onStubs(stubs));
    const ran = await promotionStart({ model: MODEL, json: true });
    expect(report(ran)).toMatchObject({ status, aws_status: succeeded ? 'SUCCEEDED' : 'FAILED' });
    expect(ran.code).toBe(code);
  });

  it('throttling makes it ask more rarely, and then again as before', async () => {
    trouble(refusal('ThrottlingException', 'Rate exceeded'), 4);
    const { open, opened } = gate();
    sfn.runWith(onStubs(stubFunctions({ 'compare-models': [() => opened.then(() => compared())] })));
    onWait = (waits) => waits === 8 && open();
    const ran = await promotionStart({ model: MODEL });
    expect(ran.code).toBe(0);
    expect(ran.waits.slice(0, 8)).toEqual([4_000, 8_000, 10_000, 10_000, 5_000, 2_500, 2_000, 2_000]);
    expect(ran.stdout).toMatch(
      /Rate exceeded\. AWS throttles\s+the\s+requests;\s+try\s+again\s+later\.\s+The\s+execution\s+continues/,
    );
    expect(ran.stdout.match(/Rate exceeded/g)).toHaveLength(1);
    expect(ran.stdout).toContain('AWS is reachable again');
  });

  it.each([
    ['a network that fails', { kind: 'drop', when: 'before' } as const],
    ['a server that fails', { kind: 'answer', status: 503, body: '{"__type":"InternalFailure"}' } as const],
    ['an execution that is not shown yet', refusal('ExecutionDoesNotExist')],
  ])('%s is survived', async (_, effect) => {
    trouble(effect, 3);
    sfn.runWith(onStubs(stubFunctions()));
    const ran = await promotionStart({ model: MODEL, json: true });
    expect(report(ran)).toMatchObject({ status: 'promoted' });
  });

  it('a quarter of an hour without an answer ends it, with how to follow again', async () => {
    trouble({ kind: 'drop', when: 'before' });
    const ran = await promotionStart({ model: MODEL });
    expect(ran.error).toMatchObject({ name: 'AwsUnavailable' });
    expect(ran.waits.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(15 * 60_000);
    expect(ran.stderr).toContain(`npx promotion start --follow ${executionArn(sfn.names()[0] ?? '')}`);
  });

  it('credentials that expire end it at once, and following goes on with new ones', async () => {
    trouble(refusal('ExpiredTokenException', 'The security token included in the request is expired'), 1);
    sfn.runWith(onStubs(stubFunctions()));
    expect((await promotionStart({ model: MODEL })).error).toMatchObject({
      name: 'AwsRefused',
      message: expect.stringMatching(/have expired\. Log in again/),
    });
    const arn = executionArn(sfn.names()[0] ?? '');
    const { code, stdout } = await promotionStart({ follow: arn });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Following\n[\s\S]*CompareModels[\s\S]*\npromoted {2}/);
  });

  it('text of others cannot steer the terminal', async () => {
    const nasty = '\u001b[31mred\u001b]0;title\u0007 \u202e';
    sfn.runWith(
      onStubs(
        stubFunctions({
          'compare-models': [Object.assign(new Error(nasty), { name: `Evil${nasty}` })],
          'end-promotion': [ended({ status: 'failed', succeeded: false, reason: nasty })],
        }),
      ),
    );
    const { stdout } = await promotionStart({ model: `${nasty}m`, reason: nasty });
    expect(stdout).toContain('CompareModels failed: Evil');
    expect(stdout).toContain('\\u{202e}');
    for (const character of ['\u001b', '\u0007', '\u202e']) expect(stdout).not.toContain(character);
  });
});

describe('what AWS refuses', () => {
  it.each([
    ['AccessDeniedException', 'AwsRefused', /not authorized.*needs states:StartExecution/],
    ['ExpiredTokenException', 'AwsRefused', /have expired.*aws sso login/],
    ['UnrecognizedClientException', 'AwsRefused', /not valid here/],
    ['InvalidArn', 'UsageError', /Check --arn/],
  ])('with %s is said with what to do, and starts nothing', async (type, name, message) => {
    sfn.faults.add({ path: 'DescribeExecution', effect: refusal(type, 'User: x is not authorized') });
    expect((await promotionStart({ model: MODEL })).error).toMatchObject({
      name,
      message: expect.stringMatching(message),
    });
    expect(sfn.names()).toEqual([]);
  });

  it('is a state machine that does not exist: exit 2, with where to look', async () => {
    const arn = sfn.stateMachineArn.replace(/promotion$/, 'promotions');
    expect((await promotionStart({ model: MODEL, arn })).error).toMatchObject({
      name: 'UsageError',
      message: expect.stringMatching(/StateMachineDoesNotExist.*Check region, account and name/),
    });
  });

  it('is an execution to follow that does not exist', async () => {
    expect((await promotionStart({ follow: executionArn('nobody') })).error).toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining('has no execution'),
    });
  });
});

describe('the command', () => {
  const aws = (more: Record<string, string>) => ({
    AWS_ENDPOINT_URL_SFN: sfn.endpoint,
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    ...more,
  });
  const run = (args: string[], env: Record<string, string> = {}, input = '') =>
    promotion(['start', ...args], { input, env: aws(env) });
  const command = (args: string[]) => promotionProcess(['start', ...args], aws({}));
  const arn = () => ['--arn', sfn.stateMachineArn];

  it('starts an execution and follows it to its end', async () => {
    sfn.runWith(onStubs(stubFunctions()));
    const ran = await run(['--model', MODEL], { STATE_MACHINE_ARN: sfn.stateMachineArn });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^Started, attempt 1\n[\s\S]*NotifySuccess[\s\S]*\npromoted {2}/);
  });

  it('started twice at the same moment makes one execution, which both follow', async () => {
    const looked = gate();
    sfn.faults.add({ path: 'DescribeExecution', effect: { kind: 'hold', until: looked.opened } });
    sfn.runWith(onStubs(stubFunctions()));
    const children = [1, 2].map(() => command(['--model', MODEL, '--json', ...arn()]));
    const looking = children.map(({ stderr }) => stderr && once(stderr, 'data'));
    const both = Promise.all(children.map((child) => finished(child)));
    await Promise.all(looking);
    looked.open();
    const [one, other] = await both;
    expect([one?.code, other?.code]).toEqual([0, 0]);
    expect(sfn.names()).toHaveLength(1);
    expect(JSON.parse(one?.stdout ?? '').states).toEqual(JSON.parse(other?.stdout ?? '').states);
  });

  it('started with --detach says which it is and how to follow it, and that command follows it', async () => {
    const ran = await run(['--model', MODEL, '--detach', ...arn()]);
    const [name = ''] = sfn.names();
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout.split('\n')).toEqual([
      'Started, attempt 1',
      executionArn(name),
      expect.stringContaining('console.aws.amazon.com'),
      'Follow it with:',
      `  npx promotion start --follow ${executionArn(name)}`,
      '',
    ]);
    sfn.end(name, 'ABORTED');
    const followed = await run(['--follow', executionArn(name), '--json']);
    expect(followed.code).toBe(1);
    expect(JSON.parse(followed.stdout)).toMatchObject({ aws_status: 'ABORTED', status: 'failed' });
  });

  it('started with --detach --json prints a document of an execution that runs', async () => {
    const ran = await run(['--model', MODEL, '--detach', '--json', ...arn()]);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      execution: executionArn(sfn.names()[0] ?? ''),
      found: 'started',
      aws_status: 'RUNNING',
      status: null,
    });
  });

  it('takes a whole execution input, in which the order of fields makes no difference', async () => {
    await run(['--input', '-', '--detach', ...arn()], {}, '{"dry_run":true,"model_name":"m"}');
    const twin = await run(
      ['--input', '-', '--detach', ...arn()],
      {},
      '{"model_name":"m","policy":null,"dry_run":true}',
    );
    expect(twin.stdout).toMatch(/^Nothing was started: attempt 1 is already running/);
    expect(sfn.take()).toEqual([{ name: sfn.names()[0], input: { dry_run: true, model_name: 'm' } }]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stops following on %s and leaves the execution alone',
    async (signal) => {
      const child = command(['--model', MODEL, ...arn()]);
      child.stdout?.on('data', (chunk) => String(chunk).includes('Execution 1') && child.kill(signal));
      const ran = await finished(child);
      expect(ran.code).toBe(130);
      expect(ran.stderr).toBe(
        `Stopped following. The execution continues.\nFollow it with:\n  npx promotion start --follow ${executionArn(sfn.names()[0] ?? '')}\n`,
      );
    },
  );

  it.each([
    [
      'no arguments',
      [],
      ['--arn: is required, or the environment variable STATE_MACHINE_ARN', '--model: is required'],
    ],
    [
      'arguments for a promotion',
      ['--arn', 'promotion', '--model', 'm', '--version', 'abc', '--policy', 'No such', '--emergency'],
      ['--arn: must be the ARN', 'challenger_version: must be', 'policy: must be', 'emergency'],
    ],
    [
      'arguments for a rollback',
      ['--model', 'm'.repeat(257), '--rollback', '--reason', 'because', '--artifact', 'a', '--adopt'],
      ['--arn: is required', 'model_name', 'reason', 'artifact_id: is not valid', 'adopt: is not valid'],
    ],
    [
      'an input beside other arguments',
      ['--input', '/does/not/exist', '--model', 'm', '--dry-run'],
      ['--arn: is required', 'excludes --model, --dry-run', 'Cannot read the execution input'],
    ],
    [
      'an execution to follow beside other arguments',
      ['--follow', 'e', '--model', 'm', '--detach'],
      ['--follow: must be the ARN of an execution', 'excludes --model, --detach'],
    ],
  ])('%s: exit 2 with every problem', async (_, args, problems) => {
    const ran = await run(args);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    for (const problem of problems) expect(ran.stderr).toContain(problem);
    expect(ran.stderr).not.toMatch(/\n\s+at /);
    expect(sfn.names()).toEqual([]);
  });

  it.each([
    ['{"model_name": ', ['is not JSON', '--arn: is required']],
    ['[]', ['execution input: ', '--arn: is required']],
    ['{"model":"m","challenger_version":"3x"}', ['model_name: is required', 'challenger_version', '"model"']],
  ])('an execution input %s exits 2 with every problem', async (input, problems) => {
    const ran = await run(['--input', '-'], {}, input);
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    for (const problem of problems) expect(ran.stderr).toContain(problem);
  });

  it('adopt starts an execution that takes what is there as live, and follows it', async () => {
    const stubs = stubFunctions({
      'begin-promotion': [begun({ operation: 'adopt' })],
      'prepare-promotion': [prepared({ status: 'adopted' })],
      'end-promotion': [ended({ status: 'adopted', reason: 'It is live now.' })],
    });
    sfn.runWith(onStubs(stubs));
    const options = ['--requested-by', 'me', '--reason', 'moved by hand', '--workload', 'w1', ...arn()];
    const adopt = () => promotion(['adopt', MODEL, ...options], { env: aws({}) });
    const ran = await adopt();
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^Started, attempt 1\n[\s\S]*PreparePromotion .* adopted[\s\S]*\nadopted {2}/);
    expect(stubs.eventsOf('begin-promotion').map(({ input }) => input)).toEqual([
      {
        operation: 'adopt',
        model_name: MODEL,
        requested_by: 'me',
        reason: 'moved by hand',
        workload_id: 'w1',
      },
    ]);
    expect(stubs.eventsOf('promote-model')).toEqual([]);
    // What was live then need not be what is there now.
    expect((await adopt()).stdout).toMatch(/^Started, attempt 2\n/);
  });

  it('adopt follows an adoption of the same model that is running', async () => {
    const adopt = () => promotion(['adopt', MODEL, '--detach', ...arn()], { env: aws({}) });
    await adopt();
    expect((await adopt()).stdout).toMatch(/^Nothing was started: attempt 1 is already running/);
    expect(sfn.names()).toHaveLength(1);
  });

  it.each([
    [['adopt'], /missing required argument/],
    [['adopt', MODEL], /--arn: is required, or the environment variable STATE_MACHINE_ARN/],
    [['adopt', 'm'.repeat(257)], /model_name/],
    [['adopt', MODEL, '--version', '3'], /unknown option/],
  ])('%j exits 2 and starts nothing', async (args, message) => {
    const ran = await promotion(args, { env: aws({}) });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect(sfn.names()).toEqual([]);
  });

  it('without credentials exits 1 and says where to get some', async () => {
    const none = {
      ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_DISABLED: 'true' },
      ...{ HOME: '/nonexistent' },
    };
    const ran = await run(['--model', MODEL, ...arn()], none);
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toMatch(/no usable AWS credentials\. Set AWS_PROFILE/);
  });

  it('explains itself with --help', async () => {
    const ran = await run(['--help']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/Usage: promotion start[\s\S]*--again[\s\S]*Exit status: 0/);
  });
});
