// A process that works on a run of the matrix and may be killed in it: the other end of killed.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import { run, RunError, sqliteJournal } from '../../src/index.ts';
import { programOf } from './cells.ts';
import type { Orders, Said } from './killed.ts';
import { player } from './player.ts';
import { Client } from './service.ts';

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders; // written by killed.ts
/** Of the player's time: a slow answer is long after all others, and no test waits for one that nobody needs. */
const PACE = 0.3;

/** SIGKILL: nothing after it runs. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

let events = 0;
function onEvent(): void {
  events += 1;
  const { kill } = orders;
  if (kill === undefined || kill.when === 'asked' || events !== kill.after) return;
  if (kill.when === 'later') void sleep(kill.ms).then(die);
  else if (kill.when === 'tick') setImmediate(die);
  else die();
}

async function work(): Promise<Said> {
  const journal = sqliteJournal({ dir: orders.dir, synchronous: 'normal' });
  const client = new Client(orders.port);
  const program = programOf(orders.cell);
  const model = player(
    (conversation, turn) => client.attempts(conversation, turn),
    (ms, signal) => sleep(ms * PACE, undefined, signal === undefined ? {} : { signal }),
  );
  try {
    const { output } = await run(program.make(client) as never, program.input as never, {
      id: 'r',
      journal,
      onEvent,
      onPark: 'return',
      models: { '*': model },
    }); // the cell's own input
    return { output };
  } catch (error) {
    if (error instanceof RunError) return { code: error.code, message: error.message };
    return { code: 'THROWN', message: String(error) };
  } finally {
    client.close();
    await journal.close();
  }
}

process.stdout.write(JSON.stringify(await work()));
