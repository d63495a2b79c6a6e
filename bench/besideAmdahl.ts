// The package under test, retries off: typed calls, pipes and steps, run in a journal.

import { z } from 'zod';
import type * as Package from '../src/index.ts';
import type { Contender, Surroundings } from './besideContender.ts';
import { asking } from './besideFetch.ts';
import { besideModel } from './besideModel.ts';
import { ANSWER, changes, INSTRUCTIONS, Review, type Stage } from './besideQuestion.ts';
import { inWorkers } from './besideWorkers.ts';

type Amdahl = typeof Package;

/** What all contenders below share. */
interface Ready {
  readonly package: Amdahl;
  /** Runs an agent in the contender's journal, with its model. */
  readonly runs: <I, O>(agent: Package.Agent<I, O>, input: NoInfer<I>) => Promise<O>;
  readonly next: (count: number) => string[];
  readonly close: () => Promise<void>;
}

/** As it is used: calls alone are runs of their own, many at once are a map. */
export async function amdahl(at: Surroundings, kept: 'sqlite' | 'memory'): Promise<Contender> {
  const ready = await open(at, kept);
  const { package: a, runs, next, close } = ready;
  const review = a.agent({ name: 'review' satisfies Stage, instructions: INSTRUCTIONS.review, output: Review });
  const pipe = a.pipe(
    review,
    a.agent({ name: 'second' satisfies Stage, instructions: INSTRUCTIONS.second, input: Review, output: Review }),
    a.agent({ name: 'verdict' satisfies Stage, instructions: INSTRUCTIONS.verdict, input: Review, output: Review }),
  );
  const request = at.baseUrl === undefined ? undefined : asking(at.baseUrl);
  return {
    sequence: (count) => inWorkers(next(count), 1, (text) => runs(review, text)),
    crowd: (count, inFlight) => runs(a.map(review, { concurrency: inFlight }), next(count)),
    pipes: (count) => runs(a.map(pipe, { concurrency: count }), next(count)),
    emptySteps: stepping(ready, async () => ANSWER),
    ...(request === undefined ? {} : { steps: stepping(ready, (text) => request('review', text)) }),
    close,
  };
}

/** A flow of steps, one after the other. */
function stepping(
  { package: a, runs, next }: Ready,
  execute: (text: string) => Promise<Review>,
): (count: number) => Promise<readonly unknown[]> {
  const step = a.step({ name: 'step', output: Review, execute });
  return (count) => runs(inTurn(a, step), next(count));
}

/** One agent asked about each text in turn. */
function inTurn(a: Amdahl, agent: Package.Agent<string, Review>): Package.Agent<string[], Review[]> {
  return a.flow({
    name: 'inTurn',
    input: z.array(z.string()),
    output: z.array(Review),
    run: async (list, ctx) => {
      const reviews: Review[] = [];
      for (const text of list) reviews.push(await ctx.call(agent, text));
      return reviews;
    },
  });
}

/** Calls one after the other as steps of one run. */
export async function inOneRun(at: Surroundings): Promise<Contender> {
  const { package: a, runs, next, close } = await open(at, 'sqlite');
  const review = a.agent({ name: 'review' satisfies Stage, instructions: INSTRUCTIONS.review, output: Review });
  return { sequence: (count) => runs(inTurn(a, review), next(count)), close };
}

/** Many at once, each a run of its own. */
export async function inManyRuns(at: Surroundings): Promise<Contender> {
  const { package: a, runs, next, close } = await open(at, 'sqlite');
  const review = a.agent({ name: 'review' satisfies Stage, instructions: INSTRUCTIONS.review, output: Review });
  return { crowd: (count, inFlight) => inWorkers(next(count), inFlight, (text) => runs(review, text)), close };
}

async function open({ amdahl: file, baseUrl, folder }: Surroundings, kept: 'sqlite' | 'memory'): Promise<Ready> {
  const a = (await import(file)) as Amdahl; // built from ../src/index.ts
  const journal = kept === 'memory' ? a.memoryJournal() : a.sqliteJournal({ dir: folder });
  const options = { journal, models: { '*': besideModel(baseUrl) }, limits: { retries: 0 } };
  let asked = 0;
  return {
    package: a,
    runs: async (agent, input) => (await a.run(agent, input, options)).output,
    next: (count) => changes(count, (asked += count) - count),
    close: async () => journal.close(),
  };
}
