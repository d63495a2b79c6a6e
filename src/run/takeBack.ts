// Taking one effect back by its `undo`, until that is known to be done or a person lets it stand. Called by giveUp.ts and undo.ts.

import { type Json, toJson } from '../agent/canonical.ts';
import { AmdahlError, asAmdahl, type ErrorRecord, recordError } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import { chainOf, type Frame } from './asker.ts';
import type { KnownEffect } from './effectCode.ts';
import { askOutcome, expiredBefore, OUTCOME_FORM } from './uncertain.ts';

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
