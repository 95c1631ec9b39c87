import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import { describe, expect, it } from 'vitest';
import { findPropProblems } from '../../infra/checked-props.ts';
import { functionPermissions } from '../../infra/functions/permissions.ts';
import { ModelPromotion } from '../../infra/model-promotion.ts';
import { APPROVAL_KEY, DECISION_KEY } from '../../lambdas/adapters/aws/table-indexes.ts';
import { functionNames } from '../../lambdas/domain/limits.ts';

/** What keeps an approval from being forged: who may call what, and who may write where. */

interface Statement {
  Action: string | string[];
  Resource: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

const stack = new Stack(new App({ context: { [DISABLE_ASSET_STAGING_CONTEXT]: true } }), 'Team', {
  env: { account: '123456789012', region: 'eu-central-1' },
});
const floor = { models: ['fraud-*'], approvers: ['sso:ada@example.com'], expiresAfterHours: 24 };
const promotion = new ModelPromotion(stack, 'Promotion', {
  mlflow: { trackingUri: 'https://mlflow.example.com' },
  alerts: { emails: ['ml@example.com'] },
  approval: [floor],
});
const role = new Role(stack, 'Leads', { assumedBy: new ServicePrincipal('sso.amazonaws.com') });
promotion.grantApprove(role);
const template = Template.fromStack(stack);

const statementsOf = (roles?: object): Statement[] =>
  Object.values(
    template.findResources('AWS::IAM::Policy', roles === undefined ? {} : { Properties: roles }),
  ).flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
const actionsOf = ({ Action }: Statement) => [Action].flat();
const ofLeads = { Roles: [{ Ref: stack.getLogicalId(role.node.defaultChild as never) }] };
const decides = (each: Statement) => JSON.stringify(each.Resource).includes('decideapproval');

describe('the URL at which people approve', () => {
  it('is authenticated by IAM, and open to nobody else', () => {
    template.resourceCountIs('AWS::Lambda::Url', 1);
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
    template.allResourcesProperties('AWS::Lambda::Permission', { Principal: 'events.amazonaws.com' });
  });

  it('is all that a grant opens: the function itself is invoked by nobody', () => {
    const granted = statementsOf(ofLeads);
    expect(granted.flatMap(actionsOf).sort()).toEqual(['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl']);
    expect(granted.map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
      { Bool: { 'lambda:InvokedViaFunctionUrl': true } },
    ]);
    const invoking = statementsOf().filter(
      (each) => decides(each) && actionsOf(each).includes('lambda:InvokeFunction'),
    );
    expect(invoking.map(({ Condition }) => Condition)).toEqual([
      { Bool: { 'lambda:InvokedViaFunctionUrl': true } },
    ]);
  });
});

describe('the items of approvals', () => {
  const ON_TABLE = /^dynamodb:(?:Put|Update|Delete|BatchWrite|Transact)/;

  it('are written by key prefix, as every item of the table', () => {
    const writing = statementsOf().filter((each) => actionsOf(each).some((action) => ON_TABLE.test(action)));
    expect(writing.length).toBeGreaterThan(5);
    for (const { Condition } of writing) {
      expect(Condition?.['Null']).toEqual({ 'dynamodb:LeadingKeys': 'false' });
      expect(Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys']).not.toContain('*');
    }
  });

  it('are put by the one function that knows who decides', () => {
    const writers = (key: string) =>
      functionNames.filter((name) => functionPermissions[name].keys.some((own) => own.startsWith(key)));
    expect(writers(DECISION_KEY)).toEqual(['decide-approval']);
    expect(writers(APPROVAL_KEY)).toEqual(['request-approval', 'end-promotion', 'sweep-promotions']);
  });
});

describe('the prop approval', () => {
  it('reaches the functions that ask, that open a change and that promote by themselves', () => {
    const knowing = Object.values(template.findResources('AWS::Lambda::Function')).flatMap(
      ({ Properties: { FunctionName, Environment } }) => {
        const floors = Environment.Variables.APPROVAL_FLOORS;
        return floors === undefined ? [] : [[FunctionName, JSON.parse(floors)]];
      },
    );
    const floors = [{ models: ['fraud-*'], approvers: ['sso:ada@example.com'], expires_after_hours: 24 }];
    expect(Object.fromEntries(knowing)).toEqual({
      'prepare-promotion': floors,
      'promote-model': floors,
      'request-approval': floors,
    });
  });

  const problems = (approval: unknown) =>
    findPropProblems({
      mlflow: { trackingUri: 'https://m.example.com' },
      alerts: { emails: ['a@b.de'] },
      approval,
    });

  it.each([
    ['more approvers than there are', [{ ...floor, count: 2 }]],
    ['no approver', [{ ...floor, approvers: [] }]],
    ['an approver who is none', [{ ...floor, approvers: ['ada'] }]],
    ['longer than an execution may wait', [{ ...floor, expiresAfterHours: 400 }]],
    ['a reminder after the end', [{ ...floor, remindAfterHours: 30 }]],
    ['more than fits into an environment', Array.from({ length: 60 }, () => floor)],
    ['no list', floor],
  ])('is refused with %s', (_, approval) => {
    expect(problems(approval).length).toBeGreaterThan(0);
    expect(problems([floor])).toEqual([]);
  });
});
