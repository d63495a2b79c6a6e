// A process that works on a run and may be killed in it: the other end of killed.ts. It writes the turn id of every
// request into a file before the answer, and what came of the run to stdout.

import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { type Event, run, RunError, sqliteJournal } from '../../src/index.ts';
import type { Orders } from './killed.ts';
import { actor, team } from './team.ts';
import { voice } from './voice.ts';

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders; // written by killed.ts

/** Long enough for a record to reach the disk; by then the run is over, so its end is held back for longer. */
const RECORDED_MS = 200;

/** SIGKILL: nothing after it runs. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function listening(model: LanguageModelV4): LanguageModelV4 {
  return {
    ...model,
    doGenerate: async (call) => {
      appendFileSync(orders.log, `${call.headers?.['x-amdahl-turn']}\n`);
      return await model.doGenerate(call);
    },
  };
}

let events = 0;
function onEvent({ kind }: Event): void {
  events += 1;
  const { kill } = orders;
  switch (kill?.when) {
    case 'now':
      if (events === kill.after) die();
      return;
    case 'tick':
      if (events === kill.after) setImmediate(die);
      return;
    case 'later':
      if (events === kill.after) void sleep(kill.ms).then(die);
      return;
    case 'recorded':
      // Told of it a moment before it is on disk, and the kill comes a moment after.
      if (kind === 'effect.committed') void sleep(RECORDED_MS).then(die);
      return;
    case 'act':
    case undefined:
  }
}

async function work(): Promise<unknown> {
  const { program, dir, input, id, retry } = orders;
  const journal = sqliteJournal({ dir, synchronous: 'normal' });
  const options = { id, journal, onEvent, onPark: 'return' as const, ...(retry === undefined ? {} : { retry }) };
  const models = { '*': listening(voice({ sleep: (ms) => sleep(ms) })) };
  try {
    if (program === 'sweep') {
      const { default: sweep, options: own } = await import('../../examples/sweep/sweep.ts');
      return await run(sweep, input as never, { ...own, ...options }); // the sweep's contract judges it
    }
    const agent = program === 'team' ? team : actor(orders.acts, orders.kill?.when === 'act' ? die : undefined);
    const result = await run(agent, input, { ...options, models });
    if (orders.kill?.when === 'recorded') await sleep(10 * RECORDED_MS);
    return result;
  } catch (error) {
    return error instanceof RunError
      ? { code: error.code, message: error.message, bill: error.bill }
      : { code: 'THROWN', message: String(error) };
  } finally {
    await journal.close();
  }
}

const came = await work();
process.stdout.write(JSON.stringify(came));
