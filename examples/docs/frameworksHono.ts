// The page's Hono app: routes of web-standard requests and responses, here without a server around them.

import { Hono } from 'hono';
import { agent, type Conversation, follow, messages, start } from '../../src/index.ts';
import { talker } from './standIn.ts';

const chat = agent({ name: 'chat', model: talker, input: messages(), instructions: 'Answer in plain words.' });

const app = new Hono();

app.post('/chat', async (c) => {
  const { id, messages: said } = await c.req.json<{ id: string; messages: Conversation }>();
  return start(chat, said, { id: `chat-${id}-${said.length}` }).toUIMessageStreamResponse();
});

app.get('/chat/:id/:nth/stream', async (c) => {
  const { id, nth } = c.req.param();
  return (await follow(`chat-${id}-${nth}`, { agent: chat })).toUIMessageStreamResponse();
});

const said = { id: 'one', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Good morning.' }] }] };
const told = await (await app.request('/chat', { method: 'POST', body: JSON.stringify(said) })).text();
const again = await (await app.request('/chat/one/1/stream')).text();
if (told !== again || !told.includes('to you, too.')) throw new Error(`${told}\n${again}`);
console.log('told twice, asked once');
