/** A Lambda in a process of its own: `node invoke.ts <function> <event> <request id>`; its answer on standard output. */
const [name, event, requestId] = process.argv.slice(2);
const { handler } = await import(`../../lambdas/${name}.ts`);
const answer = await handler(JSON.parse(event ?? 'null'), { awsRequestId: requestId });
process.stdout.write(JSON.stringify(answer));
