// The example from the first commit to the last post: runs it, asks whoever sits at the terminal, and says what was done.
//
//   npx node examples/release-notes/main.ts [--id ID] [--repository FOLDER] [--range RANGE] [--model NAME] [--yes]

import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { answer, asks, refuse, start } from '../../src/index.ts';
import releaseNotes, { options } from './releaseNotes.ts';

const { values } = parseArgs({
  options: {
    id: { type: 'string' },
    repository: { type: 'string' },
    range: { type: 'string' },
    model: { type: 'string' },
    yes: { type: 'boolean', default: false },
  },
});
const { id = `notes-${Date.now()}`, repository, range, model, yes } = values;

const input = { ...(repository === undefined ? {} : { repository }), ...(range === undefined ? {} : { range }) };
const settings = { ...options, id, onPark: 'return' as const, ...(model === undefined ? {} : { models: { '*': model } }) };

for (;;) {
  const handle = start(releaseNotes, input, settings);
  console.log(`run ${handle.id}, process ${process.pid}`);
  const outcome = await handle.outcome;
  if (outcome.status === 'parked') {
    for (const { ask, question, about } of await asks({ run: id })) await put(ask, question, about);
    continue;
  }
  for await (const { event } of handle.events())
    if (event.kind === 'effect.committed') console.log(`done ${event.key}  ${JSON.stringify(event.result)}`);
  if (outcome.status === 'succeeded') console.log(`${outcome.output.title}, ${outcome.bill.calls} requests`);
  else console.error(`${outcome.status}: ${outcome.error.message}`);
  process.exitCode = outcome.status === 'succeeded' ? 0 : 1;
  break;
}

async function put(ask: string, question: string, about: unknown): Promise<void> {
  console.log(`\n${question}\n${JSON.stringify(about, undefined, 2)}`);
  if (yes) return void (await answer(ask, true, { by: '--yes' }));
  if (!process.stdin.isTTY) {
    console.log(`\nNobody sits here. npx amdahl answer ${ask} yes, and run this again with --id ${id}.`);
    process.exit(2);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const said = await terminal.question('Do exactly this? [y/N] ');
  terminal.close();
  if (/^y(?:es)?$/i.test(said.trim())) await answer(ask, true);
  else await refuse(ask, 'Not this way.');
}
