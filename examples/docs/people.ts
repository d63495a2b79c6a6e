// A person as an agent, answered from the same journal; approvals and budgets that ask. A stand-in model writes.

import { z } from 'zod';
import { agent, answer, asks, human, memoryJournal, pipe, run, start, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const journal = memoryJournal();
const model = scripted([{ object: { title: 'The analytical engine', text: 'It weaves patterns.' } }]);
const bank = { pay: async (invoice: string, usd: number, key: string): Promise<string> => `${invoice} ${usd} ${key.length}` };

const write = agent({
  name: 'write',
  model,
  instructions: 'Write a short article.',
  output: z.object({ title: z.string(), text: z.string() }),
});

const editor = human({
  name: 'editor',
  input: z.object({ title: z.string(), text: z.string() }),
  output: z.object({ publish: z.boolean(), note: z.string().optional() }),
  question: ({ title }) => `May "${title}" be published?`,
  expires: 24 * 3_600_000,
  otherwise: { publish: false, note: 'nobody looked at it in a day' },
});

const article = pipe(write, editor);

const outcome = await start(article, 'The analytical engine', { id: 'article-1', journal, onPark: 'return' }).outcome;
console.log(outcome.status);

for (const { ask, question, about } of await asks({ journal })) {
  console.log(question, about);
  await answer(ask, { publish: true }, { by: 'ada', journal });
}
const { output } = await run(article, 'The analytical engine', { id: 'article-1', journal });
console.log(output);

const pay = tool({
  effect: 'staged',
  description: 'Pay an invoice',
  input: z.object({ invoice: z.string(), usd: z.number() }),
  approve: ({ usd }) => usd >= 100,
  execute: async ({ invoice, usd }, { key }) => await bank.pay(invoice, usd, key),
});

const research = agent({ name: 'research', model, instructions: 'Find out.', budget: { calls: 20, onLimit: 'ask' } });
console.log(pay.effect, research.budget);
