// Fetching files: over real sockets, what a conversation names never from this machine.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { isPrivateHost } from '../../src/agent/privateHost.ts';
import { systemDownload } from '../../src/run/download.ts';

let server: Server | undefined;
const asked: string[] = [];
afterEach(() => {
  server?.close();
  asked.length = 0;
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  return (server.address() as AddressInfo).port;
}

const fetched = (url: string, isPublic: boolean): ReturnType<typeof systemDownload> =>
  systemDownload(new URL(url), { bytesMax: 1_000, isPublic });

describe('a file', () => {
  test('is followed through redirects, and its kind is what its server says', async () => {
    const port = await serve(({ url }, response) => {
      if (url === '/a') response.writeHead(302, { location: '/b' }).end();
      else response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('here');
    });
    const { bytes, mediaType } = await fetched(`http://127.0.0.1:${port}/a`, false);
    expect([Buffer.from(bytes).toString(), mediaType, asked]).toEqual(['here', 'text/plain', ['/a', '/b']]);
  });

  test.each<[string, (port: number) => string]>([
    ['an address', (port) => `http://127.0.0.1:${port}/`],
    ['a name', (port) => `http://localhost:${port}/`],
  ])('that must be public is not asked for at %s of this machine', async (_, url) => {
    const port = await serve((__, response) => response.end('secret'));
    await expect(fetched(url(port), true)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('is no public address') as string,
    });
    expect(asked).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['for ever', '/', 'redirects more than 10 times'],
    ['out of the web', 'file:///etc/passwd', 'redirects to file:'],
  ])('that redirects %s cannot be fetched', async (_, location, message) => {
    const port = await serve((__, response) => response.writeHead(302, { location }).end());
    await expect(fetched(`http://127.0.0.1:${port}/`, false)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(message) as string,
    });
  });
});

test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '[::1]', '::ffff:127.0.0.1', 'fd00::1', 'fe80::1', 'localhost.', '64:ff9b::7f00:1'])(
  '%s is private',
  (host) => expect(isPrivateHost(host)).toBe(true),
);

test.each(['8.8.8.8', '[2606:4700::1111]', '2a00:1450:4001::200e', 'example.com', '172.32.0.1'])('%s is public', (host) =>
  expect(isPrivateHost(host)).toBe(false),
);
