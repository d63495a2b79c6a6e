import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, all, flow, grounded, map, mapReduce, run, sqliteJournal, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { failure, refusal, Trial } from '../support/trial.ts';

// What a program without types may write.
const given = (options: object): never => options as never;
const review = agent({ name: 'review', instructions: 'Review.' });

describe('an option that does not exist is refused, with what was meant', () => {
  test.each([
    [
      'agent',
      () => agent(given({ name: 'review', instructions: 'x', budgets: { usd: 1 } })),
      "The agent 'review' has an option 'budgets' that does not exist; did you mean 'budget'? The options are name, input, output, description, checks, budget, attempts, timeoutMs, context, model, modelVersion, instructions, tools, reuse, settings, prompt, cache, turns, repairs.",
    ],
    [
      'agent, of its settings',
      () => agent({ name: 'review', instructions: 'x', settings: given({ maxTokens: 10 }) }),
      "The agent 'review' has a setting 'maxTokens' that does not exist; did you mean 'maxOutputTokens'? The settings are temperature, maxOutputTokens, topP, topK, reasoning, stop, seed, toolChoice, headers, providerOptions.",
    ],
    // What is too far off is no guess.
    ['agent, nothing like it', () => agent(given({ name: 'review', hedge: {} })), "'hedge' that does not exist. The options are name,"],
    ['agent without a name', () => agent(given({ nam: 'x' })), "The agent has an option 'nam' that does not exist; did you mean 'name'?"],
    [
      'step',
      () => step(given({ name: 'count', execute: () => '', timeoutMS: 5 })),
      "The step 'count' has an option 'timeoutMS' that does not exist; did you mean 'timeoutMs'?",
    ],
    ['flow', () => flow(given({ name: 'all', run: async () => '', use: [] })), "did you mean 'uses'?"],
    [
      'tool',
      () => tool(given({ description: 'Read', parameters: z.object({}) })),
      "A tool has an option 'parameters' that does not exist.",
    ],
    [
      'map',
      () => map(review, given({ concurency: 2 })),
      "The map over 'review' has an option 'concurency' that does not exist; did you mean 'concurrency'?",
    ],
    [
      'mapReduce',
      () => mapReduce(given({ map: review, reducer: review })),
      "The mapReduce has an option 'reducer' that does not exist; did you mean 'reduce'?",
    ],
    ['all', () => all({ review }, given({ nme: 'x' })), "all() has an option 'nme' that does not exist; did you mean 'name'?"],
    ['grounded', () => grounded('quote', given({ as: 'path' })), "grounded() has an option 'as' that does not exist."],
    [
      'a scripted turn',
      () => scripted([{ text: 'a' }, given({ txt: 'b' })]),
      "Turn 2 of the script has a field 'txt' that does not exist; did you mean 'text'? The fields are expect,",
    ],
    [
      'scripted',
      () => scripted([], given({ model: 'x' })),
      "scripted() has an option 'model' that does not exist; did you mean 'modelId'?",
    ],
    ['sqliteJournal', () => sqliteJournal(given({ path: 'x' })), "sqliteJournal() has an option 'path' that does not exist."],
  ] as const)('%s', (_, make, words) => {
    const error = refusal(make);
    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(words);
  });

  test('run, before it begins', async () => {
    const trial = new Trial();
    expect(await failure(run(review, 'x', given({ journal: trial.journal, budgets: { usd: 1 } })))).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(
        /^run\(\) has an option 'budgets' that does not exist; did you mean 'budget'\? The options are id,/,
      ) as string,
    });
    expect(await trial.journal.rows()).toEqual([]);
  });

  test('a turn that a script makes as it goes', async () => {
    const model = scripted(() => given({ txt: 'a' }));
    expect(await new Trial({ models: { '*': model } }).fails(review, 'x')).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining("Turn 1 of the script has a field 'txt'") as string,
    });
  });
});

test('options that are undefined count as not given, whatever they are called', async () => {
  const made = agent(given({ name: 'made', instructions: 'x', budget: undefined, tools: undefined, settings: undefined, old: undefined }));
  const model = scripted([given({ text: 'ok', object: undefined, tools: undefined })]);
  expect((await new Trial().run(made, 'x', given({ models: { '*': model }, budget: undefined }))).output).toBe('ok');
});

describe('what a definition cannot do without', () => {
  const input = z.object({});
  test.each([
    ['an agent’s instructions', () => agent(given({ name: 'a' })), "The agent 'a' has no instructions. Give it text."],
    [
      'instructions that are text',
      () => agent(given({ name: 'a', instructions: ['x'] })),
      "The agent 'a' has a list as instructions. Give it text.",
    ],
    ['a step’s code', () => step(given({ name: 's' })), "The step 's' has no execute. Give it a function."],
    ['a flow’s code', () => flow(given({ name: 'f', run: 'x' })), "The flow 'f' has text as run. Give it a function."],
    [
      'a tool’s code',
      () => tool(given({ description: 'Read', input, effect: 'none' })),
      'The tool "Read" has no execute. Give it a function.',
    ],
    ['a tool’s description', () => tool(given({ input, effect: 'none', execute: () => '' })), 'A tool has no description. Give it text.'],
    ['options', () => agent(undefined as never), 'The agent takes an object and was given nothing. Write { name: … }.'],
    ['options by name', () => step('s' as never), 'The step takes an object and was given text. Write { name: … }.'],
    [
      'a check that is one',
      () => agent({ name: 'a', instructions: 'x', checks: [undefined as never] }),
      'Check 1 is nothing. Give a function or { name, judge }.',
    ],
    [
      'a kind that grounded knows',
      () => grounded('quote', given({ what: 'quotes' })),
      'grounded() cannot look for "quotes". It looks for quote, path, id, number.',
    ],
  ] as const)('%s', (_, make, message) => {
    expect(refusal(make)).toMatchObject({ code: 'MISCONFIGURED', message });
  });
});
