import type { AddressInfo } from 'node:net';
import fastify, { type FastifyRequest } from 'fastify';
import { respond } from '../exchange.ts';
import { Faults, type RecordedRequest } from '../faults.ts';
import { type AcceptedMessage, answerXml, checkPublish, errorXml, SnsError } from './sns-publish.ts';

/** An accepted message; `message` has what the subscribers of each protocol receive. */
export interface PublishedMessage extends AcceptedMessage {
  readonly messageId: string;
}

export interface SnsEmulatorOptions {
  /** Default: any free port. */
  readonly port?: number;
}

export interface SnsEmulator {
  readonly url: string;
  /** A topic that exists from the start and after `reset`. */
  readonly topicArn: string;
  readonly published: PublishedMessage[];
  /** A fault's path is the name of the action, such as `Publish`. */
  readonly faults: Faults;
  readonly requests: RecordedRequest[];
  /** Restores the initial state: one topic, no messages, faults or requests. */
  reset(): void;
  close(): Promise<void>;
}

const ARN_PREFIX = 'arn:aws:sns:us-east-1:123456789012:';
const FIRST_TOPIC = `${ARN_PREFIX}promotion-alerts`;
const LARGEST_BODY = 8 * 1024 * 1024;

type Answer = { status: number; body: string };

/** The publishing part of Amazon SNS, in its Query protocol (form in, XML out); other actions return 501. */
class SnsState {
  readonly published: PublishedMessage[] = [];
  readonly topics = new Set([FIRST_TOPIC]);
  #count = 0;

  /** An id in SNS's format; sequential, so that runs are reproducible. */
  nextId(): string {
    this.#count += 1;
    return `00000000-0000-4000-8000-${String(this.#count).padStart(12, '0')}`;
  }

  reset(): void {
    this.published.length = 0;
    this.topics.clear();
    this.topics.add(FIRST_TOPIC);
  }

  act(action: string, form: URLSearchParams): Answer {
    const requestId = this.nextId();
    try {
      return { status: 200, body: answerXml(action, this.#result(action, form), requestId) };
    } catch (error) {
      if (error instanceof SnsError) return { status: error.status, body: errorXml(error, requestId) };
      throw error;
    }
  }

  #result(action: string, form: URLSearchParams): string {
    switch (action) {
      case 'Publish': {
        const accepted = checkPublish(form, this.topics);
        const messageId = this.nextId();
        this.published.push({ ...accepted, messageId });
        return `<MessageId>${messageId}</MessageId>`;
      }
      case 'CreateTopic':
        return `<TopicArn>${this.#createTopic(form.get('Name') ?? '')}</TopicArn>`;
      case 'ListTopics':
        return `<Topics>${[...this.topics].map((arn) => `<member><TopicArn>${arn}</TopicArn></member>`).join('')}</Topics>`;
      default:
        throw new SnsError('NotImplemented', `The SNS emulator has no action "${action}"`, 501);
    }
  }

  #createTopic(name: string): string {
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(name)) {
      throw new SnsError('InvalidParameter', 'Invalid parameter: Topic Name');
    }
    this.topics.add(ARN_PREFIX + name);
    return ARN_PREFIX + name;
  }
}

/** Starts the emulator on 127.0.0.1. Clients use it through `AWS_ENDPOINT_URL_SNS`, with any credentials. */
export async function startSnsEmulator(options: SnsEmulatorOptions = {}): Promise<SnsEmulator> {
  const state = new SnsState();
  const faults = new Faults();
  const requests: RecordedRequest[] = [];
  const server = fastify({ forceCloseConnections: true, bodyLimit: LARGEST_BODY });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.post('/', async (request, reply) => {
    const form = new URLSearchParams(String(request.body ?? ''));
    const action = form.get('Action') ?? '';
    const seen: RecordedRequest = {
      method: 'POST',
      path: action,
      body: Object.fromEntries(form),
      status: null,
    };
    requests.push(seen);
    const effect = faults.take('POST', action);
    return respond({ request, reply, seen, effect, type: 'text/xml' }, () =>
      isSigned(request) ? state.act(action, form) : unsigned(state.nextId()),
    );
  });
  await server.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    topicArn: FIRST_TOPIC,
    published: state.published,
    faults,
    requests,
    reset: () => {
      state.reset();
      faults.clear();
      requests.length = 0;
    },
    close: () => server.close(),
  };
}

/** Checks only that there is a signature: the emulator has no secrets to verify it. */
const isSigned = (request: FastifyRequest) =>
  /^AWS4-HMAC-SHA256 Credential=/.test(request.headers.authorization ?? '');

function unsigned(requestId: string): Answer {
  const refusal = new SnsError('MissingAuthenticationToken', 'Request is missing Authentication Token', 403);
  return { status: refusal.status, body: errorXml(refusal, requestId) };
}
