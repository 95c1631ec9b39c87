import { describe, expect, it } from 'vitest';
import type { RowsReader } from '../../lambdas/adapters/rows/read-rows.ts';
import type { Candidate } from '../../lambdas/domain/comparison/evidence.ts';
import { type Policy, parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { MlflowRefused, MlflowUnavailable } from '../../lambdas/domain/errors.ts';
import type { ModelFileRead } from '../../lambdas/domain/gates/judge.ts';
import { type GateReaders, readGateFacts } from '../../lambdas/use-cases/parts/read-gate-facts.ts';
import { run } from '../support/evidence.ts';
import { version } from '../support/registry.ts';

/** Which files gates and checks read, and what becomes of a failure. */

const file: ModelFileRead = { file: { sha256: 's', size: 1, signature: null } };
const policyWith = (...gates: object[]): Policy =>
  parsePolicy('gated', {
    accepted_grades: ['E'],
    rules: [{ name: 'a', metric: 'a', direction: 'higher' }],
    ...(gates.length > 0 ? { gates } : {}),
  });
const signature = { name: 'signature', kind: 'signature' };
const digests = (...of: string[]) => ({ name: 'digests', kind: 'digests', of });

const rows: RowsReader = async () => ({
  table: {
    n: 2,
    columns: {
      id: { kind: 'text', values: ['1', '2'] },
      loss: { kind: 'number', values: new Float64Array(2) },
    },
    names: { id: 'id', loss: 'loss' },
  },
  file: { path: 'rows.csv', bytes: 1, sha256: 's' },
});

async function facts(
  policy: Policy,
  more: { readers?: GateReaders; logged?: boolean; first?: boolean } = {},
) {
  const asked: string[] = [];
  const { readers = {}, logged = false, first = false } = more;
  const id = logged ? { loggedModelId: 'm-1' } : {};
  const side = (number: number): Candidate => ({ version: version(number, 'None', id), run: run({}) });
  const modelFile = readers.modelFile ?? (async () => file);
  const { facts: found, filter } = await readGateFacts(
    {
      model: { name: 'm', tags: {}, aliases: {} },
      mode: 'stages',
      champion: first ? null : side(2),
      challenger: side(3),
    },
    policy,
    null,
    {
      rows,
      ...readers,
      modelFile: (name, of) => {
        asked.push(of);
        return modelFile(name, of);
      },
    },
  );
  return { asked: asked.sort(), files: found.modelFiles, fingerprint: found.fingerprint, filter };
}

const fails = (error: Error): GateReaders => ({ modelFile: () => Promise.reject(error) });

describe('the file MLmodel', () => {
  it('is read of both versions for the gate, and where it is known to be there', async () => {
    expect((await facts(policyWith(signature))).asked).toEqual(['2', '3']);
    expect((await facts(policyWith(), { logged: true })).asked).toEqual(['2', '3']);
    expect((await facts(policyWith())).asked).toEqual([]);
  });

  it('is read of a first model only for its digest', async () => {
    expect((await facts(policyWith(signature), { first: true, logged: true })).asked).toEqual([]);
    expect((await facts(policyWith(digests('model')), { first: true })).asked).toEqual(['3']);
  });

  it.each([new MlflowUnavailable('away'), new MlflowRefused('forbidden', { status: 403, errorCode: null })])(
    'that a gate needs is an error where it cannot be read (%s), never an answer',
    async (error) => {
      await expect(facts(policyWith(signature), { readers: fails(error) })).rejects.toBe(error);
    },
  );

  it('that only people see is left out where it cannot be read', async () => {
    const { asked, files } = await facts(policyWith(), {
      logged: true,
      readers: fails(new MlflowUnavailable('away')),
    });
    expect(asked).toEqual(['2', '3']);
    expect(files).toEqual({ champion: null, challenger: null });
    await expect(
      facts(policyWith(), { logged: true, readers: fails(new Error('a mistake of ours')) }),
    ).rejects.toThrow('a mistake of ours');
  });
});

describe('the fingerprint', () => {
  it('is that of the rows of the challenger alone, where a gate needs it and there are none of both', async () => {
    const { fingerprint } = await facts(policyWith(digests('data')), { first: true });
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect((await facts(policyWith())).fingerprint).toBeNull();
    const none: RowsReader = async () => ({ problem: { code: 'no-file', looked: [] } });
    expect((await facts(policyWith(digests('data')), { readers: { rows: none } })).fingerprint).toBeNull();
  });
});
