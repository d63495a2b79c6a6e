// A process of a chat server: the route of examples/docs/chatRoute.ts behind Node's own HTTP server. It takes up what other
// processes leave. Started by chat.test.ts, which gives the environment: journal, chats and where the model is.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { chat, GET, POST } from '../../examples/docs/chatRoute.ts';
import { recover } from '../../src/index.ts';

const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch((error: unknown) => {
    console.error(error);
    outgoing.destroy();
  });
});

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = incoming;
  const body = method === 'POST' ? { body: await buffer(incoming) } : {};
  const request = new Request(new URL(url, 'http://127.0.0.1'), { method, ...body });
  const response = await (method === 'POST' ? POST(request) : GET(request));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  const reader = response.body?.getReader();
  outgoing.once('close', () => void reader?.cancel());
  while (reader !== undefined) {
    const { value, done } = await reader.read();
    if (done) break;
    if (!outgoing.write(value)) await new Promise((resolve) => outgoing.once('drain', resolve).once('close', resolve));
  }
  outgoing.end();
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});
process.on('disconnect', () => process.exit());
await recover([chat], { everyMs: 100 });
