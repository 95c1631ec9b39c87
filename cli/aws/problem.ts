import { visible } from '../../lambdas/domain/visible-text.ts';
import { UsageError } from '../usage-error.ts';

/** AWS rejected the call; retrying cannot help. The message says what to change: credentials, permissions. */
export class AwsRefused extends Error {
  override readonly name = 'AwsRefused' as const;
}

/** AWS gave no answer or throttled the call; retrying can help. */
export class AwsUnavailable extends Error {
  override readonly name = 'AwsUnavailable' as const;
  /** True when the call was throttled: back off before the next one. */
  readonly throttled: boolean;

  constructor(message: string, throttled: boolean, options?: ErrorOptions) {
    super(message, options);
    this.throttled = throttled;
  }
}

/** The execution does not exist, or is not visible yet: AWS is eventually consistent. */
export class NoSuchExecution extends Error {
  override readonly name = 'NoSuchExecution' as const;
}

const MAX_MESSAGE_LENGTH = 400;

const PERMISSIONS =
  'Starting and following needs states:StartExecution on the state machine, and states:DescribeExecution and states:GetExecutionHistory on its executions';
const LOG_IN = 'Log in again (with AWS IAM Identity Center: aws sso login), or renew the credentials';

const ADVICE: readonly {
  names: readonly string[];
  kind: typeof AwsRefused | typeof UsageError;
  todo: string;
}[] = [
  {
    names: ['CredentialsProviderError'],
    kind: AwsRefused,
    todo: 'There are no usable AWS credentials. Set AWS_PROFILE, or log in (aws sso login), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  },
  {
    names: ['ExpiredTokenException', 'ExpiredToken', 'TokenProviderError', 'RequestExpired'],
    kind: AwsRefused,
    todo: `The AWS credentials have expired. ${LOG_IN}`,
  },
  {
    names: [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidSignatureException',
      'IncompleteSignature',
    ],
    kind: AwsRefused,
    todo: 'The AWS credentials are not valid here. Check AWS_PROFILE or the AWS_ variables, whether the region is enabled for the account, and the clock of this machine',
  },
  { names: ['AccessDeniedException', 'AccessDenied', 'OptInRequired'], kind: AwsRefused, todo: PERMISSIONS },
  {
    names: ['StateMachineDoesNotExist', 'StateMachineDeleting'],
    kind: UsageError,
    todo: 'Check region, account and name in --arn; the stack shows the ARN among its outputs',
  },
  {
    names: ['InvalidArn', 'StateMachineTypeNotSupported', 'ValidationException', 'ResourceNotFound'],
    kind: UsageError,
    todo: 'Check --arn: it must name the Standard state machine of the stack',
  },
  { names: ['InvalidExecutionInput', 'InvalidName'], kind: UsageError, todo: 'Check the execution input' },
  {
    names: ['ExecutionLimitExceeded'],
    kind: AwsRefused,
    todo: 'Too many executions are running; try again later',
  },
];

const THROTTLED = ['ThrottlingException', 'TooManyRequestsException', 'Throttling', 'RequestLimitExceeded'];

/** Converts an error of the AWS SDK to one of the errors above, with advice for the user; an abort is returned as it is. */
export function explainError(error: unknown, action: string, region: string): Error {
  if (!(error instanceof Error)) return new AwsUnavailable(`${action}: ${String(error)}`, false);
  const { name } = error;
  if (name === 'AbortError') return error;
  const awsMessage = visible(error.message || codeOf(error), MAX_MESSAGE_LENGTH);
  const what = `${action} in ${region}: ${visible(name, 80)}: ${awsMessage}`;
  if (name === 'ExecutionDoesNotExist') return new NoSuchExecution(what, { cause: error });
  const advice = ADVICE.find(({ names }) => names.includes(name));
  if (advice !== undefined) return new advice.kind(`${what}. ${advice.todo}.`, { cause: error });
  const unknown =
    action === 'StartExecution'
      ? ' If the execution was started nevertheless, the same command finds it.'
      : '';
  const throttled = THROTTLED.includes(name) || statusOf(error) === 429;
  if (throttled)
    return new AwsUnavailable(`${what}. AWS throttles the requests; try again later.${unknown}`, true, {
      cause: error,
    });
  const status = statusOf(error);
  if (status !== null && status < 500) return new AwsRefused(what, { cause: error });
  const todo = `Check that ${region} is the right region and that this network can reach Step Functions there.`;
  return new AwsUnavailable(`${what}. ${todo}${unknown}`, false, { cause: error });
}

const codeOf = (error: Error) => ('code' in error ? String(error.code) : 'no answer');

/** Null when there was no response. */
function statusOf(error: Error): number | null {
  const metadata = '$metadata' in error ? error.$metadata : null;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? metadata.httpStatusCode
      : null;
  return typeof status === 'number' ? status : null;
}
