import { describe, expect, it } from 'vitest';
import { canonicalId, canonicalValue, isMissing, numberOf } from '../../lambdas/domain/rows/cells.ts';

describe('the canonical text of a cell', () => {
  it.each([
    ['1', '1'],
    ['1.0', '1'],
    ['-0.0', '0'],
    ['1e3', '1000'],
    ['True', '1'],
    ['false', '0'],
    ['0.5', '3fe0000000000000'],
    ['-2.5e-3', 'bf647ae147ae147b'],
    ['1e16', '4341c37937e08000'],
    ['9007199254740993', '9007199254740993'],
    ['007', '007'],
    ['+1', '+1'],
    ['.5', '.5'],
    ['=1+2', '=1+2'],
    ['cat', 'cat'],
  ])('of the label %j is %j', (cell, canonical) => expect(canonicalValue(cell)).toBe(canonical));

  it.each([
    ['7', '7'],
    ['7.0', '7'],
    ['-0', '0'],
    ['007', '007'],
    ['1.10', '1.10'],
    ['9007199254740993', '9007199254740993'],
    ['2024-01-01', '2024-01-01'],
  ])('of the id %j is %j', (cell, canonical) => expect(canonicalId(cell)).toBe(canonical));

  it('takes an empty cell, null and nan for missing, and a word for itself', () => {
    expect(['', 'nan', 'NaN', null].every(isMissing)).toBe(true);
    expect(['None', '0', ' ', 'null'].some(isMissing)).toBe(false);
  });

  it('takes no text for a number', () => {
    expect(['', 'x', '0,5', '1 000', '0x10', 'Infinity', '1_000'].map(numberOf)).toEqual(Array(7).fill(null));
  });
});
