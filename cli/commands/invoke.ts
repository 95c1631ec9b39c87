import { startHost } from '../../local/host.ts';
import { invokeFunction } from '../../local/invocation.ts';
import { seedEmulators } from '../../local/scenarios/seed.ts';
import { type InvokeOptions, invokeRequest, reportInvocation } from './invoke-request.ts';

/** `promotion invoke`: calls one function on this machine; returns the exit status. Throws `UsageError`. */
export async function invoke(given: string, options: InvokeOptions): Promise<number> {
  const { name, event, ...systems } = await invokeRequest(given, options, process.env);
  const host = await startHost(systems);
  try {
    seedEmulators(host);
    return reportInvocation(await invokeFunction(host, name, event), options);
  } finally {
    await host.close();
  }
}
