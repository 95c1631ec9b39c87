import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { StateGraph, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { machineTimeoutSeconds, type StepFunctionName, stepFunctionNames } from '../lambdas/domain/limits.ts';
import { stateNames } from '../statemachines/names.ts';
import { promotionChain } from '../statemachines/promotion.ts';
import { retrainingChain, retrainingStateNames } from '../statemachines/retraining.ts';
import { outcomeUnknown } from '../statemachines/retry-policies.ts';
import { type Definition, diagram } from './diagram.ts';

/** The rendered definition, for reviews and the local host. The stack renders its own from the same chain. */
export const renderedFile = fileURLToPath(new URL('../statemachines/promotion.asl.json', import.meta.url));

/** The lifecycle of a model, around a function that trains. */
export const renderedRetrainingFile = fileURLToPath(
  new URL('../statemachines/retraining.asl.json', import.meta.url),
);

/** Documents that contain the diagram. */
const illustrated = ['docs/reference.md', 'docs/architecture.md'];
const blockStart = '<!-- state machine: written by npm run render -->\n';
const blockEnd = '<!-- end -->\n';

const usage = `Usage: node tools/render.ts [--check]

Writes statemachines/promotion.asl.json and retraining.asl.json from the chains beside them, and the diagram of the first in
docs/reference.md and docs/architecture.md. Needs no AWS account.

  --check   write nothing; exit 1 when one of them is out of date
  --help    show this text
`;

/** The definition as JSON, states in the order of `stateNames`. Throws for a state that `stateNames` lacks. */
export function renderDefinition(): string {
  const stack = new Stack(new App(), 'Render');
  const functions = Object.fromEntries(
    stepFunctionNames.map((name) => [name, placeholder(stack, name)]),
  ) as Record<StepFunctionName, ReturnType<typeof placeholder>>;
  const graph = new StateGraph(promotionChain(stack, functions).startState, 'promotion');
  graph.timeout = Duration.seconds(machineTimeoutSeconds);

  return rendered(stack, graph, stateNames);
}

/** The lifecycle as JSON, with a function `train-model` in the place of the states that are given. */
export function renderRetraining(): string {
  const stack = new Stack(new App(), 'Render');
  const chain = retrainingChain(stack, {
    check: placeholder(stack, 'check-retraining-needed'),
    train: new LambdaInvoke(stack, 'Train', {
      lambdaFunction: placeholder(stack, 'train-model'),
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
    }),
    promotion: StateMachine.fromStateMachineArn(
      stack,
      'Promotion',
      'arn:aws:states:us-east-1:123456789012:stateMachine:model-promotion',
    ),
  });
  const graph = new StateGraph(chain.startState, 'retraining');
  return rendered(stack, graph, retrainingStateNames);
}

/** Throws for a state that `names` lacks. */
function rendered(stack: Stack, graph: StateGraph, names: readonly string[]): string {
  const { States: states, ...rest } = stack.resolve(graph.toGraphJson()) as { States: Record<string, State> };
  const unlisted = Object.keys(states).filter((name) => !names.includes(name));
  if (unlisted.length > 0) throw new Error(`Not in the list of states: ${unlisted.join(', ')}`);
  const ordered = names.map((name) => [name, inReadingOrder(states[name] ?? {})]);
  return `${JSON.stringify({ ...rest, States: Object.fromEntries(ordered) }, inPartition, 2)}\n`;
}

/** The resource of a service integration as a text, which CDK composes of the partition of the deployment. */
function inPartition(_: string, value: unknown): unknown {
  const parts = typeof value === 'object' && value !== null && 'Fn::Join' in value ? value['Fn::Join'] : null;
  if (!Array.isArray(parts)) return value;
  const [separator, texts] = parts as [string, unknown[]];
  return texts.map((text) => (typeof text === 'string' ? text : 'aws')).join(separator);
}

type State = Record<string, unknown>;

const fieldOrder = [
  ...[
    'Type',
    'Resource',
    'Parameters',
    'InputPath',
    'ResultPath',
    'TimeoutSeconds',
    'TimeoutSecondsPath',
    'SecondsPath',
  ],
  ...['Error', 'ErrorPath', 'Cause', 'CausePath', 'Retry', 'Catch', 'Choices', 'Default', 'Next', 'End'],
];

/** Sorts a state's fields into reading order; CDK's order is arbitrary. */
function inReadingOrder(state: State): State {
  const fields = Object.entries(state);
  return Object.fromEntries(fields.sort(([a], [b]) => fieldOrder.indexOf(a) - fieldOrder.indexOf(b)));
}

/** Placeholder of the deployed function; the local host finds the handler by the name at the end of the ARN. */
function placeholder(stack: Stack, name: string) {
  return LambdaFunction.fromFunctionArn(
    stack,
    name,
    `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
  );
}

/** The command. Exit status: 0 done or up to date, 1 out of date, 2 unknown arguments. */
export function main(args: string[]): number {
  const options = { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
  let values: { check?: boolean; help?: boolean };
  try {
    values = parseArgs({ args, options }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    return renderAll(values.check === true);
  } catch (error) {
    if (!(error instanceof MissingBlock)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

function renderAll(checkOnly: boolean): number {
  const definition = renderDefinition();
  const files = [
    { name: 'statemachines/promotion.asl.json', path: renderedFile, text: definition },
    { name: 'statemachines/retraining.asl.json', path: renderedRetrainingFile, text: renderRetraining() },
    ...documents().map(({ name, path }) => ({
      name,
      path,
      text: withPicture(currentText(path), JSON.parse(definition), name),
    })),
  ];
  const outdated = files.filter(({ path, text }) => text !== currentText(path));
  for (const { name, path, text } of outdated) {
    if (!checkOnly) writeFileSync(path, text);
    else process.stderr.write(`${name} is out of date. Run "npm run render" and commit the file.\n`);
  }
  return checkOnly && outdated.length > 0 ? 1 : 0;
}

/** The existing documents: the sources may be used without them. */
function documents(): { name: string; path: string }[] {
  const places = illustrated.map((name) => ({
    name,
    path: fileURLToPath(new URL(`../${name}`, import.meta.url)),
  }));
  return places.filter(({ path }) => existsSync(path));
}

/** A document lacks the marks of the diagram. */
class MissingBlock extends Error {
  override readonly name = 'MissingBlock' as const;
}

/**
 * The document with the diagram of this definition between its two marks.
 * @throws MissingBlock when it lacks them.
 */
export function withPicture(text: string, definition: Definition, name = 'docs/reference.md'): string {
  const from = text.indexOf(blockStart) + blockStart.length;
  const to = text.indexOf(blockEnd, from);
  if (from < blockStart.length || to < 0) {
    throw new MissingBlock(
      `${name} lacks the line "${blockStart.trimEnd()}", or "${blockEnd.trimEnd()}" below it.`,
    );
  }
  const picture = diagram(definition, { 'no answer': outcomeUnknown });
  return `${text.slice(0, from)}\n${picture}\n\n${text.slice(to)}`;
}

function currentText(path: string): string {
  try {
    // A checkout on Windows may have changed the line endings.
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return '';
  }
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
