import type { DriftFound, DriftProblem, RetrainingReason } from '../domain/retraining/decide.ts';
import { visible } from '../domain/visible-text.ts';
import { show } from './numbers.ts';
import { MAX_ID } from './phrases.ts';

/** The sentences in the `reason` of what `check-retraining-needed` answers, for people only. */

/** Why a model is retrained, or not. Where drift was looked at and cannot be told, why that is so. */
export function retrainingReason(reason: RetrainingReason, drift: DriftFound | null): string {
  const why = ruleText(reason);
  return drift === null || drift.problem === null
    ? why
    : `${why}. Drift: ${problemText(drift.problem, drift.n)}`;
}

function ruleText(reason: RetrainingReason): string {
  switch (reason.code) {
    case 'invalid-name':
      return 'The name is none that a registered model can have';
    case 'not-allowed':
      return 'The model is not among those that are retrained (ALLOWED_MODELS)';
    case 'unknown-model':
      return 'MLflow has no registered model of this name';
    case 'asked':
      return 'Retraining was requested by hand';
    case 'no-version':
      return 'The model has no version yet';
    case 'waiting':
      return `Version ${reason.version} awaits its promotion`;
    case 'leased':
      return `"${visible(reason.owner, MAX_ID)}" is changing the model`;
    case 'recent':
      return `The last retraining was ${hours(reason.hours)} ago, less than ${hours(reason.least)}`;
    case 'under-way':
      return `Attempt ${reason.attempt} at a retraining is under way; the next one is due from ${reason.nextAt}`;
    case 'again':
      return `The last retraining brought no new version: attempt ${reason.attempt}`;
    case 'attempt':
      return `This is attempt ${reason.attempt} at the retraining that is needed`;
    case 'no-version-came':
      return `Attempt ${reason.attempt} at the retraining has brought no new version`;
    case 'trained':
      return `The newest version is ${reason.version ?? 'none'}`;
    case 'drift':
      return `The inputs have drifted significantly${reason.psi === null ? '' : `: index ${show(reason.psi, 3)}`}${reason.n === null ? '' : `, n = ${reason.n}`}`;
    case 'age':
      return `The newest version is ${days(reason.days)} old, and the interval is ${days(reason.interval)}`;
    case 'not-due':
      return `The newest version is ${days(reason.days)} old, less than ${days(reason.interval)}${noDrift(reason.drift)}`;
  }
}

const noDrift = (severity: (RetrainingReason & { code: 'not-due' })['drift']): string =>
  severity === null || severity === 'unknown'
    ? ''
    : severity === 'none'
      ? ', and its inputs have not drifted'
      : `, and its inputs have drifted by less than retraining needs (${severity})`;

function problemText(problem: DriftProblem, n: number | null): string {
  switch (problem.code) {
    case 'bad-tag':
      return 'the tag promotion.drift names no run, such as RUN or RUN/path/drift.json, and no metrics of runs, such as experiments/12?metric=win_rate';
    case 'no-run':
      return 'the run in the tag promotion.drift does not exist';
    case 'missing':
      return 'the run has no such file';
    case 'refused':
      return 'MLflow refuses to show the file, or the runs';
    case 'too-large':
      return 'the file is too large';
    case 'unreadable':
      return `the file cannot be read: ${problem.what}`;
    case 'before-version':
      return `it was measured before version ${problem.version} was registered`;
    case 'nothing-compared':
      return 'no feature has the same bins in both periods';
    case 'too-few':
      return `not enough to tell: ${n ?? 0} rows in the smaller period, ${problem.needed} would do`;
  }
}

const hours = (value: number) => (value > 0 && value < 1 ? 'less than 1 h' : `${show(value, 3)} h`);
const days = (value: number) => {
  const text = value > 0 && value < 1 ? 'less than 1' : show(value, 3);
  return text.endsWith('1') && value < 2 ? `${text} day` : `${text} days`;
};

/** Why a payload is refused. */
export const invalidRequestReason = (problems: readonly string[]): string =>
  `The request is invalid: ${problems.map((problem) => visible(problem, 300)).join('; ')}`;

/** What earlier attempts at a retraining have brought. */
export const noNewVersion = (attempts: number, since: string): string =>
  `${attempts} retrainings of the model since ${visible(since, 40)} have brought no new version`;
