import type { LanguageModelV4Prompt, LanguageModelV4ToolResultOutput } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { estimatePrompt, estimateSetup, estimateTokens } from '../../src/model/tokens.ts';

// Counted with the o200k_base vocabulary.
test.each([
  ['English', 'Splitting work over several agents is building a distributed system, with its coordination tax and its failure modes.', 21],
  [
    'code',
    'export function sum(values: readonly number[]): number {\n  let total = 0;\n  for (const value of values) total += value;\n  return total;\n}\n',
    34,
  ],
  [
    'JSON',
    '{"findings":[{"file":"src/run/call.ts","line":128,"quote":"const x = eval(y);"},{"file":"src/a.ts","line":7,"quote":"new Function(z)"}]}',
    44,
  ],
  ['German', 'Die Aufteilung der Arbeit auf mehrere Agenten bedeutet, ein verteiltes System zu bauen.', 19],
  ['Chinese', '把工作分给几个智能体就是在构建一个分布式系统。', 17],
  ['numbers', '2025 1048576 3.14159 -12,345.67', 17],
])('%s is estimated within a quarter even of a short text', (_, text, counted) => {
  expect(Math.abs(estimateTokens(text) / counted - 1)).toBeLessThan(0.25);
});

test('nothing is no token, and long white space is few', () => {
  expect(estimateTokens('')).toBe(0);
  expect(estimateTokens(`a${' '.repeat(500)}b`)).toBeLessThan(6);
  expect(estimateTokens(`a\n${' '.repeat(500)}\n\nb`)).toBeLessThan(6);
});

const prompt: LanguageModelV4Prompt = [
  { role: 'system', content: 'Find bugs.' },
  { role: 'user', content: [{ type: 'text', text: 'Here is the code.' }] },
  { role: 'assistant', content: [{ type: 'tool-call', toolCallId: '1', toolName: 'read', input: { path: 'a.ts' } }] },
  { role: 'tool', content: [{ type: 'tool-result', toolCallId: '1', toolName: 'read', output: { type: 'text', value: 'const x = 1;' } }] },
];

describe('a conversation', () => {
  test('costs its texts and something for each message', () => {
    const texts = ['Find bugs.', 'Here is the code.', 'read', '{"path":"a.ts"}', 'read', 'const x = 1;'];
    const bare = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
    const estimated = estimatePrompt(prompt);
    expect(estimated).toBeGreaterThan(bare + prompt.length);
    expect(estimated).toBeLessThan(bare + 12 * prompt.length);
  });

  test('grows with every message, by what the message holds', () => {
    const longer: LanguageModelV4Prompt = [...prompt, { role: 'user', content: [{ type: 'text', text: 'word '.repeat(1000) }] }];
    const added = estimatePrompt(longer) - estimatePrompt(prompt);
    expect(added).toBeGreaterThan(700);
    expect(added).toBeLessThan(1400);
  });

  test('counts pictures and files though they have no text', () => {
    const user = (mediaType: string, data: Uint8Array): LanguageModelV4Prompt => [
      { role: 'user', content: [{ type: 'file', mediaType, data: { type: 'data', data } }] },
    ];
    expect(estimatePrompt(user('image/png', new Uint8Array(10)))).toBeGreaterThan(1000);
    expect(estimatePrompt(user('application/pdf', new Uint8Array(1_000_000)))).toBeGreaterThan(20_000);
    expect(estimatePrompt(user('text/plain', new Uint8Array(4000)))).toBeGreaterThan(900);
  });

  test('every kind of tool result is counted', () => {
    const result = (output: LanguageModelV4ToolResultOutput): number =>
      estimatePrompt([{ role: 'tool', content: [{ type: 'tool-result', toolCallId: '1', toolName: 'read', output }] }]);
    const text = 'one two three four five six seven eight nine ten';
    const empty = result({ type: 'text', value: '' });
    const outputs: LanguageModelV4ToolResultOutput[] = [
      { type: 'text', value: text },
      { type: 'error-text', value: text },
      { type: 'json', value: { text } },
      { type: 'error-json', value: [text] },
      { type: 'execution-denied', reason: text },
      { type: 'content', value: [{ type: 'text', text }] },
    ];
    for (const output of outputs) expect(result(output) - empty).toBeGreaterThan(7);
  });
});

test('tools and the schema of the answer have a price too', () => {
  const inputSchema = {
    type: 'object' as const,
    properties: { path: { type: 'string' as const, description: 'the file to read, from the root' } },
  };
  const tools = [{ type: 'function' as const, name: 'read', description: 'Read one file', inputSchema }];
  expect(estimateSetup({ tools })).toBeGreaterThan(30);
  expect(estimateSetup({ responseFormat: { type: 'json', schema: inputSchema } })).toBeGreaterThan(20);
  expect(estimateSetup({ responseFormat: { type: 'text' } })).toBe(0);
});
