// What a program reads of an error.

import { agent, AmdahlError, run, RunError } from '../../src/index.ts';
import { deny } from '../../src/testing.ts';
import { z } from 'zod';

const review = agent({ name: 'review', instructions: 'Find bugs.', input: z.object({ diff: z.string() }) });

try {
  await run(review, { diff: '+eval(input)' }, { models: { '*': deny } });
} catch (error) {
  if (!(error instanceof AmdahlError)) throw error;
  console.log(error.code); // 'MODEL_DENIED'
  console.log(error.where); // the run, the call ('sweep[3]/review'), the attempt
  console.log(error.retryable); // 'no', 'yes' or { afterMs }
  if (error instanceof RunError) {
    console.log(error.bill.calls, await error.achieved());
  }
}
