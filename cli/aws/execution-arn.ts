/** A state machine, parsed from its ARN. */
export interface StateMachine {
  /** As `StartExecution` takes it; may include a version or an alias. */
  arn: string;
  region: string;
  /** Prefix of the ARNs of its executions. */
  executions: string;
}

const PLACE = /^arn:(aws[a-z-]*):states:([a-z0-9-]+):(\d{12})/.source;
const NAME = '[\\w+.=@-]{1,80}';
const STATE_MACHINE = new RegExp(`${PLACE}:stateMachine:(${NAME})(:${NAME})?$`);
const EXECUTION = new RegExp(`${PLACE}:execution:(${NAME}):(${NAME})$`);
const EXAMPLE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:NAME';

/** Parses the ARN of a state machine; null when it is not one. */
export function stateMachineOf(arn: string): StateMachine | null {
  const [, partition, region, account, name] = STATE_MACHINE.exec(arn) ?? [];
  if (region === undefined) return null;
  return { arn, region, executions: `arn:${partition}:states:${region}:${account}:execution:${name}:` };
}

/** The message about an ARN that `stateMachineOf` cannot parse. */
export function arnProblem(arn: string): string {
  if (arn === '')
    return `--arn: is required, or the environment variable STATE_MACHINE_ARN, such as ${EXAMPLE}`;
  if (EXECUTION.test(arn))
    return '--arn: is the ARN of an execution, not of a state machine; use --follow for an execution';
  return `--arn: must be the ARN of a state machine such as ${EXAMPLE}`;
}

/** The region of an execution; null when the text is not the ARN of an execution. */
export const executionRegion = (execution: string): string | null => EXECUTION.exec(execution)?.[2] ?? null;

const CONSOLES: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/** The execution's page in the AWS console; null for a partition without a known console. */
export function consoleUrl(execution: string): string | null {
  const [, partition = '', region] = EXECUTION.exec(execution) ?? [];
  const host = CONSOLES[partition];
  if (host === undefined) return null;
  return `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${execution}`;
}
