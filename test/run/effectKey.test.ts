import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Effects } from '../../src/journal/effects.ts';
import type { Place, RunId } from '../../src/journal/event.ts';
import { agent, tool } from '../../src/index.ts';
import { type EffectBase, effectKey, Occurrences } from '../../src/run/effectKey.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

const at = (name: string): Place => name as Place;
const base: EffectBase = { run: 'run' as RunId, call: at('call'), tool: 'send', args: { to: 'ada' }, occurrence: 0 };

function committing(effects: Effects, key: string): void {
  const about = { place: at('tool'), calls: [at('call'), at('above')], attempt: at('attempt'), path: 'mail', tool: 'send', args: {}, key };
  effects.take({ kind: 'effect.committing', effect: 'immediate', ...about });
}

describe('the key of an effect', () => {
  test('is another one for another run, call, tool, argument or occurrence', () => {
    const effects = new Effects();
    const others = [{ run: 'other' as RunId }, { call: at('other') }, { tool: 'other' }, { args: { to: 'bob' } }, { occurrence: 1 }];
    const keys = [base, ...others.map((other) => ({ ...base, ...other }))].map((one) => effectKey(effects, one));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('stays whatever became of the effect, until it is undone: then doing it again is another one', () => {
    const effects = new Effects();
    const key = effectKey(effects, base);
    const about = { place: at('tool'), calls: [at('call')], key };
    committing(effects, key);
    for (const kind of ['effect.uncertain', 'effect.committed'] as const) {
      effects.take({ kind, ...about });
      expect(effectKey(effects, base)).toBe(key);
    }
    effects.take({ kind: 'effect.undone', ...about });
    const next = effectKey(effects, base);
    expect(next).not.toBe(key);
    committing(effects, next);
    expect(effectKey(effects, base)).toBe(next);
  });
});

describe('what stands below a call', () => {
  test('is what has begun and was neither discarded nor undone', () => {
    const effects = new Effects();
    const stands = (): boolean[] => [at('call'), at('above'), at('beside')].map((call) => effects.stand(call));
    expect(stands()).toEqual([false, false, false]);
    committing(effects, 'a');
    committing(effects, 'b');
    expect(stands()).toEqual([true, true, false]);
    effects.take({ kind: 'effect.discarded', place: at('tool'), calls: [], key: 'a', why: 'not begun' });
    expect(stands()).toEqual([true, true, false]);
    effects.take({ kind: 'effect.undone', place: at('tool'), calls: [], key: 'b' });
    expect(stands()).toEqual([false, false, false]);
    committing(effects, 'a');
    expect(effects.get('a')).toMatchObject({ state: 'committing', times: 2, order: 2 });
  });

  test('may be begun again where its call was retried before anybody knew what became of it', () => {
    const effects = new Effects();
    committing(effects, 'a');
    effects.take({ kind: 'call.retracted', place: at('above'), why: 'retried' });
    expect(effects.get('a')?.notDone).toBeUndefined();
    effects.take({ kind: 'call.retracted', place: at('call'), why: 'retried' });
    expect(effects.get('a')?.notDone).toBe(true);
    committing(effects, 'a');
    expect(effects.get('a')?.notDone).toBeUndefined();
  });
});

test('equal calls are counted the same from whatever turn on an attempt goes on', () => {
  const call = fc.constantFrom('a', 'b', 'none').map((input) => ({ type: 'tool-call' as const, toolCallId: 'x', toolName: 'send', input }));
  fc.assert(
    fc.property(fc.array(fc.array(call, { maxLength: 4 }), { minLength: 1, maxLength: 6 }), fc.nat(), (turns, from) => {
      const counts = (): Occurrences =>
        new Occurrences(({ toolName, input }) => (input === 'none' ? undefined : { tool: toolName, args: input }));
      const whole = counts();
      const all = turns.map((calls, turn) => whole.of(turn, calls, () => expect.fail('nothing was passed over')));
      const first = from % turns.length;
      const later = counts();
      turns.slice(first).forEach((calls, nth) => {
        expect(later.of(first + nth, calls, (turn) => turns[turn] ?? [])).toEqual(all[first + nth]);
      });
    }),
  );
});

test('the same asked for twice has two keys, over turns and within one, and a resume knows which is which', async () => {
  const trial = new Trial();
  const stop = new AbortController();
  const send = tool({ description: 'Send', effect: 'immediate', input: z.object({ to: z.string() }), execute: () => 'sent' });
  const one = ['send', { to: 'ada' }] as const;
  const model = scripted([{ tools: [one, one] }, { tools: [one] }, { text: 'done' }]);
  const mail = agent({ name: 'mail', model, instructions: 'x', tools: { send } });
  const onEvent = ({ kind }: { readonly kind: string }): void => {
    if (kind === 'model.responded' && model.requests.length === 2) stop.abort();
  };
  await trial.fails(mail, 'go', { signal: stop.signal, onEvent });
  expect((await trial.run(mail, 'go')).output).toBe('done');
  const keys = (await trial.events('effect.committing')).map(({ key }) => key);
  const [call] = (await trial.events('effect.committing'))[0]?.calls ?? [];
  const expected = [0, 1, 2].map((occurrence) =>
    effectKey(new Effects(), { ...base, run: 'r' as RunId, call: call ?? at(''), occurrence }),
  );
  expect(keys).toEqual(expected);
});
