// What a model sees of secrets, and what is refused.

import { AmdahlError, agent, run } from '../../src/index.ts';
import { lastMessage, scripted } from '../../src/testing.ts';
import { z } from 'zod';

const model = scripted((request) => ({ text: `I read: ${lastMessage(request)}` }));
const answer = agent({ name: 'answer', model, instructions: 'Answer the customer.' });

const secrets = {
  values: { warehouse: 'wh-7719-token' },
  patterns: { iban: /\bDE\d{20}\b/ },
};
const { output } = await run(answer, 'Pay to DE12345678901234567890 with wh-7719-token', { secrets });
console.log(output); // I read: Pay to [secret:iban] with [secret:warehouse]

const declared = agent({ name: 'declared', model, instructions: 'Pay.', input: z.object({ account: z.string() }) });
try {
  await run(declared, { account: 'DE12345678901234567890' }, { secrets });
} catch (error) {
  if (error instanceof AmdahlError) console.log(error.code, error.data); // SECRET_IN_CONTRACT { side: 'input', path: 'account', secret: 'iban' }
}
