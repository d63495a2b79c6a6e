// Whoever stops waiting for an answer hangs up: the server's own record says that the client closed the connection.

import { describe, expect, test, vi } from 'vitest';
import { type Agent, agent, flow, map, memoryJournal, run, RunError, type RunOptions } from '../../src/index.ts';
import type { ModelServerOptions } from '../../src/modelServer/options.ts';
import type { RequestRecord } from '../../src/modelServer/records.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';
import { columns } from './cells.ts';
import { say } from './spoken.ts';
import { wires } from './wires.ts';

/** No test waits that long, so whatever ends before was ended. */
const LONG_MS = 60_000;
const SILENT: ModelServerOptions = { delay: LONG_MS };
const TALKING: ModelServerOptions = { answers: () => 'word '.repeat(600), delay: { firstMs: 0, perTokenMs: 20 } };

describe.each(columns)('$wire, streamed: $stream', ({ wire, stream }) => {
  /** Asks, and gives what the server says of the requests once all of them are over. */
  async function asked<I>(
    program: Agent<I, unknown>,
    input: NoInfer<I>,
    server: ModelServer,
    options: RunOptions = {},
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<{ readonly code: string | undefined; readonly requests: readonly RequestRecord[] }> {
    const listening = stream ? { onDelta: () => {} } : {};
    const journal = memoryJournal();
    const running = failureOf(
      run(program, input, { id: 'r', journal, models: { '*': wires[wire](server.baseUrl()) }, ...listening, ...options }),
    );
    const [failed] = await Promise.all([running, meanwhile()]);
    await vi.waitFor(() => expect(server.stats().inFlight).toBe(0), { interval: 2, timeout: 5_000 });
    const { requests } = server;
    await server.close();
    return { code: failed?.code, requests };
  }

  /** Resolves once so many requests are being answered. */
  async function inFlight(server: ModelServer, count: number): Promise<void> {
    await vi.waitFor(() => expect(server.stats().inFlight).toBe(count), { interval: 2, timeout: 5_000 });
  }

  test('a run that is cancelled hangs up, everywhere at once', async () => {
    const server = await startModelServer(SILENT);
    const abort = new AbortController();
    const { code, requests } = await asked(map(say), ['a', 'b', 'c'], server, { signal: abort.signal }, async () => {
      await inFlight(server, 3);
      abort.abort();
    });
    expect(code).toBe('CANCELLED');
    expect(requests.map(({ closed, acknowledged, bytesOut }) => ({ closed, acknowledged, bytesOut }))).toEqual(
      Array.from({ length: 3 }, () => ({ closed: 'client', acknowledged: false, bytesOut: 0 })),
    );
  });

  test('a run that is cancelled in the middle of an answer hangs up', async () => {
    const server = await startModelServer(stream ? TALKING : SILENT);
    const abort = new AbortController();
    const heard = vi.fn(() => abort.abort());
    const listening = stream ? { onDelta: heard } : {};
    const { code, requests } = await asked(say, 'a', server, { signal: abort.signal, ...listening }, async () => {
      await inFlight(server, 1);
      if (!stream) abort.abort();
    });
    expect(code).toBe('CANCELLED');
    expect(requests).toMatchObject([{ closed: 'client', acknowledged: false }]);
    if (stream) expect(requests[0]?.bytesOut).toBeGreaterThan(0);
  });

  test('a call whose time is over hangs up', async () => {
    const server = await startModelServer(SILENT);
    const short = agent({ name: 'short', instructions: 'Say it.', timeoutMs: 300 });
    const { code, requests } = await asked(short, 'a', server);
    expect(code).toBe('TIMEOUT');
    expect(requests).toMatchObject([{ closed: 'client', acknowledged: false }]);
  });

  test('a sending whose time is over hangs up', async () => {
    const server = await startModelServer(SILENT);
    const { code, requests } = await asked(say, 'a', server, { limits: { requestMs: 300, retries: 0 } });
    expect(code).toBe('MODEL_TIMEOUT');
    expect(requests).toMatchObject([{ closed: 'client', acknowledged: false }]);
  });

  test('who lost a race hangs up', async () => {
    const server = await startModelServer({
      answers: () => 'fast',
      faults: ({ messages }) => (JSON.stringify(messages).includes('slow') ? 'hang' : undefined),
    });
    const race = flow({
      name: 'race',
      run: async (_: string, ctx) => await ctx.race([(branch) => branch.call(say, 'slow'), (branch) => branch.call(say, 'quick')]),
    });
    const { code, requests } = await asked(race, 'a', server);
    expect(code).toBeUndefined();
    expect(requests).toHaveLength(2);
    expect(requests.find(({ fault }) => fault === 'hang')).toMatchObject({ closed: 'client', acknowledged: false });
    expect(requests.find(({ fault }) => fault === undefined)).toMatchObject({ status: 200, acknowledged: true });
  });
});

/** The error that a run ends with, if it does. */
async function failureOf(running: Promise<unknown>): Promise<RunError | undefined> {
  try {
    await running;
    return undefined;
  } catch (error) {
    if (error instanceof RunError) return error;
    throw error;
  }
}
