import type {
  JSONSchema7,
  LanguageModelV4Content,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
} from '@ai-sdk/provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AskedPart, Said } from '../../src/modelServer/wire.ts';
import { ask, packages } from './asked.ts';
import { ProtocolServer } from './protocolServer.ts';

const USAGE = { tokensIn: 9, tokensOut: 9, tokensCached: 0, tokensReasoning: 0 };
const PNG = 'iVBORw0KGgoAAAANSUhEUg==';
const schema: JSONSchema7 = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false };
const tools = ['add', 'sub'].map((name): LanguageModelV4FunctionTool => ({ type: 'function', name, inputSchema: schema }));

let server: ProtocolServer;
beforeAll(async () => void (server = await ProtocolServer.open()));
afterAll(() => server.close());

type AssistantPart = Exclude<Extract<LanguageModelV4Message, { role: 'assistant' }>['content'], string>[number];

/** What a model said, as it is sent back to it. */
function sentBack(content: readonly LanguageModelV4Content[]): LanguageModelV4Message {
  const parts = content.map((part): AssistantPart => {
    const options = 'providerMetadata' in part && part.providerMetadata !== undefined && { providerOptions: part.providerMetadata };
    if (part.type === 'text' || part.type === 'reasoning') return { type: part.type, text: part.text, ...options };
    if (part.type !== 'tool-call') throw new Error(`nobody said ${part.type}`);
    const { toolCallId, toolName, input } = part;
    return { type: part.type, toolCallId, toolName, input: JSON.parse(input), ...options };
  });
  return { role: 'assistant', content: parts };
}

describe.each(Object.entries(packages))('a conversation with %s', (name, open) => {
  test.each([false, true])('comes back whole, with every call and its result (streaming: %s)', async (stream) => {
    const model = open(server.url);
    const opening: LanguageModelV4Prompt = [
      { role: 'system', content: 'You count.' },
      { role: 'user', content: [{ type: 'text', text: 'Add and subtract.' }] },
    ];
    const said: Said = {
      reasoning: 'Two tools.',
      text: 'I try.',
      tools: tools.map((tool, index) => ({ name: tool.name, args: { a: index } })),
      finish: 'tools',
      usage: USAGE,
    };
    server.reply = { said };
    const first = await ask(model, stream, { prompt: opening, tools });
    const [one, two] = first.tools;
    const results = [
      { type: 'tool-result', toolCallId: one?.id ?? '', toolName: 'add', output: { type: 'json', value: { sum: 3 } } },
      { type: 'tool-result', toolCallId: two?.id ?? '', toolName: 'sub', output: { type: 'error-text', value: 'too low' } },
    ] as const;
    await ask(model, stream, {
      prompt: [
        ...opening,
        sentBack(first.content),
        { role: 'tool', content: [...results] },
        { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
      ],
      tools,
    });
    const thought: readonly AskedPart[] = name === 'openai.chat' ? [] : [{ type: 'reasoning', text: 'Two tools.' }];
    const failed = name === 'anthropic.messages' || name === 'compatible' ? 'too low' : '{"error":"too low"}';
    expect(server.asked.at(-1)?.messages).toEqual(
      [
        { role: 'system', parts: [{ type: 'text', text: 'You count.' }] },
        { role: 'user', parts: [{ type: 'text', text: 'Add and subtract.' }] },
        {
          role: 'assistant',
          parts: [
            ...thought,
            { type: 'text', text: 'I try.' },
            { type: 'toolCall', id: one?.id, tool: 'add', args: { a: 0 } },
            { type: 'toolCall', id: two?.id, tool: 'sub', args: { a: 1 } },
          ],
        },
        { role: 'tool', parts: results.map(({ toolCallId }) => expect.objectContaining({ type: 'toolResult', id: toolCallId })) },
        { role: 'user', parts: [{ type: 'text', text: 'Go on.' }] },
      ].flatMap((message) => (name.startsWith('openai.chat') || name === 'compatible' ? apart(message) : [message])),
    );
    const heard = server.asked.at(-1)?.messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'toolResult'));
    expect(heard?.map(({ text, isError }) => [text, isError])).toEqual([
      ['{"sum":3}', false],
      [failed, name === 'anthropic.messages'],
    ]);
  });

  test('brings its settings, its tools and the choice among them', async () => {
    server.reply = { said: { text: 'x', tools: [], finish: 'stop', usage: USAGE } };
    const settings = { maxOutputTokens: 77, temperature: 0.5, tools };
    const prompt: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'x' }] }];
    const read = {
      stream: false,
      maxOutputTokens: 77,
      temperature: 0.5,
      tools: tools.map((tool) => ({ name: tool.name, schema: tool.inputSchema })),
    };
    for (const [toolChoice, choice] of [
      [{ type: 'auto' }, 'auto'],
      [{ type: 'required' }, 'required'],
      [{ type: 'tool', toolName: 'sub' }, { tool: 'sub' }],
    ] as const) {
      await ask(open(server.url), false, { prompt, ...settings, toolChoice });
      expect(server.asked.at(-1)).toMatchObject({ ...read, toolChoice: choice });
      expect(server.asked.at(-1)).not.toHaveProperty('form');
    }
  });

  test('brings its files, with their kind, size and name', async () => {
    server.reply = { said: { text: 'x', tools: [], finish: 'stop', usage: USAGE } };
    const file = { type: 'file', mediaType: 'application/pdf', filename: 'a.pdf', data: { type: 'data', data: PNG } } as const;
    const image = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: PNG } } as const;
    const link = { type: 'file', mediaType: 'image/png', data: { type: 'url', url: new URL('https://example.org/a.png') } } as const;
    await ask(open(server.url), false, { prompt: [{ role: 'user', content: [{ type: 'text', text: 'x' }, file, image, link] }] });
    expect(server.asked.at(-1)?.messages[0]?.parts).toEqual([
      { type: 'text', text: 'x' },
      { type: 'file', mediaType: 'application/pdf', bytes: 16, name: 'a.pdf' },
      { type: 'file', mediaType: 'image/png', bytes: 16 },
      { type: 'file', mediaType: 'image/*', url: 'https://example.org/a.png' },
    ]);
  });

  test('brings the form of the answer', async () => {
    server.reply = { said: { text: '{"a":1}', tools: [], finish: 'stop', usage: USAGE } };
    const prompt: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'JSON, please' }] }];
    await ask(open(server.url), false, { prompt, responseFormat: { type: 'json', schema, name: 'sum' } });
    expect(server.asked.at(-1)?.form).toEqual(name === 'anthropic.messages' ? { schema } : { name: 'sum', schema });
    await ask(open(server.url), false, { prompt, responseFormat: { type: 'json' } });
    expect(server.asked.at(-1)?.form).toEqual(name === 'anthropic.messages' ? undefined : {});
  });
});

/** Chat sends every result as a message of its own. */
function apart(message: { role: string; parts: readonly unknown[] }): readonly { role: string; parts: readonly unknown[] }[] {
  return message.role === 'tool' ? message.parts.map((part) => ({ role: 'tool', parts: [part] })) : [message];
}

test('an answer whose request said that it is not stored is known by no id', async () => {
  const model = packages['openai.responses']?.(server.url);
  if (model === undefined) throw new Error('no package');
  server.reply = { said: { reasoning: 'Hm.', text: 'x', tools: [], finish: 'stop', usage: USAGE } };
  const prompt: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'x' }] }];
  const { content } = await ask(model, false, { prompt, providerOptions: { openai: { store: false } } });
  await expect(ask(model, false, { prompt: [...prompt, sentBack(content)] })).rejects.toThrow(/^Item with id 'rs_.*' not found\.$/);
});

test.each([false, true])("Anthropic's models without JSON of their own answer with the tool 'json' (streaming: %s)", async (stream) => {
  const model = packages['anthropic.messages']?.(server.url, 'claude-3-haiku-20240307');
  if (model === undefined) throw new Error('no package');
  const prompt: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'x' }] }];
  const asks = { prompt, tools, responseFormat: { type: 'json', schema } } as const;
  for (const text of ['{"a":1}', 'no JSON', '{"a":']) {
    server.reply = { said: { text, tools: [], finish: text.startsWith('{"a":1') ? 'stop' : 'length', usage: USAGE } };
    expect(await ask(model, stream, asks)).toMatchObject({
      text,
      tools: [],
      ...(text === '{"a":1}' ? { finish: 'stop', raw: 'tool_use' } : { finish: 'length', raw: 'max_tokens' }),
    });
    expect(server.last.includes('tool_use')).toBe(text === '{"a":1}');
  }
  const read = server.asked.at(-1);
  expect(read?.form).toEqual({ schema });
  expect(read?.tools.map(({ name }) => name)).toEqual(['add', 'sub']);
});

test.each([false, true])('reasoning that is not stored comes back sealed (streaming: %s)', async (stream) => {
  const model = packages['openai.responses']?.(server.url, 'gpt-5');
  if (model === undefined) throw new Error('no package');
  server.reply = { said: { reasoning: 'Hm.', text: 'x', tools: [], finish: 'stop', usage: USAGE } };
  const prompt: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'x' }] }];
  const providerOptions = { openai: { store: false } };
  const { content } = await ask(model, stream, { prompt, providerOptions });
  await ask(model, stream, { prompt: [...prompt, sentBack(content)], providerOptions });
  const parts = [
    { type: 'reasoning', text: 'Hm.' },
    { type: 'text', text: 'x' },
  ];
  expect(server.asked.at(-1)?.messages.at(-1)).toEqual({ role: 'assistant', parts });
});

test.each(['openai.responses', 'anthropic.messages'])('%s: a result keeps the file that it brought', async (name) => {
  const model = packages[name]?.(server.url);
  if (model === undefined) throw new Error('no package');
  server.reply = { said: { text: 'x', tools: [], finish: 'stop', usage: USAGE } };
  const image = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: PNG } } as const;
  const output = { type: 'content', value: [{ type: 'text', text: 'seen' }, image] } as const;
  await ask(model, false, {
    prompt: [
      { role: 'user', content: [{ type: 'text', text: 'x' }] },
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'add', input: {} }] },
      {
        role: 'tool',
        content: [{ type: 'tool-result', toolCallId: 'c', toolName: 'add', output: { ...output, value: [...output.value] } }],
      },
    ],
    tools,
  });
  const parts = [
    { type: 'toolResult', id: 'c', text: 'seen', isError: false },
    { type: 'file', mediaType: 'image/png', bytes: 16 },
  ];
  expect(server.asked.at(-1)?.messages.at(-1)).toEqual({ role: 'tool', parts });
});
