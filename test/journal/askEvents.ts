// Asks that can be told apart, and runs that wait for them. For tests of stores.

import type { Reply } from '../../src/journal/ask.ts';
import type { AskId, Event, RunId } from '../../src/journal/event.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { placeOf, started } from './entries.ts';

export const askOf = (text: string): AskId => text.padEnd(22, '-') as AskId; // as in entries.ts

export function opened(ask: AskId, at = 1_000, expiresAt?: number): Event {
  const about = { amount: 5, long: 'l'.repeat(6_000) };
  const asked = { kind: 'ask.opened', place: placeOf(ask), ask, of: 'human', calls: [], path: 'pay', question: 'Pay?', about, at } as const;
  return { ...asked, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

export function over(ask: AskId, kind: 'ask.answered' | 'ask.refused' | 'ask.expired' | 'ask.withdrawn', at: number): Event {
  const where = { place: placeOf(ask), ask, at };
  switch (kind) {
    case 'ask.answered':
      return { kind, ...where, value: 'yes' };
    case 'ask.refused':
      return { kind, ...where, reason: 'no' };
    case 'ask.withdrawn':
      return { kind, ...where, why: 'too late' };
    case 'ask.expired':
      return { kind, ...where };
  }
}

export const parked = (at: number, ...asks: AskId[]): Event => ({ kind: 'run.parked', asks, at });
export const yes = (by = 'ann'): Reply => ({ kind: 'answer', value: { ok: true }, by });

/** A run that waits for `asks` in nobody's hands. */
export async function park(
  journal: Journal,
  run: RunId,
  asks: readonly AskId[],
  more: { readonly at?: number; readonly expiresAt?: number; readonly scope?: string } = {},
): Promise<void> {
  const { at = 1_000, expiresAt, scope } = more;
  const claim = await journal.claim(run);
  await claim.append([
    started(at, scope === undefined ? {} : { scope }),
    ...asks.map((ask, nth) => opened(ask, at + nth, expiresAt)),
    parked(at + asks.length, ...asks),
  ]);
  await claim.release();
}
