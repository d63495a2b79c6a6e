// A program as `amdahl run` takes it.

import { agent } from '../../src/index.ts';

export const options = {
  rateLimits: { 'openai/*': { requestsPerMinute: 500 } },
  budget: { calls: 200 },
};

export default agent({ name: 'review', instructions: 'Find correctness bugs in the change.' });
