// A run in hand: its text while it is written, typed parts, its outcome as a value, and how other processes read it.

import { z } from 'zod';
import { agent, follow, recover, start } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted([
  { text: 'It is a draft about the tides.' },
  { text: 'The moon pulls, the water follows.' },
  { object: { title: 'Tides', points: ['the moon', 'the sun'] } },
]);

const tell = agent({
  name: 'tell',
  model,
  instructions: 'Explain in one sentence.',
  checks: [(answer) => (/\bdraft\b/i.test(answer) ? 'Give the answer itself, not a draft.' : undefined)],
});

const handle = start(tell, 'Why are there tides?', { id: 'tides-1' });

for await (const text of handle.text) console.log(text);

const outcome = await handle.outcome;
if (outcome.status === 'succeeded') console.log(outcome.output, outcome.bill.calls);
else console.log(outcome.status, outcome.error.code);

const outline = agent({
  name: 'outline',
  model,
  instructions: 'Outline the answer.',
  output: z.object({ title: z.string(), points: z.array(z.string()) }),
});

for await (const { title, points = [] } of start(outline, 'Tides').partial) console.log(title ?? '…', points.length);

const again = await follow('tides-1', { agent: tell });
for await (const text of again.text) console.log(text);
console.log((await again.outcome).status);

const { runs, left } = await recover([tell, outline], {
  concurrency: 10,
  onRun: ({ id, status }) => console.log(id, status),
});
console.log(runs.length, left.length);
