import { describe, expect, test } from 'vitest';
import { flow, step } from '../../src/index.ts';
import type { Place, RunId } from '../../src/journal/event.ts';
import { askId } from '../../src/run/asks.ts';
import { askPerson, person } from '../support/person.ts';
import { Trial } from '../support/trial.ts';

const HOUR = 3_600_000;

describe('what an ask is known by', () => {
  const at = { of: 'approval', place: 'p' as Place, about: { tool: 'send', args: { to: 'a', text: 'b' } } } as const;
  const run = 'r' as RunId;

  test('is what it asks exactly: other arguments are another ask, another order of fields is not', () => {
    const id = askId(run, at);
    expect(id).toMatch(/^[\w-]{22}$/);
    expect(askId(run, { ...at, about: { args: { text: 'b', to: 'a' }, tool: 'send' } })).toBe(id);
    expect(askId(run, { ...at, nth: 0 })).toBe(id);
    const others = [
      askId('s' as RunId, at),
      askId(run, { ...at, of: 'human' }),
      askId(run, { ...at, place: 'q' as Place }),
      askId(run, { ...at, about: { tool: 'send', args: { to: 'a', text: 'c' } } }),
      askId(run, { ...at, nth: 1 }),
      askId(run, { ...at, nth: '0' }),
    ];
    expect(new Set([id, ...others]).size).toBe(7);
  });
});

describe('an ask that nobody answers', () => {
  test('expires at its time, by the clock of the run, and is open until then', async () => {
    const trial = new Trial();
    const { output } = await trial.run(person('editor', { expiresMs: 3 * HOUR }), 'title');
    expect(output).toEqual({ kind: 'expired' });
    expect(trial.clock.now()).toBe(1_000_000 + 3 * HOUR);
    const [opened] = await trial.events('ask.opened');
    expect(opened).toMatchObject({ of: 'human', path: 'editor', question: 'editor?', about: 'title', expiresAt: 1_000_000 + 3 * HOUR });
    expect((await trial.events('ask.expired')).map(({ ask, at }) => ({ ask, at }))).toEqual([
      { ask: opened?.ask, at: 1_000_000 + 3 * HOUR },
    ]);
  });

  test('expires after limits.askMs where it says nothing itself', async () => {
    const trial = new Trial();
    await trial.run(person('editor'), 'title', { limits: { askMs: 5_000 } });
    expect(trial.clock.now()).toBe(1_005_000);
  });

  test('is withdrawn when its call is over, and that says why', async () => {
    const trial = new Trial();
    const work = step({ name: 'work', execute: async () => await trial.clock.sleep(2_000).then(() => 'done') });
    const patient = flow({
      name: 'patient',
      run: async (_: string, ctx) =>
        await ctx.all([
          async () => await ctx.call(person('editor'), 'title', { timeoutMs: 1_000 }).catch((error: { code: string }) => error.code),
          async () => await ctx.call(work, ''),
        ]),
    });
    const { output } = await trial.run(patient, 'x');
    expect(output).toEqual(['TIMEOUT', 'done']);
    const [withdrawn] = await trial.events('ask.withdrawn');
    expect(withdrawn?.why).toMatch(/did not end within 1000 ms/);
    expect(await trial.events('run.parked')).toHaveLength(0);
  });

  test('is one ask for all who ask the same at once', async () => {
    const trial = new Trial();
    const two = person('editor', { after: async (first) => [{ ...first }, { ...(await askPerson({ question: '?', about: 'title' })) }] });
    const { output } = await trial.run(two, 'title', { limits: { askMs: 5_000 } });
    expect(output).toEqual([{ kind: 'expired' }, { kind: 'expired' }]);
    expect(await trial.events('ask.opened')).toHaveLength(1);
  });
});
