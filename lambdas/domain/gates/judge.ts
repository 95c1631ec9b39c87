import type { Candidate } from '../comparison/evidence.ts';
import {
  HOLD_TAG,
  type ModelVersion,
  QUARANTINE_TAG,
  type RegisteredModel,
  type RegistryMode,
} from '../registry.ts';
import {
  bounded,
  type GateFinding,
  type GateReason,
  isTimed,
  type ModelFileProblem,
  type Side,
} from './finding.ts';
import { frozenUntil } from './freeze.ts';
import { type Gate, type GateOf, type GatePolicy, wholeValue } from './policy-gates.ts';
import { type Signature, signatureProblems } from './signature.ts';

/** The gates of a policy, judged on what the registry, the run and the file `MLmodel` say. */

/** What is used of a version's file `MLmodel`. */
export interface ModelFile {
  /** Of its bytes, in hexadecimal. */
  readonly sha256: string;
  readonly signature: Signature | null | 'unreadable';
  /** Bytes of the whole model; null where the file does not say. */
  readonly size: number | null;
}
export type ModelFileRead = { readonly file: ModelFile } | { readonly problem: ModelFileProblem };

/** What gates are judged on. */
export interface GateFacts {
  readonly model: Pick<RegisteredModel, 'tags'>;
  readonly mode: RegistryMode;
  readonly champion: Candidate | null;
  readonly challenger: Candidate;
  /** Null where it was not read. */
  readonly modelFiles: Readonly<Record<Side, ModelFileRead | null>>;
  /** Of the rows that the challenger was evaluated on; null where there are none that can be used. */
  readonly fingerprint: string | null;
}

/** A judgement, and what it was based on. */
interface Judged {
  readonly why: readonly GateReason[];
  readonly notJudged?: boolean;
  readonly inputs?: unknown;
}

const passed: Judged = { why: [] };

/** The result of every gate of the policy, in its order. */
export function judgeGates({ gates = [] }: GatePolicy, facts: GateFacts, now: Date): GateFinding[] {
  return gates.map((gate) => {
    const { why, notJudged = false } = judged(gate, facts, now);
    const result = notJudged ? 'not-judged' : why.length === 0 ? 'passed' : 'failed';
    const { name, kind, dry_run } = gate;
    return { name, kind, result, dry_run, why: bounded(why) };
  });
}

/** What the gates that are part of the evidence are based on: for its digest. Undefined where the policy has none. */
export function gateInputs({ gates = [] }: GatePolicy, facts: GateFacts): unknown {
  const lasting = gates.filter((gate) => !isTimed(gate));
  if (lasting.length === 0) return undefined;
  return lasting.map((gate) => {
    const { why, inputs } = judged(gate, facts, new Date(0));
    return { name: gate.name, why, inputs };
  });
}

/** Those that keep the challenger from being promoted. */
export const blocking = <T extends Pick<GateFinding, 'result' | 'dry_run'>>(found: readonly T[]): T[] =>
  found.filter(({ result, dry_run }) => result === 'failed' && !dry_run);

function judged(gate: Gate, facts: GateFacts, now: Date): Judged {
  switch (gate.kind) {
    case 'tags':
      return tags(gate, facts);
    case 'lineage':
      return lineage(gate, facts);
    case 'signature':
      return signature(facts);
    case 'digests':
      return digests(gate, facts);
    case 'min_age':
      return minimumAge(gate, facts, now);
    case 'freeze': {
      const until = frozenUntil(gate, now);
      return until === null ? passed : { why: [{ code: 'frozen', until, time_zone: gate.time_zone }] };
    }
    case 'hold':
      return said('on-hold', facts.model.tags[HOLD_TAG]);
    case 'quarantine':
      return said('quarantined', facts.challenger.version.tags[QUARANTINE_TAG]);
  }
}

/** An empty tag counts as cleared. */
const said = (code: 'on-hold' | 'quarantined', text = ''): Judged =>
  text.trim() === '' ? passed : { why: [{ code, said: text.slice(0, MAX_TEXT) }] };

/** Characters of a tag that are matched and shown: a pattern may take long for longer ones. */
const MAX_TEXT = 500;

function tags({ on, tags: wanted }: GateOf<'tags'>, { model, challenger }: GateFacts): Judged {
  const places = {
    version: [challenger.version.tags],
    model: [model.tags],
    either: [challenger.version.tags, model.tags],
  }[on];
  const found = wanted.map((each) => {
    const { key, pattern } = typeof each === 'string' ? { key: each, pattern: undefined } : each;
    const values = places.map((place) => (Object.hasOwn(place, key) ? (place[key] ?? '') : ''));
    return { key, pattern, value: values.find((value) => value.trim() !== '') ?? '' };
  });
  const why = found.flatMap(({ key: tag, pattern, value }): GateReason[] => {
    if (value === '') return [{ code: 'tag-missing', tag }];
    if (pattern === undefined) return [];
    if (value.length <= MAX_TEXT && wholeValue(pattern).test(value)) return [];
    return [{ code: 'tag-differs', tag, value: value.slice(0, MAX_TEXT), pattern }];
  });
  return { why, inputs: found.map(({ key, value }) => [key, value]) };
}

const COMMIT = 'mlflow.source.git.commit';
/** The commit that a run was started from; null where its tag is none. */
export function commitOf({ run }: Candidate): string | null {
  const commit = run?.tags[COMMIT]?.trim() ?? '';
  return /^[0-9a-f]{7,64}$/i.test(commit) ? commit : null;
}

function lineage({ needs }: GateOf<'lineage'>, { challenger, fingerprint }: GateFacts): Judged {
  const { run } = challenger;
  const commit = commitOf(challenger);
  const data = [
    ...(run?.datasets ?? []).map(({ digest }) => digest),
    ...(run?.metrics ?? []).flatMap(({ datasetDigest }) => datasetDigest ?? []),
  ];
  const why = needs.flatMap((need): GateReason[] => {
    if (need === 'run')
      return run === null
        ? [{ code: 'no-run' }]
        : run.status === 'FINISHED'
          ? []
          : [{ code: 'run-not-finished' }];
    if (need === 'commit') return commit === null ? [{ code: 'no-commit' }] : [];
    return fingerprint === null && data.length === 0 ? [{ code: 'no-data' }] : [];
  });
  return { why, inputs: { run: run?.runId ?? null, commit, fingerprint, data: [...new Set(data)].sort() } };
}

function signature({ champion, modelFiles }: GateFacts): Judged {
  if (champion === null) return { why: [{ code: 'no-champion' }], notJudged: true };
  const sides = (['challenger', 'champion'] as const).map((of) => ({ of, read: modelFiles[of] }));
  const inputs = sides.map(({ read }) => (read !== null && 'file' in read ? read.file.sha256 : read));
  const why: GateReason[] = [];
  for (const { of, read } of sides) {
    if (read === null) why.push({ code: 'model-file', of, problem: 'missing' });
    else if ('problem' in read) why.push({ code: 'model-file', of, problem: read.problem });
    else if (read.file.signature === 'unreadable')
      why.push({ code: 'model-file', of, problem: 'unreadable' });
    else if (read.file.signature === null) why.push({ code: 'no-signature', of });
  }
  // A champion that promises nothing leaves nothing to hold the challenger to.
  const free = why.length === 1 && why[0]?.code === 'no-signature' && why[0].of === 'champion';
  if (why.length > 0) return { why, inputs, notJudged: free };
  const [now, old] = sides.map(({ read }) => signatureOf(read));
  return { why: now == null || old == null ? [] : signatureProblems(old, now), inputs };
}

/** The signature in a file that was read; null where it is not known. */
export function signatureOf(read: ModelFileRead | null): Signature | null {
  if (read === null || 'problem' in read || read.file.signature === 'unreadable') return null;
  return read.file.signature;
}

/** Where a run records what its digests were at training. */
const RECORDED = { data: 'promotion.fingerprint', model: 'promotion.mlmodel_sha256' } as const;

function digests(
  { of: wanted }: GateOf<'digests'>,
  { challenger, modelFiles, fingerprint }: GateFacts,
): Judged {
  const file = modelFiles.challenger;
  const found = { data: fingerprint, model: file !== null && 'file' in file ? file.file.sha256 : null };
  const compared = wanted.map((of) => ({
    of,
    recorded: (challenger.run?.tags[RECORDED[of]] ?? '').trim().toLowerCase().slice(0, MAX_TEXT),
    found: found[of],
  }));
  const why = compared.flatMap((each): GateReason[] => {
    if (each.recorded === '') return [{ code: 'not-recorded', of: each.of }];
    if (each.found === null) return [{ code: 'not-found', of: each.of }];
    return each.recorded === each.found ? [] : [{ code: 'digest-differs', ...each, found: each.found }];
  });
  return { why, inputs: compared };
}

const HOUR_MS = 3_600_000;

/** A stage is a change of the version; without stages, its registration counts. */
function minimumAge(
  { hours: needed }: GateOf<'min_age'>,
  { mode, challenger }: GateFacts,
  now: Date,
): Judged {
  const { stage, ...version } = challenger.version;
  if (mode !== 'aliases' && stage !== 'Staging') return { why: [{ code: 'not-in-staging', stage }] };
  const since = sinceOf(version);
  if (since === null) return { why: [{ code: 'age-unknown' }] };
  const hours = (now.getTime() - since) / HOUR_MS;
  return hours >= needed ? passed : { why: [{ code: 'too-young', hours: Math.max(0, hours), needed }] };
}

/** Milliseconds since 1970 of the last change, or else of the registration. */
const sinceOf = ({ updatedAt, createdAt }: Pick<ModelVersion, 'updatedAt' | 'createdAt'>) =>
  updatedAt ?? createdAt ?? null;
