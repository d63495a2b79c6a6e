// A chat route for whatever gives a Request and takes a Response: Next, Hono, Bun-like servers, and Express or Node's own
// server behind an adapter of twenty lines (test/wire/chatServer.ts has one).

import { createHash } from 'node:crypto';
import type { UIMessage } from 'ai';
import { z } from 'zod';
import { agent, follow, messages, start, tool } from '../../src/index.ts';
import { runOf, setRun } from './chatStore.ts';

const weather = tool({
  description: 'The weather in a city',
  effect: 'none',
  input: z.object({ city: z.string() }),
  execute: ({ city }) => ({ city, sky: 'clear', celsius: 18 }),
});

export const chat = agent({
  name: 'chat',
  model: 'openai/gpt-5',
  input: messages(),
  instructions: 'Answer in plain words.',
  tools: { weather },
  checks: [(answer) => (/\bdraft\b/i.test(answer) ? 'Give the answer itself, not a draft.' : undefined)],
});

/** What `useChat` sends. */
interface Said {
  readonly id: string;
  readonly messages: readonly UIMessage[];
  readonly trigger: 'submit-message' | 'regenerate-message';
}

/** POST /api/chat: begins the run that answers the conversation. Sent twice, it is one run. */
export async function POST(request: Request): Promise<Response> {
  const { id, messages: said, trigger } = (await request.json()) as Said;
  const again = trigger === 'regenerate-message' ? crypto.randomUUID() : '';
  const asked = JSON.stringify([id, said, again]);
  const run = `chat-${createHash('sha256').update(asked).digest('hex')}`;
  await setRun(id, run);
  return start(chat, said, { id: run }).toUIMessageStreamResponse();
}

/** GET /api/chat/ID/stream: the answer of the chat's newest run, from its start or after so many chunks, live or ended. */
export async function GET(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const id = decodeURIComponent(pathname.split('/').at(-2) ?? '');
  const run = await runOf(id);
  const handle = run === undefined ? undefined : await follow(run, { agent: chat }).catch(() => undefined);
  if (handle === undefined) return new Response(null, { status: 204 });
  return handle.toUIMessageStreamResponse({ after: Number(searchParams.get('after') ?? 0) });
}
