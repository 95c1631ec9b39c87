import type { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Transport } from './http.ts';

/**
 * How requests leave a function. On AWS, and on a laptop, through sockets; a part that is given here goes to other code in
 * the same process instead, so that thousands of executions can be played in a second.
 */
export interface Network {
  /** One attempt of an HTTP request; retries and their limits stay with the HTTP client. */
  http?: Transport;
  dynamodb?: Sender<DynamoDBDocumentClient>;
  sns?: Sender<SNSClient>;
  stepFunctions?: Sender<SFNClient>;
  cloudTrail?: Sender<CloudTrailClient>;
}

/** What the adapters use of a client of the AWS SDK. */
export type Sender<Client extends { send: unknown }> = Pick<Client, 'send'>;
