// What many typed calls at once over sockets cost, in time and in memory, where an answer takes 200 ms.

import { besideTable, type Figure, medianOf, ratio, titled } from './besideTable.ts';
import { inArena, type Plan } from './besideRounds.ts';
import { quantity, type Report } from './finding.ts';

const MB = 1_024 * 1_024;
const DELAY_MS = 200;
const ROUNDS = 5;
const [FEW, MANY] = [50, 1_000];
const FIGURES = {
  wall: { title: 'wall', unit: 'ms', of: 'wallMs', per: 1 },
  cpu: { title: 'CPU', unit: 'ms', of: 'cpuMs', per: 1 },
  rss: { title: 'RSS', unit: 'MB', of: 'rssBytes', per: MB },
  heap: { title: 'heap', unit: 'MB', of: 'heapBytes', per: MB },
} as const satisfies Record<string, Figure>;

export async function socketCrowd(): Promise<Report> {
  return await inArena(async ({ measure, notes }) => {
    const few = await measure(planOf(FEW));
    const many = await measure(planOf(MANY));
    const { wall, cpu, rss, heap } = FIGURES;
    return {
      findings: [
        {
          what: `wall of ${quantity(MANY)} calls at once, to generateText`,
          measured: ratio(many, wall, 'amdahl', 'generateText'),
          unit: 'x',
          aimMax: 1,
        },
        {
          what: `peak RSS of ${quantity(MANY)} calls at once, to generateText`,
          measured: ratio(many, rss, 'amdahl', 'generateText'),
          unit: 'x',
          aimMax: 1,
        },
        { what: `wall of ${FEW} calls at once, to generateText`, measured: ratio(few, wall, 'amdahl', 'generateText'), unit: 'x' },
        { what: `wall of ${quantity(MANY)} calls at once`, measured: medianOf(many, wall, 'amdahl'), unit: 'ms' },
      ],
      tables: [few, many].flatMap((trials, index) => [
        titled(besideTable(trials, [wall, cpu], ['generateText', 'fetch']), `${quantity(index === 0 ? FEW : MANY)} at once`),
        titled(besideTable(trials, [rss, heap], ['generateText', 'fetch']), 'at the peak'),
      ]),
      notes: [
        `All at once, each answer after ${DELAY_MS} ms; medians of ${ROUNDS} fresh processes each, in turn, each warmed by twenty calls. RSS is the peak of the process, modules included; heap is what was in use or not yet collected, looked at every 5 ms. MB are 1,048,576 bytes.`,
        ...notes,
      ],
    };
  });
}

function planOf(count: number): Plan {
  return {
    contenders: ['amdahl', 'generateText', 'fetch', ...(count === MANY ? (['amdahlManyRuns'] as const) : [])],
    delayMs: DELAY_MS,
    task: { load: 'crowd', count, inFlight: count },
    rounds: ROUNDS,
    warming: { task: { load: 'crowd', count: 20, inFlight: 20 }, rounds: 1 },
    fresh: true,
  };
}
