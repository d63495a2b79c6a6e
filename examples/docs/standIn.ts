// Stand-ins for models, so that the code of the pages runs without a key. No LLM is asked.

import { scripted, type ScriptedModel } from '../../src/testing.ts';

/** Reports the lines of a change that evaluate a string. */
export const reviewer: ScriptedModel = scripted(
  ({ prompt }) => ({ object: { findings: JSON.stringify(prompt).includes('eval(') ? [{ line: 1, quote: '+eval(input)' }] : [] } }),
  { modelId: 'reviewer' },
);

/** Greets whoever greets. */
export const talker: ScriptedModel = scripted(() => ({ text: 'Good morning to you, too.' }), { modelId: 'talker' });
