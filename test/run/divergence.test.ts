// What a person is shown where a run that is entered again goes another way.

import { expect, test } from 'vitest';
import { flow, step, transaction } from '../../src/index.ts';
import { failure, Trial } from '../support/trial.ts';

test('tells what an earlier entry did from what it had only confirmed, and does none of that', async () => {
  const done: string[] = [];
  const stop = new AbortController();
  const act = (name: string, then = (): void => {}) =>
    step({
      name,
      effect: 'staged',
      execute: (text: string) => {
        done.push(`${name} ${text}`);
        then();
        return 'done';
      },
    });
  const program = (name: string) => {
    const both = flow({
      name,
      run: async (text: string, ctx) => [
        await ctx.call(
          act('one', () => stop.abort()),
          text,
        ),
        await ctx.call(act('two'), text),
      ],
    });
    const around = transaction(both);
    return flow({ name: 'root', run: async (text: string, ctx) => await ctx.call(around, text) });
  };
  const trial = new Trial();
  expect((await failure(trial.run(program('before'), 'x', { signal: stop.signal }))).code).toBe('CANCELLED');
  expect((await failure(trial.run(program('after'), 'x', { onPark: 'return' }))).code).toBe('RUN_PARKED');
  expect(await trial.events('ask.opened')).toMatchObject([
    {
      of: 'diverged',
      question: expect.stringMatching(/did 'one' of 'root\/.*\/one' and was yet to do 'two' of 'root\/.*\/two' and this one does not ask/),
      about: { committed: [{ tool: 'one' }], confirmed: [{ tool: 'two' }], wants: { tool: 'one' } },
    },
  ]);
  expect(done).toEqual(['one x']);
  const [ask] = await trial.events('ask.opened');
  await trial.journal.respond(ask?.ask as never, { kind: 'answer', value: { outcome: 'go on' } }, trial.clock.now());
  const { effects } = await trial.run(program('after'), 'x');
  expect(done).toEqual(['one x', 'one x', 'two x']);
  expect(effects.map(({ tool, state }) => [tool, state])).toEqual([
    ['one', 'committed'],
    ['one', 'committed'],
    ['two', 'committed'],
  ]);
});
