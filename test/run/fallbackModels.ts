// Models and agents for tests of fall-backs: models that fail when they are told to, and what they were sent.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { expect } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, AmdahlError, type ErrorCode, tool } from '../../src/index.ts';
import type { ModelChoice } from '../../src/agent/agent.ts';
import { requestsOf, type SentRequest } from '../../src/cli/promptText.ts';
import type { RunId } from '../../src/journal/event.ts';
import { type ScriptedModel, type ScriptedTurn, scripted } from '../../src/testing.ts';
import type { Trial } from '../support/trial.ts';

export const down: (code?: ErrorCode) => ScriptedTurn = (code = 'MODEL_UNAVAILABLE') => ({ error: new AmdahlError(code, 'Not now.') });
export const named = (modelId: string, ...turns: readonly ScriptedTurn[]): ScriptedModel => scripted(turns, { modelId });
export const say = (...model: readonly ModelChoice[]): Agent<string, string> => agent({ name: 'say', instructions: 'Say it.', model });

export const look = tool({
  description: 'Look.',
  effect: 'none',
  version: '1',
  input: z.object({ at: z.string() }),
  execute: ({ at }) => `seen ${at}`,
});
export const seek = (...model: readonly ModelChoice[]): Agent<string, string> =>
  agent({ name: 'seek', instructions: 'Seek.', model, tools: { look } });
export const calls = (at: string): ScriptedTurn => ({ tools: [['look', { at }]] });

/** A model whose provider passes no form of an answer on. */
export function formless(model: ScriptedModel): LanguageModelV4 & { readonly requests: ScriptedModel['requests'] } {
  return Object.assign(Object.create(model) as ScriptedModel, { supportsStructuredOutputs: false });
}

/** Holds `show --prompt` to what the models were really sent, in order of the turns. */
export async function showsWhatWasSent(
  trial: Trial,
  ...models: readonly { readonly modelId: string; readonly requests: ScriptedModel['requests'] }[]
): Promise<readonly SentRequest[]> {
  const sent: SentRequest[] = [];
  for await (const one of requestsOf(trial.journal.read('r' as RunId))) sent.push(one);
  for (const { modelId, requests } of models)
    expect(sent.filter(({ model }) => model === `scripted/${modelId}`).map(({ messages }) => messages)).toEqual(
      requests.map(({ prompt }) => prompt),
    );
  return sent;
}
