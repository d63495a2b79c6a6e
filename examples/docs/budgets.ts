// Caps on an agent, on a map and on the run, and what was spent.

import { agent, map, run } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted(() => ({ text: 'no bugs' }));
const diffs = ['+let x = 1', '+let y = 2'];

const review = agent({ name: 'review', model, instructions: 'Find correctness bugs.', budget: { calls: 8 } });
const sweep = map(review, { budget: { tokens: 2_000_000, ms: 600_000 } });

const { bill } = await run(sweep, diffs, {
  budget: { usd: 5 },
  prices: { 'scripted/*': { in: 3, out: 15, cached: 0.3 } },
});
console.log(bill.calls, bill.tokensIn + bill.tokensOut, bill.usdMicros / 1e6);
