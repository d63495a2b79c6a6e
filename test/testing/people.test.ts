import { expect, test } from 'vitest';
import { z } from 'zod';
import { flow, human, pipe, step } from '../../src/index.ts';
import { journalToScript, testRun, testScript } from '../../src/testing.ts';
import { Person, refusal } from '../support/answering.ts';
import { failure, Trial } from '../support/trial.ts';

const output = z.object({ verdict: z.enum(['publish', 'hold']) });
const editor = human({ name: 'editor', output, question: 'Publish?', otherwise: { verdict: 'hold' } });
const desk = pipe(step({ name: 'draft', execute: (topic) => `All about ${topic}` }), editor);

test('a person in a test answers what the test says, and what does not stand is an error there too', async () => {
  const asked: unknown[] = [];
  const publish = (_: unknown, { input }: { readonly input: unknown }): unknown => (asked.push(input), { verdict: 'publish' });
  expect((await testRun(desk, 'moss', { people: { editor: publish } })).output).toEqual({ verdict: 'publish' });
  expect(asked).toEqual(['All about moss']);
  const error = await failure(testRun(desk, 'moss', { people: { editor: () => ({ verdict: 'burn' }) } }));
  expect(error.code).toBe('CONTRACT_VIOLATION');
});

test('a person who gives nothing did not answer in time', async () => {
  expect((await testRun(desk, 'moss', { people: { editor: () => undefined } })).output).toEqual({ verdict: 'hold' });
  const waiting = human({ name: 'waiting', question: 'x' });
  expect((await failure(testRun(waiting, 'moss', { people: { waiting: () => undefined } }))).code).toBe('ASK_EXPIRED');
});

test('a person without a stand-in ends the test, which says what to write', async () => {
  const caught = flow({ name: 'caught', run: async (input: string, ctx) => await ctx.call(editor, input).catch(() => 'caught') });
  const error = await failure(testRun(caught, 'moss'));
  expect(error.code).toBe('NO_STAND_IN');
  expect(error.message).toContain("people: { 'editor': (input) => … }");
  const odd = await failure(testRun(desk, 'moss', { people: { editr: () => undefined } }));
  expect(odd.message).toContain(
    "a stand-in for 'editr' in people, and nothing below 'pipe(draft, editor)' is called so. Did you mean 'editor'?",
  );
});

test('a script of a real run answers what its people answered, and refuses what they refused', async () => {
  const both = flow({
    name: 'both',
    run: async (input: string, ctx) => [
      await ctx.call(editor, input),
      await ctx.call(human({ name: 'owner', question: 'May we?' }), input).catch(({ code, message }: { code: string; message: string }) => [code, message]),
    ],
  }); // prettier-ignore
  const trial = new Trial();
  const person = new Person(trial, ({ path }) => (path.endsWith('editor') ? { verdict: 'publish' } : refusal('not today')));
  await trial.run(both, 'moss', person.options);
  const script = await journalToScript('r', { journal: trial.journal });
  const result = await testScript(both, script);
  expect(result.output).toEqual([{ verdict: 'publish' }, ['ASK_REFUSED', "The question of 'both/owner' was refused by ana: not today."]]);
});
