import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Effect, RecordedRequest } from './faults.ts';

/** What an emulator sends back; `body: null` is an answer without one. */
export interface Sendable {
  status: number;
  body: string | Buffer | null;
  /** Default: the emulator's own. */
  type?: string | undefined;
  headers?: Record<string, string> | undefined;
}

/** One request at an emulator, with what a fault wants to be done instead of, or beside, answering it. */
export interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
  seen: RecordedRequest;
  effect: Effect | null;
  /** Content type of answers, also of a fault's, that name none. */
  type: string;
}

/** Carries a request out and answers it, as its fault will have it; `answered` is called once at most. */
export async function respond(exchange: Exchange, answered: () => Sendable): Promise<FastifyReply> {
  const { request, reply, effect } = exchange;
  if (effect?.kind === 'answer') return send(exchange, { ...effect, type: effect.contentType });
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
  // As bytes, so that the content type stays as it is: fastify adds a charset to the type of a text.
  return started.header('content-type', answer.type ?? type).send(Buffer.from(answer.body));
}

/** Does not keep the process alive: a test that closes the emulator need not wait for a late answer. */
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref());
