import fc from 'fast-check';

const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * Any code point but surrogates: a unit of strings as fast-check's `binary`, which takes a second to build a table of
 * all of them.
 */
export const anyCharacter = fc.integer({ min: 0, max: 0x10_ff_ff - SURROGATES.count }).map(
  (index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count),
  (character) => {
    // Also for the names of properties that every object has, of which fast-check makes strings now and then.
    const [code = Number.NaN, ...more] = [...String(character)].map((each) => each.codePointAt(0));
    if (more.length > 0 || Number.isNaN(code)) throw new Error('Not one character');
    return code < SURROGATES.first ? code : code - SURROGATES.count;
  },
);
