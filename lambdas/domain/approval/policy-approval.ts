import * as z from 'zod';
import { describe, positive } from '../comparison/policy-fields.ts';
import { MAX_APPROVAL_HOURS } from '../limits.ts';

/** Who has to agree before a challenger is promoted: the field `approval` of a policy, and the floor that a deployment sets. */

/** `sso:` and the user name in IAM Identity Center, or the ARN of an IAM role or user; `*` stands for any text without / and :. */
const Approver = z
  .string()
  .max(300)
  .regex(
    /^(?:sso:[^\s:/]+|arn:aws[a-z-]*:iam::(?:\d{12}|\*):(?:role|user)\/[^\s:]+)$/,
    'must be "sso:" and a user name, or the ARN of an IAM role or user; * stands for any text without / and :',
  );

const Occasion = z.enum(['always', 'on_investigate']);

export const ApprovalFields = z.strictObject({
  when: describe(
    z.union([Occasion, z.array(Occasion).min(1).max(2)]).default('always'),
    'always: before every promotion; on_investigate: people may promote, with a reason, what the evidence left open.',
  ),
  approvers: describe(
    z.array(Approver).min(1).max(50),
    'Who may approve: "sso:ada@example.com" for a person of IAM Identity Center, or the ARN of an IAM role or user.',
  ),
  count: describe(
    z.int().min(1).max(10).default(1),
    'How many of them have to approve. One rejection ends it.',
  ),
  not_requester: describe(z.boolean().default(true), 'True: who started the execution may not approve it.'),
  expires_after_hours: describe(
    positive.max(MAX_APPROVAL_HOURS).default(72),
    'Hours after which a request that nobody decided ends, at most two weeks.',
  ),
  remind_after_hours: describe(
    positive.max(MAX_APPROVAL_HOURS).optional(),
    'Hours after which the approvers are reminded, once.',
  ),
});
export type ApprovalPolicy = z.infer<typeof ApprovalFields>;

/** What could never happen: not enough approvers, or a reminder after the end. Reported with the path from `approval`. */
export function approvalMistakes({
  approvers,
  count,
  expires_after_hours,
  remind_after_hours,
}: ApprovalPolicy): { field: keyof ApprovalPolicy; message: string }[] {
  const named = new Set(approvers);
  const isAnyone = approvers.some((each) => each.includes('*'));
  return [
    ...(!isAnyone && named.size < count
      ? [{ field: 'count', message: `needs ${count} approvers, and ${named.size} are named` } as const]
      : []),
    ...(remind_after_hours !== undefined && remind_after_hours >= expires_after_hours
      ? [{ field: 'remind_after_hours', message: 'must be less than expires_after_hours' } as const]
      : []),
  ];
}

/** The approval that a deployment asks for, whatever the policy says: by the name of the model, `*` as above. */
export const ApprovalFloor = ApprovalFields.extend({
  models: z.array(z.string().min(1).max(250)).min(1).max(50),
});
export type ApprovalFloor = z.infer<typeof ApprovalFloor>;

/** All floors of a deployment, with every contradiction in them. */
export const ApprovalFloors = z.array(ApprovalFloor).superRefine((floors, context) => {
  for (const [index, floor] of floors.entries())
    for (const { field, message } of approvalMistakes(floor))
      context.addIssue({ code: 'custom', path: [index, field], message });
});

/** What an approval needs: the strictest of everything that asks for one. */
export interface NeededApproval {
  /** An approver has to be in each of these lists. */
  readonly approvers: string[][];
  readonly count: number;
  readonly not_requester: boolean;
  readonly expires_after_hours: number;
  /** Null: nobody is reminded. */
  readonly remind_after_hours: number | null;
}

const occasions = ({ when }: ApprovalPolicy): readonly z.infer<typeof Occasion>[] =>
  typeof when === 'string' ? [when] : when;

/** The floors that hold for a model. */
export const floorsFor = (floors: readonly ApprovalFloor[], model: string): readonly ApprovalFloor[] =>
  floors.filter(({ models }) => models.some((pattern) => matches(pattern, model)));

/**
 * What has to be approved before a challenger is promoted on a decision: null where nothing has; `investigate` where the
 * policy lets nobody promote what the evidence left open. A policy only adds to the floors: the input may name any policy.
 */
export function approvalNeeded(
  decision: 'PROMOTE' | 'INVESTIGATE',
  policy: ApprovalPolicy | null,
  floors: readonly ApprovalFloor[],
): NeededApproval | 'investigate' | null {
  const own = policy === null ? [] : [policy];
  if (decision === 'INVESTIGATE') {
    if (!own.some((each) => occasions(each).includes('on_investigate'))) return 'investigate';
    return strictest([...own, ...floors]);
  }
  const asking = [...own, ...floors].filter((each) => occasions(each).includes('always'));
  return asking.length === 0 ? null : strictest(asking);
}

function strictest(all: readonly ApprovalPolicy[]): NeededApproval {
  const reminders = all.flatMap(({ remind_after_hours }) => remind_after_hours ?? []);
  return {
    approvers: all.map(({ approvers }) => approvers),
    count: Math.max(...all.map(({ count }) => count)),
    not_requester: all.some(({ not_requester }) => not_requester),
    expires_after_hours: Math.min(...all.map(({ expires_after_hours }) => expires_after_hours)),
    remind_after_hours: reminders.length === 0 ? null : Math.min(...reminders),
  };
}

/** True where a text is that of a pattern, in which `*` stands for any text without / and :. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|/]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/:]*')}$`, 'u').test(text);
}

/** True for a person who is in every list of approvers. */
export const isApprover = (person: string, { approvers }: Pick<NeededApproval, 'approvers'>): boolean =>
  approvers.every((list) => list.some((pattern) => matches(pattern, person)));
