// Which model answers: the one that AMDAHL_MODEL names, else one of the provider whose key is set, in the environment or in
// .env. Without a key a stand-in answers: nothing is sent anywhere, and what it says is made up.

import { setTimeout } from 'node:timers/promises';
import { madeUp, scripted } from 'amdahl/testing';

const { AMDAHL_MODEL, ANTHROPIC_API_KEY, OPENAI_API_KEY, GOOGLE_GENERATIVE_AI_API_KEY } = process.env;

const standIn = scripted(
  async (request, nth) => {
    if (nth === 0) console.error('No key is set, so a stand-in answers: what it says is made up. See .env.example.');
    await setTimeout(500); // as if it had to think
    return madeUp(request);
  },
  { modelId: 'stand-in' },
);

function chosen() {
  if (AMDAHL_MODEL) return AMDAHL_MODEL;
  if (ANTHROPIC_API_KEY) return 'anthropic/claude-sonnet-4-5';
  if (OPENAI_API_KEY) return 'openai/gpt-5';
  if (GOOGLE_GENERATIVE_AI_API_KEY) return 'google/gemini-2.5-flash';
  return standIn;
}

export const model = chosen();
