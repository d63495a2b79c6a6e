// Serves the chat and a page for it with Node alone.

import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { recover } from 'amdahl';
import chat from './chat.ts';
import { GET, POST } from './route.ts';

const page = readFileSync(new URL('./page.html', import.meta.url));

async function answer(incoming: IncomingMessage): Promise<Response> {
  const { method, url = '/' } = incoming;
  const address = new URL(url, 'http://localhost');
  if (address.pathname === '/') return new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } });
  if (!address.pathname.startsWith('/api/chat')) return new Response('There is nothing here.', { status: 404 });
  if (method !== 'POST') return await GET(new Request(address));
  let body = '';
  for await (const chunk of incoming.setEncoding('utf8')) body += String(chunk);
  return await POST(new Request(address, { method, body }));
}

const server = createServer((incoming, outgoing) => {
  answer(incoming)
    .then(async (response) => {
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      await pipeline(response.body ?? [], outgoing);
    })
    .catch((error: unknown) => {
      // A reader that went away is no failure: its answer is kept.
      if (outgoing.headersSent) return;
      console.error(error);
      outgoing.writeHead(500).end('The chat failed.');
    });
});

// What a process before this one left unanswered is gone on with.
void recover([chat]);

server.listen(Number(process.env.PORT ?? 3000), 'localhost', () => {
  const found = server.address();
  console.log(`The chat is at http://localhost:${typeof found === 'object' ? found?.port : found}`);
});
