import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * DynamoDB answers a read of an item that does not exist with `{}`, as any other server may answer anything. Asked for the
 * consumed capacity, it always names the table, so that an answer without it is recognized as not DynamoDB's: a lease must not
 * count as lost because a proxy answered.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html#API_GetItem_ResponseElements
 */

/** A successful response that is not DynamoDB's. The SDK repeats the request, as after a 5xx. */
class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer' as const;
  readonly $retryable = { throttling: false };
}

/** The client, which throws for a response that is not DynamoDB's. */
export function answeredByDynamodb(client: DynamoDBClient): DynamoDBClient {
  client.middlewareStack.add(
    (next) => (args) => next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } }),
    { step: 'initialize', name: 'askForCapacity', override: true },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args).catch((error: unknown) => {
        throw error instanceof SyntaxError ? new UnexpectedAnswer('not JSON', { cause: error }) : error;
      });
      if (!namesTable(result.output)) throw new UnexpectedAnswer('without the consumed capacity');
      return result;
    },
    // Around the parsing of the response, and within the retries.
    { step: 'deserialize', priority: 'high', name: 'checkCapacity', override: true },
  );
  return client;
}

/** A transaction has one for each table. */
function namesTable(output: object = {}): boolean {
  const { ConsumedCapacity: consumed } = output as { ConsumedCapacity?: unknown };
  const [first] = Array.isArray(consumed) ? consumed : [consumed];
  return typeof first === 'object' && first !== null && typeof first.TableName === 'string';
}
