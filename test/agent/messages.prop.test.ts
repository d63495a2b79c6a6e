// Conversations are sent as AI SDK itself would send them: compared with the functions of the installed `ai`.

import type { LanguageModelV4FilePart, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { convertToModelMessages, type ModelMessage, type UIMessage } from 'ai';
import { convertToLanguageModelPrompt } from 'ai/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Attachment, type Message, messages } from '../../src/index.ts';
import { contentOf } from '../../src/agent/files.ts';
import { historyOf } from '../../src/model/history.ts';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2]).toString('base64');
const PDF = Buffer.from('%PDF-1').toString('base64');

const metadata = fc.option(fc.constantFrom({ openai: { itemId: 'i' } }, { anthropic: { signature: 's', n: [1, null] } }), {
  nil: undefined,
});
const text = fc.record({ type: fc.constant('text'), text: fc.constantFrom('', 'a', 'Größe\n'), providerMetadata: metadata });
const file = fc.record({
  type: fc.constant('file'),
  mediaType: fc.constantFrom('image/png', 'image/*', 'application/pdf'),
  filename: fc.option(fc.constant('a.png'), { nil: undefined }),
  url: fc.constantFrom(`data:image/png;base64,${PNG}`, `data:application/pdf;base64,${PDF}`, 'https://a.example/b.png?c=1'),
  providerMetadata: metadata,
});
const json = fc.jsonValue({ maxDepth: 2 });
const approval = fc.option(
  fc.record({ id: fc.constant('p'), approved: fc.constant(false), reason: fc.option(fc.constant('no'), { nil: undefined }) }),
  { nil: undefined },
);
const tool = fc
  .record({
    kind: fc.constantFrom('tool-search', 'dynamic-tool'),
    toolCallId: fc.uuid(),
    state: fc.constantFrom(
      'input-streaming',
      'input-available',
      'approval-requested',
      'approval-responded',
      'output-available',
      'output-error',
      'output-denied',
    ),
    input: fc.option(json, { nil: undefined }),
    rawInput: fc.constantFrom('{"a', undefined),
    output: fc.oneof(json, fc.string(), fc.constant(undefined)),
    errorText: fc.string(),
    providerExecuted: fc.constantFrom(undefined, false, true),
    preliminary: fc.constantFrom(undefined, false, true),
    callProviderMetadata: metadata,
    resultProviderMetadata: metadata,
    approval,
  })
  .map(({ kind, state, approval: asked, ...rest }) => ({
    type: kind,
    ...(kind === 'dynamic-tool' ? { toolName: 'lookUp' } : {}),
    state,
    ...rest,
    // As ai keeps them: only what was asked about has an approval, and it is answered where that is told.
    ...(state === 'approval-requested' ? { approval: { id: 'p' } } : {}),
    ...(state === 'approval-responded' || state === 'output-denied' ? { approval: asked ?? { id: 'p', approved: false } } : {}),
  }));
const others = fc.constantFrom(
  { type: 'step-start' },
  { type: 'data-weather', data: { c: 3 } },
  { type: 'source-url', sourceId: '1', url: 'https://a.example' },
  { type: 'custom', kind: 'openai.compaction', providerMetadata: { openai: { id: 'c' } } },
  { type: 'reasoning-file', mediaType: 'image/png', url: `data:image/png;base64,${PNG}` },
  { type: 'steering-message', parts: [{ type: 'text', text: 'shorter, please' }] },
);
const reasoning = fc.record({ type: fc.constant('reasoning'), text: fc.constantFrom('', 'hm'), providerMetadata: metadata });
const message = fc.oneof(
  { weight: 1, arbitrary: fc.record({ role: fc.constant('system'), parts: fc.array(text, { maxLength: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ role: fc.constant('user'), parts: fc.array(fc.oneof(text, file, others), { maxLength: 4 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      role: fc.constant('assistant'),
      parts: fc.array(fc.oneof(text, file, reasoning, tool, tool, others), { maxLength: 7 }),
    }),
  },
);
const conversation = fc.array(message, { minLength: 1, maxLength: 6 }) as unknown as fc.Arbitrary<UIMessage[]>; // as ai types them

const contract = messages({ system: 'keep' })['~standard'];

function sent(value: unknown): LanguageModelV4Prompt | undefined {
  const read = contract.validate(value);
  if (read instanceof Promise) throw new Error('it takes its time');
  return read.issues === undefined ? historyOf(read.value, fileOf) : undefined;
}

function fileOf({ $file, mediaType = '', ...rest }: Attachment): LanguageModelV4FilePart {
  const bytes = contentOf({ $file, ...rest });
  const data = bytes === undefined ? ({ type: 'url', url: new URL($file) } as const) : ({ type: 'data', data: bytes } as const);
  return { type: 'file', mediaType, data };
}

/** Bytes as base64, without what is undefined, and without messages that say nothing. */
function comparable(prompt: LanguageModelV4Prompt | undefined): unknown {
  const plain = JSON.stringify(prompt, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  );
  return (JSON.parse(plain ?? 'null') as LanguageModelV4Prompt | null)?.filter(({ content }) => content.length > 0) ?? [];
}

async function expected(model: ModelMessage[]): Promise<unknown> {
  return comparable(
    await convertToLanguageModelPrompt({ prompt: { messages: model } as never, supportedUrls: { '*': [/./] }, download: undefined }),
  );
}

test('UI messages are sent as ai sends them', async () => {
  let said = 0;
  await fc.assert(
    fc.asyncProperty(conversation, async (ui) => {
      const own = sent(ui);
      const model = await convertToModelMessages(ui, { ignoreIncompleteToolCalls: true });
      const theirs = await expected(model);
      // A conversation that says nothing is refused here.
      if (own === undefined) expect((theirs as LanguageModelV4Prompt).filter(({ role }) => role !== 'system')).toEqual([]);
      else {
        said += 1;
        expect(comparable(own)).toEqual(theirs);
      }
    }),
    { numRuns: 600 },
  );
  expect(said).toBeGreaterThan(200);
});

test('model messages are sent as ai sends them, and what is made of them is taken again', async () => {
  await fc.assert(
    fc.asyncProperty(conversation, async (ui) => {
      const model = await convertToModelMessages(ui, { ignoreIncompleteToolCalls: true });
      const own = sent(model);
      if (own === undefined) return;
      expect(comparable(own)).toEqual(await expected(model));
      const read = contract.validate(model) as { value: readonly Message[] };
      const again = contract.validate(JSON.parse(JSON.stringify(read.value))) as { value: readonly Message[] };
      expect(again.value).toEqual(JSON.parse(JSON.stringify(read.value)));
    }),
    { numRuns: 300 },
  );
});
