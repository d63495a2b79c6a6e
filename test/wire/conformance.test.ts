// One table: every case × every wire × whole and streamed. Each cell knows what comes out, how many requests the server
// counts, and what the journal says.

import { systemClock } from '../../src/run/ports.ts';
import { expect, test } from 'vitest';
import { FAULTS, type Fault, type FaultName, factsOf } from '../../src/modelServer/faults.ts';
import { type Case, type Cell, cellOf, type Column, columns, type Ends, limits } from './cells.ts';
import { FATES, type Fate } from './fates.ts';
import { agrees, look, say, spoken, weigh, WEIGHED } from './spoken.ts';

const said: readonly Case[] = spoken.map((one) => ({
  title: `says ${one.title}`,
  agent: one.agent,
  answers: one.turns,
  ends: { output: one.output, requests: one.turns.length },
  also: ({ trip, wire, asked }) => {
    const told = asked.at(-1)?.messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'toolResult' ? [part.text] : [])));
    agrees(one, trip, wire, told ?? []);
  },
}));

/** One answer is right, and each fault meets the first request, or all of them. */
const faulty: readonly Case[] = (Object.keys(FAULTS) as FaultName[]).flatMap((name): readonly Case[] => {
  const isWords = factsOf(name).harms === 'words';
  const [agent, output] = isWords ? [weigh, WEIGHED] : [say, 'a stone'];
  const fault: Fault = { fault: name, ...(name === 'refuse' ? { forMs: 100 } : /^(cut|stall)/.test(name) ? { atByte: 60 } : {}) };
  const fateOf = (column: Column): Fate => {
    const fate = FATES[name];
    return typeof fate === 'function' ? fate(column) : fate;
  };
  // A stream that stalls before its first word is not told from one that thinks: there its whole time ends it.
  const slow = (ms: number): object => (name === 'hang' ? { requestMs: ms } : name === 'stall' ? { idleMs: ms, requestMs: 4 * ms } : {});
  const common = { agent, answers: () => (isWords ? { object: WEIGHED } : 'a stone'), server: { seed: 3 } };
  return [
    {
      ...common,
      title: `gets over '${name}' once`,
      fault: (nth) => (nth === 0 ? fault : undefined),
      options: { limits: { ...limits, ...slow(20_000) }, random: () => 0.999 },
      ends: (column) => onceOf(fateOf(column), output),
    },
    {
      ...common,
      title: `gives up where '${name}' stays`,
      fault: () => (name === 'refuse' ? { ...fault, forMs: 1e9 } : fault),
      options: { limits: { ...limits, ...slow(6_000), retries: 2, turnedAway: 2 } },
      ends: (column) => alwaysOf(fateOf(column), output),
    },
  ];
});

function onceOf(fate: Fate, output: unknown): Ends {
  switch (fate.fate) {
    case 'again':
      return { output, requests: 2, failed: [fate.code] };
    case 'repaired':
      return { output, requests: 2, repaired: 1 };
    case 'taken':
      return { output, requests: 1 };
    case 'final':
    case 'withheld':
      return alwaysOf(fate, output);
  }
}

/** With two sendings again, two repairs and two attempts. */
function alwaysOf(fate: Fate, output: unknown): Ends {
  switch (fate.fate) {
    case 'again':
      return { code: fate.code, requests: fate.unseen === true ? 1 : 3, failed: [fate.code, fate.code, fate.code] };
    case 'final':
      return { code: fate.code, requests: 1, failed: [fate.code] };
    case 'withheld':
      return { code: fate.code, requests: 1 };
    case 'repaired':
      return { code: 'CONTRACT_VIOLATION', requests: 6, repaired: 4 };
    case 'taken':
      return { output, requests: 1 };
  }
}

/** What a provider's answer has beside words. */
const kept: readonly Case[] = [
  {
    title: 'bills what was cached and thought to the token',
    agent: say,
    answers: [{ text: 'x', usage: { tokensIn: 2_000, tokensOut: 70, tokensCached: 1_280, tokensReasoning: 30 } }],
    options: { prices: { '*': { in: 2, out: 10, cached: 0.5 } } },
    ends: { output: 'x', requests: 1 },
    also: ({ trip }) => {
      const spent = {
        tokensIn: 2_000,
        tokensOut: 70,
        tokensCached: 1_280,
        tokensReasoning: 30,
        usdMicros: 720 * 2 + 1_280 * 0.5 + 70 * 10,
      };
      expect(trip.bill).toMatchObject({ ...spent, calls: 1, failed: 0, unpriced: [] });
      expect(Object.values(trip.bill.models)).toMatchObject([spent]);
    },
  },
  {
    title: 'sends back what was thought with the results',
    agent: look,
    answers: [{ reasoning: 'Two places, three questions.', tools: [{ name: 'time', args: { city: 'Oslo' } }] }, 'Noon.'],
    ends: { output: 'Noon.', requests: 2 },
    also: ({ trip, wire, asked }) => {
      const [first] = trip.of('model.responded');
      const thought = first?.content.find((part) => part.type === 'reasoning');
      const back = JSON.stringify(asked[1]?.body);
      // What servers that are compatible with OpenAI send as reasoning_content is not in the package's schema
      // (openai-chat-api.ts), so nobody gets it.
      if (wire === 'openai.chat') return expect([thought, back.includes('Two places')]).toEqual([undefined, false]);
      expect(thought?.text).toBe('Two places, three questions.');
      // By its id in Responses, whole and signed in Messages.
      const { itemId, signature } = Object.values(thought?.providerMetadata ?? {})[0] ?? {};
      const sent =
        wire === 'openai.responses' ? { type: 'item_reference', id: itemId } : { type: 'thinking', thinking: thought?.text, signature };
      expect(back).toContain(JSON.stringify(sent));
      if (wire === 'anthropic.messages') expect(asked[1]?.messages[2]?.parts[0]).toEqual({ type: 'reasoning', text: thought?.text });
    },
  },
  {
    title: 'tells in the error what a model said when it refused',
    agent: weigh,
    answers: [{ refusal: 'I weigh no stones.' }],
    ends: () => ({ code: 'MODEL_REFUSED', requests: 1 }),
    also: ({ trip }) => {
      expect(trip.error?.message).toContain('"I weigh no stones."');
      expect(trip.of('model.responded')).toMatchObject([{ finish: 'content-filter' }]);
    },
  },
  {
    title: 'sends only the turn again that was not answered',
    agent: look,
    answers: [{ tools: [{ name: 'time', args: { city: 'Oslo' } }] }, 'Noon.'],
    fault: (nth) => (nth === 1 ? { fault: '503' } : undefined),
    ends: { output: 'Noon.', requests: 3, failed: ['MODEL_OVERLOADED'] },
    also: ({ trip, requests }) => {
      expect(trip.of('tool.called')).toHaveLength(1);
      expect(requests.map(({ turn }) => turn)).toEqual([requests[0]?.turn, requests[1]?.turn, requests[1]?.turn]);
    },
  },
];

function saysWhy({ trip }: Cell, words: string): void {
  expect(trip.error?.message).toMatch(new RegExp(words));
}

/** What a server refuses by itself, not because a fault tells it to. */
const refused: readonly Case[] = (
  [
    ['a wrong key', { keys: ['another'] }, 'MODEL_UNAUTHORIZED', '(wrong|invalid|incorrect|does not accept).*key'],
    ['a model that nobody knows', { models: ['another'] }, 'MODEL_BAD_REQUEST', 'does not know this model'],
    ['a conversation that is too long', { contextTokens: 4 }, 'MODEL_CONTEXT_OVERFLOW', 'longer than the model can read'],
  ] as const
).map(([what, server, code, words]): Case => ({
  title: `says that it was refused for ${what}, and asks once`,
  agent: say,
  answers: [],
  server,
  ends: { code, requests: 1, failed: [code] },
  also: (cell) => saysWhy(cell, words),
}));

/** At most one refusal, and the last request once the bucket that the first emptied has filled; however long a busy machine took between. */
const cameInTime =
  (fillsInMs: number) =>
  ({ trip, requests }: Cell): void => {
    const [first = 0] = requests.map(({ at }) => at);
    const last = requests.at(-1);
    expect(last?.status).toBe(200);
    expect((last?.at ?? 0) - first).toBeGreaterThanOrEqual(0.95 * fillsInMs);
    // The wait is told as one at the gate.
    expect(trip.of('limit.waited').filter(({ limit, ms }) => limit === 'gate' && ms > 0)).toHaveLength(1);
  };

const twoTurns: Pick<Case, 'agent' | 'answers'> = {
  agent: look,
  answers: [{ tools: [{ name: 'time', args: { city: 'Oslo' } }] }, 'Noon.'],
};

const throttled: readonly Case[] = [
  // A bucket that holds one request and fills in a minute: the second turn comes too early, and the third request just in time.
  ...(['retryAfter', 'retryAfterMs', 'bare'] as const).map((headers): Case => ({
    ...twoTurns,
    title: `waits as long as a 429 says whose headers are '${headers}'`,
    server: { throttle: { requestsPerMinute: 1, burstRequests: 1, headers } },
    ends: { output: 'Noon.', requests: 3, failed: ['MODEL_RATE_LIMITED'] },
    also: cameInTime(60_000),
  })),
  // At the world's own pace: how long a connection takes to be made counts here.
  {
    ...twoTurns,
    title: 'does not run into a limit that is announced',
    clock: { ...systemClock },
    server: { throttle: { requestsPerMinute: 20, burstRequests: 1, headers: 'announced' } },
    ends: { output: 'Noon.', requests: 2 },
    also: cameInTime(3_000),
  },
];

const table: readonly Case[] = [...said, ...kept, ...refused, ...throttled, ...faulty];

for (const { wire, stream } of columns) {
  test.concurrent.each(table)(`${wire}, ${stream ? 'streamed' : 'whole'}: $title`, async (one) => {
    const cell = await cellOf(one, { wire, stream });
    const { trip, requests } = cell;
    const { output, code, requests: sent, failed = [], repaired = 0 } = typeof one.ends === 'function' ? one.ends(cell) : one.ends;
    expect(trip.error?.code).toBe(code);
    expect(trip.output).toEqual(output);
    expect(requests).toHaveLength(sent);
    expect(trip.of('model.failed').map(({ error }) => error.code)).toEqual(failed);
    expect(trip.of('attempt.repaired')).toHaveLength(repaired);
    expect(requests.every((request) => (request.stream ?? stream) === stream)).toBe(true);
    if (stream && typeof output === 'string') expect(trip.heard).toBe(output);
    one.also?.(cell);
  });
}
