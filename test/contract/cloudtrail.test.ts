import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalCloudTrail, startLocalCloudTrail } from '../../emulators/aws/cloudtrail.ts';
import { type CallHistory, callHistory, cloudTrail } from '../../lambdas/adapters/aws/cloudtrail.ts';

/** Who started an execution, by the event history: over HTTP from the emulator, and from single events. */

const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const STARTED = new Date('2026-11-22T10:00:00Z');
const ADA =
  'arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Promotion_0123456789abcdef/ada@example.com';
const PIPELINE = 'arn:aws:sts::123456789012:assumed-role/pipeline/run';
const at = (seconds: number) => STARTED.getTime() + seconds * 1000;

describe('the event history', () => {
  let now = at(3600);
  let local: LocalCloudTrail;
  let history: CallHistory;
  beforeAll(async () => {
    local = await startLocalCloudTrail(() => now);
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    history = cloudTrail({ endpoint: local.endpoint, region: 'us-east-1', credentials });
  });
  afterAll(() => local.close());
  beforeEach(() => {
    local.reset();
    now = at(3600);
  });
  const starter = () => history.starterOf(EXECUTION, STARTED);

  it('names who started the execution, and nobody while it does not know', async () => {
    local.delayMs = 10 * 60_000;
    local.record({ executionArn: EXECUTION, userArn: ADA, at: at(0) });
    now = at(60);
    expect(await starter()).toBeNull();
    now = at(11 * 60);
    expect(await starter()).toBe(ADA);
  });

  it('names the first caller where the same start was called once more, by whomever', async () => {
    local.record({ executionArn: EXECUTION, userArn: ADA, at: at(0) });
    local.record({ executionArn: EXECUTION, userArn: PIPELINE, at: at(20) });
    expect(await starter()).toBe(ADA);
  });

  it('finds it among many, and takes no other execution for it', async () => {
    for (let other = 0; other < 120; other += 1)
      local.record({ executionArn: `${EXECUTION}-${other}`, userArn: PIPELINE, at: at(1) });
    expect(await starter()).toBeNull();
    local.record({ executionArn: EXECUTION, userArn: ADA, at: at(0) });
    expect(await starter()).toBe(ADA);
  });

  it('says that it is away', async () => {
    local.faults.add({
      path: 'LookupEvents',
      effect: {
        kind: 'answer',
        status: 400,
        body: '{"__type":"AccessDeniedException"}',
        contentType: 'application/json',
      },
    });
    await expect(starter()).rejects.toMatchObject({ name: 'StateMachineUnavailable' });
  });
});

describe('an event', () => {
  const starterIn = (...events: unknown[]) =>
    callHistory({
      send: async () => ({
        Events: events.map((event) => ({
          CloudTrailEvent: typeof event === 'string' ? event : JSON.stringify(event),
        })),
      }),
    } as never).starterOf(EXECUTION, STARTED);
  const event = (userIdentity: unknown, more: object = {}) => ({
    ...{ eventName: 'StartExecution', eventTime: '2026-11-22T10:00:00Z', userIdentity },
    ...{ responseElements: { executionArn: EXECUTION }, ...more },
  });

  it('of a service names the service, which is no person', async () => {
    expect(await starterIn(event({ type: 'AWSService', invokedBy: 'events.amazonaws.com' }))).toBe(
      'service:events.amazonaws.com',
    );
    expect(await starterIn(event({ type: 'Unknown' }))).toBe('unknown:Unknown');
  });

  it.each([
    ['a start that was refused', event({ arn: ADA }, { responseElements: null })],
    ['another call', event({ arn: ADA }, { eventName: 'StopExecution' })],
    ['no time', event({ arn: ADA }, { eventTime: 'now' })],
    ['no JSON', '{"eventName":'],
    ['nothing', ''],
  ])('that is %s counts for nobody', async (_, given) => {
    expect(await starterIn(given)).toBeNull();
  });
});
