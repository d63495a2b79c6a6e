import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  type Agent,
  agent,
  all,
  AmdahlError,
  flow,
  type FlowContext,
  grounded,
  map,
  pipe,
  type RunOptions,
  step,
  tool,
} from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { scripted, type ScriptedModel } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

/** Says another thing each time it is asked, so that an answer tells when it was bought. */
const counting = (): ScriptedModel => scripted((_, nth) => ({ text: `answer ${nth}` }));
const oracle = (model: ScriptedModel, name = 'oracle'): ReturnType<typeof agent<'oracle'>> =>
  agent({ name: name as 'oracle', model, instructions: 'Answer.' });

test('two tenants, the same input, reuse on: two purchases; the same tenant again: none', async () => {
  const trial = new Trial({ reuse: 'journal' });
  const model = counting();
  const ask = async (id: string, scope: string): Promise<unknown> => (await trial.run(oracle(model), 'q', { id, scope })).output;
  expect(await ask('a', 'tenant-1')).toBe('answer 0');
  expect(await ask('b', 'tenant-2')).toBe('answer 1');
  expect(await ask('c', 'tenant-1')).toBe('answer 0');
  expect(await ask('d', 'tenant-2')).toBe('answer 1');
  expect(model.requests).toHaveLength(2);
});

test('the journal and the bill say where an answer came from and what it saved', async () => {
  const trial = new Trial({ reuse: 'journal', scope: 's', prices: { 'scripted/*': { in: 1, out: 1 } } });
  const model = counting();
  const first = await trial.run(oracle(model), 'q', { id: 'a' });
  const { bill } = await trial.run(oracle(model), 'q');
  expect([bill.calls, bill.usdMicros]).toEqual([0, 0]);
  const { usdMicros } = first.bill;
  expect(bill.reused).toEqual({ answers: 1, requests: 1, tokens: first.bill.tokensIn + first.bill.tokensOut, usdMicros });
  expect(usdMicros).toBeGreaterThan(0);
  const [outcome] = await trial.events('call.succeeded');
  expect(outcome).toMatchObject({ output: 'answer 0', from: { run: 'a', requests: 1 } });
  expect(outcome).not.toHaveProperty('reuse');
  expect((await trial.tree()).root.from).toMatchObject({ run: 'a' });
});

test('an answer that is too old is bought again, and its age counts from when it was bought', async () => {
  const trial = new Trial({ reuse: { from: 'journal', maxAgeMs: 1_000 }, scope: 's' });
  const model = counting();
  const ask = async (id: string): Promise<unknown> => (await trial.run(oracle(model), 'q', { id })).output;
  const wait = async (ms: number): Promise<void> => await trial.clock.drive(trial.clock.sleep(ms));
  await ask('a');
  await wait(900);
  expect(await ask('b')).toBe('answer 0');
  await wait(900);
  expect(await ask('c')).toBe('answer 1');
  await wait(900);
  expect(await ask('d')).toBe('answer 1');
});

test('another name, fingerprint or input is another question', async () => {
  const trial = new Trial({ reuse: 'journal', scope: 's' });
  const model = counting();
  await trial.run(oracle(model), 'q', { id: 'a' });
  await trial.run(oracle(model, 'other'), 'q', { id: 'b' });
  await trial.run(oracle(model), 'r', { id: 'c' });
  await trial.run(agent({ name: 'oracle', model, instructions: 'Answer well.' }), 'q', { id: 'd' });
  await trial.run(agent({ name: 'oracle', model, instructions: 'Answer.', settings: { temperature: 1 } }), 'q', { id: 'e' });
  expect(model.requests).toHaveLength(5);
});

test('what equal questions of one asker get is not used twice: who asks again wants another answer', async () => {
  const trial = new Trial({ reuse: 'journal', scope: 's' });
  const model = counting();
  const twice = flow({
    name: 'twice',
    run: async (_, ctx) => [
      await ctx.call(oracle(model), 'q'),
      await ctx.call(oracle(model), 'q'),
      await ctx.call(oracle(model), 'q', { key: 'k' }),
    ],
  });
  expect((await trial.run(twice, '', { id: 'a' })).output).toEqual(['answer 0', 'answer 1', 'answer 2']);
  expect((await trial.run(twice, '', { id: 'b' })).output).toEqual(['answer 0', 'answer 3', 'answer 4']);
});

test('an answer must pass the checks of today, with the evidence of the call that bought it', async () => {
  const trial = new Trial({ scope: 's' });
  const read = tool({ description: 'Read.', effect: 'none', input: z.object({}), execute: () => 'the quick fox' });
  const model = scripted((_, nth) => (nth % 2 === 0 ? { tools: [['read', {}]] } : { object: { quote: 'quick' } }));
  const output = z.object({ quote: z.string() });
  const made = (more: object = {}): ReturnType<typeof agent<'reader', undefined, typeof output>> =>
    agent({
      name: 'reader',
      model,
      instructions: 'Read.',
      output,
      tools: { read },
      reuse: 'journal',
      checks: [grounded('quote')],
      ...more,
    });
  await trial.run(made(), 'q', { id: 'a' });
  await trial.run(made(), 'q', { id: 'b' });
  expect(model.requests).toHaveLength(2);
  await trial.run(made(), 'q', { id: 'b' });
  expect(model.requests).toHaveLength(2);
  await trial.fails(made({ checks: [() => 'never'], repairs: 0, attempts: 1 }), 'q', { id: 'c' });
  expect(model.requests).toHaveLength(4);
});

test('an answer that its own run has forgotten since is not used', async () => {
  const trial = new Trial({ reuse: 'journal', scope: 's' });
  const model = counting();
  await trial.run(oracle(model), 'q', { id: 'a' });
  await trial.run(oracle(model), 'q', { id: 'a', retry: ['oracle'] });
  expect((await trial.run(oracle(model), 'q', { id: 'b' })).output).toBe('answer 1');
  expect(model.requests).toHaveLength(2);
});

test('a run speaks for agents that depend on nothing but what they are asked; others speak for themselves', async () => {
  const trial = new Trial({ reuse: 'journal', scope: 's' });
  let ran = 0;
  const reads = tool({ description: 'Read.', effect: 'none', input: z.object({}), execute: () => 'x' });
  const model = counting();
  const reader = agent({ name: 'reader', model, instructions: 'x', tools: { reads } });
  const saying = agent({ name: 'saying', model, instructions: 'x', tools: { reads }, reuse: 'journal' });
  const silent = agent({ name: 'silent', model, instructions: 'x', reuse: 'off' });
  const code = step({ name: 'code', version: '1', execute: () => `${(ran += 1)}` });
  const known = step({ name: 'known', version: '1', reuse: 'journal', execute: () => `${(ran += 1)}` });
  const team = all({ reader, saying, silent, code, known });
  const first = await trial.run(team, 'q', { id: 'a' });
  const { output, bill } = await trial.run(team, 'q', { id: 'b' });
  expect(model.requests).toHaveLength(5);
  expect([output.saying, output.known]).toEqual([first.output.saying, first.output.known]);
  expect([output.code, ran]).toEqual(['3', 3]);
  expect(bill.reused?.answers).toBe(2);
});

test('an agent with context answers only for the same subject, and without one for nobody', async () => {
  const trial = new Trial({ scope: 's' });
  const model = counting();
  const whose = agent({ name: 'whose', model, instructions: 'x', context: z.object({ user: z.string() }), reuse: 'journal' });
  const ask = async (id: string, user: string, subject?: string): Promise<unknown> =>
    (
      await trial.run(whose as never, 'q', {
        id,
        context: { user },
        ...(subject === undefined ? {} : { subject }),
      })
    ).output;
  expect(await ask('a', 'ann', 'ann')).toBe('answer 0');
  expect(await ask('b', 'bob', 'bob')).toBe('answer 1');
  expect(await ask('c', 'ann', 'ann')).toBe('answer 0');
  expect(await ask('d', 'ann')).toBe('answer 2');
  expect(await ask('e', 'ann')).toBe('answer 3');
});

test('an answer for which another model stood in, or a tool failed, is for nobody else', async () => {
  const trial = new Trial({ reuse: 'journal', scope: 's' });
  const down = scripted(() => ({ error: new AmdahlError('MODEL_UNAUTHORIZED', 'no') }), { modelId: 'first' });
  const second = counting();
  const fallen = agent({ name: 'fallen', model: [down, second], instructions: 'x' });
  await trial.run(fallen, 'q', { id: 'a' });
  await trial.run(fallen, 'q', { id: 'b' });
  expect(second.requests).toHaveLength(2);
  let broken = true;
  const shaky = tool({
    description: 'Read.',
    effect: 'none',
    input: z.object({}),
    execute: () => {
      if (broken) throw new Error('not now');
      return 'x';
    },
  });
  const model = scripted((_, nth) => (nth % 2 === 0 ? { tools: [['shaky', {}]] } : { text: `${nth}` }));
  const using = agent({ name: 'using', model, instructions: 'x', tools: { shaky }, reuse: 'journal' });
  await trial.run(using, 'q', { id: 'c' });
  broken = false;
  expect((await trial.run(using, 'q', { id: 'd' })).output).toBe('3');
  expect((await trial.run(using, 'q', { id: 'e' })).output).toBe('3');
});

test.each([
  [
    'a run',
    (trial: Trial) => trial.fails(oracle(counting()), 'q', { reuse: 'journal' }),
    "reuse: 'journal' of the run uses answers of other runs in the same scope, and this run has none.",
  ],
  [
    'an agent',
    (trial: Trial) =>
      trial.fails(pipe(agent({ name: 'a', model: counting(), instructions: 'x', reuse: 'journal' }), oracle(counting())), 'q'),
    "reuse: 'journal' of 'a' uses answers",
  ],
])('without a scope the reuse of %s is refused, with what to say', async (_, refused, why) => {
  const trial = new Trial();
  const error = await refused(trial);
  expect([error.code, error.message]).toEqual(['MISCONFIGURED', expect.stringContaining(why)]);
  expect(await trial.events()).toEqual([]);
});

test.each([
  [() => step({ name: 's', reuse: 'journal', execute: () => '' }), 'but its code has no version'],
  [() => step({ name: 's', version: '1', effect: 'immediate', reuse: 'journal', execute: () => '' }), 'but it may act on the world'],
  [() => agent({ name: 's', instructions: 'x', reuse: { from: 'journal', maxAgeMs: 0 } }), 'maxAgeMs: 0'],
  [() => agent({ name: 's', instructions: 'x', reuse: 'yes' as never }), 'reuse: "yes"'],
])('a reuse that could never be is refused (%#)', (make, why) => {
  expect(make).toThrow(expect.objectContaining({ code: 'MISCONFIGURED', message: expect.stringContaining(why) }));
});

test('after an edit that moves every place nothing is bought again, and the report says so', async () => {
  const trial = new Trial();
  const model = counting();
  const leaf = oracle(model);
  const before = flow({ name: 'sweep', run: async (_, ctx) => await ctx.call(map(leaf), ['a', 'b', 'c']) });
  const after = flow({
    name: 'sweep',
    run: async (_, ctx) => {
      const inner = flow({ name: 'inner', run: async (item: string, deeper) => await deeper.call(leaf, item) });
      return [...(await ctx.call(map(inner), ['c', 'a']))].concat(await ctx.call(leaf, 'b'));
    },
  });
  expect((await trial.run(before, '')).output).toEqual(['answer 0', 'answer 1', 'answer 2']);
  const { output, resume, bill } = await trial.run(after, '');
  expect(output).toEqual(['answer 2', 'answer 0', 'answer 1']);
  expect(model.requests).toHaveLength(3);
  expect(resume).toMatchObject({ answered: 0, reused: 3, fresh: 0, unasked: [] });
  expect(bill.reused).toBeUndefined();
  expect((await trial.run(after, '')).resume).toMatchObject({ answered: 3, reused: 0, unasked: [] });
});

test('an earlier answer serves one new place, and none that would share it with its own', async () => {
  const trial = new Trial();
  const model = counting();
  const leaf = oracle(model);
  const asking = (items: readonly string[], name: string): Agent<string, unknown> =>
    flow({ name: 'f', run: async (_, ctx) => (await ctx.call(map(leaf, { name }), items)).join() });
  await trial.run(asking(['x', 'x'], 'one'), '');
  expect((await trial.run(asking(['x', 'x', 'x'], 'one'), '')).output).toBe('answer 0,answer 1,answer 2');
  expect((await trial.run(asking(['x', 'x', 'x', 'x'], 'two'), '')).output).toBe('answer 0,answer 1,answer 2,answer 3');
});

test('a fresh attempt is not given what the one before was refused for', async () => {
  const trial = new Trial();
  const model = counting();
  const leaf = oracle(model);
  let accepts = 'answer 0';
  const careful = flow({
    name: 'careful',
    run: async (_, ctx) => await ctx.call(leaf, 'q'),
    checks: [(text) => (text === accepts ? undefined : 'not that one')],
    attempts: 2,
  });
  const program = flow({ name: 'program', run: async (input, ctx) => await ctx.call(careful, input) });
  accepts = 'answer 3';
  await trial.fails(program, '');
  expect(model.requests).toHaveLength(2);
  expect((await trial.run(program, '')).output).toBe('answer 3');
});

test("'off' uses no answer at another place, not even of the same run", async () => {
  const trial = new Trial();
  const model = counting();
  const before = flow({ name: 'p', run: async (_, ctx) => await ctx.call(oracle(model), 'q') });
  const after = flow({
    name: 'p',
    run: async (_, ctx) => await ctx.call(pipe(step({ name: 's', execute: (text) => text }), oracle(model)), 'q'),
  });
  await trial.run(before, '');
  expect((await trial.run(after, '', { reuse: 'off' })).output).toBe('answer 1');
});

test('a run cannot run another again that is not there, is of another scope, or whose answers it may not use', async () => {
  const trial = new Trial();
  await trial.run(oracle(counting()), 'q', { id: 'old', scope: 's' });
  const code = async (options: RunOptions): Promise<string> => (await trial.fails(oracle(counting()), 'q', options)).code;
  expect(await code({ rerun: 'none' })).toBe('RUN_UNKNOWN');
  expect(await code({ rerun: 'old', scope: 'other' })).toBe('RUN_CONFLICT');
  expect(await code({ rerun: 'old', reuse: 'off' })).toBe('MISCONFIGURED');
  expect(await trial.events()).toEqual([]);
  expect((await trial.run(oracle(counting()), 'q', { rerun: 'old' })).bill.calls).toBe(0);
  expect((await trial.journal.row('r' as RunId))?.scope).toBe('s');
  expect(await code({ rerun: 'none' })).toBe('RUN_CONFLICT');
});

test('a run goes on with what it took from another that was pruned since, also where checks asked for its evidence', async () => {
  const trial = new Trial({ scope: 's' });
  const read = tool({ description: 'Read.', effect: 'none', input: z.object({}), execute: () => 'the quick fox' });
  const model = scripted((_, nth) => (nth % 2 === 0 ? { tools: [['read', {}]] } : { object: { quote: 'quick' } }));
  const reader = agent({
    name: 'reader',
    model,
    instructions: 'Read.',
    output: z.object({ quote: z.string() }),
    tools: { read },
    reuse: 'journal',
    checks: [grounded('quote')],
  });
  await trial.run(reader, 'q', { id: 'old' });
  await trial.run(reader, 'q', { id: 'taken' });
  await trial.run(reader, 'q', { id: 'again', rerun: 'old' });
  await trial.journal.prune({ runs: ['old'] });
  await trial.run(reader, 'q', { id: 'taken' });
  await trial.run(reader, 'q', { id: 'again' });
  expect(model.requests).toHaveLength(2);
  await trial.run(reader, 'q', { id: 'new', reuse: 'journal' });
  expect(model.requests).toHaveLength(4);
});

test('a run again gives an agent with context its old answer only for a subject, and the same one', async () => {
  const trial = new Trial();
  const model = counting();
  const whose = agent({ name: 'whose', model, instructions: 'x', context: z.object({ user: z.string() }) });
  const again = async (id: string, rerun: string | undefined, user: string, subject?: string): Promise<unknown> =>
    (
      await trial.run(whose as never, 'q', {
        id,
        context: { user },
        ...(rerun === undefined ? {} : { rerun }),
        ...(subject === undefined ? {} : { subject }),
      })
    ).output;
  expect(await again('a', undefined, 'ann')).toBe('answer 0');
  expect(await again('b', 'a', 'bob')).toBe('answer 1');
  expect(await again('c', 'b', 'ann', 'ann')).toBe('answer 2');
  expect(await again('d', 'c', 'ann')).toBe('answer 2');
  expect(await again('e', 'd', 'bob', 'bob')).toBe('answer 3');
});

test('what a retry of a finished run asks for the first time is a sample of its own', async () => {
  const trial = new Trial();
  let down = true;
  const model = scripted(({ prompt }, nth) =>
    down && JSON.stringify(prompt).includes('way 0') ? { error: new Error('down') } : { text: `answer ${nth}` },
  );
  const branch =
    (nth: number) =>
    async (ctx: FlowContext): Promise<string> => {
      try {
        for (let way = nth; way <= nth * 60; way += 1) await ctx.call(oracle(model), `way ${way}`);
      } catch {
        return 'none';
      }
      return await ctx.call(oracle(model), 'sample');
    };
  const program = flow({ name: 'program', run: async (_, ctx) => await ctx.all([branch(0), branch(1)]) });
  const { output } = await trial.run(program, '');
  expect(output[0]).toBe('none');
  down = false;
  const again = await trial.run(program, '', { retry: ['program[all.0]/oracle'] });
  expect(again.output[1]).toBe(output[1]);
  expect(again.output[0]).not.toBe(output[1]);
});
