import { posix } from 'node:path';
import { ApiError, invalid } from '../answers.ts';
import type { Behaviour } from './versions.ts';

/** MLflow's rules for names of models, tags and aliases, for version numbers and for stages. */

export const stages = ['None', 'Staging', 'Production', 'Archived'] as const;
export type Stage = (typeof stages)[number];

/** The stage's own spelling; any case is accepted, surrounding spaces are not. */
export function canonicalStage(text: string): Stage {
  const found = stages.find((stage) => stage.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  throw invalid(`Invalid Model Version stage: ${text}. Value must be one of ${stages.join(', ')}.`);
}

export function checkModelName(name: string, { strictNames }: Behaviour, parameter = 'name'): void {
  if (!strictNames) {
    if (name === '') throw invalid(`Registered model name cannot be empty.`);
    return;
  }
  if (name.trim() === '') throw invalid(`Missing value for required parameter '${parameter}'.`);
  if (/[/:]/.test(name)) throw invalid(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  if (readsAsPath(name)) throw invalid(pathMessage('name', name));
}

const BAD_CHARACTERS =
  'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).';

/** Names of tags, metrics and parameters. */
export function checkKey(key: string, parameter = 'key'): void {
  // As in Python, `$` also stands before a last newline.
  if (!/^[/\p{L}\p{N}_.\- :]*\n?$/u.test(key)) {
    throw invalid(
      `Invalid value ${JSON.stringify(key)} for parameter '${parameter}' supplied: ${BAD_CHARACTERS}`,
    );
  }
  if (readsAsPath(key)) throw invalid(pathMessage(parameter, key));
}

export function checkTag(key: string, value: string, longest: { key: number; value: number }): void {
  checkKey(key);
  checkLength('key', key, longest.key);
  checkLength('value', value, longest.value);
}

export function checkLength(what: string, text: string, longest: number): void {
  // Python counts characters, JavaScript UTF-16 units.
  if (text.length > longest && [...text].length > longest) {
    throw invalid(`'${what}' exceeds the maximum length of ${longest} characters`);
  }
}

export function checkAliasName(alias: string): void {
  if (!/^[\p{L}\p{N}_-]*\n?$/u.test(alias)) {
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength('Registered model alias name', alias, 255);
}

export function checkAliasFree(alias: string): void {
  if (alias.toLowerCase() === 'latest') throw invalid("'latest' alias name (case insensitive) is reserved.");
  if (/^[vV]\d+\n?$/.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
}

/** The number that Python's `int` reads: spaces around it, a sign, leading zeros and `1_0` are all fine. */
export function versionNumber(text: string, { hugeVersionFails }: Behaviour): bigint {
  const digits = text.trim();
  if (!/^[+-]?\d+(_\d+)*$/.test(digits)) {
    throw invalid(`Parameter 'version' must be an integer, got '${text}'.`);
  }
  const number = BigInt(digits.replaceAll('_', '').replace(/^\+/, ''));
  if (hugeVersionFails && (number >= 2n ** 63n || number < -(2n ** 63n))) {
    throw new ApiError('INTERNAL_ERROR', 'Python int too large to convert to SQLite INTEGER');
  }
  return number;
}

const LOCAL_SOURCE =
  'To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id.';
const RELATIVE_SOURCE =
  'If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.';

/** Local paths are never inside a run here, as the runs' files are behind the server's artifact proxy. */
export function checkSource(source: string): void {
  const [, scheme = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):)?(.*)$/is.exec(source) ?? [];
  if (scheme === '' || scheme.toLowerCase() === 'file') {
    throw invalid(`Invalid model version source: '${source}'. ${LOCAL_SOURCE}`);
  }
  const path = rest
    .replace(/^\/\/[^/?#]*/, '')
    .replace(/[?#].*$/s, '')
    .replace(/\/+$/, '')
    .replace(/\/+/g, '/');
  if (rest.split('/').includes('..') || !path.startsWith('/') || posix.normalize(path) !== path) {
    throw invalid(`Invalid model version source: '${source}'. ${RELATIVE_SOURCE}`);
  }
}

/** Files would have the name: it must not become another one when read as a path. */
function readsAsPath(name: string): boolean {
  const normal = normalPath(name);
  return normal !== name || normal === '.' || normal.startsWith('..') || normal.startsWith('/');
}

/** As Python's `posixpath.normpath`: unlike Node's it drops a slash at the end. */
const normalPath = (name: string) => {
  const normal = posix.normalize(name);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
};

const pathMessage = (parameter: string, name: string) =>
  `Invalid value ${JSON.stringify(name)} for parameter '${parameter}' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normalPath(name)}'`;
