// What it costs that a step is durable before the next begins: a flow of twenty, beside a loop that keeps nothing and
// beside what the disk alone takes.

import type { ContenderName, Load } from './besideContender.ts';
import { besideTable, difference, type Figure, titled } from './besideTable.ts';
import { inArena, type Plan } from './besideRounds.ts';
import type { Report } from './finding.ts';

const STEPS = 20;
const ROUNDS = 61;
const ROUNDS_WARMING = 20;

const WALL: Figure = { title: 'wall', unit: 'ms', of: 'wallMs', per: STEPS };
const CPU: Figure = { title: 'CPU', unit: 'ms', of: 'cpuMs', per: STEPS };

export async function socketSteps(): Promise<Report> {
  return await inArena(async ({ measure, notes }) => {
    const asking = await measure(planOf('steps', ['amdahl', 'amdahlInMemory', 'fetch']));
    const empty = await measure(planOf('emptySteps', ['amdahl', 'amdahlInMemory', 'fetch', 'flush']));
    return {
      findings: [
        {
          what: 'a durable step that sends a request, over none',
          measured: difference(asking, WALL, 'amdahl', 'fetch'),
          unit: 'ms',
          aimMax: 0.3,
        },
        {
          what: 'a durable step that does nothing, over none',
          measured: difference(empty, WALL, 'amdahl', 'fetch'),
          unit: 'ms',
          aimMax: 0.3,
        },
        { what: 'the same, over a flush of this disk', measured: difference(empty, WALL, 'amdahl', 'flush'), unit: 'ms' },
      ],
      tables: [
        titled(besideTable(asking, [WALL, CPU], []), 'a step that sends a request'),
        titled(besideTable(empty, [WALL, CPU], []), 'a step that does nothing'),
      ],
      notes: [
        `Per step, of ${STEPS} in one run, its beginning and end included; medians of ${ROUNDS} runs each after ${ROUNDS_WARMING} to warm up, in turn. A difference is the median of those of the rounds; none is the loop around fetch, or around nothing.`,
        ...notes,
      ],
    };
  });
}

function planOf(load: Load, contenders: readonly ContenderName[]): Plan {
  const task = { load, count: STEPS, inFlight: 1 };
  const warming = { task, rounds: ROUNDS_WARMING };
  return { contenders, task, rounds: ROUNDS, warming, ...(load === 'steps' ? { delayMs: 0 } : {}) };
}
