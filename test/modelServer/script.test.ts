import { describe, expect, it, test } from 'vitest';
import { Script } from '../../src/modelServer/answers.ts';
import { FAULTS, type Fault, type FaultName } from '../../src/modelServer/faults.ts';
import { CHAT, chat, saidIn, send, serving } from './bareClient.ts';

/** What the request after one that met a fault is given, of 'one' and 'two'; and whether the first was acknowledged. */
async function next(fault: Fault | FaultName): Promise<readonly [string, boolean | undefined]> {
  const server = await serving({ answers: ['one', 'two'], faults: (_asked, nth) => (nth === 0 ? fault : undefined) });
  await send(server, CHAT, chat('a'));
  const said = saidIn(await send(server, CHAT, chat('a')));
  return [said, server.requests[0]?.acknowledged];
}

describe('a turn of a script', () => {
  it.each(Object.keys(FAULTS).filter((name) => !['hang', 'stall', 'refuse'].includes(name)))(
    'is used up exactly where the answer that met %s counts as one',
    async (name) => {
      const [said, acknowledged] = await next(name as FaultName); // a name of the list
      expect(said).toBe(acknowledged === true ? 'two' : 'one');
      expect(acknowledged).toBe(FAULTS[name as FaultName].harms === 'words' && name !== 'empty');
    },
  );

  it.each(['hang', 'stall'] as const)('is used up where it came late (%s)', async (fault) => {
    expect(await next({ fault, forMs: 20 })).toEqual(['two', true]);
  });

  it('is the next again where the client left before it came', async () => {
    const server = await serving({ answers: ['one', 'two'], delay: 100 });
    const client = new AbortController();
    const left = send(server, CHAT, chat('a'), { signal: client.signal });
    while (server.stats().inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    client.abort();
    await left;
    while (server.stats().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('one');
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('two');
  });

  it('is the next again where the client left before it was decided on', async () => {
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const server = await serving({ answers: ['one', 'two'], faults: () => gate.then(() => undefined) });
    const client = new AbortController();
    const left = send(server, CHAT, chat('a'), { signal: client.signal });
    while (server.stats().inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    client.abort();
    await left;
    while (server.stats().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    go();
    expect(saidIn(await send(server, CHAT, chat('a')))).toBe('one');
  });
});

test('turns that come back are given again in their order, before new ones', () => {
  const script = new Script(['a', 'b', 'c', 'd']);
  const [a, b, c] = [script.turn(false), script.turn(false), script.turn(false)];
  for (const one of [c, a, b]) one.giveBack();
  expect(script.turn(true).turn).toBe('a');
  expect([1, 2, 3, 4].map(() => script.turn(false).turn)).toEqual(['a', 'b', 'c', 'd']);
  expect(() => script.turn(false)).toThrow(expect.objectContaining({ code: 'SCRIPT_DRIFT' }));
});
