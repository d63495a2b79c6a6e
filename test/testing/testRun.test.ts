// testRun: what a test of one's own agents sees, and what it is refused.

import { wrapLanguageModel, generateText } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, type AmdahlError, flow, gate, map, messages, pipe, readOnly, step, tool, type ToolSet } from '../../src/index.ts';
import { deny, lastMessage, scripted, type TestError, testRun } from '../../src/testing.ts';

const Refund = z.object({ refund: z.boolean(), why: z.string() });
const sent: string[] = [];
const mail = tool({
  effect: 'immediate',
  description: 'Send a mail',
  input: z.object({ to: z.string() }),
  execute: ({ to }) => {
    sent.push(to);
    return 'really sent';
  },
});
const orders = tool({
  effect: 'none',
  description: 'Read orders',
  input: z.object({ of: z.string() }),
  execute: ({ of }) => [`order of ${of}`],
});
const support = agent({
  name: 'support',
  model: 'openai/gpt-5',
  instructions: 'Decide on refunds.',
  input: z.object({ letter: z.string() }),
  output: Refund,
  tools: { mail, orders },
});

test('a test shows what was asked, sent, called and answered', async () => {
  const { output, calls, prompts, toolCalls, bill } = await testRun(
    support,
    { letter: 'It broke.' },
    {
      models: {
        support: [
          { expect: 'It broke.', tools: [['orders', { of: 'ada' }], ['mail', { to: 'ada' }]] }, // prettier-ignore
          { expect: 'order of ada', object: { refund: true, why: 'it broke' } },
        ],
      },
      tools: { mail: ({ to }: { to: string }) => ({ queued: to }) },
    },
  );
  expect(output).toEqual({ refund: true, why: 'it broke' });
  expect(calls).toEqual([{ agent: 'support', path: 'support', input: { letter: 'It broke.' }, output }]);
  expect(prompts.map(({ agent: who, turn, system }) => [who, turn, system])).toEqual([
    ['support', 0, 'Decide on refunds.'],
    ['support', 1, 'Decide on refunds.'],
  ]);
  expect(prompts[0]?.text).toBe('<letter>\nIt broke.\n</letter>');
  expect(prompts[1]?.text).toContain('queued');
  expect(prompts[1]?.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
  expect(toolCalls).toEqual([
    { tool: 'orders', path: 'support', args: { of: 'ada' }, result: ['order of ada'] },
    { tool: 'mail', path: 'support', args: { to: 'ada' }, result: { queued: 'ada' } },
  ]);
  expect(bill.calls).toBe(2);
  expect(sent).toEqual([]);
});

test('an agent without a stand-in is named, with what to write', async () => {
  const failed = testRun(support, { letter: 'x' }, { models: { suport: { text: 'x' } } });
  await expect(failed).rejects.toMatchObject({ code: 'NO_STAND_IN', data: { agent: 'support' } });
  await expect(failed).rejects.toThrow(
    "There is one for 'suport': was 'support' meant? Say what it answers: testRun(agent, input, { models: { 'support': { object: {…} } } })",
  );
});

test('a tool that acts and has no stand-in is not run, and its model is not told', async () => {
  const script = scripted([{ tools: [['mail', { to: 'eve' }]] }, { object: { refund: false, why: 'no' } }]);
  const failed = testRun(support, { letter: 'x' }, { models: { support: script } });
  await expect(failed).rejects.toMatchObject({ code: 'NO_STAND_IN', data: { agent: 'support', tool: 'mail' } });
  await expect(failed).rejects.toThrow("testRun(agent, input, { tools: { 'mail': (args) => … } })");
  expect(script.requests).toHaveLength(1);
  expect(sent).toEqual([]);
});

test('a foreign tool acts until it is said to read only', async () => {
  let ran = 0;
  const foreign = { description: 'Look', inputSchema: z.object({}), execute: () => (ran += 1) };
  const turns = [{ tools: [['look', {}]] as const }, { text: 'seen' }];
  const looking = (tools: ToolSet | undefined): ReturnType<typeof ask> =>
    ask(agent({ name: 'looking', instructions: 'Look.', ...(tools === undefined ? {} : { tools }) }));
  const ask = async (one: ReturnType<typeof agent<'looking'>>): Promise<string> =>
    (await testRun(one, 'x', { models: { looking: turns } })).output;
  await expect(looking({ look: foreign })).rejects.toMatchObject({ code: 'NO_STAND_IN' });
  expect(ran).toBe(0);
  expect(await looking({ look: readOnly(foreign) })).toBe('seen');
  expect(ran).toBe(1);
});

test('a step that acts needs a stand-in, one that does not really runs', async () => {
  const count = step({ name: 'count', output: z.number(), execute: (text) => text.length });
  const book = step({ name: 'book', input: z.number(), output: z.string(), effect: 'immediate', execute: () => 'really booked' });
  const team = pipe(count, book);
  await expect(testRun(team, 'abc')).rejects.toThrow("The step 'book' acts on the world");
  const { output, calls } = await testRun(team, 'abc', { steps: { book: (rooms: unknown) => `booked ${String(rooms)}` } });
  expect(output).toBe('booked 3');
  expect(calls.find((call) => call.agent === 'count')?.output).toBe(3);
});

test('nobody passes over a missing stand-in: not a flow that catches, not a map that may lack some', async () => {
  const caught = flow({
    name: 'caught',
    run: async (input: string, ctx) => {
      try {
        return (await ctx.call(support, { letter: input })).why;
      } catch {
        return 'well';
      }
    },
  });
  await expect(testRun(caught, 'x')).rejects.toMatchObject({ code: 'NO_STAND_IN' });
  await expect(testRun(map(support, { atLeast: 0 }), [{ letter: 'x' }])).rejects.toMatchObject({ code: 'NO_STAND_IN' });
});

test('a model that code asks through gate() is not asked', async () => {
  const mock = new MockLanguageModelV4();
  const model = wrapLanguageModel({ model: mock, middleware: gate() });
  const write = step({ name: 'write', execute: async (prompt) => (await generateText({ model, prompt })).text });
  await expect(testRun(write, 'x')).rejects.toMatchObject({ code: 'NO_STAND_IN', data: { call: 'write' } });
  expect(mock.doGenerateCalls).toHaveLength(0);
});

test('one turn answers every request, a function each by what it was asked', async () => {
  const grade = agent({ name: 'grade', instructions: 'Grade.', output: z.number() });
  const same = await testRun(map(grade), ['a', 'b'], { models: { grade: { object: { value: 1 } } } });
  expect(same.output).toEqual([1, 1]);
  const each = await testRun(map(grade), ['a', 'bb'], {
    models: { '*': (request) => ({ object: { value: lastMessage(request).length } }) },
  });
  expect(each.output).toEqual([1, 2]);
});

test('turns that nobody asked for are drift, and so is a request that somebody caught', async () => {
  const say = agent({ name: 'say', instructions: 'Say.' });
  await expect(testRun(say, 'x', { models: { say: [{ text: 'a' }, { text: 'b' }] } })).rejects.toThrow(
    "models['say'] of the test: The scripted model was asked something else than its script: the script has 2 turns, but only 1 were asked for.",
  );
  const twice = flow({
    name: 'twice',
    run: async (input: string, ctx) => `${await ctx.call(say, input)} ${await ctx.call(say, input).catch(() => 'nothing')}`,
  });
  await expect(testRun(twice, 'x', { models: { say: [{ text: 'a' }] } })).rejects.toMatchObject({ code: 'SCRIPT_DRIFT' });
});

test('a run that fails brings what had happened', async () => {
  const strict = agent({
    name: 'strict',
    instructions: 'Say yes.',
    checks: [(text) => (text === 'yes' ? undefined : 'not yes')],
    attempts: 1,
    repairs: 1,
  });
  const error = await testRun(strict, 'x', { models: { strict: { text: 'no' } } }).catch((thrown: TestError) => thrown);
  expect(error).toMatchObject({
    code: 'CHECK_FAILED',
    evidence: { prompts: [{ turn: 0 }, { turn: 1 }], calls: [{ error: { code: 'CHECK_FAILED' } }] },
  });
});

test('waits take no time, and are on the record as long as they would have been', async () => {
  const say = agent({ name: 'say', instructions: 'Say.' });
  const busy = Object.assign(new Error('Service Unavailable'), { statusCode: 503, responseHeaders: { 'retry-after': '30' } });
  let asked = 0;
  const { output, events } = await testRun(say, 'x', { models: { say: () => ((asked += 1) < 3 ? { error: busy } : { text: 'hello' }) } });
  expect(output).toBe('hello');
  const waited = events.flatMap((event) => (event.kind === 'limit.waited' && event.limit === 'retry' ? [event.ms] : []));
  expect(waited.map((ms) => ms >= 30_000)).toEqual([true, true]);
});

test('the bound of a tool is on the clock of the world, since the tool really runs', async () => {
  const slow = tool({
    effect: 'none',
    description: 'Never comes back',
    input: z.object({}),
    timeoutMs: 20,
    execute: () => new Promise<string>(() => {}),
  });
  const patient = agent({ name: 'patient', instructions: 'Wait.', tools: { slow } });
  const { toolCalls } = await testRun(patient, 'x', { models: { patient: [{ tools: [['slow', {}]] }, { text: 'gave up' }] } });
  expect(toolCalls).toMatchObject([{ error: { code: 'TIMEOUT' } }]);
});

test('two runs of one test tell the same, to the byte', async () => {
  const draw = flow({ name: 'draw', run: async (_: string, ctx) => `${await ctx.now()} ${await ctx.random()}` });
  const [one, other] = [await testRun(draw, 'x'), await testRun(draw, 'x')];
  expect(one.output).toMatch(/^1767225600000 0\.\d+$/);
  expect(JSON.stringify(one.events)).toBe(JSON.stringify(other.events));
});

test('the environment gives no model', async () => {
  process.env['AMDAHL_MODEL'] = 'openai/gpt-5';
  try {
    const say = agent({ name: 'say', instructions: 'Say.' });
    await expect(testRun(say, 'x')).rejects.toMatchObject({ code: 'NO_STAND_IN' });
  } finally {
    delete process.env['AMDAHL_MODEL'];
  }
});

test('names that stand for nothing and models by name are refused before the run', async () => {
  const refused = async (options: Parameters<typeof testRun>[2]): Promise<string> =>
    await testRun(support, { letter: 'x' }, options).then(
      () => 'nothing',
      (error: AmdahlError) => `${error.code}: ${error.message}`,
    );
  expect(await refused({ tools: { mial: () => 1 } })).toBe(
    "MISCONFIGURED: testRun() has a stand-in for 'mial' in tools, and nothing below 'support' is called so. Did you mean 'mail'?",
  );
  expect(await refused({ models: { support: 'openai/gpt-5' as never } })).toContain('a test asks no model by name');
  expect(await refused({ modles: {} } as never)).toContain("'modles'");
});

test('a file is told by its address, and fetched by nobody', async () => {
  const look = agent({ name: 'look', instructions: 'Look.', input: messages() });
  const asked = (mediaType: string, url: string) => [{ role: 'user' as const, parts: [{ type: 'file', mediaType, url }] }];
  const { prompts } = await testRun(look, asked('image/png', 'https://example.com/a.png'), { models: { look: { text: 'a dot' } } });
  expect(prompts[0]?.messages[1]?.content).toMatchObject([{ data: { type: 'url' } }]);
  const failed = testRun(look, asked('image/png', 'https://example.com/a.png'), { models: { look: new MockLanguageModelV4() } });
  await expect(failed).rejects.toThrow('A test fetches nothing, and the file at https://example.com/a.png would have to be fetched.');
});

test('deny still says that nobody may ask', async () => {
  await expect(testRun(support, { letter: 'x' }, { models: { '*': deny } })).rejects.toMatchObject({ code: 'MODEL_DENIED' });
});
