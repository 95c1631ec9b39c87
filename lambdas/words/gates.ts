import type { GateFinding, GateReason } from '../domain/gates/finding.ts';
import type { GateResult } from '../domain/gates/gate-result.ts';
import type { Comparison } from '../domain/payloads.ts';
import { visible } from '../domain/visible-text.ts';
import { percent, show, signed } from './numbers.ts';

/** The texts about gates and checks. Tags, names of columns and slices, and digests are untrusted text. */

const MAX_NAME = 60;
const MAX_SAID = 200;
const name = (text: string) => `"${visible(text, MAX_NAME)}"`;

/** A finding as the answer has it. */
export function gateInWords(found: GateFinding): GateResult {
  const { why, ...facts } = found;
  return { ...facts, why: why.map((each) => ({ ...each })), reason: gateReason(found) };
}

const MAX_REASONS = 3;

/** Why it is not passed, in one line; empty where it is. */
export function gateReason({ why }: Pick<GateFinding, 'why'>): string {
  const more = why.length > MAX_REASONS ? [`and ${why.length - MAX_REASONS} more`] : [];
  return [...why.slice(0, MAX_REASONS).map(reasonText), ...more].join('; ');
}

function reasonText(why: GateReason): string {
  switch (why.code) {
    case 'tag-missing':
      return `there is no tag ${name(why.tag)}`;
    case 'tag-differs':
      return `tag ${name(why.tag)} is ${name(why.value)}, which does not match ${name(why.pattern)}`;
    case 'no-run':
      return 'the version has no run';
    case 'run-not-finished':
      return 'its run has not finished';
    case 'no-commit':
      return 'its run names no git commit';
    case 'no-data':
      return 'its run names no data';
    case 'no-champion':
      return 'there is no champion to compare with';
    case 'model-file':
      return `the file MLmodel of the ${why.of} ${FILE[why.problem]}`;
    case 'no-signature':
      return `the ${why.of} has no signature`;
    case 'not-recorded':
      return `the run did not record the digest of its ${why.of}`;
    case 'not-found':
      return `the digest of its ${why.of} cannot be computed`;
    case 'digest-differs':
      return `the digest of its ${why.of} is ${visible(why.found, 12)}, recorded was ${visible(why.recorded, 12)}`;
    case 'too-young':
      return `${show(why.hours, 3)} h in Staging, needed ${show(why.needed)} h`;
    case 'not-in-staging':
      return `it is in stage ${visible(why.stage, MAX_NAME)}, not in Staging`;
    case 'age-unknown':
      return 'MLflow does not say since when';
    case 'frozen':
      return `nothing is promoted until ${visible(why.until, 20)} (${visible(why.time_zone, MAX_NAME)})`;
    case 'on-hold':
      return `the model is on hold: ${visible(why.said, MAX_SAID)}`;
    case 'quarantined':
      return `the version is in quarantine: ${visible(why.said, MAX_SAID)}`;
    default:
      return signatureText(why) ?? evidenceText(why);
  }
}

const FILE = { missing: 'is not there', 'too-large': 'is too large', unreadable: 'cannot be read' } as const;

/** Problems of a signature; null for another reason. */
function signatureText(why: GateReason): string | null {
  if (!('champion' in why)) return null;
  const called = name(why.name);
  const types = `(champion: ${visible(why.champion ?? 'none', MAX_NAME)}; challenger: ${visible(why.challenger ?? 'none', MAX_NAME)})`;
  switch (why.code) {
    case 'input-missing':
      return `input ${called} is not taken any more`;
    case 'input-required':
      return `input ${called} is required, and callers of the champion need not pass it`;
    case 'input-type':
      return `input ${called} is taken as another type ${types}`;
    case 'param-missing':
      return `parameter ${called} is not taken any more`;
    case 'param-type':
      return `parameter ${called} is taken as another type ${types}`;
    case 'output-missing':
      return `output ${called} is not returned any more`;
    case 'output-added':
      return `output ${called} is new`;
    case 'output-type':
      return `output ${called} has another type ${types}`;
  }
}

const FILTER = {
  'too-large': 'is too large',
  'too-small': 'has too few rows',
  unreadable: 'cannot be used',
} as const;

function evidenceText(why: GateReason): string {
  switch (why.code) {
    case 'too-old':
      return `evaluated ${show(why.days, 3)} days ago, at most ${show(why.most)} are allowed`;
    case 'metric-differs':
      return `${visible(why.metric, MAX_NAME)} of version ${visible(why.version, 20)} is logged with another value than its rows give`;
    case 'no-rows':
      return 'not both runs hold rows that can be used';
    case 'no-ids':
      return 'the rows have no ids';
    case 'no-slices':
      return 'the rows have no column of slices';
    case 'no-measure':
      return 'no rule compares the versions on rows';
    case 'filter':
      return `the filter of training rows ${FILTER[why.problem]}`;
    case 'overlap':
      return `${why.known} of ${why.rows} evaluation rows seem to have been in training, about ${percent(why.share)}`;
    case 'slice-worse':
      return `slice ${name(why.slice)} is worse: ${signed(why.estimate)}, at most ${signed(why.upper)}, allowed ${signed(-why.margin)}; n = ${why.rows}`;
    case 'slice-worst':
      return `the smallest gain is ${signed(why.estimate)}, of slice ${name(why.slice)}, allowed ${signed(-why.margin)}; n = ${why.rows}`;
    case 'slices-too-small':
      return `${why.count} ${why.count === 1 ? 'slice has' : 'slices have'} too few rows, and ${why.count === 1 ? 'is' : 'are'} not judged`;
    case 'slices-left-out':
      return `${why.count} more slices are not judged`;
    default:
      return why.code;
  }
}

export const GATE_RESULTS = { passed: 'passed', failed: 'not passed', 'not-judged': 'not judged' } as const;

const MAX_LINES = 8;

/**
 * The gates and checks of a comparison in few lines: those that are not passed, and how many are. Safe to print; none where
 * there are neither.
 */
export function gateLines({ gates = [], checks = [] }: Pick<Comparison, 'gates' | 'checks'>): string[] {
  const all = [...gates, ...checks];
  if (all.length === 0) return [];
  const passed = all.filter(({ result }) => result === 'passed').length;
  const others = all.filter(({ result }) => result !== 'passed');
  const more = others.length > MAX_LINES ? [`… ${others.length - MAX_LINES} more not shown`] : [];
  return [
    `${passed} of ${all.length} gates and checks passed`,
    ...others.slice(0, MAX_LINES).map((one) => `- ${gateLine(one)}`),
    ...more,
  ];
}

/** One gate or check in a line, as text that is safe to print. */
export function gateLine({ name: called, result, dry_run: dry, reason }: GateResult): string {
  const because = reason === '' ? '' : `: ${visible(reason, 600)}`;
  return `${visible(called, MAX_NAME)} ${GATE_RESULTS[result]}${dry && result === 'failed' ? ' (dry run: does not block)' : ''}${because}`;
}
