// An Express app that its own tsc builds against the packed package, in front of the model server.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultChatTransport, isToolUIPart, readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Asked, type ModelServer, type ModelServerOptions, startModelServer } from '../../src/testing.ts';
import { command, folder, lay, packed, ROOT } from './packed.ts';
import { endServers, type Server, startServer } from './server.ts';

const APP = join(ROOT, 'test/fixtures/express');
const LETTER = { from: 'ada', text: 'Invoice A-7: 12 euros and 50 cents.' };
const INVOICE = { number: 'A-7', cents: 1250 };

const { path: home, remove } = folder();
let models: ModelServer;
let journals = 0;

beforeAll(async () => {
  await lay(await packed(home), APP);
  await command(APP, ['tsc', '-p', '.']);
}, 120_000);
beforeEach(() => {
  journals += 1;
});
afterEach(async () => {
  await endServers();
  await models.close();
});
afterAll(remove);

async function ask(options: ModelServerOptions): Promise<void> {
  models = await startModelServer(options);
}

/** One more process of the app, over the journal of this test. */
function served(): Promise<Server> {
  const server = { OPENAI_BASE_URL: models.baseUrl('openai'), OPENAI_API_KEY: 'any' };
  return startServer(APP, ['dist/server.js'], {
    ...server,
    AMDAHL_DIR: join(home, `journal-${journals}`),
    REFUNDS: join(home, `refunds-${journals}`),
  });
}

async function put({ url }: Server, id: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${url}/invoices/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

describe('an Express app', () => {
  it('answers what keeps to the contract, and the same request again from the journal, in any process', async () => {
    await ask({ answers: () => ({ object: INVOICE }) });
    const server = await served();
    expect(await put(server, '7', LETTER)).toEqual({ status: 200, body: { ...INVOICE, calls: 1 } });
    await server.end('SIGTERM');
    expect(await put(await served(), '7', LETTER)).toEqual({ status: 200, body: { ...INVOICE, calls: 1 } });
    expect(models.stats().requests).toBe(1);
  });

  it('tells what the caller did wrong from what the model did', async () => {
    await ask({ answers: () => ({ object: { number: 7 } }) });
    const server = await served();
    expect(await put(server, '1', { from: 'ada' })).toMatchObject({ status: 422, body: { code: 'CONTRACT_VIOLATION' } });
    expect(models.stats().requests).toBe(0);
    expect(await put(server, '1', LETTER)).toMatchObject({ status: 502, body: { code: 'CONTRACT_VIOLATION' } });
    expect(await put(server, '1', { ...LETTER, from: 'grace' })).toMatchObject({ status: 409, body: { code: 'RUN_CONFLICT' } });
  });

  it('lets what is under way end when it is told to go', async () => {
    await ask({ answers: () => ({ object: INVOICE }), delay: 500 });
    const server = await served();
    const answer = put(server, '7', LETTER);
    await vi.waitFor(() => expect(models.stats().inFlight).toBe(1), { timeout: 20_000 });
    const ended = server.end('SIGTERM');
    expect(await answer).toEqual({ status: 200, body: { ...INVOICE, calls: 1 } });
    expect(await ended).toBe(0);
  });

  it('is read by the AI SDK’s own transport, and what a killed process left is ended by the next one', async () => {
    const words = Array.from({ length: 60 }, (_, nth) => `word ${nth}`).join(' ');
    await ask({ answers: () => words, delay: { perTokenMs: 10 }, pieceChars: 7 });
    const first = await served();
    const said: UIMessage = { id: 'm', role: 'user', parts: [{ type: 'text', text: 'Say it.' }] };
    const cut = await read(await transport(first).sendMessages({ ...SENT, messages: [said] }), 'word 20', first);
    expect(cut).toMatch(/^word 0 .*word 20/);
    expect(words.startsWith(cut)).toBe(true);

    const second = await served();
    const again = await transport(second).reconnectToStream({ chatId: 'one' });
    expect(again).not.toBeNull();
    if (again !== null) expect(await read(again)).toBe(words);
  });

  it('asks the person at the page, and another process does what they said yes to, once', async () => {
    const isRepeated = ({ messages }: Asked): boolean => messages.some(({ role }) => role === 'tool');
    await ask({
      answers: (asked) =>
        isRepeated(asked) ? 'It is on its way.' : { tools: [{ name: 'refund', args: '{"number":"A-7","cents":1250}' }] },
    });
    const first = await served();
    const said: UIMessage = { id: 'm', role: 'user', parts: [{ type: 'text', text: 'Pay A-7 back.' }] };
    const message = await last(await transport(first, 'desk').sendMessages({ ...SENT, messages: [said] }));
    const part = message?.parts.find(isToolUIPart);
    expect(part).toMatchObject({ type: 'tool-refund', state: 'approval-requested', input: { number: 'A-7', cents: 1250 } });
    await first.end('SIGKILL');
    expect(refunds()).toEqual([]);

    const approval = { ...part?.approval, approved: true };
    const parts = message?.parts.map((one) => (one === part ? { ...one, state: 'approval-responded', approval } : one));
    const messages = [said, { ...message, parts }] as UIMessage[]; // as addToolApprovalResponse leaves it
    const second = await served();
    const post = { ...SENT, messages, messageId: message?.id };
    const answered = await Promise.all([1, 2].map(async () => await last(await transport(second, 'desk').sendMessages(post), messages[1])));
    for (const one of answered) {
      expect(one?.id).toBe(message?.id);
      expect(one?.parts).toMatchObject([
        { type: 'step-start' },
        { type: 'tool-refund', state: 'output-available', output: 'A-7 is paid back', approval: { approved: true } },
        { type: 'step-start' },
        { type: 'text', text: 'It is on its way.' },
      ]);
    }
    expect(refunds()).toMatchObject([{ number: 'A-7', cents: 1250 }]);
  });
});

function refunds(): readonly unknown[] {
  const file = join(home, `refunds-${journals}`);
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
    : [];
}

async function last(stream: ReadableStream<UIMessageChunk>, message?: UIMessage): Promise<UIMessage | undefined> {
  let newest: UIMessage | undefined;
  for await (const next of readUIMessageStream({ stream, ...(message === undefined ? {} : { message: structuredClone(message) }) }))
    newest = next;
  return newest;
}

const SENT = { trigger: 'submit-message', chatId: 'one', messageId: undefined, abortSignal: undefined } as const;

function transport({ url }: Server, route = 'chat'): DefaultChatTransport<UIMessage> {
  return new DefaultChatTransport({
    api: `${url}/${route}`,
    prepareReconnectToStreamRequest: ({ id }) => ({ api: `${url}/chat/${id}/1/stream` }),
  });
}

/** The text of the message at the end; or where `until` came, at which the server is killed, as far as it came. */
async function read(stream: ReadableStream<UIMessageChunk>, until?: string, server?: Server): Promise<string> {
  let text = '';
  try {
    for await (const { parts } of readUIMessageStream({ stream })) {
      text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
      if (until !== undefined && text.includes(until)) await server?.end('SIGKILL');
    }
  } catch (error) {
    if (until === undefined) throw error;
  }
  return text;
}
