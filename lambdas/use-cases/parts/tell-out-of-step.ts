import { DIRECT_LEASE_SECONDS } from '../../domain/limits.ts';
import { directOutcome, isLockedOut, isOutOfStep } from '../../domain/outcome/outcome.ts';
import type { DecidedOutcome, Ending, Outcome } from '../../domain/outcome/outcome-schema.ts';
import { recordId } from '../../domain/promotion/record.ts';
import { isLeftBy, type ModelItem } from '../../domain/release/release.ts';
import type { PromotionStore } from '../../domain/release/store.ts';
import { log, logError } from '../../runtime/log.ts';
import type { ReadingServices } from '../../runtime/reading-services.ts';
import { inWords } from '../../words/reasons.ts';
import type { CloseServices } from './close-execution.ts';
import { type BothSidesRead, ownerIn, readBothSides } from './read-ending.ts';
import { recordOutcomeAndNotify } from './record-and-notify.ts';

/** Telling people, once per picture, that a model shows something that no operation of ours put there, and when that is over. */

/** True when the registered model does not exist: nobody can bring it back in step, nor close a change of it. */
export const isModelGone = ({ champions, unread }: Ending): boolean =>
  champions === null && !unread.includes('registry');

/** True for an open change that cannot go on before a person locks the draft that it goes back to. */
const isBarred = (outcome: Pick<Outcome, 'ending' | 'rollback'>): boolean =>
  outcome.ending?.change != null && isLockedOut(outcome);

/** True for an attempt at a change that is still barred, where that was told of what both sides show. */
export const isToldAlready = (outcome: Outcome, item: ModelItem | null): boolean =>
  outcome.operation === 'resume' &&
  isBarred(outcome) &&
  item !== null &&
  item.told !== null &&
  item.told === outcome.ending?.picture;

/**
 * Remembers what an alert has told, so that neither the sweep nor an attempt tells it again. The outcome is the recorded one:
 * a repeated step may read something else by now, which nobody has been told. Never throws: one alert too many is better
 * than an execution that cannot end.
 */
export async function rememberTold(
  model: string,
  { ending, rollback }: Pick<Outcome, 'ending' | 'rollback'>,
  { store }: { store: PromotionStore },
): Promise<void> {
  const picture = ending?.picture ?? null;
  if (ending === null || picture === null) return;
  if (!isOutOfStep(ending) && !isBarred({ ending, rollback })) return;
  try {
    await store.markTold(model, picture, ending.change?.id ?? null);
  } catch (error) {
    log().warn('could not remember what was told', { model, error: logError(error) });
  }
}

/**
 * Both sides, read a second time where they show what was neither put there nor told: one wrong answer must not alarm
 * anybody. Null where the second reading shows something else: then nothing is told now.
 */
export async function readTwice(model: string, services: CloseServices & ReadingServices) {
  const read = await readBothSides(model, services);
  const { picture } = read.ending;
  if (!isOutOfStep(read.ending) || (picture !== null && read.item?.told === picture)) return read;
  const again = await readBothSides(model, services);
  return again.ending.picture === picture ? again : null;
}

/**
 * Tells that a model is out of step, unless the same picture was told last; and that a closed one is in step again, after
 * that was told. An open change that is known again goes on, which its end tells: the earlier picture is forgotten. Answers
 * whether it was told now to be out of step. Throws `LeaseStoreUnavailable`.
 */
export async function tellOutOfStep(read: BothSidesRead, services: CloseServices): Promise<boolean> {
  const { item, ending } = read;
  const { picture } = ending;
  if (item === null || picture === null) return false;
  const outOfStep = isOutOfStep(ending);
  if (item.told === (outOfStep ? picture : null)) return false;
  // An open change that is barred: its attempts have told this.
  if (item.change !== null && item.told === picture) return false;
  // Told first: after a crash in between it is told twice rather than never.
  if (outOfStep || item.change === null)
    await recordOutcomeAndNotify(inWords(foundBySweep(item, read, services)), true, services);
  await services.store.markTold(item.model, outOfStep ? picture : null, item.change?.id ?? null);
  return outOfStep;
}

function foundBySweep(item: ModelItem, read: BothSidesRead, { clock }: CloseServices): DecidedOutcome {
  const { change, live, model } = item;
  const { ending } = read;
  const now = clock.now();
  return directOutcome({
    ...(isOutOfStep(ending)
      ? { status: 'contested', cause: { code: 'out-of-step', change_open: change !== null } }
      : { status: 'in_step', cause: { code: 'in-step-again' } }),
    operation: change?.kind ?? 'promote',
    execution: `sweep:${recordId(model)}:${ending.picture}:${now.getTime()}`,
    model_name: model,
    owner: ownerIn(read),
    champion_before: live?.version ?? null,
    champion_after: soleChampion(ending),
    challenger_version: change?.to ?? null,
    requested_by: change?.asked.by ?? null,
    ending,
    recorded_at: now.toISOString(),
  });
}

/**
 * Tells of a change that a direct call closed before it was cut off: no execution tells for it. Answers whether that was told
 * as out of step, as somebody has moved the model since. Throws `LeaseStoreUnavailable`.
 */
export async function tellDirectChange(read: BothSidesRead, services: CloseServices): Promise<boolean> {
  const { item, ending } = read;
  const live = item?.live ?? null;
  if (item === null || live === null || !live.change.startsWith('direct:')) return false;
  const now = services.clock.now();
  if (now.getTime() - Date.parse(live.at) < DIRECT_LEASE_SECONDS * 1000) return false;
  if (await services.store.hasOutcome(live.change)) return false;
  const [last] = item.history;
  const left = last !== undefined && isLeftBy(last, live.change) ? last : null;
  const promoted = live.result !== 'rolled_back';
  // A promotion that failed is brought back to what was live; a rollback leaves what it took out.
  const rollback = left?.good === false;
  const outOfStep = isOutOfStep(ending);
  const outcome = directOutcome({
    ...(outOfStep
      ? { status: 'contested', cause: { code: 'moved-since' } }
      : promoted
        ? { status: 'promoted', cause: { code: 'promoted', direct: true, workload_unchanged: false } }
        : {
            status: 'rolled_back',
            cause: rollback
              ? { code: 'asked' }
              : { code: 'stopped', status: 'FAILED', interrupted: 'nothing' },
          }),
    operation: rollback ? 'rollback' : 'promote',
    execution: live.change,
    model_name: item.model,
    owner: ownerIn(read),
    champion_before: left?.version ?? null,
    champion_after: outOfStep ? soleChampion(ending) : live.version,
    challenger_version: promoted ? live.version : null,
    ending,
    recorded_at: now.toISOString(),
  });
  await recordOutcomeAndNotify(inWords(outcome), true, services);
  await rememberTold(item.model, outcome, services);
  return outOfStep;
}

const soleChampion = ({ champions }: Ending): string | null =>
  champions?.length === 1 ? (champions[0] ?? null) : null;
