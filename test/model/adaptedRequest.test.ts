import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { expect, test } from 'vitest';
import { adapted } from '../../src/model/adapted.ts';
import { OlderV2, OlderV3, user } from '../support/olderModels.ts';

const png = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'aGk=' } } as const;
const result = (output: object): LanguageModelV4CallOptions => ({
  prompt: [{ role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c1', toolName: 'look', output: output as never }] }],
});

test('everything but the prompt reaches an older model unchanged', async () => {
  const settings = {
    maxOutputTokens: 9,
    temperature: 0.5,
    topP: 0.9,
    topK: 3,
    stopSequences: ['x'],
    presencePenalty: 1,
    frequencyPenalty: 2,
    seed: 4,
    responseFormat: { type: 'json', schema: { type: 'object' }, name: 'n' },
    toolChoice: { type: 'tool', toolName: 'look' },
    headers: { a: 'b' },
    abortSignal: new AbortController().signal,
    includeRawChunks: true,
    providerOptions: { acme: { x: 1 } },
  } as const;
  const tool = {
    type: 'function',
    name: 'look',
    description: 'd',
    inputSchema: { type: 'object' },
    providerOptions: { acme: { y: 2 } },
  } as const;
  const request: LanguageModelV4CallOptions = {
    ...settings,
    stopSequences: ['x'],
    reasoning: 'provider-default',
    tools: [tool],
    ...user([{ type: 'text', text: 'hi' }]),
  };
  for (const model of [new OlderV2(), new OlderV3()]) {
    await adapted(model).doGenerate(request);
    await adapted(model).doStream(request);
    const seen = { ...settings, tools: [tool], prompt: request.prompt };
    expect(model.asked).toStrictEqual([seen, seen]);
    expect(model.asked[0]?.abortSignal).toBe(settings.abortSignal);
  }
});

test("a provider's own tool is called 'provider-defined' for V2", async () => {
  const search = { type: 'provider', id: 'acme.search', name: 'search', args: { max: 1 } } as const;
  const [v2, v3] = [new OlderV2(), new OlderV3()];
  for (const model of [v2, v3]) await adapted(model).doGenerate({ ...user([]), tools: [search] });
  expect(v2.asked[0]?.tools).toStrictEqual([{ ...search, type: 'provider-defined' }]);
  expect(v3.asked[0]?.tools).toStrictEqual([search]);
});

test('files go down as bytes, base64 or URL, with their name, and texts as their bytes', async () => {
  const url = new URL('https://example.com/a.pdf');
  const request = user([
    { ...png, filename: 'a.png', providerOptions: { acme: { detail: 'low' } } },
    { type: 'file', mediaType: 'image', data: { type: 'data', data: Uint8Array.of(1, 2) } },
    { type: 'file', mediaType: 'application/pdf', data: { type: 'url', url } },
    { type: 'file', mediaType: 'text', data: { type: 'text', text: 'hé' } },
    { type: 'file', mediaType: 'text/csv', data: { type: 'text', text: 'a,b' } },
  ]);
  for (const model of [new OlderV2(), new OlderV3()]) {
    await adapted(model).doGenerate(request);
    expect(model.asked[0]?.prompt[0]?.content).toStrictEqual([
      { type: 'file', mediaType: 'image/png', data: 'aGk=', filename: 'a.png', providerOptions: { acme: { detail: 'low' } } },
      { type: 'file', mediaType: 'image/*', data: Uint8Array.of(1, 2) },
      { type: 'file', mediaType: 'application/pdf', data: url },
      { type: 'file', mediaType: 'text/plain', data: new TextEncoder().encode('hé') },
      { type: 'file', mediaType: 'text/csv', data: new TextEncoder().encode('a,b') },
    ]);
  }
});

test('an earlier answer goes down with its reasoning, calls, signatures and files', async () => {
  const providerOptions = { acme: { signature: 's' } };
  const said = [
    { type: 'reasoning', text: 'hm', providerOptions },
    { type: 'text', text: 'ok', providerOptions },
    { type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: { q: 1 }, providerExecuted: true },
    { type: 'tool-result', toolCallId: 'c1', toolName: 'look', output: { type: 'json', value: [1] } },
  ] as const;
  for (const model of [new OlderV2(), new OlderV3()]) {
    await adapted(model).doGenerate({
      prompt: [
        { role: 'system', content: 'be' },
        { role: 'assistant', content: [...said, png], providerOptions },
      ],
    });
    expect(model.asked[0]?.prompt).toStrictEqual([
      { role: 'system', content: 'be' },
      { role: 'assistant', content: [...said, { type: 'file', mediaType: 'image/png', data: 'aGk=' }], providerOptions },
    ]);
  }
});

test.each([
  [{ type: 'text', value: 'a' }],
  [{ type: 'json', value: { a: [1] } }],
  [{ type: 'error-text', value: 'no' }],
  [{ type: 'error-json', value: { no: 1 } }],
])('the tool result %j is the same in every version', async (output) => {
  for (const model of [new OlderV2(), new OlderV3()]) {
    await adapted(model).doGenerate(result(output));
    expect(model.asked[0]?.prompt).toStrictEqual(result(output).prompt);
  }
});

test('a denied tool is denied to V3 and an error to V2', async () => {
  const [v2, v3] = [new OlderV2(), new OlderV3()];
  for (const model of [v2, v3]) await adapted(model).doGenerate(result({ type: 'execution-denied', reason: 'not now' }));
  expect(v3.asked[0]?.prompt[0]?.content).toMatchObject([{ output: { type: 'execution-denied', reason: 'not now' } }]);
  expect(v2.asked[0]?.prompt[0]?.content).toMatchObject([{ output: { type: 'error-text', value: 'not now' } }]);
});

test('files in tool results become what each version calls them', async () => {
  const url = new URL('https://example.com/a');
  const output = {
    type: 'content',
    value: [
      { type: 'text', text: 'see' },
      png,
      { type: 'file', mediaType: 'application/pdf', filename: 'a.pdf', data: { type: 'data', data: Uint8Array.of(104, 105) } },
      { type: 'file', mediaType: 'text', data: { type: 'text', text: 'hi' } },
    ],
  };
  const [v2, v3] = [new OlderV2(), new OlderV3()];
  for (const model of [v2, v3]) await adapted(model).doGenerate(result(output));
  expect(v3.asked[0]?.prompt[0]?.content).toMatchObject([
    {
      output: {
        value: [
          { type: 'text', text: 'see' },
          { type: 'image-data', data: 'aGk=', mediaType: 'image/png' },
          { type: 'file-data', data: 'aGk=', mediaType: 'application/pdf', filename: 'a.pdf' },
          { type: 'file-data', data: 'aGk=', mediaType: 'text/plain' },
        ],
      },
    },
  ]);
  expect(v2.asked[0]?.prompt[0]?.content).toMatchObject([
    {
      output: {
        value: [
          { type: 'text', text: 'see' },
          { type: 'media', data: 'aGk=', mediaType: 'image/png' },
          { type: 'media', data: 'aGk=', mediaType: 'application/pdf' },
          { type: 'text', text: 'hi' },
        ],
      },
    },
  ]);
  const remote = [
    { type: 'file', mediaType: 'image/png', data: { type: 'url', url } },
    { type: 'file', mediaType: 'text/csv', data: { type: 'url', url } },
    { type: 'file', mediaType: 'image', data: { type: 'reference', reference: { acme: 'f1' } } },
    { type: 'file', mediaType: 'text/csv', data: { type: 'reference', reference: { acme: 'f2' } } },
    { type: 'custom', providerOptions: { acme: { a: 1 } } },
  ];
  await adapted(v3).doGenerate(result({ type: 'content', value: remote }));
  expect(v3.asked[1]?.prompt[0]?.content).toMatchObject([
    {
      output: {
        value: [
          { type: 'image-url', url: url.href },
          { type: 'file-url', url: url.href },
          { type: 'image-file-id', fileId: { acme: 'f1' } },
          { type: 'file-id', fileId: { acme: 'f2' } },
          { type: 'custom', providerOptions: { acme: { a: 1 } } },
        ],
      },
    },
  ]);
});

const reference = user([{ type: 'file', mediaType: 'image/png', data: { type: 'reference', reference: { acme: 'f1' } } }]);
const earlier = (part: object): LanguageModelV4CallOptions => ({ prompt: [{ role: 'assistant', content: [part as never] }] });
const content = (part: object): LanguageModelV4CallOptions => result({ type: 'content', value: [part] });
const strict = { type: 'function', name: 'look', inputSchema: {}, strict: true } as const;
const inBoth: [string, LanguageModelV4CallOptions][] = [
  ["the setting reasoning: 'high'", { ...user([]), reasoning: 'high' }],
  ['a file that only the provider has (a reference)', reference],
  ["a 'custom' part of an earlier answer", earlier({ type: 'custom', kind: 'acme.x' })],
  ["a 'reasoning-file' part of an earlier answer", earlier({ type: 'reasoning-file', mediaType: 'image/png', data: png.data })],
];
const inV2: [string, LanguageModelV4CallOptions][] = [
  ["the strict tool 'look'", { ...user([]), tools: [strict] }],
  ["examples of input for the tool 'look'", { ...user([]), tools: [{ ...strict, strict: false, inputExamples: [{ input: {} }] }] }],
  ["providerOptions on a tool's output", result({ type: 'text', value: 'a', providerOptions: { acme: { a: 1 } } })],
  ["a file as a URL in a tool's result", content({ type: 'file', mediaType: 'a/b', data: { type: 'url', url: new URL('https://a.b') } })],
  ["a file as a reference in a tool's result", content({ type: 'file', mediaType: 'a/b', data: { type: 'reference', reference: {} } })],
  ["a 'custom' part in a tool's result", content({ type: 'custom' })],
  [
    "the answer to a provider's question whether its tool may run",
    { prompt: [{ role: 'tool', content: [{ type: 'tool-approval-response', approvalId: 'a', approved: true }] }] },
  ],
];

test.each([
  ...inBoth.map(([what, request]) => ['v3', what, request] as const),
  ...[...inBoth, ...inV2].map(([what, request]) => ['v2', what, request] as const),
])('%s has no word for %s: an error, and nothing is sent', async (version, what, request) => {
  const model = version === 'v2' ? new OlderV2() : new OlderV3();
  for (const ask of [adapted(model).doGenerate(request), adapted(model).doStream(request)]) {
    await expect(ask).rejects.toMatchObject({ code: 'MODEL_BAD_REQUEST', retryable: 'no', data: { version, what } });
    await expect(ask).rejects.toThrow(
      `The request to acme.chat/${model.modelId} holds ${what}, which language models of version ${version} have no word for.`,
    );
  }
  expect(model.asked).toEqual([]);
});

test('V3 takes what only V2 cannot say', async () => {
  const model = new OlderV3();
  for (const [, request] of inV2) await adapted(model).doGenerate(request);
  expect(model.asked).toHaveLength(inV2.length);
});
