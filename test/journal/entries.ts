// Small events that can be told apart, and what a journal makes of them in words. For tests of stores.

import { AmdahlError, type ErrorCode } from '../../src/agent/errors.ts';
import type { Entry, Event, EventOf, Place, RunId, Setup } from '../../src/journal/event.ts';
import type { Journal, ReadOptions } from '../../src/journal/journal.ts';

// Ids are branded and only the runtime makes them; tests make their own.
export const runOf = (text: string): RunId => text as RunId;
export const placeOf = (text: string): Place => text.padEnd(22, '_') as Place;

/** A small event that can be told from any other by `name`. */
export function noted(name: string, place = 'asker'): EventOf<'decision'> {
  return { kind: 'decision', place: placeOf(place), question: name, choice: null, reason: '', at: 1_000 };
}

export function started(at = 1_000, more: Partial<EventOf<'run.started'>> = {}): Event {
  return { kind: 'run.started', agent: 'sweep', input: { n: 1 }, inputHash: 'hash', at, ...more };
}

export function setupOf(more: Partial<Setup> = {}): Setup {
  return { model: 'test/model', settings: {}, tools: [], format: null, ...more };
}

export function requested(text: string, setup?: Setup): EventOf<'model.requested'> {
  return {
    kind: 'model.requested',
    place: placeOf('attempt'),
    call: placeOf('call'),
    path: 'sweep[3]/review',
    agent: 'review',
    turn: 0,
    model: 'test/model',
    adds: [{ role: 'user', content: [{ type: 'text', text }] }],
    ...(setup === undefined ? {} : { setup }),
    why: 'ask',
    attempt: 1,
    accounts: [],
    reservedTokensIn: 10,
    reservedTokensOut: 10,
    at: 2_000,
  };
}

export async function entriesOf(journal: Journal, run: RunId, options?: ReadOptions): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of journal.read(run, options)) entries.push(entry);
  return entries;
}

export async function namesOf(journal: Journal, run: RunId, options?: ReadOptions): Promise<string[]> {
  return (await entriesOf(journal, run, options)).map(({ event }) => (event.kind === 'decision' ? event.question : event.kind));
}

/** The code a promise rejects with, or 'none'. */
export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await work;
    return 'none';
  } catch (thrown) {
    if (thrown instanceof AmdahlError) return thrown.code;
    throw thrown;
  }
}
