import { Token } from 'aws-cdk-lib';
import type { SlackProps } from '../props.ts';

/** What must be different in every construct of one account and region. */
export interface Named {
  readonly environmentName: string;
  /** `namePrefix` and the name that all have. */
  readonly stateMachineName: string;
  readonly slack: SlackProps | undefined;
  readonly path: string;
}

/** Names that another construct of the same stack has as well: one sentence each. Other stacks may be deployed elsewhere. */
export function findClashes(one: Named, others: readonly Named[]): string[] {
  return others.flatMap((other) => {
    const differ = (prop: string, because: string) =>
      `${prop} must differ from that of ${other.path}: ${because}`;
    return [
      ...(one.environmentName === other.environmentName
        ? [
            differ(
              'environment',
              'it is the dimension of the metrics, and a part of the names of alarms and dashboard',
            ),
          ]
        : []),
      ...(one.stateMachineName === other.stateMachineName
        ? [differ('namePrefix', 'it begins the names of the functions, of the state machine and of the logs')]
        : []),
      ...(channelOf(one) !== null && channelOf(one) === channelOf(other)
        ? [differ('alerts.slack', 'Amazon Q can configure a channel only once in an account')]
        : []),
    ];
  });
}

function channelOf({ slack }: Named): string | null {
  const channel = slack === undefined ? null : `${slack.workspaceId}/${slack.channelId}`;
  return channel === null || Token.isUnresolved(channel) ? null : channel;
}
