import { describe, expect, it } from 'vitest';
import { type EnvironmentSettings, environments } from '../../infra/app/environments.ts';
import { validateSettings } from '../../infra/app/stack.ts';

const right: EnvironmentSettings = {
  mlflow: { trackingUri: 'https://mlflow.internal', credentials: 'create' },
  alerts: { emails: ['ml@your.company'] },
};
const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow-abcdef';
const network = {
  vpcId: 'vpc-0',
  availabilityZones: ['eu-west-1a', 'eu-west-1b'],
  privateSubnetIds: ['subnet-0', 'subnet-1'],
  securityGroupIds: ['sg-0'],
};

/** What is said of settings, from the line after the heading; empty when they can be used. */
function saidOf(given: Record<string, unknown>): string[] {
  try {
    validateSettings(given);
    return [];
  } catch (error) {
    return (error as Error).message.split('\n');
  }
}

describe('settings that can be used', () => {
  it.each<[string, Partial<EnvironmentSettings>]>([
    ['with a secret that exists', { mlflow: { ...right.mlflow, credentials: secret } }],
    ['with a network', { network }],
    [
      'with an account, a role and a user that may start',
      {
        starters: [
          '123456789012',
          'arn:aws:iam::123456789012:role/train',
          'arn:aws-us-gov:iam::123456789012:user/x',
        ],
      },
    ],
    [
      'with an address that receives a part',
      { alerts: { emails: ['ml@your.company', { address: 'risk@your.company', models: ['fraud-*'] }] } },
    ],
    ['with a source of events', { startOnEventsFrom: 'retraining' }],
    [
      'for SageMaker',
      { mlflow: { trackingUri: 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/m' } },
    ],
  ])('%s', (_, part) => {
    expect(saidOf({ dev: { ...right, ...part } })).toEqual([]);
  });

  it('are those that the repository comes with', () => {
    expect(saidOf(environments)).toEqual([]);
  });
});

describe('a mistake in the settings is named:', () => {
  it.each<[string, object, string]>([
    [
      'a secret without the end of its ARN',
      { mlflow: { ...right.mlflow, credentials: secret.slice(0, -7) } },
      "mlflow.credentials must be 'create', or the complete ARN",
    ],
    [
      'a secret by its name',
      { mlflow: { ...right.mlflow, credentials: 'prod/mlflow' } },
      "mlflow.credentials must be 'create', or the complete ARN",
    ],
    [
      'a key by its alias',
      {
        mlflow: {
          ...right.mlflow,
          credentials: { arn: secret, keyArn: 'arn:aws:kms:eu-west-1:123456789012:alias/my' },
        },
      },
      'mlflow.credentials.keyArn must be the ARN of a key',
    ],
    [
      'subnets that are more than the zones',
      { network: { ...network, privateSubnetIds: ['subnet-0', 'subnet-1', 'subnet-2'] } },
      'network.privateSubnetIds must contain one subnet for each of availabilityZones',
    ],
    [
      'a filter that is none',
      { alerts: { emails: ['ml@your.company', { address: 'risk@your.company', model: ['fraud'] }] } },
      'alerts.emails.1 unknown field "model"',
    ],
    ['a runbook that is no address', { runbookUrl: 'runbook' }, 'runbookUrl must be an address'],
    [
      'a starter that is no account and no role',
      { starters: ['arn:aws:iam::role/x'] },
      'starters.0 must be a twelve-digit account id or the ARN of a role',
    ],
    ['events of nobody', { startOnEventsFrom: '' }, 'startOnEventsFrom must be your own event source'],
    ['events of AWS', { startOnEventsFrom: 'aws.s3' }, 'startOnEventsFrom must be your own event source'],
    [
      'a server on this machine',
      { mlflow: { trackingUri: 'http://localhost:5000' } },
      'mlflow.trackingUri must be an address that the functions can reach',
    ],
    [
      'a mode that is none',
      { mlflow: { ...right.mlflow, registryMode: 'alias' } },
      'mlflow.registryMode must be one of "stages", "aliases", "both"',
    ],
  ])('%s', (_, part, mistake) => {
    const [heading, ...said] = saidOf({ dev: { ...right, ...part } });
    expect(heading).toBe('Settings of dev in infra/app/environments.ts:');
    expect(said).toEqual([expect.stringContaining(mistake)]);
  });

  it('all of them at once, of all environments, each once', () => {
    const wrong = { ...right, mlflow: { trackingUri: 'mlflow.internal', registryMode: 'alias' }, alert: {} };
    const said = saidOf({ dev: wrong, staging: right, prod: { ...wrong, alerts: {} } });
    expect(said.map((line) => line.split(' ').slice(0, 5).join(' '))).toEqual([
      'Settings of dev in infra/app/environments.ts:',
      expect.stringMatching(/^ {2}mlflow\.registryMode must be/),
      expect.stringMatching(/^ {2}unknown field "alert"/),
      expect.stringMatching(/^ {2}mlflow\.trackingUri must be/),
      'Settings of prod in infra/app/environments.ts:',
      expect.stringMatching(/^ {2}mlflow\.registryMode must be/),
      expect.stringMatching(/^ {2}unknown field "alert"/),
      expect.stringMatching(/^ {2}mlflow\.trackingUri must be/),
      expect.stringMatching(/^ {2}alerts needs emails/),
    ]);
  });

  it('that nothing is where settings should be', () => {
    expect(saidOf({ dev: null }).length).toBeGreaterThan(1);
    expect(saidOf({ dev: {} }).join()).toContain('mlflow');
  });
});

describe('two environments', () => {
  const slack = { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD' };

  it('of one account and region need names of their own', () => {
    expect(saidOf({ dev: right, prod: right })).toEqual([
      'Settings of dev and prod in infra/app/environments.ts:',
      '  namePrefix must differ: names must be unique within an account and region',
    ]);
    expect(saidOf({ dev: { ...right, namePrefix: 'dev-' }, prod: right })).toEqual([]);
    expect(saidOf({ dev: { ...right, account: '123456789012' }, prod: right })).toEqual([]);
  });

  it('of one account cannot share a channel', () => {
    const told = { ...right, alerts: { slack } };
    expect(saidOf({ dev: { ...told, namePrefix: 'dev-', region: 'eu-west-1' }, prod: told })).toEqual([
      'Settings of dev and prod in infra/app/environments.ts:',
      '  alerts.slack must differ: Amazon Q can configure a channel only once in an account',
    ]);
    expect(saidOf({ dev: { ...told, account: '123456789012' }, prod: told })).toEqual([]);
  });
});
