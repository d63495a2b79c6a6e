// What one typed call over a socket costs, one after the other: amdahl with its journal, beside generateText and fetch.

import { besideTable, type Figure, ratio } from './besideTable.ts';
import { inArena, type Plan } from './besideRounds.ts';
import { quantity, type Report } from './finding.ts';

const CALLS = 200;
const PLAN = {
  contenders: ['amdahl', 'generateText', 'fetch', 'amdahlOneRun', 'amdahlInMemory'],
  delayMs: 0,
  task: { load: 'sequence', count: CALLS, inFlight: 1 },
  rounds: 5,
  warming: { task: { load: 'sequence', count: CALLS, inFlight: 1 }, rounds: 5 },
} as const satisfies Plan;

const WALL: Figure = { title: 'wall', unit: 'ms', of: 'wallMs', per: CALLS };
const CPU: Figure = { title: 'CPU', unit: 'ms', of: 'cpuMs', per: CALLS };

export async function socketCall(): Promise<Report> {
  return await inArena(async ({ measure, bodies, notes }) => {
    const sizes = await bodies(['amdahl', 'generateText', 'fetch']);
    const trials = await measure(PLAN);
    return {
      findings: [
        {
          what: 'wall of a call over a socket, to generateText',
          measured: ratio(trials, WALL, 'amdahl', 'generateText'),
          unit: 'x',
          aimMax: 1,
        },
        {
          what: 'CPU of a call over a socket, to generateText',
          measured: ratio(trials, CPU, 'amdahl', 'generateText'),
          unit: 'x',
          aimMax: 1,
        },
      ],
      tables: [besideTable(trials, [WALL, CPU], ['generateText', 'fetch'])],
      notes: [
        `Per call; ${quantity(CALLS)} typed calls one after the other, no latency. Medians of ${PLAN.rounds} rounds after ${PLAN.warming.rounds} to warm up, in turn; a ratio is the median of those of the rounds. CPU is that of the client's process, its threads included.`,
        `One request as its body, in bytes: ${[...sizes].map(([name, bytes]) => `${name} ${quantity(bytes)}`).join(', ')}.`,
        ...notes,
      ],
    };
  });
}
