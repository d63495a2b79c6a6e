import { describe, expect, it } from 'vitest';
import { FAULTS, type Fault, type FaultName } from '../../src/modelServer/faults.ts';
import { VirtualClock } from '../support/virtualClock.ts';
import { type Came, CHAT, chat, type Options, saidIn, send, serving, wanting } from './bareClient.ts';

const SCHEMA = {
  type: 'object',
  properties: { title: { type: 'string' }, n: { type: 'integer' } },
  required: ['title', 'n'],
  additionalProperties: false,
};
const ANSWER = { title: 'a title with some length', n: 7 };

/** What one request gets that meets a fault, and its record. */
async function met(
  fault: Fault | FaultName,
  body: object = wanting(SCHEMA),
  options: Options = {},
): Promise<Came & { readonly record: object }> {
  const server = await serving({ answers: () => ({ object: ANSWER }), ...options, faults: () => fault });
  const came = await send(server, CHAT, body);
  await rest(() => server.requests.length === 1);
  expect(server.requests[0]).toMatchObject({ fault: typeof fault === 'string' ? fault : fault.fault });
  return { ...came, record: server.requests[0]! };
}

async function rest(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}

const STATUSES = Object.entries(FAULTS).flatMap(([name, facts]) => ('status' in facts ? [[name, facts.status] as const] : []));

/** What a client sees of each fault that is no plain status. */
const SEEN: Readonly<Record<Exclude<FaultName, `${number}`>, (name: FaultName) => Promise<void>>> = {
  quotaUsedUp: async (name) => expect(await met(name)).toMatchObject({ status: 429, body: expect.stringContaining('insufficient_quota') }),
  contextOverflow: async (name) =>
    expect(await met(name)).toMatchObject({ status: 400, body: expect.stringContaining('context_length_exceeded') }),
  reset: async (name) =>
    expect(await met(name)).toMatchObject({
      status: 0,
      error: 'ECONNRESET',
      record: { closed: 'server', acknowledged: false, bytesOut: 0 },
    }),
  refuse: async (fault) => {
    const clock = new VirtualClock();
    const server = await serving({
      clock,
      answers: () => 'ok',
      faults: (_asked, nth) => (nth === 0 ? { fault: 'refuse', forMs: 5_000 } : undefined),
    });
    expect(await send(server, CHAT, chat('a'))).toMatchObject({ status: 0, error: 'ECONNRESET' });
    expect(await send(server, CHAT, chat('a'))).toMatchObject({ status: 0, error: 'ECONNREFUSED' });
    await clock.drive(clock.sleep(5_001));
    let again = await send(server, CHAT, chat('a'));
    while (again.error === 'ECONNREFUSED') again = await send(server, CHAT, chat('a'));
    expect(saidIn(again)).toBe('ok');
    expect(server.stats().byFault).toEqual({ [fault]: 1 });
  },
  hang: async (fault) => {
    const clock = new VirtualClock();
    const server = await serving({ clock, answers: () => 'ok', faults: { hang: { share: 1, forMs: 30_000 } } });
    expect(saidIn(await clock.drive(send(server, CHAT, chat('a'))))).toBe('ok');
    expect(server.requests[0]).toMatchObject({ fault, tookMs: 30_000, acknowledged: true });
  },
  stall: async (fault) => {
    const clock = new VirtualClock();
    const server = await serving({ clock, answers: () => 'ok', faults: () => ({ fault: 'stall', atByte: 20, forMs: 60_000 }) });
    const came = await clock.drive(send(server, CHAT, chat('a', { stream: true })));
    expect(came.body).toContain('[DONE]');
    expect(server.requests[0]).toMatchObject({ fault, tookMs: 60_000, acknowledged: true });
    const client = new AbortController();
    const stalled = await serving({ answers: () => 'ok', faults: () => ({ fault: 'stall', atByte: 20 }) });
    const waiting = send(stalled, CHAT, chat('a', { stream: true }), { signal: client.signal });
    setTimeout(() => client.abort(), 50);
    expect(await waiting).toMatchObject({ status: 200, body: expect.stringMatching(/^data: .{14}$/) });
    await rest(() => stalled.requests.length === 1);
    expect(stalled.requests[0]).toMatchObject({ closed: 'client', acknowledged: false, bytesOut: 20 });
  },
  cut: async () => {
    for (const stream of [false, true]) {
      for (const atByte of [0, 1, 40]) {
        const came = await met({ fault: 'cut', atByte }, chat('a', { stream }));
        expect(came).toMatchObject({
          status: 200,
          error: 'ECONNRESET',
          record: { closed: 'server', acknowledged: false, bytesOut: atByte },
        });
        expect(came.body).toHaveLength(atByte);
      }
    }
  },
  cutReset: async () => {
    const came = await met({ fault: 'cutReset', atByte: 30 }, chat('a', { stream: true }));
    expect(came).toMatchObject({ error: 'ECONNRESET', record: { closed: 'server', acknowledged: false } });
  },
  cutClean: async () => {
    for (const stream of [false, true]) {
      const came = await met({ fault: 'cutClean', atByte: 30 }, chat('a', { stream }));
      expect(came).toMatchObject({ status: 200, record: { acknowledged: false } });
      expect(came.error).toBeUndefined();
      expect(came.body).toHaveLength(30);
    }
  },
  errorEvent: async (name) => {
    const came = await met(name, chat('a', { stream: true }));
    expect(came.status).toBe(200);
    expect(came.body).toMatch(/"error":\{/);
    expect(came.body).not.toContain('[DONE]');
    expect(await met(name, chat('a'))).toMatchObject({ status: 500, record: { acknowledged: false } });
  },
  garbage: async (name) => {
    const came = await met(name);
    expect(came).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' }, record: { acknowledged: false } });
    expect(() => JSON.parse(came.body)).toThrow(SyntaxError);
  },
  html: async (name) =>
    expect(await met(name)).toMatchObject({
      status: 200,
      headers: { 'content-type': expect.stringContaining('text/html') },
      body: expect.stringContaining('<html>'),
    }),
  html502: async (name) =>
    expect(await met(name)).toMatchObject({ status: 502, headers: { 'content-type': expect.stringContaining('text/html') } }),
  emptyBody: async (name) => expect(await met(name)).toMatchObject({ status: 200, body: '', record: { acknowledged: false } }),
  empty: async (name) => expect(JSON.parse((await met(name)).body)).toMatchObject({ choices: [] }),
  unknownFinish: async (name) => expect(JSON.parse((await met(name)).body)).toMatchObject({ choices: [{ finish_reason: 'gave_way' }] }),
  length: async (name) => {
    const came = await met(name);
    expect(JSON.parse(came.body)).toMatchObject({ choices: [{ finish_reason: 'length' }] });
    expect(() => JSON.parse(saidIn(came))).toThrow(SyntaxError);
  },
  filter: async (name) => expect(JSON.parse((await met(name)).body)).toMatchObject({ choices: [{ finish_reason: 'content_filter' }] }),
  refusal: async (name) =>
    expect(JSON.parse((await met(name)).body)).toMatchObject({ choices: [{ message: { refusal: expect.stringContaining('sorry') } }] }),
  truncatedJson: async (name) => {
    const came = await met(name);
    expect(JSON.parse(came.body)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    expect(JSON.stringify(ANSWER).startsWith(saidIn(came))).toBe(true);
    expect(saidIn(came)).not.toBe(JSON.stringify(ANSWER));
  },
  wrongJson: async (name) => {
    const said: unknown = JSON.parse(saidIn(await met(name)));
    expect(said).not.toEqual({ title: expect.any(String), n: expect.any(Number) });
    const tool = { type: 'function', function: { name: 'look', parameters: SCHEMA } };
    const called = await met(name, chat('a', { tools: [tool], tool_choice: { type: 'function', function: { name: 'look' } } }));
    expect(called.body).toContain('"name":"look"');
    expect(called.body).not.toContain(JSON.stringify(JSON.stringify(ANSWER)));
  },
  prose: async (name) => expect(saidIn(await met(name))).toMatch(/^I've looked/),
  proseAround: async (name) => expect(saidIn(await met(name))).toMatch(/^Sure!.*```json\n\{.*\}\n```/s),
};

async function expectSeen(name: keyof typeof SEEN): Promise<void> {
  await SEEN[name](name);
}

describe('a fault', () => {
  it.each(STATUSES)('of status %s is seen as that status, in the form of the protocol', async (name, status) => {
    const came = await met(name as FaultName);
    expect(came).toMatchObject({ status, record: { acknowledged: false } });
    expect(came.record).not.toHaveProperty('closed');
    expect(JSON.parse(came.body)).toMatchObject({ error: { message: expect.any(String) } });
  });

  it.each(Object.keys(SEEN) as (keyof typeof SEEN)[])('named %s does what it says', async (name) => {
    await expectSeen(name);
  });

  it('of a status can say when to come again', async () => {
    const came = await met({ fault: '429', retryAfterMs: 1_500 });
    expect(came.headers).toMatchObject({ 'retry-after': '2', 'retry-after-ms': '1500' });
  });

  it('that a function makes up is refused with the names there are', async () => {
    const server = await serving({ faults: () => 'tired' as FaultName });
    expect(await send(server, CHAT, chat('a'))).toMatchObject({ status: 400, body: expect.stringContaining('proseAround') });
  });
});

describe('faults by seed', () => {
  const SHARES = { '500': 0.2, garbage: 0.1, cut: 0.1 } as const;

  async function faultsOf(seed: number, order: readonly number[]): Promise<ReadonlyMap<string, string | undefined>> {
    const server = await serving({ seed, faults: SHARES, answers: () => 'ok' });
    for (const nth of order) await send(server, CHAT, chat(`q${nth}`), { headers: { 'x-amdahl-turn': `turn ${nth}` } });
    await rest(() => server.requests.length === order.length);
    return new Map(server.requests.map(({ turn, tryNumber, fault }) => [`${turn} ${tryNumber}`, fault]));
  }

  it('meet the same turns whatever the order, and other turns with another seed', async () => {
    const order = Array.from({ length: 60 }, (_, nth) => nth);
    const once = await faultsOf(5, order);
    const backwards = await faultsOf(5, order.toReversed());
    const sorted = (map: ReadonlyMap<string, unknown>): unknown => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(backwards)).toEqual(sorted(once));
    expect(sorted(await faultsOf(6, order))).not.toEqual(sorted(once));
    const share = [...once.values()].filter((fault) => fault !== undefined).length / 60;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.6);
  });

  it('draw anew for each try of a turn', async () => {
    const tries = await faultsOf(
      5,
      Array.from({ length: 40 }, () => 0),
    );
    expect(tries.size).toBe(40);
    expect(new Set(tries.values()).size).toBeGreaterThan(2);
  });

  it('cut a stream anywhere, also within a character', async () => {
    const server = await serving({ faults: { cut: 1 }, answers: () => 'ü€😀'.repeat(40) });
    const bytes = new Set<number>();
    for (let nth = 0; nth < 20; nth += 1) {
      expect((await send(server, CHAT, chat(`q${nth}`, { stream: true }))).error).toBe('ECONNRESET');
    }
    await rest(() => server.requests.length === 20);
    for (const { bytesOut, acknowledged } of server.requests) {
      bytes.add(bytesOut);
      expect(acknowledged).toBe(false);
    }
    expect(bytes.size).toBeGreaterThan(15);
  });
});
