// A server on loopback that answers each provider's plainest question in the provider's own words, and remembers what
// it was asked. For tests of who is reached, with which key and how often; protocols have tests of their own.

import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface Asked {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

export interface ProviderServer {
  readonly url: string;
  readonly asked: Asked[];
}

/** Until the test is over. With a status, every answer is that failure. */
export async function providerServer(status = 200): Promise<ProviderServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((said) => {
      const path = request.url ?? '';
      asked.push({ path, headers: request.headers, body: said === '' ? {} : (JSON.parse(said) as Record<string, unknown>) });
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(status === 200 ? answerTo(path) : { error: { message: 'down', type: 'server_error' } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, asked };
}

function answerTo(path: string): unknown {
  if (path.endsWith('/chat/completions')) {
    const message = { role: 'assistant', content: 'fine' };
    return {
      id: 'c1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: USAGE,
    };
  }
  if (path.endsWith('/responses')) {
    const message = {
      type: 'message',
      id: 'm1',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'fine', annotations: [] }],
    };
    return {
      id: 'r1',
      object: 'response',
      created_at: 1,
      model: 'm',
      status: 'completed',
      output: [message],
      usage: { input_tokens: 3, output_tokens: 1, total_tokens: 4 },
    };
  }
  if (path.endsWith('/messages')) {
    return {
      type: 'message',
      id: 'm1',
      model: 'm',
      role: 'assistant',
      content: [{ type: 'text', text: 'fine' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 3, output_tokens: 1 },
    };
  }
  if (path.includes(':generateContent')) {
    return {
      candidates: [{ content: { role: 'model', parts: [{ text: 'fine' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1, totalTokenCount: 4 },
    };
  }
  return {
    content: [{ type: 'text', text: 'fine' }],
    finishReason: { unified: 'stop', raw: 'stop' },
    usage: { inputTokens: { total: 3 }, outputTokens: { total: 1 } },
  };
}

const USAGE = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
