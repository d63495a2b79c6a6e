// `gate()` inside another sending: below an agent whose model it wraps, and below another `gate()`.

import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { generateText, streamText } from 'ai';
import { describe, expect, it } from 'vitest';
import { agent, AmdahlError, gate, memoryJournal, run } from '../../src/index.ts';
import { answer, made, STOP, through, USAGE } from '../support/handMade.ts';
import { failure } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

describe('a budget of gate() inside another sending', () => {
  it('counts below an agent, and so does its bill', async () => {
    const model = made();
    const capped = gate({ name: 'capped', budget: { calls: 2 } });
    const say = agent({ name: 'say', instructions: 'Say.', model: through(capped, model) });
    const journal = memoryJournal();
    for (const id of ['a', 'b']) expect((await run(say, 'x', { id, journal })).bill.calls).toBe(1);
    const error = await failure(run(say, 'x', { id: 'c', journal }));
    expect([error.code, error.data]).toMatchObject(['BUDGET_EXCEEDED', { cap: 'calls', bound: 2, of: 'capped' }]);
    expect([model.requests.length, capped.bill().calls]).toEqual([2, 2]);
  });

  it('counts below another gate(), and each bill has a request once', async () => {
    const model = made();
    const [outer, capped] = [gate({ name: 'outer' }), gate({ name: 'capped', budget: { calls: 2 } })];
    const wrapped = through(outer, through(capped, model));
    for (const prompt of ['a', 'b']) await generateText({ model: wrapped, prompt });
    expect([outer.bill().calls, capped.bill().calls]).toEqual([2, 2]);
    expect((await failure(generateText({ model: wrapped, prompt: 'c' }))).data).toMatchObject({ of: 'capped' });
    expect(model.requests).toHaveLength(2);
  });

  it('counts once where one instance stands on both sides of another', async () => {
    const [outer, inner] = [gate(), gate()];
    await generateText({ model: through(outer, through(inner, through(outer, made()))), prompt: 'x' });
    expect([outer.bill().calls, inner.bill().calls]).toEqual([1, 1]);
  });

  it('counts what is streamed', async () => {
    const parts: readonly LanguageModelV4StreamPart[] = [
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'said' },
      { type: 'text-end', id: '0' },
      { type: 'finish', finishReason: STOP, usage: USAGE },
    ];
    const capped = gate({ budget: { calls: 1 } });
    const wrapped = through(gate(), through(capped, made({ modelId: 'streams', stream: () => ReadableStream.from(parts) })));
    expect(await streamText({ model: wrapped, prompt: 'a' }).text).toBe('said');
    expect(capped.bill()).toMatchObject({ calls: 1, tokensOut: 5 });
    const heard = streamText({ model: wrapped, prompt: 'b', onError: () => {} }).text;
    await expect(heard).rejects.toBeDefined();
    expect(capped.bill().calls).toBe(1);
  });

  it('is not waited for at the gate a second time, and what fails there is sent again by the outer one alone', async () => {
    const clock = new VirtualClock();
    const model = made({
      modelId: 'narrow',
      answer: (_, nth) => {
        if (nth < 2) throw new AmdahlError('MODEL_UNAVAILABLE', 'down', { retryable: 'yes' });
        return answer('said');
      },
    });
    const rateLimits = { 'hand/narrow': { concurrency: 1 } };
    const [outer, inner] = [gate({ clock, rateLimits, limits: { retries: 2 } }), gate({ clock, rateLimits })];
    const asked = generateText({ model: through(outer, through(inner, model)), prompt: 'x' });
    expect((await clock.drive(asked)).text).toBe('said');
    expect([model.requests.length, outer.bill(), inner.bill()]).toMatchObject([3, { calls: 3, failed: 2 }, { calls: 3, failed: 2 }]);
  });
});

describe('what was begun inside a sending', () => {
  it('is outside of it when the sending is over: it is capped, and sent again where that may help', async () => {
    const clock = new VirtualClock();
    const middleware = gate({ clock, budget: { calls: 3 } });
    let worker: Promise<unknown> | undefined;
    const go = Promise.withResolvers<void>();
    const model = made({
      modelId: 'lazy',
      answer: (_, nth) => {
        worker ??= go.promise.then(async () => {
          await generateText({ model: wrapped, prompt: 'second' });
          return await failure(generateText({ model: wrapped, prompt: 'third' }));
        });
        if (nth === 1) throw new AmdahlError('MODEL_UNAVAILABLE', 'down', { retryable: 'yes' });
        return answer('said');
      },
    });
    const wrapped = through(middleware, model);
    await generateText({ model: wrapped, prompt: 'first' });
    go.resolve();
    expect(await clock.drive(worker ?? Promise.resolve())).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    expect([model.requests.length, middleware.bill().calls]).toEqual([3, 3]);
  });
});
