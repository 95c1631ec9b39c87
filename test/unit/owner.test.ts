import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownerOf } from '../../lambdas/domain/registry.ts';
import { anyCharacter } from '../support/any-character.ts';

const owner = (tag: string) => ownerOf({ tags: { owner: tag } });

describe('the owner of a model', () => {
  it.each([
    ['quant-research', 'quant-research'],
    ['  Équipe Risque ', 'Équipe Risque'],
    // One letter in two forms is one name to a filter.
    ['E\u0301quipe', 'Équipe'],
    ['x'.repeat(100), 'x'.repeat(100)],
  ])('is what its tag says: %j', (tag, found) => {
    expect(owner(tag)).toBe(found);
  });

  it.each(['', '   ', 'a\nb', 'risk\u202e', 'ri\u200bsk', '\u0000', '\ud800', '\uffff', 'x'.repeat(101)])(
    'is unknown where its tag is %j',
    (tag) => expect(owner(tag)).toBeNull(),
  );

  it('is unknown without the tag', () => {
    expect(ownerOf({ tags: {} })).toBeNull();
  });

  it('is one line of at most so many characters, whatever the tag', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), (tag) => {
        const found = owner(tag);
        if (found === null) return;
        expect(found).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,100}$/u);
        expect(found.isWellFormed()).toBe(true);
      }),
    );
  });
});
