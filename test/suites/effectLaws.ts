// The laws of effects over a run's journal (design §5, I5 and I6). Called by whoever crashes runs that act on the world; each throws an
// InvariantBroken that names the law and the evidence.

import { type EffectRecord, Effects } from '../../src/journal/effects.ts';
import type { Entry, EventOf, Place } from '../../src/journal/event.ts';
import { InvariantBroken } from './invariants.ts';

const NEXT: Readonly<Record<EffectRecord['state'], readonly EffectRecord['state'][]>> = {
  staged: ['staged', 'discarded', 'committing'],
  discarded: ['staged', 'committing'],
  committing: ['committing', 'committed', 'uncertain', 'discarded'],
  uncertain: ['committing', 'committed', 'uncertain', 'discarded'],
  committed: ['undone'],
  undone: [],
};

/** I5: every effect goes through its states as they follow each other. */
function statesFollow(entries: readonly Entry[]): void {
  const effects = new Effects();
  for (const { seq, event } of entries) {
    if (!event.kind.startsWith('effect.') || !('key' in event)) continue;
    const before = effects.get(event.key)?.state;
    effects.take(event);
    const after = effects.get(event.key)?.state;
    const isFirst = before === undefined && (after === 'staged' || after === 'committing');
    if (!isFirst && (before === undefined || after === undefined || !NEXT[before].includes(after)))
      throw new InvariantBroken(`I5 effects: event ${seq}: ${event.key} was ${before} and is ${after}`);
  }
}

/**
 * I6: when a run has ended, every effect that is committed is below a call that was asked in its last entry or answered by one that
 * was, or it was shown to a person.
 */
export function noOrphanEffects(entries: readonly Entry[]): void {
  statesFollow(entries);
  const effects = new Effects();
  const shown = new Set<string>();
  const refused = new Map<Place, EventOf<'attempt.rejected'>[]>();
  for (const { event } of entries) {
    effects.take(event);
    if (event.kind === 'ask.opened') for (const key of keysIn(event.about)) shown.add(key);
    if (event.kind === 'attempt.rejected') refused.set(event.place, [...(refused.get(event.place) ?? []), event]);
  }
  const ended = entries.at(-1)?.event.kind;
  if (ended !== 'run.succeeded') return;
  const failed = failedCalls(entries);
  for (const effect of effects.all()) {
    if (effect.state !== 'committed' || shown.has(effect.key)) continue;
    const holder = effect.calls.find((call) => failed.has(call) && refused.has(call));
    if (holder !== undefined)
      throw new InvariantBroken(`I6 no orphan effect: ${effect.tool} of ${effect.path} stands below a call that was refused`);
  }
  for (const effect of effects.all())
    if (effect.state === 'staged' || effect.state === 'committing' || effect.state === 'uncertain')
      throw new InvariantBroken(`I6 no orphan effect: ${effect.tool} of ${effect.path} is still ${effect.state}`);
}

/** Calls whose live outcome is a failure. */
function failedCalls(entries: readonly Entry[]): ReadonlySet<Place> {
  const failed = new Set<Place>();
  for (const { event } of entries) {
    if (event.kind === 'call.failed') failed.add(event.place);
    if (event.kind === 'call.retracted' || event.kind === 'call.succeeded') failed.delete(event.place);
  }
  return failed;
}

/** The keys of the effects that a question shows. */
function keysIn(about: unknown): readonly string[] {
  if (typeof about !== 'object' || about === null) return [];
  return Object.entries(about).flatMap(([name, value]: [string, unknown]) =>
    name === 'key' && typeof value === 'string' ? [value] : keysIn(value),
  );
}
