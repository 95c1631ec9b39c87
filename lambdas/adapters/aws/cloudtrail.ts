import {
  CloudTrailClient,
  type CloudTrailClientConfig,
  LookupEventsCommand,
} from '@aws-sdk/client-cloudtrail';
import * as z from 'zod';
import { StateMachineUnavailable } from '../../domain/errors.ts';
import { parseJson, readAs } from '../../domain/json.ts';
import type { Sender } from '../network.ts';

/**
 * Who started an execution, by CloudTrail's event history: every account has it, without a trail, for 90 days. An event is
 * there some minutes after the call.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */

/**
 * Seconds around the start of an execution in which the event of the call is looked for: the same call made once more, by
 * whomever, starts nothing and answers the same, so that only the first one counts.
 */
const AROUND_SECONDS = 30;
/** Pages of 50 events at most; LookupEvents allows two calls a second. */
const MAX_PAGES = 6;

const StartEvent = z.looseObject({
  eventName: z.literal('StartExecution'),
  eventTime: z.iso.datetime({ offset: true }),
  responseElements: z.looseObject({ executionArn: z.string() }),
  userIdentity: z.looseObject({
    type: z.string().optional(),
    arn: z.string().optional(),
    invokedBy: z.string().optional(),
  }),
});

/** The port to the history of calls. */
export interface CallHistory {
  /**
   * The ARN of who started an execution at about this time, or `service:` and the name of an AWS service; null while that is
   * not known. Throws `StateMachineUnavailable`.
   */
  starterOf(execution: string, startedAt: Date): Promise<string | null>;
}

/** The event history of the account: 3 attempts, 2 s to connect, 4 s for a response. */
export const cloudTrail = (config: CloudTrailClientConfig = {}): CallHistory =>
  callHistory(
    new CloudTrailClient({
      maxAttempts: 3,
      requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
      ...config,
    }),
  );

/** The history behind this client. */
export function callHistory(client: Sender<CloudTrailClient>): CallHistory {
  return {
    async starterOf(execution, startedAt) {
      const around = (seconds: number) => new Date(startedAt.getTime() + seconds * 1000);
      let NextToken: string | undefined;
      let first: { at: number; caller: string } | null = null;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const { Events = [], NextToken: next } = await client
          .send(
            new LookupEventsCommand({
              LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'StartExecution' }],
              StartTime: around(-AROUND_SECONDS),
              EndTime: around(AROUND_SECONDS),
              MaxResults: 50,
              ...(NextToken === undefined ? {} : { NextToken }),
            }),
          )
          .catch((error: unknown) => {
            const why = error instanceof Error ? error.name : 'unknown error';
            throw new StateMachineUnavailable(`LookupEvents of CloudTrail: ${why}`, { cause: error });
          });
        for (const { CloudTrailEvent } of Events) {
          const event = startIn(CloudTrailEvent);
          if (event?.responseElements.executionArn !== execution) continue;
          const at = Date.parse(event.eventTime);
          if (first === null || at < first.at) first = { at, caller: callerIn(event) };
        }
        if (next === undefined) return first?.caller ?? null;
        NextToken = next;
      }
      // Not all of them were read: an earlier call may be among the others.
      return null;
    },
  };
}

/** The event of a start that succeeded; null for anything else. */
function startIn(text: string | undefined): z.infer<typeof StartEvent> | null {
  try {
    return readAs(StartEvent, parseJson(text ?? '')).data ?? null;
  } catch {
    return null;
  }
}

/** A service that acts by itself has no ARN. What has neither is somebody nobody is. */
const callerIn = ({ userIdentity: { arn, invokedBy, type } }: z.infer<typeof StartEvent>): string =>
  arn ?? (invokedBy === undefined ? `unknown:${type ?? ''}` : `service:${invokedBy}`);
