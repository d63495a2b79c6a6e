// Agents put together, in each way there is.

import { z } from 'zod';
import { agent, all, flow, map, mapReduce, memoryJournal, pipe, run, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted(({ prompt }, nth) => {
  if (JSON.stringify(prompt).includes('torn')) return { error: new Error('the page is torn') };
  return { text: `text ${nth}` };
});

const outline = agent({ name: 'outline', model, instructions: 'Outline an article.' });
const write = agent({ name: 'write', model, instructions: 'Write it out.' });
const draw = agent({ name: 'draw', model, instructions: 'Describe a picture for it.' });

const article = pipe(outline, write); // text in, text out
const both = all({ text: write, picture: draw }); // the same input to each: { text, picture }
const many = map(article, { concurrency: 5 }); // a list in, a list out

const journal = memoryJournal();
console.log((await run(article, 'tides', { journal })).output);
console.log((await run(both, 'tides', { journal })).output);
console.log((await run(many, ['tides', 'moons'], { journal })).output.length);

const summarize = agent({ name: 'summarize', model, instructions: 'Sum the page up.', attempts: 1 });
const join = step({
  name: 'join',
  version: '1',
  input: z.array(z.string()),
  execute: (summaries) => summaries.join('\n'),
});
const digest = mapReduce({ map: summarize, reduce: join, atLeast: 0.6 });

const { output, missing } = await run(digest, ['first page', 'torn page', 'last page'], { journal });
console.log(
  output,
  missing.map(({ index, error }) => [index, error.code]),
);

const publish = flow({
  name: 'publish',
  input: z.object({ topic: z.string(), long: z.boolean() }),
  uses: [outline, write, draw],
  run: async ({ topic, long }, ctx) => {
    const plan = await ctx.call(outline, topic);
    if (!long) return { text: plan, picture: '', at: await ctx.now() };
    const [text, picture] = await ctx.all([(c) => c.call(write, plan), (c) => c.call(draw, plan)]);
    return { text, picture, at: await ctx.now() };
  },
});
console.log(Object.keys((await run(publish, { topic: 'tides', long: true }, { journal })).output));
