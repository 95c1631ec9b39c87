import type { PlainRequest, Sendable } from '../../emulators/exchange.ts';
import type { RecordedRequest } from '../../emulators/faults.ts';
import type { System } from './faults.ts';

/** A system with an HTTP API, without a socket. */
export interface HttpSystem {
  system: System;
  receive(request: PlainRequest): { seen: RecordedRequest; answered: () => Sendable };
  /** For a request that reads before it writes; see `RemoteCall`. */
  begin?: (seen: RecordedRequest) => (() => <R>(execute: () => R) => R) | undefined;
}

/** How a client of the AWS SDK sends, without the SDK: its attempts and pauses, but neither signatures nor XML. */
export interface AwsClient {
  system: System;
  /** As the functions set it. */
  maxAttempts: number;
  /** Milliseconds for an answer, as the functions set them. */
  timeoutMs: number;
  /** Commands that change something. */
  writes: RegExp;
  /** Executes a command by its class name; what it throws is the service's answer. */
  execute: (command: string, input: object) => object;
}

/** What the functions' requests reach in one play. */
export interface Systems {
  http(host: string): HttpSystem | undefined;
  dynamodb: AwsClient;
  sns: AwsClient;
  stepFunctions: AwsClient;
  /** CloudTrail's `LookupEvents`; nothing goes wrong with it but that its events are late. */
  lookUpEvents: () => object;
}
