// A stand-in for a model, so that the README's example runs without a key: it looks one line up with the tool and
// reports every added line that evaluates a string. No LLM is asked.

import { scripted } from '../../src/testing.ts';

export const model = scripted(
  ({ prompt }) => {
    const text = JSON.stringify(prompt);
    if (prompt.at(-1)?.role === 'user') return { tools: [['blame', { line: 1 }]] };
    return { object: { findings: text.includes('eval(') ? [{ line: 1, quote: '+eval(input)' }] : [] } };
  },
  { modelId: 'quickstart' },
);
