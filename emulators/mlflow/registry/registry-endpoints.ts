import { ApiError, invalid, pairs, sparse } from '../answers.ts';
import { type Endpoint, endpoint } from '../endpoints.ts';
import type { Input, Parameters } from '../parameters.ts';
import type { LoggedModels } from '../tracking/logged-models.ts';
import { checkSource } from './names.ts';
import type { Model, Registry, Version } from './registry.ts';
import { searchModels, searchVersions } from './registry-search.ts';
import type { Behaviour } from './versions.ts';

const NAME = { name: 'string!' } as const;
const VERSION = { name: 'string!', version: 'string!' } as const;
const SEARCH: Parameters = {
  filter: 'string',
  max_results: 'integer',
  order_by: 'strings',
  page_token: 'string',
};

/** Registered models and model versions, under the same paths and with the same answers as MLflow's. */
export function registryEndpoints(
  registry: Registry,
  behaviour: Behaviour,
  loggedModels: LoggedModels,
): Endpoint[] {
  const modelAnswer = (model: Model) => ({ registered_model: modelJson(registry, model) });
  const versionAnswer = (version: Version) => ({ model_version: versionJson(registry, version, true) });
  const version = (input: Input) => registry.version(input.text('name'), input.text('version'));
  return [
    endpoint(
      'POST',
      'registered-models/create',
      { ...NAME, tags: 'objects', description: 'string' },
      (input) =>
        modelAnswer(registry.create(input.text('name'), input.text('description'), input.pairs('tags'))),
    ),
    endpoint('GET', 'registered-models/get', NAME, (input) =>
      modelAnswer(registry.model(input.text('name'))),
    ),
    endpoint(
      'GET',
      'registered-models/search',
      SEARCH,
      (input) => {
        const { rows, token } = searchModels(registry, behaviour, input);
        return sparse({
          registered_models: rows.map((row) => modelJson(registry, row)),
          next_page_token: token,
        });
      },
      {
        max_results: 1000,
      },
    ),
    endpoint('POST', 'registered-models/rename', { ...NAME, new_name: 'string!' }, (input) =>
      modelAnswer(registry.rename(input.text('name'), input.text('new_name'))),
    ),
    endpoint('PATCH', 'registered-models/update', { ...NAME, description: 'string' }, (input) =>
      modelAnswer(registry.describe(input.text('name'), input.text('description'))),
    ),
    endpoint('DELETE', 'registered-models/delete', NAME, (input) =>
      done(registry.delete(input.text('name'))),
    ),
    endpoint('GET|POST', 'registered-models/get-latest-versions', { ...NAME, stages: 'strings' }, (input) => {
      const stages = input.texts('stages');
      const rows = registry.latest(input.text('name'), ...(stages.length > 0 ? [stages] : []));
      return sparse({ model_versions: rows.map((row) => versionJson(registry, row, true)) });
    }),
    endpoint('POST', 'registered-models/set-tag', { ...NAME, key: 'string!', value: 'string' }, (input) =>
      done(registry.setModelTag(input.text('name'), input.text('key'), input.text('value'))),
    ),
    endpoint('DELETE', 'registered-models/delete-tag', { ...NAME, key: 'string!' }, (input) =>
      done(registry.deleteModelTag(input.text('name'), input.text('key'))),
    ),
    endpoint('POST', 'registered-models/alias', { ...NAME, alias: 'string!', version: 'string!' }, (input) =>
      done(registry.setAlias(input.text('name'), input.text('alias'), input.text('version'))),
    ),
    endpoint('GET', 'registered-models/alias', { ...NAME, alias: 'string!' }, (input) =>
      versionAnswer(registry.versionOfAlias(input.text('name'), input.text('alias'))),
    ),
    endpoint('DELETE', 'registered-models/alias', { ...NAME, alias: 'string!' }, (input) =>
      done(registry.deleteAlias(input.text('name'), input.text('alias'))),
    ),
    endpoint('POST', 'model-versions/create', CREATE_VERSION, (input) =>
      versionAnswer(createVersion(registry, behaviour, loggedModels, input)),
    ),
    endpoint('GET', 'model-versions/get', VERSION, (input) => versionAnswer(version(input))),
    endpoint(
      'GET',
      'model-versions/search',
      SEARCH,
      (input) => {
        const { rows, token } = searchVersions(registry, behaviour, input);
        return sparse({
          model_versions: rows.map((row) => versionJson(registry, row, false)),
          next_page_token: token,
        });
      },
      {
        max_results: 200_000,
      },
    ),
    endpoint('PATCH', 'model-versions/update', { ...VERSION, description: 'string' }, (input) =>
      versionAnswer(
        registry.describeVersion(input.text('name'), input.text('version'), input.optional('description')),
      ),
    ),
    endpoint('POST', 'model-versions/transition-stage', TRANSITION, (input) =>
      versionAnswer(
        registry.transition(
          input.text('name'),
          input.text('version'),
          input.text('stage'),
          input.flag('archive_existing_versions'),
        ),
      ),
    ),
    endpoint('DELETE', 'model-versions/delete', VERSION, (input) =>
      done(registry.deleteVersion(input.text('name'), input.text('version'))),
    ),
    endpoint('GET', 'model-versions/get-download-uri', { name: 'string', version: 'string' }, (input) => ({
      artifact_uri: version(input).location,
    })),
    endpoint('POST', 'model-versions/set-tag', { ...VERSION, key: 'string!', value: 'string' }, (input) =>
      done(
        registry.setVersionTag(
          input.text('name'),
          input.text('version'),
          input.text('key'),
          input.text('value'),
        ),
      ),
    ),
    endpoint('DELETE', 'model-versions/delete-tag', { ...VERSION, key: 'string!' }, (input) =>
      done(registry.deleteVersionTag(input.text('name'), input.text('version'), input.text('key'))),
    ),
  ];
}

const CREATE_VERSION: Parameters = {
  name: 'string!',
  source: 'string!',
  run_id: 'string',
  tags: 'objects',
  run_link: 'string',
  description: 'string',
  model_id: 'string',
};
const TRANSITION: Parameters = { ...VERSION, stage: 'string!', archive_existing_versions: 'boolean' };

/** The empty response to a change. */
const done = (_changed: unknown) => ({});

function createVersion(
  registry: Registry,
  behaviour: Behaviour,
  loggedModels: LoggedModels,
  input: Input,
): Version {
  const source = input.text('source');
  let runId = input.text('run_id');
  let location = source;
  const [, logged, reference] = /^models:\/+(?:(m-[^/@]+)|(.+))$/s.exec(source) ?? [];
  if (logged !== undefined) {
    if (behaviour.lineage && input.text('model_id') !== logged) throw invalid(unidentified(source));
    const model = loggedModels.get(logged);
    location = model.location;
    runId ||= model.runId;
  } else if (reference !== undefined) {
    const from = referenced(registry, behaviour, source, reference);
    location = from.location;
    if (behaviour.lineage && !input.has('run_id')) runId = from.runId ?? '';
  } else {
    checkSource(source);
  }
  const version = registry.addVersion(input.text('name'), {
    source,
    location,
    runId,
    runLink: input.text('run_link'),
    description: input.text('description'),
    tags: input.pairs('tags'),
  });
  const modelId = input.text('model_id');
  if (modelId !== '') loggedModels.noteVersion(modelId, version.name, version.version);
  return version;
}

const unidentified = (source: string) =>
  `Invalid model version source: '${source}'. The model_id request parameter must identify the resource that contains the source.`;

/** The version behind `name/3` or `name@alias`. */
function referenced(registry: Registry, { lineage }: Behaviour, source: string, reference: string): Version {
  const [, name, number] = /^(.+)\/(\d+)$/s.exec(reference) ?? [];
  const [, aliased, alias] = /^(.+)@([^@]+)$/s.exec(reference) ?? [];
  try {
    if (name !== undefined && number !== undefined) return registry.version(name, number);
    if (aliased !== undefined && alias !== undefined) return registry.versionOfAlias(aliased, alias);
  } catch (error) {
    if (lineage || !(error instanceof ApiError)) throw error;
    throw new ApiError(
      'INTERNAL_ERROR',
      `Unable to fetch model from model URI source artifact location '${source}'.Error: ${error.message}`,
    );
  }
  throw invalid(`Invalid model version source: '${source}'.`);
}

/** A model lists its latest versions without their aliases: `aliases` of the model is what counts. */
function modelJson(registry: Registry, model: Model): object {
  return sparse({
    name: model.name,
    creation_timestamp: model.created,
    last_updated_timestamp: model.updated,
    description: model.description === '' ? null : model.description,
    latest_versions: registry.latest(model.name).map((version) => versionJson(registry, version, false)),
    tags: pairs(model.tags),
    aliases: [...model.aliases].map(([alias, version]) => ({ alias, version: String(version) })),
  });
}

function versionJson(registry: Registry, version: Version, withAliases: boolean): object {
  return sparse({
    name: version.name,
    version: String(version.version),
    creation_timestamp: version.created,
    last_updated_timestamp: version.updated,
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.runId,
    status: version.status,
    tags: pairs(version.tags),
    run_link: version.runLink,
    aliases: withAliases ? registry.aliasesOf(version) : [],
  });
}
