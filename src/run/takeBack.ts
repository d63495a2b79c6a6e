// Taking one effect back by its `undo`, until that is known to be done or a person lets it stand. Called by giveUp.ts and undo.ts.
//
// T1 what a person said of a failed undo counts before it is tried again: who took something back by hand, or lets it stand, while no
//    process drove the run is not undone behind.

import { type Json, toJson } from '../agent/canonical.ts';
import { AmdahlError, asAmdahl, type ErrorRecord, recordError } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import type { AskId } from '../journal/event.ts';
import { chainOf, type Frame } from './asker.ts';
import { askId, type Replied } from './asks.ts';
import type { KnownEffect } from './effectCode.ts';
import { askOutcome, expiredBefore, OUTCOME_FORM, outcomeOf, type Settled } from './uncertain.ts';

/** Whether it is undone: false where a person lets it stand. `nth` tells one giving up from another. */
export async function takeBack(frame: Frame, effect: EffectRecord, known: KnownEffect | undefined, nth: number | string): Promise<boolean> {
  const { session, path } = frame;
  const undo = known?.code.rules.undo;
  const { place, calls, key, tool, result } = effect;
  const undone = async (): Promise<true> => {
    await session.settle({ kind: 'effect.undone', place, calls, key });
    session.check();
    return true;
  };
  const before = await saidBefore(frame, effect, nth);
  if (before?.kind === 'done') return await undone();
  if (before?.kind === 'given up') return false;
  for (let round = 0; ; round += 1) {
    session.check();
    let error: ErrorRecord;
    try {
      if (known === undefined || undo === undefined)
        throw new AmdahlError('EFFECT_REFUSED', `The program has no undo for '${tool}' of '${effect.path}'.`);
      const work = (signal: AbortSignal): unknown => undo(result, known.about(signal));
      await session.life.lend(async (signal) => await (session.secrets.none ? work(signal) : session.secrets.guard(() => work(signal))));
      return await undone();
    } catch (thrown) {
      session.check();
      error = session.secrets.record(recordError(asAmdahl(thrown, effect.path)));
    }
    const about: Json = { tool, args: effect.sent ?? effect.args, key, undo: true, error: toJson(error, 'an error') };
    const said = await askOutcome(frame, effect, {
      of: 'effect',
      place,
      calls: chainOf(frame),
      path,
      question: `'${tool}' of '${effect.path}' is to be taken back, and its undo failed: ${error.message.replace(/\.?$/, '.')} Was it taken back?`,
      about,
      form: OUTCOME_FORM,
      nth: `undo.${nth}.${round}.${await expiredBefore(frame, effect)}`,
    });
    if (said.kind === 'done') return await undone();
    if (said.kind === 'given up') return false;
  }
}

/** What an entry before asked of this undo and was told since, though this one might fail otherwise and so ask something else (T1). */
async function saidBefore(frame: Frame, { place, key }: EffectRecord, nth: number | string): Promise<Settled | undefined> {
  const { session } = frame;
  if (session.inherited === undefined) return undefined;
  const past = [...Array((await expiredBefore(frame, { place })) + 1).keys()];
  const asked: AskId[] = [];
  let replied: Replied | undefined;
  let onRecord: Settled | undefined;
  for (const { event } of await session.recall(place)) {
    if (event.kind === 'ask.opened' && isUndoOf(event.about, key)) {
      const { ask, about } = event;
      const rounds = [...Array(asked.length + 1).keys()];
      const isIt = (again: string): boolean => askId(session.run, { of: 'effect', place, about, nth: `undo.${nth}.${again}` }) === ask;
      if (!rounds.some((round) => past.some((expired) => isIt(`${round}.${expired}`)))) continue; // of another giving up
      asked.push(ask);
      replied = await session.asks.saidToLeft(ask);
    } else if (event.kind === 'ask.answered' && event.ask === asked.at(-1)) onRecord = outcomeOf({ kind: 'answered', value: event.value });
  }
  if (replied !== undefined && replied.kind !== 'expired') return outcomeOf(replied);
  // What was let stand before is tried again when the run goes on; what was taken back by hand never is.
  return onRecord?.kind === 'done' ? onRecord : undefined;
}

function isUndoOf(about: Json, key: string): boolean {
  const fields = new Map(typeof about === 'object' && about !== null ? Object.entries<Json>(about) : []);
  return fields.get('undo') === true && fields.get('key') === key;
}
