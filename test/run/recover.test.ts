import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, AmdahlError, flow, follow, memoryJournal, type Recovered, recover, run, start, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { slowly } from '../support/slowly.ts';
import { failure } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const NEVER = new Promise<never>(() => {});
const clock = new VirtualClock();
const drive = <T>(work: Promise<T>): Promise<T> => clock.drive(work);

/** A process that is killed while its runs wait for something: what it began is in the journal, and nobody owns it. */
async function killedWith(begin: () => unknown, journal: ReturnType<typeof memoryJournal>): Promise<void> {
  begin();
  await drive(clock.sleep(100));
  journal.abandon();
}

const wait = (isOver: () => boolean): Agent<string, string> =>
  step({ name: 'wait', execute: (): string | Promise<string> => (isOver() ? 'over' : NEVER) });

test('runs that their process left are gone on with, whoever began them and however; one that fails stops no other', async () => {
  const journal = memoryJournal();
  let restarted = false;
  const waiting = wait(() => restarted);
  const works = flow({ name: 'works', run: async (_, ctx) => await ctx.call(waiting, 'x') });
  const fails = flow({
    name: 'fails',
    run: async (_, ctx) => {
      await ctx.call(waiting, 'x');
      throw new Error('broken for good');
    },
  });
  await killedWith(() => {
    run(works, 'x', { journal, clock, id: 'run' }).catch(() => {}); // it will lose its run
    start(fails, 'x', { journal, clock, id: 'fails' });
    start(works, 'y', { journal, clock, id: 'start' });
    start(flow({ name: 'stranger', run: async (_, ctx) => await ctx.call(waiting, 'x') }), 'x', { journal, clock, id: 'stranger' });
  }, journal);
  await drive(run(step({ name: 'ended', execute: () => '1' }), 'x', { journal, clock, id: 'ended' }));
  restarted = true;

  const told: Recovered[] = [];
  const did = await drive(recover([works, fails], { journal, clock, onRun: (recovered) => told.push(recovered) }));
  expect(did.runs.map(({ id, status }) => `${id}: ${status}`).toSorted()).toEqual(['fails: failed', 'run: succeeded', 'start: succeeded']);
  expect(did.runs.find(({ id }) => id === 'fails')?.error).toMatchObject({ code: 'CODE_FAILED' });
  expect(did.left).toEqual([{ id: 'stranger', agent: 'stranger', why: 'no agent' }]);
  expect(told).toEqual(did.runs);
  expect((await journal.row(did.left[0]?.id ?? ('' as never)))?.status).toBe('interrupted');
  expect(await drive(recover([works, fails], { journal, clock }))).toMatchObject({ runs: [], left: [{ id: 'stranger' }] });
});

test('context is made again from the subject of each run', async () => {
  const journal = memoryJournal();
  let restarted = false;
  const greet = step({
    name: 'greet',
    context: z.object({ name: z.string() }),
    execute: (_: unknown, { context }): string | Promise<string> => (restarted ? `hello ${context.name}` : NEVER),
  });
  await killedWith(() => {
    for (const user of ['ada', 'bob'])
      start(greet, 'x', { journal, clock, id: user, subject: { user }, scope: 'team', context: { name: user } });
  }, journal);
  restarted = true;
  const context = (subject: unknown, about: unknown): Promise<unknown> => {
    expect(about).toMatchObject({ agent: 'greet', scope: 'team', subject });
    return Promise.resolve({ name: z.object({ user: z.string() }).parse(subject).user });
  };
  expect((await drive(recover([greet], { journal, clock, context }))).runs).toHaveLength(2);
  for (const user of ['ada', 'bob']) expect(await (await follow(user, { journal })).outcome).toMatchObject({ output: `hello ${user}` });
});

test('a run that was streamed is streamed on, to those who follow it', async () => {
  const journal = memoryJournal();
  let restarted = false;
  const model = slowly(
    scripted(() => ({ text: 'one two three' })),
    (piece) => (restarted || piece === 'one' ? clock.sleep(60) : NEVER),
  );
  const say = agent({ name: 'say', instructions: 'x', model });
  await killedWith(() => start(say, 'x', { journal, clock, id: 'r' }), journal);
  restarted = true;
  const texts: string[] = [];
  const reading = (async () => {
    for await (const text of (await follow('r', { journal, clock })).text) texts.push(text);
  })();
  const recovering = recover([say], { journal, clock });
  await drive(Promise.all([reading, recovering]));
  expect(texts.at(-1)).toBe('one two three');
  expect(texts).toContain('');
  expect(texts).toContain('one two');
});

test('who stops recovering gives the runs at work up, and another goes on with them', async () => {
  const journal = memoryJournal();
  let restarted = false;
  const works = flow({
    name: 'works',
    run: async (_, ctx) =>
      await ctx.call(
        wait(() => restarted),
        'x',
      ),
  });
  await killedWith(() => start(works, 'x', { journal, clock, id: 'r' }), journal);
  const controller = new AbortController();
  const first = recover([works], { journal, clock, signal: controller.signal, everyMs: 1_000 });
  await drive(clock.sleep(100));
  controller.abort();
  expect(await drive(first)).toEqual({ runs: [], left: [{ id: 'r', agent: 'works', why: 'given up' }] });
  restarted = true;
  expect(await drive(recover([works], { journal, clock }))).toMatchObject({ runs: [{ id: 'r', status: 'succeeded' }], left: [] });
});

test('it looks again as often as it is told to, for owners that are known to be gone only later', async () => {
  const journal = memoryJournal();
  let restarted = false;
  const works = flow({
    name: 'works',
    run: async (_, ctx) =>
      await ctx.call(
        wait(() => restarted),
        'x',
      ),
  });
  start(works, 'x', { journal, clock, id: 'r' });
  await drive(clock.sleep(100));
  const controller = new AbortController();
  const recovering = recover([works], { journal, clock, signal: controller.signal, everyMs: 1_000, onRun: () => controller.abort() });
  await drive(clock.sleep(1_500));
  restarted = true;
  journal.abandon();
  expect((await drive(recovering)).runs).toMatchObject([{ id: 'r', status: 'succeeded' }]);
});

test('it takes agents of different names', async () => {
  const one = step({ name: 'one', execute: () => '1' });
  expect((await failure(recover([one, one], { journal: memoryJournal() }))).message).toContain("'one'");
  expect((await failure(recover([{} as never], { journal: memoryJournal() }))).code).toBe('MISCONFIGURED');
  expect((await failure(recover([one], { concurrency: 0 }))).code).toBe('MISCONFIGURED');
});

test('settings that runs were given are given again, so that nothing is bought twice', async () => {
  const journal = memoryJournal();
  let [asked, restarted] = [0, false];
  const say = agent({ name: 'say', instructions: 'x', model: scripted(() => ({ text: `answer ${(asked += 1)}` })) });
  const waiting = wait(() => restarted);
  const both = flow({
    name: 'both',
    run: async (_: string, ctx) => {
      const said = await ctx.call(say, 'x');
      await ctx.call(waiting, 'x');
      return said;
    },
  });
  const settings = { say: { temperature: 0.3 } };
  await killedWith(() => start(both, 'x', { journal, clock, id: 'r', settings }), journal);
  restarted = true;
  expect(await drive(recover([both], { journal, clock, settings }))).toMatchObject({ runs: [{ status: 'succeeded' }] });
  expect(asked).toBe(1);
});

test('a run that cannot be read is told of once, however often it is tried, and stops no other', async () => {
  const journal = memoryJournal();
  let restarted = false;
  const waiting = wait(() => restarted);
  await killedWith(() => {
    for (const id of ['broken', 'whole']) start(waiting, id, { journal, clock, id });
  }, journal);
  const read = journal.read.bind(journal);
  journal.read = (run, options) => {
    if (run === 'broken') throw new AmdahlError('JOURNAL_DAMAGED', 'An event of it is none.');
    return read(run, options);
  };
  restarted = true;
  const stop = new AbortController();
  const recovering = recover([waiting], { journal, clock, everyMs: 100, signal: stop.signal });
  await drive(clock.sleep(350));
  stop.abort();
  const { runs } = await drive(recovering);
  expect(runs).toHaveLength(2);
  expect(runs.find(({ id }) => id === 'broken')).toMatchObject({ status: 'failed', error: { code: 'JOURNAL_DAMAGED' } });
  expect(runs.find(({ id }) => id === 'whole')).toMatchObject({ status: 'succeeded' });
});
