// What a provider says of its limits, on its way from the socket into the answer that the gate gets.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { createAnthropic as anthropicV2 } from 'anthropic-v2';
import { createOpenAI as openaiV2 } from 'openai-v2';
import { createOpenAI as openaiV3 } from 'openai-v3';
import { expect, onTestFinished, test } from 'vitest';
import { adapted } from '../../src/model/adapted.ts';
import { announcedIn } from '../../src/model/announced.ts';
import { collect } from '../../src/model/turnStream.ts';
import { startModelServer } from '../../src/testing.ts';
import { type Wire, wires } from './wires.ts';

const older: Readonly<Record<string, Wire>> = {
  'openai.chat of AI SDK 5': (baseURL) => adapted(openaiV2({ baseURL, apiKey: 'k' }).chat('gpt-4o')),
  'openai.responses of AI SDK 5': (baseURL) => adapted(openaiV2({ baseURL, apiKey: 'k' }).responses('gpt-5')),
  'anthropic.messages of AI SDK 5': (baseURL) => adapted(anthropicV2({ baseURL, apiKey: 'k' })('claude-sonnet-4-5')),
  'openai.chat of AI SDK 6': (baseURL) => adapted(openaiV3({ baseURL, apiKey: 'k' }).chat('gpt-4o')),
  'openai.responses of AI SDK 6': (baseURL) => adapted(openaiV3({ baseURL, apiKey: 'k' }).responses('gpt-5')),
};

const ASK: LanguageModelV4CallOptions = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'Say something.' }] }] };
const THROTTLE = { requestsPerMinute: 1_200, burstRequests: 20, tokensPerMinute: 60_000 };

async function answer(model: LanguageModelV4, stream: boolean): Promise<LanguageModelV4GenerateResult> {
  if (!stream) return model.doGenerate(ASK);
  const streamed = await model.doStream(ASK);
  return collect(streamed.stream, 'a/b', () => {}, streamed.response?.headers);
}

test.each(Object.entries({ ...wires, ...older }).flatMap(([name, wire]) => [false, true].map((stream) => ({ name, wire, stream }))))(
  'the limits that $name announces reach the gate (streamed: $stream)',
  async ({ wire, stream }) => {
    const server = await startModelServer({ answers: () => 'a stone', throttle: THROTTLE });
    onTestFinished(() => server.close());
    const { response, content } = await answer(wire(server.baseUrl()), stream);
    expect(content.at(-1)).toMatchObject({ type: 'text', text: 'a stone' });
    const { requests, tokens } = announcedIn(response?.headers, Date.now());
    expect(requests).toMatchObject({ perMs: 0.02, remaining: 19 });
    expect(requests?.size).toBeGreaterThanOrEqual(19);
    expect(tokens?.perMs).toBe(1);
    expect(tokens?.remaining).toBeLessThan(60_000);
  },
);
