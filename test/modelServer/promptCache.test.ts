import { describe, expect, it } from 'vitest';
import { cachePolicy } from '../../src/modelServer/cachePolicy.ts';
import { PromptCache } from '../../src/modelServer/promptCache.ts';
import type { Block } from '../../src/modelServer/prompt.ts';
import { CHAT, chat, type Options, send, serving } from './bareClient.ts';

const MESSAGES = '/v1/messages';
const RESPONSES = '/v1/responses';
const LONG = 'Some instructions that stay the same. '.repeat(400);
const MARK = { cache_control: { type: 'ephemeral' } };

/** Blocks of 1,000 tokens, named; `!` marks one. */
const blocks = (...names: string[]): Block[] =>
  names.map((name) => ({ text: name.replace('!', '').padEnd(100, '.'), tokens: 1_000, marked: name.endsWith('!') }));
const claude = { protocol: 'anthropic.messages', model: 'claude-sonnet-4-5' } as const;
const gpt = { protocol: 'openai.chat', model: 'gpt-4o' } as const;
const newer = { protocol: 'openai.responses', model: 'gpt-5.6' } as const;

describe('a cache with marks', () => {
  it('is found only when the answer of the first has begun', () => {
    const cache = new PromptCache();
    const first = cache.enter(claude, blocks('a', 'b!', 'c'), 0);
    expect(first).toMatchObject({ tokensCached: 0, tokensCacheWritten: 2_000, sharedBytes: 0 });
    expect(cache.enter(claude, blocks('a', 'b!', 'd'), 1)).toMatchObject({ tokensCached: 0, tokensCacheWritten: 2_000, sharedBytes: 200 });
    first.begin(2);
    expect(cache.enter(claude, blocks('a', 'b!', 'e'), 3)).toMatchObject({
      tokensCached: 2_000,
      tokensCacheWritten: 0,
      cachedBytes: 200,
      sharedBytes: 200,
      promptBytes: 300,
    });
  });

  it('is written at marks alone, and looked for in 20 blocks from a mark back', () => {
    const cache = new PromptCache();
    cache.enter(claude, blocks('a', 'b!'), 0).begin(0);
    const between = Array.from({ length: 18 }, (_, nth) => `x${nth}`);
    expect(cache.enter(claude, blocks('a', 'b', ...between, 'end!'), 1)).toMatchObject({ tokensCached: 2_000 });
    expect(cache.enter(claude, blocks('a', 'b', ...between, 'one more', 'end!'), 1)).toMatchObject({ tokensCached: 0 });
    expect(cache.enter(claude, blocks('a', 'b!', ...between, 'one more', 'end!'), 1)).toMatchObject({ tokensCached: 2_000 });
    expect(cache.enter(claude, blocks('a!', 'c'), 1)).toMatchObject({ tokensCached: 0, tokensCacheWritten: 0 });
    expect(cache.enter(claude, blocks('a', 'b', 'c'), 1)).toMatchObject({ tokensCached: 0, tokensCacheWritten: 0 });
  });

  it('is held for five minutes after its last use, for one model', () => {
    const cache = new PromptCache();
    cache.enter(claude, blocks('a', 'b!'), 0).begin(0);
    for (const at of [299_000, 598_000]) expect(cache.enter(claude, blocks('a', 'b!'), at).tokensCached).toBe(2_000);
    expect(cache.enter({ ...claude, model: 'claude-opus-4-1' }, blocks('a', 'b!'), 598_000).tokensCached).toBe(0);
    expect(cache.enter(claude, blocks('a', 'b!'), 598_000 + 300_001).tokensCached).toBe(0);
  });

  it('holds nothing below the least of its model', () => {
    expect(['claude-haiku-4-5', 'claude-opus-4-6', 'claude-opus-4-7', 'claude-sonnet-4-5', 'claude-opus-5'].map(minOf)).toEqual([
      4_096, 4_096, 2_048, 1_024, 512,
    ]);
    const cache = new PromptCache();
    cache.enter({ ...claude, model: 'claude-haiku-4-5' }, blocks('a', 'b', 'c', 'd!'), 0).begin(0);
    expect(cache.enter({ ...claude, model: 'claude-haiku-4-5' }, blocks('a', 'b', 'c', 'd!'), 1)).toMatchObject({
      tokensCached: 0,
      tokensCacheWritten: 0,
    });
  });

  it('is looked for at breakpoints alone by GPT-5.6 and later, which mark the end themselves', () => {
    const cache = new PromptCache();
    cache.enter({ ...newer, marksEnd: true }, blocks('a', 'b', 'c'), 0).begin(0);
    expect(cache.enter({ ...newer, marksEnd: true }, blocks('a', 'b', 'd'), 1)).toMatchObject({
      tokensCached: 0,
      tokensCacheWritten: 3_000,
    });
    expect(cache.enter({ ...newer, marksEnd: true }, blocks('a', 'b', 'c!', 'd'), 1)).toMatchObject({
      tokensCached: 3_000,
      tokensCacheWritten: 1_000,
    });
    expect(cache.enter(newer, blocks('a', 'b', 'c', 'd'), 1)).toMatchObject({ tokensCached: 0, tokensCacheWritten: 0 });
  });
});

describe('a cache by prefixes', () => {
  it('holds what was asked before, in steps of 128 tokens from 1,024 on', () => {
    const cache = new PromptCache();
    cache.enter(gpt, blocks('a', 'b'), 0).begin(0);
    const used = cache.enter(gpt, blocks('a', 'b', 'c'), 1);
    expect(used).toMatchObject({ tokensCached: 1_920, sharedBytes: 200 });
    expect(used).not.toHaveProperty('tokensCacheWritten');
    expect(used.cachedBytes).toBe(Math.floor((200 * 1_920) / 2_000));
    expect(cache.enter(gpt, blocks('a', 'd'), 1).tokensCached).toBe(0);
  });

  it('is not there where it is turned off, and is as it is told', () => {
    const off = new PromptCache(false);
    off.enter(gpt, blocks('a', 'b'), 0).begin(0);
    expect(off.enter(gpt, blocks('a', 'b'), 1)).toMatchObject({ tokensCached: 0, sharedBytes: 200 });
    const own = new PromptCache({ minTokens: 500, stepTokens: 100, ttlMs: 10 });
    own.enter(gpt, blocks('a'), 0).begin(0);
    expect(own.enter(gpt, blocks('a', 'b'), 10).tokensCached).toBe(1_000);
    expect(own.enter(gpt, blocks('a', 'b'), 30).tokensCached).toBe(0);
  });
});

function minOf(model: string): number {
  return cachePolicy('anthropic.messages', model).minTokens;
}

describe('the model server', () => {
  const usageOf = async (path: string, bodies: readonly object[], options: Options = {}): Promise<readonly Record<string, unknown>[]> => {
    const server = await serving({ answers: () => 'ok', ...options });
    const seen: Record<string, unknown>[] = [];
    for (const body of bodies) {
      const came = await send(server, path, body);
      seen.push({ ...server.requests.at(-1), status: came.status, usage: (JSON.parse(came.body) as { usage: object }).usage }); // the form of the protocol
    }
    return seen;
  };

  it('tells in its records what a request shared with one before, and what of it came from the cache', async () => {
    const [one, two] = await usageOf(CHAT, [chat(`${LONG}one`), chat(`${LONG}two`)]);
    const promptBytes = LONG.length + 9;
    expect(one).toMatchObject({ promptBytes, sharedBytes: 0, cachedBytes: 0, tokensCacheWritten: 0 });
    expect(two).toMatchObject({ promptBytes, sharedBytes: LONG.length + 6 });
    expect(Number(two!['cachedBytes'])).toBeGreaterThan(0.95 * LONG.length);
    expect(Number(two!['cachedBytes'])).toBeLessThanOrEqual(Number(two!['sharedBytes']));
  });

  it('counts what GPT-5.6 writes, in both protocols of OpenAI', async () => {
    const breakpoint = { prompt_cache_breakpoint: { mode: 'explicit' } };
    const ask = (end: string): object => ({
      model: 'gpt-5.6',
      messages: [
        { role: 'system', content: [{ type: 'text', text: LONG, ...breakpoint }] },
        { role: 'user', content: end },
      ],
      prompt_cache_options: { mode: 'explicit' },
    });
    const [one, two] = await usageOf(CHAT, [ask('one'), ask('other')]);
    const written = Number(one!['tokensCacheWritten']);
    expect(written).toBeGreaterThan(2_000);
    expect(one).toMatchObject({ usage: { prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: written } } });
    expect(two).toMatchObject({ usage: { prompt_tokens_details: { cached_tokens: written, cache_write_tokens: 0 } } });
    const item = (end: string): object => ({
      model: 'gpt-5.6',
      input: [
        { role: 'developer', content: [{ type: 'input_text', text: LONG, ...breakpoint }] },
        { role: 'user', content: [{ type: 'input_text', text: end }] },
      ],
      prompt_cache_options: { mode: 'explicit' },
    });
    const [, again] = await usageOf(RESPONSES, [item('one'), item('other')]);
    expect(again).toMatchObject({ usage: { input_tokens_details: { cached_tokens: written, cache_write_tokens: 0 } } });
  });

  it('refuses a fifth mark, as Anthropic does', async () => {
    const content = Array.from({ length: 5 }, () => ({ type: 'text', text: 'x', ...MARK }));
    const body = { model: 'c', max_tokens: 9, messages: [{ role: 'user', content }] };
    const server = await serving({ answers: () => 'ok' });
    const { status, body: text } = await send(server, MESSAGES, body);
    expect([status, text]).toEqual([400, expect.stringContaining('A maximum of 4 blocks with cache_control may be provided. Found 5.')]);
    const four = { ...body, messages: [{ role: 'user', content: content.slice(1) }] };
    expect((await send(server, MESSAGES, four)).status).toBe(200);
    expect((await send(server, MESSAGES, { ...four, ...MARK })).status).toBe(400);
  });

  it('takes marks on tools, results of tools and pictures', async () => {
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'look', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: LONG, ...MARK }] },
    ];
    const tools = [{ name: 'look', description: LONG, input_schema: { type: 'object' }, ...MARK }];
    const [one, two] = await usageOf(MESSAGES, [
      { model: 'c', max_tokens: 9, tools, messages },
      {
        model: 'c',
        max_tokens: 9,
        tools,
        messages: [...messages, { role: 'assistant', content: 'ok' }, { role: 'user', content: 'more' }],
      },
    ]);
    expect(two).toMatchObject({ tokensCached: one!['tokensCacheWritten'], tokensCacheWritten: 0 });
    expect(Number(one!['tokensCacheWritten'])).toBeGreaterThan(4_000);
  });

  it('says which of the options of its cache is wrong', async () => {
    await expect(serving({ cache: { ttl: 5 } as never })).rejects.toThrow(/cache of startModelServer\(\) has an option 'ttl'/);
    await expect(serving({ cache: { stepTokens: 0 } })).rejects.toThrow(/cache\.stepTokens/);
  });
});
