// A chat route in which the run asks the person at the page: for a yes before money moves, and for what only a person knows. For
// whatever gives a Request and takes a Response: Next, Hono, and Express or Node's own server behind an adapter.

import type { UIMessage } from 'ai';
import { z } from 'zod';
import { agent, answerFrom, follow, human, messages, start, tool } from '../../src/index.ts';
import { refunds } from './chatPeopleDesk.ts';

const refund = tool({
  description: 'Pay an order back',
  effect: 'staged',
  idempotent: true,
  approve: ({ cents }) => cents > 1_000,
  input: z.object({ order: z.string(), cents: z.int().positive() }),
  execute: ({ order, cents }, { key }) => refunds.pay(key, order, cents),
});

const courier = human({
  name: 'courier',
  input: z.object({ order: z.string() }),
  output: z.object({ seen: z.boolean(), note: z.string() }),
  question: ({ order }) => `Have you seen the parcel of ${order}?`,
});

export const desk = agent({
  name: 'desk',
  model: 'openai/gpt-5',
  input: messages(),
  instructions: 'Help with orders.',
  tools: { refund, courier },
});

/** What `useChat` sends. `messageId`: of the message that it goes on with. */
interface Said {
  readonly id: string;
  readonly messages: readonly UIMessage[];
  readonly messageId?: string;
}

/** POST /api/chat: a message of the user, or what a person has answered in a message of the run's. */
export async function POST(request: Request): Promise<Response> {
  const { id, messages: said, messageId } = (await request.json()) as Said;
  const nth = said.findIndex((one) => one.role === 'assistant' && one.id === messageId);
  const message = said[nth];
  const before = nth < 0 ? said : said.slice(0, nth);
  const run = `desk-${id}-${before.length}`;
  if (message === undefined) return start(desk, said, { id: run, onPark: 'return' }).toUIMessageStreamResponse();
  if (message.id !== run) return new Response('There is no such answer in this chat.', { status: 404 });

  const { refused } = await answerFrom([message], { run, by: `the page of ${id}` });
  const wrong = refused.find(({ error }) => error.code === 'CONTRACT_VIOLATION');
  if (wrong !== undefined) return new Response(wrong.error.message, { status: 422 });
  return start(desk, before, { id: run, onPark: 'return' }).toUIMessageStreamResponse({ after: 'park' });
}

/** GET /api/chat/ID/NTH/stream: an answer of the chat from its start, live, waiting or ended. */
export async function GET(request: Request): Promise<Response> {
  const [id = '', nth = ''] = new URL(request.url).pathname.split('/').slice(-3);
  const handle = await follow(`desk-${id}-${nth}`, { agent: desk }).catch(() => undefined);
  return handle?.toUIMessageStreamResponse() ?? new Response(null, { status: 204 });
}
