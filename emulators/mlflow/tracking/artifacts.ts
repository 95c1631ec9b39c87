import { posix } from 'node:path';
import { type Answer, invalid, json, missing, page, sparse, UnhandledError } from '../answers.ts';
import type { Endpoint } from '../endpoints.ts';
import type { Input, RawRequest } from '../parameters.ts';
import type { Registry } from '../registry/registry.ts';
import type { Behaviour } from '../registry/versions.ts';
import type { Run, Tracking } from './tracking.ts';

/** The files behind the server's artifact proxy, by their path there (`1/<run>/artifacts/model/MLmodel`). */
export class Artifacts {
  readonly #files = new Map<string, Buffer>();

  put(path: string, content: Buffer): void {
    this.#files.set(safe(path), content);
  }

  get(path: string): Buffer | undefined {
    return this.#files.get(path);
  }

  isFolder(path: string): boolean {
    return [...this.#files.keys()].some((file) => file.startsWith(`${path}/`));
  }

  delete(path: string): void {
    for (const file of this.#files.keys()) {
      if (file === path || file.startsWith(`${path}/`)) this.#files.delete(file);
    }
  }

  /** The direct entries of a folder, sorted; paths start with `shown`. */
  list(folder: string, shown: string): object[] {
    const prefix = folder === '' ? '' : `${folder}/`;
    const found = new Map<string, object>();
    for (const [file, content] of [...this.#files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      if (!file.startsWith(prefix)) continue;
      const [name = '', ...below] = file.slice(prefix.length).split('/');
      const path = posix.join(shown, name);
      found.set(
        name,
        below.length > 0 ? { path, is_dir: true } : { path, is_dir: false, file_size: content.length },
      );
    }
    return [...found.values()];
  }
}

const PROXIED = 'mlflow-artifacts:';

/** Where in the proxy a run's files are. */
export const artifactRoot = ({ artifactUri }: Pick<Run, 'artifactUri'>) =>
  artifactUri.replace(/^mlflow-artifacts:\/+/, '');

/** Listing, downloading and uploading files, for runs and through the proxy. */
export function artifactEndpoints(
  artifacts: Artifacts,
  tracking: Tracking,
  registry: Pick<Registry, 'version'>,
  behaviour: Behaviour,
): Endpoint[] {
  const proxy = 'mlflow-artifacts/artifacts';
  return [
    route('GET', 'artifacts/list', (input) => {
      const run = tracking.run(input.text('run_id'));
      const path = input.has('path') ? safe(input.text('path')) : '';
      const files = artifacts.list(posix.join(artifactRoot(run), path), path);
      return json(sparse({ root_uri: run.artifactUri, files }));
    }),
    {
      ...route('GET', 'get-artifact', (input) => {
        if (!input.has('run_id') || !input.has('path')) return page(400);
        const path = safe(input.text('path'));
        return download(
          artifacts,
          posix.join(artifactRoot(tracking.run(input.text('run_id'))), path),
          behaviour,
        );
      }),
      parameters: { run_id: 'string', path: 'string' },
    },
    {
      ...route('GET', 'model-versions/get-artifact', (input) => {
        if (!input.has('path')) return page(400);
        const path = safe(input.text('path'));
        const { location } = registry.version(input.text('name'), input.text('version'));
        // Other stores are not emulated; a server without their client fails likewise.
        if (!location.startsWith(PROXIED)) throw new UnhandledError(`No store for ${location}`);
        return download(artifacts, posix.join(artifactRoot({ artifactUri: location }), path), behaviour);
      }),
      parameters: { name: 'string', version: 'string', path: 'string' },
    },
    {
      ...route('GET', proxy, (input) => {
        const path = safe(input.text('path'));
        return json(sparse({ files: artifacts.list(path, '') }));
      }),
      parameters: { path: 'string' },
    },
    {
      ...route('GET', `${proxy}/*`, (_, path) => download(artifacts, safe(path), behaviour)),
      parameters: {},
    },
    {
      methods: ['PUT'],
      path: `${proxy}/*`,
      parameters: null,
      act: (_, path, { body }) => {
        artifacts.put(path, body);
        return json({});
      },
    },
    {
      methods: ['DELETE'],
      path: `${proxy}/*`,
      parameters: null,
      act: (_, path) => {
        artifacts.delete(safe(path));
        return json({});
      },
    },
  ];
}

const route = (
  method: string,
  path: string,
  act: (input: Input, rest: string, request: RawRequest) => Answer,
) => ({ methods: [method], path, parameters: { run_id: 'string!', path: 'string' }, act }) satisfies Endpoint;

function download(artifacts: Artifacts, path: string, { missingArtifact }: Behaviour): Answer {
  const content = artifacts.get(path);
  if (content !== undefined) {
    const name = posix.basename(path);
    const shown = /^[\w.-]+$/.test(name)
      ? `filename=${name}`
      : `filename*=UTF-8''${encodeURIComponent(name)}`;
    const headers = { 'content-disposition': `attachment; ${shown}` };
    return { status: 200, type: contentType(path), body: content, headers };
  }
  if (!missingArtifact) throw new UnhandledError(`No such file or directory: '${path}'`);
  if (artifacts.isFolder(path)) throw invalid(`Artifact path refers to a directory, not a file: '${path}'`);
  throw missing(`No such artifact: '${path}'`);
}

const contentType = (path: string) =>
  /\.(txt|log|csv|ya?ml|py|json|html)$/i.test(path) || posix.basename(path) === 'MLmodel'
    ? 'text/plain'
    : 'application/octet-stream';

/** The path as it is, unless it leads out of its folder. */
function safe(path: string): string {
  const parts = path.split('/');
  if (parts.includes('..') || path.startsWith('/') || path.includes('\0')) throw invalid('Invalid path');
  return posix.normalize(path).replace(/^\.$/, '').replace(/\/$/, '');
}
