// What a typed call costs beyond its model at 100 in flight: amdahl with its journal beside generateText, over the
// same model in the process itself, without a socket between.

import { besideTable, type Figure, ratio } from './besideTable.ts';
import { inArena, type Plan } from './besideRounds.ts';
import { quantity, type Report } from './finding.ts';

const CALLS = 2_000;
const PLAN = {
  contenders: ['amdahl', 'generateText', 'fetch', 'amdahlInMemory'],
  task: { load: 'crowd', count: CALLS, inFlight: 100 },
  rounds: 11,
  warming: { task: { load: 'crowd', count: CALLS, inFlight: 100 }, rounds: 5 },
} as const satisfies Plan;

const WALL: Figure = { title: 'wall', unit: 'ms', of: 'wallMs', per: CALLS };
const CPU: Figure = { title: 'CPU', unit: 'ms', of: 'cpuMs', per: CALLS };

export async function besideProcess(): Promise<Report> {
  return await inArena(async ({ measure, notes }) => {
    const trials = await measure(PLAN);
    return {
      findings: [
        { what: 'CPU per call in process, to generateText', measured: ratio(trials, CPU, 'amdahl', 'generateText'), unit: 'x', aimMax: 1 },
      ],
      tables: [besideTable(trials, [CPU, WALL], ['generateText'])],
      notes: [
        `Per call, of ${quantity(CALLS)} typed calls, ${PLAN.task.inFlight} in flight, over a model that answers in the next turn of the event loop; 'fetch' is here that answer, parsed and validated. Medians of ${PLAN.rounds} rounds after ${PLAN.warming.rounds} to warm up, in turn. CPU is that of the whole process, its threads included.`,
        ...notes,
      ],
    };
  });
}
