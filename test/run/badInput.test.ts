import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, type Agent, all, flow, map, mapReduce, memoryJournal, pipe, run, type RunOptions, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { failure, refusal, Trial } from '../support/trial.ts';

const echo = step({ name: 'echo', execute: (text) => text });

describe('an input that does not fit its contract is refused before the run begins, with paths and reasons', () => {
  const wrong = {
    files: [
      { path: 'a.ts', size: 1 },
      { path: 7, size: 'big' },
    ],
  };
  const contracts = {
    zod: z.object({ files: z.array(z.object({ path: z.string(), size: z.number() })) }),
    arktype: type({ files: type({ path: 'string', size: 'number' }).array() }),
    valibot: toStandardJsonSchema(v.object({ files: v.array(v.object({ path: v.string(), size: v.number() })) })),
  };

  test.each(Object.entries(contracts))('%s', async (_, input) => {
    const model = scripted([]);
    const trial = new Trial();
    const error = await trial.fails(agent({ name: 'review', model, input, instructions: 'x' }) as Agent<unknown, string>, wrong);
    expect(error.code).toBe('CONTRACT_VIOLATION');
    expect(error.message).toMatch(/^The input of 'review' does not fit its contract: .*files\[1\]\.path.*files\[1\]\.size/);
    expect(error.problems.map(({ path }) => path)).toEqual(['files[1].path', 'files[1].size']);
    expect(error.data).toEqual({ side: 'input' });
    expect(model.requests).toEqual([]);
    expect(await trial.events()).toEqual([]);
  });

  test('text', async () => {
    const error = await new Trial().fails(echo as Agent<unknown, string>, { diff: 'x' });
    expect(error.message).toBe("The input of 'echo' does not fit its contract: expected text, got an object.");
  });

  test('a map without a list', async () => {
    const error = await new Trial().fails(map(echo) as Agent<unknown, unknown>, 'a');
    expect(error).toMatchObject({
      code: 'CONTRACT_VIOLATION',
      message: "The input of 'map(echo)' does not fit its contract: expected a list of items.",
    });
  });

  test('a pipe, by the contract of its first agent', async () => {
    const first = step({ name: 'first', input: z.object({ n: z.number() }), execute: ({ n }) => `${n}` });
    const error = await new Trial().fails(pipe(first, echo) as Agent<unknown, string>, { n: 'x' });
    expect(error.problems).toMatchObject([{ path: 'n' }]);
  });

  test('an input in the middle of a run fails its call, which names itself', async () => {
    const strict = step({ name: 'strict', input: z.string().max(3), execute: (text) => text });
    const error = await new Trial().fails(map(strict, { atLeast: 0.6 }), ['ok', 'much too long', 'and this one']);
    expect(error.code).toBe('TOO_MANY_MISSING');
    expect(error.message).toContain("The input of 'map(strict)[1]/strict' does not fit its contract");
  });
});

describe('a value that is not JSON does not cross a handoff, and the message says what to send instead', () => {
  const circular: Record<string, unknown> = { name: 'a' };
  circular['self'] = circular;
  test.each([
    ['a date', { at: new Date(0) }, 'at at: found a Date; send an ISO string: date.toISOString()'],
    ['a Map deep inside', { a: [{ b: new Map() }] }, 'at a[0].b: found a Map; send Object.fromEntries(map)'],
    ['NaN', { n: Number.NaN }, 'at n: found NaN; send null or a string'],
    ['a bigint', { n: 10n }, 'found the bigint 10n; send a string'],
    ['undefined in a list', ['a', undefined], 'at [1]: found undefined; send null, or leave it out'],
    ['a function', { then: () => 1 }, 'found the function then; send data only'],
    [
      'a class instance',
      {
        url: new (class Page {
          title = 'x';
        })(),
      },
      'found an instance of Page; send a plain object',
    ],
    ['a promise', Promise.resolve(1), 'found a Promise; await it first'],
    ['half a character', 'a\ud800', 'found half a character (a lone surrogate)'],
    ['a cycle', circular, 'at self: found a cycle (the value contains itself)'],
    ['nothing', undefined, 'found undefined'],
  ])('%s', async (_, input, words) => {
    const error = await new Trial().fails(echo as Agent<unknown, string>, input);
    expect(error.code).toBe('NOT_JSON');
    expect(error.message).toContain("The input of 'echo' is not JSON");
    expect(error.message).toContain(words);
  });

  test('what a transform made is not JSON for the next agent, which is named', async () => {
    const dated = step({ name: 'dated', output: z.string().transform((text) => new Date(text)), execute: () => '2020-01-01' });
    const takes = step({ name: 'takes', input: z.any(), execute: () => '' });
    const error = await new Trial().fails(pipe(dated, takes), 'x');
    expect(error.message).toBe("The input of 'takes' is not JSON: found a Date; send an ISO string: date.toISOString().");
  });

  test('a property that is undefined is left out', async () => {
    const keys = step({ name: 'keys', input: z.record(z.string(), z.any()), execute: (input) => Object.keys(input).join() });
    expect((await new Trial().run(keys, { a: 1, b: undefined })).output).toBe('a');
  });
});

describe('options that cannot be meant are refused before the run begins', () => {
  test.each([
    ['a limit that does not exist', { limits: { deph: 3 } }, "There is no limit 'deph'. The limits are depth, fanOut, turns"],
    ['a limit of nothing', { limits: { turns: 0 } }, "The limit 'turns' is 0. Give a whole number above 0."],
    ['a limit that is no number', { limits: { turns: '9' } }, "The limit 'turns' is 9"],
    ['a budget with a cap that does not exist', { budget: { cost: 1 } }, "The budget of 'the run' has a cap 'cost' that does not exist"],
    ['a negative budget', { budget: { usd: -1 } }, 'caps usd at -1. Give a finite number, 0 or more'],
    ['an id with a space', { id: 'my run' }, '"my run" is not'],
    ['an empty id', { id: '' }, "A run's id is 1 to 200 visible ASCII characters"],
    ['an id with a line break', { id: 'a\nb' }, '"a\\nb" is not'],
    ['an id that is too long', { id: 'x'.repeat(201) }, '1 to 200'],
  ])('%s', async (_, options, words) => {
    const trial = new Trial();
    const error = await trial.fails(echo, 'x', options as RunOptions);
    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(words);
    expect(await trial.events()).toEqual([]);
  });

  test.each([
    ['a function', () => 'x'],
    ['nothing', undefined],
    ['the options of an agent', { name: 'a', instructions: 'x' }],
    ['a model', scripted([])],
  ])('running what is no agent: %s', async (_, thing) => {
    const error = await new Trial().fails(thing as never, 'x');
    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('run takes an agent first: run(agent, input)') as string,
    });
  });

  test('asking what is no agent, in a flow, a map or a pipe', async () => {
    const asks = flow({ name: 'asks', run: async (_, ctx) => await ctx.call({ name: 'fake' } as never, 'x') });
    expect(await new Trial().fails(asks, 'x')).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining("'asks' was given an object where an agent belongs") as string,
    });
    for (const make of [
      () => map(undefined as never),
      () => pipe(echo, undefined as never),
      () => all({ a: undefined as never }),
      () => mapReduce({ map: undefined as never, reduce: echo as never }),
    ]) {
      expect(refusal(make)).toMatchObject({
        code: 'MISCONFIGURED',
        message: expect.stringContaining('() was given nothing where an agent belongs') as string,
      });
    }
  });
});

describe('models', () => {
  const say = agent({ name: 'say', instructions: 'x' });
  test.each([
    [
      'none',
      {},
      'MODEL_MISSING',
      "The agent 'say' has no model. Give it one (agent({ model })), give the run one (models: { 'say': model }, or --model), or set AMDAHL_MODEL",
    ],
    [
      'one of another version',
      { say: { ...scripted([]), specificationVersion: 'v1' } },
      'MISCONFIGURED',
      "The model of 'say' speaks v1; AI SDK language models of the versions v2, v3 and v4 are understood (AI SDK 5, 6 and 7).",
    ],
    ['something else', { '*': { id: 'gpt' } }, 'MISCONFIGURED', "The model of 'say' is an object, not a language model."],
    ['a provider instead of its model', { say: () => scripted([]) }, 'MISCONFIGURED', "The model of 'say' is a function"],
  ])('%s', async (_, models, code, words) => {
    const error = await new Trial().fails(say, 'x', { models: models as never });
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(error.where).toMatchObject({ call: 'say' });
  });
});

describe('runaways meet a named limit', () => {
  test('agents that ask each other without end', async () => {
    const ping: Agent<string, unknown> = flow({ name: 'ping', run: async (text, ctx) => await ctx.call(pong, text) });
    const pong: Agent<string, unknown> = flow({ name: 'pong', run: async (text, ctx) => await ctx.call(ping, text) });
    const trial = new Trial({ limits: { depth: 6 } });
    const error = await trial.fails(ping, 'x');
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', data: { limit: 'depth', bound: 6 } });
    expect(error.message).toContain(
      "'ping/pong/ping/pong/ping/pong/ping' is asked 7 calls deep: the limit 'depth' is 6. Look for agents that ask each other without end",
    );
    expect(await trial.events('guard.tripped')).toMatchObject([{ guard: 'depth', evidence: 7 }]);
  });

  test('a map over too many items', async () => {
    const trial = new Trial({ limits: { fanOut: 3 } });
    const error = await trial.fails(map(echo), ['a', 'b', 'c', 'd']);
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', data: { limit: 'fanOut', bound: 3 } });
    expect(error.message).toContain("'map(echo)' is asked to fan out to 4 items");
    expect(await trial.events('guard.tripped')).toMatchObject([{ guard: 'fanOut', evidence: 4 }]);
    expect((await trial.events('call.started')).length).toBe(1);
  });

  test('a flow that asks in a loop', async () => {
    const loops = flow({
      name: 'loops',
      run: async (_, ctx) => {
        for (;;) await ctx.call(echo, 'x');
      },
    });
    const error = await new Trial({ limits: { fanOut: 20 } }).fails(loops, 'x');
    expect(error).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      data: { limit: 'fanOut' },
      message: expect.stringContaining("'loops' asks more than its limit") as string,
    });
  });

  test('too many branches of a flow', async () => {
    const wide = flow({
      name: 'wide',
      run: async (_, ctx) => await ctx.all(Array.from({ length: 5 }, () => async () => Promise.resolve(1))),
    });
    const error = await new Trial({ limits: { fanOut: 4 } }).fails(wide, 'x');
    expect(error.message).toContain("'wide' fans out to 5 branches: the limit 'fanOut' is 4");
  });

  test('an input that is too large', async () => {
    const error = await new Trial({ limits: { payloadBytes: 50 } }).fails(echo, 'x'.repeat(60));
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', data: { limit: 'payloadBytes' } });
    expect(error.message).toContain("The input of 'echo' has 62 bytes");
  });

  test('an answer that is too large, as text and as JSON', async () => {
    const long = 'x'.repeat(200);
    for (const [output, turn] of [
      [undefined, { text: long }],
      [z.object({ text: z.string() }), { object: { text: long } }],
    ] as const) {
      const say = agent({ name: 'say', model: scripted([turn]), ...(output === undefined ? {} : { output }), instructions: 'x' });
      const error = await new Trial({ limits: { payloadBytes: 100 } }).fails(say, 'x');
      expect(error).toMatchObject({
        code: 'LIMIT_EXCEEDED',
        data: { limit: 'payloadBytes' },
        message: expect.stringContaining("The output of 'say' has") as string,
      });
    }
  });
});

test('what a flow gives without a contract must be JSON in the end, and the message says so', async () => {
  const error = await new Trial().fails(flow({ name: 'huge', run: async () => Promise.resolve(10n) }), 'x');
  expect(error).toMatchObject({
    code: 'NOT_JSON',
    message: expect.stringContaining("The output of 'huge' is not JSON: found the bigint 10n") as string,
  });
});

test.each([
  [{ models: 'openai/gpt-5' }, /text as models.*\{ '\*': 'openai\/gpt-5' \}/],
  [{ models: null }, /null as models/],
  [{ settings: { temperature: 0 } }, /a number as 'temperature'.*\{ '\*': \{ temperature: … \} \}/],
  [{ journal: '.amdahl' }, /text as journal.*sqliteJournal\(/],
  [{ signal: new AbortController() }, /an object as signal.*AbortController's signal/],
])('what a run is given in place of something else is refused before it begins: %j', async (options, message) => {
  const error = await failure(run(echo, 'x', { journal: memoryJournal(), ...options } as unknown as RunOptions)); // as in JavaScript
  expect(error).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringMatching(message) as string });
});
