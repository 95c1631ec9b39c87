import { beforeAll, describe, expect, it } from 'vitest';
import {
  capabilitiesOf,
  type MlflowReply,
  MlflowRest,
  type MlflowTarget,
  unique,
} from '../support/mlflow-rest.ts';

/** What every MLflow server must answer, real or emulated. Rows that depend on the version assert that version's answer. */
export function mlflowContract(name: string, getTarget: () => MlflowTarget): void {
  let api: MlflowRest;
  let can: ReturnType<typeof capabilitiesOf>;

  beforeAll(async () => {
    api = new MlflowRest(getTarget());
    can = capabilitiesOf((await api.get('/version')).text.trim());
  });

  const ok = async (reply: Promise<MlflowReply>) => {
    const { status, body, text } = await reply;
    expect(status, text).toBe(200);
    return body;
  };
  const refused = async (
    reply: Promise<MlflowReply>,
    status: number,
    code: string,
    message?: string | RegExp,
  ) => {
    const { body, ...rest } = await reply;
    expect({ status: rest.status, code: body['error_code'] }, rest.text).toEqual({ status, code });
    if (message !== undefined) expect(body['message']).toMatch(message);
  };
  const invalid = (reply: Promise<MlflowReply>, message?: string | RegExp) =>
    refused(reply, 400, 'INVALID_PARAMETER_VALUE', message);
  const absent = (reply: Promise<MlflowReply>, message?: string | RegExp) =>
    refused(reply, 404, 'RESOURCE_DOES_NOT_EXIST', message);

  const createModel = async (stem = 'm') => {
    const model = unique(stem);
    await ok(api.post('registered-models/create', { name: model }));
    return model;
  };
  const createVersion = (model: string, more: object = {}) =>
    ok(api.post('model-versions/create', { name: model, source: 's3://bucket/model', ...more }));
  const transition = (model: string, version: unknown, stage: unknown, more: object = {}) =>
    api.post('model-versions/transition-stage', { name: model, version, stage, ...more });
  const archiving = { archive_existing_versions: true };
  /** Versions 1 to 4: 1 and 2 in Production, 3 in Staging, 4 in None. */
  const fourVersions = async () => {
    const model = await createModel();
    for (const index of [1, 2, 3, 4]) await createVersion(model, { source: `s3://b/m/${index}` });
    await ok(transition(model, '1', 'Production'));
    await ok(transition(model, '2', 'Production'));
    await ok(transition(model, '3', 'Staging'));
    return model;
  };
  const versions = async (model: string): Promise<Record<string, unknown>[]> => {
    const body = await ok(api.get('model-versions/search', { filter: `name='${model}'` }));
    return (body['model_versions'] ?? []) as Record<string, unknown>[];
  };
  const stages = async (model: string) =>
    Object.fromEntries((await versions(model)).map((row) => [row['version'], row['current_stage']]));
  const modelOf = async (model: string) =>
    (await ok(api.get('registered-models/get', { name: model })))['registered_model'] as Record<
      string,
      unknown
    >;
  const versionOf = async (model: string, version: string) =>
    (await ok(api.get('model-versions/get', { name: model, version })))['model_version'] as Record<
      string,
      unknown
    >;
  const setAlias = (model: string, alias: unknown, version: unknown) =>
    api.post('registered-models/alias', { name: model, alias, version });

  describe(`${name}: registered models`, () => {
    it('leave out what is empty, and give times as numbers', async () => {
      const model = unique('m');
      const created = await ok(api.post('registered-models/create', { name: model }));
      const time = expect.any(Number);
      const expected = { name: model, creation_timestamp: time, last_updated_timestamp: time };
      expect(created).toEqual({ registered_model: expected });
      expect(await modelOf(model)).toEqual(expected);
    });

    it('are made once', async () => {
      const model = await createModel();
      await refused(
        api.post('registered-models/create', { name: model }),
        400,
        'RESOURCE_ALREADY_EXISTS',
        `Registered Model (name=${model}) already exists.`,
      );
    });

    it('are renamed with their versions, and can be deleted', async () => {
      const [model, renamed] = [await createModel(), unique('renamed')];
      await createVersion(model);
      await ok(api.post('registered-models/rename', { name: model, new_name: renamed }));
      await absent(
        api.get('registered-models/get', { name: model }),
        `Registered Model with name=${model} not found`,
      );
      expect(await versionOf(renamed, '1')).toMatchObject({ name: renamed, version: '1' });
      expect(await ok(api.delete('registered-models/delete', { name: renamed }))).toEqual({});
      await absent(api.delete('registered-models/delete', { name: renamed }));
    });

    it('are numbered from 1 again when deleted and made anew', async () => {
      const model = await createModel();
      await createVersion(model);
      await ok(api.delete('registered-models/delete', { name: model }));
      await ok(api.post('registered-models/create', { name: model }));
      expect(await createVersion(model)).toMatchObject({ model_version: { version: '1' } });
    });

    it('keep a description, which an update without one erases', async () => {
      const model = await createModel();
      await ok(api.patch('registered-models/update', { name: model, description: 'hello' }));
      expect(await modelOf(model)).toMatchObject({ description: 'hello' });
      await ok(api.patch('registered-models/update', { name: model }));
      expect(await modelOf(model)).not.toHaveProperty('description');
    });

    it('are found by name and tag, in pages', async () => {
      const key = unique('key');
      const names = [unique('a'), unique('b'), unique('c')];
      for (const model of names) {
        await ok(api.post('registered-models/create', { name: model, tags: [{ key, value: 'x' }] }));
      }
      const query = { filter: `tags.\`${key}\` = 'x'`, max_results: '2' };
      const first = await ok(api.get('registered-models/search', query));
      expect(first['registered_models']).toMatchObject([{ name: names[0] }, { name: names[1] }]);
      const token = String(first['next_page_token']);
      const second = await ok(api.get('registered-models/search', { ...query, page_token: token }));
      expect(second).toMatchObject({ registered_models: [{ name: names[2], tags: [{ key, value: 'x' }] }] });
      expect(second).not.toHaveProperty('next_page_token');
    });
  });

  describe(`${name}: names of models`, () => {
    it.each([
      '50%',
      'a+b',
      'a&b',
      'é ü 東',
      'q?x=1#z',
      `"quoted"`,
      `it's`,
      'two\nlines',
      ' spaced ',
      '100% {x}',
    ])('may be %j', async (text) => {
      const model = `${text}${unique('')}${text}`;
      await ok(api.post('registered-models/create', { name: model }));
      await createVersion(model);
      expect(await modelOf(model)).toMatchObject({ name: model, latest_versions: [{ name: model }] });
      await ok(transition(model, '1', 'Production', archiving));
      expect(await versionOf(model, '1')).toMatchObject({ current_stage: 'Production' });
    });

    it.each(['x/y', 'x:y', '..', ' ', './x'])('may not be %j since 3.11.1', async (text) => {
      const model = text.trim() === '' || text === '..' ? text : `${text}${unique('')}`;
      const created = api.post('registered-models/create', { name: model });
      if (can.refusesPathLikeNames) {
        await invalid(created);
      } else {
        await ok(created);
        await ok(api.delete('registered-models/delete', { name: model }));
      }
    });

    it('are found by a filter in the other kind of quotes, and never by a doubled quote', async () => {
      const model = `it's ${unique('')}`;
      await ok(api.post('registered-models/create', { name: model }));
      await createVersion(model);
      const found = await ok(api.get('model-versions/search', { filter: `name="${model}"` }));
      expect(found['model_versions']).toHaveLength(1);
      const doubled = { filter: `name='${model.replace("'", "''")}'` };
      expect(await ok(api.get('model-versions/search', doubled))).toEqual({});
    });
  });

  describe(`${name}: versions`, () => {
    it('are READY, numbered by strings, and keep what was not given as empty strings', async () => {
      const model = await createModel();
      const body = await createVersion(model, { tags: [{ key: 'a', value: 'b' }] });
      const time = expect.any(Number);
      expect(body['model_version']).toEqual({
        name: model,
        version: '1',
        creation_timestamp: time,
        last_updated_timestamp: time,
        current_stage: 'None',
        description: '',
        source: 's3://bucket/model',
        run_id: '',
        status: 'READY',
        tags: [{ key: 'a', value: 'b' }],
        run_link: '',
      });
    });

    it('never get the number of a deleted one', async () => {
      const model = await fourVersions();
      await ok(api.delete('model-versions/delete', { name: model, version: '4' }));
      await absent(api.get('model-versions/get', { name: model, version: '4' }));
      expect(await createVersion(model)).toMatchObject({ model_version: { version: '5' } });
      expect(Object.keys(await stages(model)).toSorted()).toEqual(['1', '2', '3', '5']);
    });

    it.each(['99', '0', '-1'])('with the number %s do not exist', async (version) => {
      const model = await fourVersions();
      await absent(
        api.get('model-versions/get', { name: model, version }),
        `Model Version (name=${model}, version=${version}) not found`,
      );
    });

    it.each(['abc', '1.5', '1e3'])('cannot have the number %j', async (version) => {
      const model = await fourVersions();
      await invalid(
        api.get('model-versions/get', { name: model, version }),
        `Parameter 'version' must be an integer, got '${version}'.`,
      );
    });

    it.each([' 4 ', '04', '+4'])('are found by %j too, as Python reads it', async (version) => {
      expect(await versionOf(await fourVersions(), version)).toMatchObject({ version: '4' });
    });

    it('say where their files are', async () => {
      const model = await fourVersions();
      const query = { name: model, version: '2' };
      expect(await ok(api.get('model-versions/get-download-uri', query))).toEqual({
        artifact_uri: 's3://b/m/2',
      });
      await createVersion(model, { source: `models:/${model}/2` });
      expect(await ok(api.get('model-versions/get-download-uri', { ...query, version: '5' }))).toEqual({
        artifact_uri: 's3://b/m/2',
      });
    });

    it.each(['/etc/passwd', 'file:///etc/passwd', 's3://bucket', 's3://bucket/../x', 'relative/path'])(
      'cannot come from %s',
      async (source) => invalid(api.post('model-versions/create', { name: await createModel(), source })),
    );

    it('keep a description, which an update without one erases', async () => {
      const model = await fourVersions();
      const key = { name: model, version: '1' };
      await ok(api.patch('model-versions/update', { ...key, description: 'hello' }));
      expect(await versionOf(model, '1')).toMatchObject({ description: 'hello' });
      await ok(api.patch('model-versions/update', key));
      expect((await versionOf(model, '1'))['description'] ?? '').toBe('');
    });
  });

  describe(`${name}: a transition`, () => {
    it('with the flag archives the others of the target stage, at one time, and no others', async () => {
      const model = await fourVersions();
      const body = await ok(transition(model, '4', 'Production', archiving));
      expect(body).toMatchObject({ model_version: { version: '4', current_stage: 'Production' } });
      expect(await stages(model)).toEqual({ 1: 'Archived', 2: 'Archived', 3: 'Staging', 4: 'Production' });
      const rows = await versions(model);
      const updated = ['1', '2', '4'].map(
        (version) => rows.find((row) => row['version'] === version)?.['last_updated_timestamp'],
      );
      expect(new Set(updated).size).toBe(1);
      expect((await modelOf(model))['last_updated_timestamp']).toBe(updated[0]);
      const again = await ok(transition(model, '4', 'Production', archiving));
      const { last_updated_timestamp: later } = again['model_version'] as Record<string, unknown>;
      expect(later).toBeGreaterThanOrEqual(Number(updated[0]));
    });

    it('without the flag leaves the others where they are', async () => {
      const model = await fourVersions();
      for (const more of [
        {},
        { archive_existing_versions: null },
        { archive_existing_versions: false, extra: 1 },
      ]) {
        await ok(transition(model, '4', 'Production', more));
      }
      expect(await stages(model)).toEqual({
        1: 'Production',
        2: 'Production',
        3: 'Staging',
        4: 'Production',
      });
    });

    it('archives for Staging as well', async () => {
      const model = await fourVersions();
      await ok(transition(model, '4', 'staging', archiving));
      expect(await stages(model)).toEqual({ 1: 'Production', 2: 'Production', 3: 'Archived', 4: 'Staging' });
    });

    it.each(['production', 'PRODUCTION', 'aRcHiVeD', 'none'])('takes the stage as %s', async (stage) => {
      const model = await fourVersions();
      await ok(transition(model, '4', stage));
      expect((await stages(model))['4']?.toString().toLowerCase()).toBe(stage.toLowerCase());
      expect(['None', 'Staging', 'Production', 'Archived']).toContain((await stages(model))['4']);
    });

    it.each(['None', 'Archived'])('to %s refuses the flag, as an internal error', async (stage) => {
      const model = await fourVersions();
      await refused(
        transition(model, '1', stage, archiving),
        500,
        'INTERNAL_ERROR',
        `cannot archive existing model versions because '${stage}' is not an Active stage`,
      );
      await ok(transition(model, '1', stage, { archive_existing_versions: false }));
    });

    it.each(['Foo', ' Production', 'Deleted_Internal'])('refuses the stage %j', async (stage) => {
      const message = `Invalid Model Version stage: ${stage}. Value must be one of None, Staging, Production, Archived.`;
      await invalid(transition(await fourVersions(), '4', stage), message);
    });

    it('refuses what is missing or of another type', async () => {
      const model = await fourVersions();
      const missing = "Missing value for required parameter 'stage'. See the API docs";
      await invalid(transition(model, '4', ''), missing);
      await invalid(transition(model, '4', null), missing);
      await invalid(
        api.post('model-versions/transition-stage', { version: '4', stage: 'Staging' }),
        /'name'/,
      );
      await invalid(transition(model, 4, 'Production'), /^Invalid value 4 for parameter 'version' supplied/);
      await invalid(transition(model, '4', 'Production', { archive_existing_versions: 'true' }), /"true"/);
    });

    it.each(['99', '0', '-1'])('of version %s changes nothing', async (version) => {
      const model = await fourVersions();
      const before = await stages(model);
      const message = `Model Version (name=${model}, version=${version}) not found`;
      await absent(transition(model, version, 'Production', archiving), message);
      expect(await stages(model)).toEqual(before);
    });

    it('of a model that does not exist speaks of the version', async () => {
      await absent(
        transition('nope', '1', 'Production', archiving),
        'Model Version (name=nope, version=1) not found',
      );
    });

    it.each(['abc', '1.5'])('refuses the version %s', async (version) => {
      await invalid(transition(await fourVersions(), version, 'Production'));
    });

    it('is answered by one version only, with its aliases', async () => {
      const model = await fourVersions();
      await ok(setAlias(model, 'champion', '4'));
      const body = await ok(transition(model, '4', 'Production', archiving));
      expect(body).toMatchObject({ model_version: { version: '4', aliases: ['champion'] } });
    });
  });

  describe(`${name}: latest versions`, () => {
    const latest = async (reply: Promise<MlflowReply>) => {
      const rows = ((await ok(reply))['model_versions'] ?? []) as Record<string, unknown>[];
      return Object.fromEntries(rows.map((row) => [row['current_stage'], row['version']]));
    };

    it('are the highest of each stage that has one, by GET and POST', async () => {
      const model = await fourVersions();
      const expected = { Production: '2', Staging: '3', None: '4' };
      const path = 'registered-models/get-latest-versions';
      expect(await latest(api.get(path, { name: model }))).toEqual(expected);
      expect(await latest(api.post(path, { name: model }))).toEqual(expected);
      const { latest_versions: rows } = await modelOf(model);
      expect((rows as object[]).length).toBe(3);
    });

    it('can be asked for by stage, repeating the key', async () => {
      const model = await fourVersions();
      const path = 'registered-models/get-latest-versions';
      const query = { name: model, stages: ['production', 'None'] };
      expect(await latest(api.get(path, query))).toEqual({ Production: '2', None: '4' });
      expect(await latest(api.post(path, { name: model, stages: ['Archived'] }))).toEqual({});
      await invalid(api.get(path, { name: model, stages: 'bogus' }));
    });

    it('of a model that does not exist are not found', async () => {
      const message = 'Registered Model with name=nope not found';
      await absent(api.get('registered-models/get', { name: 'nope' }), message);
      await absent(api.get('registered-models/get-latest-versions', { name: 'nope' }), message);
    });

    it('carry aliases there, but not in the model or in a search', async () => {
      const model = await fourVersions();
      await ok(setAlias(model, 'champion', '2'));
      const body = await ok(
        api.post('registered-models/get-latest-versions', { name: model, stages: ['Production'] }),
      );
      expect(body).toMatchObject({ model_versions: [{ version: '2', aliases: ['champion'] }] });
      expect(JSON.stringify((await modelOf(model))['latest_versions'])).not.toContain('champion');
      expect(JSON.stringify(await versions(model))).not.toContain('champion');
    });
  });

  describe(`${name}: aliases`, () => {
    const aliases = async (model: string) => {
      const rows = ((await modelOf(model))['aliases'] ?? []) as { alias: string; version: string }[];
      return Object.fromEntries(rows.map((row) => [row.alias, row.version]));
    };
    const resolve = (model: string, alias: string) =>
      api.get('registered-models/alias', { name: model, alias });

    it('are set, moved and told apart by case', async () => {
      const model = await fourVersions();
      const before = await modelOf(model);
      expect(await ok(setAlias(model, 'champion', '1'))).toEqual({});
      await ok(setAlias(model, 'champion', '02'));
      await ok(setAlias(model, 'Champion', '3'));
      await ok(setAlias(model, 'prod', '2'));
      expect(await aliases(model)).toEqual({ champion: '2', Champion: '3', prod: '2' });
      expect(((await versionOf(model, '2'))['aliases'] as string[]).toSorted()).toEqual(['champion', 'prod']);
      expect(await ok(resolve(model, 'Champion'))).toMatchObject({ model_version: { version: '3' } });
      expect((await modelOf(model))['last_updated_timestamp']).toBe(before['last_updated_timestamp']);
    });

    it.each(['latest', 'LATEST', 'v1', 'V12', 'a b', 'a.b', 'a/b', 'x'.repeat(256), ''])(
      'cannot be called %j',
      async (alias) => invalid(setAlias(await fourVersions(), alias, '1')),
    );

    it.each(['1', 'v', 'v1a', '-', 'é', 'x'.repeat(255)])('can be called %j', async (alias) => {
      const model = await fourVersions();
      await ok(setAlias(model, alias, '1'));
      expect(await aliases(model)).toEqual({ [alias]: '1' });
    });

    it('need a version that exists', async () => {
      const model = await fourVersions();
      await absent(setAlias(model, 'champion', '99'), `Model Version (name=${model}, version=99) not found`);
      await absent(setAlias('nope', 'champion', '1'), 'Model Version (name=nope, version=1) not found');
      await invalid(setAlias(model, 'champion', 1));
    });

    it('that do not exist are an invalid parameter, not something not found', async () => {
      await invalid(resolve(await fourVersions(), 'missing'), 'Registered model alias missing not found.');
      const ofNoModel = resolve('nope', 'missing');
      await (can.looksForModelOfAlias ? absent(ofNoModel) : invalid(ofNoModel));
    });

    it('called latest are reserved, or stand for a version of some stage, or for the highest version', async () => {
      const model = await fourVersions();
      if (!can.resolvesLatest) return invalid(resolve(model, 'latest'));
      const { version } = (await ok(resolve(model, 'latest')))['model_version'] as { version: string };
      return expect(can.latestIsHighest ? ['4'] : ['2', '3', '4']).toContain(version);
    });

    it('are deleted by a body, never by a query, and as often as one likes', async () => {
      const model = await fourVersions();
      await ok(setAlias(model, 'champion', '1'));
      const query = { name: model, alias: 'champion' };
      await invalid(api.send('DELETE', 'registered-models/alias', { query }), /'name'/);
      expect(await aliases(model)).toEqual({ champion: '1' });
      expect(await ok(api.delete('registered-models/alias', query))).toEqual({});
      expect(await ok(api.delete('registered-models/alias', query))).toEqual({});
      expect(await aliases(model)).toEqual({});
    });

    it('of a deleted version stay behind and lead nowhere before 3.17', async () => {
      const model = await fourVersions();
      await ok(setAlias(model, 'champion', '2'));
      await ok(api.delete('model-versions/delete', { name: model, version: '2' }));
      if (can.clearsAliasesOfDeletedVersions) {
        expect(await aliases(model)).toEqual({});
        return invalid(resolve(model, 'champion'));
      }
      expect(await aliases(model)).toEqual({ champion: '2' });
      return absent(resolve(model, 'champion'), `Model Version (name=${model}, version=2) not found`);
    });
  });

  describe(`${name}: tags`, () => {
    const tagged = (model: string, key: string, value?: string) =>
      api.post('model-versions/set-tag', { name: model, version: '1', key, value });

    it('are set, overwritten and deleted, any number of times', async () => {
      const model = await fourVersions();
      const before = await versionOf(model, '1');
      await ok(tagged(model, 'a:b', 'one'));
      await ok(tagged(model, 'a:b', 'two'));
      await ok(tagged(model, 'a b/c', ''));
      await ok(tagged(model, 'promotion.exec-1.result', '{"é":"\\n"}'));
      const rows = (await versionOf(model, '1'))['tags'] as { key: string; value: string }[];
      const expected = { 'a:b': 'two', 'a b/c': '', 'promotion.exec-1.result': '{"é":"\\n"}' };
      expect(Object.fromEntries(rows.map(({ key, value }) => [key, value]))).toEqual(expected);
      expect((await versionOf(model, '1'))['last_updated_timestamp']).toBe(before['last_updated_timestamp']);
      const gone = { name: model, version: '1', key: 'a:b' };
      expect(await ok(api.delete('model-versions/delete-tag', gone))).toEqual({});
      expect(await ok(api.delete('model-versions/delete-tag', gone))).toEqual({});
      expect(JSON.stringify(await versionOf(model, '1'))).not.toContain('a:b');
    });

    it.each(['k'.repeat(251), 'a@b', '../a', 'a//b', 'a\tb', ''])('cannot have the key %j', async (key) => {
      const model = await fourVersions();
      await invalid(tagged(model, key, 'x'));
      await invalid(api.post('registered-models/set-tag', { name: model, key, value: 'x' }));
    });

    it('are limited in length', async () => {
      const model = await fourVersions();
      const longest = can.longTagValues ? 100_000 : 5_000;
      await ok(tagged(model, 'k'.repeat(250), 'é'.repeat(longest)));
      await invalid(
        tagged(model, 'k', 'v'.repeat(100_001)),
        `'value' exceeds the maximum length of ${longest} characters`,
      );
    });

    it('of models work like those of versions', async () => {
      const model = await fourVersions();
      const tag = { name: model, key: 'promotion.fence', value: '7' };
      await ok(api.post('registered-models/set-tag', tag));
      await ok(api.post('registered-models/set-tag', { ...tag, value: null }));
      expect(await modelOf(model)).toMatchObject({ tags: [{ key: 'promotion.fence', value: '' }] });
      await ok(api.delete('registered-models/delete-tag', tag));
      await ok(api.delete('registered-models/delete-tag', tag));
      expect(await modelOf(model)).not.toHaveProperty('tags');
    });

    it('need something to hang on', async () => {
      const model = await fourVersions();
      await absent(api.post('model-versions/set-tag', { name: model, version: '99', key: 'k', value: 'v' }));
      await absent(api.post('registered-models/set-tag', { name: 'nope', key: 'k', value: 'v' }));
    });
  });

  describe(`${name}: the search for versions`, () => {
    const search = (query: Record<string, string | string[]>) => api.get('model-versions/search', query);
    const numbers = async (reply: Promise<MlflowReply>) =>
      (((await ok(reply))['model_versions'] ?? []) as { version: string }[]).map(({ version }) => version);

    it('gives the last changed first, and nothing at all for nothing', async () => {
      const model = await fourVersions();
      await ok(transition(model, '1', 'Archived'));
      const order = (await versions(model)).map((row) => [row['last_updated_timestamp'], row['version']]);
      // Changes within one millisecond have no order in time: then the higher number comes first.
      expect(order).toEqual(
        order.toSorted(([a, v], [b, w]) => Number(b) - Number(a) || Number(w) - Number(v)),
      );
      expect(await ok(search({ filter: "name='nope'" }))).toEqual({});
    });

    it('goes page by page, with a token only while there is more', async () => {
      const model = await fourVersions();
      await createVersion(model);
      const query = { filter: `name='${model}'`, max_results: '2', order_by: ['version_number ASC'] };
      const pages: string[][] = [];
      for (let token = ''; ; ) {
        const reply = search(token === '' ? query : { ...query, page_token: token });
        pages.push(await numbers(reply));
        const next = (await reply).body['next_page_token'];
        if (next === undefined) break;
        token = String(next);
      }
      expect(pages).toEqual([['1', '2'], ['3', '4'], ['5']]);
    });

    it('filters by name, number, run, source and tag', async () => {
      const model = await fourVersions();
      const run = 'a'.repeat(32);
      await createVersion(model, { run_id: run, tags: [{ key: 'a.b', value: 'x' }], source: 's3://b/other' });
      const found = (filter: string) => numbers(search({ filter: `name='${model}' AND ${filter}` }));
      expect((await found('version_number > 3')).toSorted()).toEqual(['4', '5']);
      expect(await found(`run_id = '${run}'`)).toEqual(['5']);
      expect(await found(`run_id IN ('${run}', 'other')`)).toEqual(['5']);
      expect(await found("source_path LIKE 's3://b/o%'")).toEqual(['5']);
      expect(await found("source_path ILIKE 'S3://B/O%'")).toEqual(['5']);
      expect(await found("source_path LIKE 'S3://B/O%'")).toEqual([]);
      expect(await found("tags.`a.b` = 'x'")).toEqual(['5']);
      expect(await found("tag.`a.b` != 'y'")).toEqual(['5']);
      expect(await found('version_number != 5 and version_number >= 4')).toEqual(['4']);
    });

    it.each([
      "current_stage='Production'",
      "status='READY'",
      "name='a' OR name='b'",
      "(name='a')",
      'name=s',
      "version_number <> '1'",
      "name > 'a'",
      "foo.bar = 'x'",
    ])('refuses the filter %s', async (filter) => invalid(search({ filter })));

    it('orders by one column an entry', async () => {
      const model = await fourVersions();
      const filter = `name='${model}'`;
      expect(await numbers(search({ filter, order_by: 'version_number DESC' }))).toEqual([
        '4',
        '3',
        '2',
        '1',
      ]);
      await invalid(search({ filter, order_by: 'stage' }));
      await invalid(search({ filter, order_by: 'name SIDEWAYS' }));
      await refused(search({ filter, order_by: ['name', 'name DESC'] }), 500, 'INTERNAL_ERROR');
    });

    it('checks the size of a page and its token', async () => {
      for (const size of ['0', '-1', '200001', 'abc']) await invalid(search({ max_results: size }));
      await invalid(search({ page_token: 'bm9wZQ==' }));
      await invalid(api.get('registered-models/search', { max_results: '1001' }));
    });
  });

  describe(`${name}: the transport`, () => {
    const html = async (reply: Promise<MlflowReply>, status: number) => {
      const { contentType, ...rest } = await reply;
      expect({ status: rest.status, type: contentType.split(';')[0] }).toEqual({ status, type: 'text/html' });
    };

    it('answers pages of HTML for what it does not know', async () => {
      await html(api.post('registered-models/get', {}), 405);
      await html(api.get('registered-models/set-tag'), 405);
      await html(api.post('model-versions/search', {}), 405);
      await html(api.get('no-such-thing'), 404);
      await html(api.get('registered-models/get/', { name: 'x' }), 404);
      await html(api.get('/api/2.0/preview/mlflow/registered-models/get', { name: 'x' }), 404);
    });

    it('wants JSON, and says so', async () => {
      const body = '{"name":"x"}';
      const message = 'Bad Request. Content-Type must be one of';
      await invalid(api.send('POST', 'registered-models/create', { body, type: 'text/plain' }), message);
      const model = JSON.stringify({ name: unique('m') });
      await ok(
        api.send('POST', 'registered-models/create', {
          body: model,
          type: 'application/json; charset=utf-8',
        }),
      );
    });

    it('takes broken JSON for an empty request, and breaks on a list', async () => {
      await invalid(api.send('POST', 'registered-models/create', { body: '{"name": "x' }), /'name'/);
      await html(api.post('registered-models/create', ['x']), 500);
    });

    it('is there under the path of the user interface too', async () => {
      const model = await createModel();
      const body = await ok(api.get('/ajax-api/2.0/mlflow/registered-models/get', { name: model }));
      expect(body).toMatchObject({ registered_model: { name: model } });
    });

    it('says that it is well, and which version it is', async () => {
      expect((await api.get('/health')).text).toBe('OK');
      expect((await api.get('/version')).text).toMatch(/^\d+\.\d+\.\d+/);
      const info = api.get('/api/3.0/mlflow/server-info');
      if (can.hasServerInfo) expect(await ok(info)).toMatchObject({ workspaces_enabled: false });
      else await html(info, 404);
    });
  });
}
