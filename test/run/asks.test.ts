import { describe, expect, test } from 'vitest';
import { type Agent, all, AmdahlError, flow, step } from '../../src/index.ts';
import type { Reply } from '../../src/journal/ask.ts';
import type { AskId, Json, Place, RunId } from '../../src/journal/event.ts';
import { askId } from '../../src/run/asks.ts';
import { Life } from '../../src/run/life.ts';
import { askPerson, person, presentLife } from '../support/person.ts';
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

/** Says something to the ask that is open, and what came of saying it. */
async function say(trial: Trial, reply: Reply, ask?: AskId): Promise<string> {
  const [open] = await trial.journal.asks({ run: 'r' as RunId });
  const to = ask ?? open?.ask;
  if (to === undefined) throw new Error('nobody asks');
  return (await trial.journal.respond(to, reply, trial.clock.now())).kind;
}

const yes: Reply = { kind: 'answer', value: 'yes', by: 'ann' };
const no: Reply = { kind: 'refuse', reason: 'not today', by: 'bob' };

describe('what a person says', () => {
  test('is applied once: the first wins, and later ones are told so', async () => {
    const trial = new Trial();
    const said: string[] = [];
    trial.clock.after(HOUR, () => {
      void trial.journal.asks().then(async ([open]) => {
        for (const reply of [yes, no, yes]) said.push(await say(trial, reply, open?.ask));
      });
    });
    const { output } = await trial.run(person('editor'), 'title');
    expect(output).toEqual({ kind: 'answered', value: 'yes', by: 'ann' });
    expect(said).toEqual(['accepted', 'closed', 'closed']);
    expect(await trial.events('ask.answered')).toHaveLength(1);
    expect(await trial.events('ask.refused')).toHaveLength(0);
  });

  test('counts where it came in time, though the run hears of it when the time is over', async () => {
    const trial = new Trial();
    const editor = person('editor', { expiresMs: HOUR });
    await trial.fails(editor, 'title', { onPark: 'return' });
    trial.clock.after(HOUR - 1, () => void say(trial, yes));
    await trial.clock.drive(trial.clock.sleep(3 * HOUR));
    expect((await trial.run(editor, 'title')).output).toMatchObject({ kind: 'answered' });
    expect(await trial.events('ask.expired')).toHaveLength(0);
  });

  test('to one question is no answer to another: an edit asks anew, and what was said before is kept', async () => {
    const trial = new Trial();
    const asks = (title: string): Agent<string, Json> =>
      flow({ name: 'press', run: async (_: string, ctx) => await ctx.call(person('editor'), title) });
    await trial.fails(asks('first title'), 'x', { onPark: 'return' });
    const [first] = await trial.events('ask.opened');
    expect(await say(trial, yes)).toBe('accepted');
    await trial.fails(asks('second title'), 'x', { onPark: 'return' });
    const [, second] = await trial.events('ask.opened');
    expect(second).toMatchObject({ about: 'second title' });
    expect(second?.ask).not.toBe(first?.ask);
    expect(await say(trial, no, first?.ask)).toBe('closed');
    expect(await say(trial, no, second?.ask)).toBe('accepted');
    expect((await trial.run(asks('second title'), 'x')).output).toEqual({ kind: 'refused', reason: 'not today', by: 'bob' });
    expect((await trial.events('ask.answered')).map(({ ask }) => ask)).toEqual([first?.ask]); // kept, for a program that asks so again
  });

  test('that an edit asks no more is over once the run is parked again, and nothing goes on for it', async () => {
    const trial = new Trial();
    const asks = (...titles: string[]): Agent<string, Json> =>
      flow({
        name: 'press',
        run: async (_: string, ctx) => await ctx.all(titles.map((t) => (c) => c.call(person('editor', { expiresMs: HOUR }), t))),
      });
    await trial.fails(asks('a', 'b', 'c'), 'x', { onPark: 'return' });
    const [a, b, c] = await trial.events('ask.opened');
    expect(await say(trial, yes, a?.ask)).toBe('accepted');
    await trial.fails(asks('d', 'e', 'c'), 'x', { onPark: 'return' });
    expect((await trial.events('ask.answered')).map(({ ask }) => ask)).toEqual([a?.ask]);
    expect((await trial.events('ask.withdrawn')).map(({ ask }) => ask)).toEqual([b?.ask]);
    expect(await say(trial, yes, b?.ask)).toBe('closed');
    expect(await trial.journal.unfinished(trial.clock.now())).toMatchObject([{ status: 'parked', ready: false }]);
    expect(await say(trial, yes, c?.ask)).toBe('accepted');
    await trial.fails(asks('a', 'b', 'c'), 'x', { onPark: 'return' });
    expect((await trial.journal.asks({ run: 'r' as RunId })).map(({ ask }) => ask)).toEqual([b?.ask]);
  });

  test('that was never asked for again is over with the run, and so is the question', async () => {
    const trial = new Trial();
    await trial.fails(flow({ name: 'press', run: async (_: string, ctx) => await ctx.call(person('editor'), 'a') }), 'x', {
      onPark: 'return',
    });
    await trial.run(flow({ name: 'press', run: async () => 'nobody is needed' }), 'x');
    expect(await trial.journal.asks()).toEqual([]);
    expect((await trial.events()).map(({ kind }) => kind).slice(-2)).toEqual(['ask.withdrawn', 'run.succeeded']);
  });

  test('stays where the run is cancelled before it took it', async () => {
    const trial = new Trial();
    const controller = new AbortController();
    trial.clock.after(HOUR, () => {
      void say(trial, yes);
      controller.abort();
    });
    expect(await trial.fails(person('editor'), 'title', { signal: controller.signal })).toMatchObject({ code: 'CANCELLED' });
    expect((await trial.run(person('editor'), 'title')).output).toMatchObject({ kind: 'answered', value: 'yes' });
    expect(await trial.events('ask.opened')).toHaveLength(1);
  });

  test('holds in every later entry; a refusal until the run that it failed is gone on with; both until a retry', async () => {
    const trial = new Trial();
    const strict = person('editor', {
      after: (replied): Json => {
        if (replied.kind !== 'answered') throw new Error(`it was ${replied.kind}`);
        return replied.value;
      },
    });
    const program = flow({ name: 'press', run: async (_: string, ctx) => await ctx.call(strict, 'title') });
    trial.clock.after(HOUR, () => void say(trial, no));
    expect((await trial.fails(program, 'x')).message).toMatch(/it was refused/);
    trial.clock.after(HOUR, () => void say(trial, yes));
    expect((await trial.run(program, 'x')).output).toBe('yes');
    expect(await trial.events('ask.opened')).toHaveLength(2);
    expect((await trial.run(program, 'x')).output).toBe('yes');
    expect(await trial.events('ask.opened')).toHaveLength(2);
    trial.clock.after(HOUR, () => void say(trial, { ...yes, value: 'better' }));
    expect((await trial.run(program, 'x', { retry: ['press/editor'] })).output).toBe('better');
    expect(await trial.events('ask.opened')).toHaveLength(3);
  });
});

describe('an ask that is asked again in one entry', () => {
  test('is opened again where it was withdrawn in between, and then answered as any other', async () => {
    const trial = new Trial();
    const work = step({ name: 'work', execute: async () => await trial.clock.sleep(5_000).then(() => 'done') });
    const twice = step({
      name: 'twice',
      execute: async () => {
        const question = { question: '?', about: 'the same' };
        const hasty = new Life(presentLife());
        trial.clock.after(1_000, () => hasty.end(new AmdahlError('TIMEOUT', 'it took too long')));
        const late = await askPerson(question, hasty).then(
          ({ kind }) => kind,
          (error: { code: string }) => error.code,
        );
        const replied = await askPerson(question);
        return `${late}, ${replied.kind}`;
      },
    });
    trial.clock.after(3_000, () => void say(trial, yes));
    const { output } = await trial.run(all({ twice, work }), '');
    expect(output).toEqual({ twice: 'TIMEOUT, answered', work: 'done' });
    expect((await trial.events('ask.opened', 'ask.withdrawn', 'ask.answered')).map(({ kind }) => kind)).toEqual([
      'ask.opened',
      'ask.withdrawn',
      'ask.opened',
      'ask.answered',
    ]);
  });
});
