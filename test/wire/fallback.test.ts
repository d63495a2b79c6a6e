// Conversations that move from one real provider package to another, over sockets: each server holds its own protocol's
// clients to what it takes, and the items that it knows are its own.

import { describe, expect, test } from 'vitest';
import type { RunOptions } from '../../src/index.ts';
import type { Answers } from '../../src/modelServer/answers.ts';
import type { Fault } from '../../src/modelServer/faults.ts';
import type { AskedPart, Protocol } from '../../src/modelServer/wire.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';
import { hastyClock } from '../support/hastyClock.ts';
import { limits } from './cells.ts';
import { look, say, weigh, WEIGHED } from './spoken.ts';
import { Trip, wires } from './wires.ts';

const names = Object.keys(wires) as Protocol[]; // the keys of wires
const pairs = names.flatMap((first) => names.flatMap((second) => [false, true].map((stream) => ({ first, second, stream }))));
const clock = hastyClock(20);

interface Stage {
  readonly answers: Answers;
  readonly fault?: (nth: number) => Fault | undefined;
}

/** Two servers and a run that is to ask the first, then the second. */
async function trip(
  agent: Parameters<typeof Trip.make>[0],
  { first, second, stream }: (typeof pairs)[number],
  stages: readonly [Stage, Stage],
  options: RunOptions = {},
): Promise<{
  readonly trip: Trip;
  readonly servers: readonly [ModelServer, ModelServer];
  readonly asked: readonly (readonly AskedPart[])[][];
}> {
  const asked: (readonly AskedPart[])[][] = [[], []];
  const start = async ({ answers, fault }: Stage, nth: 0 | 1): Promise<ModelServer> =>
    await startModelServer({
      answers,
      clock,
      faults: (request, at) => (asked[nth]?.push(request.messages.flatMap(({ parts }) => parts)), fault?.(at)),
    });
  const servers = [await start(stages[0], 0), await start(stages[1], 1)] as const;
  try {
    const models = { '*': [wires[first](servers[0].baseUrl()), wires[second](servers[1].baseUrl())] };
    const made = await Trip.make(agent, 'stone', stream, { clock, random: () => 0, limits: { ...limits, retries: 0 }, models, ...options });
    return { trip: made, servers, asked };
  } finally {
    for (const server of servers) await server.close();
  }
}

const nameOf = (wire: Protocol): string => wires[wire]('http://localhost/v1').provider + '/' + wires[wire]('http://localhost/v1').modelId;
const DOWN: Stage = { answers: () => 'never', fault: () => ({ fault: '500' }) };

describe.each(pairs)('$first, then $second, streamed: $stream', (pair) => {
  const { first, second } = pair;

  test('the first provider is down: the second answers, and the bill and the journal say so', async () => {
    const { trip: made, servers } = await trip(say, pair, [DOWN, { answers: [{ text: 'a stone', usage: { tokensIn: 9, tokensOut: 2 } }] }]);
    expect(made.error).toBeUndefined();
    expect(made.output).toBe('a stone');
    expect(servers.map(({ requests }) => requests.map(({ status }) => status))).toEqual([[500], [200]]);
    const [one, two] = [nameOf(first), nameOf(second)];
    if (one !== two) {
      expect(made.bill.models[one]).toMatchObject({ calls: 1, failed: 1, tokensOut: 0 });
      expect(made.bill.models[two]).toMatchObject({ calls: 1, failed: 0, tokensIn: 9, tokensOut: 2 });
    }
    expect(made.bill).toMatchObject({ calls: 2, failed: 1 });
    expect(made.of('model.requested').map(({ model, setup }) => [model, setup?.model])).toEqual([
      [one, one],
      [two, two],
    ]);
    expect(made.of('decision')).toMatchObject([{ question: 'model', choice: one === two ? `${two} (2)` : two }]);
    if (pair.stream) expect(made.heard).toBe('a stone');
  });

  test('an object comes from the second as from the first', async () => {
    const { trip: made } = await trip(weigh, pair, [DOWN, { answers: [{ object: WEIGHED }] }]);
    expect(made.output).toEqual(WEIGHED);
  });

  test('a conversation with thoughts and tools goes over to the second, and back when that one dies', async () => {
    const tools = (city: string): { reasoning: string; text: string; tools: { name: string; args: unknown }[] } => ({
      reasoning: `Where is ${city}?`,
      text: `Looking at ${city}.`,
      tools: [
        { name: 'weather', args: { city } },
        { name: 'time', args: { city } },
      ],
    });
    const dead = (nth: number): Fault | undefined => (nth === 1 ? { fault: '500' } : undefined);
    const says =
      (city: string): Answers =>
      (_, nth) =>
        nth === 0 ? tools(city) : 'Sun in both.';
    const stages = [
      { answers: says('Oslo'), fault: dead },
      { answers: says('Bergen'), fault: dead },
    ] as const;
    const { trip: made, servers, asked } = await trip(look, pair, stages);
    expect(made.error).toBeUndefined();
    expect(made.output).toBe('Sun in both.');
    expect(servers.map(({ requests }) => requests.map(({ status }) => status))).toEqual([
      [200, 500, 200],
      [200, 500],
    ]);
    // What was said and found stands in the order in which it was, whoever said it; thoughts are told to their thinker alone.
    const words = [
      'Looking at Oslo.',
      '{"city":"Oslo","sun":4}',
      'noon in Oslo',
      'Looking at Bergen.',
      '{"city":"Bergen","sun":6}',
      'noon in Bergen',
    ];
    const told = (parts: readonly AskedPart[] = []): readonly string[] =>
      parts.flatMap((part) => (part.type === 'toolResult' || (part.type === 'text' && part.text.startsWith('Looking')) ? [part.text] : []));
    expect(asked.map((requests) => requests.map((parts) => told(parts)))).toEqual([
      [[], words.slice(0, 3), words],
      [words.slice(0, 3), words],
    ]);
    const thoughts = asked.map((requests) => requests.at(-1)?.flatMap((part) => (part.type === 'reasoning' ? [part.text] : [])));
    expect(thoughts).toEqual([first === 'openai.chat' ? [] : ['Where is Oslo?'], second === 'openai.chat' ? [] : ['Where is Bergen?']]);
    for (const requests of asked) for (const parts of requests) callsAreAnswered(parts);
    expect(made.of('decision').map(({ reason }) => reason.split(' failed')[0])).toEqual([nameOf(first), made.of('decision')[0]?.choice]);
  });
});

test('when both are down, the failure names both', async () => {
  const { trip: made } = await trip(say, { first: 'openai.responses', second: 'anthropic.messages', stream: false }, [
    DOWN,
    { answers: () => 'never', fault: () => ({ fault: '529' }) },
  ]);
  expect(made.error?.code).toBe('MODEL_OVERLOADED');
  expect(made.error?.message).toContain(
    'openai.responses/gpt-5 (MODEL_UNAVAILABLE), then anthropic.messages/claude-sonnet-4-5 (MODEL_OVERLOADED)',
  );
});

test('a key that the first does not take is no end, and a request that it does not take is', async () => {
  const fine: Stage = { answers: () => 'fine' };
  const pair = { first: 'openai.responses', second: 'anthropic.messages', stream: false } as const;
  expect((await trip(say, pair, [{ ...DOWN, fault: () => ({ fault: '401' }) }, fine])).trip.output).toBe('fine');
  const refused = await trip(say, pair, [{ ...DOWN, fault: () => ({ fault: '400' }) }, fine]);
  expect(refused.trip.error?.code).toBe('MODEL_BAD_REQUEST');
  expect(refused.servers[1].requests).toHaveLength(0);
});

/** Each call has one result behind it, under its own id. */
function callsAreAnswered(parts: readonly AskedPart[]): void {
  const ids = (type: 'toolCall' | 'toolResult'): readonly string[] => parts.flatMap((part) => (part.type === type ? [part.id] : []));
  expect(ids('toolResult')).toEqual(ids('toolCall'));
  expect(new Set(ids('toolCall')).size).toBe(ids('toolCall').length);
}
