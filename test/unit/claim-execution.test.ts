import type { ExecutionStatus } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { claimExecution } from '../../cli/aws/claim-execution.ts';
import { MAX_ATTEMPTS } from '../../cli/aws/execution-name.ts';
import type { AwsExecutions } from '../../cli/aws/executions.ts';

/** Which execution does what was asked for: one that is there, or a new one. */

const ended = new Date('2026-11-20T10:00:00Z');

/** Step Functions with these attempts; `exists` makes it refuse a start as a repetition of one that has ended. */
function aws(statuses: (ExecutionStatus | 'BUSY' | null)[], exists?: ExecutionStatus | 'never shown') {
  const described: string[] = [];
  const started: string[] = [];
  const shown = [...statuses];
  const fake: Pick<AwsExecutions, 'describe' | 'start'> = {
    async describe(execution) {
      described.push(execution);
      const found = shown[Number(execution.slice('e:'.length)) - 1] ?? null;
      if (found === null) return null;
      const status = found === 'BUSY' ? 'SUCCEEDED' : found;
      return { status, ended: status === 'RUNNING' ? null : ended, busy: found === 'BUSY' };
    },
    async start(_machine, name) {
      started.push(name);
      if (exists === undefined) return 'started';
      if (exists !== 'never shown') shown[Number(name) - 1] = exists;
      return 'exists';
    },
  };
  const pauses: number[] = [];
  const wanted = { stateMachine: 'm', executions: 'e:', nameOf: String, input: '{}' };
  const claim = (again = false) =>
    claimExecution(fake, { ...wanted, again }, async (ms) => void pauses.push(ms));
  return { claim, described, started, pauses };
}

describe('an execution with this input', () => {
  it.each<[string, (ExecutionStatus | 'BUSY' | null)[], object, number]>([
    [
      'is followed when an attempt before it was forgotten',
      [null, 'RUNNING'],
      { by: 'running', attempt: 2 },
      0,
    ],
    [
      'is reported when an attempt before it was forgotten',
      [null, 'SUCCEEDED'],
      { by: 'succeeded', attempt: 2 },
      0,
    ],
    ['is started anew when it found the model busy', ['BUSY'], { by: 'started', attempt: 2 }, 1],
    ['is started when there is none', [], { by: 'started', attempt: 1 }, 1],
    ['is followed while it runs', ['RUNNING'], { by: 'running', attempt: 1 }, 0],
    ['is followed while it is about to be redriven', ['PENDING_REDRIVE'], { by: 'running', attempt: 1 }, 0],
    ['is reported when it has succeeded', ['SUCCEEDED'], { by: 'succeeded', attempt: 1, ended }, 0],
    ['is started anew when it failed', ['FAILED'], { by: 'started', attempt: 2 }, 1],
    ['is started anew when it timed out', ['TIMED_OUT'], { by: 'started', attempt: 2 }, 1],
    ['is started anew when it was aborted', ['ABORTED', 'FAILED'], { by: 'started', attempt: 3 }, 1],
    [
      'is reported when a later attempt has succeeded',
      ['FAILED', 'SUCCEEDED'],
      { by: 'succeeded', attempt: 2 },
      0,
    ],
    [
      'is followed when it runs again after having succeeded',
      ['SUCCEEDED', 'RUNNING'],
      { by: 'running', attempt: 2 },
      0,
    ],
    [
      'is not started because an attempt after its success failed',
      ['SUCCEEDED', 'FAILED'],
      { by: 'succeeded', attempt: 1 },
      0,
    ],
  ])('%s', async (_, statuses, claimed, starts) => {
    const { claim, started } = aws(statuses);
    expect(await claim()).toMatchObject(claimed);
    expect(started).toHaveLength(starts);
  });

  it('is started once more with --again after it has succeeded, but not while it runs', async () => {
    expect(await aws(['SUCCEEDED']).claim(true)).toMatchObject({ by: 'started', attempt: 2 });
    expect(await aws(['SUCCEEDED', 'RUNNING']).claim(true)).toMatchObject({ by: 'running', attempt: 2 });
  });

  it.each<ExecutionStatus>(['RUNNING', 'SUCCEEDED', 'FAILED'])(
    'that appears between the look and the start is taken, and is the last one tried, when it is %s',
    async (status) => {
      for (const again of [false, true]) {
        const { claim, started } = aws([], status);
        expect(await claim(again)).toMatchObject({ by: 'running', attempt: 1 });
        expect(started).toEqual(['1']);
      }
    },
  );

  it('that Step Functions says exists and never shows is an error after a few looks', async () => {
    const { claim, pauses } = aws([], 'never shown');
    await expect(claim()).rejects.toMatchObject({
      name: 'NoSuchExecution',
      message: expect.stringContaining('Run the same command again'),
    });
    expect(pauses).toEqual([1000, 1000, 1000, 1000]);
  });

  it('is given up after as many failed attempts as are looked at', async () => {
    const { claim, started, described } = aws(Array(MAX_ATTEMPTS + 1).fill('FAILED'));
    await expect(claim()).rejects.toThrow(/1000 executions with this input have already ended/);
    expect(described).toHaveLength(MAX_ATTEMPTS);
    expect(started).toEqual([]);
  });
});
