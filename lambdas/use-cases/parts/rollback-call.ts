import type { Clock } from '../../adapters/clock.ts';
import type { RollbackFinding, RollbackRefusal } from '../../domain/promotion/rollback-finding.ts';
import { champions } from '../../domain/registry.ts';
import type { Look } from '../../domain/release/look.ts';
import type { RollbackAnswer, RollbackInput } from '../../domain/release/payloads.ts';
import type { Change, Release } from '../../domain/release/release.ts';
import type { NotifyServices } from '../../runtime/notify-services.ts';
import type { ConvergeServices } from './convergence.ts';
import { type Writer, withChange } from './with-lease.ts';

/** What the steps of one call of `model-rollback` share. */

export interface RollbackServices extends ConvergeServices, NotifyServices {
  clock: Clock;
  cooldownHours: number;
}

/** Answers what was found, with what is known of both versions. */
export type Answer = (
  versions: { from: string | null; to: string | null },
  finding: RollbackFinding,
  more?: Partial<RollbackAnswer>,
) => RollbackAnswer;

/** What the steps of one call share. */
export interface Call {
  readonly input: RollbackInput;
  readonly services: RollbackServices;
  readonly writer: Writer;
  readonly answer: Answer;
}

const NOTHING = { held: null, until: null, hours: null };

/** Answers that nothing is changed, and why. */
export const refuse = (
  answer: Answer,
  why: RollbackRefusal,
  more: {
    from?: string | null;
    to?: string | null;
    held?: string | null;
    until?: string | null;
    hours?: number | null;
  } = {},
  extra: Partial<RollbackAnswer> = {},
): RollbackAnswer => {
  const versions = { from: more.from ?? null, to: more.to ?? null };
  return answer(versions, { code: 'refused', why, ...NOTHING, ...more, ...versions }, extra);
};

/** Answers that another actor has changed something, and what is named now. */
export const contest = (
  answer: Answer,
  why: Extract<RollbackFinding, { code: 'contested' }>['why'],
  {
    from,
    to,
    look,
    held,
  }: { from: string | null; to: string | null; look: Look | null; held?: string | null },
  extra: Partial<RollbackAnswer> = {},
): RollbackAnswer => {
  const named = look === null ? [] : champions(look.registry, look.mode);
  const finding: RollbackFinding = { code: 'contested', why, from, to, champions: named, held: held ?? null };
  return answer({ from, to }, finding, { status: 'contested', ...extra });
};

/** The writer of an open change. */
export type ChangeWriter = Writer & { readonly change: Change };

export const writerOf = (writer: Writer, change: Change, live: Release | null = null): ChangeWriter => ({
  ...withChange(writer, change, live),
  change,
});
