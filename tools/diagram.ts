/** The part of a rendered definition (Amazon States Language) that the diagram needs. */
export interface Definition {
  StartAt: string;
  States: Record<string, State>;
}

interface State {
  Type: string;
  Resource?: string;
  Seconds?: number;
  Catch?: { ErrorEquals: string[]; Next: string }[];
  Choices?: (Rule & { Next: string })[];
  Default?: string;
  Next?: string;
}

/** One comparison, such as `{ Variable: '$.valid', BooleanEquals: true }`, or several joined. */
type Rule = { Variable?: string; And?: Rule[]; Or?: Rule[]; Not?: Rule } & Record<string, unknown>;

interface Edge {
  from: string;
  to: string;
  label: string | null;
  /** Taken when a task fails, after its retries. */
  onError: boolean;
}

/** Short names for groups of errors that a catch lists one by one. */
export type ErrorGroups = Record<string, readonly string[]>;

const anyError = 'error';

/**
 * The definition as a Mermaid flowchart in a code fence, with a caption. The arrows of the most frequent error target are
 * omitted, because they would hide the flow; the caption lists them.
 */
export function diagram(definition: Definition, errorGroups: ErrorGroups = {}): string {
  const edges = Object.entries(definition.States).flatMap(([name, state]) => [
    ...nextEdges(name, state),
    ...catchEdges(name, state, errorGroups),
  ]);
  const usual = usualErrorTarget(edges);
  const isLeftOut = (edge: Edge) => edge.onError && edge.label === anyError && edge.to === usual;

  const lines = [
    // Narrower than by default: a wide diagram is scaled down in a README.
    '%%{init: {"flowchart": {"nodeSpacing": 20, "rankSpacing": 26, "padding": 6}}}%%',
    'flowchart TD',
    ...Object.entries(definition.States).map(([name, state]) => `  ${node(name, state)}`),
    `  class ${nodeId(definition.StartAt)} start`,
    ...edges.filter((edge) => !isLeftOut(edge)).map((edge) => `  ${arrow(edge)}`),
    ...styles.map((style) => `  ${style}`),
  ];
  const leftOut = edges.filter(isLeftOut).map(({ from }) => from);
  return ['```mermaid', ...lines, '```', '', caption(leftOut, usual)].join('\n');
}

// With a text colour of its own, to be readable on a dark page.
const styles = [
  'classDef start stroke-width:3px',
  'classDef wait fill:#fff3cd,stroke:#b58900,color:#333',
  'classDef succeed fill:#d4edda,stroke:#2e7d32,color:#1b3a20',
  'classDef fail fill:#f8d7da,stroke:#c62828,color:#4a1518',
];

function caption(leftOut: string[], usual: string | null): string {
  const dashed = 'Dashed: an error that is left after the retries.';
  if (usual === null) return dashed;
  return `${dashed}\nNot drawn: from ${inWords(leftOut)}, every error leads to \`${usual}\`.`;
}

function inWords(names: string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return [quoted.slice(0, -1).join(', '), quoted.at(-1)].filter((part) => part !== '').join(' and ');
}

/** The most frequent target of a catch of every error, if two or more tasks share it. */
function usualErrorTarget(edges: Edge[]): string | null {
  const counts = new Map<string, number>();
  for (const { to, label, onError } of edges) {
    if (onError && label === anyError) counts.set(to, (counts.get(to) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most !== undefined && most[1] > 1 ? most[0] : null;
}

function nextEdges(from: string, state: State): Edge[] {
  const rules = (state.Choices ?? []).map((rule) => ({ to: rule.Next, terms: terms(rule) }));
  const chosen = rules.map(({ to, terms }, index) => {
    // The first matching rule is taken, so this one applies only where an earlier, narrower one does not.
    const follows = rules.slice(0, index).some((earlier) => terms.every((t) => earlier.terms.includes(t)));
    return { to, label: `${follows ? 'otherwise ' : ''}${terms.join(', ')}` };
  });
  return [
    ...chosen,
    ...(state.Default === undefined ? [] : [{ to: state.Default, label: 'otherwise' }]),
    ...(state.Next === undefined ? [] : [{ to: state.Next, label: null }]),
  ].map((edge) => ({ from, onError: false, ...edge }));
}

/** One edge for each target, however many catches lead there. */
function catchEdges(from: string, state: State, errorGroups: ErrorGroups): Edge[] {
  const byTarget = Map.groupBy(state.Catch ?? [], ({ Next }) => Next);
  return [...byTarget].map(([to, catches]) => {
    const names = catches.flatMap(({ ErrorEquals }) => ErrorEquals);
    const rest = byTarget.size === 1 ? anyError : 'other error';
    const label = names.includes('States.ALL') ? rest : errorLabel(names, errorGroups);
    return { from, to, label, onError: true };
  });
}

function errorLabel(names: string[], errorGroups: ErrorGroups): string {
  const group = Object.entries(errorGroups).find(
    ([, members]) => members.length === names.length && members.every((member) => names.includes(member)),
  );
  return group === undefined ? names.join(', ') : group[0];
}

/** The conditions of a rule as short texts: the value where there is one to compare with, else the field. */
function terms(rule: Rule): string[] {
  if (rule.And !== undefined) return rule.And.flatMap(terms);
  if (rule.Or !== undefined) return [rule.Or.map((part) => terms(part).join(', ')).join(' or ')];
  if (rule.Not !== undefined) return [`not (${terms(rule.Not).join(', ')})`];
  const field = (rule.Variable ?? '').split('.').at(-1) ?? '';
  const [operator = '', value] =
    Object.entries(rule).find(([key]) => key !== 'Variable' && key !== 'Next') ?? [];
  if (operator === 'StringEquals') return [String(value)];
  if (operator === 'IsNull') return [value === true ? `no ${field}` : field];
  if (typeof value !== 'boolean') return [`${field} ${spaced(operator)} ${value}`];
  const text = operator === 'BooleanEquals' ? field : `${field} ${spaced(operator)}`;
  return [value ? text : `not ${text}`];
}

/** `IsNumeric` as `is numeric`. */
const spaced = (operator: string) => operator.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();

function node(name: string, state: State): string {
  const id = nodeId(name);
  const label = quoted([name, ...detail(name, state)]);
  if (state.Type === 'Choice') return `${id}{${label}}`;
  if (state.Type === 'Wait') return `${id}{{${label}}}:::wait`;
  if (state.Type === 'Succeed') return `${id}([${label}]):::succeed`;
  if (state.Type === 'Fail') return `${id}([${label}]):::fail`;
  return state.Type === 'Task' ? `${id}[${label}]` : `${id}(${label})`;
}

/** The function of a task where its name differs from the state's; the length of a fixed wait. */
function detail(name: string, state: State): string[] {
  if (state.Seconds !== undefined) return [`${state.Seconds} s`];
  const functionName = state.Resource?.split(':').at(-1) ?? '';
  const isSame = functionName.replaceAll('-', '').toLowerCase() === name.toLowerCase();
  return functionName === '' || isSame ? [] : [functionName];
}

function arrow({ from, to, label, onError }: Edge): string {
  const line = onError ? '-.->' : '-->';
  return `${nodeId(from)} ${line}${label === null ? '' : `|${quoted([label])}|`} ${nodeId(to)}`;
}

/** Encodes a leading lower-case letter (Mermaid's keywords) and everything but letters and digits; ids stay unique. */
const nodeId = (name: string) =>
  name.replace(/^[^A-Z]|[^A-Za-z0-9]/gu, (character) => `_${character.codePointAt(0)?.toString(16)}_`);

/** Quoted text, one line for each part; special characters of Mermaid, Markdown and HTML become entities. */
const quoted = (parts: string[]) => `"${parts.map(escaped).join('<br>')}"`;

const escaped = (text: string) =>
  text.replace(/[^\p{L}\p{N} _?.,()-]/gu, (character) => `#${character.codePointAt(0)};`);
