// How long a hundred pipes of three stages take at once, where an answer takes 200 ms: three answers are 600.

import { besideTable, type Figure, medianOf } from './besideTable.ts';
import { inArena, type Plan } from './besideRounds.ts';
import type { Report } from './finding.ts';

const PIPES = 100;
const PLAN = {
  contenders: ['amdahl', 'generateText', 'fetch'],
  delayMs: 200,
  task: { load: 'pipes', count: PIPES, inFlight: PIPES },
  rounds: 7,
  warming: { task: { load: 'pipes', count: PIPES, inFlight: PIPES }, rounds: 2 },
} as const satisfies Plan;

const WALL: Figure = { title: 'wall', unit: 'ms', of: 'wallMs', per: 1 };
const CPU: Figure = { title: 'CPU', unit: 'ms', of: 'cpuMs', per: 1 };

export async function socketPipes(): Promise<Report> {
  return await inArena(async ({ measure, notes }) => {
    const trials = await measure(PLAN);
    return {
      findings: [
        { what: `wall of ${PIPES} pipes of three stages at once`, measured: medianOf(trials, WALL, 'amdahl'), unit: 'ms', aimMax: 1_000 },
      ],
      tables: [besideTable(trials, [WALL, CPU], ['generateText', 'fetch'])],
      notes: [
        `Each stage is a typed call of ${PLAN.delayMs} ms, given what the one before it answered. Medians of ${PLAN.rounds} rounds after ${PLAN.warming.rounds} to warm up, in turn.`,
        ...notes,
      ],
    };
  });
}
