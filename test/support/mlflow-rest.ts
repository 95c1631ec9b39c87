import { randomUUID } from 'node:crypto';
import { fetch, Pool } from 'undici';

/** An MLflow server to talk to without any client of ours in between. */
export interface MlflowTarget {
  url: string;
  /** Sent as `Authorization`, where the server asks for it. */
  authorization?: string;
}

export interface MlflowReply {
  status: number;
  contentType: string;
  text: string;
  /** The parsed body, or an empty object when it is no JSON. */
  body: Record<string, unknown>;
}

type Query = Record<string, string | readonly string[]>;

/** Raw requests below `/api/2.0/mlflow/`; a path with a leading slash is taken as it is. */
export class MlflowRest {
  readonly #target: MlflowTarget;
  /** Keeps its connections, which the `Agent` of undici does not: https://github.com/nodejs/undici/issues/5022 */
  readonly #pool: Pool;

  constructor(target: MlflowTarget) {
    this.#target = target;
    this.#pool = new Pool(new URL(target.url).origin);
  }

  get(path: string, query: Query = {}): Promise<MlflowReply> {
    return this.send('GET', path, { query });
  }

  post(path: string, body: unknown): Promise<MlflowReply> {
    return this.send('POST', path, { body: JSON.stringify(body) });
  }

  patch(path: string, body: unknown): Promise<MlflowReply> {
    return this.send('PATCH', path, { body: JSON.stringify(body) });
  }

  delete(path: string, body: unknown): Promise<MlflowReply> {
    return this.send('DELETE', path, { body: JSON.stringify(body) });
  }

  async send(
    method: string,
    path: string,
    { query = {}, body, type = 'application/json' }: { query?: Query; body?: string; type?: string } = {},
  ): Promise<MlflowReply> {
    const { url, authorization } = this.#target;
    const target = new URL(`${url}${path.startsWith('/') ? path : `/api/2.0/mlflow/${path}`}`);
    for (const [key, value] of Object.entries(query)) {
      for (const item of [value].flat()) target.searchParams.append(key, item);
    }
    const headers = {
      ...(body === undefined ? {} : { 'content-type': type }),
      ...(authorization === undefined ? {} : { authorization }),
    };
    const response = await fetch(target, {
      method,
      headers,
      dispatcher: this.#pool,
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const contentType = response.headers.get('content-type') ?? '';
    return { status: response.status, contentType, text, body: parse(text) };
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A name that no other test of a shared server uses. */
export const unique = (stem: string) => `${stem}-${randomUUID().slice(0, 8)}`;

/**
 * In what the servers differ, by the version that they say they are. Written down apart from the emulator's own
 * table, so that a mistake in one shows against the other.
 */
export function capabilitiesOf(version: string) {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const number = major * 1_000_000 + minor * 1_000 + patch;
  const since = (wanted: number) => number >= wanted;
  return {
    refusesPathLikeNames: since(3_011_001),
    clearsAliasesOfDeletedVersions: since(3_017_000),
    resolvesLatest: since(3_004_000),
    latestIsHighest: since(3_017_000),
    looksForModelOfAlias: since(3_010_000),
    longTagValues: since(3_000_001),
    pagesHistory: since(3_001_000),
    historyWithoutSizeIsWhole: !since(3_001_000) || since(3_014_000),
    inheritsRunOfSourceVersion: since(3_017_000),
    hasLoggedModels: since(3_000_000),
    hasServerInfo: since(3_010_000),
  };
}
