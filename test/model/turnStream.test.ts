import type { LanguageModelV4Content, LanguageModelV4GenerateResult, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { collect, type Delta, finalText, StreamFailure } from '../../src/model/turnStream.ts';
import { streamOf } from '../../src/model/wholeStream.ts';
import { failure } from '../support/trial.ts';

const usage: LanguageModelV4GenerateResult['usage'] = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const finish = (unified: 'stop' | 'other' | 'interrupted', raw: string | undefined): LanguageModelV4StreamPart => ({
  type: 'finish',
  finishReason: { unified, raw },
  usage,
});
const stream = (...parts: readonly LanguageModelV4StreamPart[]): ReadableStream<LanguageModelV4StreamPart> =>
  new ReadableStream({
    start: (controller) => {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });

const part: fc.Arbitrary<LanguageModelV4Content> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text: fc.string() }),
  fc.record({ type: fc.constant('reasoning' as const), text: fc.string(), providerMetadata: fc.constant({ p: { signature: 'x' } }) }),
  fc.record({ type: fc.constant('tool-call' as const), toolCallId: fc.uuid(), toolName: fc.string(), input: fc.json() }),
);

test('an answer cut into a stream and put together again is the same answer, and its pieces are its text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (content) => {
      const whole: LanguageModelV4GenerateResult = { content, finishReason: { unified: 'stop', raw: 'stop' }, usage, warnings: [] };
      const told: Delta[] = [];
      expect(await collect(streamOf(whole), 'a/b', (delta) => delta !== undefined && told.push(delta))).toEqual(whole);
      const textOf = (type: string): string => content.map((one) => (one.type === type && 'text' in one ? one.text : '')).join('');
      const toldOf = (type: string): string => told.map((one) => (one.type === type ? one.delta : '')).join('');
      expect([toldOf('text'), toldOf('reasoning')]).toEqual([textOf('text'), textOf('reasoning')]);
    }),
  );
});

test('blocks that are written side by side stand where they began', async () => {
  const { content } = await collect(
    stream(
      { type: 'text-start', id: 'a' },
      { type: 'reasoning-start', id: 'a' },
      { type: 'text-delta', id: 'a', delta: 'one ' },
      { type: 'reasoning-delta', id: 'a', delta: 'why' },
      { type: 'text-delta', id: 'a', delta: 'two' },
      { type: 'reasoning-end', id: 'a', providerMetadata: { p: { signature: 's' } } },
      { type: 'text-end', id: 'a' },
      finish('stop', 'stop'),
    ),
    'a/b',
    () => {},
  );
  expect(content).toEqual([
    { type: 'text', text: 'one two' },
    { type: 'reasoning', text: 'why', providerMetadata: { p: { signature: 's' } } },
  ]);
});

test('the headers of its response are those of the answer', async () => {
  const read = (headers?: Record<string, string>): Promise<LanguageModelV4GenerateResult> =>
    collect(stream(finish('stop', 'stop')), 'a/b', () => {}, headers);
  expect((await read({ 'retry-after': '1' })).response).toEqual({ headers: { 'retry-after': '1' } });
  expect(await read()).not.toHaveProperty('response');
});

test('a block that is begun again under its name is another block', async () => {
  const block = (delta: string): LanguageModelV4StreamPart[] => [
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta },
  ];
  const { content } = await collect(stream(...block('one'), ...block('two'), finish('stop', 'stop')), 'a/b', () => {});
  expect(content).toEqual([
    { type: 'text', text: 'one' },
    { type: 'text', text: 'two' },
  ]);
});

test('the last final answer is told from comments', () => {
  const text = (words: string, phase: string, itemId: string): LanguageModelV4Content => ({
    type: 'text',
    text: words,
    providerMetadata: { openai: { phase, itemId } },
  });
  expect(finalText([text('Looking.', 'commentary', 'a'), text('{"a":', 'final_answer', 'b'), text('1}', 'final_answer', 'b')])).toBe(
    '{"a":1}',
  );
  expect(finalText([text('first', 'final_answer', 'a'), text('second', 'final_answer', 'b')])).toBe('second');
  expect(finalText([{ type: 'text', text: 'plain' }])).toBeUndefined();
});

test.each([
  [
    'ends without a word',
    [
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: '{"ok":true}' },
    ],
  ],
  [
    'ends without a reason',
    [{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: '{"ok":true}' }, finish('other', undefined)],
  ],
] satisfies [string, LanguageModelV4StreamPart[]][])('a stream that %s has broken off, whatever it said', async (_, parts) => {
  const error = await failure(collect(stream(...parts), 'a/b', () => {}));
  expect(error).toMatchObject({ code: 'MODEL_GARBAGE', retryable: 'yes', message: expect.stringContaining('broke off') as unknown });
});

test('an error in a stream is thrown as it came, and the stream is left', async () => {
  let left = false;
  const parts = new ReadableStream<LanguageModelV4StreamPart>({
    pull: (controller) => controller.enqueue({ type: 'error', error: { type: 'overloaded_error' } }),
    cancel: () => {
      left = true;
    },
  });
  const thrown: unknown = await collect(parts, 'a/b', () => {}).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(StreamFailure);
  expect((thrown as StreamFailure).cause).toEqual({ type: 'overloaded_error' });
  expect(left).toBe(true);
});
