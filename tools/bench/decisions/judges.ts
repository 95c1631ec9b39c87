import { policyFiles } from '../../../lambdas/adapters/policy-files.ts';
import { type Claim, decideClaim, neededFor } from '../../../lambdas/domain/comparison/claims.ts';
import { decide } from '../../../lambdas/domain/comparison/decision.ts';
import type { Evidence } from '../../../lambdas/domain/comparison/evidence.ts';
import { defaults } from '../../../lambdas/domain/defaults.ts';
import { mcnemar } from '../../../lambdas/domain/paired/mcnemar.ts';
import { meanGain } from '../../../lambdas/domain/paired/mean.ts';
import { type Answer, isRefused } from '../../../lambdas/domain/paired/test-result.ts';
import type { Evaluated } from './two-models.ts';

type Decision = 'PROMOTE' | 'KEEP' | 'INVESTIGATE';

/** A way to decide between two models on the rows of one evaluation. */
export interface Judge {
  readonly title: string;
  decide(rows: Evaluated): Decision;
}

/** The policies' risk of one comparison. */
export const ALPHA = 0.05;
/** The smallest gain in accuracy for which a person is asked. */
export const WORTHWHILE = 0.01;

/** What compares the two accuracies only. */
export const pointJudges: readonly Judge[] = [
  { title: 'greater than', decide: (rows) => (gainOf(rows) > 0 ? 'PROMOTE' : 'KEEP') },
  {
    title: '>= 1 % relative',
    decide: (rows) => (gainOf(rows) >= (0.01 * rows.championRight) / rows.n ? 'PROMOTE' : 'KEEP'),
  },
];

const gainOf = ({ n, onlyChallenger, onlyChampion }: Evaluated) => (onlyChallenger - onlyChampion) / n;

/** The shipped policies on runs that hold one number for each metric: grade C and grade E. */
export async function policyJudges(): Promise<Judge[]> {
  const { load } = policyFiles(new URL('../../../policies/', import.meta.url));
  return Promise.all(
    [
      ['default', 'C'],
      ['trading', 'E'],
    ].map(async ([name = '', grade]) => {
      const policy = await load(name);
      return {
        title: `${name}, ${grade}`,
        decide: (rows: Evaluated) => decide(evidenceOf(rows), policy, defaults.minConfidence).decision,
      };
    }),
  );
}

/** Runs with the accuracy under the name of every metric that the shipped policies compare with it. */
function evidenceOf({ n, championRight, onlyChampion, onlyChallenger }: Evaluated): Evidence {
  const side = (version: number, stage: string, right: number) => {
    const accuracy = right / n;
    const values = {
      accuracy,
      profit_total: accuracy,
      sharpe_ratio: accuracy,
      max_drawdown: 1 - accuracy,
      win_rate: accuracy,
    };
    return {
      version: { version: `${version}`, stage, status: 'READY', runId: `run-${version}`, tags: {} },
      run: {
        runId: `run-${version}`,
        status: 'FINISHED',
        metrics: Object.entries(values).map(([key, value]) => ({ key, value, step: 0, datasetDigest: null })),
        datasets: [{ name: 'held-out', digest: 'same', context: 'evaluation' }],
        params: { eval_rows: `${n}` },
        tags: {},
      },
    };
  };
  return {
    champion: side(2, 'Production', championRight),
    challenger: side(3, 'Staging', championRight + onlyChallenger - onlyChampion),
  };
}

/** Paired accuracy. `alpha`: what the budget leaves for the claim. */
export const accuracyJudge = (title: string, claim: Claim, alpha: number): Judge => ({
  title,
  decide: (rows) => {
    const test = mcnemar(rows, { needed: neededFor(claim), alpha: ALPHA });
    return decided(test, { claim, alpha, worthwhile: WORTHWHILE });
  },
});

/** Paired log loss against what is needed; several judges ask for the same. */
function lossTest(rows: Evaluated, needed: number): Answer {
  if (latest?.rows !== rows || latest.needed !== needed) {
    latest = { rows, needed, test: meanGain(rows.lossGains, { needed, alpha: ALPHA }) };
  }
  return latest.test;
}
let latest: { rows: Evaluated; needed: number; test: Answer } | null = null;

/** Paired log loss. `worthwhile`: in units of the loss. */
export const lossJudge = (title: string, claim: Claim, alpha: number, worthwhile: number): Judge => ({
  title,
  decide: (rows) => {
    return decided(lossTest(rows, neededFor(claim)), { claim, alpha, worthwhile });
  },
});

function decided(test: Answer, by: { claim: Claim; alpha: number; worthwhile: number }): Decision {
  if (isRefused(test)) return 'INVESTIGATE';
  return decideClaim({ ...by, primary: test, guardrails: [] }).decision;
}
