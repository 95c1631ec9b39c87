/**
 * Deliberate bugs: small changes of the sources, each of which switches off one rule of the design. The simulator must find
 * every one of them; the sources themselves know nothing of it.
 */

/** A text that is in a file exactly once, and what stands in its place. */
export interface Edit {
  file: string;
  find: string;
  replace: string;
}

export interface Mutant {
  name: string;
  /** What is wrong with it, in one sentence. */
  breaks: string;
  edits: readonly Edit[];
}

const converge = 'lambdas/use-cases/parts/converge.ts';
const moveChampion = 'lambdas/use-cases/parts/move-champion.ts';
const withLease = 'lambdas/use-cases/parts/with-lease.ts';
const items = 'lambdas/adapters/aws/model-items.ts';
const http = 'lambdas/adapters/http.ts';
const opening = 'lambdas/domain/release/opening.ts';
const found = 'lambdas/domain/release/found.ts';
const look = 'lambdas/domain/release/look.ts';
const rollBack = 'lambdas/use-cases/roll-back.ts';
const openRollback = 'lambdas/use-cases/parts/open-rollback.ts';
const sweep = 'lambdas/use-cases/sweep-promotions.ts';
const telling = 'lambdas/use-cases/parts/tell-out-of-step.ts';
const prepare = 'lambdas/use-cases/prepare-promotion.ts';
const promoteModel = 'lambdas/use-cases/promote-model.ts';
const endPromotion = 'lambdas/use-cases/end-promotion.ts';
const cleanUp = 'lambdas/use-cases/clean-up.ts';
const record = 'lambdas/use-cases/parts/record-and-notify.ts';
const appendEntry = 'lambdas/use-cases/parts/append-entry.ts';
const plan = 'lambdas/domain/rollout/plan.ts';
const rules = 'lambdas/domain/rollout/rules.ts';
const start = 'lambdas/domain/rollout/start.ts';
const served = 'lambdas/domain/rollout/served.ts';
const replaceWorkload = 'lambdas/use-cases/replace-workload.ts';
const limits = 'lambdas/domain/limits.ts';
const mlflowRequests = 'lambdas/adapters/mlflow/requests.ts';
const watchItems = 'lambdas/adapters/aws/watch-items.ts';
const watchReleases = 'lambdas/use-cases/watch-releases.ts';
const workloadClient = 'lambdas/adapters/workload-api/client.ts';
/** The simulator's reading of the rendered state machine: how the machine itself is altered. */
const interpreter = 'simulator/engine/interpreter.ts';

const machine = (pattern: string, by: string): Edit => ({
  file: interpreter,
  find: 'JSON.parse(text);',
  replace: `JSON.parse(text.replaceAll(${pattern}, ${by}));`,
});

/** A write to the item on no other condition than that there is one. */
const UNCONDITIONALLY = `  async function unconditionally(
    { model }: LeaseHolder,
    write: { update: string; condition: string; values: Record<string, unknown> },
    _: (item: ModelItem) => boolean,
  ): Promise<boolean> {
    const used = Object.keys(write.values).filter((name) => !write.update.includes(name));
    const condition = ['attribute_exists(fence)', ...used.map((name) => name + ' = ' + name)].join(' AND ');
    return updateItem(model, write.update, condition, write.values);
  }
  /** Models whose change is \`open\`, or that have none: \`closed\`. */`;

/** What the issue of the design names, beside the rules of its checker. */
const named: readonly Mutant[] = [
  {
    name: 'no read-back',
    breaks: 'A move in the registry counts as done without being read back',
    edits: [
      {
        file: moveChampion,
        find: 'const first = await readBack();',
        replace: "const first = { ...(await readBack()), state: 'done' as 'done' | 'again' | 'contested' };",
      },
    ],
  },
  {
    name: 'no lease: always taken',
    breaks: 'The lease is taken whoever holds it',
    edits: [
      {
        file: items,
        find: "() => take('', 'attribute_not_exists(#owner)', {}),",
        replace: "() => take('', '(attribute_not_exists(#owner) OR attribute_exists(#owner))', {}),",
      },
    ],
  },
  {
    name: 'no lease: not checked',
    breaks: 'A step writes whoever holds the lease',
    edits: [
      {
        file: withLease,
        find: 'refuseStale(item, owner, fence, clock.now(), functionTimeoutSeconds[call.function]);',
        replace: '',
      },
      {
        file: items,
        find: '#owner = :me AND fence = :fence AND expires_at > :now',
        replace: '(:me = :me AND :fence = :fence AND :now = :now)',
      },
    ],
  },
  {
    name: 'alert before record',
    breaks: 'People are told before the outcome is recorded',
    edits: [
      {
        file: record,
        find: 'const { first, ...recorded } = await record();',
        replace: `if (requested === 'pending' && alerts !== null) await publish(outcome, {}, { alerts, chat, alertContext });
  const { first, ...recorded } = await record();`,
      },
      {
        file: record,
        find: `alert: await finish(recorded, { store, alerts, chat, alertContext, ...more }, end)`,
        replace: `alert: await store.markAlertSent(outcome.execution).then(() => 'sent' as const)`,
      },
    ],
  },
  {
    name: 'rollback in two calls',
    breaks: 'A change on its way back brings back the Workload, and closes without the registry',
    edits: [
      { file: converge, find: '  servingView,\n', replace: '  servingShows,\n  servingView,\n' },
      {
        file: converge,
        find: 'const moved = await moveRegistry(c, look, carried, at, services);',
        replace: 'const moved = isBack(change) ? null : await moveRegistry(c, look, carried, at, services);',
      },
      {
        file: converge,
        find: 'if (!shows(look, change.aim) || draft)',
        replace:
          'if (!(isBack(change) ? servingShows(look.serving, change.aim) : shows(look, change.aim)) || draft)',
      },
    ],
  },
  {
    name: 'close before the look back',
    breaks: 'A change is closed first, and both sides are read afterwards',
    edits: [
      {
        file: converge,
        find: "const { look, observed } = await lookAt(writer.item.model, change.aim, services);\n  if (!isRegistryKnown(look, change) || !isServingKnown(look.serving, change))\n    return { kind: 'contested', why: 'moved-on', look, progress };\n  const draft",
        replace:
          'const { look, observed } = { look: before, observed: null as ObservedState | null };\n  const draft',
      },
    ],
  },
  {
    name: 'blind retry of MLflow writes',
    breaks: 'A transition is sent again without knowing what became of it',
    edits: [{ file: mlflowRequests, find: 'repeatable: !once,', replace: 'repeatable: true,' }],
  },
  {
    name: 'blind retry of Workload writes',
    breaks: 'A replacement is requested again without knowing what became of the request',
    edits: [
      {
        file: workloadClient,
        find: "const repeatable = method === 'GET';",
        replace: 'const repeatable = true as boolean;',
      },
    ],
  },
  {
    name: 'lease released first',
    breaks: 'A direct call releases the lease before its last write',
    edits: [
      {
        file: promoteModel,
        find: 'const { state, overwritten } = await moveAndVerify(services, look.registry, move, () =>',
        replace:
          'await store.releaseLease(input.model_name, writer.owner, clock.now());\n  const { state, overwritten } = await moveAndVerify(services, look.registry, move, () =>',
      },
    ],
  },
];

/** The rules that the checker of the design can switch off, by its names. */
const checked: readonly Mutant[] = [
  {
    name: 'touched',
    breaks: 'A change remembers only the releases of its present aim and safe, not what it may have left',
    edits: [
      {
        file: opening,
        find: 'touched: union(change.touched, touchedBy(safe, aim)), left: null });',
        replace: 'touched: touchedBy(safe, aim), left: null });',
      },
      {
        file: opening,
        find: '    touchedBy(safe, live, whole),\n    ...(change === null ? [] : [change.touched]),',
        replace: '    touchedBy(safe, live, whole),',
      },
    ],
  },
  {
    name: 'rollbackSafe',
    breaks: 'A rollback that fails goes back to the release that it was to leave',
    edits: [
      {
        file: opening,
        find: 'return open({ live: replaced, safe, aim: safe, touched, left: leftBy(item, look, safe) });',
        replace:
          'return open({ live: replaced, safe: live ?? safe, aim: safe, touched, left: leftBy(item, look, safe) });',
      },
    ],
  },
  {
    name: 'recordedAim',
    breaks: 'That a change goes back is known only to the step that has found it',
    edits: [
      {
        file: rollBack,
        find: 'if (await services.store.turnBack(holderOf(writer, now), change.id))',
        replace: 'if (now !== null)',
      },
      {
        file: items,
        find: "condition: '#change.id = :change AND #change.aim.#key = :aim',",
        replace: "condition: '#change.id = :change AND :aim = :aim',",
      },
    ],
  },
  {
    name: 'quietSelf',
    breaks: 'After an answer that never came, the next step begins while that copy may still write',
    edits: [machine('/"(Interval)?Seconds": (60|120)\\b/g', '\'"$1Seconds": 1\'')],
  },
  {
    name: 'quietLease',
    breaks: 'The lease of a stopped execution ends while its function may still write',
    edits: [{ file: cleanUp, find: '+ LAST_WRITE_SECONDS * 1000);', replace: '+ LAST_WRITE_SECONDS * 0);' }],
  },
  {
    name: 'margin',
    breaks: 'A step begins with less lease left than it can run',
    edits: [
      {
        file: withLease,
        find: 'if (item.expires_at.getTime() - now.getTime() <= seconds * 1000)',
        replace: 'if (item.expires_at.getTime() - now.getTime() <= seconds * 0)',
      },
    ],
  },
  {
    name: 'grace',
    breaks: 'Nothing seen in flight counts at once, while a request may not be visible yet',
    edits: [
      {
        file: limits,
        find: 'export const VISIBILITY_GRACE_SECONDS = 30;',
        replace: 'export const VISIBILITY_GRACE_SECONDS = 0;',
      },
    ],
  },
  {
    name: 'leaving',
    breaks: 'A cancelled replacement counts as gone',
    edits: [
      {
        file: rules,
        find: "isStatus(status, 'completed', 'failed', 'errored');\n/** True when",
        replace: "isStatus(status, 'completed', 'failed', 'errored', 'deleting');\n/** True when",
      },
    ],
  },
  {
    name: 'readBack',
    breaks: 'A change is closed right after the registry was moved, without another look',
    edits: [
      {
        file: converge,
        find: `  return {
    kind: 'waiting',
    finding: { code: 'looking-again' },
    step: 'move',
    look: after,
    progress,
    overwritten,
  };`,
        replace:
          '  return overwritten === null ? { kind: "contested", why: "lost-race", look: after, progress } : null;',
      },
      {
        file: converge,
        find: 'if (!shows(look, change.aim) || draft)',
        replace: 'if (draft)',
      },
      {
        file: moveChampion,
        find: 'const first = await readBack();',
        replace: "const first = { ...(await readBack()), state: 'done' as 'done' | 'again' | 'contested' };",
      },
    ],
  },
  {
    name: 'confirmCond',
    breaks: 'Closing is conditional on nothing',
    edits: [
      {
        file: items,
        find: `    closeChange: (by, change, live, history) =>
      underLease(
        by,
        {`,
        replace: `    closeChange: (by, change, live, history) =>
      unconditionally(
        by,
        {`,
      },
      {
        file: items,
        find: '  /** Models whose change is `open`, or that have none: `closed`. */',
        replace: UNCONDITIONALLY,
      },
    ],
  },
  {
    name: 'openCas',
    breaks: 'A change is opened although the item is not as it was when it was looked at',
    edits: [
      {
        file: items,
        find: `          condition: asSeen(seen),
          values: {
            ':change': change,
            ':state': OPEN,
            ...(live === null ? {} : { ':live': live }),
            ...seenValues(seen),`,
        replace: `          condition: seen === null ? '' : 'attribute_exists(fence)',
          values: {
            ':change': change,
            ':state': OPEN,
            ...(live === null ? {} : { ':live': live }),`,
      },
    ],
  },
  {
    name: 'expiryCond, with margin',
    breaks: 'Neither a step nor its writes to the item look at the end of the lease',
    edits: [
      {
        file: withLease,
        find: ' || item.expires_at === null || item.expires_at <= now)',
        replace: ' || item.expires_at === null)',
      },
      {
        file: withLease,
        find: 'if (item.expires_at.getTime() - now.getTime() <= seconds * 1000)',
        replace: 'if (item.expires_at.getTime() - now.getTime() <= -1e9 * seconds)',
      },
      {
        file: items,
        find: 'AND expires_at > :now AND ',
        replace: 'AND :now = :now AND ',
      },
    ],
  },
  {
    name: 'svcTwice',
    breaks: 'The Workload is not read again after the registry before a change is closed',
    edits: [
      {
        file: converge,
        find: 'const { look, observed } = await lookAt(writer.item.model, change.aim, services);\n  if (!isRegistryKnown(look, change)',
        replace:
          'const view = await readRegistry(services.registry, writer.item.model);\n  const observed: ObservedState | null = null as ObservedState | null;\n  const look = { ...before, registry: view ?? before.registry };\n  if (!isRegistryKnown(look, change)',
      },
    ],
  },
  {
    name: 'endReads',
    breaks: 'The last alert tells what the last step believed, not what both sides show',
    edits: [
      {
        file: endPromotion,
        find: 'document.model_name !== null && mayHaveChanged(document)',
        replace: 'document.model_name !== null && mayHaveChanged(document) && clock === null',
      },
    ],
  },
  {
    name: 'retell',
    breaks: 'A second picture is not told after a first one',
    edits: [
      {
        file: telling,
        find: 'if (item.told === (outOfStep ? picture : null)) return false;',
        replace: 'if ((item.told !== null) === outOfStep) return false;',
      },
    ],
  },
  {
    name: 'explicitSeen',
    breaks: 'A rollback to a named version does not take what it sees as its own to overrule',
    edits: [{ file: opening, find: '...(named ? [seen(look)] : []),', replace: '' }],
  },
  {
    name: 'sweepBack',
    breaks: 'The sweep starts no attempt at an open change',
    edits: [
      { file: sweep, find: "if (!due) return 'nothing';", replace: "if (due || !due) return 'nothing';" },
    ],
  },
  {
    name: 'finish',
    breaks: 'A change that failed goes back even if both sides show its aim',
    edits: [
      {
        file: rollBack,
        find: 'if (isComplete(change, look)) return own;',
        replace: 'if (isComplete(change, look) && own === null) return own;',
      },
    ],
  },
  {
    name: 'lockLast',
    breaks: 'A draft is locked before the registry has moved',
    edits: [
      {
        file: served,
        find: "if (move === 'none' || desired.change !== null) {",
        replace: "if (move === 'none') {",
      },
    ],
  },
  {
    name: 'reachable',
    breaks: 'A change is opened although the platform would refuse its target',
    edits: [
      {
        file: openRollback,
        find: 'const unreachable = refusalOfTarget(artifact, servedIn(serving), false);',
        replace:
          "const unreachable = artifact.id === '' ? refusalOfTarget(artifact, servedIn(serving), false) : null;",
      },
    ],
  },
  {
    name: 'attemptFirst, with the start of a name that was used',
    breaks: 'The sweep counts an attempt after it has started it, and a name that was used is an error',
    edits: [
      {
        file: 'lambdas/adapters/aws/step-functions.ts',
        find: '        if (error instanceof ExecutionAlreadyExists) return;\n',
        replace: '',
      },
      {
        file: sweep,
        find: "  if (!(await store.countAttempt(model, change.id, change.attempts, next))) return 'nothing';\n",
        replace: '',
      },
      {
        file: sweep,
        find: "    requested_by: 'sweep-promotions',\n  });\n",
        replace:
          "    requested_by: 'sweep-promotions',\n  });\n  await store.countAttempt(model, change.id, change.attempts, next);\n",
      },
    ],
  },
  {
    name: 'byChange',
    breaks: 'An attempt acts on a change that bears the name of its own execution',
    edits: [
      {
        file: rollBack,
        find: 'const id = input.change_id ?? writer.owner;',
        replace: 'const id = writer.owner;',
      },
    ],
  },
  {
    name: 'adoptLease',
    breaks: 'Adopting needs no lease',
    edits: [
      {
        file: prepare,
        find: '  if (!lease.taken) {\n',
        replace:
          "  if (!lease.taken && input.operation === 'adopt') {\n    const free = { input, services, item: await store.readItem(input.model_name) };\n    const read = await readRegistry(registry, input.model_name);\n    if (read !== null)\n      return adopt({ ...free, view: read, opener: { id: input.execution, since: now, now }, leased: { ...ready, workload_id: servedBy(input, free.item, read) } });\n  }\n  if (!lease.taken) {\n",
      },
      {
        file: items,
        find: '    adopt: (by, seen, live, history) =>\n      underLease(\n        by,',
        replace: '    adopt: (by, seen, live, history) =>\n      withoutLease(\n        by,',
      },
      {
        file: items,
        find: '  /** Models whose change is `open`, or that have none: `closed`. */',
        replace: `  const withoutLease = async (
    { model }: LeaseHolder,
    write: { update: string; condition: string; values: Record<string, unknown> },
    _: (item: ModelItem) => boolean,
  ) => updateItem(model, write.update, write.condition, write.values);
  /** Models whose change is \`open\`, or that have none: \`closed\`. */`,
      },
    ],
  },
  {
    name: 'adoptCas, with the lease',
    breaks: 'Adopting requires neither the lease nor the item as it was when it was looked at',
    edits: [
      {
        file: items,
        find: '    adopt: (by, seen, live, history) =>\n      underLease(\n        by,',
        replace: '    adopt: (by, seen, live, history) =>\n      unconditionally(\n        by,',
      },
      {
        file: items,
        find: '  /** Models whose change is `open`, or that have none: `closed`. */',
        replace: UNCONDITIONALLY,
      },
      {
        file: items,
        find: "          condition: asSeen(seen),\n          values: { ':live': live, ':state': CLOSED, ':history': history, ...seenValues(seen) },",
        replace:
          "          condition: seen === null ? '' : 'attribute_exists(fence)',\n          values: { ':live': live, ':state': CLOSED, ':history': history },",
      },
    ],
  },
  {
    name: 'asked',
    breaks: 'A change is opened although another operation has opened or closed one since it was asked for',
    edits: [
      {
        file: opening,
        find: 'const after = (at: string | undefined) => at !== undefined && Date.parse(at) > since.getTime();',
        replace:
          'const after = (at: string | undefined) => at === "never" && Date.parse(at) > since.getTime();',
      },
    ],
  },
  {
    name: 'complete',
    breaks: 'A release without a serving half is left without what is served',
    edits: [
      {
        file: found,
        find: 'if (serving === null || release.artifact_id !== null) return release;',
        replace: 'if (release !== null) return release;',
      },
    ],
  },
  {
    name: 'nullBlind',
    breaks: 'Where the aim has no serving half, whatever is served counts as foreign',
    edits: [
      {
        file: look,
        find: 'if (serving === null || change.aim.artifact_id === null) return true;',
        replace: 'if (serving === null) return true;',
      },
    ],
  },
  {
    name: 'tailWait',
    breaks: 'The lock is sent while the rollout still goes on, and its refusal counts as a failure',
    edits: [
      {
        file: converge,
        find: "if (look.serving?.in_flight) return waiting({ code: 'promotion-blocked' }, 'wait', progress);",
        replace: '',
      },
    ],
  },
  {
    name: 'lockClose',
    breaks: 'A change is closed over a draft while its rollout still goes on',
    edits: [
      {
        file: converge,
        find: "if (look.serving?.in_flight) return waiting({ code: 'promotion-blocked' }, 'wait', progress);",
        replace: 'if (look.serving?.in_flight) return null;',
      },
      {
        file: converge,
        find: 'if (!shows(look, change.aim) || draft)',
        replace: 'if (!shows(look, change.aim) || (draft && !look.serving?.in_flight))',
      },
    ],
  },
  {
    name: 'settings',
    breaks: 'A replacement by the artifact in service is cancelled like any other',
    edits: [
      {
        file: plan,
        find: 'if (candidate === workload.artifactId && !switched) return null;',
        replace: "if (candidate === '' && !switched) return null;",
      },
    ],
  },
  {
    name: 'lockBack',
    breaks: 'lock_artifact locks the artifact before the replacement, whatever is served',
    edits: [
      {
        file: replaceWorkload,
        find: 'lockArtifact: input.lock_artifact === true && change?.safe.draft !== true,',
        replace: 'lockArtifact: input.lock_artifact === true,',
      },
      {
        file: start,
        find: "if (move === 'lock') return",
        replace: "if (move === 'lock' || (desired.lockArtifact && artifact.status === 'draft')) return",
      },
    ],
  },
  {
    name: 'firstStays',
    breaks: 'A first champion is turned back to no champion',
    edits: [
      {
        file: rollBack,
        find: 'if (change.safe.version === null && champions(look.registry, look.mode).length > 0) {',
        replace: "if (change.safe.version === '' && champions(look.registry, look.mode).length > 0) {",
      },
    ],
  },
];

/** What the design before this one did. */
const former: readonly Mutant[] = [
  {
    name: 'former: rollback looks at the registry alone',
    breaks: 'A rollback has nothing to do where the registry names its target, whatever the Workload serves',
    edits: [
      {
        file: opening,
        find: 'if (inStep && whole !== null && whole.version === safe.version && whole.artifact_id === safe.artifact_id)',
        replace: 'if (registryShows(look, safe))',
      },
    ],
  },
  {
    name: 'former: safe is what is served',
    breaks: 'A promotion that is repeated takes what is served now as what to go back to',
    edits: [
      {
        file: opening,
        find: 'const safe = completed(change.safe, look);',
        replace:
          'const safe = look.serving === null ? change.safe : asServed({ ...change.safe, artifact_id: look.serving.artifact_id, workload_id: look.serving.workload_id }, look, change.safe);',
      },
    ],
  },
  {
    name: 'former: one attempt',
    breaks: 'What the first attempt could not bring back is never tried again',
    edits: [
      {
        file: sweep,
        find: "if (!due) return 'nothing';",
        replace: "if (!due || change.attempts > 0) return 'nothing';",
      },
    ],
  },
  {
    name: 'former: a bad answer is final',
    breaks: "A read whose answer is not the server's is not sent again",
    edits: [
      {
        file: http,
        find: '(request.repeatable && (GATEWAY_ERRORS.includes(status) || request.isTransient?.(reply) === true));',
        replace: '(request.repeatable && GATEWAY_ERRORS.includes(status));',
      },
      machine('/(Mlflow|WorkloadApi)InvalidResponse/g', "'NeverThrown'"),
    ],
  },
  {
    name: 'former: overwritten untold',
    breaks: 'Whom a move has archived beside its own versions is not told',
    edits: [
      {
        file: moveChampion,
        find: "v.stage === 'Archived' && !ours.includes(v.version) && isNew(v)",
        replace: "v.stage === 'never' && !ours.includes(v.version) && isNew(v)",
      },
    ],
  },
  {
    name: 'former: two in Production',
    breaks: 'The champion counts as moved if it is one of several',
    edits: [
      {
        file: 'lambdas/domain/registry.ts',
        find: 'return all.length === 1 && all[0] === version && aliasAgrees && stageAgrees;',
        replace: 'return all.includes(version) && aliasAgrees && stageAgrees;',
      },
    ],
  },
  {
    name: 'former: nothing else to do',
    breaks: 'promote-model called directly is satisfied with the registry while a change is open',
    edits: [
      {
        file: opening,
        find: "if (change !== null) return { kind: 'refused', why: 'change-open' };",
        replace:
          "if (registryShows(look, { version })) return { kind: 'already', version };\n  if (change !== null) return { kind: 'refused', why: 'change-open' };",
      },
    ],
  },
  {
    name: 'former: behind the end of the ledger',
    breaks: 'An entry that was put before a crash is not looked for: it is put again',
    edits: [
      {
        file: appendEntry,
        find: 'const head = await put({ outcome, report }, model, { from: entry.from ?? 1, end }, store);',
        replace:
          'const head = await put({ outcome, report }, model, { from: (end.head?.seq ?? 0) + 1, end }, store);',
      },
    ],
  },
  {
    name: 'former: a direct change moved since',
    breaks:
      'A direct change that was cut off is told as promoted although somebody has moved the model since',
    edits: [
      {
        file: telling,
        find: 'const outOfStep = isOutOfStep(ending);\n  const outcome',
        replace: 'const outOfStep = false;\n  const outcome',
      },
    ],
  },
  {
    name: 'former: a lease that nobody looks at',
    breaks: 'A lease that was left behind is not seen while nothing else is recorded of its model',
    edits: [
      {
        file: items,
        find: 'change_state = if_not_exists(change_state, :closed)',
        replace: 'taken_with = if_not_exists(taken_with, :closed)',
      },
    ],
  },
  {
    name: 'former: a holder that ended long ago',
    breaks:
      'An execution that ended while the table was away for hours is not looked for any more, nor is its lease',
    edits: [
      {
        file: sweep,
        find: "} else if (owner.startsWith('arn:')) {",
        replace: '} else if (owner === model) {',
      },
      { file: limits, find: 'MISSED_WITHIN_DAY_MS = 24', replace: 'MISSED_WITHIN_DAY_MS = 2' },
    ],
  },
];

/** What shows only where a world has several models. */
const several: readonly Mutant[] = [
  {
    name: 'several: one end for all ledgers',
    breaks: 'The key under which the end of a ledger is remembered forgets the model',
    edits: [
      {
        file: 'lambdas/adapters/aws/ledger-items.ts',
        find: 'const endKey = (model: string)',
        replace: "const endKey = (_: string) => ({ pk: 'ledger-end' });\nconst keyOfEach = (model: string)",
      },
    ],
  },
  {
    name: 'several: the comparison never turns the page',
    breaks: 'The hourly comparison begins each time at the first model',
    edits: [
      {
        file: sweep,
        find: 'await store.writeCursor({ from: page.next, next_round_at',
        replace: 'await store.writeCursor({ from: null, next_round_at',
      },
    ],
  },
];

/** What shows only where releases are watched. */
const watched: readonly Mutant[] = [
  {
    name: 'watch: no pin',
    breaks: 'The rollback of a watch turns whatever is live when it comes',
    edits: [
      {
        file: openRollback,
        find: 'if (pinned !== null && !isPinned',
        replace: "if (pinned === '' && !isPinned",
      },
    ],
  },
  {
    name: 'watch: the pin is checked before the lease',
    breaks:
      'Whether the version is still live is checked before its rollback is started, and not under the lease',
    edits: [
      {
        file: openRollback,
        find: 'if (pinned !== null && !isPinned',
        replace: "if (pinned === '' && !isPinned",
      },
      {
        file: watchReleases,
        find: 'const executions = isDue ? await services.executions() : null;',
        replace: `const executions = isDue ? await services.executions() : null;
  const now = await store.readItem(model);
  if (now.live?.version !== live.version || now.change !== null) return null;`,
      },
    ],
  },
  {
    name: 'watch: counted after the decision',
    breaks: 'What was decided, and which blocks were counted for it, are two writes',
    edits: [
      {
        file: watchReleases,
        find: 'if (await store.putWatch(model, item, seenOf(settled))) await carryOut(model, live, item, done, services);',
        replace: `const decided = structuredClone(item);
  for (const [name, series] of Object.entries(decided.state?.series ?? {}))
    series.counted = settled?.state?.series[name as 'rows']?.counted ?? {};
  if (!(await store.putWatch(model, decided, seenOf(settled)))) return;
  const counted = { ...item, rev: item.rev + 1 };
  if (await store.putWatch(model, counted, seenOf(decided))) await carryOut(model, live, counted, done, services);`,
      },
    ],
  },
  {
    name: 'watch: decided after what was counted',
    breaks: 'Which blocks were counted, and what was decided by them, are two writes',
    edits: [
      {
        file: watchReleases,
        find: 'if (await store.putWatch(model, item, seenOf(settled))) await carryOut(model, live, item, done, services);',
        replace: `const counted =
    item.state === null ? item : { ...item, status: opened.status, state: { ...item.state, ended: opened.state?.ended ?? null } };
  if (!(await store.putWatch(model, counted, seenOf(settled)))) return;
  const decided = { ...item, rev: item.rev + 1 };
  if (await store.putWatch(model, decided, seenOf(counted))) await carryOut(model, live, decided, done, services);`,
      },
    ],
  },
  {
    name: 'watch: started before it is decided',
    breaks: 'The rollback is started before the decision is written, each time under another name',
    edits: [
      {
        file: watchReleases,
        find: 'if (await store.putWatch(model, item, seenOf(settled))) await carryOut(model, live, item, done, services);',
        replace: `const attempt = clock.now().getTime();
  const isDecided = item.status === 'rollback_due' && item.state !== null;
  if (isDecided)
    await (await services.executions()).start(rollbackName({ ...item, attempt }), {
      operation: 'rollback',
      model_name: model,
      champion_version: item.state?.pair.new,
      reason: 'PERFORMANCE_DEGRADATION',
      requested_by: 'watch-releases',
    });
  const begun = isDecided ? { ...item, attempt, status: 'rollback_started' as const } : item;
  if (await store.putWatch(model, begun, seenOf(settled))) await carryOut(model, live, begun, done, services);`,
      },
    ],
  },
  {
    name: 'watch: written whoever has written since',
    breaks: 'A run overwrites what another one has counted and decided meanwhile',
    edits: [
      {
        file: watchItems,
        find: "'promotion = :promotion AND rev = :rev'",
        replace:
          "'(promotion = :promotion OR attribute_exists(pk)) AND (rev = :rev OR attribute_exists(pk))'",
      },
      {
        file: watchItems,
        find: "'attribute_not_exists(pk)'",
        replace: "'attribute_not_exists(pk) OR attribute_exists(pk)'",
      },
    ],
  },
  {
    name: 'watch: told under another name each time',
    breaks: 'A finding that is told again is another outcome',
    edits: [
      {
        file: 'lambdas/use-cases/parts/tell-watch.ts',
        find: 'execution: tellId(promotion, tell),',
        replace: "execution: tellId(promotion, tell) + ':' + services.clock.now().getTime(),",
      },
    ],
  },
  {
    name: 'watch: never closed',
    breaks: 'The watch of a release goes on when another one is live',
    edits: [
      {
        file: watchReleases,
        find: 'settled?.promotion === live.change ? settled : await opening',
        replace: 'settled !== null ? settled : await opening',
      },
    ],
  },
  {
    name: 'watch: replaced before its rollback has told',
    breaks: 'What a watch has found is gone when the rollback that it has started is told',
    edits: [
      {
        file: watchReleases,
        find: 'const isItsRollback = kept !== null && live.change',
        replace: "const isItsRollback = kept !== null && '' === live.change && live.change",
      },
    ],
  },
];

/** What keeps a promotion from being made that nobody has approved. */
const approved: readonly Mutant[] = [
  {
    name: 'approval: of anybody',
    breaks: 'Whoever calls may approve',
    edits: [
      {
        file: 'lambdas/domain/approval/policy-approval.ts',
        find: 'approvers.every((list) =>',
        replace: 'approvers.every((list) => list.length > 0 ||',
      },
    ],
  },
  {
    name: 'approval: of the requester',
    breaks: 'Who has started the execution may approve it',
    edits: [
      {
        file: 'lambdas/domain/approval/decide.ts',
        find: "if (requester === who) return 'requester';",
        replace: '',
      },
    ],
  },
  {
    name: 'approval: of nobody',
    breaks: 'A promotion is opened whatever was decided on it',
    edits: [
      {
        file: 'lambdas/use-cases/parts/approval-given.ts',
        find: "const open = standings.find(({ status }) => status !== 'approved');",
        replace: 'const open = standings.slice(standings.length)[0];',
      },
      {
        file: 'lambdas/use-cases/request-approval.ts',
        find: 'const { status, approvals, missing, wait_seconds } = standing;',
        replace: `const { approvals, missing, wait_seconds } = standing;
    const status = standing.status === 'waiting' && open.token !== null ? 'approved' : standing.status;`,
      },
    ],
  },
  {
    name: 'approval: a rejection ends nothing',
    breaks: 'Enough approvals outweigh a rejection',
    edits: [
      {
        file: 'lambdas/domain/approval/request.ts',
        find: "if (rejection !== null) return { ...ended, status: 'rejected' };",
        replace: '',
      },
    ],
  },
  {
    name: 'approval: decided twice',
    breaks: 'A person may decide as often as they like',
    edits: [
      {
        file: 'lambdas/domain/approval/decide.ts',
        find: 'if (decisions.some((each) => each.who === who && each.digest === request.digest))',
        replace: 'if (decisions.length > 8)',
      },
      {
        file: 'lambdas/domain/approval/decide.ts',
        find: "if (status !== 'waiting') return 'decided';",
        replace: '',
      },
    ],
  },
  {
    name: 'approval: never void',
    breaks: 'A request goes on waiting when its execution has ended',
    edits: [
      {
        file: 'lambdas/use-cases/request-approval.ts',
        find: "const ended = status === 'waiting' ? 'void' : endedAs(status);",
        replace: "const ended = status === 'waiting' ? null : endedAs(status);",
      },
    ],
  },
];

export const mutants: readonly Mutant[] = [
  ...named,
  ...checked,
  ...former,
  ...several,
  ...watched,
  ...approved,
];

/** Throws for a name that is not in the list. */
export function mutantNamed(name: string): Mutant {
  const mutant = mutants.find((each) => each.name === name);
  if (mutant === undefined) throw new Error(`There is no mutant ${name}`);
  return mutant;
}
