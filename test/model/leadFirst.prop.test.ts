import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choose, leastToLead, type PrefixState, UNKNOWN_PREFIX, waitMsMax, type Wish } from '../../src/model/leadFirst.ts';

const at = fc.option(fc.integer({ min: 0, max: 2_000_000 }), { nil: undefined });
const ms = fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined });

const states: fc.Arbitrary<PrefixState> = fc.record({
  askedAt: at,
  heldAt: at,
  leadAt: at,
  leadStreams: fc.boolean(),
  open: fc.integer({ min: 0, max: 100 }),
  firstMs: ms,
  answerMs: ms,
});

const wishes: fc.Arbitrary<Wish> = fc.record({
  tokens: fc.integer({ min: 0, max: 200_000 }),
  minTokens: fc.constantFrom(512, 1_024, 4_096),
  ttlMs: fc.constantFrom(300_000, 1_800_000),
  write: fc.constantFrom(1, 1.25, 2),
  read: fc.constantFrom(0.1, 0.25, 0.5),
  marks: fc.boolean(),
  coming: fc.integer({ min: 1, max: 100 }),
  atOnce: fc.integer({ min: 1, max: 100 }),
  named: fc.boolean(),
  waitedMs: fc.integer({ min: 0, max: 60_000 }),
});

describe('whoever asks', () => {
  test('waits only where another leads, for no longer than its bound in all', () => {
    fc.assert(
      fc.property(states, wishes, fc.integer({ min: 0, max: 2_000_000 }), (state, wish, now) => {
        const choice = choose(state, wish, now);
        if (choice.go === 'now') return;
        expect(state.leadAt).toBeDefined();
        expect(now - (state.leadAt ?? 0)).toBeLessThan(waitMsMax(wish.tokens));
        expect(choice.ms).toBeGreaterThan(0);
        expect(wish.waitedMs + choice.ms).toBeLessThanOrEqual(waitMsMax(wish.tokens));
        expect(wish.tokens).toBeGreaterThanOrEqual(wish.minTokens);
        expect(Math.max(wish.atOnce, state.open + 1)).toBeGreaterThanOrEqual(leastToLead(wish.write, wish.read));
      }),
    );
  });

  test('never waits where it is the first', () => {
    fc.assert(
      fc.property(wishes, fc.integer({ min: 0, max: 2_000_000 }), (wish, now) => {
        const choice = choose(UNKNOWN_PREFIX, wish, now);
        expect(choice.go).toBe('now');
        if (choice.go === 'now' && choice.leads) expect(choice.first).toBe(true);
      }),
    );
  });

  test('waits for nobody where the prefix is held, and reads it', () => {
    fc.assert(
      fc.property(states, wishes, fc.integer({ min: 0, max: 200_000 }), (state, wish, agoMs) => {
        expect(choose({ ...state, heldAt: 1_000_000 - agoMs }, wish, 1_000_000)).toEqual({
          go: 'now',
          marks: true,
          first: false,
          leads: false,
        });
      }),
    );
  });

  test('marks for nobody but itself where nobody else is known to ask', () => {
    fc.assert(
      fc.property(wishes, (wish) => {
        const choice = choose(UNKNOWN_PREFIX, { ...wish, named: false, coming: 1, atOnce: 1 }, 5);
        expect(choice).toMatchObject({ go: 'now', marks: false, leads: false });
      }),
    );
  });
});

describe('waiting costs less than it saves', () => {
  test('what is written once and read by all others costs at most half of what it would plain', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 2, noNaN: true }), fc.double({ min: 0, max: 0.49, noNaN: true }), (write, read) => {
        const many = leastToLead(write, read);
        expect(write + read * (many - 1)).toBeLessThanOrEqual(many / 2 + 1e-6);
        if (many > 2) expect(write + read * (many - 2)).toBeGreaterThan((many - 1) / 2 - 1e-6);
      }),
    );
  });

  test('a few short answers over a short prefix do not wait for a slow beginning; many, or long ones, do', () => {
    const wish: Wish = {
      tokens: 1_100,
      minTokens: 1_024,
      ttlMs: 300_000,
      write: 1.25,
      read: 0.1,
      marks: true,
      coming: 3,
      atOnce: 3,
      named: false,
      waitedMs: 0,
    };
    const state: PrefixState = { ...UNKNOWN_PREFIX, leadAt: 0, leadStreams: true, open: 1, firstMs: 4_000, answerMs: 4_200 };
    expect(choose(state, wish, 10)).toEqual({ go: 'now', marks: false, first: false, leads: false });
    expect(choose(state, { ...wish, atOnce: 50 }, 10)).toMatchObject({ go: 'follow' });
    expect(choose({ ...state, answerMs: 40_000 }, wish, 10)).toMatchObject({ go: 'follow' });
    expect(choose({ ...state, leadStreams: false, answerMs: undefined }, { ...wish, atOnce: 50 }, 10)).toMatchObject({ go: 'now' });
  });
});
