// Which values are secrets of a run: what it was told, what the environment holds, what contexts, headers and models show.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { agent, memoryJournal, run, tool } from '../../src/index.ts';
import type { Event } from '../../src/journal/event.ts';
import { scripted } from '../../src/testing.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('which are looked for', () => {
  const ask = (model = scripted(() => ({ text: 'ok' }))): ReturnType<typeof agent> =>
    agent({ name: 'ask', model, instructions: 'x' }) as never;

  test('values of variables named like keys, until that is turned off', async () => {
    const before = process.env['PLANTED_API_KEY'];
    process.env['PLANTED_API_KEY'] = 'planted-value-77';
    try {
      const model = scripted(() => ({ text: 'ok' }));
      await run(ask(model), 'x planted-value-77 y', { journal: memoryJournal() });
      await run(ask(model), 'x planted-value-77 y', { journal: memoryJournal(), secrets: { environment: false } });
      const sent = model.requests.map(({ prompt }) => JSON.stringify(prompt));
      expect(sent[0]).toContain('x [secret:PLANTED_API_KEY] y');
      expect(sent[1]).toContain('planted-value-77');
    } finally {
      if (before === undefined) delete process.env['PLANTED_API_KEY'];
    }
  });

  test('passwords in addresses of the environment and of a context, as a tool that cannot connect tells them', async () => {
    vi.stubEnv('PLANTED_DATABASE_URL', 'postgres://app:env-pw-1%2F7@db/app');
    const model = scripted([{ tools: [['connect', {}]] }, { text: 'ok' }]);
    const connect = tool({
      description: 'c',
      effect: 'none',
      input: z.object({}),
      context: z.object({ cache: z.string() }),
      execute: (_, { context }) => {
        throw new Error(`cannot reach ${process.env['PLANTED_DATABASE_URL'] ?? ''} (password env-pw-1/7) nor ${context.cache}`);
      },
    });
    const journal = memoryJournal();
    const context = { cache: 'redis://:ctx-pw-77@cache:6379' };
    await run(agent({ name: 'ask', model, instructions: 'x', tools: { connect } }), 'go', { id: 'r', journal, context });
    const sent = JSON.stringify(model.requests[1]?.prompt);
    expect(sent).toContain('postgres://app:[secret:PLANTED_DATABASE_URL]@db/app (password [secret:PLANTED_DATABASE_URL])');
    expect(sent).toContain('redis://:[secret:cache]@cache:6379');
    const entries: Event[] = [];
    for await (const { event } of journal.read('r' as never)) entries.push(event);
    expect(JSON.stringify(entries)).not.toMatch(/env-pw-1|ctx-pw-77/);
  });

  test('but for those that are said to be none', async () => {
    vi.stubEnv('PLANTED_SORT_KEY', 'created_at');
    const sorted = agent({
      name: 'sorted',
      model: scripted(() => ({ text: 'ok' })),
      input: z.object({ by: z.string() }),
      instructions: 'x',
    });
    const journal = memoryJournal();
    await expect(run(sorted, { by: 'created_at' }, { journal })).rejects.toThrow(
      "secrets: { environment: { except: ['PLANTED_SORT_KEY'] } }",
    );
    const secrets = { environment: { except: ['PLANTED_SORT_KEY'] } };
    expect((await run(sorted, { by: 'created_at' }, { journal, secrets })).output).toBe('ok');
    for (const environment of [{ except: 'PLANTED_SORT_KEY' }, { but: [] }, 'no'] as never[])
      await expect(run(sorted, { by: 'x' }, { journal, secrets: { environment } })).rejects.toMatchObject({ code: 'MISCONFIGURED' });
  });

  test('a run that began before one was known is told from another run, and goes on where that is left out', async () => {
    const journal = memoryJournal();
    const model = scripted([{ error: new Error('down') }, { text: 'ok' }]);
    const on = { id: 'r', journal, limits: { retries: 0 } };
    await expect(run(ask(model), 'sort by created_at', on)).rejects.toThrow(/down/);
    vi.stubEnv('PLANTED_SORT_KEY', 'created_at');
    await expect(run(ask(model), 'sort by created_at', on)).rejects.toThrow(/began with this input.*\[secret:PLANTED_SORT_KEY\]/);
    await expect(run(ask(model), 'sort by size', on)).rejects.toThrow(/with another input/);
    expect(
      (await run(ask(model), 'sort by created_at', { ...on, secrets: { environment: { except: ['PLANTED_SORT_KEY'] } } })).output,
    ).toBe('ok');
  });

  test('patterns, by name or not, in texts that have them in the middle', async () => {
    const model = scripted(() => ({ text: 'ok' }));
    const secrets = { environment: false, patterns: { iban: /\bDE\d{20}\b/, word: /secret/ } };
    await run(ask(model), 'to DE12345678901234567890, secret', { journal: memoryJournal(), secrets });
    expect(JSON.stringify(model.requests[0]?.prompt)).toContain('to [secret:iban], [secret:word]');
  });

  test('keys that a model object shows', async () => {
    const { createOpenAI } = await import('@ai-sdk/openai');
    const sent: string[] = [];
    const openai = createOpenAI({
      apiKey: 'sk-shown-key-123456',
      baseURL: 'http://127.0.0.1:9',
      fetch: async (_, init) => {
        sent.push(JSON.stringify(init?.body));
        throw new Error('no network');
      },
    });
    const asks = agent({ name: 'asks', model: openai('gpt-5'), instructions: 'x' });
    await run(asks, 'my key is sk-shown-key-123456', {
      journal: memoryJournal(),
      limits: { retries: 0 },
      secrets: { environment: false },
    }).catch(() => {});
    expect(sent[0]).toContain('my key is [secret]');
  });

  test('what is wrong with them is said, and never their value', async () => {
    const wrong = (secrets: unknown): Promise<unknown> => run(ask(), 'x', { journal: memoryJournal(), secrets: secrets as never });
    await expect(wrong({ patterns: [/a*/] })).rejects.toMatchObject({ code: 'MISCONFIGURED' });
    await expect(wrong({ patterns: ['abc'] })).rejects.toMatchObject({ code: 'MISCONFIGURED' });
    await expect(wrong({ values: { pin: '1234' } })).rejects.toThrow(/values\.pin/);
    await expect(wrong({ value: [] })).rejects.toThrow(/patterns, values/);
  });
});
