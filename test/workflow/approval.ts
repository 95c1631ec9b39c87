import { describe, expect, it } from 'vitest';
import { clientSettings } from '../../lambdas/adapters/aws/client-settings.ts';
import { waitingExecutions } from '../../lambdas/adapters/aws/step-functions.ts';
import { parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import type { OutcomeStatus } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import type { AlertKind } from '../../lambdas/words/alert/kinds.ts';
import { callAs, decideAs } from '../../local/approving.ts';
import { type ExecutionRun, execute } from '../../local/execution.ts';
import type { EmulatedHost, Host } from '../../local/host.ts';
import { ADA, approvalScenarios, BOB } from '../../local/scenarios/approval.ts';
import { promote } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { documentedScenarios } from '../support/documented-scenarios.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { endStateOf, expectEnd, nothingLeft } from '../support/end-state.ts';
import { expectAlerts, outcomeOf, recordedOutcomes } from '../support/recorded-outcomes.ts';

/** The scenarios in which people approve, each played once, and what is not to pass. */
export function approvalScenariosOn(start: () => Promise<Host>): void {
  let host: EmulatedHost;
  emulatedHost((started) => {
    host = started;
  }, start);

  const champions = () =>
    Object.entries(host.mlflow.snapshot()[MODEL]?.versions ?? {}).flatMap(([version, { stage }]) =>
      stage === 'Production' ? [version] : [],
    );
  /** Whoever the ledger names, and what they decided. */
  const decisions = async () => {
    const entries = await storeServices(host.env).store.entries(MODEL, 1, 10);
    return entries.flatMap(({ text }) =>
      (parseEntry(text)?.approval?.decisions ?? []).map(({ verdict, who }) => `${verdict} ${who}`),
    );
  };
  const APPROVED = [`approve ${ADA}`];

  const expected: Record<
    string,
    { status: OutcomeStatus; production: string; alerts: AlertKind[]; decided: string[] }
  > = {
    approved: {
      ...{ status: 'promoted', production: '3' },
      ...{ alerts: ['awaiting_approval', 'promoted'], decided: APPROVED },
    },
    rejected: {
      ...{ status: 'declined', production: '2' },
      ...{ alerts: ['awaiting_approval', 'kept'], decided: [`reject ${ADA}`] },
    },
    'approval-expires': {
      ...{ status: 'declined', production: '2' },
      ...{ alerts: ['awaiting_approval', 'awaiting_approval', 'kept'], decided: [] },
    },
    'approved-then-changed': {
      ...{ status: 'contested', production: '2' },
      ...{ alerts: ['awaiting_approval', 'contested'], decided: APPROVED },
    },
    'requester-approves': {
      ...{ status: 'promoted', production: '3' },
      ...{ alerts: ['awaiting_approval', 'promoted'], decided: [`approve ${BOB}`] },
    },
    'two-approvers': {
      ...{ status: 'promoted', production: '3' },
      ...{ alerts: ['awaiting_approval', 'promoted'], decided: [...APPROVED, `approve ${BOB}`] },
    },
    'investigate-let-through': {
      ...{ status: 'promoted', production: '3' },
      ...{ alerts: ['awaiting_approval', 'promoted'], decided: APPROVED },
    },
    'stopped-while-waiting': {
      ...{ status: 'failed', production: '2' },
      ...{ alerts: ['awaiting_approval', 'failed'], decided: [] },
    },
  };

  it('has every scenario in the documentation, with how its execution ends', () => {
    expect(approvalScenarios.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { status }] of Object.entries(expected))
      expect(documentedScenarios().get(name)).toEqual([status]);
  });

  it.each(approvalScenarios)('$name ends as it says, with who decided in the ledger', async (scenario) => {
    const { status, production, alerts, decided } = expected[scenario.name] ?? expected['approved'] ?? {};
    const documents = await scenario.play(host, { pauseMs: 1 });
    expect(documents.map((document) => document.status)).toEqual([status]);
    expect(champions()).toEqual([production]);
    const outcomes = await recordedOutcomes(host.table);
    expectAlerts({ published: host.sns.published, outcomes, env: host.env }, alerts ?? []);
    const promoted = production === '3';
    expectEnd(await endStateOf(host), promoted ? 'in-step' : 'unrecorded', outcomes);
    expect(await decisions()).toEqual(decided);
    expect((await storeServices(host.env).store.waitingApprovals(null, 10)).executions).toEqual([]);
    host.clock.skip(24 * 3_600_000);
    expect(await host.functions['sweep-promotions']({ sweep: true })).toEqual(nothingLeft);
  });

  it('names in the alert what changed since the approval', async () => {
    const scenario = approvalScenarios.find(({ name }) => name === 'approved-then-changed');
    const [document] = (await scenario?.play(host, { pauseMs: 1 })) ?? [];
    expect(outcomeOf(await recordedOutcomes(host.table), document)).toMatchObject({
      cause: { code: 'contested' },
      approval: { status: 'approved', decisions: [{ who: ADA, verdict: 'approve' }] },
    });
  });

  describe('nothing passes', () => {
    const asked = { ...promote, policy: 'four-eyes' };
    /** Runs an execution in which this happens while it waits, and nobody else decides. */
    async function whileItWaits(
      act: (execution: string) => Promise<unknown>,
      more: Partial<ExecutionRun> & { input?: object } = {},
    ) {
      seedPascalStrategy(host.mlflow);
      const { input = asked, ...run } = more;
      const answers: unknown[] = [];
      const document = await execute(host, input, {
        pauseMs: 1,
        ...run,
        onApproval: async (execution) => {
          if (answers.length === 0) answers.push(await act(execution));
          return undefined;
        },
      });
      expect(document.status).toBe('declined');
      expect(champions()).toEqual(['2']);
      return answers[0];
    }
    const digestOf = async (execution: string) =>
      (await storeServices(host.env).store.readApproval(execution))?.request.digest ?? '';
    const answerOf = async (who: string, body: object) => (await callAs(host, who, body)).body;

    it('by a bell that somebody else rings', async () => {
      await whileItWaits(async (execution) => {
        const kept = await storeServices(host.env).store.readApproval(execution);
        await waitingExecutions(clientSettings(host.env, 'SFN')).wake(kept?.token ?? '');
      });
    });

    it('by an approval of something else', async () => {
      const other = { action: 'approve', reason: 'x', digest: 'a'.repeat(64) };
      expect(await whileItWaits((execution) => answerOf(ADA, { ...other, execution }))).toMatchObject({
        answer: 'other_digest',
      });
    });

    it('by a role, whatever the name of its session', async () => {
      const role = 'arn:aws:sts::123456789012:assumed-role/Admin/ada@example.com';
      expect(await whileItWaits((execution) => decideAs(host, role, execution))).toBe('not_approver');
    });

    it('by a name in the call: who has signed it decides', async () => {
      expect(
        await whileItWaits(async (execution) => {
          const digest = await digestOf(execution);
          return answerOf('sso:eve@evil.org', {
            action: 'approve',
            execution,
            digest,
            reason: 'x',
            who: ADA,
          });
        }),
      ).toMatchObject({ answer: 'invalid' });
    });

    it('by who has started the execution, nor while that is not known', async () => {
      host.cloudTrail.delayMs = 14 * 24 * 3_600_000;
      expect(await whileItWaits((execution) => decideAs(host, ADA, execution))).toBe('requester_unknown');
      host.cloudTrail.reset();
    });

    it('by one person twice where two have to approve', async () => {
      const input = { ...promote, policy: 'six-eyes' };
      await whileItWaits(
        async (execution) => {
          await decideAs(host, ADA, execution);
          return decideAs(host, ADA, execution, { reason: 'again' });
        },
        { input },
      );
    });

    it('after the end', async () => {
      let execution = '';
      await whileItWaits(async (named) => {
        execution = named;
      });
      expect(await decideAs(host, ADA, execution)).toBe('expired');
    });

    it('by an input that names a laxer policy for the comparison before the change is opened', async () => {
      seedPascalStrategy(host.mlflow);
      const run = { pauseMs: 1, onApproval: async () => 'stop' as const };
      const document = await execute(host, asked, run);
      const { comparison } = document.output as { comparison: object };
      const forged = { comparison, policy: 'four-eyes', operation: 'promote', model_name: MODEL };
      const answer = await host.functions['prepare-promotion']({
        ...{ ...forged, challenger_version: '3', wait_for_lease_minutes: 0, dry_run: false, change_id: null },
        ...{ execution: document.execution, started_at: host.clock.now().toISOString() },
        approval: { status: 'approved', approvals: [{ who: ADA, at: host.clock.now().toISOString() }] },
      });
      expect(answer).toMatchObject({ status: 'refused', change_id: null });
    });
  });
}
