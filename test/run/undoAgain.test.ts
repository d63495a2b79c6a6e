// What a person let stand because its undo failed, in the next entry of the run.

import { expect, test } from 'vitest';
import { flow, step, transaction } from '../../src/index.ts';
import { failure, Trial } from '../support/trial.ts';

test('an undo that was given up is tried again when the run goes on, though the code between has failed', async () => {
  const seen: string[] = [];
  let isDown = true;
  const reserve = step({
    name: 'reserve',
    effect: 'immediate',
    execute: (seat: string) => {
      seen.push(`reserve ${seat}`);
      return seat;
    },
    undo: (seat) => {
      if (isDown) throw new Error('no line');
      seen.push(`release ${seat}`);
    },
  });
  const trip = flow({
    name: 'trip',
    run: async (seat: string, ctx) => {
      await ctx.call(reserve, seat);
      if (isDown) throw new Error('no train');
      return 'booked';
    },
  });
  const trial = new Trial();
  const program = transaction(trip);
  await failure(trial.run(program, '7a', { onPark: 'return' }));
  const [ask] = await trial.events('ask.opened');
  await trial.journal.respond(ask?.ask as never, { kind: 'answer', value: { outcome: 'give up' } }, trial.clock.now());
  expect((await failure(trial.run(program, '7a', { onPark: 'return' }))).code).toBe('CODE_FAILED');
  expect(await trial.events('effect.undone')).toEqual([]);
  isDown = false;
  const { effects } = await trial.run(program, '7a', { onPark: 'return' });
  expect(await trial.events('ask.opened')).toHaveLength(1);
  expect(seen).toEqual(['reserve 7a', 'release 7a', 'reserve 7a']);
  expect(effects.map(({ state }) => state)).toEqual(['undone', 'committed']);
});
