// A server on loopback that answers every request with the same thing, and the models of real provider packages that
// ask it. Called by the tests of failures, which need what a package makes of an answer and not what we think it makes.

import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGateway } from '@ai-sdk/gateway';
import { createGoogle } from '@ai-sdk/google';
import { createGroq } from '@ai-sdk/groq';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { createXai } from '@ai-sdk/xai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { selfSigned } from './selfSigned.ts';

/** What the server does with a request. `cutAt`: the socket is destroyed after so many bytes of the body. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
  readonly cutAt?: number;
  /** The socket is destroyed before any answer. */
  readonly reset?: true;
}

export interface Loopback extends AsyncDisposable {
  /** Without a path: http://127.0.0.1:port. */
  readonly origin: string;
  reply: Reply;
  /** Requests that arrived. */
  asked: number;
}

export async function loopback(reply: Reply, { tls = false }: { readonly tls?: boolean } = {}): Promise<Loopback> {
  const server = tls ? createTlsServer(selfSigned()) : createServer();
  server.on('request', (request, response: ServerResponse) => {
    request.resume();
    request.on('end', () => {
      place.asked += 1;
      answer(response, place.reply);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const place: Loopback = {
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reply,
    asked: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return place;
}

function answer(response: ServerResponse, { status = 200, headers, body = '', cutAt, reset }: Reply): void {
  if (reset === true) return void response.destroy();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body !== 'string' ? 'application/json' : text.startsWith('<') ? 'text/html' : 'text/event-stream';
  response.writeHead(status, { 'content-type': type, ...headers });
  if (cutAt === undefined) return void response.end(text);
  response.write(text.slice(0, cutAt), () => setImmediate(() => response.destroy()));
}

/** What every model is given as its key: no message, datum or cause may show it. One per provider, in its form. */
export const KEYS = {
  openai: 'sk-proj-Zx81kQm2VvB7nP4rT9wY3cL6dF0gH5jK',
  anthropic: 'sk-ant-api03-Q7w2E9r4T1y8U3i6O5p0AsDfGhJk-LzXcVbN',
  google: 'AIzaSyD4x7R2m9Kq1Vw8Zt3Ny6Bp5Lc0HgJfEuX',
  groq: 'gsk_8Hn3Vb6Mx1Qz9Lp2Wk5Rt7Yc4Gf0DsJa',
  mistral: 'Vw8Zt3Ny6Bp5Lc0HgJfEuXD4x7R2m9Kq',
  xai: 'xai-4Gf0DsJa8Hn3Vb6Mx1Qz9Lp2Wk5Rt7Yc',
} as const;

/** Models by the name of the protocol they speak, at a server. */
export const MODELS = {
  'openai chat': (origin: string): LanguageModelV4 => createOpenAI({ apiKey: KEYS.openai, baseURL: `${origin}/v1` }).chat('gpt-9'),
  'openai responses': (origin: string): LanguageModelV4 =>
    createOpenAI({ apiKey: KEYS.openai, baseURL: `${origin}/v1` }).responses('gpt-9'),
  anthropic: (origin: string): LanguageModelV4 => createAnthropic({ apiKey: KEYS.anthropic, baseURL: `${origin}/v1` })('claude-9'),
  google: (origin: string): LanguageModelV4 => createGoogle({ apiKey: KEYS.google, baseURL: `${origin}/v1beta` })('gemini-9'),
  compatible: (origin: string): LanguageModelV4 =>
    createOpenAICompatible({ name: 'local', apiKey: KEYS.mistral, baseURL: `${origin}/v1` })('llama-9'),
  mistral: (origin: string): LanguageModelV4 => createMistral({ apiKey: KEYS.mistral, baseURL: `${origin}/v1` })('mistral-9'),
  groq: (origin: string): LanguageModelV4 => createGroq({ apiKey: KEYS.groq, baseURL: `${origin}/openai/v1` })('llama-9'),
  xai: (origin: string): LanguageModelV4 => createXai({ apiKey: KEYS.xai, baseURL: `${origin}/v1` })('grok-9'),
  openrouter: (origin: string): LanguageModelV4 => createOpenRouter({ apiKey: KEYS.openai, baseURL: `${origin}/api/v1` })('a/model-9'),
  gateway: (origin: string): LanguageModelV4 => createGateway({ apiKey: KEYS.openai, baseURL: `${origin}/v4/ai` })('a/model-9'),
};

export type ModelKind = keyof typeof MODELS;
