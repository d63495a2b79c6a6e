// Two tenants that ask the same, each twice: two purchases. Then an edit, and a run that buys what changed alone.

import { agent, map, memoryJournal, run } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted(() => ({ text: 'fine' }));
const journal = memoryJournal();

const classify = agent({
  name: 'classify',
  model,
  instructions: 'Say what the letter is about.',
  reuse: { from: 'journal', maxAgeMs: 7 * 86_400_000 },
});

for (const tenant of ['blue', 'green', 'blue', 'green']) {
  const { bill } = await run(classify, 'My order is late.', { journal, scope: tenant });
  console.log(tenant, bill.calls, 'requests', bill.reused?.answers ?? 0, 'answers of others');
}

const letters = ['My order is late.', 'Thank you!'];
const first = await run(map(classify), letters, { journal, scope: 'blue', id: 'letters-1' });
const second = await run(map(classify), [...letters, 'Where is my order?'], {
  journal,
  rerun: 'letters-1',
  id: 'letters-2',
});
console.log(first.bill.calls, second.bill.calls, model.requests.length);
