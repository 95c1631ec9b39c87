import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStateDocument, StateDocument } from '../../lambdas/domain/state-document.ts';
import { begin } from '../../lambdas/use-cases/begin-promotion.ts';
import {
  begun,
  closed,
  compared,
  ended,
  notReplaced,
  prepared,
  promoted,
  replaced,
  rolledBack,
  servingUndo,
} from '../support/stub-functions.ts';

const execution = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const started_at = '2026-11-21T10:00:00.000Z';
const full = {
  ...begin({ input: { model_name: 'PascalStrategy' }, execution, started_at }),
  ...{ comparison: compared(), prepared: prepared(), serving: replaced(), promotion: promoted },
  ...{ closing: closed(), rollback: rolledBack({ serving: servingUndo() }), ending: ended() },
};

describe('the document of an execution', () => {
  it.each([
    ['a promotion', { model_name: 'm', adopt: true }],
    ['a rollback', { operation: 'rollback', model_name: 'm', target_version: '2' }],
    ['an attempt', { operation: 'resume', model_name: 'm', change_id: 'arn:other' }],
    ['an adoption', { operation: 'adopt', model_name: 'm', workload_id: 'w1' }],
    ['an input that is not valid', 'text'],
  ])('is whole from the first step on: %s', (_, input) => {
    const document = begin({ input, execution, started_at });
    expect(StateDocument.parse(document)).toEqual(document);
    expect(document).toMatchObject({ prepared: null, closing: null, rollback: null, error: null });
  });

  it('reads back as it was, with the answer of every step', () => {
    expect(readStateDocument(JSON.parse(JSON.stringify(full)))).toEqual(
      JSON.parse(JSON.stringify({ ...full, error: null, rollback_error: null })),
    );
  });

  it('is what the tests of the state machine start from', () => {
    expect(Object.keys(begun())).toEqual(
      expect.arrayContaining(Object.keys(begin({ input: { model_name: 'm' }, execution, started_at }))),
    );
  });

  it.each(['comparison', 'prepared', 'serving', 'promotion', 'closing', 'rollback', 'ending'] as const)(
    'loses of an answer that it cannot read only that: %s',
    (field) => {
      const read = readStateDocument({ ...full, [field]: { status: 7 } });
      expect(read[field]).toBeNull();
      expect({ ...read, [field]: full[field] }).toMatchObject({ model_name: 'PascalStrategy', valid: true });
      expect(Object.values(read).filter((value) => value === null).length).toBeGreaterThan(0);
    },
  );

  it('keeps an answer whose finding it does not know, as another version may have written it', () => {
    const later = { code: 'found-later' };
    const read = readStateDocument({
      ...full,
      closing: { ...closed(), finding: later },
      serving: { ...notReplaced, failure_details: later },
      rollback: { ...rolledBack(), finding: later, serving: { ...servingUndo(), finding: later } },
    });
    expect(read.closing).toMatchObject({ status: 'completed', finding: null });
    expect(read.serving).toMatchObject({ status: 'failed', failure_details: null });
    expect(read.rollback).toMatchObject({ rolled_back: true, finding: null, serving: { finding: null } });
  });

  it('of the first version, whose answers had another shape, is read as far as it goes', () => {
    const first = { ...full, prepared: { ...prepared(), change_id: undefined, promotion_id: 'e1' } };
    expect(readStateDocument(first)).toMatchObject({ prepared: null, promotion: promoted });
  });

  it('is read from anything, and never throws', () => {
    const anything = fc.oneof(
      fc.json().map((text) => JSON.parse(text)),
      fc.dictionary(fc.constantFrom(...Object.keys(full), 'Error', 'Cause', '__proto__'), fc.jsonValue()),
    );
    fc.assert(
      fc.property(anything, (value) => {
        expect(Object.keys(readStateDocument(value))).toEqual(Object.keys(readStateDocument(null)));
      }),
    );
  });
});
