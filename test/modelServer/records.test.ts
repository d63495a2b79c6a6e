import { describe, expect, it } from 'vitest';
import { StoredItems } from '../../src/modelServer/storedItems.ts';
import { Records, type RequestRecord } from '../../src/modelServer/records.ts';
import { CHAT, chat, send, serving } from './bareClient.ts';

const RECORD: RequestRecord = {
  nth: 0,
  at: 0,
  tookMs: 0,
  method: 'POST',
  path: CHAT,
  bytesIn: 0,
  bytesOut: 0,
  tokensIn: 0,
  tokensOut: 0,
  tokensCached: 0,
  tokensCacheWritten: 0,
  promptBytes: 0,
  cachedBytes: 0,
  sharedBytes: 0,
  sharedTokens: 0,
  status: 200,
  acknowledged: true,
  inFlight: 1,
};

describe('what is recorded', () => {
  it('is every request but those for the sums', async () => {
    const server = await serving({ keys: ['k'], models: ['m'] });
    const key = { headers: { authorization: 'Bearer k' } };
    await send(server, '/v1/models', '', { method: 'GET' });
    await send(server, '/v1/models', '', { method: 'GET', ...key });
    expect(JSON.parse((await send(server, '/v1/models/m', '', { method: 'GET', ...key })).body)).toMatchObject({ id: 'm' });
    await send(server, '/v1/models/n', '', { method: 'GET', ...key });
    await send(server, '/v1/completions', { a: 1 }, key);
    await send(server, CHAT, '', { method: 'GET', ...key });
    for (const own of ['/stats', '/requests']) await send(server, own, '', { method: 'GET' });
    expect(server.requests.map(({ method, path, status, refused, acknowledged }) => [method, path, status, refused, acknowledged])).toEqual(
      [
        ['GET', '/v1/models', 401, 'wrong key', false],
        ['GET', '/v1/models', 200, undefined, false],
        ['GET', '/v1/models/m', 200, undefined, false],
        ['GET', '/v1/models/n', 404, 'unknown model', false],
        ['POST', '/v1/completions', 404, 'unknown path', false],
        ['GET', CHAT, 404, 'unknown path', false],
      ],
    );
    expect(server.requests.every(({ protocol, bytesOut }) => protocol === undefined && bytesOut > 0)).toBe(true);
  });

  it('has the status of a request at which the server itself failed', async () => {
    let asked = 0;
    const now = (): number => {
      asked += 1;
      // The third to ask is the rate limit of the first request.
      if (asked === 3) throw new Error('the clock of the test stopped');
      return 0;
    };
    const server = await serving({ clock: { now, after: () => () => {} } });
    const came = await send(server, CHAT, chat('a'));
    expect(came).toMatchObject({ status: 500, body: expect.stringContaining('the clock of the test stopped') });
    expect(server.requests[0]).toMatchObject({ status: 500, refused: expect.stringContaining('the clock'), acknowledged: false });
  });

  it('is cut where a client sends names without end, and turns stay apart all the same', async () => {
    const server = await serving();
    for (const last of ['a', 'b']) {
      const turn = `${'t'.repeat(5_000)}${last}`;
      await send(server, CHAT, { ...chat('x'), model: 'm'.repeat(100_000) }, { headers: { 'x-amdahl-turn': turn } });
      await send(server, CHAT, { ...chat('x'), messages: [{ role: 'r'.repeat(100_000), content: 'x' }] });
    }
    expect(JSON.stringify(server.requests).length).toBeLessThan(5_000);
    expect(server.stats()).toMatchObject({ turns: 2, turnsAnsweredTwice: 0 });
  });
});

describe('records', () => {
  it('count turns beyond those that are remembered', () => {
    const records = new Records();
    const end = (turn: string): void => {
      const opened = records.open();
      records.close({ ...RECORD, nth: opened.nth, turn }, opened);
    };
    for (let nth = 0; nth < 200_005; nth += 1) end(`turn ${nth}`);
    end('turn 200004');
    expect(records.stats()).toMatchObject({ turns: 200_005, turnsAnsweredTwice: 1 });
    end('turn 0');
    expect(records.stats()).toMatchObject({ turns: 200_006, turnsAnsweredTwice: 1 });
  });

  it('tell when nothing is in flight', async () => {
    const records = new Records();
    await records.idle();
    const [one, two] = [records.open(), records.open()];
    let idle = false;
    const waiting = records.idle().then(() => (idle = true));
    records.close(RECORD, one);
    await Promise.resolve();
    expect(idle).toBe(false);
    records.close(RECORD, two);
    await waiting;
  });
});

it('of stored items the oldest go where their texts are too long together', () => {
  const stored = new StoredItems();
  for (let at = 0; at < 40; at += 1) stored.keep(new Map([[`i${at}`, [{ type: 'text', text: 'x'.repeat(1_000_000) }]]]));
  expect([0, 5, 10, 39].map((at) => stored.find(`i${at}`) !== undefined)).toEqual([false, false, true, true]);
  stored.keep(new Map([['i39', []]]));
  expect(stored.find('i39')).toEqual([]);
});
