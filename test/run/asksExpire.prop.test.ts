// Questions that nobody answers: `otherwise` counts at the moment that they are past their time, or, where no process lives then, as
// soon as one does. Any answers, crashes and looks of recover(), in virtual time.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, answer, asks, flow, human, type Journal, map, memoryJournal, recover, start } from '../../src/index.ts';
import type { EventOf } from '../../src/journal/event.ts';
import type { Clock } from '../../src/run/ports.ts';
import { entriesOf, runOf } from '../journal/entries.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const LOOK_MS = 1_000;
const RUN = runOf('r');

interface Plan {
  /** Per question: after how long it expires, and after how long somebody answers. */
  readonly questions: readonly { readonly expiresMs: number; readonly answeredMs: number | undefined }[];
  /** When the process dies, and for how long there is none. */
  readonly crashes: readonly { readonly afterMs: number; readonly deadMs: number }[];
  readonly onPark: 'wait' | 'return';
  /** Whether the process that waits is told of answers, or finds out later, as of those that other processes took. */
  readonly hears: boolean;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  questions: fc.array(
    fc.record({
      expiresMs: fc.integer({ min: 1_000, max: 60_000 }),
      answeredMs: fc.option(fc.integer({ min: 500, max: 80_000 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  crashes: fc.array(fc.record({ afterMs: fc.integer({ min: 100, max: 30_000 }), deadMs: fc.integer({ min: 1, max: 20_000 }) }), {
    maxLength: 3,
  }),
  onPark: fc.constantFrom('wait', 'return'),
  hears: fc.boolean(),
});

/** Asks each of its questions at once, with the time that each has. */
function program(questions: Plan['questions']): Agent<readonly number[], readonly string[]> {
  const people = questions.map(({ expiresMs }, n) =>
    human({ name: `person-${n}`, input: z.number(), question: 'Well?', expires: expiresMs, otherwise: `otherwise ${n}` }),
  );
  const one = flow({
    name: 'one',
    input: z.number(),
    run: async (n, ctx) => {
      const person = people[n];
      return person === undefined ? '' : await ctx.call(person, n);
    },
  });
  return map(one, { concurrency: 100 });
}

interface Lived {
  readonly journal: Journal;
  /** When there was no process: from, to. */
  readonly dead: readonly (readonly [number, number])[];
}

/** A process that begins or takes up what there is; killed, it does nothing more. */
function begin(clock: VirtualClock, live: (clock: Clock) => Promise<unknown>): () => void {
  let isDead = false;
  const mortal: Clock = { now: () => clock.now(), after: (ms, then) => clock.after(ms, () => (isDead ? undefined : then())) };
  live(mortal).catch(() => {}); // what the dead hear
  return () => (isDead = true);
}

/** Lives the plan through. */
async function lived({ questions, crashes, onPark, hears }: Plan): Promise<Lived> {
  const clock = new VirtualClock();
  const journal = memoryJournal({ clock });
  const claim = journal.claim.bind(journal);
  if (!hears) journal.claim = async (run) => Object.assign(await claim(run), { onResponse: () => {} });
  const agent = program(questions);
  const answers = async (n: number): Promise<void> => {
    const one = (await asks({ journal, clock })).find(({ about }) => about === n);
    if (one !== undefined) await answer(one, `answer ${n}`, { journal, clock });
  };
  for (const [n, { answeredMs }] of questions.entries()) if (answeredMs !== undefined) clock.after(answeredMs, () => void answers(n));
  const takeUp = (mortal: Clock): Promise<unknown> => recover([agent], { journal, clock: mortal, everyMs: LOOK_MS, onPark });
  let die = begin(clock, async (mortal) => {
    start(agent, [...questions.keys()], { journal, clock: mortal, id: RUN, onPark });
    await takeUp(mortal);
  });
  const dead: [number, number][] = [];
  for (const { afterMs, deadMs } of crashes) {
    await clock.drive(clock.sleep(afterMs));
    die();
    journal.abandon();
    dead.push([clock.now(), clock.now() + deadMs]);
    await clock.drive(clock.sleep(deadMs));
    die = begin(clock, takeUp);
  }
  await clock.drive(clock.sleep(100_000));
  die();
  return { journal, dead };
}

test('otherwise counts when a question is past its time, neither sooner nor later, whoever answers, crashes and looks', async () => {
  const seen = { answered: 0, expired: 0, late: 0 };
  await fc.assert(
    fc.asyncProperty(plan, async (it) => {
      const { journal, dead } = await lived(it);
      const events = (await entriesOf(journal, RUN)).map(({ event }) => event);
      const aliveMs = (from: number, to: number): number =>
        dead.reduce((sum, [start, end]) => sum - Math.max(0, Math.min(end, to) - Math.max(start, from)), to - from);
      const output = it.questions.map(({ expiresMs, answeredMs = Infinity }, n) => {
        const opened = events.filter((event): event is EventOf<'ask.opened'> => event.kind === 'ask.opened' && event.about === n);
        const [first] = opened;
        if (first === undefined) throw new Error(`question ${n} was not asked`);
        expect(opened).toHaveLength(1);
        expect(first.expiresAt).toBe(first.at + expiresMs);
        const ends = events.filter((event) => 'ask' in event && event.ask === first.ask && event.kind !== 'ask.opened');
        expect(ends).toHaveLength(1);
        const inTime = answeredMs < expiresMs;
        const [end] = ends;
        expect(end?.kind).toBe(inTime ? 'ask.answered' : 'ask.expired');
        const from = first.at + Math.min(answeredMs, expiresMs);
        expect(end?.at).toBeGreaterThanOrEqual(from);
        // Who waits in the process that asked hears at once; what was left parked is taken up by the next look.
        const waits = it.onPark === 'wait' && dead.every(([died]) => died > from);
        const heard = it.hears ? from : first.at + expiresMs;
        expect(aliveMs(heard, end?.at ?? Infinity)).toBeLessThanOrEqual(waits ? 0 : LOOK_MS);
        seen[inTime ? 'answered' : 'expired'] += 1;
        if (end?.at !== from) seen.late += 1;
        return inTime ? `answer ${n}` : `otherwise ${n}`;
      });
      expect(events.at(-1)).toMatchObject({ kind: 'run.succeeded', output });
    }),
    { numRuns: 40 },
  );
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10);
});
