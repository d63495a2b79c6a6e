// A process of one contender: does what it is told over its channel and says what that cost it. Started by
// besideRounds.ts, fresh for every bench, so that none runs on what another left compiled or held.

import { getHeapStatistics } from 'node:v8';
import { checkAnswers } from './besideQuestion.ts';

/** What a contender can be made to do. What it does not know is left out. */
export interface Contender {
  /** One typed call after the other. */
  readonly sequence?: (count: number) => Promise<readonly unknown[]>;
  /** That many typed calls, so many at once. */
  readonly crowd?: (count: number, inFlight: number) => Promise<readonly unknown[]>;
  /** That many pipes of three stages at once. */
  readonly pipes?: (count: number) => Promise<readonly unknown[]>;
  /** One flow of so many steps, each of which sends one request. */
  readonly steps?: (count: number) => Promise<readonly unknown[]>;
  /** One flow of so many steps that do nothing. */
  readonly emptySteps?: (count: number) => Promise<readonly unknown[]>;
  readonly close?: () => Promise<void>;
}

export type Load = Exclude<keyof Contender, 'close'>;

export interface Task {
  readonly load: Load;
  readonly count: number;
  readonly inFlight: number;
}

/** What a task cost: milliseconds in all, CPU of the whole process. Bytes at the peak; heap as seen every few ms. */
export interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** Where a contender finds what it needs. */
export interface Surroundings {
  readonly name: ContenderName;
  /** Base URL of the model server; absent for a model in the process itself. */
  readonly baseUrl?: string;
  /** For journals. */
  readonly folder: string;
  /** File URL of the package under test. */
  readonly amdahl: string;
}

export const CONTENDERS = {
  fetch: async (at: Surroundings): Promise<Contender> => (await import('./besideFetch.ts')).bare(at),
  generateText: async (at: Surroundings): Promise<Contender> => (await import('./besideGenerateText.ts')).generating(at),
  amdahl: async (at: Surroundings): Promise<Contender> => (await import('./besideAmdahl.ts')).amdahl(at, 'sqlite'),
  flush: async (at: Surroundings): Promise<Contender> => (await import('./besideFlush.ts')).flushing(at),
  amdahlInMemory: async (at: Surroundings): Promise<Contender> => (await import('./besideAmdahl.ts')).amdahl(at, 'memory'),
  amdahlOneRun: async (at: Surroundings): Promise<Contender> => (await import('./besideAmdahl.ts')).inOneRun(at),
  amdahlManyRuns: async (at: Surroundings): Promise<Contender> => (await import('./besideAmdahl.ts')).inManyRuns(at),
} as const;

export type ContenderName = keyof typeof CONTENDERS;

const HEAP_LOOK_MS = 5;

async function perform(contender: Contender, { load, count, inFlight }: Task): Promise<Cost> {
  const work = contender[load];
  if (work === undefined) throw new Error(`this contender does not know ${load}`);
  let heapBytes = 0;
  const look = (): void => {
    // Of the heap alone: the size of the whole process is dear to ask for.
    heapBytes = Math.max(heapBytes, getHeapStatistics().used_heap_size);
  };
  const looking = load === 'crowd' ? setInterval(look, HEAP_LOOK_MS) : undefined;
  const used = process.cpuUsage();
  const from = performance.now();
  const answers = await work(count, inFlight);
  const wallMs = performance.now() - from;
  const { user, system } = process.cpuUsage(used);
  clearInterval(looking);
  checkAnswers(answers, count);
  return { wallMs, cpuMs: (user + system) / 1_000, rssBytes: process.resourceUsage().maxRSS * 1_024, heapBytes };
}

async function serve(given: string): Promise<void> {
  const at = JSON.parse(given) as Surroundings; // by besideRounds.ts
  const contender = await CONTENDERS[at.name](at);
  process.on('message', (message) => {
    const task = message as Task | 'end'; // by besideRounds.ts
    if (task === 'end') {
      void Promise.resolve(contender.close?.()).then(() => process.disconnect?.());
      return;
    }
    perform(contender, task).then(
      (cost) => tell(cost),
      (error: unknown) => tell({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
  tell('ready');
}

function tell(message: Cost | 'ready' | { readonly failed: string }): void {
  process.send?.(message);
}

const [given] = process.argv.slice(2);
if (import.meta.main && given !== undefined) await serve(given);
