// I5 and I6 of design §5 as checkers over a run's journal, whatever happened to its processes. Called by those who crash runs
// with effects (test/effects). Each throws an InvariantBroken that names the law and the evidence.

import type { Entry, EventOf, Place } from '../../src/journal/event.ts';
import type { EffectState } from '../../src/journal/effects.ts';
import { InvariantBroken, type Shift } from './invariants.ts';

type OfEffect = EventOf<
  'effect.staged' | 'effect.committing' | 'effect.committed' | 'effect.uncertain' | 'effect.discarded' | 'effect.undone'
>;

/** What may follow what, per key. Staged again: by an attempt that goes on, or that answers from the journal, in another entry. */
const MAY_FOLLOW: Readonly<Record<OfEffect['kind'], readonly (EffectState | 'nothing')[]>> = {
  'effect.staged': ['nothing', 'staged', 'discarded'],
  // Immediate ones begin with it. Once more: the same key again, after a crash, a failure, or a person's word.
  'effect.committing': ['nothing', 'staged', 'committing', 'uncertain'],
  'effect.committed': ['committing', 'uncertain'],
  'effect.uncertain': ['committing', 'uncertain'],
  'effect.discarded': ['staged', 'uncertain'],
  'effect.undone': ['committed'],
};

const EFFECT = 'effect.';

function isOfEffect(event: Entry['event']): event is OfEffect {
  return event.kind.startsWith(EFFECT);
}

function broken(law: string, evidence: string): InvariantBroken {
  return new InvariantBroken(`${law}: ${evidence}`);
}

function stateOf(kind: OfEffect['kind']): EffectState {
  return kind.slice(EFFECT.length) as EffectState; // each event is named after the state it leads to
}

/** The state of each effect after these entries, by key, with its last event. */
function effectStates(entries: readonly Entry[]): ReadonlyMap<string, OfEffect> {
  const states = new Map<string, OfEffect>();
  for (const { event } of entries) if (isOfEffect(event)) states.set(event.key, event);
  return states;
}

/** An act whose call was over before it could begin: the process that would have begun it says so, and a later one may begin it. */
function isNotBegun(event: OfEffect, before: string): boolean {
  if (event.kind === 'effect.discarded') return before === 'committing' && event.why === 'not begun';
  return event.kind === 'effect.committing' && event.effect === 'immediate' && before === 'discarded';
}

/** I5: each effect goes from state to state as it may. */
export function effectsInOrder(entries: readonly Entry[]): void {
  const states = new Map<string, EffectState>();
  for (const { seq, event } of entries) {
    if (!isOfEffect(event)) continue;
    const before = states.get(event.key) ?? 'nothing';
    if (!MAY_FOLLOW[event.kind].includes(before) && !isNotBegun(event, before))
      throw broken('I5 effects', `event ${seq}: ${event.kind} of ${event.key}, which was ${before}`);
    states.set(event.key, stateOf(event.kind));
  }
}

/** I5: a staged effect begins only once a call above it is confirmed with it, and nothing of that call is tried or refused after. */
export function committedAfterConfirmed(entries: readonly Entry[]): void {
  const confirmed = new Map<Place, ReadonlySet<string>>();
  for (const { seq, event } of entries) {
    if (event.kind === 'call.confirmed') confirmed.set(event.place, new Set(event.effects));
    if (event.kind === 'call.retracted') confirmed.delete(event.place);
    if (event.kind === 'effect.committing' && event.effect === 'staged') {
      if (!event.calls.some((call) => confirmed.get(call)?.has(event.key) === true))
        throw broken('I5 effects', `event ${seq}: ${event.tool} (${event.key}) begins, and no call above it is confirmed with it`);
    }
    if ((event.kind === 'attempt.started' || event.kind === 'attempt.rejected') && confirmed.has(event.place))
      throw broken('I5 effects', `event ${seq}: ${event.kind} of a call that was confirmed with effects`);
  }
}

/** I6: when a run has succeeded, each effect stands below calls that stand, or is undone, or never was. */
export function noOrphanEffects(entries: readonly Entry[]): void {
  const last = entries.findLast(({ event }) => event.kind.startsWith('run.'))?.event.kind;
  if (last !== 'run.succeeded' && last !== 'run.failed') return;
  const succeeded = new Set<Place>();
  const shown = new Set<string>();
  for (const { event } of entries) {
    if (event.kind === 'call.succeeded') succeeded.add(event.place);
    if (event.kind === 'call.retracted' || event.kind === 'call.failed') succeeded.delete(event.place);
    if (event.kind === 'ask.opened') for (const key of keysIn(event.about)) shown.add(key);
  }
  for (const [key, event] of effectStates(entries)) {
    if (event.kind === 'effect.undone' || event.kind === 'effect.discarded') continue;
    if (event.kind === 'effect.staged') throw broken('I6 no orphan effect', `${key} is staged still, and the run has ended`);
    if (shown.has(key)) continue;
    if (event.kind !== 'effect.committed') throw broken('I6 no orphan effect', `${key} is ${stateOf(event.kind)}, and the run has ended`);
    const gone = event.calls.find((call) => !succeeded.has(call));
    if (last === 'run.succeeded' && gone !== undefined)
      throw broken('I6 no orphan effect', `${key} is committed, and ${gone}, which it was done for, did not succeed`);
  }
}

/** The texts in what an ask shows: keys of effects are among them. */
function keysIn(about: unknown): readonly string[] {
  return JSON.stringify(about).match(/[A-Za-z0-9_-]{22}/g) ?? [];
}

/** A key that a process died over: it was begun, and nothing durable says what came of it. */
export interface Uncertain {
  readonly key: string;
  /** How many entries were durable then. */
  readonly at: number;
}

/** What nobody in the program knows of: begun by a process that died over it, or thrown out of. */
function uncertainOnes(entries: readonly Entry[], shifts: readonly Shift[]): readonly Uncertain[] {
  const found: Uncertain[] = [];
  for (const { end, died } of shifts) {
    if (!died) continue;
    for (const [key, { kind }] of effectStates(entries.slice(0, end))) if (kind === 'effect.committing') found.push({ key, at: end });
  }
  for (const { seq, event } of entries) if (event.kind === 'effect.uncertain') found.push({ key: event.key, at: seq + 1 });
  return found;
}

/** I5: what is uncertain, of a service that nobody can ask, goes on only by a person's word. */
export function personSettles(entries: readonly Entry[], shifts: readonly Shift[]): void {
  for (const { key, at } of uncertainOnes(entries, shifts)) {
    const asks = new Set<string>();
    for (const { event } of entries)
      if (event.kind === 'ask.opened' && event.of === 'effect' && keysIn(event.about).includes(key)) asks.add(event.ask);
    const answered = entries.find(({ seq, event }) => seq >= at && event.kind === 'ask.answered' && asks.has(event.ask));
    const next = entries.find(({ seq, event }) => seq >= at && isOfEffect(event) && event.key === key && event.kind !== 'effect.uncertain');
    if (answered === undefined) throw broken('I5 effects', `${key} was uncertain since event ${at}, and nobody said what became of it`);
    if (next !== undefined && next.seq < answered.seq)
      throw broken(
        'I5 effects',
        `event ${next.seq}: ${next.event.kind} of ${key}, which was uncertain since event ${at}, before anybody was asked`,
      );
  }
}
