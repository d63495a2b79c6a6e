// A chat in which runs ask the person at the page: the route of examples/docs/chatPeople.ts over real HTTP, a page that is the
// AI SDK's own chat with its own transport and conditions, and the model server.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  AbstractChat,
  type ChatState,
  DefaultChatTransport,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
  safeValidateUIMessages,
  type UIMessage,
} from 'ai';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { asks, refuse } from '../../src/index.ts';
import type { Answer } from '../../src/modelServer/answers.ts';
import type { Asked } from '../../src/modelServer/wire.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';

const home = mkdtempSync(join(tmpdir(), 'amdahl-people-'));
let models: ModelServer;
let server: Server;
let api = '';
let route: typeof import('../../examples/docs/chatPeople.ts');
let desk: typeof import('../../examples/docs/chatPeopleDesk.ts');

/** The model does what its user's words name, then says what came of it. */
function answers({ messages }: Asked): Answer {
  const last = messages.at(-1);
  const textOf = (parts: Asked['messages'][number]['parts']): string => parts.map((part) => ('text' in part ? part.text : '')).join('');
  if (last?.role === 'tool') return { text: `So it is: ${JSON.stringify(last.parts)}` };
  const text = last === undefined ? '' : textOf(last.parts);
  const tools = [
    ...(/^A refund|then refund/.test(text) ? [{ name: 'refund', args: '{"order":"A-7","cents":5000}' }] : []),
    ...(text.startsWith('Ask the courier') ? [{ name: 'courier', args: '{"order":"A-7"}' }] : []),
  ];
  return tools.length === 0 ? { text: `You said: ${text}` } : { text: 'Let me see.', tools };
}

beforeAll(async () => {
  models = await startModelServer({ answers });
  Object.assign(process.env, {
    OPENAI_API_KEY: 'k',
    OPENAI_BASE_URL: models.baseUrl(),
    AMDAHL_DIR: join(home, '.amdahl'),
    REFUNDS: join(home, 'refunds.jsonl'),
  });
  route = await import('../../examples/docs/chatPeople.ts');
  desk = await import('../../examples/docs/chatPeopleDesk.ts');
  server = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  api = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/api/chat`;
});

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = incoming;
  const request = new Request(new URL(url, 'http://127.0.0.1'), method === 'POST' ? { method, body: await buffer(incoming) } : {});
  const response = await (method === 'POST' ? route.POST(request) : route.GET(request));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  for await (const piece of response.body ?? []) outgoing.write(piece);
  outgoing.end();
}

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await models.close();
  rmSync(home, { recursive: true, force: true });
});

/** A page's chat: what `useChat` is without React. It sends answers by itself, under the AI SDK's own conditions. */
class PageChat extends AbstractChat<UIMessage> {
  readonly posts: string[];

  constructor(id: string) {
    const posts: string[] = [];
    const state: ChatState<UIMessage> = {
      status: 'ready',
      error: undefined,
      messages: [],
      pushMessage: (message) => void state.messages.push(message),
      popMessage: () => void state.messages.pop(),
      replaceMessage: (index, message) => void (state.messages[index] = structuredClone(message)),
      snapshot: (value) => structuredClone(value),
    };
    super({
      id,
      state,
      transport: new DefaultChatTransport<UIMessage>({
        api,
        fetch: async (url, init) => {
          if (init?.method === 'POST') posts.push(init.body as string); // what its transport sends
          return await fetch(url, init);
        },
        prepareReconnectToStreamRequest: () => ({ api: `${api}/${id}/1/stream` }),
      }),
      sendAutomaticallyWhen: (options) =>
        lastAssistantMessageIsCompleteWithApprovalResponses(options) || lastAssistantMessageIsCompleteWithToolCalls(options),
    });
    this.posts = posts;
  }

  get tools(): readonly Extract<UIMessage['parts'][number], { toolCallId: string }>[] {
    return this.messages.at(-1)?.parts.filter(isToolUIPart) ?? [];
  }
}

/** Until all that a page sent is answered, and it sends nothing more. */
async function settles(chat: PageChat, posts: number): Promise<void> {
  await vi.waitFor(() => {
    if (chat.status !== 'ready' || chat.posts.length !== posts) throw new Error(`${chat.status} after ${chat.posts.length} posts`);
  }, 10_000);
}

test('a tool waits for the yes of the page, is done once, and the same message goes on', async () => {
  const chat = new PageChat('yes');
  await chat.sendMessage({ text: 'A refund, please.' });
  expect(chat.status).toBe('ready');
  expect(chat.tools).toMatchObject([{ type: 'tool-refund', state: 'approval-requested', input: { order: 'A-7', cents: 5000 } }]);
  const [part] = chat.tools;
  expect(await desk.refunds.all()).toEqual([]);
  await chat.addToolApprovalResponse({ id: part?.approval?.id ?? '', approved: true });
  await settles(chat, 2);
  expect(chat.messages.map(({ id, role }) => [id, role])).toEqual([
    [expect.anything(), 'user'],
    ['desk-yes-1', 'assistant'],
  ]);
  expect(chat.messages[1]?.parts).toMatchObject([
    { type: 'step-start' },
    { type: 'text', text: 'Let me see.' },
    { type: 'tool-refund', state: 'output-available', output: 'A-7: 5000 cents are paid back', approval: { approved: true } },
    { type: 'step-start' },
    { type: 'text', text: expect.stringContaining('[receipt:') as string },
  ]);
  expect(await desk.refunds.all()).toMatchObject([{ order: 'A-7', cents: 5000 }]);
  expect(await safeValidateUIMessages({ messages: chat.messages })).toMatchObject({ success: true });

  // What a page posts twice is told again, and nothing is done twice.
  const again = await fetch(api, { method: 'POST', body: chat.posts[1] ?? '' });
  expect(await again.text()).toContain('paid back');
  expect(await desk.refunds.all()).toHaveLength(1);
  // A page that comes later has the same message, and the conversation goes on from it.
  const later = new PageChat('yes');
  await later.resumeStream();
  expect(later.messages.at(-1)).toEqual(chat.messages.at(-1));
  await chat.sendMessage({ text: 'Thank you.' });
  expect(chat.messages.at(-1)?.parts.at(-1)).toMatchObject({ type: 'text', text: 'You said: Thank you.' });
});

test('what is refused is denied, and the model is told the reason', async () => {
  const paid = await desk.refunds.all();
  const chat = new PageChat('no');
  await chat.sendMessage({ text: 'A refund, please.' });
  await chat.addToolApprovalResponse({ id: chat.tools[0]?.approval?.id ?? '', approved: false, reason: 'too late' });
  await settles(chat, 2);
  expect(chat.tools).toMatchObject([{ state: 'output-denied', approval: { approved: false, reason: 'too late' } }]);
  expect(chat.messages[1]?.parts.at(-1)).toMatchObject({ type: 'text', text: expect.stringContaining('too late') as string });
  expect(await desk.refunds.all()).toEqual(paid);
});

test('a person below is asked while the speaker works: what is asked next comes in the same message', async () => {
  const chat = new PageChat('both');
  await chat.sendMessage({ text: 'Ask the courier, then refund.' });
  const [refund, , courier] = chat.tools;
  expect(chat.tools.map(({ state }) => state)).toEqual(['output-available', 'approval-responded', 'approval-requested']);
  expect(refund).toMatchObject({ output: { staged: true } });
  expect(courier).toMatchObject({ type: 'dynamic-tool', toolName: 'courier', input: { question: 'Have you seen the parcel of A-7?' } });
  await chat.addToolOutput({ tool: 'courier', toolCallId: courier?.toolCallId ?? '', output: { seen: true, note: 'at the door' } });
  await settles(chat, 2);
  expect(chat.tools[0]).toMatchObject({ toolCallId: refund?.toolCallId, state: 'approval-requested' });
  await chat.addToolApprovalResponse({ id: chat.tools[0]?.approval?.id ?? '', approved: true });
  await settles(chat, 3);
  expect(chat.tools).toMatchObject([
    { type: 'tool-refund', state: 'output-available' },
    { type: 'tool-courier', state: 'output-available', output: { seen: true, note: 'at the door' } },
    { toolName: 'courier', state: 'output-available', output: { seen: true, note: 'at the door' } },
  ]);
  expect(chat.messages[1]?.parts.at(-1)).toMatchObject({ type: 'text', text: expect.stringContaining('at the door') as string });
});

test('what does not fit is told to the page and answers nothing; a page of another chat answers nothing at all', async () => {
  const chat = new PageChat('wrong');
  await chat.sendMessage({ text: 'Ask the courier.' });
  const { toolCallId } = chat.tools.find(({ type }) => type === 'dynamic-tool') ?? { toolCallId: '' };
  await chat.addToolOutput({ tool: 'courier', toolCallId, output: 'seen it' });
  await vi.waitFor(() => expect(chat.status).toBe('error'));
  expect(chat.error?.message).toContain('does not fit');
  expect(await asks({ run: 'desk-wrong-1' })).toHaveLength(1);

  const foreign = JSON.stringify({ ...(JSON.parse(chat.posts[1] ?? '{}') as object), id: 'other' });
  expect((await fetch(api, { method: 'POST', body: foreign })).status).toBe(404);

  // The page reads the truth again, and the person answers once more.
  await chat.resumeStream();
  expect(chat.tools).toMatchObject([{ state: 'approval-responded' }, { toolCallId, state: 'approval-requested' }]);
  await chat.addToolApprovalResponse({ id: toolCallId, approved: true, reason: '{"seen":false,"note":"no"}' });
  await settles(chat, 3);
  expect(chat.tools.at(-1)).toMatchObject({ state: 'output-available', output: { seen: false, note: 'no' } });
});

test('who was faster elsewhere is not overruled: the page is told what became of it', async () => {
  const chat = new PageChat('late');
  await chat.sendMessage({ text: 'A refund, please.' });
  const id = chat.tools[0]?.approval?.id ?? '';
  await refuse(id, 'by the manager');
  await chat.addToolApprovalResponse({ id, approved: true });
  await settles(chat, 2);
  expect(chat.tools).toMatchObject([{ state: 'output-denied', approval: { approved: false, reason: 'by the manager' } }]);
});
