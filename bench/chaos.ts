// Whether answers are right when the provider misbehaves, and how long that takes: amdahl, whole and streamed, and
// generateText for scale, on the load of chaosLoad.ts over a socket.

import { isDeepStrictEqual } from 'node:util';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, Output } from 'ai';
import { memoryJournal, run } from '../src/index.ts';
import type { Faults } from '../src/modelServer/faults.ts';
import { inWorkers } from './besideWorkers.ts';
import {
  CALLS,
  chaosServer,
  IN_FLIGHT,
  INSTRUCTIONS,
  numbers,
  questionOf,
  REQUEST_MS,
  Squared,
  squaredOf,
  squares,
  STREAMED,
  WHOLE,
} from './chaosLoad.ts';
import { median, quantity, type Report } from './finding.ts';

const SEEDS = [1, 2, 3, 4, 5];
const AIM_MS = 4_000;

/** Asks for every square; gives what came, in order, undefined where nothing did. */
type Contender = (baseURL: string, seed: number) => Promise<readonly (Squared | undefined)[]>;

/** What came of one load. */
interface Outcome {
  readonly right: number;
  readonly wrong: number;
  readonly requests: number;
  readonly ms: number;
}

export async function chaos(): Promise<Report> {
  const whole = await outcomesOf(asking(false), WHOLE);
  const streamed = await outcomesOf(asking(true), STREAMED);
  const generated = await outcomesOf(generating, WHOLE);
  const all = [...whole, ...streamed];
  return {
    findings: [
      { what: 'answers that are not right', measured: sum(all.map(({ right }) => CALLS - right)), unit: '', aimMax: 0 },
      { what: 'wrong objects', measured: sum(all.map(({ wrong }) => wrong)), unit: '', aimMax: 0 },
      { what: 'a load, median', measured: median(all.map(({ ms }) => ms)), unit: 'ms', aimMax: AIM_MS },
      { what: 'loads of ten that take longer', measured: all.filter(({ ms }) => ms > AIM_MS).length, unit: '' },
    ],
    tables: [
      [
        [`of ${CALLS} calls`, 'right', 'wrong', 'requests', 'median', 'slowest'],
        row('amdahl', whole),
        row('amdahl, streamed and cut', streamed),
        row('generateText', generated),
      ],
    ],
    notes: [
      `Means over seeds ${SEEDS.join(', ')}; ${IN_FLIGHT} calls in flight. 5 % of requests are answered with 500, 2 % hang for 30 s, 10 % with noise, JSON of another form, half of it, talk, or a stream cut anywhere. A sending may take ${quantity(REQUEST_MS)} ms; for generateText its fetch ends so, as a network failure, which it sends again; its other settings are the defaults.`,
      `A load in which one question hangs twice in a row cannot end before two time-outs, ${quantity(2 * REQUEST_MS)} ms.`,
    ],
  };
}

function row(name: string, outcomes: readonly Outcome[]): readonly string[] {
  const mean = (of: (outcome: Outcome) => number): string => quantity(sum(outcomes.map(of)) / outcomes.length);
  const times = outcomes.map(({ ms }) => ms);
  return [
    name,
    mean(({ right }) => right),
    mean(({ wrong }) => wrong),
    mean(({ requests }) => requests),
    quantity(median(times), 'ms'),
    quantity(Math.max(...times), 'ms'),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function outcomesOf(contender: Contender, faults: Faults): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const seed of SEEDS) {
    const server = await chaosServer(seed, faults);
    const start = performance.now();
    const came = await contender(server.baseUrl(), seed);
    const ms = Math.round(performance.now() - start);
    const right = came.filter((one, nth) => isDeepStrictEqual(one, squaredOf(numbers[nth] ?? NaN))).length;
    const wrong = came.filter((one) => one !== undefined).length - right;
    outcomes.push({ right, wrong, requests: server.stats().requests, ms });
    await server.close();
  }
  return outcomes;
}

/** amdahl with the limits that every run has, but for the time of a sending. */
function asking(stream: boolean): Contender {
  return async (baseURL, seed) => {
    const { output } = await run(
      squares,
      numbers.map((of) => ({ of })),
      {
        id: `chaos-${seed}`,
        journal: memoryJournal(),
        models: { '*': createOpenAI({ baseURL, apiKey: 'none' }).chat('gpt-4o') },
        limits: { requestMs: REQUEST_MS },
        ...(stream ? { onDelta: () => {} } : {}),
      },
    );
    const came = new Map(output.done.map((one) => [one.index, one.output]));
    return numbers.map((_, nth) => came.get(nth));
  };
}

const generating: Contender = async (baseURL) => {
  const model = createOpenAI({ baseURL, apiKey: 'none', fetch: inTime }).chat('gpt-4o');
  return await inWorkers(numbers, IN_FLIGHT, async (of) => {
    try {
      const { output } = await generateText({
        model,
        instructions: INSTRUCTIONS,
        prompt: questionOf(of),
        output: Output.object({ schema: Squared }),
      });
      return output;
    } catch {
      return undefined;
    }
  });
};

/** A fetch that fails as the network does when an answer takes too long. */
const inTime: typeof fetch = async (input, init) => {
  const late = AbortSignal.timeout(REQUEST_MS);
  try {
    return await fetch(input, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, late]) : late });
  } catch (error) {
    throw late.aborted ? new TypeError('fetch failed', { cause: error }) : error;
  }
};
