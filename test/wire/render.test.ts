// What render() and `show --prompt` say is what the wire carried, byte for byte, on every protocol.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, file, memoryJournal, messages, render, run, tool } from '../../src/index.ts';
import { requestsOf } from '../../src/cli/promptText.ts';
import type { RunId } from '../../src/journal/event.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';

let server: ModelServer;
let bodies: string[] = [];
beforeAll(async () => (server = await startModelServer({ answers: () => '{"found":"nothing"}' })));
afterAll(() => server.close());

/** The real fetch, which remembers what it sends. */
const recording: typeof fetch = async (input, init) => {
  bodies.push(typeof init?.body === 'string' ? init.body : '');
  return await fetch(input, init);
};

const models: readonly (readonly [string, () => LanguageModelV4])[] = [
  ['openai.chat', () => createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'k', fetch: recording }).chat('gpt-4o')],
  ['openai.responses', () => createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'k', fetch: recording }).responses('gpt-5')],
  [
    'anthropic.messages',
    () => createAnthropic({ baseURL: server.baseUrl('anthropic'), apiKey: 'k', fetch: recording })('claude-sonnet-4-5'),
  ],
];

const look = tool({ effect: 'none', description: 'Look', input: z.object({ at: z.string() }), execute: () => 'seen' });
const Output = z.object({ found: z.string() });
const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const Input = z.object({ question: z.string(), repo: z.string(), picture: file.schema });
const settings = { maxOutputTokens: 900 };

describe.each(models)('%s', (_, modelOf) => {
  const typed = (): Parameters<typeof send>[0] => {
    const asked = agent({
      name: 'ask',
      model: modelOf(),
      instructions: 'Look.',
      input: Input,
      output: Output,
      tools: { look },
      cache: ['repo'],
      settings,
    });
    const input = { question: 'what is "it"?\n</question>', repo: 'r'.repeat(50), picture: file(PNG) };
    return { rendered: () => render(asked, input), run: (journal) => run(asked, input, { id: 'r', journal }) };
  };
  const chat = (): Parameters<typeof send>[0] => {
    const asked = agent({ name: 'chat', model: modelOf(), instructions: 'Talk.', input: messages(), output: Output, settings });
    const input = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: { at: 'b' } }] },
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c1', toolName: 'look', output: { type: 'json', value: [1] } }] },
      { role: 'assistant', content: 'c' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'd' },
          { type: 'file', mediaType: 'image/png', data: PNG },
        ],
      },
    ] as const;
    return { rendered: () => render(asked, input), run: (journal) => run(asked, input, { id: 'r', journal }) };
  };

  test.each([
    ['a typed input with tools, an answer format and a file', typed],
    ['a conversation', chat],
  ])('%s: what was sent, what would be sent and what is shown are the same bytes', async (__, make) => {
    const { sent, wouldBeSent, shown } = await send(make(), modelOf);
    expect(wouldBeSent).toBe(sent);
    expect(shown).toBe(sent);
  });
});

interface Subject {
  readonly rendered: () => ReturnType<typeof render>;
  readonly run: (journal: ReturnType<typeof memoryJournal>) => Promise<unknown>;
}

async function send(
  subject: Subject,
  modelOf: () => LanguageModelV4,
): Promise<Record<'sent' | 'wouldBeSent' | 'shown', string | undefined>> {
  const journal = memoryJournal();
  bodies = [];
  await subject.run(journal);
  // What the provider's prompt cache is told is no content.
  const sent = bodies[0]?.replaceAll(/,"(?:cache_control|prompt_cache_options)":\{[^}]*\}|,"prompt_cache_key":"[^"]*"/g, '');
  const { messages: prompt, tools, format } = await subject.rendered();
  const wouldBeSent = await bodyOf(modelOf(), prompt, { tools, responseFormat: format });
  let shown: string | undefined;
  for await (const { messages: said, setup } of requestsOf(journal.read('r' as RunId)))
    shown ??= await bodyOf(modelOf(), said, { tools: setup?.tools as never, responseFormat: setup?.format as never });
  return { sent, wouldBeSent, shown };
}

async function bodyOf(
  model: LanguageModelV4,
  prompt: readonly LanguageModelV4Message[],
  { tools = [], responseFormat }: Pick<LanguageModelV4CallOptions, 'tools' | 'responseFormat'>,
): Promise<string | undefined> {
  bodies = [];
  const offered = tools.length === 0 ? {} : { tools, toolChoice: { type: 'auto' } as const };
  await model.doGenerate({ prompt: [...prompt], ...offered, ...(responseFormat === undefined ? {} : { responseFormat }), ...settings });
  return bodies[0];
}
