// One run, three times: as it is, again, and after an edit.

import { agent, flow, memoryJournal, run } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted((_, nth) => ({ text: `answer ${nth}` }));

const article = (style: string) => {
  const outline = agent({ name: 'outline', model, instructions: 'Outline an article.' });
  const write = agent({ name: 'write', model, instructions: `Write it out, ${style}.` });
  return flow({
    name: 'article',
    run: async (topic, ctx) => await ctx.call(write, await ctx.call(outline, topic)),
  });
};

const journal = memoryJournal();
for (const style of ['plainly', 'plainly', 'in verse']) {
  const asked = model.requests.length;
  const { resume } = await run(article(style), 'tides', { id: 'article-1', journal });
  console.log(`${model.requests.length - asked} requests`, resume?.bought);
}
