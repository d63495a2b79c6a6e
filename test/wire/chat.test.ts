// A chat whose answers are cut on the way: the AI SDK's own transport reads it from two server processes over one journal,
// and what it has at the end is held to what was said, chunk for chunk.
//
// Other cuts: AMDAHL_CUTS_SEED.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AbstractChat, type ChatState, DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Answer } from '../../src/modelServer/answers.ts';
import type { Asked } from '../../src/modelServer/wire.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';
import { seeded } from '../crash/programs.ts';

const CUTS = 50;
const AT_ONCE = 10;
const SEED = Number(process.env['AMDAHL_CUTS_SEED'] ?? 1);
const SERVER = fileURLToPath(new URL('chatServer.ts', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'amdahl-chat-'));

/** What each question is answered with, in the order of the requests: some are refused by a check, or call a tool. */
const asked = new Map<string, number>();
const good = (n: string): string => `Answer ${n}: ${Array.from({ length: 30 }, (_, word) => `word${word}`).join(' ')}.`;

function answers({ messages }: Asked): Answer {
  const question = messages.findLast(
    ({ role, parts }) => role === 'user' && parts.some((part) => part.type === 'text' && part.text.startsWith('Question')),
  );
  const text = question?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? '';
  const n = /\d+/.exec(text)?.[0] ?? '';
  const nth = asked.get(n) ?? 0;
  asked.set(n, nth + 1);
  const refused = { text: `A draft ${nth} of the answer that nobody may keep.` };
  switch (Number(n) % 4) {
    case 0:
      return nth < 1 ? refused : { text: good(n) };
    case 1:
      return nth < 3 ? refused : { text: good(n) }; // the whole attempt is rejected
    case 2:
      return messages.at(-1)?.role === 'tool'
        ? { text: good(n) }
        : { text: 'Let me look.', tools: [{ name: 'weather', args: '{"city":"Bonn"}' }] };
    default:
      return { text: good(n) };
  }
}

/** The parts of a whole answer, as the AI SDK keeps them. */
function expected(n: number): readonly unknown[] {
  const answer = [{ type: 'step-start' }, { type: 'text', text: good(String(n)), state: 'done' }];
  if (n % 4 !== 2) return answer;
  const called = {
    type: 'tool-weather',
    state: 'output-available',
    input: { city: 'Bonn' },
    output: { city: 'Bonn', sky: 'clear', celsius: 18 },
  };
  return [{ type: 'step-start' }, { type: 'text', text: 'Let me look.', state: 'done' }, called, ...answer];
}

let model: ModelServer;
const children: ChildProcess[] = [];
let [one, two] = ['', ''];

async function serve(): Promise<string> {
  const env = {
    ...process.env,
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: model.baseUrl(),
    AMDAHL_DIR: join(home, '.amdahl'),
    CHATS_DIR: join(home, 'chats'),
    NODE_COMPILE_CACHE: join(home, 'compiled'),
  };
  const child = fork(SERVER, { env });
  children.push(child);
  const [port] = (await once(child, 'message')) as [number]; // what chatServer.ts sends
  return `http://127.0.0.1:${port}/api/chat`;
}

beforeAll(async () => {
  model = await startModelServer({ answers, delay: { firstMs: 10, perTokenMs: 12 }, pieceChars: 12 });
  [one, two] = await Promise.all([serve(), serve()]);
}, 30_000);
afterAll(async () => {
  for (const child of children) if (child.connected) child.disconnect();
  await model.close();
  rmSync(home, { recursive: true, force: true });
});

const question = (n: number): UIMessage => ({ id: `m${n}`, role: 'user', parts: [{ type: 'text', text: `Question ${n}` }] });

/** A fetch whose answer breaks off after so many bytes, as a connection does. */
function cutAfter(bytes: number): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    let left = bytes;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        controller.enqueue(piece.subarray(0, left));
        left -= piece.length;
        if (left <= 0) controller.error(new TypeError('network error'));
      },
    });
    return new Response(response.body?.pipeThrough(cut) ?? null, response);
  };
}

/** All chunks until the end, or until it breaks off. */
let cuts = 0;
async function chunksOf(stream: ReadableStream<UIMessageChunk> | null): Promise<UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = [];
  try {
    for await (const chunk of stream ?? []) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    cuts += 1;
  }
  return chunks;
}

async function ask(api: string, n: number, bytes: number): Promise<UIMessageChunk[]> {
  const transport = new DefaultChatTransport({ api, fetch: cutAfter(bytes) });
  const request = {
    trigger: 'submit-message' as const,
    chatId: `c${n}`,
    messageId: undefined,
    messages: [question(n)],
    abortSignal: undefined,
  };
  return await chunksOf(await transport.sendMessages(request));
}

async function reattach(api: string, n: number, after: number, bytes = Infinity): Promise<UIMessageChunk[]> {
  const transport = new DefaultChatTransport({
    api,
    fetch: cutAfter(bytes),
    prepareReconnectToStreamRequest: ({ id }) => ({ api: `${api}/${id}/stream?after=${after}` }),
  });
  return await chunksOf(await transport.reconnectToStream({ chatId: `c${n}` }));
}

async function partsOf(chunks: readonly UIMessageChunk[]): Promise<readonly unknown[]> {
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream: ReadableStream.from(chunks) })) last = message;
  return last?.parts ?? [];
}

/** An answer cut at a point, taken up by the other process, cut there again, and taken up by the first. */
async function cutTwice(n: number, draw: (below: number) => number): Promise<void> {
  const got = await ask(one, n, 100 + draw(1_500));
  got.push(...(await reattach(two, n, got.length, 100 + draw(1_500))));
  got.push(...(await reattach(one, n, got.length)));
  expect(got).toEqual(await reattach(two, n, 0));
  // Something was shown and taken back where an answer was refused, and where steps are told apart at the end.
  expect(got.some(({ type }) => type === 'reset-step')).toBe(n % 4 !== 3);
  expect(got.at(-1)).toEqual({ type: 'finish', finishReason: 'stop' });
  const parts = await partsOf(got);
  expect(parts).toMatchObject(expected(n));
  expect(JSON.stringify(parts)).not.toContain('draft');
}

test('cut at random points and reattached in another process, no chunk is lost or repeated, and what was refused is in no message', async () => {
  const draw = seeded(SEED);
  let n = 0;
  const worker = async (): Promise<void> => {
    while (cuts < CUTS) await cutTwice(n++, draw);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(cuts).toBeGreaterThanOrEqual(CUTS);
}, 60_000);

/** A page's chat: what `useChat` is without React. */
class PageChat extends AbstractChat<UIMessage> {
  constructor(id: string, transport: DefaultChatTransport<UIMessage>) {
    const state: ChatState<UIMessage> = {
      status: 'ready',
      error: undefined,
      messages: [],
      pushMessage: (message) => void state.messages.push(message),
      popMessage: () => void state.messages.pop(),
      replaceMessage: (index, message) => void (state.messages[index] = structuredClone(message)),
      snapshot: (value) => structuredClone(value),
    };
    super({ id, transport, state });
  }
}

test("the AI SDK's own chat takes a broken answer up from its start, in another process, and has it once", async () => {
  const numbers = [100, 101, 102, 103];
  await Promise.all(
    numbers.map(async (n) => {
      const transport = new DefaultChatTransport<UIMessage>({
        api: one,
        fetch: (input, init) => (init?.method === 'POST' ? cutAfter(500)(input, init) : fetch(input, init)),
        prepareReconnectToStreamRequest: ({ id }) => ({ api: `${two}/${id}/stream` }),
      });
      const chat = new PageChat(`c${n}`, transport);
      await chat.sendMessage({ text: `Question ${n}` });
      expect(chat.status).toBe('error');
      await chat.resumeStream();
      expect(chat.status).toBe('ready');
      expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
      expect(chat.messages[1]?.parts).toMatchObject(expected(n));
    }),
  );
}, 30_000);

test('when its process is killed by SIGKILL another one goes on with the answer, and the reader has every chunk once', async () => {
  const [victim] = children;
  const numbers = [200, 201, 202, 203, 204];
  let begun = 0;
  const read = async (n: number): Promise<UIMessageChunk[]> => {
    const chunks: UIMessageChunk[] = [];
    const request = {
      trigger: 'submit-message' as const,
      chatId: `c${n}`,
      messageId: undefined,
      messages: [question(n)],
      abortSignal: undefined,
    };
    try {
      for await (const chunk of await new DefaultChatTransport({ api: one }).sendMessages(request)) {
        chunks.push(chunk);
        if (chunks.length !== 5) continue;
        begun += 1;
        if (begun === numbers.length) victim?.kill('SIGKILL');
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    return chunks;
  };
  const got = await Promise.all(numbers.map(read));
  const whole = await Promise.all(
    numbers.map(async (n, index) => [...(got[index] ?? []), ...(await reattach(two, n, got[index]?.length ?? 0))]),
  );
  expect(got.some((chunks) => chunks.at(-1)?.type !== 'finish')).toBe(true);
  for (const [index, n] of numbers.entries()) {
    expect(whole[index]).toEqual(await reattach(two, n, 0));
    expect(await partsOf(whole[index] ?? [])).toMatchObject(expected(n));
  }
}, 30_000);
