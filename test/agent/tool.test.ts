import type { JSONSchema7 } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, type ExecuteOptions, flow, map, step, tool } from '../../src/index.ts';
import { deny, scripted } from '../../src/testing.ts';
import { refusal, toolAnswers, Trial } from '../support/trial.ts';

const read = tool({
  description: 'Read a file',
  effect: 'none',
  input: z.object({ path: z.string() }),
  execute: ({ path }) => ({ path, text: `text of ${path}` }),
});

test('a model reads with a tool and answers with what it got', async () => {
  const model = scripted([{ tools: [['read', { path: 'a.ts' }]] }, { text: 'It says: text of a.ts' }]);
  const look = agent({ name: 'look', model, instructions: 'Look.', tools: { read } });
  expect((await new Trial().run(look, 'a.ts')).output).toBe('It says: text of a.ts');
  expect(toolAnswers(model, 1)).toEqual([{ path: 'a.ts', text: 'text of a.ts' }]);
  expect(model.requests[0]?.tools).toMatchObject([
    { type: 'function', name: 'read', description: 'Read a file', inputSchema: { properties: { path: { type: 'string' } } } },
  ]);
});

test('the tool calls of one turn run at once, and their results are told in the order of the calls', async () => {
  const trial = new Trial();
  const began: number[] = [];
  const wait = tool({
    description: 'Wait',
    effect: 'none',
    input: z.object({ ms: z.number() }),
    execute: async ({ ms }) => {
      began.push(trial.clock.now());
      await trial.clock.sleep(ms);
      return `waited ${ms}`;
    },
  });
  const model = scripted([{ tools: [300, 100, 200].map((ms) => ['wait', { ms }] as const) }, { text: 'done' }]);
  const start = trial.clock.now();
  await trial.run(agent({ name: 'waits', model, instructions: 'Wait.', tools: { wait } }), 'go');
  expect(began).toEqual([start, start, start]);
  expect(trial.clock.now()).toBe(start + 300);
  expect(toolAnswers(model, 1)).toEqual(['waited 300', 'waited 100', 'waited 200']);
});

test('a tool sees the contracted input of the call it serves and its contracted arguments', async () => {
  const seen: unknown[] = [];
  const peek = tool({
    description: 'Peek',
    effect: 'none',
    input: z.object({ depth: z.string().transform(Number), all: z.boolean().default(false) }),
    execute: (args, { input }: ExecuteOptions<{ root: URL }>) => {
      seen.push(args, input.root.pathname);
      return null;
    },
  });
  const model = scripted([{ tools: [['peek', { depth: '3' }]] }, { text: 'ok' }]);
  const input = z.object({ root: z.string().transform((text) => new URL(text)) });
  await new Trial().run(agent({ name: 'peeks', model, input, instructions: 'Peek.', tools: { peek } }), { root: 'file:///srv/a' });
  expect(seen).toEqual([{ depth: 3, all: false }, '/srv/a']);
});

describe('what goes wrong with a tool is told to the model, which may do better', () => {
  const fragile = tool({
    description: 'Fragile',
    effect: 'none',
    input: z.object({ how: z.enum(['throws', 'dates', 'endless', 'nothing', 'throws text']) }),
    execute: ({ how }) => {
      if (how === 'throws') throw new Error('the disk is on fire');
      if (how === 'throws text') throw 'plain words'; // oxlint-disable-line typescript/only-throw-error -- user code may
      if (how === 'dates') return { found: [{ at: new Date(0) }] };
      if (how === 'endless') return 'x'.repeat(2_000);
      return undefined;
    },
  });

  test.each([
    ['an unknown tool', ['fragil', {}], "There is no tool 'fragil'. The tools are fragile."],
    ['arguments that do not fit', ['fragile', { how: 'softly' }], /The arguments do not fit: how: .*"throws"/],
    ['arguments that are not JSON', ['fragile', '{"how": "thr'], "The arguments of 'fragile' are not JSON: cut off."],
    ['a tool that throws', ['fragile', { how: 'throws' }], 'the disk is on fire'],
    ['a tool that throws no error', ['fragile', { how: 'throws text' }], 'plain words'],
    [
      'a result that is not JSON',
      ['fragile', { how: 'dates' }],
      /The result of the tool 'fragile' is not JSON at found\[0\]\.at: found a Date; send an ISO string/,
    ],
    [
      'a result over the limit',
      ['fragile', { how: 'endless' }],
      /The result of the tool 'fragile' has 2000 bytes: the limit 'toolResultBytes' is 1000\. Ask for a smaller part\./,
    ],
  ] as const)('%s', async (_, call, words) => {
    const model = scripted([{ tools: [call] }, { text: 'I see.' }]);
    const trial = new Trial({ limits: { toolResultBytes: 1_000 } });
    const { output } = await trial.run(agent({ name: 'tries', model, instructions: 'Try.', tools: { fragile } }), 'go');
    expect(output).toBe('I see.');
    const [answer] = toolAnswers(model, 1);
    if (typeof words === 'string') expect(answer).toBe(words);
    else expect(answer).toMatch(words);
    // What was called is on record, and what the model was told, as an error.
    expect(await trial.events('tool.called')).toMatchObject([{ tool: call[0] }]);
    expect(await trial.events('tool.returned')).toMatchObject([{ error: { code: expect.any(String) } }]);
    const [, second] = await trial.events('model.requested');
    expect(second?.adds).toMatchObject([{ role: 'tool', content: [{ output: { type: 'error-text', value: answer } }] }]);
  });

  test('nothing as a result is null', async () => {
    const model = scripted([{ tools: [['fragile', { how: 'nothing' }]] }, { text: 'ok' }]);
    await new Trial().run(agent({ name: 'tries', model, instructions: 'Try.', tools: { fragile } }), 'go');
    expect(toolAnswers(model, 1)).toEqual([null]);
  });

  test('the tree shows each call of a tool, with the error of the one that failed', async () => {
    const model = scripted([
      {
        tools: [
          ['fragile', { how: 'throws' }],
          ['fragile', { how: 'nothing' }],
        ],
      },
      { text: 'ok' },
    ]);
    const trial = new Trial();
    await trial.run(agent({ name: 'tries', model, instructions: 'Try.', tools: { fragile } }), 'go');
    expect((await trial.tree()).root.attempts[0]?.turns[0]?.tools).toMatchObject([
      { tool: 'fragile', status: 'failed', args: { how: 'throws' }, error: { code: 'CODE_FAILED' } },
      { tool: 'fragile', status: 'returned' },
    ]);
  });

  test('evidence for checks is what tools gave, not what they said when they failed', async () => {
    const model = scripted([
      {
        tools: [
          ['fragile', { how: 'throws' }],
          ['fragile', { how: 'nothing' }],
        ],
      },
      { text: 'ok' },
    ]);
    const seen: unknown[] = [];
    const tries = agent({
      name: 'tries',
      model,
      instructions: 'Try.',
      tools: { fragile },
      checks: [(_, { results }) => void seen.push(...results)],
    });
    await new Trial().run(tries, 'go');
    expect(seen).toEqual([{ tool: 'fragile', args: { how: 'nothing' }, result: null }]);
  });
});

test('a tool that does not end in its time is told so, told to the model, and the call goes on', async () => {
  const trial = new Trial();
  const aborted: unknown[] = [];
  const slow = tool({
    description: 'Slow',
    effect: 'none',
    timeoutMs: 50,
    input: z.object({}),
    execute: async (_, { signal }) => {
      signal.addEventListener('abort', () => aborted.push((signal.reason as AmdahlError).code));
      await trial.clock.sleep(10_000);
      return 'late';
    },
  });
  const model = scripted([{ tools: [['slow', {}]] }, { text: 'without it' }]);
  const { output } = await trial.run(agent({ name: 'asks', model, instructions: 'Ask.', tools: { slow } }), 'go');
  expect(output).toBe('without it');
  expect(toolAnswers(model, 1)).toEqual(["The tool 'slow' did not end within 50 ms."]);
  expect(aborted).toEqual(['TIMEOUT']);
});

describe('an agent among the tools', () => {
  const Finding = z.object({ file: z.string(), line: z.number() });

  test('is asked as a call of its own, with its contract as the schema', async () => {
    const lookup = agent({
      name: 'lookup',
      description: 'Find where it is',
      input: z.object({ symbol: z.string() }),
      output: Finding,
      instructions: 'Look.',
    });
    const lead = agent({ name: 'lead', instructions: 'Lead.', tools: { find: lookup } });
    const models = {
      lead: scripted([
        {
          tools: [
            ['find', { symbol: 'x' }],
            ['find', { symbol: 'y' }],
          ],
        },
        { text: 'a.ts:1 and b.ts:2' },
      ]),
      lookup: scripted((request) => ({
        object: JSON.stringify(request.prompt).includes('\\nx\\n') ? { file: 'a.ts', line: 1 } : { file: 'b.ts', line: 2 },
      })),
    };
    const trial = new Trial({ models });
    expect((await trial.run(lead, 'where?')).output).toBe('a.ts:1 and b.ts:2');
    expect(toolAnswers(models.lead, 1)).toEqual([
      { file: 'a.ts', line: 1 },
      { file: 'b.ts', line: 2 },
    ]);
    expect(models.lead.requests[0]?.tools).toMatchObject([
      { name: 'find', description: 'Find where it is', inputSchema: { properties: { symbol: { type: 'string' } }, required: ['symbol'] } },
    ]);
    const { root } = await trial.tree();
    expect(root.children.map(({ path, status }) => [path, status])).toEqual([
      ['lead:1.1/lookup', 'succeeded'],
      ['lead:1.2/lookup', 'succeeded'],
    ]);
  });

  test('may be asked the same thing twice in one turn: each call is an asker of its own', async () => {
    const lookup = agent({ name: 'lookup', instructions: 'Look.' });
    const models = {
      lead: scripted([
        {
          tools: [
            ['lookup', { input: 'x' }],
            ['lookup', { input: 'x' }],
          ],
        },
        { text: 'ok' },
      ]),
      lookup: scripted([{ text: 'one' }, { text: 'two' }]),
    };
    await new Trial({ models }).run(agent({ name: 'lead', instructions: 'Lead.', tools: { lookup } }), 'go');
    expect(toolAnswers(models.lead, 1)).toEqual(['one', 'two']);
  });

  test('with plain text input takes it in an object, or as the model writes it', async () => {
    const lookup = agent({ name: 'lookup', instructions: 'Look.' });
    const models = {
      lead: scripted([
        {
          tools: [
            ['lookup', { input: 'x' }],
            ['lookup', '"y"'],
          ],
        },
        { text: 'ok' },
      ]),
      lookup: scripted((request) => ({ text: `got ${JSON.stringify(request.prompt.at(-1)?.content)}` })),
    };
    await new Trial({ models }).run(agent({ name: 'lead', instructions: 'Lead.', tools: { lookup } }), 'go');
    expect(toolAnswers(models.lead, 1)).toEqual(['got [{"type":"text","text":"x"}]', 'got [{"type":"text","text":"y"}]']);
    expect(models.lead.requests[0]?.tools).toMatchObject([
      { inputSchema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] } },
    ]);
  });

  test('that fails is told to the model that asked it', async () => {
    const lookup = agent({ name: 'lookup', instructions: 'Look.' });
    const models = { lead: scripted([{ tools: [['lookup', { input: 'x' }]] }, { text: 'I could not look.' }]), lookup: deny };
    const trial = new Trial({ models });
    expect((await trial.run(agent({ name: 'lead', instructions: 'Lead.', tools: { lookup } }), 'go')).output).toBe('I could not look.');
    expect(toolAnswers(models.lead, 1)).toEqual([expect.stringContaining("does not let 'lookup' ask a model")]);
  });

  test('may be a step or a flow', async () => {
    const shout = step({ name: 'shout', input: z.object({ text: z.string() }), execute: ({ text }) => text.toUpperCase() });
    const twice = flow({
      name: 'twice',
      input: z.object({ text: z.string() }),
      run: async ({ text }, ctx) => `${await ctx.call(shout, { text })}${await ctx.call(shout, { text })}`,
    });
    const model = scripted([
      {
        tools: [
          ['shout', { text: 'a' }],
          ['twice', { text: 'b' }],
        ],
      },
      { text: 'ok' },
    ]);
    await new Trial().run(agent({ name: 'lead', model, instructions: 'Lead.', tools: { shout, twice } }), 'go');
    expect(toolAnswers(model, 1)).toEqual(['A', 'BB']);
  });

  test('without an input that a model could be told of is refused by name', () => {
    const lookup = agent({ name: 'lookup', instructions: 'Look.' });
    const error = refusal(() => agent({ name: 'lead', instructions: 'Lead.', tools: { everyone: map(lookup) } }));
    expect(error.code).toBe('NO_JSON_SCHEMA');
    expect(error.message).toContain("The tool 'everyone' of 'lead'");
    expect(error.message).toContain('flow({ input:');
  });
});

describe('arguments that are no object', () => {
  const root = (schema: unknown): unknown => (schema as JSONSchema7).type;

  test('are asked for inside one, because providers want objects, and come out of it', async () => {
    const got: unknown[] = [];
    const many = tool({ description: 'Many', effect: 'none', input: z.array(z.string()), execute: (paths) => void got.push(paths) });
    const model = scripted([
      {
        tools: [
          ['many', { value: ['a', 'b'] }],
          ['many', ['c']],
        ],
      },
      { text: 'ok' },
    ]);
    await new Trial().run(agent({ name: 'reads', model, instructions: 'x', tools: { many } }), 'go');
    expect(model.requests[0]?.tools?.map((one) => one.type === 'function' && root(one.inputSchema))).toEqual(['object']);
    expect(got).toEqual([['a', 'b'], ['c']]);
  });

  test('of an agent too', async () => {
    const sum = step({ name: 'sum', input: z.array(z.number()), output: z.number(), execute: (all) => all.reduce((a, b) => a + b, 0) });
    const model = scripted([{ tools: [['sum', { value: [1, 2, 3] }]] }, { text: '6' }]);
    await new Trial().run(agent({ name: 'adds', model, instructions: 'x', tools: { sum } }), 'go');
    expect(model.requests[0]?.tools?.map((one) => one.type === 'function' && root(one.inputSchema))).toEqual(['object']);
    expect(toolAnswers(model, 1)).toEqual([6]);
  });
});

test('a tool that is called where there are none is answered with that', async () => {
  const model = scripted([{ tools: [['read', {}]] }, { text: 'ok' }]);
  await new Trial().run(agent({ name: 'bare', model, instructions: 'x' }), 'go');
  expect(toolAnswers(model, 1)).toEqual(["There is no tool 'read'. There are no tools."]);
});

describe('a tool that cannot work is refused where it is made', () => {
  const make = (options: object) => () =>
    tool({ description: 'Delete a file', effect: 'none', input: z.object({}), execute: () => null, ...options } as never);
  test.each([
    [
      'no effect',
      { effect: undefined },
      'EFFECT_REFUSED',
      'The tool "Delete a file" does not say what it does to the world. Say effect: \'none\'',
    ],
    ['an effect that does not exist', { effect: 'some' }, 'EFFECT_REFUSED', "'immediate' when it acts at once"],
    ['no schema', { input: undefined }, 'MISCONFIGURED', 'The tool "Delete a file" has no input schema'],
    [
      'a schema without JSON form',
      { input: z.object({ at: z.date() }) },
      'NO_JSON_SCHEMA',
      'The input of the tool "Delete a file" has no JSON Schema',
    ],
  ] as const)('%s', (_, options, code, words) => {
    const error = refusal(make(options));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test.each([
    ['a name that providers refuse', { 'read file': read }, 'a tool named "read file". Providers take letters'],
    ['a thing that is no tool', { read: { execute: () => 1 } }, "'look' has a tool 'read' that is none"],
    ['nothing', { read: undefined }, "'look' has a tool 'read' that is none"],
    ['a function', { read: () => 1 }, "'look' has a tool 'read' that is none"],
  ] as const)('%s among the tools of an agent', (_, tools, words) => {
    const error = refusal(() => agent({ name: 'look', instructions: 'x', tools: tools as never }));
    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(words);
  });
});
