import { describe, expect, it } from 'vitest';
import type { ModelServer } from '../../src/testing.ts';
import { CHAT, chat, type Options, saidIn, send, serving } from './bareClient.ts';

const LOOK = { name: 'look', parameters: { type: 'object', properties: { q: { type: 'string' } }, required: ['q'] } };
const tools = [{ type: 'function', function: LOOK }];

/** A call and what is said to its result, whole and as text. */
async function talk(server: ModelServer, who: string): Promise<readonly string[]> {
  const opening = { role: 'user', content: who };
  const first = await send(server, CHAT, { model: 'm', messages: [opening], tools, tool_choice: 'required' });
  const [{ message }] = (JSON.parse(first.body) as { choices: [{ message: { tool_calls: [{ id: string }] } }] }).choices; // the form of the protocol
  const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'ok' };
  return [first.body, (await send(server, CHAT, { model: 'm', messages: [opening, message, result], tools })).body];
}

describe('a seed', () => {
  it('repeats conversations with tools to the byte, in whatever order they come', async () => {
    const said = async (order: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> => {
      const server = await serving({ seed: 7 });
      const heard = new Map<string, readonly string[]>();
      for (const who of order) heard.set(who, await talk(server, who));
      return heard;
    };
    const [once, backwards] = [await said(['a', 'b', 'c']), await said(['c', 'b', 'a'])];
    expect(Object.fromEntries(backwards)).toEqual(Object.fromEntries(once));
    expect(once.get('a')).not.toEqual(once.get('b'));
  });

  it('gives the same calls other ids, but not other answers, where they come again', async () => {
    const server = await serving({ seed: 7 });
    const [one, two] = [await talk(server, 'a'), await talk(server, 'a')];
    expect(two[0]).not.toBe(one[0]);
    expect(saidIn({ status: 200, headers: {}, body: two[1] ?? '' })).toBe(saidIn({ status: 200, headers: {}, body: one[1] ?? '' }));
  });
});

describe('faults and delays by seed', () => {
  const faults = { '500': 0.5 } as const;

  /** The fault of each of twelve questions. */
  async function met(
    name: (nth: number) => string | undefined,
    model = 'm',
    options: Options = {},
  ): Promise<readonly (string | undefined)[]> {
    const server = await serving({ seed: 3, faults, ...options });
    for (let nth = 0; nth < 12; nth += 1) {
      const turn = name(nth);
      await send(server, CHAT, { ...chat(`q${nth}`), model }, turn === undefined ? {} : { headers: { 'x-amdahl-turn': turn } });
    }
    return server.requests.map(({ fault }) => fault);
  }

  it('are the same whatever a run is called, and with no name at all', async () => {
    const unnamed = await met(() => undefined);
    expect(new Set(unnamed)).toEqual(new Set(['500', undefined]));
    expect(await met((nth) => `one/${nth}`)).toEqual(unnamed);
    expect(await met((nth) => `other/${nth}`)).toEqual(unnamed);
  });

  it('are drawn anew for each try of a turn, and of an equal request', async () => {
    for (const turn of ['t', undefined]) {
      const server = await serving({ seed: 3, faults });
      const headers = turn === undefined ? {} : { headers: { 'x-amdahl-turn': turn } };
      for (let tried = 0; tried < 20; tried += 1) await send(server, CHAT, chat('q'), headers);
      expect(new Set(server.requests.map(({ fault }) => fault)).size).toBe(2);
    }
  });

  it('are those of a model, whichever of them is asked first', async () => {
    const [alone, other] = [await met(() => undefined, 'm1'), await met(() => undefined, 'm2')];
    expect(other).not.toEqual(alone);
    const server = await serving({ seed: 3, faults });
    for (let nth = 0; nth < 12; nth += 1) for (const model of ['m2', 'm1']) await send(server, CHAT, { ...chat(`q${nth}`), model });
    const of = (model: string): unknown => server.requests.filter((record) => record.model === model).map(({ fault }) => fault);
    expect([of('m1'), of('m2')]).toEqual([alone, other]);
  });
});
