// One execution environment of Lambda: loads the handler that _HANDLER names from LAMBDA_TASK_ROOT and calls it for each
// message. Plain JavaScript without a dependency, as it runs away from the repository. The one thing that is not as on
// AWS: the function's clock is as far ahead as the message says, because the local host skips waits.

import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

let aheadMs = 0;
// Back-off before a retry is skipped, as waits are.
const clock = { now: () => new Date(Date.now() + aheadMs), pause: async () => {} };

const [file, name] = process.env._HANDLER.split('.');
const handler = import(pathToFileURL(join(process.env.LAMBDA_TASK_ROOT, `${file}.mjs`)).href).then((module) =>
  module[name].withClock(clock),
);
// Told to whoever invokes first.
handler.catch(() => {});

process.on('message', async ({ id, event, ahead, timeoutMs }) => {
  aheadMs = ahead;
  const endsAt = Date.now() + timeoutMs;
  const context = {
    awsRequestId: id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${process.env.AWS_LAMBDA_FUNCTION_NAME}`,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => endsAt - Date.now(),
  };
  process.env._X_AMZN_TRACE_ID = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
  try {
    const answer = await (await handler)(event, context);
    process.send({ id, answer: answer ?? null });
    // For the next process, where NODE_COMPILE_CACHE is set: this one may be killed.
    flushCompileCache();
  } catch (error) {
    const known = error instanceof Error;
    process.send({
      id,
      error: {
        errorType: known ? error.name : typeof error,
        errorMessage: known ? error.message : String(error),
        trace: known ? String(error.stack).split('\n') : [],
      },
    });
  }
});
