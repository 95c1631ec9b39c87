import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { App, Stack } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zipOf } from '../../build/zip.ts';
import { writeTemplates } from '../../infra/app/templates.ts';
import { functionsDirectory } from '../../infra/bundles.ts';
import { functionNames } from '../../lambdas/domain/limits.ts';
import { type CloudFormation, resourcesOf } from '../support/stack-summary.ts';

const directory = mkdtempSync(join(tmpdir(), 'templates-'));
const out = join(directory, 'out');
beforeAll(() => void writeTemplates(out), 120_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const names = ['model-promotion.template.json', 'model-promotion-workloads.template.json'];
const zipName = () => readdirSync(out).find((name) => name.endsWith('.zip')) ?? 'none';
const templateOf = (name: string): CloudFormation & { Parameters: Record<string, object> } =>
  JSON.parse(readFileSync(join(out, name), 'utf8'));

/** A value for every parameter. */
const GIVEN: Record<string, string> = {
  CodeBucket: 'my-bucket',
  CodePrefix: 'model-promotion/',
  MlflowHost: 'mlflow.example.com:8443/prefix',
  MlflowCredentialsArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow-a1B2c3',
  RegistryMode: 'aliases',
  AlertEmail: 'ml@example.com',
  Environment: 'prod',
  NamePrefix: 'team-',
  RunbookUrl: 'https://wiki.example.com/runbook',
  DataRobotEndpoint: 'https://app.datarobot.com/api/v2',
  DataRobotTokenArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:token-a1B2c3',
};

describe.each(names)('the template %s', (name) => {
  it('has the code of every function in the bucket that is a parameter', () => {
    const functions = resourcesOf(templateOf(name), 'AWS::Lambda::Function').map(([, { Code }]) => Code);
    const code = {
      S3Bucket: { Ref: 'CodeBucket' },
      S3Key: { 'Fn::Join': ['', [{ Ref: 'CodePrefix' }, zipName()]] },
    };
    expect(functions).toEqual(functionNames.map(() => code));
  });

  it('needs nothing of CDK in the account, and leaves no name that is known only to CDK', () => {
    const text = JSON.stringify(templateOf(name));
    expect(text).not.toMatch(/aws:cdk|cdk-|BootstrapVersion|\$\{Token\[/);
    expect(Object.keys(templateOf(name)).sort()).toEqual([
      'Description',
      'Outputs',
      'Parameters',
      'Resources',
    ]);
  });

  it('names alarms and dashboard after the stack as it is deployed', () => {
    const alarms = resourcesOf(templateOf(name), 'AWS::CloudWatch::Alarm').map(([, p]) => p['AlarmName']);
    expect(alarms.length).toBeGreaterThan(5);
    for (const alarm of alarms) expect(JSON.stringify(alarm)).toContain('{"Ref":"AWS::StackName"}');
  });

  it('takes only roles without names, so that CAPABILITY_IAM is enough', () => {
    const roles = resourcesOf(templateOf(name), 'AWS::IAM::Role');
    expect(roles.length).toBeGreaterThan(functionNames.length);
    expect(roles.filter(([, properties]) => 'RoleName' in properties)).toEqual([]);
  });

  it('has patterns that its defaults and these values match', () => {
    for (const [parameter, declared] of Object.entries(templateOf(name).Parameters)) {
      const { Default, AllowedPattern } = declared as { Default?: string; AllowedPattern?: string };
      const values = [GIVEN[parameter] ?? 'not given', ...(Default === undefined ? [] : [Default])];
      // CloudFormation matches the whole value.
      for (const value of values)
        expect(value, parameter).toMatch(new RegExp(`^(${AllowedPattern ?? '.*'})$`));
    }
  });

  it('is synthesised by CfnInclude with values for its parameters, and stays what it is', () => {
    const app = new App({ outdir: join(directory, `included-${name}`) });
    const stack = new Stack(app, 'Included');
    const { Parameters, Resources } = templateOf(name);
    const parameters = Object.fromEntries(Object.keys(Parameters).map((each) => [each, GIVEN[each]]));
    new CfnInclude(stack, 'Promotion', { templateFile: join(out, name), parameters });
    const included: CloudFormation = app.synth().getStackByName('Included').template;
    expect(Object.keys(included.Resources).sort()).toEqual(Object.keys(Resources).sort());
    const emails = resourcesOf(included, 'AWS::SNS::Subscription').map(([, { Endpoint }]) => Endpoint);
    expect(new Set(emails)).toEqual(new Set(['ml@example.com']));
    expect(JSON.stringify(included.Resources)).not.toMatch(/"Ref":"(MlflowHost|CodeBucket|Environment)"/);
  });
});

it('the second template adds the platform to the first, and both have few parameters', () => {
  const [first, second] = names.map((name) => Object.keys(templateOf(name).Parameters));
  expect(second).toEqual([...(first ?? []), 'DataRobotEndpoint', 'DataRobotTokenArn']);
  expect(Object.keys(GIVEN)).toEqual(second);
});

it('they are written again byte for byte, in the place of the earlier ones', () => {
  const contents = () => new Map(readdirSync(out).map((name) => [name, readFileSync(join(out, name))]));
  const before = contents();
  writeFileSync(join(out, 'functions-0123456789abcdef.zip'), 'an earlier one');
  writeTemplates(out);
  expect(contents()).toEqual(before);
}, 60_000);

it('a directory with other files is left as it is', () => {
  expect(() => writeTemplates(directory)).toThrow(/out.*choose a new or empty directory/);
});

describe('the ZIP file', () => {
  it('contains the bundle of the functions', () => {
    const files = globSync('**/*.*', { cwd: functionsDirectory() }).sort();
    const unpacked = unzipped(readFileSync(join(out, zipName())));
    expect([...unpacked.keys()]).toEqual(files);
    for (const file of files)
      expect(unpacked.get(file)?.equals(readFileSync(join(functionsDirectory(), file)))).toBe(true);
  });

  it('is the same whatever the order of the files', () => {
    const files = ['b.txt', 'a/c.txt', 'ü.txt'].map((path) => ({ path, contents: Buffer.from(path) }));
    expect(zipOf(files.toReversed())).toEqual(zipOf(files));
    expect([...unzipped(zipOf(files)).keys()]).toEqual(['a/c.txt', 'b.txt', 'ü.txt']);
  });
});

/** Files by path, read from the directory at the end as PKWARE's APPNOTE (4.3) describes it; stored files only. */
function unzipped(zip: Buffer): Map<string, Buffer> {
  const end = zip.length - 22;
  expect(zip.readUInt32LE(end)).toBe(0x06054b50);
  const files = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    expect(zip.readUInt32LE(at)).toBe(0x02014b50);
    const [crc, size, length] = [
      zip.readUInt32LE(at + 16),
      zip.readUInt32LE(at + 24),
      zip.readUInt16LE(at + 28),
    ];
    const name = zip.toString('utf8', at + 46, at + 46 + length);
    const local = zip.readUInt32LE(at + 42);
    expect(zip.readUInt32LE(local)).toBe(0x04034b50);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const contents = zip.subarray(start, start + size);
    expect(crc32(contents)).toBe(crc);
    files.set(name, contents);
    at += 46 + length;
  }
  expect(at).toBe(end);
  return files;
}
