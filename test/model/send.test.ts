import type { LanguageModelV4, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { AmdahlError } from '../../src/agent/errors.ts';
import { type SendPorts, type Outgoing, type Reserved, send } from '../../src/model/send.ts';
import { DEFAULT_LIMITS } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { failure } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

type Settled = Parameters<Reserved['settle']>[0];

/** Ports over nothing but what they are told: room for `tokensOut`, a clock that moves 5 ms with every sending. */
function ports(
  given: Partial<SendPorts> = {},
  room: Partial<Reserved> = {},
): SendPorts & { readonly settled: Settled[]; readonly told: string[]; readonly waits: number[] } {
  const settled: Settled[] = [];
  const told: string[] = [];
  const waits: number[] = [];
  let now = 0;
  return {
    settled,
    told,
    waits,
    sendings: { sent: 0, again: 0 },
    random: () => 0.5,
    after: () => () => {},
    enter: () => undefined,
    inFlight: () => 1,
    wait: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    answered: () => {},
    failed: ({ error }, retryMs) => void told.push(`${error.code} ${retryMs ?? 'for good'}`),
    price: { in: 2, out: 10, cached: 1 },
    now: () => now,
    reserve: ({ tokensIn, tokensOut }) => {
      told.push('reserve');
      return { tokensIn, tokensOut, capped: false, settle: (spent) => settled.push(spent), ...room };
    },
    requested: () => told.push('requested'),
    lend: async (work) => {
      told.push('send');
      const abort = new AbortController();
      return await new Promise((resolve, reject) => {
        const cut = (error: Error): void => {
          abort.abort(error);
          reject(error);
        };
        work(abort.signal, cut).then(resolve, reject);
        now += 5;
      });
    },
    ...given,
  };
}

const outgoing = (model: LanguageModelV4, given: Partial<Outgoing> = {}): Outgoing => ({
  model,
  options: { prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }] },
  tokensIn: 100,
  tokensOutAssumed: 4_096,
  metered: true,
  hasNext: false,
  bounds: DEFAULT_LIMITS,
  ...given,
});

/** A model whose usage is what a provider might say. */
const reporting = (usage: LanguageModelV4GenerateResult['usage']): LanguageModelV4 => {
  const model = scripted([{ text: 'hello there' }]);
  return { ...model, doGenerate: async (options) => ({ ...(await model.doGenerate(options)), usage }) };
};
const nothing = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };

test('a request is reserved, then noted, then sent, then settled with what it really took', async () => {
  const through = ports();
  const sent = await send(outgoing(scripted([{ text: 'hi', tokensIn: 120, tokensOut: 30 }])), through);
  expect(through.told).toEqual(['reserve', 'requested', 'send']);
  expect(sent).toMatchObject({ ok: true, usage: { tokensIn: 120, tokensOut: 30 }, usdMicros: 540, estimated: false, ms: 5 });
  expect(through.settled).toEqual([{ tokens: 150, usdMicros: 540 }]);
});

test('what a request wants of a budget is its own maximum, or what is assumed', async () => {
  const wanted: number[] = [];
  const through = ports({
    reserve: ({ tokensIn, tokensOut }) => (wanted.push(tokensOut), { tokensIn, tokensOut, capped: false, settle: () => {} }),
  });
  await send(outgoing(scripted([{ text: 'a' }])), through);
  await send(outgoing(scripted([{ text: 'a' }]), { options: { prompt: [], maxOutputTokens: 50 } }), through);
  expect(wanted).toEqual([4_096, 50]);
});

test('the cap that a budget leaves is sent, where a budget counts at all', async () => {
  const model = scripted(() => ({ text: 'a' }));
  const room = { tokensOut: 77, capped: true };
  expect(await send(outgoing(model), ports({}, room))).toMatchObject({ capped: true });
  expect(await send(outgoing(model, { metered: false }), ports({}, room))).toMatchObject({ capped: false });
  expect(model.requests.map(({ maxOutputTokens }) => maxOutputTokens)).toEqual([77, undefined]);
});

describe('usage', () => {
  test('counts cached and reasoning tokens, and cached ones at their own price', async () => {
    const model = reporting({
      inputTokens: { total: 100, noCache: 20, cacheRead: 80, cacheWrite: 0 },
      outputTokens: { total: 50, text: 10, reasoning: 40 },
    });
    expect(await send(outgoing(model), ports())).toMatchObject({
      usage: { tokensIn: 100, tokensOut: 50, tokensCached: 80, tokensReasoning: 40 },
      usdMicros: 20 * 2 + 80 * 1 + 50 * 10,
      estimated: false,
    });
  });

  test('tells what went into a cache, what that costs, and what the cache saved', async () => {
    const model = reporting({
      inputTokens: { total: 100, noCache: 20, cacheRead: 30, cacheWrite: 50 },
      outputTokens: { total: 50, text: 50, reasoning: 0 },
    });
    expect(await send(outgoing(model), ports({ price: { in: 2, out: 10, cached: 1, written: 4 } }))).toMatchObject({
      usage: { tokensIn: 100, tokensCached: 30, tokensCacheWritten: 50 },
      usdMicros: 20 * 2 + 30 * 1 + 50 * 4 + 50 * 10,
      savedUsdMicros: 30 - 100,
    });
  });

  test('that a provider does not report is estimated, and said to be', async () => {
    const sent = await send(
      outgoing(reporting({ inputTokens: nothing, outputTokens: { total: undefined, text: undefined, reasoning: undefined } })),
      ports(),
    );
    expect(sent).toMatchObject({ ok: true, estimated: true, usage: { tokensIn: 100 } });
    expect(sent.usage.tokensOut).toBeGreaterThan(0);
  });

  test('without a price costs an unknown amount, never nothing', async () => {
    const through = ports({ price: undefined });
    expect(await send(outgoing(scripted([{ text: 'a' }])), through)).toMatchObject({ usdMicros: undefined });
    expect(through.settled).toMatchObject([{ usdMicros: 0 }]);
  });
});

describe('a request that fails', () => {
  test('is MODEL_FAILED with the words of the provider, and costs no tokens', async () => {
    const through = ports();
    const sent = await send(outgoing(scripted([{ error: new Error('wet wires') }])), through);
    expect(sent).toMatchObject({
      ok: false,
      error: { code: 'MODEL_FAILED', message: expect.stringContaining('wet wires') as unknown, data: { model: 'scripted/script' } },
      usage: { tokensIn: 0, tokensOut: 0 },
      usdMicros: 0,
    });
    expect(through.settled).toEqual([{ tokens: 0, usdMicros: 0 }]);
  });

  test('because it was cut off from above keeps that reason and has its input spent, whatever the reason', async () => {
    const reason = new AmdahlError('CODE_FAILED', 'the branch broke');
    const through = ports({
      lend: async (work) => {
        const abort = new AbortController();
        void work(abort.signal, () => {});
        abort.abort(reason);
        return await Promise.reject(reason);
      },
    });
    expect(await send(outgoing(scripted([{ text: 'never heard' }])), through)).toMatchObject({
      ok: false,
      error: reason,
      usage: { tokensIn: 100 },
      usdMicros: 200,
    });
    expect(through.settled).toEqual([{ tokens: 100, usdMicros: 200 }]);
  });

  test('to get room was never sent: it rejects, and nothing is noted', async () => {
    const through = ports({ reserve: () => Promise.reject(new AmdahlError('BUDGET_EXCEEDED', 'no room')) });
    expect((await failure(send(outgoing(scripted([])), through))).code).toBe('BUDGET_EXCEEDED');
    expect(through.told).toEqual([]);
  });
});

describe('a request that the provider does not answer', () => {
  const busy = new AmdahlError('MODEL_OVERLOADED', 'It is busy.', { retryable: 'yes' });

  test('is sent again, each time reserved, told and settled by itself', async () => {
    const through = ports();
    const sent = await send(outgoing(scripted([{ error: busy }, { error: busy }, { text: 'hi', tokensIn: 1, tokensOut: 1 }])), through);
    expect(sent).toMatchObject({ ok: true, usage: { tokensIn: 1 } });
    const once = ['reserve', 'requested', 'send'];
    expect(through.told).toEqual([...once, 'MODEL_OVERLOADED 250', ...once, 'MODEL_OVERLOADED 500', ...once]);
    expect(through.waits).toEqual([250, 500]);
    expect(through.settled).toEqual([
      { tokens: 0, usdMicros: 0 },
      { tokens: 0, usdMicros: 0 },
      { tokens: 2, usdMicros: 12 },
    ]);
    expect(through.sendings).toEqual({ sent: 3, again: 2 });
  });

  test('is given up after its bound, and the error says how often it was sent', async () => {
    const through = ports();
    const sent = await send(outgoing(scripted(() => ({ error: busy }))), through);
    expect(sent).toMatchObject({
      ok: false,
      error: { code: 'MODEL_OVERLOADED', message: 'It is busy. It is not sent again: it was sent 4 times.', data: { sendings: 4 } },
    });
    expect(through.sendings).toEqual({ sent: 4, again: 3 });
  });

  test('is never sent again once a cancel came while it waited', async () => {
    const model = scripted(() => ({ error: busy }));
    const through = ports({ wait: () => Promise.reject(new AmdahlError('CANCELLED', 'enough')) });
    expect((await failure(send(outgoing(model), through))).code).toBe('CANCELLED');
    expect(model.requests).toHaveLength(1);
  });

  test.each(['MODEL_BAD_REQUEST', 'MODEL_UNAUTHORIZED', 'MODEL_CONTEXT_OVERFLOW'] as const)('%s is sent once', async (code) => {
    const model = scripted(() => ({ error: new AmdahlError(code, 'No.') }));
    expect(await send(outgoing(model), ports())).toMatchObject({ ok: false, error: { code, message: 'No.' } });
    expect(model.requests).toHaveLength(1);
  });
});

describe('time-outs', () => {
  /** Never answers, and says whether it was told to stop. */
  const mute = (): LanguageModelV4 & { signal?: AbortSignal | undefined } => {
    const model: LanguageModelV4 & { signal?: AbortSignal | undefined } = {
      ...scripted([]),
      doGenerate: ({ abortSignal }) => {
        model.signal = abortSignal;
        return new Promise(() => {});
      },
      doStream: ({ abortSignal }) => {
        model.signal = abortSignal;
        return Promise.resolve({
          stream: new ReadableStream({ start: (controller) => controller.enqueue({ type: 'text-delta', id: '0', delta: 'half a word' }) }),
        });
      },
    };
    return model;
  };

  test('end a sending that takes too long in all, abort it, and let it be sent again', async () => {
    const clock = new VirtualClock();
    const model = mute();
    const through = ports({ now: () => clock.now(), after: (ms, then) => clock.after(ms, then) });
    const sent = await clock.drive(send(outgoing(model, { bounds: { ...DEFAULT_LIMITS, requestMs: 2_000 } }), through));
    expect(sent).toMatchObject({
      ok: false,
      error: { code: 'MODEL_TIMEOUT', data: { limit: 'requestMs', ms: 2_000 } },
      usage: { tokensIn: 100 },
    });
    expect(clock.now()).toBe(8_000);
    expect(model.signal?.aborted).toBe(true);
  });

  test('end a stream that falls silent', async () => {
    const clock = new VirtualClock();
    const through = ports({ now: () => clock.now(), after: (ms, then) => clock.after(ms, then), delta: () => {} });
    const sent = await clock.drive(send(outgoing(mute(), { bounds: { ...DEFAULT_LIMITS, idleMs: 300, retries: 0 } }), through));
    // What it said until then is paid, and so is what it read.
    expect(sent).toMatchObject({
      ok: false,
      error: { code: 'MODEL_TIMEOUT', data: { limit: 'idleMs' } },
      usage: { tokensIn: 100, tokensOut: 3 },
    });
    expect(clock.now()).toBe(300);
  });
});
