import { request as send } from 'undici';
import * as z from 'zod';
import type { Clock } from '../../lambdas/adapters/clock.ts';

/** What a client of the Workload's endpoint received during a run. */
export interface EndpointReport {
  requests: number;
  /** How many were not answered with 200. */
  failed: number;
  /** How many had to wait for a replica, where there was none. */
  cold_starts: number;
  /** The artifacts that answered, in order; ISO 8601 times of the first and the last answer of each. */
  answered_by: {
    /** `MODEL_VERSION` of the answering artifact; null when it has none. */
    version: string | null;
    artifact_id: string;
    first: string;
    last: string;
    count: number;
  }[];
}

/** One answer of the endpoint; `problem` is the reason why there was no usable answer. */
export interface EndpointAnswer {
  version: string | null;
  artifactId: string | null;
  problem: string | null;
}

export interface EndpointClient {
  /** Sends one request; a failure is counted, never thrown. */
  call(): Promise<EndpointAnswer>;
  report(): EndpointReport;
}

const Answer = z.object({
  artifactId: z.string(),
  modelVersion: z.string().nullable(),
  coldStart: z.boolean().default(false),
});
const TIMEOUT_MS = 5_000;

/** A client of the model: it knows only the endpoint's URL. `onChange` is called when the answer changes. */
export function endpointClient(
  endpoint: string,
  token: string,
  clock: Clock,
  onChange: (answer: EndpointAnswer) => void,
): EndpointClient {
  const report: EndpointReport = { requests: 0, failed: 0, cold_starts: 0, answered_by: [] };
  let before: string | null = null;

  async function request(): Promise<EndpointAnswer> {
    try {
      const headers = { authorization: `Bearer ${token}` };
      const response = await send(endpoint, { headers, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
      const body: unknown = await response.body.json();
      if (response.statusCode !== 200)
        return failedAnswer(`HTTP ${response.statusCode} ${JSON.stringify(body)}`);
      const { artifactId, modelVersion, coldStart } = Answer.parse(body);
      if (coldStart) report.cold_starts += 1;
      return { version: modelVersion, artifactId, problem: null };
    } catch (error) {
      return failedAnswer(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
  }

  return {
    async call() {
      const answer = await request();
      report.requests += 1;
      if (answer.artifactId === null) report.failed += 1;
      else count(report, answer.artifactId, answer.version, clock.now().toISOString());
      const now = JSON.stringify(answer);
      if (now !== before) onChange(answer);
      before = now;
      return answer;
    },
    report: () => structuredClone(report),
  };
}

const failedAnswer = (problem: string): EndpointAnswer => ({ version: null, artifactId: null, problem });

function count({ answered_by }: EndpointReport, artifact_id: string, version: string | null, at: string) {
  const last = answered_by.at(-1);
  if (last?.artifact_id === artifact_id) {
    last.last = at;
    last.count += 1;
  } else answered_by.push({ version, artifact_id, first: at, last: at, count: 1 });
}
