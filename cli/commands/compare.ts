import { startHost } from '../../local/host.ts';
import { invokeFunction } from '../../local/invocation.ts';
import { seedEmulators } from '../../local/scenarios/seed.ts';
import { type CompareOptions, compareEvent, reportComparison } from './compare-request.ts';
import { checkedSystems } from './invoke-request.ts';

/** `promotion compare`: compares two versions on this machine; returns the exit status. Throws `UsageError`. */
export async function compare(options: CompareOptions): Promise<number> {
  const event = await compareEvent(options);
  const systems = await checkedSystems(event, process.env);
  const host = await startHost(systems);
  try {
    seedEmulators(host);
    return await reportComparison(await invokeFunction(host, 'compare-models', event), options);
  } finally {
    await host.close();
  }
}
