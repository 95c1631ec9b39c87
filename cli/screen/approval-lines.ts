import type { ShownRequest } from '../aws/approval-url.ts';
import { printable } from '../printable.ts';
import { bold, dim } from './timeline-lines.ts';

/** What `promotion approve`, `reject` and `approvals` print of a request. */

const row = (title: string, text: string) => `${title.padEnd(12)}${text}`;

/** One request. What people and callers have typed is untrusted text. */
export function approvalLines({
  execution,
  subject,
  status,
  missing,
  expires_at,
  requester,
  requested_by,
  decisions,
}: ShownRequest): string[] {
  const { model_name, challenger_version, champion_version, decision, policy, workload_id, artifact_id } =
    subject;
  const instead = champion_version === null ? '' : ` in place of version ${champion_version}`;
  return [
    `${bold(printable(model_name))}  ${printable(`version ${challenger_version}${instead}`)}  ${printable(status)}`,
    row('Decision', printable(`${decision} by policy ${policy}`)),
    ...(workload_id === null
      ? []
      : [row('Workload', printable(`${workload_id}, artifact ${artifact_id ?? 'to be derived'}`))]),
    row(
      'Asked by',
      printable(`${requested_by ?? 'not given'}${requester === null ? '' : `; started by ${requester}`}`),
    ),
    ...decisions.map(({ who, verdict, reason, at }) =>
      row(verdict === 'approve' ? 'Approved' : 'Rejected', printable(`by ${who} at ${at}: ${reason}`)),
    ),
    ...(status === 'waiting' ? [row('Missing', printable(`${missing}, until ${expires_at}`))] : []),
    row('Execution', dim(printable(execution))),
  ];
}
