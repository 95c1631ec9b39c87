/** Where executions of one state machine are. */
export interface StateMachine {
  /** As `StartExecution` takes it: it may name a version or an alias of the machine. */
  arn: string;
  region: string;
  /** What the name of an execution is appended to. */
  executions: string;
}

const PLACE = /^arn:(aws[a-z-]*):states:([a-z0-9-]+):(\d{12})/.source;
const NAME = '[\\w+.=@-]{1,80}';
const STATE_MACHINE = new RegExp(`${PLACE}:stateMachine:(${NAME})(:${NAME})?$`);
const EXECUTION = new RegExp(`${PLACE}:execution:(${NAME}):(${NAME})$`);
const EXAMPLE = 'arn:aws:states:eu-west-1:123456789012:stateMachine:NAME';

/** Null when the text is no ARN of a state machine. */
export function stateMachineOf(arn: string): StateMachine | null {
  const [, partition, region, account, name] = STATE_MACHINE.exec(arn) ?? [];
  if (region === undefined) return null;
  return { arn, region, executions: `arn:${partition}:states:${region}:${account}:execution:${name}:` };
}

/** What is wrong with such an ARN, and what it should be. */
export function arnProblem(arn: string): string {
  if (arn === '') return `--arn: is required, or STATE_MACHINE_ARN in the environment, such as ${EXAMPLE}`;
  if (EXECUTION.test(arn))
    return '--arn: names an execution, not a state machine; --follow takes an execution';
  return `--arn: must be the ARN of a state machine such as ${EXAMPLE}`;
}

/** The region of an execution; null when the text is no ARN of one. */
export const executionRegion = (execution: string): string | null => EXECUTION.exec(execution)?.[2] ?? null;

const CONSOLES: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/** The execution's page in the console; null for a partition whose console is elsewhere. */
export function consoleUrl(execution: string): string | null {
  const [, partition = '', region] = EXECUTION.exec(execution) ?? [];
  const host = CONSOLES[partition];
  if (host === undefined) return null;
  return `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${execution}`;
}
