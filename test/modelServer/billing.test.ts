import { describe, expect, it } from 'vitest';
import { CHAT, chat, send, serving } from './bareClient.ts';

const MESSAGES = '/v1/messages';
const LONG = 'Some instructions that stay the same. '.repeat(400);

describe('a token limit', () => {
  it('says that it is one, and that a request beyond it must be smaller', async () => {
    const server = await serving({ throttle: { tokensPerMinute: 60 }, answers: () => 'ok' });
    await send(server, CHAT, chat('word '.repeat(30)));
    const later = JSON.parse((await send(server, CHAT, chat('word '.repeat(30)))).body) as object;
    expect(later).toMatchObject({
      error: { type: 'tokens', code: 'rate_limit_exceeded', message: expect.stringContaining('try again in') },
    });
    const never = await send(server, CHAT, chat('word '.repeat(300)));
    expect(never.status).toBe(429);
    expect(never.headers).not.toHaveProperty('retry-after');
    expect(JSON.parse(never.body)).toMatchObject({
      error: { type: 'tokens', message: expect.stringMatching(/Request too large for m .* Limit 60, Requested \d+\. .* must be reduced/) },
    });
    const requests = await serving({ throttle: { requestsPerMinute: 1 } });
    await send(requests, CHAT, chat('a'));
    expect(JSON.parse((await send(requests, CHAT, chat('a'))).body)).toMatchObject({ error: { type: 'requests' } });
  });
});

describe('a body beyond 64 MiB', () => {
  it("is a 413 in the protocol's own form", async () => {
    const server = await serving();
    const body = ' '.repeat(64 * 1024 * 1024 + 1);
    const came = await send(server, MESSAGES, body);
    expect(came).toMatchObject({ status: 413, body: expect.stringContaining('request_too_large') });
    expect(server.requests[0]).toMatchObject({ status: 413, refused: expect.stringContaining('larger than 67108864 bytes') });
  });
});

describe("Anthropic's cache", () => {
  const marked = { type: 'text', text: LONG, cache_control: { type: 'ephemeral' } };
  const ask = async (bodies: readonly object[]): Promise<readonly (readonly number[])[]> => {
    const server = await serving({ answers: () => 'ok' });
    const seen: (readonly number[])[] = [];
    for (const body of bodies) {
      const came = await send(server, MESSAGES, { model: 'c', max_tokens: 9, ...body });
      const { usage } = JSON.parse(came.body) as { usage: Record<string, number> }; // the form of the protocol
      const [fresh = 0, written = 0, read = 0] = ['input', 'cache_creation_input', 'cache_read_input'].map(
        (name) => usage[`${name}_tokens`],
      );
      expect(fresh + written + read).toBe(server.requests.at(-1)?.tokensIn);
      expect(read).toBe(server.requests.at(-1)?.tokensCached);
      seen.push([fresh, written, read]);
    }
    return seen;
  };
  const user = (content: unknown): object => ({ role: 'user', content });

  it('holds nothing where no mark asks for it', async () => {
    const body = { messages: [user(LONG)] };
    for (const [, written, read] of await ask([body, body])) expect([written, read]).toEqual([0, 0]);
  });

  it('is written by the first request up to its last mark, and read by the next', async () => {
    for (const [first, second] of [
      [
        { system: [marked], messages: [user('one')] },
        { system: [marked], messages: [user('other')] },
      ],
      [{ messages: [user([marked]), user('one')] }, { messages: [user([marked]), user('other')] }],
    ] as const) {
      const [once, again] = await ask([first, second]);
      expect(once![1]).toBeGreaterThan(2_000);
      expect([once![0]! < 50, once![2]]).toEqual([true, 0]);
      expect([again![0]! < 50, again![1], again![2]]).toEqual([true, 0, once![1]]);
    }
  });

  it('grows with the conversation, where the whole request is marked', async () => {
    const cache = { cache_control: { type: 'ephemeral' } };
    const more = [user(LONG), { role: 'assistant', content: 'ok' }, user(`And now. ${LONG}`)];
    const [once, again] = await ask([
      { ...cache, messages: more.slice(0, 1) },
      { ...cache, messages: more },
    ]);
    expect(once).toEqual([expect.any(Number), expect.any(Number), 0]);
    expect(again![2]).toBeGreaterThan(1_024);
    expect(again![1]).toBeGreaterThan(1_024);
  });

  it('does not hold what is short', async () => {
    const short = { messages: [user([{ ...marked, text: 'short' }])] };
    for (const [, written, read] of await ask([short, short])) expect([written, read]).toEqual([0, 0]);
  });
});
