import {
  decisiveMetrics,
  type Policy,
  type PolicyChoice,
  type PolicyMistake,
  parsePolicyFile,
  policyMistakes,
} from '../../lambdas/domain/comparison/policy.ts';
import { type Keys, keysOf } from '../../lambdas/domain/comparison/policy-fields.ts';
import { parseJson } from '../../lambdas/domain/json.ts';
import type { Run } from '../../lambdas/domain/registry.ts';

/**
 * What is wrong with a policy file. `not-json`: it cannot be parsed. `invalid`: a field, or a contradiction between fields.
 * `file-name`: no policy can be called that. `no-such-policy`: no valid file of that name is beside it. `stands-for-others`:
 * the policy that it names is a choice itself. `not-logged`: no run that was read has one of these metrics.
 * `never-applies`: no run that was read has the metrics that decide in one of these policies.
 */
export type PolicyFinding =
  | { code: 'not-json'; message: string }
  | ({ code: 'invalid' } & PolicyMistake)
  | { code: 'file-name' }
  | { code: 'no-such-policy' | 'stands-for-others'; path: string; policy: string }
  | { code: 'not-logged'; path: string; metrics: string[] }
  | { code: 'never-applies'; path: string; policies: string[] };

/** What was found in one file. */
export interface PolicyFindings {
  mistakes: PolicyFinding[];
  /** What may be meant: a number without which the policy decides, too. */
  notes: PolicyFinding[];
}

const FILE_NAME = /^[a-z0-9][a-z0-9-]{0,63}\.json$/;

/**
 * Everything that can be said of a policy file. `beside` gives the text of another file in the same folder, null for none;
 * `runs` are those of the model, null when none were asked for.
 */
export function policyFindings(
  fileName: string,
  text: string,
  beside: (fileName: string) => string | null,
  runs: readonly Run[] | null,
): PolicyFindings {
  const named: PolicyFinding[] = FILE_NAME.test(fileName) ? [] : [{ code: 'file-name' }];
  const read = contentOf(text);
  if (!read.ok) return { mistakes: [...named, ...read.mistakes], notes: [] };
  if ('rules' in read.policy) {
    const { mistakes, notes } = runs === null ? NOTHING : unlogged(read.policy, runs);
    return { mistakes: [...named, ...mistakes], notes };
  }
  return { mistakes: [...named, ...choiceMistakes(read.policy, beside, runs)], notes: [] };
}

const NOTHING: PolicyFindings = { mistakes: [], notes: [] };

type Content = { ok: true; policy: Policy | PolicyChoice } | { ok: false; mistakes: PolicyFinding[] };

function contentOf(text: string): Content {
  try {
    const content = parseJson(text);
    const mistakes = policyMistakes(content);
    if (mistakes.length === 0) return { ok: true, policy: parsePolicyFile('checked', content) };
    return { ok: false, mistakes: mistakes.map((mistake) => ({ code: 'invalid', ...mistake })) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { ok: false, mistakes: [{ code: 'not-json', message: error.message }] };
  }
}

/** The metrics of rules, and the numbers of their samples, that no run has. */
function unlogged({ rules }: Policy, runs: readonly Run[]): PolicyFindings {
  const finding = (path: string, keys: Keys): PolicyFinding[] =>
    runs.some((run) => logsMetric(run, keys)) ? [] : [notLogged(path, keys)];
  const mistakes: PolicyFinding[] = [];
  const notes: PolicyFinding[] = [];
  rules.forEach(({ metric, sample, when_missing }, index) => {
    (when_missing === 'skip' ? notes : mistakes).push(...finding(`rules.${index}.metric`, metric));
    for (const [field, keys] of Object.entries({ ...sample, kind: undefined })) {
      if (keys === undefined || runs.some((run) => logsMetric(run, keys) || hasParameter(run, keys)))
        continue;
      notes.push(notLogged(`rules.${index}.sample.${field}`, keys));
    }
  });
  return { mistakes, notes };
}

const notLogged = (path: string, keys: Keys): PolicyFinding => ({
  code: 'not-logged',
  path,
  metrics: [...keysOf(keys)],
});
const logsMetric = ({ metrics }: Run, keys: Keys) =>
  metrics.some((metric) => keysOf(keys).includes(metric.key));
const hasParameter = ({ params }: Run, keys: Keys) => keysOf(keys).some((key) => key in params);

function choiceMistakes(
  { first_of: names }: PolicyChoice,
  beside: (fileName: string) => string | null,
  runs: readonly Run[] | null,
): PolicyFinding[] {
  const mistakes: PolicyFinding[] = [];
  const policies: Policy[] = [];
  names.forEach((policy, index) => {
    const text = beside(`${policy}.json`);
    const read = text === null ? null : contentOf(text);
    const path = `first_of.${index}`;
    if (read === null || !read.ok) mistakes.push({ code: 'no-such-policy', path, policy });
    else if ('rules' in read.policy) policies.push(read.policy);
    else mistakes.push({ code: 'stands-for-others', path, policy });
  });
  if (runs === null || mistakes.length > 0) return mistakes;
  const applies = (policy: Policy) =>
    runs.some((run) => decisiveMetrics(policy).every((keys) => logsMetric(run, keys)));
  return policies.some(applies) ? [] : [{ code: 'never-applies', path: 'first_of', policies: names }];
}
