import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, all, flow, follow, human, map, recover, run, type RunOptions, start, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import type { AskId, Json, RunId } from '../../src/journal/event.ts';
import { GivenUp } from '../../src/run/givenUp.ts';
import { RunError } from '../../src/run/runResult.ts';
import { person } from '../support/person.ts';
import { failure, Trial } from '../support/trial.ts';

const HOUR = 3_600_000;

/** Says something to the first ask that is open `ms` from now. */
function answersAfter(trial: Trial, ms: number, value: Json): void {
  trial.clock.after(ms, () => void answer(trial, value));
}

async function answer(trial: Trial, value: Json): Promise<void> {
  const [open] = await trial.journal.asks({ run: 'r' as RunId });
  if (open === undefined) throw new Error('nobody asks');
  const { kind } = await trial.journal.respond(open.ask, { kind: 'answer', value, by: 'ann' }, trial.clock.now());
  expect(kind).toBe('accepted');
}

function works(trial: Trial, ms: number): ReturnType<typeof step> {
  return step({ name: 'work', execute: async () => await trial.clock.sleep(ms).then(() => 'done') });
}

const answered = { kind: 'answered', value: 'yes', by: 'ann' };

describe('a run that waits for a person', () => {
  test('is parked while nothing can go on, and goes on in the same process', async () => {
    const trial = new Trial();
    answersAfter(trial, HOUR, 'yes');
    const { output, bill } = await trial.run(person('editor'), 'title');
    expect(output).toEqual(answered);
    const kinds = (await trial.events()).map(({ kind }) => kind);
    expect(kinds).toEqual([
      'run.started',
      'call.started',
      'attempt.started',
      'ask.opened',
      'run.parked',
      'ask.answered',
      'call.succeeded',
      'run.succeeded',
    ]);
    expect(bill).toMatchObject({ wallMs: HOUR, activeMs: 0, tax: { waitedMs: { budget: 0, retry: 0, gate: 0, cache: 0 } } });
  });

  test('is not parked as long as anything else goes on, and is once that is over', async () => {
    const trial = new Trial();
    const { output } = await trial.run(all({ editor: person('editor', { expiresMs: HOUR }), work: works(trial, 5_000) }), '');
    expect(output).toEqual({ editor: { kind: 'expired' }, work: 'done' });
    const [parked] = await trial.events('run.parked');
    expect(parked?.at).toBe(1_005_000);
    expect(parked?.asks).toEqual((await trial.events('ask.opened')).map(({ ask }) => ask));
  });

  test('parks again for the next question', async () => {
    const trial = new Trial();
    answersAfter(trial, HOUR, 'yes');
    answersAfter(trial, 2 * HOUR, 'yes');
    const twice = flow({
      name: 'twice',
      run: async (_: string, ctx) => [await ctx.call(person('editor'), 'a'), await ctx.call(person('editor'), 'b')],
    });
    const { output, bill } = await trial.run(twice, '');
    expect(output).toEqual([answered, answered]);
    expect(await trial.events('run.parked')).toHaveLength(2);
    expect(bill.activeMs).toBe(0);
  });

  test('waits for its tools before it parks: those that are agents and those that are code', async () => {
    const trial = new Trial();
    answersAfter(trial, HOUR, 'yes');
    const look = tool({ description: 'Look', effect: 'none', input: z.object({}), execute: async () => await trial.clock.sleep(5_000) });
    const model = scripted([
      {
        tools: [
          ['editor', { input: 'a' }],
          ['look', {}],
        ],
      },
      { text: 'done' },
    ]);
    const editor = human({ name: 'editor', description: 'Ask the editor', question: 'Is it right?' });
    await trial.run(agent({ name: 'say', model, instructions: 'x', tools: { editor, look } }), 'x');
    expect((await trial.events('run.parked')).map(({ at }) => at)).toEqual([1_005_000]);
  });

  test('names the oldest of many questions, so that parking again for each answer stays small', async () => {
    const trial = new Trial();
    const { output } = await trial.run(
      map(person('editor', { expiresMs: HOUR, after: () => 'late' }), { concurrency: 50 }),
      Array.from({ length: 50 }, (_, index) => index),
    );
    expect(output).toHaveLength(50);
    const opened = (await trial.events('ask.opened')).map(({ ask }) => ask);
    expect(await trial.events('run.parked')).toMatchObject([{ asks: opened.slice(0, 20), more: 30 }]);
  });

  test('that its process gives up stays parked, and goes on elsewhere', async () => {
    const trial = new Trial();
    const controller = new AbortController();
    trial.clock.after(HOUR, () => controller.abort(new GivenUp()));
    expect(await trial.fails(person('editor'), 'title', { signal: controller.signal })).toMatchObject({ code: 'RUN_LOST' });
    expect(await trial.journal.row('r' as RunId)).toMatchObject({ status: 'parked' });
    await answer(trial, 'yes');
    expect((await trial.run(person('editor'), 'title')).output).toEqual(answered);
    expect(await trial.events('ask.opened')).toHaveLength(1);
  });

  test('that another process took over is told so, and says nothing more', async () => {
    const trial = new Trial();
    trial.clock.after(HOUR, () => {
      trial.journal.abandon();
      void trial.journal.claim('r' as RunId);
    });
    expect(await trial.fails(person('editor'), 'title')).toMatchObject({ code: 'RUN_LOST' });
    expect((await trial.events()).at(-1)?.kind).toBe('run.parked');
  });

  test('loses none of its time by that: neither budgets nor time-outs count it', async () => {
    const trial = new Trial();
    answersAfter(trial, HOUR, 'yes');
    const slow = person('editor', {
      before: () => trial.clock.sleep(600),
      after: async (replied) => (await trial.clock.sleep(300), { ...replied }),
    });
    const inTime = flow({
      name: 'inTime',
      budget: { ms: 1_000 },
      run: async (_: string, ctx) => await ctx.call(slow, '', { timeoutMs: 1_000 }),
    });
    expect((await trial.run(inTime, '', { budget: { ms: 1_000 } })).output).toEqual(answered);
    const late = new Trial();
    answersAfter(late, HOUR, 'yes');
    const slower = person('editor', {
      before: () => late.clock.sleep(600),
      after: async (replied) => (await late.clock.sleep(500), { ...replied }),
    });
    const error = await late.fails(slower, '', { budget: { ms: 1_000 } });
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED' });
    expect(late.clock.now()).toBe(1_000_000 + HOUR + 400);
  });

  test('is cancelled like any other: its questions are withdrawn, and asked anew when it goes on', async () => {
    const trial = new Trial();
    const controller = new AbortController();
    trial.clock.after(HOUR, () => controller.abort(new Error('enough')));
    expect(await trial.fails(person('editor'), 'title', { signal: controller.signal })).toMatchObject({
      code: 'CANCELLED',
      status: 'cancelled',
    });
    expect((await trial.events()).map(({ kind }) => kind).slice(-3)).toEqual(['run.parked', 'ask.withdrawn', 'run.cancelled']);
    expect(await trial.journal.asks()).toEqual([]);
    answersAfter(trial, HOUR, 'yes');
    expect((await trial.run(person('editor'), 'title')).output).toEqual(answered);
    expect(await trial.events('ask.opened')).toHaveLength(2);
  });

  test('is cancelled through the journal, and through a handle', async () => {
    const trial = new Trial();
    trial.clock.after(HOUR, () => void trial.journal.cancel('r' as RunId, { reason: 'enough' }));
    expect(await trial.fails(person('editor'), 'title')).toMatchObject({ code: 'CANCELLED' });
    const handle = start(person('editor'), 'title', { id: 's', journal: trial.journal, clock: trial.clock });
    trial.clock.after(HOUR, () => void handle.cancel('enough'));
    expect(await trial.clock.drive(handle.outcome)).toMatchObject({ status: 'cancelled' });
    expect(await trial.journal.asks()).toEqual([]);
  });
});

describe("onPark: 'return'", () => {
  const parks: RunOptions = { onPark: 'return' };

  test('gives the run up with RUN_PARKED and what it waits for; nothing is recorded after that', async () => {
    const trial = new Trial();
    const error = await trial.fails(person('editor'), 'title', parks);
    expect(error).toBeInstanceOf(RunError);
    const [opened] = await trial.events('ask.opened');
    const ask = {
      ask: opened?.ask,
      run: 'r',
      agent: 'editor',
      of: 'human',
      path: 'editor',
      question: 'editor?',
      about: 'title',
      openedAt: 1_000_000,
    };
    expect(error).toMatchObject({ code: 'RUN_PARKED', status: 'parked', asks: [ask], data: { run: 'r', asks: [ask] } });
    expect(error.message).toBe(
      "The run 'r' waits for an answer, and nothing in it can go on without. amdahl inbox shows the question; answer it, then run it again with this id. Asked: editor?",
    );
    expect((await trial.events()).at(-1)?.kind).toBe('run.parked');
    expect(await trial.journal.row('r' as RunId)).toMatchObject({ status: 'parked' });
    expect(trial.clock.now()).toBe(1_000_000);
  });

  test('lets the next entry go on with the answer, which is applied once', async () => {
    const trial = new Trial();
    await trial.fails(person('editor'), 'title', parks);
    await answer(trial, 'yes');
    const { output } = await trial.run(person('editor'), 'title', parks);
    expect(output).toEqual(answered);
    expect(await trial.events('ask.answered')).toHaveLength(1);
    expect(await trial.events('ask.opened')).toHaveLength(1);
    expect((await trial.run(person('editor'), 'title', parks)).output).toEqual(answered);
    expect(await trial.events('ask.answered')).toHaveLength(1);
  });

  test('finds what was said before it came, where it hears of other processes late', async () => {
    const trial = new Trial();
    await trial.fails(person('editor'), 'title', parks);
    await answer(trial, 'yes');
    const claim = trial.journal.claim.bind(trial.journal);
    trial.journal.claim = async (id) => Object.assign(await claim(id), { onResponse: () => {} });
    expect((await trial.run(person('editor'), 'title', parks)).output).toEqual(answered);
  });

  test('parks again where nobody has answered yet, with the same ask and its time', async () => {
    const trial = new Trial();
    const ask = async (): Promise<readonly AskId[]> =>
      ((await trial.fails(person('editor', { expiresMs: HOUR }), 'title', parks)) as RunError).asks.map((one) => one.ask);
    const first = await ask();
    expect(await ask()).toEqual(first);
    expect(await trial.events('ask.opened')).toHaveLength(1);
    await trial.clock.drive(trial.clock.sleep(HOUR));
    expect((await trial.run(person('editor', { expiresMs: HOUR }), 'title', parks)).output).toEqual({ kind: 'expired' });
  });

  test('is an outcome of a handle, with what it waits for', async () => {
    const trial = new Trial();
    const handle = start(person('editor'), 'title', { id: 'r', journal: trial.journal, clock: trial.clock, ...parks });
    const outcome = await trial.clock.drive(handle.outcome);
    expect(outcome).toMatchObject({ status: 'parked', id: 'r', asks: [{ question: 'editor?', about: 'title' }], bill: { calls: 0 } });
    expect((await trial.events()).at(-1)?.kind).toBe('run.parked');
    const text = async (): Promise<void> => {
      for await (const _ of handle.text);
    };
    expect(await failure(trial.clock.drive(text()))).toMatchObject({ code: 'RUN_PARKED' });
  });
});

describe('what others see of a parked run', () => {
  test('who starts the same run goes on with it where its owner gave it up', async () => {
    const trial = new Trial();
    const { journal, clock } = trial;
    const editor = person('editor', { before: () => clock.sleep(100) });
    const first = start(editor, 'title', { id: 'r', journal, clock, onPark: 'return' });
    const second = start(editor, 'title', { id: 'r', journal, clock });
    answersAfter(trial, HOUR, 'yes');
    expect(await clock.drive(first.outcome)).toMatchObject({ status: 'parked' });
    expect(await clock.drive(second.outcome)).toMatchObject({ status: 'succeeded', output: answered });
  });

  test('a follower waits for as long as it takes, whoever goes on with it', async () => {
    const trial = new Trial();
    const { journal, clock } = trial;
    await trial.fails(person('editor'), 'title', { onPark: 'return' });
    const handle = await follow('r', { journal, clock, ownerlessMs: 1_000 });
    clock.after(HOUR, () => void answer(trial, 'yes').then(() => run(person('editor'), 'title', { id: 'r', journal, clock })));
    expect(await clock.drive(handle.outcome)).toMatchObject({ status: 'succeeded', output: answered });
  });

  test('recover takes it up when there is an answer, and not before', async () => {
    const trial = new Trial();
    const { journal, clock } = trial;
    const editor = person('editor');
    await trial.fails(editor, 'title', { onPark: 'return' });
    expect(await clock.drive(recover([editor], { journal, clock }))).toMatchObject({ runs: [], left: [{ id: 'r', why: 'parked' }] });
    await answer(trial, 'yes');
    expect(await clock.drive(recover([editor], { journal, clock }))).toMatchObject({ runs: [{ id: 'r', status: 'succeeded' }] });
  });

  test('recover takes it up when its question has expired', async () => {
    const trial = new Trial();
    const { journal, clock } = trial;
    const editor = person('editor', { expiresMs: HOUR });
    await trial.fails(editor, 'title', { onPark: 'return' });
    await clock.drive(clock.sleep(HOUR));
    expect(await clock.drive(recover([editor], { journal, clock }))).toMatchObject({ runs: [{ id: 'r', status: 'succeeded' }] });
    expect(await trial.events('ask.expired')).toHaveLength(1);
  });

  test('runs that wait for people hold up no other that is recovered', async () => {
    const trial = new Trial();
    const { journal, clock } = trial;
    const editor = person('editor', { expiresMs: HOUR });
    const work = works(trial, 10);
    const begun = [run(editor, 'title', { id: 'a', journal, clock }), run(work, '', { id: 'b', journal, clock })];
    await clock.drive(Promise.resolve());
    journal.abandon();
    for (const one of begun) one.catch(() => {});
    const over: [string, number][] = [];
    const onRun = ({ id }: { id: string }): void => void over.push([id, clock.now()]);
    await clock.drive(recover([editor, work], { journal, clock, concurrency: 1, onRun }));
    expect(over.map(([id]) => id)).toEqual(['b', 'a']);
  });
});
