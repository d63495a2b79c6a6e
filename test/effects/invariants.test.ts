// The checkers of test/suites/effectInvariants.ts see what they are there for: each is given a sound journal, doctored.

import { describe, expect, it } from 'vitest';
import type { Entry, Event } from '../../src/index.ts';
import type { AskId, Place } from '../../src/journal/ids.ts';
import { committedAfterConfirmed, effectsInOrder, noOrphanEffects, personSettles } from '../suites/effectInvariants.ts';

const CALL = 'call' as Place;
const KEY = 'k'.repeat(22);
const of = { place: 'p' as Place, calls: [CALL], key: KEY, at: 0 };
const about = { attempt: 'a' as Place, path: 'doer', tool: 'note', args: {} };

const staged: Event = { kind: 'effect.staged', ...of, ...about, receipt: '[receipt:kkkkkkkkkkkk]' };
const committing: Event = { kind: 'effect.committing', ...of, ...about, effect: 'staged' };
const committed: Event = { kind: 'effect.committed', ...of };
const uncertain: Event = { kind: 'effect.uncertain', ...of };
const discarded: Event = { kind: 'effect.discarded', ...of, why: 'refused' };
const undone: Event = { kind: 'effect.undone', ...of };
const confirmed: Event = { kind: 'call.confirmed', place: CALL, output: '', effects: [KEY], at: 0 };
const succeeded: Event = { kind: 'call.succeeded', place: CALL, at: 0 };
const ended: Event = { kind: 'run.succeeded', output: '', missing: [], at: 0 };
const ask = { place: 'p' as Place, ask: 'ask' as AskId, at: 0 };
const opened: Event = { kind: 'ask.opened', ...ask, of: 'effect', calls: [CALL], path: 'doer', question: '?', about: { key: KEY } };
const answered: Event = { kind: 'ask.answered', ...ask, value: { outcome: 'done' } };

function journal(...events: readonly Event[]): readonly Entry[] {
  return events.map((event, seq) => ({ seq, event }));
}

const SOUND = [staged, confirmed, committing, committed, succeeded, ended];

describe('the checker of', () => {
  it('an effect’s states lets it be discarded, staged again, done and undone, and nothing else', () => {
    effectsInOrder(journal(...SOUND));
    effectsInOrder(journal(staged, discarded, staged, committing, uncertain, committing, committed, undone));
    for (const wrong of [
      [committed],
      [staged, committed],
      [staged, committing, discarded],
      [staged, discarded, committing],
      [staged, committing, committed, committing],
      [staged, committing, committed, discarded],
      [staged, committing, undone],
      [staged, committing, committed, undone, undone],
    ])
      expect(() => effectsInOrder(journal(...wrong))).toThrow(/I5/);
  });

  it('the commit point sees an effect that begins before it, and an attempt after it', () => {
    committedAfterConfirmed(journal(...SOUND));
    expect(() => committedAfterConfirmed(journal(staged, committing, confirmed))).toThrow(/I5/);
    expect(() => committedAfterConfirmed(journal(staged, { ...confirmed, effects: ['another'] }, committing))).toThrow(/I5/);
    const attempt: Event = { kind: 'attempt.started', place: CALL, attempt: 1, at: 0 };
    expect(() => committedAfterConfirmed(journal(staged, confirmed, attempt))).toThrow(/I5/);
  });

  it('orphans sees what is left staged or uncertain, and what was done for a call that failed', () => {
    noOrphanEffects(journal(...SOUND));
    expect(() => noOrphanEffects(journal(staged, succeeded, ended))).toThrow(/I6/);
    expect(() => noOrphanEffects(journal(staged, confirmed, committing, succeeded, ended))).toThrow(/I6/);
    const failed: Event = { kind: 'call.failed', place: CALL, error: { code: 'CANCELLED', message: '' }, causes: [], at: 0 };
    expect(() => noOrphanEffects(journal(staged, confirmed, committing, committed, failed, ended))).toThrow(/I6/);
    noOrphanEffects(journal(staged, confirmed, committing, committed, opened, answered, failed, ended));
    noOrphanEffects(journal(staged, confirmed, committing, committed, undone, failed, ended));
  });

  it('persons sees what goes on without their word, after a death and after a failure', () => {
    const shifts = [{ begin: 0, end: 3, died: true }];
    personSettles(journal(...SOUND), []);
    personSettles(journal(staged, confirmed, committing, opened, answered, committed), shifts);
    expect(() => personSettles(journal(staged, confirmed, committing, committed), shifts)).toThrow(/I5/);
    expect(() => personSettles(journal(staged, confirmed, committing, opened), shifts)).toThrow(/I5/);
    expect(() => personSettles(journal(staged, confirmed, committing, opened, committed, answered), shifts)).toThrow(/I5/);
    expect(() => personSettles(journal(staged, confirmed, committing, uncertain, committing), [])).toThrow(/I5/);
    // A word that was given before does not count again.
    const again = [staged, confirmed, committing, opened, answered, committing, committed];
    expect(() => personSettles(journal(...again), [...shifts, { begin: 3, end: 6, died: true }])).toThrow(/I5/);
  });
});
