import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { request } from 'undici';
import type { FunctionName } from '../../lambdas/domain/limits.ts';

/** The systems that functions call, each at an address of its own for each function. */
const variables = {
  dynamodb: 'AWS_ENDPOINT_URL_DYNAMODB',
  sns: 'AWS_ENDPOINT_URL_SNS',
  states: 'AWS_ENDPOINT_URL_SFN',
  cloudtrail: 'AWS_ENDPOINT_URL_CLOUDTRAIL',
  mlflow: 'MLFLOW_TRACKING_URI',
  workloads: 'DATAROBOT_ENDPOINT',
} as const;
type System = keyof typeof variables;

/** Stands before every system and writes down which function did what, by the names of IAM's actions. */
export interface RecordingGateway {
  /** The environment of one function, in which all systems are behind the gateway. */
  environmentOf(name: FunctionName, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  /** What this function did so far, sorted: an action, and for a query its index. */
  actionsOf(name: FunctionName): string[];
  /** The items of the table that this function read (`GetItem`) or wrote, by their keys. */
  itemsOf(name: FunctionName): { action: string; key: string }[];
  close(): void;
}

/** A path of MLflow's UI, for which IAM has no action of its own; a server that refuses it keeps the rows to itself. */
const WITHOUT_ACTION = 'get-artifact';

export async function recordingGateway(): Promise<RecordingGateway> {
  const recorded = new Map<string, Set<string>>();
  const items = new Map<string, { action: string; key: string }[]>();
  const targets = new Map<string, string>();
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const [, system = '', name = '', ...rest] = (incoming.url ?? '').split('/');
    const path = rest.join('/');
    const target = targets.get(`${system}/${name}`) ?? '';
    const headers = Object.entries(incoming.headers).filter(
      ([header]) => !['host', 'connection', 'content-length'].includes(header),
    );
    const answer = await request(`${target.replace(/\/$/, '')}/${path}`, {
      method: (incoming.method ?? 'GET') as 'GET',
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: body.length > 0 ? body : null,
    });
    const actions = recorded.get(name) ?? new Set<string>();
    recorded.set(name, actions);
    if (!path.startsWith(WITHOUT_ACTION))
      actions.add(actionOf(system as System, incoming, path, body.toString()));
    if (system === 'dynamodb') {
      const { Key, Item = Key } = JSON.parse(body.toString());
      const action = String(incoming.headers['x-amz-target']).split('.')[1] ?? '';
      if (Item !== undefined) items.set(name, [...(items.get(name) ?? []), { action, key: Item.pk.S }]);
    }
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const { connection: _, 'transfer-encoding': __, 'content-length': ___, ...kept } = answer.headers;
    outgoing.writeHead(answer.statusCode, kept).end(bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    environmentOf(name, env) {
      const behind = Object.entries(variables).map(([system, variable]) => {
        targets.set(`${system}/${name}`, env[variable] ?? '');
        return [variable, `http://127.0.0.1:${port}/${system}/${name}`];
      });
      return { ...env, ...Object.fromEntries(behind) };
    },
    actionsOf: (name) => [...(recorded.get(name) ?? [])].sort(),
    itemsOf: (name) => items.get(name) ?? [],
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** The action that IAM checks, with the prefix of the service; the Workload API knows a token only. */
function actionOf(system: System, { headers, method }: IncomingMessage, path: string, body: string): string {
  switch (system) {
    case 'dynamodb': {
      const operation = String(headers['x-amz-target']).split('.')[1] ?? '';
      const index: unknown = JSON.parse(body).IndexName;
      return index === undefined ? `dynamodb:${operation}` : `dynamodb:${operation} on ${String(index)}`;
    }
    case 'states':
      return `states:${String(headers['x-amz-target']).split('.')[1]}`;
    case 'cloudtrail':
      return `cloudtrail:${String(headers['x-amz-target']).split('.')[1]}`;
    case 'sns':
      return `sns:${new URLSearchParams(body).get('Action')}`;
    case 'mlflow':
      return `mlflow:${mlflowActions[`${method} ${withoutIds(path)}`] ?? `${method} ${path}`}`;
    case 'workloads':
      return 'workloads';
  }
}

const withoutIds = (path: string) =>
  path
    .replace(/\?.*$/, '')
    .replace(/\/m-[0-9a-f]{32}$/, '/*')
    .replace(/(mlflow-artifacts\/artifacts)\/.*$/, '$1/*');

/** As IAM names the calls of MLflow on SageMaker (its developer guide, "MLflow tracking server permissions"). */
const mlflowActions: Readonly<Record<string, string>> = {
  'GET api/2.0/mlflow/registered-models/get': 'GetRegisteredModel',
  'GET api/2.0/mlflow/model-versions/search': 'SearchModelVersions',
  'GET api/2.0/mlflow/model-versions/get': 'GetModelVersion',
  'GET api/2.0/mlflow/runs/get': 'GetRun',
  'POST api/2.0/mlflow/model-versions/transition-stage': 'TransitionModelVersionStage',
  'POST api/2.0/mlflow/registered-models/alias': 'SetRegisteredModelAlias',
  'DELETE api/2.0/mlflow/registered-models/alias': 'DeleteRegisteredModelAlias',
  'POST api/2.0/mlflow/runs/search': 'SearchRuns',
  'GET api/2.0/mlflow/artifacts/list': 'ListArtifacts',
  'GET api/2.0/mlflow/logged-models/*': 'GetLoggedModel',
  'GET model-versions/get-artifact': 'GetDownloadURIForModelVersionArtifacts',
  'POST api/2.0/mlflow/model-versions/set-tag': 'SetModelVersionTag',
  'POST api/2.0/mlflow/registered-models/set-tag': 'SetRegisteredModelTag',
  // SageMaker has no such proxy.
  'PUT api/2.0/mlflow-artifacts/artifacts/*': 'no action',
};
