// Giving up a commit that could not be finished: what has an undo is taken back, in reverse, and the rest is not done. Called by
// commit.ts once a person has said so, and again with each entry until it is done.

import type { Json } from '../agent/canonical.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import type { Frame } from './asker.ts';
import type { Life } from './life.ts';
import { discard } from './outbox.ts';
import type { Confirmed } from './recorded.ts';
import { findOrWalk } from './rediscover.ts';
import { takeBack } from './takeBack.ts';

/** The failure of the call, which says what became of each. Rejects with why the run was interrupted. */
export async function giveUp(frame: Frame, life: Life, { effects, nth }: Confirmed, why: string): Promise<AmdahlError> {
  const { session, place, path } = frame;
  const all = (): readonly EffectRecord[] => effects.flatMap((key) => session.effects.get(key) ?? []);
  for (const effect of all().toReversed()) {
    if (effect.state === 'staged') discard(session, effect, `'${path}' was given up: ${why}`);
    if (effect.state === 'committed') await undo(frame, life, effect, nth);
  }
  // Those that staged them answer no more: going on with the run asks them anew.
  const over = all().filter(({ state }) => state === 'undone' || state === 'discarded');
  for (const call of new Set(over.flatMap(({ calls: [served] }) => (served === undefined || served === place ? [] : [served]))))
    session.note({ kind: 'call.retracted', place: call, why: 'undone' });
  return failure(path, all(), why);
}

async function undo(frame: Frame, life: Life, effect: EffectRecord, nth: number): Promise<void> {
  const { session } = frame;
  const known = await findOrWalk(frame, life, effect).catch(() => undefined);
  session.check();
  if (known?.code.rules.undo !== undefined) await takeBack(frame, effect, known, nth);
}

function failure(path: string, effects: readonly EffectRecord[], why: string): AmdahlError {
  const of = (state: EffectRecord['state']): readonly Json[] =>
    effects.filter((one) => one.state === state).map(({ tool, key, sent, args }) => ({ tool, key, args: sent ?? args }));
  const [committed, undone, discarded, uncertain] = [of('committed'), of('undone'), of('discarded'), of('uncertain')];
  const parts = [
    [committed, 'done and stand'],
    [undone, 'were taken back'],
    [uncertain, 'may or may not have been done'],
    [discarded, 'were not done'],
  ] as const;
  const said = parts.flatMap(([list, what]) => (list.length === 0 ? [] : [`${list.length} ${what}`])).join(', ');
  return new AmdahlError('EFFECT_FAILED', `The effects of '${path}' were given up: ${why}. Of them ${said}.`, {
    data: { committed, undone, discarded, uncertain },
  });
}
