import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { bundleFunctions } from '../../../build/bundle.ts';
import { startMlflowEmulator } from '../../../emulators/mlflow/server.ts';
import { entryOf } from '../../../infra/bundles.ts';
import { type FunctionName, functionNames } from '../../../lambdas/domain/limits.ts';
import { MODEL, seedPascalStrategy } from '../../../local/scenarios/seed.ts';
import { type Exchange, type Replayer, replayer, systems } from '../exchanges.ts';
import { median } from '../start-up.ts';
import { type RecordedCall, recordCalls } from './calls.ts';
import { type Sample, timed } from './processes.ts';

interface Options {
  json?: true;
  runs: number;
  functions: readonly FunctionName[];
  python?: string;
}

/** Medians of one kind of process. */
interface Figures {
  ms: number;
  loadMs: number;
  callMs: number;
  peakMb: number;
}

/** One function beside its peers; `python` is null where it has no peer, or none was asked for. */
interface Report {
  name: FunctionName;
  requests: number;
  ours: Figures;
  bare: Figures;
  python: Figures | null;
}

/** `npm run bench -- fresh`: the first answer of a fresh process, beside bare Node and Python. */
export function freshCommand(): Command {
  return new Command('fresh')
    .description(
      'time and memory of the first answer of a fresh process of each function, beside bare Node and Python',
    )
    .option('--json', 'no table: one JSON document on standard output')
    .option('--runs <count>', 'processes of each kind, of which the median is taken', positive, 15)
    .option(
      '--functions <names>',
      'some functions, separated by commas (default: all)',
      functionsIn,
      functionNames,
    )
    .option(
      '--python <path>',
      'a Python with mlflow-skinny, for the peer of promote-model and compare-models',
    )
    .action(run);
}

async function run({ json, runs, functions, python }: Options): Promise<void> {
  if (python !== undefined && !existsSync(python)) throw new Error(`--python: there is no ${python}`);
  const reports = await measure({ runs, functions, python: python ?? null });
  const { node } = process.versions;
  if (json) {
    console.log(JSON.stringify({ node, runs, functions: reports }, null, 2));
    return;
  }
  console.table(Object.fromEntries(reports.map((report) => [report.name, rowOf(report)])));
  console.log(
    [
      `Median of ${runs} processes of each kind, which take turns: from the start of the process to its answer. Node ${node}.`,
      'The requests are those of the first call in a promotion of a served model, answered as the emulators answered them.',
      '"bare" is Node alone, which makes the same requests by fetch, checks nothing and decides nothing; MB is the largest resident set.',
      ...(python === undefined
        ? []
        : ['"Python" is mlflow-skinny, which reads and moves against the emulator, without any safety.']),
    ].join('\n'),
  );
}

interface Measuring {
  runs: number;
  functions: readonly FunctionName[];
  python: string | null;
}

async function measure({ runs, functions, python }: Measuring): Promise<Report[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const progress = ora('recording the calls of a promotion').start();
  let replaying: Replayer | null = null;
  const mlflow = await startMlflowEmulator();
  try {
    const { env, calls } = await recordCalls();
    progress.text = 'bundling';
    const bundle = await bundleFunctions(join(directory, 'functions'));
    replaying = await replayer(env);
    seedPascalStrategy(mlflow);
    const reports: Report[] = [];
    for (const call of calls.filter(({ name }) => functions.includes(name))) {
      const kinds = kindsOf(call, {
        directory,
        bundle: bundle.directory,
        env,
        replaying,
        python,
        mlflow: mlflow.url,
      });
      const samples = new Map<string, Sample[]>();
      for (let round = 0; round <= runs; round += 1) {
        progress.text = `${call.name}: ${round} of ${runs}`;
        for (const [kind, sample] of kinds) {
          const taken = await sample();
          // The first one warms the files of the disk up.
          if (round > 0) samples.set(kind, [...(samples.get(kind) ?? []), taken]);
        }
      }
      const figures = (kind: string) => figuresOf(samples.get(kind) ?? []);
      reports.push({
        name: call.name,
        requests: call.exchanges.length,
        ours: figures('ours'),
        bare: figures('bare'),
        python: samples.has('python') ? figures('python') : null,
      });
    }
    return reports;
  } finally {
    progress.stop();
    await replaying?.close();
    await mlflow.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Setting {
  directory: string;
  bundle: string;
  env: NodeJS.ProcessEnv;
  replaying: Replayer;
  python: string | null;
  mlflow: string;
}

/** The kinds of process that are compared: each call of one starts a process. */
function kindsOf(
  call: RecordedCall,
  { directory, bundle, env, replaying, python, mlflow }: Setting,
): [string, () => Promise<Sample>][] {
  const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const given = {
    ...env,
    ...replaying.env,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    EVENT: JSON.stringify(call.event),
  };
  const handler = pathToFileURL(join(bundle, entryOf(call.name))).href;
  const exchanges = join(directory, `${call.name}.json`);
  writeFileSync(exchanges, JSON.stringify(wavesOf(call.exchanges, replaying)));
  const replayed = async (script: string, own: NodeJS.ProcessEnv) => {
    const { missing, requests } = replaying.replay(call.exchanges);
    const sample = await timed(process.execPath, [file(script)], own);
    if (missing.length > 0)
      throw new Error(`${call.name} asked for what was not recorded: ${missing.join('; ')}`);
    if (requests() !== call.exchanges.length)
      throw new Error(`${call.name} made ${requests()} requests, not ${call.exchanges.length} as recorded`);
    return sample;
  };
  const kinds: [string, () => Promise<Sample>][] = [
    ['ours', () => replayed('ours.mjs', { ...given, HANDLER: handler })],
    ['bare', () => replayed('bare.mjs', { ...given, EXCHANGES: exchanges })],
  ];
  if (python === null || !(call.name === 'promote-model' || call.name === 'compare-models')) return kinds;
  const event = { model_name: MODEL, new_version: '3', champion_version: '2', challenger_version: '3' };
  const own = { PATH: env['PATH'], MLFLOW_TRACKING_URI: mlflow, EVENT: JSON.stringify(event) };
  return [...kinds, ['python', () => timed(python, [file('peer.py'), call.name], own)]];
}

/** Requests that were under way at the same time, with the addresses of the replayer. */
function wavesOf(exchanges: readonly Exchange[], { env }: Replayer) {
  const waves = Map.groupBy(exchanges, ({ wave }) => wave);
  const originOf = ({ system }: Exchange) => new URL(env[systems[system]] ?? '').origin;
  return [...waves.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, wave]) =>
      wave.map((each) => ({
        url: originOf(each) + each.path,
        method: each.method,
        headers: each.headers,
        body: each.body,
      })),
    );
}

const figuresOf = (samples: readonly Sample[]): Figures => {
  const of = (value: (sample: Sample) => number) => median(samples.map(value));
  return {
    ms: of(({ ms }) => ms),
    loadMs: of(({ loadMs }) => loadMs),
    callMs: of(({ callMs }) => callMs),
    peakMb: of(({ peakMb }) => peakMb),
  };
};

const whole = (value: number) => Math.round(value);

function rowOf({ requests, ours, bare, python }: Report) {
  return {
    requests,
    'ours ms': whole(ours.ms),
    'load ms': whole(ours.loadMs),
    'call ms': whole(ours.callMs),
    'bare ms': whole(bare.ms),
    '× bare': (ours.ms / bare.ms).toFixed(2),
    'ours MB': ours.peakMb.toFixed(1),
    'over bare MB': (ours.peakMb - bare.peakMb).toFixed(1),
    ...(python === null
      ? {}
      : { 'Python ms': whole(python.ms), '× Python': (ours.ms / python.ms).toFixed(2) }),
  };
}

function positive(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count < 1000) return count;
  throw new InvalidArgumentError('must be a whole number from 1 to 999.');
}

function functionsIn(text: string): readonly FunctionName[] {
  const given = text.split(',').map((name) => name.trim());
  const unknown = given.filter((name) => !functionNames.some((known) => known === name));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`unknown: ${unknown.join(', ')}; there are ${functionNames.join(', ')}.`);
  return functionNames.filter((name) => given.includes(name));
}
