import type { Http, HttpRequest } from './http.ts';

/** Credentials of requests. They may change while a function's environment lives, so they are read for each request. */
export interface Authorization {
  /** Headers to add to one request. */
  headers(request: HttpRequest): Promise<Record<string, string>>;
  /** Headers from freshly read credentials, after the server refused the first; null if there can be no others. */
  renewed(request: HttpRequest): Promise<Record<string, string> | null>;
  /** Every secret value in use, which messages must not contain in any encoding (`masking.ts`). */
  secrets(): readonly string[];
}

/** No credentials. */
export const anonymous: Authorization = fixed({}, []);

/** HTTP Basic authentication (RFC 7617). */
export function basic(username: string, password: string): Authorization {
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return fixed({ authorization: `Basic ${encoded}` }, [password, encoded]);
}

/** A bearer token (RFC 6750). */
export function bearer(token: string): Authorization {
  return fixed({ authorization: `Bearer ${token}` }, [token]);
}

function fixed(headers: Record<string, string>, secrets: readonly string[]): Authorization {
  return {
    headers: async () => headers,
    renewed: async () => null,
    secrets: () => secrets.filter((secret) => secret !== ''),
  };
}

const UNAUTHORIZED = 401;

/**
 * The client with credentials. A 401 has no effect on the server, so the request is repeated once if freshly read credentials
 * differ: a rotated secret is used at once.
 */
export function authorized(http: Http, authorization: Authorization): Http {
  const sendAs = async (request: HttpRequest) => {
    // Both attempts and the reading of the credentials share the time of one call.
    const endsAt = request.endsAt ?? http.endsAt(request.totalMs);
    const send = (headers: Record<string, string>) =>
      http({ ...request, endsAt, headers: { ...request.headers, ...headers } });
    const first = await authorization.headers(request);
    const reply = await send(first);
    if (reply.status !== UNAUTHORIZED) return reply;
    const again = await authorization.renewed(request);
    return again === null || again['authorization'] === first['authorization'] ? reply : send(again);
  };
  return Object.assign(sendAs, { endsAt: http.endsAt });
}
