// An Express app that its own tsc builds against the packed package, in front of the model server.

import { join } from 'node:path';
import { DefaultChatTransport, readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ModelServer, type ModelServerOptions, startModelServer } from '../../src/testing.ts';
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
  return startServer(APP, ['dist/server.js'], { ...server, AMDAHL_DIR: join(home, `journal-${journals}`) });
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
});

const SENT = { trigger: 'submit-message', chatId: 'one', messageId: undefined, abortSignal: undefined } as const;

function transport({ url }: Server): DefaultChatTransport<UIMessage> {
  return new DefaultChatTransport({
    api: `${url}/chat`,
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
