// The page's plain server of Node: a run for each request, and what a process left behind taken up by the next one.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { agent, recover, run } from '../../src/index.ts';
import { talker } from './standIn.ts';

const greet = agent({ name: 'greet', model: talker, instructions: 'Greet.' });

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    // The same key again is the same run: its answer comes from the journal.
    const { output } = await run(greet, 'Good morning.', { id: `greet-${String(request.headers['idempotency-key'])}` });
    response.end(output);
  } catch (error) {
    response.writeHead(502).end(String(error));
  }
}

const leaving = new AbortController();
const recovering = recover([greet], { everyMs: 1000, signal: leaving.signal });
const server = createServer((request, response) => void answer(request, response));

function leave(): void {
  leaving.abort(); // Runs that recover took up are given up, for the next process to go on with.
  server.close(); // Requests under way end first.
}
process.once('SIGTERM', leave);

await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
const answers = await Promise.all(['a', 'b'].map((key) => fetch(url, { headers: { 'idempotency-key': key, connection: 'close' } })));
console.log(await Promise.all(answers.map((response) => response.text())));
leave();
await recovering;
