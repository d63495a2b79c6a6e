// The same cases against a server that others wrote (@copilotkit/aimock): where both servers and the provider packages
// agree, three readings of the protocols do. Only what it can do: its errors have fixed words, its streams break in its way.

import { systemClock } from '../../src/run/ports.ts';
import { type ChatCompletionRequest, type Fixture, type FixtureResponse, LLMock } from '@copilotkit/aimock';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/index.ts';
import type { FaultName } from '../../src/modelServer/faults.ts';
import type { Protocol } from '../../src/modelServer/wire.ts';
import { type Column, columns } from './cells.ts';
import { FATES } from './fates.ts';
import { agrees, say, type Spoken, spoken } from './spoken.ts';
import { Trip, wires } from './wires.ts';

const mock = new LLMock({ port: 0, logLevel: 'silent' });
beforeAll(async () => void (await mock.start()));
afterAll(async () => await mock.stop());
beforeEach(() => {
  mock.clearFixtures();
  mock.clearRequests();
});

const count = (): number => mock.getRequests().length;
const anything = { predicate: () => true };

/** Statuses, with the type that providers send beside them. */
const ERRORS: readonly (readonly [FaultName, string])[] = [
  ['400', 'invalid_request_error'],
  ['401', 'authentication_error'],
  ['404', 'not_found_error'],
  ['429', 'rate_limit_error'],
  ['500', 'server_error'],
  ['503', 'server_error'],
  ['529', 'overloaded_error'],
];

/** Ways in which an answer breaks on its way. */
const BREAKS: readonly (readonly [string, Omit<Fixture, 'match' | 'response'>, ErrorCode])[] = [
  ['a connection that is cut', { chaos: { disconnectRate: 1 } }, 'MODEL_UNAVAILABLE'],
  ['an answer that is no JSON', { chaos: { malformedRate: 1 } }, 'MODEL_GARBAGE'],
  // It destroys what it has not sent yet, so it must take its time.
  ['a stream that breaks off', { chunkSize: 4, truncateAfterChunks: 3, latency: 20 }, 'MODEL_GARBAGE'],
];

/** A turn in the words of the other server, whose usage has each protocol's own. */
function turnOf({ text, reasoning, tools, usage }: Spoken['turns'][number], wire: Protocol): FixtureResponse {
  const { tokensIn, tokensOut } = usage;
  const counted =
    wire === 'openai.chat'
      ? { prompt_tokens: tokensIn, completion_tokens: tokensOut }
      : { input_tokens: tokensIn, output_tokens: tokensOut };
  const shared = { usage: counted, ...(reasoning === undefined ? {} : { reasoning }) };
  if (tools === undefined) return { ...shared, content: text ?? '' };
  const toolCalls = tools.map(({ name, args }) => ({ name, arguments: JSON.stringify(args) }));
  return { ...shared, toolCalls, ...(text === undefined ? {} : { content: text }) };
}

/** A clock of its own gives every trip gates of its own: what one cell suffers is no other's affair. */
async function trip(one: Pick<Spoken, 'agent'>, { wire, stream }: Column): Promise<Trip> {
  const models = { '*': wires[wire](`${mock.url}/v1`) };
  return await Trip.make(one.agent, 'stone', stream, {
    models,
    random: () => 0,
    limits: { retries: 2, turnedAway: 2 },
    clock: { ...systemClock },
  });
}

/** The results of tools that the last request brought, as it was understood. */
function told(): readonly string[] {
  const body = mock.getLastRequest()?.body as ChatCompletionRequest | undefined; // what is journaled of a conversation
  return (body?.messages ?? []).flatMap(({ role, content }) => (role === 'tool' && typeof content === 'string' ? [content] : []));
}

for (const column of columns) {
  const { wire, stream } = column;
  const where = `${wire}, ${stream ? 'streamed' : 'whole'}`;

  test.each(spoken)(`${where}: says $title`, async (one) => {
    const turns = one.turns.map((turn) => turnOf(turn, wire));
    mock.on(anything, () => turns.shift() ?? { error: { message: 'nothing is left to say' }, status: 400 });
    const made = await trip(one, column);
    expect(made.error).toBeUndefined();
    expect(made.output).toEqual(one.output);
    expect(count()).toBe(one.turns.length);
    agrees(one, made, wire, told());
    if (stream && typeof one.output === 'string') expect(made.heard).toBe(one.output);
  });

  test.each(ERRORS)(`${where}: an error of status %s comes to the same`, async (name, type) => {
    const fate = FATES[name];
    if (typeof fate === 'function' || !('code' in fate)) throw new Error('a status has one fate everywhere');
    const error: FixtureResponse = { error: { message: 'Not now.', type }, status: Number(name), retryAfter: 0 };
    mock.on(anything, () => error);
    const stays = await trip({ agent: say }, column);
    const sent = fate.fate === 'again' ? 3 : 1;
    expect([stays.error?.code, count()]).toEqual([fate.code, sent]);
    expect(stays.of('model.failed').map((failed) => failed.error.code)).toEqual(Array.from({ length: sent }, () => fate.code));
    if (fate.fate !== 'again') return;
    expect(await getsOver({ response: () => error }, column)).toEqual({ output: 'a stone', failed: [fate.code], requests: 2 });
  });

  test.each(BREAKS.filter(([, { truncateAfterChunks }]) => stream || truncateAfterChunks === undefined))(
    `${where}: %s comes to the same`,
    async (_, fixture, code) => {
      expect(await getsOver({ response: () => ({ content: 'not this one' }), ...fixture }, column)).toEqual({
        output: 'a stone',
        failed: [code],
        requests: 2,
      });
    },
  );
}

/** What a run comes to whose first request meets something else than the answer. */
async function getsOver(
  first: Omit<Fixture, 'match'>,
  column: Column,
): Promise<{ output: unknown; failed: readonly ErrorCode[]; requests: number }> {
  const { response, ...opts } = first;
  mock.clearFixtures();
  mock.clearRequests();
  mock.addFixture({ match: { predicate: () => count() === 0 }, response, ...opts });
  mock.on(anything, { content: 'a stone' });
  const made = await trip({ agent: say }, column);
  return { output: made.output, failed: made.of('model.failed').map(({ error }) => error.code), requests: count() };
}
