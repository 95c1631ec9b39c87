import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { masked, quotable } from '../../lambdas/adapters/masking.ts';

const hex = (character: string, digits: number) => character.charCodeAt(0).toString(16).padStart(digits, '0');
const each = (encode: (character: string) => string) => (text: string) => Array.from(text, encode).join('');
const json = (text: string) => JSON.stringify(text).slice(1, -1);
const html: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
};
const percent = each((character) =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
);
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** What servers, proxies and logs do to a text that they repeat. */
const encodings: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'as JSON': json,
  'as JSON within JSON': (text) => json(json(text)),
  'as JSON within JSON within JSON': (text) => json(json(json(text))),
  'as JSON that escapes slashes': (text) => json(text).replaceAll('/', '\\/'),
  'as escapes of JSON': each((character) => `\\u${hex(character, 4)}`),
  'as escapes of JSON in upper case': each((character) => `\\u${hex(character, 4).toUpperCase()}`),
  'as escapes of JSON within JSON': each((character) => `\\\\u${hex(character, 4)}`),
  'as escapes of JavaScript': each((character) => `\\u{${hex(character, 1)}}`),
  'as escapes of Python': each((character) => `\\x${hex(character, 2)}`),
  'as HTML': each((character) => html[character] ?? character),
  'as HTML within HTML': (text) => each((c) => html[c] ?? c)(each((c) => html[c] ?? c)(text)),
  'as HTML within JSON': (text) => json(each((character) => html[character] ?? character)(text)),
  'as decimal entities': each((character) => `&#${character.charCodeAt(0)};`),
  'as hexadecimal entities': each((character) => `&#x00${hex(character, 2).toUpperCase()};`),
  'percent-encoded': (text) => encodeURIComponent(text),
  'percent-encoded everywhere': percent,
  'percent-encoded everywhere in upper case': (text) => percent(text).toUpperCase(),
  'percent-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'as a form': (text) => new URLSearchParams({ '': text }).toString().slice(1),
  'in hexadecimal': (text) => Buffer.from(text).toString('hex'),
  'in hexadecimal with colons': (text) =>
    Buffer.from(text)
      .toString('hex')
      .replace(/..(?!$)/g, '$&:'),
  'in base64': base64,
  'in base64 for URLs': (text) => Buffer.from(text).toString('base64url'),
  'in base64, percent-encoded': (text) => encodeURIComponent(base64(text)),
  'in base64 within JSON that escapes slashes': (text) => base64(text).replaceAll('/', '\\/'),
  'in base64 of JSON': (text) => base64(JSON.stringify(text)),
  'in base64 of base64': (text) => base64(base64(text)),
  'in base64 of hexadecimal': (text) => base64(Buffer.from(text).toString('hex')),
  'in hexadecimal of base64': (text) => Buffer.from(base64(text)).toString('hex'),
  'in base64 on several lines': (text) => base64(text).replace(/.{7}/g, '$&\r\n'),
};
const encoding = fc.constantFrom(...Object.keys(encodings));

const secret = fc
  .string({ unit: 'grapheme-ascii', minLength: 5, maxLength: 60 })
  // A secret of spaces, or of one character, is none.
  .filter((text) => text.trim() === text && new Set(text).size > 3);

/** `%`, `&` and `\` as they are could begin an encoded character with what follows. */
const plain = secret.filter((text) => !/[%&\\]/.test(text));

/** Not part of any encoding, so that what is left of a secret is seen. */
const around = fc.string({ unit: fc.constantFrom('ж', 'ю', '。', '\n', '§'), maxLength: 30 });
/** Padding of base64 tells nothing. */
const leftOf = (shown: string) => shown.replaceAll('***', '').replace(/[жю。\n§]|={1,2}|%3D/g, '');

describe('a secret in a quoted text', () => {
  it.each(Object.entries(encodings))('is hidden %s, whatever it consists of', (name, encode) => {
    fc.assert(
      fc.property(secret, around, around, (text, before, after) => {
        const shown = masked(`${before}${encode(text)}${after}`, [text], 2_000);
        // Base64 may have a character or two before and after the secret's own.
        const most = /base64/.test(name) ? 4 : 0;
        expect(leftOf(shown).length).toBeLessThanOrEqual(most);
        expect(shown.startsWith(before)).toBe(true);
        expect(shown.endsWith(after)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('is hidden with each character encoded in its own way', () => {
    const ways = ['as it is', 'as escapes of JSON', 'as escapes of Python', 'as hexadecimal entities'];
    const more = [
      'as decimal entities',
      'percent-encoded everywhere',
      'as HTML',
      'as escapes of JSON within JSON',
    ];
    const way = fc.constantFrom(...ways, ...more);
    fc.assert(
      fc.property(plain, fc.array(way, { minLength: 60, maxLength: 60 }), (text, chosen) => {
        const mixed = Array.from(text, (character, at) => encodings[chosen[at] ?? '']?.(character)).join('');
        expect(leftOf(masked(`ж${mixed}ж`, [text], 2_000))).toBe('');
      }),
      { numRuns: 1_000 },
    );
  });

  it('is hidden in base64 of more text, wherever it begins in it', () => {
    fc.assert(
      fc.property(
        secret,
        fc.string({ unit: 'grapheme-ascii' }),
        fc.string({ unit: 'grapheme-ascii' }),
        (text, ...[a, b]) => {
          for (const format of ['base64', 'base64url'] as const) {
            const shown = masked(Buffer.from(`${a}${text}${b}`).toString(format), [text], 2_000);
            const alone = Buffer.from(`${a}${text}`).toString(format);
            // Every group of four characters that holds nothing but the secret.
            const first = Math.ceil(Buffer.byteLength(a) / 3) * 4;
            for (let at = first; at + 4 <= alone.length - 4; at += 4)
              expect(shown.slice(Math.min(first, shown.length))).not.toContain(alone.slice(at, at + 4 * 3));
            expect(shown).toContain('***');
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is hidden where the quotation is cut off, and leaves nothing of it', () => {
    fc.assert(
      fc.property(secret, encoding, fc.nat({ max: 400 }), (text, name, limit) => {
        const encoded = encodings[name]?.(text) ?? '';
        const before = 'ж'.repeat(200);
        const shown = masked(`${before}${encoded}`, [text], limit);
        expect(leftOf(shown).length).toBeLessThanOrEqual(/base64/.test(name) ? 4 : 0);
        expect(shown.length).toBeLessThanOrEqual(Math.max(limit, 200) + 3);
      }),
      { numRuns: 1_500 },
    );
  });

  it('is hidden where the server itself has cut it off, down to less than half of it', () => {
    fc.assert(
      fc.property(secret, fc.nat(), fc.nat(), (text, from, to) => {
        const begin = from % text.length;
        const part = text.slice(begin, begin + 1 + (to % (text.length - begin)));
        const left = leftOf(masked(`ж${part}…`, [text], 2_000)).replace('…', '');
        expect(left.length).toBeLessThan(Math.max(4, Math.min(8, Math.ceil(text.length / 2))));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is hidden also where two of them overlap, and where one contains another', () => {
    fc.assert(
      fc.property(plain, fc.nat(), plain, encoding, (first, overlap, more, name) => {
        const second = `${first.slice(overlap % first.length)}${more}`;
        const text = `${first.slice(0, overlap % first.length)}${second}`;
        const known = [first, second, first.slice(0, 4)];
        const shown = masked(`ж${encodings[name]?.(text)}ж`, known, 2_000);
        expect(leftOf(shown).length).toBeLessThanOrEqual(/base64/.test(name) ? 4 : 0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('may be in another script, or very short', () => {
    for (const text of ['пароль-длинный', '密码很长很长很长', 'pässwörd-über', 'ab', 'x'])
      for (const [name, encode] of Object.entries(encodings).filter(
        ([name]) => !/Python|hexadecimal|JavaScript/.test(name),
      )) {
        if (text.length < 3 && !/^as it is/.test(name)) continue;
        if (/entities|escapes/.test(name) && /[äöü]/.test(text)) continue;
        expect(
          leftOf(masked(`。${encode(text)}。`, [text], 2_000)).length,
          `${text} ${name}`,
        ).toBeLessThanOrEqual(4);
      }
  });

  it('hides nothing else: a text without it stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789%&\\;u#x ') }), (text) => {
        expect(masked(text, ['hunter-very-secret', ''], 2_000)).toBe(text);
      }),
    );
  });

  it('takes no time that grows out of bounds, whatever the text', () => {
    const secrets = ['hunter2-very-secret', 'A'.repeat(1_500)];
    const began = performance.now();
    for (const unit of ['\\', '%25', '&amp;', 'QUJD', 'a ', '\\\\u0041', '&#x41;', '68', 'A'])
      masked(unit.repeat(1_000_000), secrets, 4_000);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('a quotation', () => {
  it('is one line without credentials in URLs, of bounded length', () => {
    const text = `see https://promoter:geheim@mlflow.example.com/x\n\u202e${'y'.repeat(5_000)}`;
    const shown = quotable(text, [], 100);
    expect(shown).toMatch(/^see https:\/\/\*\*\*@mlflow\.example\.com\/x \\u\{202e\}y+…$/);
    expect(shown).toHaveLength(100);
  });
});
