// A process of asks.test.ts: one that drives runs which ask people, or one that answers them. Told what to do by its arguments, it
// tells on stdout what came of it.

import { createInterface } from 'node:readline';
import { z } from 'zod';
import { answer, AmdahlError, asks, flow, human, map, recover, run, sqliteJournal, start, step } from '../../src/index.ts';

const [task = '', dir = '', ...rest] = process.argv.slice(2);
const journal = sqliteJournal({ dir, synchronous: 'normal' });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const Asked = z.object({ n: z.number() });
const Said = z.object({ word: z.string() });

/** What a run asks of each person: a word for one number. */
const word = human({
  name: 'word',
  input: Asked,
  output: Said,
  question: ({ n }) => `A word for ${n}?`,
});
const keep = step({ name: 'keep', version: '1', input: Said, execute: ({ word: said }) => said.toUpperCase() });
const one = flow({
  name: 'one',
  input: Asked,
  run: async (input, ctx): Promise<string> => await ctx.call(keep, await ctx.call(word, input)),
});
const words = map(one, { concurrency: 1_000 });

switch (task) {
  /** Starts runs with so many questions each, and drives them until it is killed or they are over. */
  case 'begin': {
    const [runs = 0, questions = 0] = rest.map(Number);
    for (let nth = 0; nth < runs; nth += 1) {
      const input = Array.from({ length: questions }, (_, n) => ({ n: nth * questions + n }));
      start(words, input, { journal, id: `words-${nth}` });
    }
    break;
  }
  /** Takes up what such a process left, and drives it. */
  case 'recover': {
    const { runs } = await recover([words, one], { journal, concurrency: 100, onPark: rest[0] === 'return' ? 'return' : 'wait' });
    say(JSON.stringify(runs.map(({ id, status }) => ({ id, status }))));
    await journal.close();
    break;
  }
  /** Answers what is open in an order of its own, so many for each line that it is sent, until nothing is. */
  case 'answer': {
    const [name = '', seed = '1', many = '1'] = rest;
    let state = Number(seed);
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const orders = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    say('ready');
    while ((await orders.next()).done !== true) {
      const open = (await asks({ journal })).map((each) => ({ ask: each.ask, at: random() }));
      for (const { ask } of open.toSorted((a, b) => a.at - b.at).slice(0, Number(many))) {
        const said = `${name}-${Math.floor(random() * 1e9)}`;
        try {
          await answer(ask, { word: said }, { journal, by: name });
          say(`${ask} ${said}`);
        } catch (thrown) {
          if (!(thrown instanceof AmdahlError && thrown.code === 'ASK_CLOSED')) throw thrown;
          say('closed');
        }
      }
      say('done');
    }
    await journal.close();
    break;
  }
  /** Runs until it is parked, and ends. */
  case 'park': {
    try {
      const { output } = await run(one, { n: 7 }, { journal, id: 'parks', onPark: 'return' });
      say(`over ${output}`);
    } catch (thrown) {
      say(thrown instanceof AmdahlError ? thrown.code : String(thrown));
    }
    await journal.close();
    break;
  }
  default:
    throw new Error(`There is no task '${task}'.`);
}
