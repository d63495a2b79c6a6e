import type { LanguageModelV4Message } from '@ai-sdk/provider';
import { expect, it } from 'vitest';
import { readable, withSystem } from '../../src/model/foreign.ts';

const SYSTEM: LanguageModelV4Message = { role: 'system', content: 'Do.' };
const USER: LanguageModelV4Message = { role: 'user', content: [{ type: 'text', text: 'go' }] };
const marks = { providerOptions: { openai: { itemId: 'i-1' } } };

function answered(content: Extract<LanguageModelV4Message, { role: 'assistant' }>['content']): LanguageModelV4Message {
  return { role: 'assistant', content };
}

function result(toolCallId: string): LanguageModelV4Message {
  return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName: 'look', output: { type: 'text', value: 'seen' } }] };
}

it('is the same conversation where nothing is foreign', () => {
  const prompt = [SYSTEM, USER, answered([{ type: 'text', text: 'fine', ...marks }])];
  expect(readable(prompt, () => true)).toBe(prompt);
  expect(readable([SYSTEM, USER], () => false)).toEqual([SYSTEM, USER]);
});

it('keeps texts and calls of own tools, and nothing else of what another said', () => {
  const prompt = [
    USER,
    answered([
      { type: 'reasoning', text: 'hm', ...marks },
      { type: 'text', text: 'fine', ...marks },
      { type: 'tool-call', toolCallId: 'search', toolName: 'web_search', input: {}, providerExecuted: true },
      { type: 'tool-result', toolCallId: 'search', toolName: 'web_search', output: { type: 'json', value: [] } },
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'AA==' } },
      { type: 'reasoning-file', mediaType: 'image/png', data: { type: 'data', data: 'AA==' } },
      { type: 'custom', kind: 'openai.compaction', ...marks },
    ]),
  ];
  expect(readable(prompt, () => false)).toEqual([USER, answered([{ type: 'text', text: 'fine' }])]);
});

it('tells calls of equal ids by two authors apart, and leaves what the reader itself said alone', () => {
  const call = (id: string): LanguageModelV4Message =>
    answered([{ type: 'tool-call', toolCallId: id, toolName: 'look', input: { at: 1 }, ...marks }]);
  const prompt = [USER, call('call-1'), result('call-1'), call('call-1'), result('call-1'), USER];
  const read = readable(prompt, (nth) => nth === 1);
  const id = expect.stringMatching(/^[A-Za-z0-9]{9}$/) as string;
  expect(read).toMatchObject([USER, { content: [{ toolCallId: id, input: { at: 1 } }] }, { content: [{ toolCallId: id }] }, {}, {}, USER]);
  expect(read[3]).toBe(prompt[3]);
  expect(read[4]).toBe(prompt[4]);
  expect(JSON.stringify(read[1])).not.toContain('itemId');
  const ids = [...JSON.stringify(read).matchAll(/"toolCallId":"([^"]*)"/g)].map(([, one]) => one);
  expect(ids).toEqual([ids[0], ids[0], 'call-1', 'call-1']);
});

it('does not change what it is given', () => {
  const prompt = [USER, answered([{ type: 'reasoning', text: 'hm' }]), USER];
  const before = structuredClone(prompt);
  expect(readable(prompt, () => false)).toEqual([USER, USER]);
  expect(prompt).toEqual(before);
});

it('has another beginning only where it begins with the system', () => {
  const other: LanguageModelV4Message = { role: 'system', content: 'Do it thus.' };
  expect(withSystem([SYSTEM, USER], other)).toEqual([other, USER]);
  expect(withSystem([USER], other)).toEqual([USER]);
});
