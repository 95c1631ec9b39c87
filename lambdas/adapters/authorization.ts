import type { Http, HttpRequest } from './http.ts';

/** How requests show who they come from. Credentials may change while a function lives: they are asked for each time. */
export interface Authorization {
  /** Headers to add to one request. */
  headers(request: HttpRequest): Promise<Record<string, string>>;
  /** The same after a server refused them, from nothing that is kept; null where that could be no others. */
  renewed(request: HttpRequest): Promise<Record<string, string> | null>;
  /** Every value in use that no message may repeat. */
  secrets(): readonly string[];
}

/** The server asks for none. */
export const anonymous: Authorization = fixed({}, []);

export function basic(username: string, password: string): Authorization {
  const encoded = Buffer.from(`${username}:${password}`).toString('base64');
  return fixed({ authorization: `Basic ${encoded}` }, [password, encoded]);
}

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
 * The client with credentials. A server that answers 401 has done nothing, so the request is sent once more when fresh
 * credentials turn out to be others: a secret that was rotated is taken up at once.
 */
export function authorized(http: Http, authorization: Authorization): Http {
  return async (request) => {
    const send = (headers: Record<string, string>) =>
      http({ ...request, headers: { ...request.headers, ...headers } });
    const first = await authorization.headers(request);
    const reply = await send(first);
    if (reply.status !== UNAUTHORIZED) return reply;
    const again = await authorization.renewed(request);
    return again === null || again['authorization'] === first['authorization'] ? reply : send(again);
  };
}
