import { describe, expect, test } from 'vitest';
import { AmdahlError, agent, type Agent, flow, step } from '../../src/index.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { scripted } from '../../src/testing.ts';
import { failure, Trial } from '../support/trial.ts';

/** The journal of a trial with parts of it replaced. */
function journalOf({ journal }: Trial, replaced: Partial<Journal>): Journal {
  return {
    claim: (run) => journal.claim(run),
    at: (run, place) => journal.at(run, place),
    read: (run, options) => journal.read(run, options),
    row: (run) => journal.row(run),
    rows: (limit) => journal.rows(limit),
    answers: (key) => journal.answers(key),
    unfinished: (now) => journal.unfinished(now),
    asks: (options) => journal.asks(options),
    ask: (id) => journal.ask(id),
    respond: (ask, reply, now) => journal.respond(ask, reply, now),
    watch: (run, listener) => journal.watch(run, listener),
    cancel: (run, options) => journal.cancel(run, options),
    prune: (options) => journal.prune(options),
    close: () => journal.close(),
    ...replaced,
  };
}

const first = step({ name: 'first', version: '1', execute: () => 'answer of first' });

/** Runs until the first call has succeeded. */
async function stopAfterFirst(trial: Trial, program: Agent<string, string>, journal?: Journal): Promise<void> {
  const controller = new AbortController();
  const error = await trial.fails(program, 'x', {
    signal: controller.signal,
    onEvent: (event) => {
      if (event.kind === 'call.succeeded') controller.abort();
    },
    ...(journal === undefined ? {} : { journal }),
  });
  expect(error.code).toBe('CANCELLED');
}

test('a branch that falls back because the run was cancelled has not won its race', async () => {
  const trial = new Trial();
  const after = (name: string, ms: number): Agent<string, string> =>
    step({
      name,
      version: '1',
      execute: async () => {
        await trial.clock.sleep(ms);
        return name;
      },
    });
  const [slow, quick] = [after('slow', 100), after('quick', 50)];
  const race = flow({
    name: 'flow',
    run: (_: string, ctx) => ctx.race([(c) => c.call(slow, 'x').catch(() => 'fallback'), (c) => c.call(quick, 'x')]),
  });
  const controller = new AbortController();
  trial.clock.after(10, () => controller.abort());
  expect((await trial.fails(race, 'x', { signal: controller.signal })).code).toBe('CANCELLED');
  expect(await trial.events('decision')).toEqual([]);
  expect((await trial.run(race, 'x')).output).toBe('quick');
});

test('a journal that cannot be read interrupts the run: no asker takes it for the answer of what it asked', async () => {
  const trial = new Trial();
  const program = flow({ name: 'flow', run: (_: string, ctx) => ctx.call(first, 'x').catch(() => 'fallback') });
  await stopAfterFirst(trial, program);
  let busy = true;
  const journal = journalOf(trial, {
    at: async (run, place) => {
      const entries = await trial.journal.at(run, place);
      if (!busy || !entries.some(({ event }) => event.kind === 'call.started' && event.agent === 'first')) return entries;
      busy = false;
      throw new AmdahlError('JOURNAL_BUSY', 'Another process holds the journal for too long.');
    },
  });
  expect((await trial.fails(program, 'x', { journal })).code).toBe('JOURNAL_BUSY');
  expect((await trial.run(program, 'x')).output).toBe('answer of first');
});

describe.each(['none', 'immediate'] as const)('a call with effect %s that is not awaited', (effect) => {
  test('is cancelled when its asker ends, also on a resume, where a look-up comes first', async () => {
    const trial = new Trial();
    let done = 0;
    const work = step({
      name: 'work',
      version: '1',
      effect,
      execute: async (_, { signal }) => {
        await trial.clock.sleep(30);
        if (signal.aborted) throw signal.reason;
        done += 1;
        return 'did it';
      },
    });
    const program = flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        await ctx.call(first, 'x');
        void ctx.call(work, 'x');
        return 'done';
      },
    });
    // A store on a disk answers a while later than one in memory.
    const journal = journalOf(trial, {
      at: async (run, place) => {
        await trial.clock.sleep(1);
        return await trial.journal.at(run, place);
      },
    });
    await stopAfterFirst(trial, program);
    expect((await trial.run(program, 'x', { journal })).output).toBe('done');
    expect(done).toBe(0);
    expect((await trial.events('call.failed')).map((event) => event.error.code)).toEqual(['CANCELLED']);
  });
});

test('a run is over when its end is durable: a cancel that comes after that changes nothing', async () => {
  const trial = new Trial();
  const controller = new AbortController();
  const journal = journalOf(trial, {
    claim: async (run) => {
      const claim = await trial.journal.claim(run);
      return {
        run: claim.run,
        epoch: claim.epoch,
        events: claim.events,
        note: (event) => claim.note(event),
        onLost: (listener) => claim.onLost(listener),
        onCancel: (listener) => claim.onCancel(listener),
        onResponse: (listener) => claim.onResponse(listener),
        responses: () => claim.responses(),
        release: () => claim.release(),
        append: async (events) => {
          await claim.append(events);
          if (events.some((event) => event.kind === 'run.succeeded')) controller.abort();
        },
      };
    },
  });
  expect((await trial.run(first, 'x', { journal, signal: controller.signal })).output).toBe('answer of first');
  expect(controller.signal.aborted).toBe(true);
  expect((await trial.events()).at(-1)?.kind).toBe('run.succeeded');
});

test.each([['a signal'], ['the time budget']])(
  'a request that is cut off by %s of the run gives back the output that it reserved',
  async (how) => {
    const trial = new Trial();
    let hangs = true;
    const model = scripted(async () => {
      if (hangs) await trial.clock.sleep(1_000_000);
      return { text: 'hi' };
    });
    const say = agent({ name: 'say', model, instructions: 'x' });
    const controller = new AbortController();
    if (how === 'a signal') trial.clock.after(50, () => controller.abort());
    const ms = how === 'a signal' ? {} : { ms: 50 };
    const error = await trial.fails(say, 'x', { signal: controller.signal, budget: { tokens: 6_000, ...ms } });
    expect(error.code).toBe(how === 'a signal' ? 'CANCELLED' : 'BUDGET_EXCEEDED');
    hangs = false;
    await trial.run(say, 'x', { budget: { tokens: 6_000, ms: 1e9 } });
    expect(model.requests.map((request) => request.maxOutputTokens)).toEqual([4_096, 4_096]);
    expect(await trial.events('model.failed')).toHaveLength(1);
  },
);

describe('a context that outlives its flow', () => {
  test('draws nothing more, and nothing is told or recorded of it', async () => {
    const trial = new Trial();
    const told: string[] = [];
    let late: (() => Promise<number>) | undefined;
    const program = flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        late = () => ctx.random();
        return 'done';
      },
    });
    await trial.run(program, 'x', { onEvent: (event) => told.push(event.kind) });
    const [before, recorded] = [told.length, (await trial.events()).length];
    if (late === undefined) throw new Error('the flow did not run');
    expect((await failure(late())).code).toBe('CANCELLED');
    expect([told.length, (await trial.events()).length]).toEqual([before, recorded]);
  });

  test('nor does a draw that was still being looked up when the flow ended', async () => {
    const trial = new Trial();
    const draw: { late?: Promise<AmdahlError> } = {};
    const program = flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        await ctx.call(first, 'x');
        draw.late = failure(ctx.random());
        return 'done';
      },
    });
    await stopAfterFirst(trial, program);
    const journal = journalOf(trial, {
      at: async (run, place) => {
        await trial.clock.sleep(1);
        return await trial.journal.at(run, place);
      },
    });
    await trial.run(program, 'x', { journal });
    expect((await trial.clock.drive(draw.late ?? failure(Promise.resolve()))).code).toBe('CANCELLED');
    expect(await trial.events('value.drawn')).toEqual([]);
  });
});
