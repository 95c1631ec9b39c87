import type { MlflowTarget } from '../support/mlflow-rest.ts';

/** A real server, and a Python that has MLflow's client of the same version. */
export interface RealServer extends MlflowTarget {
  name: string;
  /** Null where nobody named one. */
  python: string | null;
}

/**
 * The servers of `npm run test:mlflow`, or those that somebody names: MLFLOW_TEST_URIS is `name=url`, with commas
 * between. Throws when there is none, as these tests need one. They write to it.
 */
export function realServers(): RealServer[] {
  const pythons = named(process.env['MLFLOW_TEST_PYTHONS']);
  const servers = [...named(process.env['MLFLOW_TEST_URIS'])].map(([name, url]) => ({
    name,
    url,
    python: pythons.get(name) ?? null,
  }));
  if (servers.length > 0) return servers;
  throw new Error(
    'No MLflow server: run `npm run test:mlflow`, or set MLFLOW_TEST_URIS=name=http://127.0.0.1:5000',
  );
}

/** A server that asks for a name and a password; null where nobody named one. */
export interface AuthServer {
  url: string;
  username: string;
  password: string;
}

export function authServer(): AuthServer | null {
  const url = process.env['MLFLOW_TEST_AUTH_URI'];
  const username = process.env['MLFLOW_TEST_AUTH_USER'];
  const password = process.env['MLFLOW_TEST_AUTH_PASSWORD'];
  if (url === undefined || username === undefined || password === undefined) return null;
  return { url, username, password };
}

function named(text = ''): Map<string, string> {
  const entries = text.split(',').map((entry) => /^([^=]+)=(.+)$/.exec(entry.trim()));
  return new Map(entries.flatMap((found) => (found === null ? [] : [[String(found[1]), String(found[2])]])));
}
