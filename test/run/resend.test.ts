import type { LanguageModelV4, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, flow, map, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

const busy = new AmdahlError('MODEL_OVERLOADED', 'It is busy.', { retryable: 'yes' });

test('a turn that is sent again is one turn: in the journal, the bill and the tree', async () => {
  const trial = new Trial();
  const model = scripted([{ error: busy }, { error: busy }, { text: 'hi', tokensIn: 10, tokensOut: 2 }]);
  const { output, bill } = await trial.run(agent({ name: 'say', instructions: 'x', model }), 'x');
  expect(output).toBe('hi');
  expect((await trial.events('model.requested')).map(({ turn, again }) => [turn, again])).toEqual([
    [0, undefined],
    [0, 1],
    [0, 2],
  ]);
  const failed = await trial.events('model.failed');
  expect(failed.every(({ retryMs }) => retryMs !== undefined)).toBe(true);
  expect((await trial.events('limit.waited')).map(({ limit, ms }) => [limit, ms])).toEqual(failed.map(({ retryMs }) => ['retry', retryMs]));
  expect(bill).toMatchObject({ calls: 3, failed: 2, tokensIn: 10, tax: { retries: { requests: 2 }, all: { requests: 2 } } });
  expect((await trial.tree()).root.attempts[0]?.turns).toMatchObject([
    { status: 'answered', sent: 3, failures: ['MODEL_OVERLOADED', 'MODEL_OVERLOADED'] },
  ]);
});

test('a request that is sent again counts in every budget above it', async () => {
  const trial = new Trial({ budget: { calls: 2 } });
  const error = await trial.fails(agent({ name: 'say', instructions: 'x', model: scripted(() => ({ error: busy })) }), 'x');
  expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'calls' } });
  expect(await trial.events('model.requested')).toHaveLength(2);
});

test('a call that has no time left to wait ends in time', async () => {
  const model = scripted(() => ({ error: new AmdahlError('MODEL_RATE_LIMITED', 'Wait.', { retryable: { afterMs: 30_000 } }) }));
  const trial = new Trial();
  const error = await trial.fails(agent({ name: 'say', instructions: 'x', model, timeoutMs: 5_000 }), 'x');
  expect(error.code).toBe('TIMEOUT');
  expect(trial.clock.now() - 1_000_000).toBe(5_000);
  expect(model.requests).toHaveLength(1);
});

test('a provider that is down costs a run its retry budget once, not once per call', async () => {
  const model = scripted(() => ({ error: busy }));
  const say = agent({ name: 'say', instructions: 'x', model });
  const all = map(say, { concurrency: 50, atLeast: 0 });
  await new Trial({ limits: { retryBudget: 5, retryBudgetPercent: 0 } }).run(
    all,
    Array.from({ length: 50 }, (_, index) => `${index}`),
  );
  expect(model.requests).toHaveLength(55);
});

test('limits.retries: 0 sends nothing again', async () => {
  const model = scripted(() => ({ error: busy }));
  await new Trial({ limits: { retries: 0 } }).fails(agent({ name: 'say', instructions: 'x', model }), 'x');
  expect(model.requests).toHaveLength(1);
});

const said = (unified: 'content-filter' | 'other' | 'length', raw: string | undefined): LanguageModelV4 => ({
  ...scripted([]),
  doGenerate: (): Promise<LanguageModelV4GenerateResult> =>
    Promise.resolve({
      content: [{ type: 'text', text: 'I will not.' }],
      finishReason: { unified, raw },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    }),
});

test.each([
  ['refusal', 'MODEL_REFUSED'],
  ['stop', 'MODEL_REFUSED'],
  ['content_filter', 'MODEL_FILTERED'],
  ['SAFETY', 'MODEL_FILTERED'],
  [undefined, 'MODEL_REFUSED'],
])('an answer withheld for %s is %s at once, paid and on record, and a resume asks in the same conversation', async (raw, code) => {
  const trial = new Trial();
  const say = agent({ name: 'say', instructions: 'x', model: said('content-filter', raw) });
  const error = await trial.fails(say, 'x');
  expect(error).toMatchObject({ code, message: expect.stringContaining('"I will not."') as unknown });
  expect(await trial.events('model.responded')).toMatchObject([
    { finish: 'content-filter', ...(raw === undefined ? {} : { finishRaw: raw }) },
  ]);
  const { output } = await trial.run(agent({ name: 'say', instructions: 'x', model: scripted([{ text: 'all right' }]) }), 'x', {});
  expect(output).toBe('all right');
});

test('a form that a provider does not pass on is spelled out in the repair, and from then on in the instructions', async () => {
  const Output = z.object({ ok: z.boolean() });
  const model = scripted((request) =>
    JSON.stringify(request.prompt).includes('JSON Schema') ? { object: { ok: true } } : { text: 'sure' },
  );
  const warned = {
    ...model,
    doGenerate: async (request: Parameters<typeof model.doGenerate>[0]) => ({
      ...(await model.doGenerate(request)),
      warnings: [{ type: 'unsupported' as const, feature: 'responseFormat' }],
    }),
  };
  const judge = agent({ name: 'judge', instructions: 'Judge.', model: warned, output: Output });
  const { output } = await new Trial().run(map(judge, { concurrency: 1 }), ['a', 'b']);
  expect(output).toEqual([{ ok: true }, { ok: true }]);
  expect(model.requests).toHaveLength(3);
  expect(model.requests.map(({ prompt }) => JSON.stringify(prompt[0]).includes('JSON Schema'))).toEqual([false, false, true]);
});

test('a model that says that it keeps to no form is told it from the start', async () => {
  const model = Object.assign(scripted([{ object: { ok: true } }]), { supportsStructuredOutputs: false });
  await new Trial().run(agent({ name: 'judge', instructions: 'Judge.', model, output: z.object({ ok: z.boolean() }) }), 'a');
  expect(model.requests[0]?.prompt[0]).toMatchObject({
    role: 'system',
    content: expect.stringMatching(/^Judge\.\n\nAnswer with JSON .*"ok"/s) as unknown,
  });
});

test('a form that was found missing is still known after a resume', async () => {
  const model = scripted((request) =>
    JSON.stringify(request.prompt).includes('JSON Schema') ? { object: { ok: true } } : { text: 'sure' },
  );
  const warned = {
    ...model,
    doGenerate: async (request: Parameters<typeof model.doGenerate>[0]) => ({
      ...(await model.doGenerate(request)),
      warnings: [{ type: 'unsupported' as const, feature: 'responseFormat' }],
    }),
  };
  const judge = agent({
    name: 'judge',
    instructions: 'Judge.',
    model: warned,
    output: z.object({ ok: z.boolean() }),
    repairs: 1,
    attempts: 1,
  });
  const trial = new Trial();
  const stop = new AbortController();
  await trial.fails(judge, 'a', { signal: stop.signal, onEvent: ({ kind }) => kind === 'attempt.repaired' && stop.abort() });
  expect((await trial.run(judge, 'a')).output).toEqual({ ok: true });
  expect(model.requests).toHaveLength(2);
});

test.each([
  ['withheld', (): LanguageModelV4 => said('content-filter', 'refusal')],
  ['cut off by a budget', (): LanguageModelV4 => said('length', 'length')],
])('an answer that was %s is asked for once more by a resume, also where nothing is repaired', async (_, model) => {
  const trial = new Trial();
  const options = { name: 'say', instructions: 'x', repairs: 0, attempts: 1 } as const;
  await trial.fails(agent({ ...options, model: model() }), 'x', { budget: { tokens: 300 } });
  const { output } = await trial.run(agent({ ...options, model: scripted([{ text: 'all right' }]) }), 'x', { budget: { tokens: 90_000 } });
  expect(output).toBe('all right');
});

test('what was withheld calls no tools', async () => {
  let acted = 0;
  const act = tool({ description: 'Act', effect: 'immediate', input: z.object({}), execute: () => (acted += 1) });
  const model = scripted([{ tools: [['act', {}]], finish: 'content-filter' }]);
  const error = await new Trial().fails(agent({ name: 'say', instructions: 'x', model, tools: { act } }), 'x');
  expect([error.code, acted]).toEqual(['MODEL_FILTERED', 0]);
});

test('a request that its call took back before it left counts as none, now and after a resume', async () => {
  const say = agent({ name: 'say', instructions: 'x', model: scripted(() => ({ text: 'x' })) });
  const stop = new AbortController();
  const twice = flow({
    name: 'twice',
    run: async (_, ctx) => {
      await ctx.call(say, '1', { signal: stop.signal }).catch(() => {});
      await ctx.call(say, '2');
      return await ctx.call(say, '3');
    },
  });
  const trial = new Trial({ budget: { calls: 2 } });
  const { bill } = await trial.run(twice, 'x', { onEvent: ({ kind }) => kind === 'model.requested' && stop.abort() });
  expect(bill).toMatchObject({ calls: 2, cancelled: 0, failed: 0 });
  expect(await trial.events('model.failed')).toMatchObject([{ unsent: true }]);
  expect((await trial.run(twice, 'x')).bill.calls).toBe(2);
});

test('cut-off arguments of a tool that takes text are not passed on as text', async () => {
  const asked: unknown[] = [];
  const bank = step({ name: 'bank', execute: (text: string) => `${asked.push(text)} asked` });
  const model = scripted([
    { content: [{ type: 'tool-call', toolCallId: '1', toolName: 'bank', input: '{"input":"Transfer 1' }], finish: 'length' },
    { text: 'given up' },
  ]);
  await new Trial().run(agent({ name: 'say', instructions: 'x', model, tools: { bank } }), 'x');
  expect(asked).toEqual([]);
});
