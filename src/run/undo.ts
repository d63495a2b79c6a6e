// Sagas: immediate effects that are undone because what they were done for is refused. Called where an attempt is refused and for
// good (attempts.ts), where a holder fails (call.ts), and where a branch loses a race (scope.ts).
//
// S1 in reverse order of doing, each until its undo returned, or a person said that it is taken back or may stand.
// S2 what decides it is durable before, so that a crash goes on undoing; so is that the calls below no longer stand for what they
//    answered. What is undone is done again only as another effect (effectKey.ts).
// S3 an attempt of a call of its own is undone as a whole or not at all: where one of its acts has no undo, all of them stand.
// S4 what a person lets stand stands: its call gets no fresh attempt.

import { isLeaf } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import { type EffectRecord, mayStand } from '../journal/effects.ts';
import type { EventOf, Happening, Place } from '../journal/event.ts';
import { chainOf, type Frame } from './asker.ts';
import { findEffect, type KnownEffect } from './effectCode.ts';
import { holdsActs } from './holders.ts';
import { Life } from './life.ts';
import { foldCall } from './recorded.ts';
import { rediscover } from './rediscover.ts';
import type { Session } from './session.ts';
import { takeBack } from './takeBack.ts';
import { settle } from './uncertain.ts';

/**
 * Whether nothing keeps a call from a fresh attempt: nothing that it did stands, or all of it can be undone. Looks the code of
 * effects up, where there are any.
 */
export async function canUndo(frame: Frame): Promise<boolean> {
  const { session, place, agent } = frame;
  if (session.effects.isEmpty || !session.effects.stand(place)) return true;
  const standing = session.effects.below(place).filter(mayStand);
  if (standing.some(({ effect }) => effect !== 'immediate')) return false;
  if (holdsActs(agent)) return true;
  for (const effect of standing) if ((await codeOf(frame, effect))?.code.rules.undo === undefined) return false;
  return true;
}

/** Undoes all that was done below a call, if all of it can be (S3). Waits past the end of the call; rejects with that of the run. */
export async function undoBelow(frame: Frame): Promise<void> {
  const { session, place } = frame;
  if (session.effects.isEmpty || !session.effects.stand(place) || !(await canUndo(frame))) return;
  await undoAll(frame, session.effects.below(place), [place]);
}

/** Goes on undoing where a crash kept an entry from it. */
export async function undoDoomed(frame: Frame): Promise<void> {
  const { session, place } = frame;
  if (session.inherited === undefined || !session.effects.has(place) || frame.agent.behaviour.kind !== 'composite') return;
  await undoAll(
    frame,
    session.effects.below(place).filter(({ doomed }) => doomed === true),
    [place],
  );
}

/** Undoes what was done at and below calls of a branch that lost. */
export async function undoCalls(frame: Frame, calls: Iterable<Place>): Promise<void> {
  const { effects } = frame.session;
  await undoAll(frame, [...new Set([...calls].flatMap((call) => effects.below(call)))], chainOf(frame));
}

/** `above`: calls that it is undone for; those below them no longer stand for it. */
async function undoAll(frame: Frame, effects: readonly EffectRecord[], above: readonly Place[]): Promise<void> {
  const { session } = frame;
  const standing = effects.filter((effect) => effect.effect === 'immediate' && mayStand(effect)).sort((a, b) => b.order - a.order);
  if (standing.length === 0) return;
  await forget(session, standing, new Set(above));
  for (const effect of standing) await undoOne(frame, effect);
}

async function undoOne(frame: Frame, effect: EffectRecord): Promise<void> {
  const known = await codeOf(frame, effect);
  const done = effect.state === 'committed' ? effect : await settled(frame, effect, known);
  if (done !== undefined) await takeBack(frame, done, known, 'saga');
}

/** An act that nobody knows of is looked for first; undefined where it was not done, or stays as it is. */
async function settled(frame: Frame, effect: EffectRecord, known: KnownEffect | undefined): Promise<EffectRecord | undefined> {
  const { session } = frame;
  const { place, calls, key, state } = effect;
  if (state === 'committing') session.note({ kind: 'effect.uncertain', place, calls, key });
  const rules = known?.code.rules ?? { effect: 'immediate' as const };
  const outcome = await settle(frame, { effect, rules, about: known?.about ?? nothingToTell });
  session.check();
  switch (outcome.kind) {
    case 'done': {
      const { how, result = null } = outcome;
      await session.settle({ kind: 'effect.committed', place, calls, key, result, how });
      return session.effects.get(key);
    }
    case 'not done':
      await session.settle({ kind: 'effect.discarded', place, calls, key, why: 'not done' });
      return undefined;
    case 'given up':
      return undefined;
  }
}

function nothingToTell(): never {
  throw new AmdahlError('EFFECT_REFUSED', 'The code of an effect that is not known has no rules.');
}

/** The code of an effect: along the calls that it serves, else by walking a composite over what is recorded. */
async function codeOf(frame: Frame, effect: EffectRecord): Promise<KnownEffect | undefined> {
  const { session } = frame;
  const find = (): Promise<KnownEffect | undefined> => findEffect(session, effect).catch(() => undefined);
  const found = await find();
  if (found !== undefined || frame.agent.behaviour.kind !== 'composite') return found;
  await rediscover(frame, new Life(session.life), effect.calls);
  session.check();
  return await find();
}

/** S2: calls below that answered are asked anew, and attempts that have not come to an end are begun anew. */
async function forget(session: Session, effects: readonly EffectRecord[], above: ReadonlySet<Place>): Promise<void> {
  const calls = new Set(
    effects.flatMap(({ calls: all }) =>
      all.slice(
        0,
        Math.max(
          0,
          all.findIndex((call) => above.has(call)),
        ),
      ),
    ),
  );
  await session.append();
  // Durable together: what is doomed is doomed as a whole.
  const forgotten: Happening[] = [];
  for (const call of calls) {
    const entries = await session.lookUp(call);
    const { outcome, attempts } = foldCall(entries);
    const started = entries.find((one): one is typeof one & { event: EventOf<'call.started'> } => one.event.kind === 'call.started');
    const last = attempts.at(-1);
    if (started === undefined || last === undefined || !isLeaf(started.event.of)) continue; // composites run again over their answers
    if (last.rejected === undefined)
      forgotten.push({ kind: 'attempt.rejected', place: call, attempt: last.number, why: 'undone', problems: [] });
    if (outcome?.kind === 'succeeded') forgotten.push({ kind: 'call.retracted', place: call, why: 'undone' });
  }
  await session.append(...forgotten);
}
