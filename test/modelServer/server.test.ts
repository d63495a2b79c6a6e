import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type RequestRecord, startModelServer } from '../../src/testing.ts';
import { VirtualClock } from '../support/virtualClock.ts';
import { CHAT, chat, saidIn, send, serving, wanting } from './bareClient.ts';

const PATHS = [
  [CHAT, chat('hi')],
  ['/chat/completions', chat('hi')],
  ['/v1/v1/chat/completions', chat('hi')],
  ['/v1/responses', { model: 'm', input: 'hi' }],
  ['/v1/messages?beta=true', { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }],
] as const;

describe('what a model server answers', () => {
  it('is what a function says, in every protocol, whole and streamed', async () => {
    const server = await serving({ answers: ({ protocol }, nth) => `${protocol} ${nth}` });
    for (const [path, body] of PATHS) {
      for (const stream of [false, true]) {
        const came = await send(server, path, { ...body, stream });
        expect(came).toMatchObject({ status: 200 });
        expect(came.headers['content-type']).toContain(stream ? 'text/event-stream' : 'application/json');
        expect(came.body).toContain(server.requests.at(-1)?.protocol);
      }
    }
    expect(server.requests.map(({ nth }) => nth)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(server.requests.every(({ acknowledged }) => acknowledged)).toBe(true);
  });

  it('follows a script in order, and refuses for good beyond its end', async () => {
    const server = await serving({ answers: ['one', { object: { n: 2 } }] });
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('one');
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('{"n":2}');
    const beyond = await send(server, CHAT, chat('a'));
    expect(beyond.status).toBe(400);
    expect(beyond.body).toContain('2 turns of its script');
    server.reset();
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('one');
  });

  it('leaves the turn of a script to the retry of a request that met a fault', async () => {
    const server = await serving({ answers: ['one', 'two'], faults: (_asked, nth) => (nth === 0 ? '500' : nth === 1 ? 'cut' : undefined) });
    expect((await send(server, CHAT, chat('a'))).status).toBe(500);
    expect((await send(server, CHAT, chat('a'))).error).toBeDefined();
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('one');
  });

  it('puts an object into the arguments of a tool that is demanded', async () => {
    const server = await serving({ answers: () => ({ object: { city: 'Bern' } }) });
    const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };
    const came = await send(server, CHAT, chat('hi', { tools: [tool], tool_choice: { type: 'function', function: { name: 'look' } } }));
    expect(JSON.parse(came.body)).toMatchObject({
      choices: [{ finish_reason: 'tool_calls', message: { tool_calls: [{ function: { name: 'look', arguments: '{"city":"Bern"}' } }] } }],
    });
  });

  it('is made up by seed: equal for equal requests, and another with another seed', async () => {
    const said = async (seed: number, text: string): Promise<string> =>
      saidIn(
        await send(
          await serving({ seed }),
          CHAT,
          wanting({ type: 'object', properties: { a: { type: 'string' }, n: { type: 'integer' } }, required: ['a', 'n'] }, text),
        ),
      );
    const once = await said(7, 'x');
    expect(JSON.parse(once)).toEqual({ a: expect.any(String), n: expect.any(Number) });
    expect(await said(7, 'x')).toBe(once);
    expect(await said(8, 'x')).not.toBe(once);
    expect(await said(7, 'y')).not.toBe(once);
  });

  it('calls a tool where one must be called, and talks where none must', async () => {
    const server = await serving();
    const tools = [
      {
        type: 'function',
        function: { name: 'look', parameters: { type: 'object', properties: { q: { enum: ['a', 'b'] } }, required: ['q'] } },
      },
    ];
    const forced = await send(server, CHAT, chat('hi', { tools, tool_choice: 'required' }));
    expect(forced.body).toMatch(/"arguments":"\{\\"q\\":\\"[ab]\\"\}"/);
    expect(saidIn(await send(server, CHAT, chat('hi', { tools })))).toMatch(/^\w+ .*\.$/);
  });

  it('is cut where the request caps its output', async () => {
    const server = await serving({ answers: () => 'word '.repeat(100) });
    const came = await send(server, CHAT, chat('hi', { max_tokens: 10 }));
    expect(JSON.parse(came.body)).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 10 } });
  });

  it('refuses what it cannot understand, with what was wrong', async () => {
    const server = await serving({
      answers: () => {
        throw new Error('the test said so');
      },
    });
    expect(await send(server, CHAT, 'no json')).toMatchObject({ status: 400, body: expect.stringContaining('not JSON') });
    expect(await send(server, CHAT, { model: 'm' })).toMatchObject({ status: 400, body: expect.stringContaining('messages') });
    expect(await send(server, CHAT, chat('hi'))).toMatchObject({ status: 500, body: expect.stringContaining('the test said so') });
    expect(await send(server, '/v2/else', {})).toMatchObject({ status: 404, body: expect.stringContaining('POST /v2/else') });
    expect(server.stats()).toMatchObject({ requests: 4, acknowledged: 0, inFlight: 0, byStatus: { 400: 2, 404: 1, 500: 1 } });
  });

  it('is refused for a schema that has no value, saying what to do', async () => {
    const came = await send(
      await serving(),
      CHAT,
      wanting({ type: 'object', properties: { a: { type: 'string', pattern: '^(?=b)a$' } }, required: ['a'] }),
    );
    expect(came).toMatchObject({ status: 400, body: expect.stringContaining('Give startModelServer() answers') });
  });
});

describe('who may ask what', () => {
  it('is told by keys, models and the length of the context', async () => {
    const server = await serving({ keys: ['right'], models: ['m', 'n'], contextTokens: 50 });
    const bearer = { headers: { authorization: 'Bearer right' } };
    expect((await send(server, CHAT, chat('hi'))).status).toBe(401);
    expect((await send(server, CHAT, chat('hi'), { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await send(server, CHAT, chat('hi'), bearer)).status).toBe(200);
    expect((await send(server, '/v1/messages', { ...chat('hi'), max_tokens: 5 }, { headers: { 'x-api-key': 'right' } })).status).toBe(200);
    expect((await send(server, CHAT, { ...chat('hi'), model: 'other' }, bearer)).status).toBe(404);
    expect(await send(server, CHAT, chat('long '.repeat(100)), bearer)).toMatchObject({
      status: 400,
      body: expect.stringContaining('context'),
    });
    expect((await send(server, '/v1/models', '', { method: 'GET' })).status).toBe(401);
    const listed = await send(server, '/v1/models', '', { method: 'GET', ...bearer });
    expect(JSON.parse(listed.body)).toMatchObject({ data: [{ id: 'm' }, { id: 'n' }] });
    expect(JSON.stringify(server.requests)).not.toContain('right');
  });
});

describe('delays', () => {
  it('pass before an answer, and between the tokens of a stream', async () => {
    const clock = new VirtualClock();
    const server = await serving({
      clock,
      delay: { firstMs: 2_000, perTokenMs: 100 },
      answers: () => ({ text: 'a b c d e f g h', usage: { tokensOut: 30 } }),
    });
    for (const stream of [false, true]) {
      await clock.drive(send(server, CHAT, chat('hi', { stream })).then(() => clock.sleep(0)));
    }
    expect(server.requests.map(({ tookMs }) => tookMs)).toEqual([5_000, 5_000]);
  });

  it('follow a log-normal distribution by seed', async () => {
    const took = async (seed: number): Promise<readonly number[]> => {
      const clock = new VirtualClock();
      const server = await serving({ clock, seed, delay: { medianMs: 200, p99Ms: 1_000 }, answers: () => 'ok' });
      const all = Promise.all(Array.from({ length: 200 }, (_, at) => send(server, CHAT, chat(`q${at}`))));
      await clock.drive(all.then(() => clock.sleep(0)));
      return server.requests.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
    };
    const [once, again] = [await took(3), await took(3)];
    // Arrivals differ, so the sums of waiting may: what was drawn does not.
    expect(again[0]).toBe(once[0]);
    expect(once[100]).toBeGreaterThan(150);
    expect(once[100]).toBeLessThan(270);
    expect(once[199]).toBeGreaterThan(600);
  });
});

describe('rate limits', () => {
  const ask = chat('hi');

  it('let in what the bucket holds and say when to come again', async () => {
    const clock = new VirtualClock(1_000_000);
    const server = await serving({ clock, throttle: { requestsPerMinute: 60, burstRequests: 2 }, answers: () => 'ok' });
    const first = await send(server, CHAT, ask);
    expect(first.headers).toMatchObject({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '1',
      'x-ratelimit-reset-requests': '1s',
    });
    await send(server, CHAT, ask);
    const refused = await send(server, CHAT, ask);
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1', 'retry-after-ms': '1000', 'x-ratelimit-remaining-requests': '0' },
    });
    expect(server.requests.at(-1)).toMatchObject({ refused: 'rate limited', acknowledged: false });
    await clock.drive(clock.sleep(1_000));
    expect((await send(server, CHAT, ask)).status).toBe(200);
  });

  it('count tokens, also those of answers', async () => {
    const clock = new VirtualClock();
    const server = await serving({
      clock,
      throttle: { tokensPerMinute: 600, burstTokens: 100 },
      answers: () => ({ text: 'ok', usage: { tokensOut: 200 } }),
    });
    expect((await send(server, CHAT, ask)).status).toBe(200);
    const refused = await send(server, CHAT, ask);
    expect(refused.status).toBe(429);
    expect(refused.body).toContain('tokens per minute');
    await clock.drive(clock.sleep(Number(refused.headers['retry-after-ms'])));
    expect((await send(server, CHAT, ask)).status).toBe(200);
  });

  it('are told as Anthropic does, only on refusals, or not at all', async () => {
    const told = async (headers: 'announced' | 'retryAfter' | 'retryAfterMs' | 'bare', path: string, body: object): Promise<string[]> => {
      const server = await serving({ clock: new VirtualClock(), throttle: { requestsPerMinute: 1, headers }, answers: () => 'ok' });
      await send(server, path, body);
      const refused = await send(server, path, body);
      expect(refused.status).toBe(429);
      return Object.entries(refused.headers).flatMap(([name, value]) =>
        /ratelimit|retry/.test(name) ? [`${name}: ${String(value)}`] : [],
      );
    };
    expect(await told('announced', '/v1/messages', { ...ask, max_tokens: 9 })).toEqual([
      'anthropic-ratelimit-requests-limit: 1',
      'anthropic-ratelimit-requests-remaining: 0',
      'anthropic-ratelimit-requests-reset: 1970-01-01T00:01:00Z',
    ]);
    expect(await told('retryAfter', CHAT, ask)).toEqual(['retry-after: 60']);
    expect(await told('retryAfterMs', CHAT, ask)).toEqual(['retry-after-ms: 60000']);
    expect(await told('bare', CHAT, ask)).toEqual([]);
  });
});

describe('records', () => {
  it('say who closed a request first, and count what is in flight', async () => {
    const server = await serving({ faults: { hang: 1 } });
    const client = new AbortController();
    const both = [send(server, CHAT, chat('a'), { signal: client.signal }), send(server, CHAT, chat('b'), { signal: client.signal })];
    await until(() => server.stats().inFlight === 2);
    client.abort();
    await Promise.all(both);
    await until(() => server.stats().inFlight === 0);
    expect(server.requests).toMatchObject([
      { closed: 'client', acknowledged: false, status: 0, fault: 'hang' },
      { closed: 'client', acknowledged: false, status: 0, fault: 'hang' },
    ]);
    expect(server.stats()).toMatchObject({ inFlightMax: 2, closedByClient: 2, byFault: { hang: 2 } });
  });

  it('find the turn of a header, its tries and its double answers', async () => {
    const server = await serving({ answers: () => 'ok' });
    for (const turn of ['t1', 't2', 't1']) await send(server, CHAT, chat('a'), { headers: { 'x-amdahl-turn': turn } });
    expect(server.requests.map(({ turn, tryNumber }) => [turn, tryNumber])).toEqual([
      ['t1', 0],
      ['t2', 0],
      ['t1', 1],
    ]);
    expect(server.stats()).toMatchObject({ turns: 2, turnsAnsweredTwice: 1 });
  });

  it('add up, come over HTTP, go into a log, and are gone after a reset', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'amdahl-log-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const log = join(dir, 'log.jsonl');
    const server = await startModelServer({ log, faults: (_asked, nth) => (nth % 3 === 0 ? '503' : undefined) });
    for (let nth = 0; nth < 9; nth += 1) await send(server, CHAT, chat(`question ${nth}`));
    const stats = server.stats();
    expect(stats).toMatchObject({
      requests: 9,
      acknowledged: 6,
      byStatus: { 200: 6, 503: 3 },
      byFault: { 503: 3 },
      byProtocol: { 'openai.chat': 9 },
    });
    for (const name of ['tokensIn', 'tokensOut', 'bytesIn', 'bytesOut', 'sharedBytes', 'sharedTokens', 'tokensCached'] as const) {
      expect(stats[name]).toBe(server.requests.reduce((sum, record) => sum + record[name], 0));
    }
    expect(JSON.parse((await send(server, '/stats', '', { method: 'GET' })).body)).toEqual(JSON.parse(JSON.stringify(stats)));
    expect(JSON.parse((await send(server, '/requests', '', { method: 'GET' })).body)).toHaveLength(9);
    expect((await send(server, '/reset', '')).status).toBe(200);
    expect(server.stats()).toMatchObject({ requests: 0, tokensIn: 0, byStatus: {} });
    await server.close();
    expect(readFileSync(log, 'utf8').trim().split('\n')).toHaveLength(9);
  });

  it('of requests in flight at a reset are not counted, and those in flight at the end were closed by the server', async () => {
    const told: RequestRecord[] = [];
    const server = await startModelServer({ faults: { hang: 1 }, log: (record) => void told.push(record) });
    const client = new AbortController();
    const first = send(server, CHAT, chat('a'), { signal: client.signal });
    await until(() => server.stats().inFlight === 1);
    server.reset();
    client.abort();
    await first;
    await until(() => server.stats().inFlight === 0);
    expect(server.stats()).toMatchObject({ requests: 0, inFlightMax: 1 });
    const second = send(server, CHAT, chat('b'));
    await until(() => server.stats().inFlight === 1);
    await server.close();
    expect(await second).toMatchObject({ status: 0, error: 'ECONNRESET' });
    expect(told.map(({ closed }) => closed)).toEqual(['client', 'server']);
  });

  it('measure what prompts share, and what a provider would have cached of answered ones', async () => {
    const server = await serving({ answers: () => 'ok' });
    const long = 'Some instructions that stay the same. '.repeat(400);
    const ask = (text: string): object => ({
      model: 'm',
      messages: [
        { role: 'system', content: long },
        { role: 'user', content: text },
      ],
    });
    const [, second] = [await send(server, CHAT, ask('first')), await send(server, CHAT, ask('other'))];
    await send(server, CHAT, chat('short'));
    const [one, two, three] = server.requests;
    expect(one).toMatchObject({ sharedBytes: 0, sharedTokens: 0, tokensCached: 0 });
    expect(two!.sharedBytes).toBeGreaterThanOrEqual(long.length);
    expect(two!.sharedBytes).toBeLessThan(long.length + 30);
    expect(two!.sharedTokens).toBeGreaterThan(two!.tokensIn * 0.95);
    expect(two!.tokensCached).toBeGreaterThanOrEqual(1_024);
    expect(two!.tokensCached % 128).toBe(0);
    expect(JSON.parse(second.body)).toMatchObject({ usage: { prompt_tokens_details: { cached_tokens: two!.tokensCached } } });
    expect(three!.sharedBytes).toBeLessThan(10);
  });
});

describe('many clients', () => {
  it('are served at once', async () => {
    const server = await serving({ delay: 1_500, answers: () => 'ok' }); // long against what a busy machine takes to connect
    const all = await Promise.all(Array.from({ length: 1_000 }, (_, nth) => send(server, CHAT, chat(`q${nth}`))));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1_000);
    expect(server.stats()).toMatchObject({ requests: 1_000, acknowledged: 1_000, inFlight: 0 });
    expect(server.stats().inFlightMax).toBeGreaterThan(100);
  });
});

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}
