import fc from 'fast-check';
import { expect } from 'vitest';
import { masked, quotable } from '../../lambdas/adapters/masking.ts';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import { isTooDeep, jsonExcess, jsonLimits, parseJson } from '../../lambdas/domain/json.ts';
import { causeMessage } from '../../lambdas/domain/lambda-cause.ts';
import {
  ascii,
  clipped,
  publicMessage,
  quoted,
  slackSafe,
  visible,
} from '../../lambdas/domain/visible-text.ts';
import { hostileJson, hostileText } from './support/hostile.ts';
import { read } from './support/read.ts';
import { fuzz } from './support/targets.ts';

const broken = fc.tuple(hostileJson, fc.nat(), fc.nat(), hostileText).map(([value, from, to, by]) => {
  const text = JSON.stringify(value);
  const begin = from % (text.length + 1);
  return `${text.slice(0, begin)}${by}${text.slice(begin + (to % (text.length - begin + 1)))}`;
});

fuzz(
  'JSON texts',
  'what is within the limits is read as JSON is, anything else is a SyntaxError; written again, it is the same',
  fc.oneof(
    hostileJson.map((value) => JSON.stringify(value)),
    broken,
    hostileText,
  ),
  (text) => {
    const ours = read(text, () => parseJson(text), ['SyntaxError']);
    const plain = read(text, () => JSON.parse(text), ['SyntaxError']);
    expect('value' in ours).toBe('value' in plain);
    if (!('value' in ours)) return;
    expect(ours.value).toEqual('value' in plain ? plain.value : null);
    const written = canonicalJson(ours.value);
    expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(ours.value)));
    expect(canonicalJson(JSON.parse(written))).toBe(written);
  },
);

const nesting = fc.array(fc.constantFrom('[', '{"a":', '[0,', '{"]":"[[","b":'), { maxLength: 4_000 });

fuzz(
  'JSON nested without end',
  'depth is found in a text as in its value, without recursion, and is refused before it is parsed',
  fc.record({ unit: nesting, times: fc.integer({ min: 1, max: 400 }) }),
  ({ unit, times }) => {
    const opened = unit.slice(0, Math.max(1, Math.ceil(8_000 / times)));
    const levels = opened.length * times;
    const closing = opened.toReversed().map((open) => (open.startsWith('[') ? ']' : '}'));
    const text = `${opened.join('').repeat(times)}0${closing.join('').repeat(times)}`;
    const tooDeep = levels > jsonLimits.levels;
    expect(jsonExcess(text)).toBe(tooDeep ? 'levels' : null);
    if (tooDeep) expect(() => parseJson(text)).toThrow(SyntaxError);
    const value: unknown = JSON.parse(text);
    expect(isTooDeep(value)).toBe(tooDeep);
    expect(causeMessage(value)).toBe(tooDeep ? '' : JSON.stringify(value));
  },
);

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

fuzz(
  'visible text',
  'is one line without unseen characters, not longer than asked for, and never half a character',
  fc.record({
    text: fc.oneof(
      hostileText,
      fc.array(hostileText).map((all) => all.join('')),
    ),
    limit: fc.integer({ min: 2, max: 400 }),
  }),
  ({ text, limit }) => {
    for (const shown of [visible(text, limit), publicMessage(text, limit)]) {
      expect(shown).not.toMatch(UNSEEN);
      expect(shown.isWellFormed()).toBe(true);
      expect(shown.length).toBeLessThanOrEqual(limit);
      expect(visible(shown, limit)).toBe(shown);
    }
    expect(quoted(text).length).toBeLessThanOrEqual(122);
    expect(ascii(text)).toMatch(/^[\x20-\x7e]*$/);
    expect(clipped(text, limit).length).toBeLessThanOrEqual(limit);
    const slack = slackSafe(text, limit);
    expect(slack).not.toMatch(/[<>`]|&(?!amp;|lt;|gt;)|(?<!\w)@/);
    expect(slack.length).toBeLessThanOrEqual(limit + 1);
  },
);

fuzz(
  'masked text',
  'holds no piece of a secret of eight characters or more, and what is not part of one is kept',
  fc.record({
    secret: fc.string({ unit: 'grapheme-ascii', minLength: 12, maxLength: 60 }),
    text: fc.array(fc.oneof(hostileText, fc.constant(null)), { minLength: 1, maxLength: 4 }),
    limit: fc.integer({ min: 10, max: 3_000 }),
  }),
  ({ secret, text, limit }) => {
    const whole = text.map((part) => part ?? secret).join('\n');
    for (const shown of [masked(whole, [secret], limit), quotable(whole, [secret], limit)]) {
      expect(shown).not.toContain(secret);
      for (let at = 0; at + 8 <= secret.length; at += 1)
        expect(shown.replaceAll('***', '\n')).not.toContain(secret.slice(at, at + 8));
    }
    expect(masked(whole, [], limit)).toBe(whole.slice(0, limit));
  },
);

fuzz(
  'causes of errors',
  'are a text, whatever the state machine was given: the message of Lambda, or what is there',
  fc.oneof(
    hostileJson,
    fc.record({ errorMessage: hostileText, errorType: hostileText, trace: hostileJson }),
    fc.record({ errorMessage: hostileText }).map((cause) => JSON.stringify(cause)),
    broken,
  ),
  (cause) => {
    const found = read(cause, causeMessage, []);
    expect('value' in found && typeof found.value).toBe('string');
    if (typeof cause === 'object' && cause !== null && 'errorMessage' in cause)
      if (typeof cause.errorMessage === 'string' && Object.hasOwn(cause, 'errorMessage'))
        expect(found).toEqual({ value: JSON.parse(JSON.stringify(cause.errorMessage)) });
  },
);
