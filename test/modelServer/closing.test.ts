import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ModelServer, startModelServer } from '../../src/testing.ts';
import { CHAT, chat, saidIn, send, serving } from './bareClient.ts';

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}

/** A connection on which requests are written as they are. */
function raw(server: ModelServer): Socket {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {}).resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

const BODY = JSON.stringify(chat('a'));
const HEAD = `POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY.length}\r\n\r\n`;

describe('closing a model server', () => {
  it('waits until every request that hangs is recorded and logged', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'amdahl-closing-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const log = join(dir, 'log.jsonl');
    const server = await startModelServer({ faults: { hang: 1 }, log });
    const all = Array.from({ length: 20 }, (_, nth) => send(server, CHAT, chat(`q${nth}`)));
    await until(() => server.stats().inFlight === 20);
    await server.close();
    expect(server.requests.map(({ closed }) => closed)).toEqual(Array.from({ length: 20 }, () => 'server'));
    expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(20);
    await Promise.all(all);
  });

  it('ends what hangs since before connections were refused', async () => {
    const server = await startModelServer({ faults: (_asked, nth) => (nth === 0 ? 'hang' : { fault: 'refuse', forMs: 1 }) });
    const hanging = send(server, CHAT, chat('a'));
    await until(() => server.stats().inFlight === 1);
    expect((await send(server, CHAT, chat('a'))).error).toBe('ECONNRESET');
    while ((await send(server, '/stats', '', { method: 'GET' })).error !== undefined);
    await server.close();
    expect(await hanging).toMatchObject({ status: 0, error: 'ECONNRESET' });
    expect((await send(server, '/stats', '', { method: 'GET' })).error).toBe('ECONNREFUSED');
  });

  it('tells of a log function that threw, whose requests were answered', async () => {
    for (const log of [
      () => {
        throw new Error('the disk of the test');
      },
      // Fits the type, for what it returns is not looked at.
      ((): Promise<void> => Promise.reject(new Error('the disk of the test'))) as () => void,
    ]) {
      const server = await startModelServer({ log });
      expect((await send(server, CHAT, chat('a'))).status).toBe(200);
      expect((await send(server, CHAT, chat('b'))).status).toBe(200);
      await expect(server.close()).rejects.toMatchObject({
        code: 'MISCONFIGURED',
        message: expect.stringMatching(/log function .*threw 2 times.*the disk of the test/),
      });
    }
  });
});

describe('requests on one connection', () => {
  it('are each recorded when the client leaves, also those that wait behind another', async () => {
    const server = await serving({ faults: { hang: 1 } });
    const socket = raw(server);
    socket.write((HEAD + BODY).repeat(12));
    await until(() => server.stats().inFlight === 12);
    socket.destroy();
    await until(() => server.stats().inFlight === 0);
    expect(server.requests.map(({ closed }) => closed)).toEqual(Array.from({ length: 12 }, () => 'client'));
  });

  it('end with a reset that meets one behind another', async () => {
    const server = await serving({ faults: (_asked, nth) => (nth === 0 ? 'hang' : 'reset') });
    const socket = raw(server);
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.write((HEAD + BODY).repeat(2));
    await ended;
    await until(() => server.requests.length === 2);
    expect(server.requests.map(({ closed }) => closed)).toEqual(['server', 'server']);
  });
});

describe('a reset', () => {
  it('takes nothing from the script for a request that was on its way', async () => {
    const server = await serving({ answers: ['one', 'two'] });
    const socket = raw(server);
    socket.write(HEAD);
    await until(() => server.stats().inFlight === 1);
    server.reset();
    socket.write(BODY);
    await until(() => server.stats().inFlight === 0);
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('one');
    expect(server.stats()).toMatchObject({ requests: 1 });
  });

  it('leaves the buckets full, whatever is answered afterwards', async () => {
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const server = await serving({
      throttle: { tokensPerMinute: 1_000 },
      answers: async (_asked, nth) => {
        if (nth === 0) await gate;
        return { text: 'x', usage: { tokensOut: 900 } };
      },
    });
    const first = send(server, CHAT, chat('a'));
    await until(() => server.stats().inFlight === 1);
    server.reset();
    go();
    await first;
    const { headers } = await send(server, CHAT, chat('a'));
    expect(Number(headers['x-ratelimit-remaining-tokens'])).toBeGreaterThan(950);
  });
});

describe('a stream that nobody reads', () => {
  it('is written no further than the connection holds', async () => {
    const text = 'x'.repeat(20_000_000);
    const server = await serving({ answers: () => text, pieceChars: 100_000 });
    const body = JSON.stringify(chat('a', { stream: true }));
    const lazy = raw(server).pause();
    lazy.write(`POST ${CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await until(() => server.stats().inFlight === 1);
    // Another one passes by meanwhile.
    expect((await send(server, CHAT, chat('b', { stream: true }))).body.length).toBeGreaterThan(text.length);
    lazy.destroy();
    await until(() => server.stats().inFlight === 0);
    const [unread, read] = server.requests;
    expect(unread).toMatchObject({ closed: 'client', acknowledged: false });
    expect(read).toMatchObject({ acknowledged: true });
    expect(unread!.bytesOut).toBeLessThan(read!.bytesOut);
  });
});
