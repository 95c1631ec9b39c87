import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { anonymous } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { type Mlflow, mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { parseModelFile, readModelFile } from '../../lambdas/adapters/mlflow/model-file.ts';
import { readTrainingOverlap } from '../../lambdas/adapters/rows/training-overlap.ts';
import { modelFileBytes, trainingFilterFile } from '../../lambdas/domain/file-limits.ts';
import { mlflowCall } from '../../lambdas/domain/limits.ts';

/** The small files beside a model and its rows: read from versions, runs and logged models, and whatever is in them. */

/** As MLflow 3.17 wrote it, for a classifier of scikit-learn. */
const MLMODEL = `artifact_path: mlflow-artifacts:/0/models/m-60705d67112c422c89f6bd8ca566f970/artifacts
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    predict_fn: predict
  sklearn:
    code: null
    sklearn_version: 1.7.2
is_signature_from_type_hint: false
mlflow_version: 3.17.2
model_id: m-60705d67112c422c89f6bd8ca566f970
model_size_bytes: 10827
prompts: null
signature:
  inputs: '[{"type": "double", "name": "a", "required": true}, {"type": "long", "name":
    "b", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: '[{"name": "t", "default": 0.5, "shape": null, "type": "double"}]'
utc_time_created: '2026-11-22 04:08:40.187292'
`;

let emulator: MlflowEmulator;
let client: Mlflow;
beforeAll(async () => {
  emulator = await startMlflowEmulator();
  client = mlflow({ trackingUri: emulator.url, authorization: anonymous, http: httpClient(mlflowCall) });
});
afterAll(() => emulator.close());

const signature = {
  inputs: [
    { name: 'a', type: { kind: 'plain', name: 'double' }, required: true },
    { name: 'b', type: { kind: 'plain', name: 'long' }, required: false },
  ],
  outputs: [{ name: null, type: { kind: 'tensor', dtype: 'int64', shape: [-1] }, required: true }],
  params: [{ name: 't', type: { kind: 'plain', name: 'double' }, required: true }],
};

describe('the file MLmodel of a version', () => {
  const versionWith = (content: string | Buffer | null) => {
    const artifacts = content === null ? {} : { 'model/MLmodel': content };
    return emulator.registry.createVersion('m', { runId: emulator.registry.createRun({ artifacts }) });
  };

  it('is read from the run that it was logged in', async () => {
    const sha256 = createHash('sha256').update(MLMODEL).digest('hex');
    expect(await readModelFile(client, 'm', versionWith(MLMODEL))).toEqual({
      file: { sha256, size: 10_827, signature },
    });
  });

  it('is not there, or too large: only so much of it is read', async () => {
    expect(await readModelFile(client, 'm', versionWith(null))).toEqual({ problem: 'missing' });
    const huge = Buffer.alloc(5_000_000, MLMODEL);
    expect(await readModelFile(client, 'm', versionWith(huge))).toEqual({ problem: 'too-large' });
  });

  it('in a store that the server does not reach is an error, not an answer', async () => {
    const version = emulator.registry.createVersion('m', { source: 's3://elsewhere/m' });
    await expect(readModelFile(client, 'm', version)).rejects.toMatchObject({ name: 'MlflowUnavailable' });
  });
});

describe('a file that MLflow did not write', () => {
  const named = (text: string) => `flavors: {}\n${text}`;
  const bomb = [
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
    'signature: *a12',
  ].join('\n');
  const none = { file: { signature: null } };
  const unreadable = { file: { signature: 'unreadable' } };

  it.each<[string, string, object]>([
    ['HTML', '<!doctype html><html><body>Sign in</body></html>', { problem: 'unreadable' }],
    ['empty', '', { problem: 'unreadable' }],
    ['text', 'hello', { problem: 'unreadable' }],
    ['bytes', '\u0000\u0001\ufffd'.repeat(1000), { problem: 'unreadable' }],
    ['a bomb of anchors', named(bomb), unreadable],
    ['brackets without end', named('signature: '.padEnd(400_000, '[')), unreadable],
    ['quotes without end', named(`signature:\n  inputs: '${"''".repeat(200_000)}`), unreadable],
    ['very many keys', named(Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`).join('\n')), none],
    ['a signature that is a list', named('signature: [1, 2]\n'), unreadable],
    ['two signatures', named("signature: null\nsignature:\n  inputs: '[]'\n"), unreadable],
    ['inputs twice', named("signature:\n  inputs: '[]'\n  inputs: '[]'\n"), unreadable],
    ['inputs that are no text', named('signature:\n  inputs: [{type: long}]\n'), unreadable],
    ['inputs by an anchor', named('signature:\n  inputs: *a\n'), unreadable],
    ['an escape that is none', named('signature:\n  inputs: "\\q"\n'), unreadable],
    ['a field that is unknown', named("signature:\n  outputs: '[]'\n  more: 1\n"), unreadable],
    ['no signature', named('signature: null\n'), none],
    ['a size that is none', named('model_size_bytes: .nan\n'), { file: { size: null, signature: null } }],
  ])('%s', (_, content, expected) => {
    expect(parseModelFile(Buffer.from(content))).toMatchObject(expected);
  });

  it.each<[string, string]>([
    [
      'in other quotes, with letters of any language',
      '  inputs: "[{\\"type\\": \\"long\\", \\"name\\": \\"\\xE4\\u672C\\"}]"\n  outputs: null\n',
    ],
    [
      'over several lines',
      '  inputs: \'[{"type": "long",\n    "name": "ä本"}]\'\n  outputs: null\n  params: null',
    ],
  ])('is still read %s', (_, fields) => {
    expect(parseModelFile(Buffer.from(named(`signature:\n${fields}`)))).toMatchObject({
      file: { signature: { inputs: [{ name: 'ä本', type: { name: 'long' } }], outputs: [], params: [] } },
    });
  });

  it('is still read where it is wide', () => {
    const wide = Array.from({ length: 4_000 }, (_, i) => ({
      type: 'double',
      name: `column ${i}`,
      required: true,
    }));
    const yaml = named(`signature:\n  inputs: '${JSON.stringify(wide)}'\n`);
    expect(yaml.length).toBeLessThan(modelFileBytes);
    expect(parseModelFile(Buffer.from(yaml))).toMatchObject({
      file: { signature: { inputs: { length: 4_000 } } },
    });
  });
});

describe('the filter of training rows', () => {
  const empty = {
    version: 1,
    rows: 1000,
    bits: 800,
    hashes: 7,
    filter: Buffer.alloc(100).toString('base64'),
  };
  const overlap = async (content: unknown, ids: readonly string[] | null = ['1', '2']) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    const artifacts = content === null ? {} : { 'training_rows.bloom.json': text };
    const read = await readTrainingOverlap(client, emulator.registry.createRun({ artifacts }), ids);
    return read === null ? null : { ...read.found, file: read.file };
  };
  const sha256 = (content: unknown) => createHash('sha256').update(JSON.stringify(content)).digest('hex');

  it('is compared with the ids, where the run has it', async () => {
    const none = { rows: 2, known: 0, mistakes: 0, share: 0 };
    expect(await overlap(empty)).toEqual({ overlap: none, file: sha256(empty) });
    expect(await overlap(null)).toBeNull();
  });

  it('is named by its hash, with the ids or without', async () => {
    expect(await overlap(empty, null)).toEqual({ problem: 'no-ids', file: sha256(empty) });
  });

  it.each<[string, unknown, string]>([
    ['no JSON', '<html>', 'unreadable'],
    ['of few rows', { ...empty, rows: 999 }, 'too-small'],
    ['of another version', { ...empty, version: 2 }, 'unreadable'],
    ['of another size than it says', { ...empty, bits: 1600 }, 'unreadable'],
    ['of hashes without end', { ...empty, hashes: 1e9 }, 'unreadable'],
    ['no base64', { ...empty, filter: '!'.repeat(136) }, 'unreadable'],
    ['too large', ' '.repeat(trainingFilterFile.bytes + 1), 'too-large'],
    ['nested without end', '['.repeat(200_000), 'unreadable'],
  ])('that is %s is not judged', async (_, content, problem) => {
    expect(await overlap(content)).toMatchObject({ problem });
  });

  it('is read up to its largest size', async () => {
    const bytes = 6_000_000;
    const large = {
      ...empty,
      rows: 4_800_000,
      bits: 8 * bytes,
      filter: Buffer.alloc(bytes, 0x41).toString('base64'),
    };
    expect(await overlap(large)).toMatchObject({ overlap: { rows: 2 } });
  });
});
