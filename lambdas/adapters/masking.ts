import { visible } from '../domain/visible-text.ts';

/**
 * Quoting remote text without the secrets that it may repeat. A server, a proxy or a log can repeat a credential in any
 * encoding, and cut off anywhere, so secrets are searched for in what the text decodes to, and in pieces.
 */

/** The names under which answers hold texts that somebody else has written. */
const TEXT_FIELDS = ['message', 'reason', 'summary', 'logTail'];
/** Characters that are kept of each of them. */
const MAX_TEXT_LENGTH = 4_000;

/** The same value with the secrets masked in its texts. */
export function withMaskedTexts<T>(value: T, secrets: readonly string[]): T {
  const copy = (inner: unknown, isText: boolean): unknown => {
    if (typeof inner === 'string') return isText ? masked(inner, secrets, MAX_TEXT_LENGTH) : inner;
    if (Array.isArray(inner)) return inner.map((each) => copy(each, isText));
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.fromEntries(
      Object.entries(inner).map(([key, each]) => [key, copy(each, isText || TEXT_FIELDS.includes(key))]),
    );
  };
  return copy(value, false) as T;
}

/** A text, or what it decodes to; each character knows the part of the original that it comes from. */
interface Decoded {
  readonly text: string;
  /** Begin and end in the original, for each character of `text`. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** Encodings within encodings: a JSON text in a JSON text in a query, for example. */
const MAX_ROUNDS = 6;
/** Base64 or hexadecimal within each other. */
const MAX_LAYERS = 2;
/** Characters beyond the quoted part that are searched too, for a secret that begins within it. */
const MARGIN = 256;

/** One line of at most `limit` characters from a remote text: without the secrets, and without credentials in URLs. */
export function quotable(text: string, secrets: readonly string[], limit: number): string {
  const safe = masked(text, secrets, 10 * limit).replace(/\/\/[^\s/@]*@/g, '//***@');
  return visible(safe.replace(/\s+/g, ' ').trim(), limit);
}

/**
 * The first `limit` characters of a text with `***` for every secret and every part of one, as it is or encoded: as escapes of
 * JSON, entities of HTML, percent-encoded, base64 (also of a longer text) or hexadecimal, in any mixture. A part counts from
 * half of the secret on, and from 8 characters at the latest.
 */
export function masked(text: string, secrets: readonly string[], limit: number): string {
  const part = text.slice(0, limit + MARGIN);
  const hidden = new Uint8Array(part.length);
  const wanted = [...new Set(secrets)].filter((secret) => secret !== '').map(piecesOf);
  if (wanted.length === 0) return text.slice(0, limit);
  const hide = (decoded: Decoded) => {
    const text = folded(decoded.text);
    for (const { size, forms } of wanted) {
      for (let at = 0; at + size <= text.length; at += 1) {
        const piece = text.slice(at, at + size);
        if (forms.some((form) => form.includes(piece)))
          hidden.fill(1, decoded.begin[at], decoded.end[at + size - 1]);
      }
    }
  };
  const search = (decoded: Decoded, layers: number) => {
    for (const round of roundsOf(decoded)) {
      hide(round);
      if (layers > 0) for (const bytes of [...base64In(round), ...hexIn(round)]) search(bytes, layers - 1);
    }
  };
  search(asItIs(part), MAX_LAYERS);
  return withoutHidden(part.slice(0, limit), hidden);
}

/** What is searched for: every piece, of this size, of each form of a secret. */
interface Pieces {
  readonly size: number;
  readonly forms: readonly string[];
}

/** A function has few secrets, and quotes many texts. */
const MAX_KNOWN = 16;
const known = new Map<string, Pieces>();

function piecesOf(secret: string): Pieces {
  const found = known.get(secret) ?? newPieces(secret);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(secret, found);
  return found;
}

function newPieces(secret: string): Pieces {
  // Decoded, as the text is, and as bytes, for base64 and hexadecimal.
  const forms = [secret, Buffer.from(secret).toString('latin1')].flatMap((form) =>
    roundsOf(asItIs(form)).map((decoded) => folded(decoded.text)),
  );
  const shortest = Math.min(...forms.map((form) => form.length));
  const size = Math.max(1, Math.min(shortest, Math.max(4, Math.min(8, Math.ceil(secret.length / 2)))));
  return { size, forms: [...new Set(forms)] };
}

/** In a query a space is a plus sign. */
const folded = (text: string) => text.replaceAll('+', ' ');

const asItIs = (text: string): Decoded => ({
  text,
  begin: Array.from({ length: text.length }, (_, at) => at),
  end: Array.from({ length: text.length }, (_, at) => at + 1),
});

/** The text, and what it decodes to, again and again until nothing is left to decode. */
function roundsOf(first: Decoded): Decoded[] {
  const rounds = [first];
  for (let last = first; rounds.length <= MAX_ROUNDS; rounds.push(last)) {
    const next = decode(last);
    if (next.text === last.text) break;
    last = next;
  }
  return rounds;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
/** The named entities of ASCII, in lower case: https://html.spec.whatwg.org/multipage/named-characters.html */
const NAMED = new Map(
  [
    'amp & lt < gt > quot " apos \' excl ! num # dollar $ percnt % lpar ( rpar ) ast * plus + comma , period . sol /',
    'colon : semi ; equals = quest ? commat @ lsqb [ lbrack [ bsol \\ rsqb ] rbrack ] hat ^ lowbar _ grave `',
    'lcub { lbrace { verbar | vert | rcub } rbrace }',
  ]
    .flatMap((line) => line.match(/\S+ \S+/g) ?? [])
    .map((entity) => entity.split(' ') as [string, string]),
);

const ENCODED =
  /\\+u(?:\{(?<braced>[0-9a-f]{1,6})\}|(?<unicode>[0-9a-f]{4}))|\\+x(?<byte>[0-9a-f]{2})|(?<percent>(?:%[0-9a-f]{2})+)|&#x0*(?<hex>[0-9a-f]{1,6});?|&#0*(?<decimal>\d{1,7});?|&(?<name>[a-z]{2,6});|\\+(?<escaped>[^\\]?)/gi;

/** One round: each encoded character becomes the character itself. A lone backslash falls away, in secrets as in texts. */
function decode(decoded: Decoded): Decoded {
  const text: string[] = [];
  const begin: number[] = [];
  const end: number[] = [];
  const add = (characters: string, from: number, to: number) => {
    for (const unit of characters.split('')) {
      text.push(unit);
      begin.push(decoded.begin[from] ?? 0);
      end.push(decoded.end[to - 1] ?? 0);
    }
  };
  const copy = (from: number, to: number) => {
    for (let at = from; at < to; at += 1) add(decoded.text.charAt(at), at, at + 1);
  };
  let done = 0;
  for (const { 0: unit, index, groups = {} } of decoded.text.matchAll(ENCODED)) {
    copy(done, index);
    done = index + unit.length;
    const backslashes = unit.length - unit.replace(/^\\+/, '').length;
    // They may belong to the character before them, as no backslash is left.
    if (backslashes > 0 && end.length > 0) end[end.length - 1] = decoded.end[index + backslashes - 1] ?? 0;
    add(meaningOf(unit, groups), index, done);
  }
  copy(done, decoded.text.length);
  return { text: text.join(''), begin, end };
}

function meaningOf(unit: string, groups: Record<string, string | undefined>): string {
  const { braced, unicode, byte, percent, hex, decimal, name, escaped } = groups;
  if (percent !== undefined) return Buffer.from(percent.replaceAll('%', ''), 'hex').toString('utf8');
  if (escaped !== undefined) return SHORT_ESCAPES[escaped] ?? escaped;
  if (name !== undefined) return NAMED.get(name.toLowerCase()) ?? unit;
  const digits = braced ?? unicode ?? byte ?? hex;
  const code = digits === undefined ? Number(decimal) : Number.parseInt(digits, 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : unit;
}

const BASE64 = /[A-Za-z0-9+/_-][A-Za-z0-9+/_\-\s]{4,}/g;
const HEXADECIMAL = /[0-9a-f](?:[\s:]?[0-9a-f]){7,}/gi;

/** The bytes that runs of a text stand for, as characters; from each place where a group of characters can begin. */
const base64In = (decoded: Decoded) =>
  bytesIn(decoded, BASE64, { encoding: 'base64', characters: 4, bytes: 3 });
const hexIn = (decoded: Decoded) =>
  bytesIn(decoded, HEXADECIMAL, { encoding: 'hex', characters: 2, bytes: 1 });

function bytesIn(
  decoded: Decoded,
  pattern: RegExp,
  group: { encoding: 'base64' | 'hex'; characters: number; bytes: number },
): Decoded[] {
  const perByte = group.characters / group.bytes;
  return [...decoded.text.matchAll(pattern)].flatMap(({ 0: run, index }) => {
    const places = Array.from(run, (_, at) => index + at).filter(
      (at) => !/[\s:]/.test(decoded.text.charAt(at)),
    );
    return Array.from({ length: group.characters }, (_, shift): Decoded => {
      const used = places.slice(shift);
      const bytes = Buffer.from(used.map((at) => decoded.text.charAt(at)).join(''), group.encoding);
      const place = (character: number) => used[Math.min(character, used.length - 1)] ?? 0;
      const indices = Array.from(bytes, (_, byte) => byte);
      return {
        text: bytes.toString('latin1'),
        begin: indices.map((byte) => decoded.begin[place(Math.floor(byte * perByte))] ?? 0),
        end: indices.map((byte) => decoded.end[place(Math.ceil((byte + 1) * perByte) - 1)] ?? 0),
      };
    });
  });
}

function withoutHidden(text: string, hidden: Uint8Array): string {
  let shown = '';
  for (let at = 0; at < text.length; at += 1) {
    if (hidden[at] !== 1) shown += text.charAt(at);
    else if (hidden[at - 1] !== 1) shown += '***';
  }
  return shown;
}
