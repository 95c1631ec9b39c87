/** What stands below the options in `--help`. */

export const ADOPT_HELP = `
Both sides must agree (one champion, the artifact that is tagged on it in service, nothing being rolled out); otherwise the
execution ends contested and nothing is recorded. Adopting what is live already changes nothing.

Exit status: 0 when it is adopted (or --detach started it), 1 when it is not or AWS could not be reached, 2 for invalid
arguments, 130 when Ctrl-C stopped following.

  npx promotion adopt PascalStrategy --requested-by "$USER"
  echo '{"operation": "adopt", "model_name": "PascalStrategy"}' | npm start -- --input -    # on the emulators`;

export const APPROVALS_HELP = `
You need lambda:InvokeFunctionUrl and lambda:InvokeFunction on the URL, which grantApprove of the construct gives, and to be
among the approvers. Credentials are read by the AWS SDK: AWS_PROFILE, the AWS_ variables, IAM Identity Center.

Exit status: 0 when the decision is recorded (approvals: when the list was read), 1 when not, 2 for invalid arguments.

  npx promotion approvals
  npx promotion approve 4f1c… --reason "checked the worst slice with the desk"
  npm start -- --scenario approved --wait     # and, in another terminal, the command that it prints`;

export const COMPARE_HELP = `
Exit status: 0 when it decides PROMOTE or KEEP, 1 when it decides INVESTIGATE or could not compare, 2 for invalid arguments or
settings.

  npx promotion compare --model PascalStrategy --champion 2 --challenger 3 --policy trading --report decision.html`;

export const STATUS_HELP = `
Reading the table needs dynamodb:GetItem on it and, without a model, dynamodb:Query on its index "models". Credentials and
region of AWS are read by the AWS SDK: AWS_PROFILE, the AWS_ variables, IAM Identity Center.

Exit status: 0 when no change is open and both sides show what is live (of every model), 1 when not, or when a part could
not be read, 2 for invalid arguments or settings.`;

export const LEDGER_HELP = `
Every alert names the head of the ledger in its last lines, as SEQ:HASH. An export can be checked without the table, and by
other programs: a line is the SHA-256 of the text, two spaces, and the text.

Reading the table needs dynamodb:GetItem on it.
Exit status: 0 when the ledger is whole, 1 when it is not, 2 for invalid arguments or settings.

  npx promotion ledger verify PascalStrategy --head 12:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  npx promotion ledger export PascalStrategy > ledger.txt && npx promotion ledger verify --file ledger.txt`;

export const WATCH_HELP = `
A full bar is a verdict. "tells only": the series says so if the release is worse, and does not have it rolled back.

Reading the table needs dynamodb:GetItem on it.
Exit status: 0 when the table was read, 1 when not, 2 for invalid arguments or settings.`;

export const REPLAY_HELP = `
A decision whose runs or versions are gone from MLflow is shown as such. Metrics and rows are read as they are now, with what
was logged since. Who is champion now, and which version was rolled back since, plays no part. A claim is tested as if the
year had twelve comparisons.

Reading the ledger needs dynamodb:GetItem on the table and, without --model, dynamodb:Query on its index "models".
Exit status: 0 when the decisions were compared, whatever they would be now, 1 when the table or MLflow could not be read, 2
for invalid arguments, a policy with mistakes, settings that are missing, or MLflow that does not answer at all.

  npx promotion replay --policy policies/refresh.json --model PascalStrategy --since 2026-01-01`;

export const REPORT_HELP = `
Of each model the runs of the 30 newest versions are read. Reading the table needs dynamodb:GetItem on it and dynamodb:Query on
its indexes; with --model it can be left out.

Exit status: 0 when it is written, 1 when a part could not be read (the page says which), 2 for invalid arguments or settings.

  npx promotion report --out models.html
  npx promotion report --model PascalStrategy --versions 3,5 --metric profit_total`;

export const SIMULATE_HELP = `
A story that violates an invariant is shrunk: what is not needed for the violation is left out. Its command is printed
and plays it again exactly.

Exit status: 0 when nothing was violated (--outages: when everybody is told in time), 1 when not, 2 for invalid arguments.`;

export const START_HELP = `
It promotes; --rollback goes back to an earlier release; --adopt promotes a model that somebody has changed by hand. To
record what is there without promoting anything: promotion adopt. A whole input (--input) can name any operation: promote,
rollback, adopt, and resume, which goes on with an open change (change_id) as the sweeps do by themselves.

The command is idempotent: the same input names the same execution, whatever the field order and with or without
fields at their default. A new attempt is started only after one that failed, timed out, was aborted or found the
model busy. Step Functions keeps executions for 90 days; after that the same input starts a new execution.

Credentials are read by the AWS SDK: AWS_PROFILE, the AWS_ variables, IAM Identity Center.
Ctrl-C stops following; the execution continues.

Exit status: 0 when the execution succeeded (or --detach started it), 1 when it did not or AWS could not be reached,
2 for invalid arguments or input, 130 when Ctrl-C stopped following.

  npx promotion start --model PascalStrategy --version 3 --arn arn:aws:states:eu-west-1:123456789012:stateMachine:NAME
  npx promotion start --model PascalStrategy --rollback --reason PERFORMANCE_DEGRADATION`;

export const POLICY_CHECK_HELP = `
Nothing is written. A rule that is skipped where its metric is missing, and a sample without its numbers, are noted only:
the policy decides without them.

Exit status: 0 when every file is valid, 1 when one has a mistake, 2 for invalid arguments, a file that cannot be read, or
MLflow that does not answer.

  npx promotion policy check policies/default.json policies/mine.json
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 npx promotion policy check policies/mine.json --model PascalStrategy`;

/** Of `promotion invoke`, which has no emulators in the npm package. */
export const invokeHelp = (isPackage: boolean): string => `
The functions: begin-promotion, check-retraining-needed, compare-models, request-approval, prepare-promotion,
replace-workload, promote-model, close-promotion, model-rollback, end-promotion, sweep-promotions,
watch-releases, decide-approval. What the function answered${isPackage ? '' : ', the alerts it sent'} and what
it changed are printed; ${isPackage ? 'what it writes and sends goes to the table (PROMOTION_TABLE) and the topic (ALERT_SNS_TOPIC_ARN) of the\nenvironment.' : 'SNS and DynamoDB are emulators that keep nothing after the call.'}

Exit status: 0 when it answered, whatever it answered, 1 when it threw, 2 for invalid arguments or input, or a real system
that does not answer.

  echo '{"model_name": "PascalStrategy", "challenger_version": "3"}' | npx promotion invoke compare-models --input -`;
