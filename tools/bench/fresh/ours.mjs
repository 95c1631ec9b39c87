// A fresh process with one function, as Lambda starts it: loads the handler, calls it once, tells what came of it.
const { HANDLER, EVENT } = process.env;
const from = performance.now();
const { handler } = await import(HANDLER);
const loaded = performance.now();
await handler(JSON.parse(EVENT), { awsRequestId: 'request-1', getRemainingTimeInMillis: () => 60_000 });
const answered = performance.now();
process.stdout.write(
  `${JSON.stringify({ loadMs: loaded - from, callMs: answered - loaded, peakKb: process.resourceUsage().maxRSS })}\n`,
);
process.exit(0);
