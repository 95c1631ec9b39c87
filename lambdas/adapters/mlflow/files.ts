import { NoReply } from '../http.ts';
import { ArtifactsAnswer } from './answers.ts';
import { isTooLarge, type MlflowRequests, orNull } from './requests.ts';

/** The files of runs and of registered versions. */

const ARTIFACT_MAX_BYTES = 64 * 1024 * 1024;

/** A file or folder of a run; `size` in bytes, null for folders and where the server does not say. */
export interface ArtifactEntry {
  /** Below the run's artifacts. */
  readonly path: string;
  readonly isFolder: boolean;
  readonly size: number | null;
}

/** The files of runs. Every method throws as those of the registry do. */
export interface ArtifactFiles {
  /** The direct entries of a folder, `''` for all artifacts of the run; none where there is no such folder. */
  listArtifacts(runId: string, folder: string): Promise<readonly ArtifactEntry[]>;
  /**
   * Reads a file as it arrives, within `totalMs` with all retries, each of which begins anew: what `read` returned for the
   * attempt that ended. `read` may stop early. Null where MLflow says that there is no such file.
   */
  readArtifact<T>(
    runId: string,
    path: string,
    totalMs: number,
    read: (chunks: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<T | null>;
}

/** All files that MLflow serves, and writing them. Every method throws as those of the registry do. */
export interface MlflowFiles extends ArtifactFiles {
  /**
   * Writes a file through the server's artifact proxy, whatever was there. `path`: as in the run's `artifactUri`, below
   * `mlflow-artifacts:/`. The server takes it for a run that does not exist, too.
   */
  putFile(path: string, file: { type: string; content: string }): Promise<void>;
  /**
   * A file of a registered version, below where it was registered from; null where MLflow says that there is none,
   * `too-large` where it has more than `maxBytes`.
   */
  versionFile(
    name: string,
    version: string,
    path: string,
    maxBytes: number,
  ): Promise<Buffer | null | 'too-large'>;
  /** One artifact file of a run through the server's artifact proxy; at most 64 MiB. */
  artifact(runId: string, path: string): Promise<Buffer>;
}

/** The files behind a server's requests. */
export function mlflowFiles({ call, content, upload }: MlflowRequests): MlflowFiles {
  return {
    putFile: (path, file) =>
      upload(
        `/api/2.0/mlflow-artifacts/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`,
        file,
      ),

    async listArtifacts(run_id, path): Promise<ArtifactEntry[]> {
      const query: Record<string, string> = path === '' ? { run_id } : { run_id, path };
      const request = { method: 'GET', query, writes: 'nothing' } as const;
      return (await call('artifacts/list', ArtifactsAnswer, request)).files ?? [];
    },

    async readArtifact(run_id, path, totalMs, read) {
      const result: { value: Awaited<ReturnType<typeof read>> | null } = { value: null };
      const request = { method: 'GET', query: { run_id, path }, writes: 'nothing' } as const;
      const answer = content('/get-artifact', {
        ...request,
        totalMs,
        // The reader has its own limit, and says itself what was too large.
        maxBytes: Number.MAX_SAFE_INTEGER,
        read: async (chunks, headers) => {
          // A page of something in between, such as a login or an outage, is no file of MLflow's.
          if (!/^attachment\b/i.test(headers['content-disposition'] ?? ''))
            throw new NoReply('broken', 'the answer is not the file');
          result.value = await read(chunks);
        },
      });
      await orNull(answer);
      return result.value;
    },

    versionFile: (name, version, path, maxBytes) =>
      orNull(
        content('/model-versions/get-artifact', {
          method: 'GET',
          query: { name, version, path },
          writes: 'nothing',
          maxBytes,
        }),
      ).catch((error: unknown) => {
        if (isTooLarge(error)) return 'too-large';
        throw error;
      }),

    artifact: (run_id, path) =>
      content('/get-artifact', {
        method: 'GET',
        query: { run_id, path },
        writes: 'nothing',
        maxBytes: ARTIFACT_MAX_BYTES,
      }),
  };
}
