// The floor: Node alone makes the requests that the function made, those at the same time that it made at the same time, and
// reads the answers. It checks nothing and decides nothing.
import { readFileSync } from 'node:fs';

const send = async ({ url, method, headers, body }) => {
  const content = body === '' ? null : Buffer.from(body, 'base64');
  const answer = await fetch(url, { method, headers, body: content });
  const text = await answer.text();
  return answer.headers.get('content-type')?.includes('json') && text !== '' ? JSON.parse(text) : text;
};
const from = performance.now();
for (const wave of JSON.parse(readFileSync(process.env.EXCHANGES, 'utf8'))) await Promise.all(wave.map(send));
const callMs = performance.now() - from;
process.stdout.write(`${JSON.stringify({ loadMs: 0, callMs, peakKb: process.resourceUsage().maxRSS })}\n`);
process.exit(0);
