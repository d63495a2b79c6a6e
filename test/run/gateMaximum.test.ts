// How long answers through `gate()` may be under a budget, and what is said where it left no room.

import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { generateText } from 'ai';
import { describe, expect, it } from 'vitest';
import { gate, memoryJournal, run, step } from '../../src/index.ts';
import { answer, type HandMade, made, through, USAGE } from '../support/handMade.ts';
import { failure, Trial } from '../support/trial.ts';

const prices = { 'hand/*': { in: 1, out: 1 } };
const spending = (tokensOut: number): typeof USAGE => ({ ...USAGE, outputTokens: { total: tokensOut, text: tokensOut, reasoning: 0 } });

/** Has 10,000 tokens to say, and is cut at the maximum where it is given one. */
function wordy(): HandMade {
  return made({
    modelId: 'wordy',
    answer: ({ maxOutputTokens = Infinity }) =>
      maxOutputTokens < 10_000
        ? { ...answer('cut of'), finishReason: { unified: 'length', raw: 'length' }, usage: spending(maxOutputTokens) }
        : { ...answer('whole'), usage: spending(10_000) },
  });
}

describe('a request through gate() that sets no maximum', () => {
  it.each([['usd: 100', { usd: 100 }] as const, ['tokens: 5,000', { tokens: 5_000 }] as const])(
    'is given none where %s leave room for what is assumed, and what it took counts',
    async (_, budget) => {
      const model = wordy();
      const middleware = gate({ budget, prices });
      expect((await generateText({ model: through(middleware, model), prompt: 'x' })).text).toBe('whole');
      expect(model.requests[0]?.maxOutputTokens).toBeUndefined();
      expect(middleware.bill().tokensOut).toBe(10_000);
    },
  );

  it('reserves what is assumed all the same: what it took over that is missing to the next', async () => {
    const middleware = gate({ budget: { tokens: 5_000 } });
    const wrapped = through(middleware, wordy());
    await generateText({ model: wrapped, prompt: 'x' });
    expect((await failure(generateText({ model: wrapped, prompt: 'x' }))).data).toMatchObject({ cap: 'tokens', used: 10_010 });
  });

  it('keeps the maximum that it sets itself, and an answer cut there is its own affair', async () => {
    const model = wordy();
    const wrapped = through(gate({ budget: { usd: 100 }, prices }), model);
    const { text, finishReason } = await generateText({ model: wrapped, prompt: 'x', maxOutputTokens: 6_000 });
    expect([text, finishReason, model.requests[0]?.maxOutputTokens]).toEqual(['cut of', 'length', 6_000]);
  });

  it('is BUDGET_EXCEEDED where its answer was cut at what a budget had left, and the answer is on the bill', async () => {
    const model = wordy();
    const middleware = gate({ budget: { tokens: 300 } });
    const error = await failure(generateText({ model: through(middleware, model), prompt: 'x' }));
    expect(model.requests[0]?.maxOutputTokens).toBeLessThan(300);
    expect([error.code, error.data]).toEqual(['BUDGET_EXCEEDED', { cap: 'tokens', of: 'gate' }]);
    expect(error.message).not.toContain('resume');
    expect(middleware.bill()).toMatchObject({ calls: 1, failed: 0 });
  });

  it('is BUDGET_EXCEEDED in a run too, which says so in its own words', async () => {
    const wrapped = through(gate(), wordy());
    const ask = step({ name: 'ask', execute: async (prompt: string) => (await generateText({ model: wrapped, prompt })).text });
    expect((await new Trial({ prices }).run(ask, 'x', { budget: { usd: 100 } })).output).toBe('whole');
    const error = await failure(run(ask, 'x', { journal: memoryJournal(), budget: { tokens: 300 } }));
    expect([error.code, error.data, error.message]).toEqual([
      'BUDGET_EXCEEDED',
      { cap: 'tokens', of: 'ask' },
      expect.stringContaining('Raise the budget and resume'),
    ]);
  });

  it('that is streamed ends with that error in place of its end', async () => {
    const parts: readonly LanguageModelV4StreamPart[] = [
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'cut of' },
      { type: 'text-end', id: '0' },
      { type: 'finish', finishReason: { unified: 'length', raw: 'length' }, usage: spending(280) },
    ];
    const model = made({ modelId: 'streams', stream: () => ReadableStream.from(parts) });
    const { stream } = await through(gate({ budget: { tokens: 300 } }), model).doStream({ prompt: [] });
    const heard: LanguageModelV4StreamPart[] = [];
    for await (const part of stream) heard.push(part);
    expect(heard.map(({ type }) => type)).toEqual(['text-start', 'text-delta', 'text-end', 'error']);
    expect(heard.at(-1)).toMatchObject({ error: { code: 'BUDGET_EXCEEDED' } });
  });
});

it('a budget of gate() that is spent asks to raise it, not to resume a run that is none', async () => {
  const wrapped = through(gate({ name: 'old code', budget: { calls: 1 } }), made());
  await generateText({ model: wrapped, prompt: 'x' });
  expect((await failure(generateText({ model: wrapped, prompt: 'x' }))).message).toBe(
    "The budget of 'old code' caps calls at 1; 1 are spent and the next request does not fit. Raise the budget that gate() is given.",
  );
});
