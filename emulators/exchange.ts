import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Effect, RecordedRequest } from './faults.ts';

/** A response of an emulator; `body: null` is a response without a body. */
export interface Sendable {
  status: number;
  body: string | Buffer | null;
  /** Default: the emulator's own. */
  type?: string | undefined;
  headers?: Record<string, string> | undefined;
}

/** One request as an emulator reads it, with or without a socket. */
export interface PlainRequest {
  method: string;
  /** Path and query, encoded. */
  url: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** The request that a server received; its body must have been parsed as bytes, if there is one. */
export function plainRequest({ method, raw, headers, body }: FastifyRequest): PlainRequest {
  return { method, url: raw.url ?? '/', headers, body: Buffer.isBuffer(body) ? body : NO_BODY };
}

const NO_BODY = Buffer.alloc(0);

/** One request to an emulator, with the fault that applies to it. */
export interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
  seen: RecordedRequest;
  effect: Effect | null;
  /** Content type of responses, also of a fault's, that set none. */
  type: string;
}

/** Executes a request and responds to it, subject to its fault; `answered` is called at most once. */
export async function respond(exchange: Exchange, answered: () => Sendable): Promise<FastifyReply> {
  const { request, reply, effect } = exchange;
  if (effect?.kind === 'answer') {
    if (effect.when === 'after') answered();
    return send(exchange, { ...effect, type: effect.contentType });
  }
  if (effect?.kind === 'hold') await effect.until;
  const dropped = effect?.kind === 'drop';
  const answer = dropped && effect.when === 'before' ? null : answered();
  if (dropped || answer === null) {
    reply.hijack();
    request.raw.socket.destroy();
    return reply;
  }
  if (effect?.kind === 'then') effect.run();
  if (effect?.kind === 'delay') await pause(effect.ms);
  return send(exchange, answer);
}

function send({ reply, seen, type }: Exchange, answer: Sendable): FastifyReply {
  seen.status = answer.status;
  const started = reply.code(answer.status).headers(answer.headers ?? {});
  if (answer.body === null) return started.send();
  // As bytes, because fastify adds a charset to the content type of a string.
  return started.header('content-type', answer.type ?? type).send(Buffer.from(answer.body));
}

/** Does not keep the process alive while a response is delayed. */
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
