// A model with a tail: most answers take about as long as one another, some take very long, by seed, in virtual time.
// It counts what it was asked and what it said, as a provider's server would. For tests of hedges.

import { AmdahlError } from '../../src/index.ts';
import { estimatePrompt } from '../../src/model/tokens.ts';
import { scripted, type ScriptedModel } from '../../src/testing.ts';
import type { VirtualClock } from '../support/virtualClock.ts';

/** What becomes of its `nth` request. */
export interface Fate {
  readonly ms: number;
  readonly fails?: boolean;
}

export interface Tardy {
  readonly model: ScriptedModel;
  readonly counted: { requests: number; aborted: number; answered: number; failed: number; tokensIn: number; tokensOut: number };
  /** How long each answer took that was heard, from the first sending of its text, in ms. */
  readonly heardMs: number[];
}

/** Numbers in [0, 1) that follow from the seed. */
export function dice(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** 100 to 200 ms, and one in thirty 5 s. */
export function withTail(seed: number): () => Fate {
  const random = dice(seed);
  return () => (random() < 1 / 30 ? { ms: 5_000 } : { ms: 100 + Math.floor(random() * 100) });
}

export function tardy(clock: VirtualClock, fate: (nth: number) => Fate): Tardy {
  const counted = { requests: 0, aborted: 0, answered: 0, failed: 0, tokensIn: 0, tokensOut: 0 };
  const heardMs: number[] = [];
  const begun = new Map<string, number>();
  const model = scripted(async ({ prompt, abortSignal }, nth) => {
    const { ms, fails } = fate(nth);
    const tokensIn = estimatePrompt(prompt);
    const text = JSON.stringify(prompt);
    begun.set(text, begun.get(text) ?? clock.now());
    counted.requests += 1;
    counted.tokensIn += tokensIn;
    const aborted = new Promise<'aborted'>((resolve) => abortSignal?.addEventListener('abort', () => resolve('aborted')));
    if ((await Promise.race([clock.sleep(ms), aborted])) === 'aborted') {
      counted.aborted += 1;
      throw new Error('the connection was closed');
    }
    if (fails === true) {
      counted.failed += 1;
      counted.tokensIn -= tokensIn;
      return { error: new AmdahlError('MODEL_OVERLOADED', 'It is busy.', { retryable: 'yes' }) };
    }
    counted.answered += 1;
    counted.tokensOut += 7;
    heardMs.push(clock.now() - (begun.get(text) ?? 0));
    return { text: `answer ${nth}`, tokensIn, tokensOut: 7 };
  });
  return { model, counted, heardMs };
}
