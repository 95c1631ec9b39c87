import { sessionArn } from '../../emulators/aws/function-url.ts';
import { decideAs } from '../approving.ts';
import { type ExecutionDocument, type ExecutionRun, execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { noteIn, promote, type Scenario } from './scenario.ts';
import { LATER_DATA, MODEL, type Seed, seedPascalStrategy } from './seed.ts';

/** Promotions that people have to approve. */

export const ADA = 'sso:ada@example.com';
export const BOB = 'sso:bob@example.com';

const asked = { ...promote, policy: 'four-eyes' };
const HOUR_MS = 3_600_000;

/** What somebody does while the execution waits. */
type Act = (people: {
  decide(who: string, action?: 'approve' | 'reject', reason?: string): Promise<string>;
  host: EmulatedHost;
}) => Promise<'stop' | 'wait' | undefined>;

/** Runs one execution, in which each wait for people is met by the next of these; nobody does anything in the others. */
const waitingFor =
  (acts: readonly Act[], { input = asked, seed = {}, startedBy }: Asking = {}): Scenario['play'] =>
  async (host, run) => {
    seedPascalStrategy(host.mlflow, seed);
    return [await executeWith(host, run, acts, { input, ...(startedBy === undefined ? {} : { startedBy }) })];
  };

interface Asking {
  input?: object;
  seed?: Seed;
  startedBy?: string;
}

function executeWith(
  host: EmulatedHost,
  run: ExecutionRun,
  acts: readonly Act[],
  { input, startedBy }: { input: object; startedBy?: string },
): Promise<ExecutionDocument> {
  const left = [...acts];
  return execute(host, input, {
    ...run,
    ...(startedBy === undefined ? {} : { startedBy: sessionArn(startedBy) }),
    onApproval: async (execution) => {
      // Whoever plays the scenario may be among the approvers.
      if (run.onApproval !== undefined) return run.onApproval(execution);
      const act = left.shift();
      if (act === undefined) return undefined;
      host.clock.skip(HOUR_MS);
      return act({
        host,
        decide: async (who, action = 'approve', reason = 'checked the evidence') => {
          const answer = await decideAs(host, who, execution, { action, reason });
          noteIn(host, run, execution, `${action} by ${who}: ${answer}`);
          return answer;
        },
      });
    },
  });
}

const approves =
  (...people: string[]): Act =>
  async ({ decide }) => {
    for (const who of people) await decide(who);
    return undefined;
  };

export const approvalScenarios: readonly Scenario[] = [
  {
    name: 'approved',
    about: 'the policy asks for approval: the execution waits until somebody has approved, then promotes',
    play: waitingFor([approves(ADA)]),
  },
  {
    name: 'rejected',
    about: 'an approver rejects: declined, nothing is changed, and people read who and why',
    play: waitingFor([
      async ({ decide }) => {
        await decide(ADA, 'reject', 'the market has changed since');
        return undefined;
      },
    ]),
  },
  {
    name: 'approval-expires',
    about:
      'nobody decides: the approvers are reminded after a day, and after three the promotion is declined',
    play: waitingFor([]),
  },
  {
    name: 'approved-then-changed',
    about:
      'after the approval somebody logs another Sharpe ratio into the run of version 3: contested, nothing is promoted',
    play: waitingFor([
      async ({ decide, host }) => {
        await decide(ADA);
        const runId = host.mlflow.snapshot()[MODEL]?.versions['3']?.runId ?? '';
        host.mlflow.registry.logMetric(runId, 'sharpe_ratio', 4.5);
        return undefined;
      },
    ]),
  },
  {
    name: 'requester-approves',
    about: 'who started the execution approves it, which does not count; then somebody else does',
    play: waitingFor([approves(ADA, BOB)], { startedBy: ADA }),
  },
  {
    name: 'two-approvers',
    about: 'two have to approve: one of them twice is not enough, the second is',
    play: waitingFor(
      [
        async ({ decide }) => {
          await decide(ADA);
          await decide(ADA, 'approve', 'once more');
          return undefined;
        },
        approves(BOB),
      ],
      { input: { ...promote, policy: 'six-eyes' } },
    ),
  },
  {
    name: 'investigate-let-through',
    about:
      'the two versions were evaluated on different data, which leaves it open: an approver promotes version 3 all the same, with a reason',
    play: waitingFor([approves(ADA)], { seed: { challengerData: LATER_DATA } }),
  },
  {
    name: 'stopped-while-waiting',
    about:
      'the execution is stopped while it waits: its request ends with it, and an approval comes too late',
    async play(host, run) {
      seedPascalStrategy(host.mlflow);
      const document = await executeWith(host, run, [async () => 'stop'], { input: asked });
      const answer = await decideAs(host, ADA, document.execution);
      noteIn(host, run, document.execution, `approve by ${ADA}: ${answer}`);
      return [document];
    },
  },
];
