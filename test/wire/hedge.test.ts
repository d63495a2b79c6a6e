// Hedges over sockets, against a server whose answers have a tail: whoever lost hangs up, and server and bill agree.

import { expect, test, vi } from 'vitest';
import { map, memoryJournal, run } from '../../src/index.ts';
import { gatesOf } from '../../src/model/gates.ts';
import type { GateView } from '../../src/model/gateView.ts';
import type { Faults } from '../../src/modelServer/faults.ts';
import type { Protocol } from '../../src/modelServer/wire.ts';
import { systemClock } from '../../src/run/ports.ts';
import { startModelServer } from '../../src/testing.ts';
import { say } from './spoken.ts';
import { wires } from './wires.ts';

const COUNT = 200;

test.each<Protocol>(['openai.chat', 'openai.responses', 'anthropic.messages'])('%s: who lost hangs up', async (wire) => {
  const server = await startModelServer({ seed: 3, answers: () => 'said', delay: { medianMs: 20, p99Ms: 1_500 } });
  const model = wires[wire](server.baseUrl());
  const journal = memoryJournal();
  const hedged = map(say, { hedge: {}, concurrency: 20 });
  const { output, bill } = await run(
    hedged,
    Array.from({ length: COUNT }, (_, index) => `item ${index}`),
    { id: 'r', journal, models: { '*': model } },
  );
  await vi.waitFor(() => expect(server.stats().inFlight).toBe(0), { interval: 2, timeout: 5_000 });
  const { requests } = server;
  const { turns, turnsAnsweredTwice } = server.stats();
  await server.close();

  expect(output).toEqual(Array.from({ length: COUNT }, () => 'said'));
  const hedges = bill.tax.hedges.requests;
  expect(hedges).toBeGreaterThan(0);
  expect(hedges).toBeLessThanOrEqual(COUNT * 0.05 + 1);
  expect(turns).toBe(COUNT);
  expect(bill).toMatchObject({ calls: COUNT + hedges, failed: 0, cancelled: hedges, open: { requests: 0 } });
  // Some may be cut off before the server hears of them, and both may be on the wire at the same moment.
  const seen = requests.length - COUNT;
  expect(seen).toBeLessThanOrEqual(hedges);
  const closed = requests.filter((one) => one.closed === 'client');
  expect(closed.length + turnsAnsweredTwice).toBe(seen);
  expect(gatesOf(systemClock).views()).toSatisfy((views: readonly GateView[]) =>
    views.every(({ inFlight, queued }) => inFlight + queued === 0),
  );
  for (const one of closed) expect(one).toMatchObject({ acknowledged: false, bytesOut: 0 });
  const hungUpOn = new Set(closed.map(({ turn }) => turn));
  expect(requests.filter(({ turn, acknowledged }) => acknowledged && hungUpOn.has(turn))).toHaveLength(closed.length);
});

test.each<Protocol>(['openai.chat', 'openai.responses', 'anthropic.messages'])('%s: a request that hangs is hung up on', async (wire) => {
  const faults: Faults = (_, nth) => (nth === 40 ? { fault: 'hang', forMs: 60_000 } : undefined);
  const server = await startModelServer({ answers: () => 'said', faults });
  const { output, bill } = await run(
    map(say, { hedge: {}, concurrency: 4 }),
    Array.from({ length: 60 }, (_, index) => `item ${index}`),
    { journal: memoryJournal(), models: { '*': wires[wire](server.baseUrl()) } },
  );
  await vi.waitFor(() => expect(server.stats().inFlight).toBe(0), { interval: 2, timeout: 5_000 });
  const { requests } = server;
  await server.close();
  expect(output).toEqual(Array.from({ length: 60 }, () => 'said'));
  expect(bill).toMatchObject({ failed: 0, open: { requests: 0 } });
  const hung = requests[40];
  expect(hung).toMatchObject({ closed: 'client', acknowledged: false, bytesOut: 0 });
  expect(requests.filter(({ turn }) => turn === hung?.turn)).toHaveLength(2);
});

test('a hedge keeps to the limits of its gate like any other sending', async () => {
  const server = await startModelServer({ seed: 5, answers: () => 'said', delay: { medianMs: 20, p99Ms: 1_500 } });
  const model = wires['openai.chat'](server.baseUrl());
  let inFlight = 0;
  let most = 0;
  await run(
    map(say, { hedge: { p: 0.5, extra: 1 }, concurrency: 10 }),
    Array.from({ length: 100 }, (_, index) => `item ${index}`),
    {
      journal: memoryJournal(),
      models: { '*': model },
      rateLimits: { '*': { concurrency: 10 } },
      onEvent: ({ kind }) => {
        if (kind === 'model.requested') inFlight += 1;
        if (kind === 'model.responded' || kind === 'model.failed') inFlight -= 1;
        most = Math.max(most, inFlight);
      },
    },
  );
  await server.close();
  expect(most).toBe(10);
});
