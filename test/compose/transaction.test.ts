import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, step, transaction } from '../../src/index.ts';
import { refusal, Trial } from '../support/trial.ts';

const parse = step({ name: 'parse', input: z.string().transform(Number), output: z.number(), execute: (n) => n + 1 });

test('a transaction gives what its agent gives, and asks it what it was asked', async () => {
  const held = transaction(parse);
  expectTypeOf(held).toExtend<Agent<string, number, 'transaction(parse)'>>();
  expect(held.shape).toMatchObject({ kind: 'transaction', name: 'transaction(parse)', children: [{ kind: 'step' }] });
  const trial = new Trial();
  expect((await trial.run(held, '41')).output).toBe(42);
  expect((await trial.tree()).root.children.map(({ path }) => path)).toEqual(['transaction(parse)/parse']);
});

test('a transaction takes only what its agent takes, before anything is asked', async () => {
  const trial = new Trial();
  const error = await trial.fails(transaction(step({ name: 'n', input: z.number(), execute: () => '' })), 'x' as never);
  expect(error.code).toBe('CONTRACT_VIOLATION');
  expect(await trial.events().catch(() => [])).toEqual([]);
});

test('a transaction may be a tool, with the schema of its agent, and have a name of its own', () => {
  const ask = agent({ name: 'ask', instructions: 'x', input: z.object({ q: z.string() }) });
  const named = transaction(ask, { name: 'safely' });
  expectTypeOf(named.name).toEqualTypeOf<'safely'>();
  expect(agent({ name: 'lead', instructions: 'x', tools: { named } }).children).toEqual([named]);
  expect(refusal(() => transaction(undefined as never)).message).toContain('transaction() was given nothing');
});
