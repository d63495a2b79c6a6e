import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, all, flow, tool } from '../../src/index.ts';
import { scripted, type ScriptedTurn } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

const Finding = z.object({ file: z.string(), line: z.number().int() });

describe('an answer that is refused', () => {
  test('is mended in the conversation, which the model sees whole', async () => {
    const model = scripted([
      { text: 'Line three of a.ts.' },
      {
        expect: /^Your last answer was refused:\n- The answer is not JSON: .*\n\nGive the whole answer again, corrected, as JSON/s,
        object: { file: 'a.ts', line: 3.5 },
      },
      { expect: /- line: .*int/, object: { file: 'a.ts', line: 3 } },
    ]);
    const trial = new Trial();
    const { output } = await trial.run(agent({ name: 'find', model, output: Finding, instructions: 'Find it.' }), 'x');
    expect(output).toEqual({ file: 'a.ts', line: 3 });
    expect(model.requests[2]?.prompt.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'assistant', 'user']);
    const [attempt] = (await trial.tree()).root.attempts;
    expect(attempt?.turns.map(({ why, problems }) => [why, problems?.map(({ path }) => path)])).toEqual([
      ['ask', ['']],
      ['repair', ['line']],
      ['repair', undefined],
    ]);
  });

  test('by a check is told in the words of the check, with its name', async () => {
    const model = scripted([
      { text: 'short' },
      { expect: /- longer: say more\n- check 2: and louder\n\nGive the whole answer again, corrected\.$/, text: 'LONG ENOUGH' },
    ]);
    const longer = (text: string): string | undefined => (text.length < 8 ? 'say more' : undefined);
    const say = agent({
      name: 'say',
      model,
      instructions: 'Say.',
      checks: [longer, (text) => (text === text.toUpperCase() ? [] : [{ path: '', message: 'and louder' }])],
    });
    expect((await new Trial().run(say, 'x')).output).toBe('LONG ENOUGH');
  });

  test('by its contract is not shown to the checks', async () => {
    const judged: unknown[] = [];
    const model = scripted([{ object: { file: 1 } }, { object: { file: 'a', line: 1 } }]);
    await new Trial().run(
      agent({ name: 'find', model, output: Finding, instructions: 'x', checks: [(output) => void judged.push(output)] }),
      'x',
    );
    expect(judged).toEqual([{ file: 'a', line: 1 }]);
  });

  test('for good starts a fresh conversation, which knows nothing of the first', async () => {
    const model = scripted([
      { text: 'no' },
      { text: 'nope' },
      { expect: (request) => (request.prompt.length === 2 ? undefined : 'an old conversation'), object: { file: 'a', line: 1 } },
    ]);
    const trial = new Trial();
    const { bill } = await trial.run(agent({ name: 'find', model, output: Finding, instructions: 'x', repairs: 1, attempts: 2 }), 'x');
    expect(bill.calls).toBe(3);
    expect(bill.tax.rejected).toMatchObject({ requests: 2, attempts: 1 });
    expect((await trial.tree()).root.attempts.map(({ rejected }) => rejected?.why)).toEqual(['contract', undefined]);
  });
});

describe('a model that answers garbage for ever', () => {
  test.each([
    [0, 1],
    [2, 2],
    [1, 3],
  ])('gets %i repairs in each of %i attempts, and then it is over with a typed error', async (repairs, attempts) => {
    const model = scripted(() => ({ text: 'garbage' }));
    const trial = new Trial();
    const error = await trial.fails(agent({ name: 'find', model, output: Finding, instructions: 'x', repairs, attempts }), 'x');
    expect(error).toMatchObject({ code: 'CONTRACT_VIOLATION', data: { side: 'output', attempts }, where: { run: 'r', call: 'find' } });
    expect(error.message).toContain("The output of 'find' does not fit its contract: The answer is not JSON");
    expect(error.message).toContain(`${attempts} ${attempts === 1 ? 'attempt was' : 'attempts were'} made; all of it is in: amdahl show r`);
    expect(model.requests).toHaveLength(attempts * (repairs + 1));
    // Everything it said is in the tree.
    const { root } = await trial.tree();
    expect(root).toMatchObject({ status: 'failed', failure: { code: 'CONTRACT_VIOLATION' } });
    expect(root.attempts.map((attempt) => attempt.turns.map(({ said }) => said))).toEqual(
      Array.from({ length: attempts }, () => Array.from({ length: repairs + 1 }, () => 'garbage')),
    );
    expect(root.attempts.map(({ rejected }) => rejected?.why)).toEqual(Array.from({ length: attempts }, () => 'contract'));
  });

  test('that fits but never passes a check, says so with the code of checks', async () => {
    const model = scripted(() => ({ object: { file: 'a.ts', line: 99 } }));
    const find = agent({
      name: 'find',
      model,
      output: Finding,
      instructions: 'x',
      checks: [{ name: 'exists', judge: ({ line }) => [{ path: 'line', message: `there is no line ${line}` }] }],
    });
    const error = await new Trial().fails(find, 'x');
    expect(error).toMatchObject({ code: 'CHECK_FAILED', problems: [{ path: 'line', message: 'exists: there is no line 99' }] });
    expect(error.message).toContain('is refused by its checks: line: exists: there is no line 99. 2 attempts were made');
    expect(model.requests).toHaveLength(6);
  });

  test('and a check that throws ends the call at once: the model could not mend that', async () => {
    const model = scripted(() => ({ text: 'fine' }));
    const broken = agent({
      name: 'broken',
      model,
      instructions: 'x',
      checks: [
        function careless() {
          throw new Error('undefined is not a function');
        },
      ],
    });
    const error = await new Trial().fails(broken, 'x');
    expect(error.code).toBe('CODE_FAILED');
    expect(error.message).toContain("The check careless of 'broken' threw: undefined is not a function.");
    expect(model.requests).toHaveLength(1);
  });
});

describe('how a reply ended', () => {
  test.each([
    ['length', 'The answer was cut off at its maximum length. Answer more briefly.'],
    ['error', 'The provider broke the answer off (error).'],
  ] as const)('%s: what came of it is no answer, even where it would fit', async (finish, words) => {
    const model = scripted([
      { text: 'all of it', finish },
      { expect: words, text: 'better' },
    ]);
    expect((await new Trial().run(agent({ name: 'say', model, instructions: 'x' }), 'x')).output).toBe('better');
  });

  test.each(['stop', 'other'] as const)('%s: is an answer', async (finish) => {
    expect((await new Trial().run(agent({ name: 'say', model: scripted([{ text: 'yes', finish }]), instructions: 'x' }), 'x')).output).toBe(
      'yes',
    );
  });

  test('an empty text is no answer', async () => {
    const model = scripted([{ text: ' \n' }, { expect: '- The answer is empty.', text: 'yes' }]);
    expect((await new Trial().run(agent({ name: 'say', model, instructions: 'x' }), 'x')).output).toBe('yes');
  });
});

describe('the conversation', () => {
  const look = tool({ description: 'Look', effect: 'none', input: z.object({ at: z.string() }), execute: ({ at }) => `seen ${at}` });

  test('sends back what the provider wants back: reasoning and metadata, in order', async () => {
    const signed = { anthropic: { signature: 'abc' } };
    const model = scripted([
      {
        content: [
          { type: 'reasoning', text: 'hm', providerMetadata: signed },
          { type: 'text', text: 'Let me look.', providerMetadata: { openai: { itemId: 'm1' } } },
          { type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: '{"at":"x"}', providerMetadata: { google: { thought: 't' } } },
        ],
        finish: 'tool-calls',
      },
      { text: 'done' },
    ]);
    await new Trial().run(agent({ name: 'thinks', model, instructions: 'x', tools: { look } }), 'go');
    expect(model.requests[1]?.prompt.slice(2)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm', providerOptions: signed },
          { type: 'text', text: 'Let me look.', providerOptions: { openai: { itemId: 'm1' } } },
          { type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: { at: 'x' }, providerOptions: { google: { thought: 't' } } },
        ],
      },
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c1', toolName: 'look', output: { type: 'text', value: 'seen x' } }] },
    ]);
  });

  test('reasoning is no part of the answer', async () => {
    const model = scripted([{ content: [{ type: 'reasoning', text: 'I could say {"n":1}.' }], object: { n: 2 } }]);
    expect(
      (await new Trial().run(agent({ name: 'n', model, output: z.object({ n: z.number() }), instructions: 'x' }), 'x')).output,
    ).toEqual({ n: 2 });
  });

  test('a tool that the provider ran itself is not called here', async () => {
    const model = scripted([
      {
        content: [
          { type: 'tool-call', toolCallId: 's1', toolName: 'web_search', input: '{"q":"x"}', providerExecuted: true },
          { type: 'tool-result', toolCallId: 's1', toolName: 'web_search', result: { hits: 3 } },
        ],
        text: 'three hits',
      },
    ]);
    expect((await new Trial().run(agent({ name: 'searches', model, instructions: 'x' }), 'x')).output).toBe('three hits');
  });

  test('text beside tool calls is not the answer: the turn after them is', async () => {
    const model = scripted([{ text: 'I look.', tools: [['look', { at: 'x' }]] }, { text: 'I saw x.' }]);
    expect((await new Trial().run(agent({ name: 'looks', model, instructions: 'x', tools: { look } }), 'x')).output).toBe('I saw x.');
  });

  test('every request carries the id of its turn, equal for a turn sent again and different for all others', async () => {
    const model = scripted([{ tools: [['look', { at: 'x' }]] }, { text: 'done' }]);
    await new Trial().run(agent({ name: 'looks', model, instructions: 'x', tools: { look } }), 'x');
    const ids = model.requests.map(({ headers }) => headers?.['x-amdahl-turn']);
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^[\w-]{22}$/);
  });

  test('the prefix of a conversation never changes, byte for byte', async () => {
    const turns: ScriptedTurn[] = [{ tools: [['look', { at: 'x' }]] }, { text: 'no' }, { tools: [['look', { at: 'y' }]] }, { text: 'yes' }];
    const model = scripted(turns);
    await new Trial().run(
      agent({ name: 'looks', model, instructions: 'x', tools: { look }, checks: [(text) => (text === 'yes' ? undefined : 'again')] }),
      'x',
    );
    const sent = model.requests.map(({ prompt }) => JSON.stringify(prompt).slice(0, -1));
    for (const [nth, prompt] of sent.entries()) expect(prompt.startsWith(sent[nth - 1] ?? '')).toBe(true);
    expect(toolAnswers(model, 3)).toEqual(['seen y']);
  });

  test('is bounded in turns, by the agent or by the run', async () => {
    const model = scripted(() => ({ tools: [['look', { at: 'x' }]] }));
    const error = await new Trial().fails(agent({ name: 'loops', model, instructions: 'x', tools: { look }, turns: 3 }), 'x');
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', data: { limit: 'turns', bound: 3 } });
    expect(error.message).toContain("'loops' needs more model requests in one attempt than it may make");
    expect(model.requests).toHaveLength(3);
    const other = scripted(() => ({ tools: [['look', { at: 'x' }]] }));
    await new Trial({ limits: { turns: 2 } }).fails(agent({ name: 'loops', model: other, instructions: 'x', tools: { look } }), 'x');
    expect(other.requests).toHaveLength(2);
  });

  test('is bounded in tool calls of one turn', async () => {
    const model = scripted([{ tools: Array.from({ length: 4 }, () => ['look', { at: 'x' }] as const) }]);
    const error = await new Trial({ limits: { toolCalls: 3 } }).fails(
      agent({ name: 'eager', model, instructions: 'x', tools: { look } }),
      'x',
    );
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', data: { limit: 'toolCalls', bound: 3 } });
    expect(error.message).toContain("'eager' called 4 tools in one turn");
  });
});

test('a provider that fails is MODEL_FAILED with its words, and its agent gets no fresh attempt', async () => {
  const model = scripted(() => ({ error: new Error('the wires are wet') }));
  const trial = new Trial();
  const error = await trial.fails(agent({ name: 'say', model, instructions: 'x', attempts: 3 }), 'x');
  expect(error).toMatchObject({
    code: 'MODEL_FAILED',
    message: expect.stringContaining('the wires are wet') as unknown,
    cause: expect.objectContaining({ message: 'the wires are wet' }) as unknown,
  });
  expect(model.requests).toHaveLength(1);
  expect((await trial.tree()).root.attempts[0]?.turns).toMatchObject([{ status: 'failed', error: { code: 'MODEL_FAILED' } }]);
});

test('conversations that run side by side do not mix', async () => {
  const echo = scripted((request) => ({ object: { said: JSON.stringify(request.prompt.at(-1)?.content) } }));
  const one = (name: string): ReturnType<typeof agent> =>
    agent({ name, model: echo, output: z.object({ said: z.string() }), instructions: name }) as never;
  const both = flow({ name: 'both', run: async (_, ctx) => await ctx.call(all({ a: one('a'), b: one('b') }), 'hello') });
  expect((await new Trial().run(both, 'x')).output).toMatchObject({
    a: { said: expect.stringContaining('hello') as string },
    b: { said: expect.stringContaining('hello') as string },
  });
  expect(echo.requests.map(({ prompt }) => prompt[0]?.content)).toEqual(['a', 'b']);
});
