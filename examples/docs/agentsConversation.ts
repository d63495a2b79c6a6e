// A conversation over two runs, with a stand-in that counts.

import { agent, memoryJournal, messages, type ModelMessageLike, run } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted(({ prompt }) => ({ text: `You said ${prompt.filter(({ role }) => role === 'user').length} things.` }));
const journal = memoryJournal();

const chat = agent({ name: 'chat', model, instructions: 'Be brief.', input: messages() });

let history: ModelMessageLike[] = [];
for (const said of ['Hello.', 'And now?']) {
  history = [...history, { role: 'user', content: said }];
  const answer = await run(chat, history, { journal });
  history = [...history, ...answer.messages];
  console.log(answer.output);
}
