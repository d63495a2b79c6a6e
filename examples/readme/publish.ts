// The README's flow, with parts that a stand-in answers.

import { z } from 'zod';
import { agent, flow, memoryJournal, run } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const standIn = scripted((_, nth) => ({ text: `part ${nth}` }), { modelId: 'publish' });
const plan = agent({ name: 'plan', model: standIn, input: z.object({ topic: z.string() }), instructions: 'Outline an article.' });
const write = agent({ name: 'write', model: standIn, instructions: 'Write it out.' });
const draw = agent({ name: 'draw', model: standIn, instructions: 'Describe a picture for it.' });

const publish = flow({
  name: 'publish',
  input: z.object({ topic: z.string() }),
  run: async ({ topic }, ctx) => {
    const outline = await ctx.call(plan, { topic });
    const [text, picture] = await ctx.all([(c) => c.call(write, outline), (c) => c.call(draw, outline)]);
    return { text, picture, at: await ctx.now() };
  },
});

const { output } = await run(publish, { topic: 'journals' }, { journal: memoryJournal() });
console.log(Object.keys(output).join(' '), output.text);
