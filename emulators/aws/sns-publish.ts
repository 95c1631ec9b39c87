/** SNS's validation of a message, and its XML responses. */

const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/';
const LARGEST_MESSAGE = 262_144;
const LONGEST_SUBJECT = 99;

/** An error response of SNS, with its code and message. */
export class SnsError extends Error {
  override readonly name = 'SnsRefusal' as const;
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const invalid = (what: string) => new SnsError('InvalidParameter', `Invalid parameter: ${what}`);

/** A valid message; `message` has the text for each protocol. */
export interface AcceptedMessage {
  readonly topicArn: string;
  readonly subject: string | null;
  readonly message: Readonly<Record<'default' | 'email' | 'https', string>>;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Validates the parameters of a Publish; throws `SnsError` for the first invalid one. */
export function checkPublish(form: URLSearchParams, topics: ReadonlySet<string>): AcceptedMessage {
  const topicArn = form.get('TopicArn') ?? form.get('TargetArn') ?? '';
  if (!/^arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/.test(topicArn)) throw invalid('TopicArn');
  if (!topics.has(topicArn)) throw new SnsError('NotFound', 'Topic does not exist', 404);
  const subject = form.get('Subject');
  if (subject !== null) checkSubject(subject);
  const message = form.get('Message') ?? '';
  if (message === '') throw invalid('Empty message');
  if (Buffer.byteLength(message) > LARGEST_MESSAGE) throw invalid('Message too long');
  return { topicArn, subject, message: perProtocol(message, form), attributes: attributesOf(form) };
}

/**
 * SNS's documents disagree: older ones require ASCII that begins with a letter, number or punctuation mark,
 * newer ones UTF-8 without control characters, and SNS itself accepts 100 characters where both require fewer. The
 * emulator accepts only what all of them allow.
 */
function checkSubject(subject: string): void {
  if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(subject) || subject.length > LONGEST_SUBJECT)
    throw invalid('Subject');
}

function perProtocol(message: string, form: URLSearchParams): AcceptedMessage['message'] {
  const structure = form.get('MessageStructure');
  if (structure === null) return { default: message, email: message, https: message };
  if (structure !== 'json') throw invalid('MessageStructure');
  const entries = new Map(Object.entries(parsedObject(message)));
  // Entries that are not strings count as absent, also `default`.
  const textFor = (protocol: string) => {
    const text = entries.get(protocol);
    return typeof text === 'string' ? text : null;
  };
  const fallback = textFor('default');
  if (fallback === null) throw invalid('Message Structure - No default entry in JSON message body');
  return { default: fallback, email: textFor('email') ?? fallback, https: textFor('https') ?? fallback };
}

function parsedObject(message: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    parsed = null;
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw invalid('Message Structure - JSON message body failed to parse');
}

function attributesOf(form: URLSearchParams): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (let index = 1; form.has(`MessageAttributes.entry.${index}.Name`); index += 1) {
    const entry = (part: string) => form.get(`MessageAttributes.entry.${index}.${part}`) ?? '';
    const type = entry('Value.DataType');
    const value = entry('Value.StringValue') || entry('Value.BinaryValue');
    if (!/^(String|String\.Array|Number|Binary)$/.test(type) || value === '') {
      const problem = `The message attribute '${entry('Name')}' must contain non-empty message attribute value for message attribute type '${type}'.`;
      throw new SnsError('ParameterValueInvalid', problem);
    }
    attributes[entry('Name')] = value;
  }
  return attributes;
}

/** A successful response; `result` is XML. */
export function answerXml(action: string, result: string, requestId: string): string {
  return `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`;
}

/** An error response. */
export function errorXml({ code, message, status }: SnsError, requestId: string): string {
  const type = status < 500 ? 'Sender' : 'Receiver';
  return `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${type}</Type><Code>${code}</Code><Message>${escaped(message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Without control characters, most of which are invalid in XML. */
const escaped = (text: string) =>
  text.replace(/\p{Cc}/gu, '').replace(/[&<>]/g, (character) => ENTITIES[character] ?? character);
