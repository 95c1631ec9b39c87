import type { Command } from 'commander';
import type { ApprovalOptions } from './commands/approvals.ts';
import { APPROVALS_HELP } from './help.ts';

/** `promotion approve`, `reject` and `approvals`: they call the URL of `decide-approval`. `done` is called with the exit status. */
export function approvalCommands(promotion: Command, done: (status: number) => void): void {
  const URL_OPTION = [
    '--url <url>',
    'URL of decide-approval, the output ApprovalUrl of the stack (default: APPROVAL_URL)',
  ] as const;
  const AS = [
    '--as <who>',
    'in a local run: who you are, sso: and a user name, or the ARN of a role or user',
  ] as const;
  const JSON_OPTION = ['--json', 'print one JSON document on standard output'] as const;
  for (const action of ['approve', 'reject'] as const)
    promotion
      .command(action)
      .description(
        action === 'approve'
          ? 'approve what an execution asks for, with a reason; the request is signed with your AWS identity, which is what counts'
          : 'reject what an execution asks for, with a reason: one rejection ends it; signed likewise',
      )
      .argument('<execution>', 'name or ARN of the execution, as the message names it')
      .option('--reason <text>', 'why; recorded in the ledger, and told')
      .option(
        '--digest <digest>',
        'decide only if exactly this is asked for (default: what is asked for now)',
      )
      .option(...URL_OPTION)
      .option(...AS)
      .option(...JSON_OPTION)
      .addHelpText('after', APPROVALS_HELP)
      .action(async (execution: string, options: ApprovalOptions) =>
        done(await (await import('./commands/approvals.ts')).decide(action, execution, options)),
      );
  promotion
    .command('approvals')
    .description('show the promotions that wait for your approval')
    .option(...URL_OPTION)
    .option(...AS)
    .option(...JSON_OPTION)
    .addHelpText('after', APPROVALS_HELP)
    .action(async (options: ApprovalOptions) =>
      done(await (await import('./commands/approvals.ts')).listApprovals(options)),
    );
}
