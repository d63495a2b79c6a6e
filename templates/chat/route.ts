// The chat as two functions from a Request to a Response, as they would stand in a route of Next or Hono. They speak the stream
// of the AI SDK: useChat({ resume: true }) reads them as they are. Whoever leaves stops nothing: the run goes on, and is read
// again from its journal.

import { createHash, randomUUID } from 'node:crypto';
import { follow, start } from 'amdahl';
import { z } from 'zod';
import chat from './chat.ts';

/** What useChat sends. messages() in chat.ts looks at the messages themselves. */
const Body = z.looseObject({
  id: z.string(),
  trigger: z.string().optional(),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant']), parts: z.array(z.looseObject({ type: z.string() })) })).min(1),
});

/** The run that a chat asked last. Where there are several servers, this belongs into a database. */
const lastRun = new Map<string, string>();

/** One more message of a chat. The same request again is answered from the journal, and nothing is asked twice. */
export async function POST(request: Request): Promise<Response> {
  const body = Body.safeParse(await request.json());
  if (!body.success) return Response.json({ error: z.prettifyError(body.error) }, { status: 400 });
  const { id, messages, trigger } = body.data;
  const again = trigger === 'regenerate-message' ? randomUUID() : '';
  const asked = JSON.stringify([id, messages, again]);
  const handle = start(chat, messages, { id: `chat-${createHash('sha256').update(asked).digest('hex')}` });
  lastRun.set(id, handle.id);
  return handle.toUIMessageStreamResponse();
}

/** GET /api/chat/ID/stream: the answer that is being written, from its beginning. */
export async function GET(request: Request): Promise<Response> {
  const [, id = ''] = /\/api\/chat\/([^/]+)\/stream$/.exec(new URL(request.url).pathname) ?? [];
  const run = lastRun.get(decodeURIComponent(id));
  if (run === undefined) return new Response(null, { status: 204 });
  const handle = await follow(run, { agent: chat }).catch(() => undefined); // it could not begin
  return handle?.toUIMessageStreamResponse() ?? new Response(null, { status: 204 });
}
