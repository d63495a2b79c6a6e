// A real run as a test: what journalToScript takes from a journal, and what testScript says when the program asks otherwise.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, wrapLanguageModel } from 'ai';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, flow, gate, map, memoryJournal, messages, pipe, run, step, tool } from '../../src/index.ts';
import { journalToScript, lastMessage, type Script, scripted, startModelServer, testScript } from '../../src/testing.ts';

let acts = 0;
const pay = tool({
  effect: 'immediate',
  undo: () => {},
  description: 'Pay',
  input: z.object({ to: z.string() }),
  execute: ({ to }) => `paid ${to} as number ${(acts += 1)}`,
});
const book = step({ name: 'book', effect: 'immediate', undo: () => {}, execute: (what) => `booked ${what} as number ${(acts += 1)}` });
const review = (instructions: string): Agent<string, string, 'review'> =>
  agent({ name: 'review', instructions, tools: { pay }, checks: [(text) => (text.includes('bad') ? 'bad is no answer' : undefined)] });

/** Draws, races, fans out, acts, and is refused once. */
const team = (instructions = 'Review it.'): Agent<string, unknown> =>
  flow({
    name: 'team',
    run: async (input: string, ctx) => {
      const at = await ctx.now();
      const dice = await ctx.random();
      const first = await ctx.race([
        (c) => c.call(review(instructions), `slow ${input}`),
        (c) => c.call(review(instructions), `quick ${input}`),
      ]);
      const all = await ctx.call(map(review(instructions)), [`one at ${at}`, `two of ${dice}`]);
      return { first, all, booked: await ctx.call(book, input) };
    },
  });

/** Pays, answers badly, then well; what is asked slowly comes last. */
const model = (): ReturnType<typeof scripted> =>
  scripted(async (request) => {
    const text = lastMessage(request);
    if (JSON.stringify(request.prompt).includes('slow')) await new Promise((resolve) => setTimeout(resolve, 300));
    if (text.includes('refused')) return { text: 'well' };
    if (text.includes('paid')) return { text: `bad: ${text.slice(-12)}` };
    return { tools: [['pay', { to: text }]] };
  });

/** A run as the file beside a test has it. */
async function scriptOf(
  agentAsked: Agent<string, unknown>,
  input: string,
  options: object = {},
): Promise<{ script: Script; output: unknown; spent: number }> {
  const journal = memoryJournal();
  const result = await run(agentAsked, input, { journal, models: { '*': model() }, ...options });
  const script: unknown = JSON.parse(JSON.stringify(await journalToScript(result, { journal })));
  return { script: script as Script, output: result.output, spent: result.bill.tokensIn };
}

test('a rerun has also what the runs before it asked, of which it took the answers', async () => {
  const journal = memoryJournal();
  const letter = (word: string): Agent<string, unknown> =>
    pipe(agent({ name: 'sort', instructions: 'Sort it.', tools: { look } }), agent({ name: 'write', instructions: `Write ${word}.` }));
  const look = tool({ effect: 'none', description: 'Look', input: z.object({}), execute: () => 'seen' });
  const voice = scripted((request) =>
    JSON.stringify(request.prompt).includes('Sort it.') && !lastMessage(request).includes('seen')
      ? { tools: [['look', {}]] }
      : { text: 'well' },
  );
  const options = { journal, models: { '*': voice }, scope: 'blue' };
  await run(letter('much'), 'x', { ...options, id: 'one' });
  await run(letter('little'), 'x', { ...options, id: 'two', rerun: 'one' });
  const last = await run(letter('less'), 'x', { ...options, id: 'three', rerun: 'two' });
  const script = await journalToScript(last, { journal });
  expect(script.talks.map(({ agent: asked, turns }) => [asked, turns.length])).toEqual([
    ['write', 1],
    ['sort', 2],
  ]);
  expect((await testScript(letter('less'), script)).output).toBe('well');
});

test('a run that drew, raced, acted and was refused comes out the same, and acts no more', async () => {
  const { script, output, spent } = await scriptOf(team(), 'x');
  const before = acts;
  const again = await testScript(team(), script);
  expect(again.output).toEqual(output);
  expect(script.output).toEqual(output);
  expect(acts).toBe(before);
  expect(again.bill.tokensIn).toBeLessThanOrEqual(spent);
  expect(again.bill.calls).toBeGreaterThan(8);
});

test('a changed prompt is told with the nearest request and the first difference', async () => {
  const { script } = await scriptOf(review('Review it.'), 'x');
  const failed = testScript(review('Review it kindly.'), script);
  await expect(failed).rejects.toMatchObject({ code: 'SCRIPT_DRIFT' });
  await expect(failed).rejects.toThrow(
    `has no answer to what 'review' now asks its model: the nearest request, that of review, turn 1, differs at prompt[0].content: it was "Review it." and is now "Review it kindly."`,
  );
});

test('drift that a flow catches fails the test all the same', async () => {
  const caught = (instructions: string): Agent<string, string> =>
    flow({ name: 'caught', run: async (input: string, ctx) => await ctx.call(review(instructions), input).catch(() => 'nothing') });
  const { script } = await scriptOf(caught('Review it.'), 'x');
  await expect(testScript(caught('Review that.'), script)).rejects.toMatchObject({ code: 'SCRIPT_DRIFT' });
});

test('an act that is called otherwise ends the test before anything happens', async () => {
  const { script } = await scriptOf(pipe(step({ name: 'prepare', execute: (text) => `${text} now` }), book), 'x');
  const before = acts;
  const failed = testScript(pipe(step({ name: 'prepare', execute: (text) => `${text} later` }), book), script);
  await expect(failed).rejects.toThrow(
    `what the step 'book' is now asked: the nearest request, that of book, differs at input: it was "x now" and is now "x later"`,
  );
  expect(acts).toBe(before);
});

test('equal questions are answered as often as they were asked', async () => {
  const say = agent({ name: 'say', instructions: 'Say a number.' });
  const times = (count: number): Agent<string, readonly string[]> =>
    flow({
      name: 'times',
      run: async (_: string, ctx) => {
        const said: string[] = [];
        for (let nth = 0; nth < count; nth += 1) said.push(await ctx.call(say, 'go'));
        return said;
      },
    });
  let nth = 0;
  const { script } = await scriptOf(times(3), 'x', { models: { say: scripted(() => ({ text: String((nth += 1)) })) } });
  expect((await testScript(times(3), script)).output).toEqual(['1', '2', '3']);
  await expect(testScript(times(4), script)).rejects.toThrow('it was asked 3 times, and is asked once more');
});

test('a tool that only reads answers as it did, and really runs where it is asked something new', async () => {
  let reads = 0;
  const look = tool({
    effect: 'none',
    description: 'Look',
    input: z.object({ at: z.string() }),
    execute: ({ at }) => `${at} ${(reads += 1)}`,
  });
  const looking = agent({ name: 'looking', instructions: 'Look.', tools: { look } });
  const { script } = await scriptOf(looking, 'x', {
    models: { looking: scripted([{ tools: [['look', { at: 'a' }]] }, { text: 'seen' }]) },
  });
  expect(reads).toBe(1);
  expect((await testScript(looking, script)).toolCalls).toMatchObject([{ result: 'a 1' }]);
  expect(reads).toBe(1);
  const models = { looking: [{ tools: [['look', { at: 'b' }]] as const }, { expect: 'b 2', text: 'seen' }] };
  expect((await testScript(looking, script, { models })).output).toBe('seen');
});

test('a failure is played as it was', async () => {
  const say = agent({ name: 'say', instructions: 'Say.' });
  const some = map(say, { atLeast: 0.5 });
  const refused = Object.assign(new Error('no such model'), { statusCode: 404 });
  const models = { say: scripted((request) => (lastMessage(request) === 'a' ? { error: refused } : { text: 'b' })) };
  const journal = memoryJournal();
  const real = await run(some, ['a', 'b'], { journal, models });
  const script = await journalToScript(real, { journal });
  const again = await testScript(some, script);
  expect(again.output).toEqual(real.output);
  expect(again.missing.map(({ error }) => error.code)).toEqual(real.missing.map(({ error }) => error.code));
  expect(real.missing).toHaveLength(1);
});

test('a step whose code asked a model through gate() answers as a whole', async () => {
  const inner = scripted([{ text: 'a poem' }]);
  const write = step({
    name: 'write',
    execute: async (prompt) => (await generateText({ model: wrapLanguageModel({ model: inner, middleware: gate() }), prompt })).text,
  });
  const { script } = await scriptOf(write, 'x');
  expect((await testScript(write, script)).output).toBe('a poem');
  expect(inner.requests).toHaveLength(1);
});

test.each(['openai', 'openai.chat', 'anthropic'] as const)('a run over the wire of %s becomes a test', async (protocol) => {
  const server = await startModelServer({ seed: 7 });
  try {
    const openai = createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'any' });
    const models = {
      openai: openai('stand-in'),
      'openai.chat': openai.chat('stand-in'),
      anthropic: createAnthropic({ baseURL: server.baseUrl('anthropic'), apiKey: 'any' })('stand-in'),
    };
    const judge = agent({
      name: 'judge',
      instructions: 'Judge.',
      input: z.object({ text: z.string() }),
      output: z.object({ ok: z.boolean(), why: z.string() }),
    });
    const journal = memoryJournal();
    const real = await run(map(judge), [{ text: 'a' }, { text: 'b' }], { journal, models: { judge: models[protocol] } });
    const asked = server.stats().requests;
    const script = JSON.parse(JSON.stringify(await journalToScript(real, { journal }))) as object;
    expect((await testScript(map(judge), script)).output).toEqual(real.output);
    expect(server.stats().requests).toBe(asked);
  } finally {
    await server.close();
  }
});

test('files go with the script into another process, and are fetched by nobody', async () => {
  const sources = new URL('../../src/', import.meta.url).href;
  const program = `
    import { agent, file, memoryJournal, messages, run } from '${sources}index.ts';
    import { journalToScript, scripted } from '${sources}testing.ts';
    const look = agent({ name: 'look', instructions: 'Look.', input: messages() });
    const journal = memoryJournal();
    const image = { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,iVBORw0KGgo=' };
    const page = { type: 'file', mediaType: 'application/pdf', url: 'https://example.com/a.pdf' };
    const model = { ...scripted([{ text: 'a dot' }]), supportedUrls: { '*/*': [/^https:/] } };
    const real = await run(look, [{ role: 'user', parts: [image, page] }], { journal, models: { look: model } });
    console.log(JSON.stringify(await journalToScript(real, { journal })));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', program]);
  const look = agent({ name: 'look', instructions: 'Look.', input: messages() });
  const { output, prompts } = await testScript(look, JSON.parse(stdout) as object);
  expect(output).toBe('a dot');
  const [, told] = prompts[0]?.messages ?? [];
  expect(told?.content).toMatchObject([{ data: { type: 'data' } }, { data: { type: 'url', url: new URL('https://example.com/a.pdf') } }]);
});

test('what is no script, and a run that is not there, are refused', async () => {
  await expect(testScript(book, {})).rejects.toMatchObject({ code: 'MISCONFIGURED' });
  await expect(journalToScript('nowhere', { journal: memoryJournal() })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
  const { script } = await scriptOf(book, 'x');
  await expect(testScript(book, { ...script, version: 99 })).rejects.toThrow('a version that is not understood here');
  await expect(testScript(review('x'), script)).rejects.toThrow("The script is of the agent 'book', and it is played to 'review'.");
});
