// A process that works on a sweep through a real provider package, and may be killed in it. Started by sweepRuns.ts;
// what came of the run goes to stdout.

import { setTimeout as sleep } from 'node:timers/promises';
import sweep from '../../examples/sweep/sweep.ts';
import { type Event, run, RunError, sqliteJournal } from '../../src/index.ts';
import type { Said, SweepOrders } from './sweepRuns.ts';
import { wires } from './wires.ts';

const { baseUrl, column, dir, codebases, kill } = JSON.parse(process.argv[2] ?? '{}') as SweepOrders; // written by sweepRuns.ts

/** SIGKILL: nothing after it runs. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

let events = 0;
function onEvent({ kind }: Event): void {
  if (kill?.of !== undefined && kill.of !== kind) return;
  events += 1;
  if (events !== kill?.after) return;
  if (kill.ms === 0) die();
  else if (kill.ms === undefined) setImmediate(die);
  else void sleep(kill.ms).then(die);
}

async function work(): Promise<Said> {
  const journal = sqliteJournal({ dir, synchronous: 'normal' });
  try {
    const streamed = column.stream ? { onDelta: () => {} } : {};
    const { output, missing, bill } = await run(
      sweep,
      { codebases: [...codebases] },
      { id: 'run', journal, onEvent, models: { '*': wires[column.wire](baseUrl) }, ...streamed },
    );
    return { output, missing, bill };
  } catch (error) {
    return error instanceof RunError
      ? { code: error.code, message: error.message, bill: error.bill }
      : { code: 'THROWN', message: String(error) };
  } finally {
    await journal.close();
  }
}

process.stdout.write(JSON.stringify(await work()));
