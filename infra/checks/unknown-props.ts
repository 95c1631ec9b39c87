import { byFunctionId, type FunctionId } from '../functions/function-ids.ts';
import type {
  AlertProps,
  ApprovalProps,
  EmailProps,
  FunctionProps,
  MlflowProps,
  ModelPromotionProps,
  RetrainingProps,
  SlackProps,
  StartProps,
  WorkloadsProps,
} from '../props.ts';

/** Names that props do not have, which nothing reports to whoever writes plain JavaScript. */

/** The known names of an object of props, each with those of its value where that is such an object, or a list of them. */
type Known = true | readonly [Known] | { readonly [name: string]: Known };
type Names<Props> = Record<keyof Props, Known>;

const email = { address: true, models: true, owners: true, kinds: true } satisfies Names<EmailProps>;
const slack = { workspaceId: true, channelId: true, ownTopic: true } satisfies Names<SlackProps>;
const floor = {
  models: true,
  approvers: true,
  when: true,
  count: true,
  notRequester: true,
  expiresAfterHours: true,
  remindAfterHours: true,
} satisfies Names<ApprovalProps>;
const oneFunction = { memorySize: true, timeout: true } satisfies Names<FunctionProps>;
const events = { eventBus: true, source: true, detailType: true } satisfies Names<
  NonNullable<StartProps['events']>
>;

const known = {
  environment: true,
  namePrefix: true,
  mlflow: {
    trackingUri: true,
    credentials: true,
    registryMode: true,
    registryName: true,
  } satisfies Names<MlflowProps>,
  workloads: { endpoint: true, token: true } satisfies Names<WorkloadsProps>,
  alerts: {
    emails: [email],
    topic: true,
    failureTopic: true,
    slack,
    prefix: true,
  } satisfies Names<AlertProps>,
  vpc: true,
  vpcSubnets: true,
  securityGroups: true,
  caBundle: true,
  policies: true,
  minConfidence: true,
  approval: [floor],
  retraining: {
    intervalDays: true,
    minHours: true,
    models: true,
    stateMachine: true,
  } satisfies Names<RetrainingProps>,
  rollbackCooldownHours: true,
  protect: true,
  logRetention: true,
  encryptionKey: true,
  functions: byFunctionId(() => oneFunction) satisfies Record<FunctionId, Known>,
  outputs: true,
  runbookUrl: true,
  start: { principals: true, events } satisfies Names<StartProps>,
} satisfies Names<ModelPromotionProps>;

/** One sentence for each name that the props do not have, with the one that was probably meant. */
export const findUnknownProps = (props: object): string[] => unknownIn(props, known, []);

function unknownIn(given: unknown, names: Known, path: readonly string[]): string[] {
  if (names === true || typeof given !== 'object' || given === null) return [];
  if (Array.isArray(names)) {
    const [each] = names;
    return Array.isArray(given)
      ? given.flatMap((value, index) => unknownIn(value, each ?? true, [...path, String(index)]))
      : [];
  }
  const allowed = names as { readonly [name: string]: Known };
  return Object.entries(given).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (Object.hasOwn(allowed, name)) return unknownIn(value, allowed[name] ?? true, [...path, name]);
    const meant = nearest(name, Object.keys(allowed));
    const hint =
      meant === null ? `; known are ${Object.keys(allowed).join(', ')}` : `: did you mean "${meant}"?`;
    return [`${[...path, ''].join('.')}${name} is an unknown prop${hint}`];
  });
}

/** The name that differs in the fewest letters, if these are few. */
function nearest(name: string, names: readonly string[]): string | null {
  const [best] = names
    .map((each) => ({ each, away: distance(name.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  return best !== undefined && best.away <= Math.max(2, best.each.length / 3) ? best.each : null;
}

/** Levenshtein distance: letters to insert, delete or replace. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    let diagonal = index;
    row = row.map((above, column) => {
      const changed = diagonal + (other[column - 1] === letter ? 0 : 1);
      diagonal = above;
      return column === 0 ? index + 1 : Math.min(changed, above + 1);
    });
    for (let column = 1; column < row.length; column += 1)
      row[column] = Math.min(row[column] ?? 0, (row[column - 1] ?? 0) + 1);
  }
  return row[other.length] ?? 0;
}
