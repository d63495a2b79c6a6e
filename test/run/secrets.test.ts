import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart, LanguageModelV4StreamResult } from '@ai-sdk/provider';
import { generateText, streamText, wrapLanguageModel } from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, file, flow, gate, map, memoryJournal, messages, run, step, tool } from '../../src/index.ts';
import type { Event } from '../../src/journal/event.ts';
import type { RunOptions } from '../../src/run/runOptions.ts';
import { scripted } from '../../src/testing.ts';

const SECRET = 'hunter2-"q"-\\hunter2';
const NAMED = '[secret:DB]';
const options = { secrets: { values: { DB: SECRET }, environment: false } } as const;

async function journaled(
  work: (options: RunOptions) => Promise<unknown>,
): Promise<{ text: string; events: readonly Event[]; thrown?: unknown }> {
  const journal = memoryJournal();
  const told: Event[] = [];
  let thrown: unknown;
  try {
    await work({ ...options, id: 'r', journal, onEvent: (event) => told.push(event) });
  } catch (error) {
    thrown = error;
  }
  const events: Event[] = [];
  for await (const { event } of journal.read('r' as never)) events.push(event);
  const text = JSON.stringify(events) + JSON.stringify(told);
  return { text, events, thrown };
}

function expectClean(text: string): void {
  for (const form of [SECRET, JSON.stringify(SECRET).slice(1, -1), 'hunter2', Buffer.from(SECRET).toString('base64').slice(0, 20)])
    expect(text).not.toContain(form);
}

describe('what a model sees and a journal holds', () => {
  test('undeclared text, instructions and descriptions have a placeholder instead', async () => {
    const model = scripted([{ text: `I read ${NAMED}` }]);
    const lookUp = tool({ description: `Look up with ${SECRET}`, input: z.object({}), effect: 'none', execute: () => 1 });
    const ask = agent({ name: 'ask', model, instructions: `Connect with ${SECRET}.`, tools: { lookUp } });
    const { text } = await journaled((on) => run(ask, `What is ${SECRET}?`, on));
    expectClean(text);
    const sent = JSON.stringify(model.requests[0]);
    expectClean(sent);
    expect(sent).toContain(`What is ${NAMED}?`);
    expect(sent).toContain(`Connect with ${NAMED}.`);
  });

  test('what tools give and what they throw has one, in names of fields and in base64, too', async () => {
    const model = scripted([
      {
        tools: [
          ['read', {}],
          ['fail', {}],
          ['act', {}],
        ],
      },
      { text: 'done' },
    ]);
    const basic = Buffer.from(`user:${SECRET}`).toString('base64');
    const read = tool({
      description: 'r',
      input: z.object({}),
      effect: 'none',
      execute: () => ({ deep: [{ [SECRET]: 1, basic }], text: `a ${SECRET} b` }),
    });
    const fail = tool({
      description: 'f',
      input: z.object({}),
      effect: 'none',
      execute: () => {
        throw new Error(`refused ${SECRET}`, { cause: new Error(SECRET) });
      },
    });
    const act = tool({ description: 'a', input: z.object({}), effect: 'immediate', execute: () => `set ${SECRET}` });
    const ask = agent({ name: 'ask', model, instructions: 'x', tools: { read, fail, act } });
    const { text } = await journaled((on) => run(ask, 'go', on));
    expectClean(text);
    const sent = JSON.stringify(model.requests[1]?.prompt);
    expectClean(sent);
    expect(sent).toContain(`refused ${NAMED}`);
    expect(sent).toContain(`"text":"a ${NAMED} b"`);
    expect(sent).toContain(`"${NAMED}":1`);
    expect(sent).toContain(`set ${NAMED}`);
  });

  test('so has what a model writes: its text, its reasoning and the arguments it gives to tools', async () => {
    const seen: unknown[] = [];
    const model = scripted([
      {
        content: [{ type: 'reasoning', text: `hm ${SECRET}`, providerMetadata: { anthropic: { signature: 'x' } } }],
        tools: [['use', { key: SECRET }]],
      },
      { text: `It is ${SECRET}.` },
    ]);
    const use = tool({ description: 'u', input: z.object({ key: z.string() }), effect: 'none', execute: ({ key }) => void seen.push(key) });
    const ask = agent({ name: 'ask', model, instructions: 'x', tools: { use } });
    let output = '';
    const { text } = await journaled(async (on) => ({ output } = await run(ask, 'go', on)));
    expectClean(text);
    expect(output).toBe(`It is ${NAMED}.`);
    expect(seen).toEqual([NAMED]);
    expect(JSON.stringify(model.requests[1]?.prompt)).not.toContain('signature');
  });

  test('a stream cut anywhere in a secret tells nothing of it', async () => {
    for (const size of [1, 2, 3, 7]) {
      const model = scripted([{ text: `It is ${SECRET}, or hunter3.` }]);
      const streamed = { ...model, doStream: async (on: LanguageModelV4CallOptions) => cut(await model.doStream(on), size) };
      let heard = '';
      const { text } = await journaled((on) =>
        run(agent({ name: 'ask', model: streamed, instructions: 'x' }), 'go', {
          ...on,
          onDelta: (delta) => (heard += delta.type === 'text' ? delta.delta : ''),
        }),
      );
      expectClean(text);
      expect(heard, String(size)).toBe(`It is ${NAMED}, or hunter3.`);
    }
  });

  test('errors of code, and of a whole run, are told without it', async () => {
    const bad = step({
      name: 'bad',
      input: z.object({}),
      execute: () => {
        throw new Error(`cannot log in with ${SECRET}`);
      },
    });
    const { text, thrown } = await journaled((on) => run(bad, {}, on));
    expectClean(text);
    expect(text).toContain(`cannot log in with ${NAMED}`);
    expect(String(thrown)).toContain(NAMED);
    expectClean(String(thrown) + String((thrown as Error).cause) + String(((thrown as Error).cause as Error).stack));
  });

  test('what code asks through gate() is put out like what agents ask', async () => {
    const model = scripted([{ text: `one ${SECRET}` }, { text: `two ${SECRET}` }]);
    const asks = flow({
      name: 'asks',
      run: async () => {
        const gated = wrapLanguageModel({ model, middleware: gate() });
        const one = await generateText({ model: gated, prompt: `Say ${SECRET}` });
        const two = streamText({ model: gated, prompt: `Say ${one.text} ${SECRET}` });
        return `${one.text} ${(await two.text).length}`;
      },
    });
    const { text } = await journaled((on) => run(asks, 'x', on));
    expectClean(text);
    expectClean(JSON.stringify(model.requests.map(({ prompt }) => prompt)));
    expect(text).toContain(`one ${NAMED}`);
  });
});

describe('declared inputs and outputs', () => {
  const declared = agent({
    name: 'declared',
    model: scripted([]),
    instructions: 'x',
    input: z.object({ list: z.array(z.string()) }),
    output: z.object({ a: z.string() }),
  });

  test('an input that holds one is refused before anything is recorded, by path and name', async () => {
    const { events, thrown } = await journaled((on) => run(declared, { list: ['fine', `x ${SECRET}`] }, on));
    expect(thrown).toMatchObject({ code: 'SECRET_IN_CONTRACT', data: { side: 'input', path: 'list[1]', secret: 'DB' } });
    expect(String(thrown)).toContain('list[1]');
    expectClean(String(thrown));
    expect(events).toEqual([]);
  });

  test('so is the name of a field', async () => {
    const open = agent({ name: 'open', model: scripted([]), instructions: 'x', input: z.record(z.string(), z.number()) });
    const { thrown } = await journaled((on) => run(open, { [SECRET]: 1 }, on));
    expect(thrown).toMatchObject({ code: 'SECRET_IN_CONTRACT' });
    expectClean(String(thrown) + JSON.stringify(thrown));
  });

  test('that of a call below fails the call', async () => {
    const model = scripted([{ object: { a: 'b' } }]);
    const below = agent({
      name: 'below',
      model,
      instructions: 'x',
      input: z.object({ q: z.string() }),
      output: z.object({ a: z.string() }),
    });
    const { text, thrown } = await journaled((on) =>
      run(flow({ name: 'f', run: async (_, ctx) => (await ctx.call(below, { q: SECRET })).a }), 'x', on),
    );
    expect(thrown).toMatchObject({ code: 'SECRET_IN_CONTRACT' });
    expectClean(text);
    expect(model.requests).toEqual([]);
  });

  test('an output that a model or code gives is refused too', async () => {
    const model = scripted([{ object: { a: `it is ${SECRET}` } }]);
    const asked = await journaled((on) =>
      run(agent({ name: 'm', model, instructions: 'x', output: z.object({ a: z.string() }) }), 'go', on),
    );
    expect(asked.thrown).toMatchObject({ code: 'SECRET_IN_CONTRACT', data: { side: 'output', path: 'a', secret: 'DB' } });
    expectClean(asked.text);
    for (const effect of ['none', 'immediate'] as const) {
      const code = step({ name: 's', effect, input: z.object({}), output: z.object({ a: z.string() }), execute: () => ({ a: SECRET }) });
      const ran = await journaled((on) => run(code, {}, on));
      expect(ran.thrown).toMatchObject({ code: 'SECRET_IN_CONTRACT', data: { path: 'a' } });
      expectClean(ran.text);
    }
  });

  test('an answer that was durable before a crash is refused by the resume as well', async () => {
    const journal = memoryJournal();
    const output = z.object({ a: z.string() });
    const ask = (): ReturnType<typeof agent> =>
      agent({ name: 'm', model: scripted([{ object: { a: SECRET } }]), instructions: 'x', output }) as never;
    await expect(run(ask(), 'go', { ...options, id: 'r', journal })).rejects.toMatchObject({ code: 'SECRET_IN_CONTRACT' });
    await expect(run(ask(), 'go', { ...options, secrets: { environment: false }, id: 'r', journal, retry: [] })).rejects.toMatchObject({
      code: 'SECRET_IN_CONTRACT',
    });
  });

  test('a placeholder that a model repeats is no secret', async () => {
    const model = scripted([{ object: { a: NAMED } }]);
    const { output } = await run(agent({ name: 'm', model, instructions: 'x', output: z.object({ a: z.string() }) }), SECRET, {
      ...options,
      journal: memoryJournal(),
    });
    expect(output).toEqual({ a: NAMED });
  });

  test('a list of texts for agents that take text is no declared input', async () => {
    const each = agent({ name: 'each', model: scripted(() => ({ text: 'ok' })), instructions: 'x' });
    const { text, thrown } = await journaled((on) => run(map(each), ['a', SECRET], on));
    expect(thrown).toBeUndefined();
    expectClean(text);
  });
});

async function cut(result: LanguageModelV4StreamResult, size: number): Promise<LanguageModelV4StreamResult> {
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of result.stream) {
    if (part.type !== 'text-delta') parts.push(part);
    else for (let at = 0; at < part.delta.length; at += size) parts.push({ ...part, delta: part.delta.slice(at, at + size) });
  }
  return { ...result, stream: ReadableStream.from(parts) };
}

describe('conversations, attachments and contexts', () => {
  test('an attached file is looked at where it is text, whatever its type is called', async () => {
    const needs = z.object({ file: file.schema });
    for (const type of ['application/octet-stream', 'application/toml', 'application/sql', 'image/svg+xml', 'text/plain']) {
      const model = scripted(() => ({ text: 'ok' }));
      const ask = agent({ name: 'ask', model, input: needs, instructions: 'x' });
      const bytes = Buffer.from(type === 'text/plain' ? `\xe9 KEY=${SECRET}` : `KEY=${SECRET}`, 'latin1');
      const { events } = await journaled((on) => run(ask, { file: file(bytes, type) }, on));
      const inClear = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value);
      const kept = events.flatMap((event) => (event.kind === 'file.kept' ? [Buffer.from(event.data).toString('latin1')] : []));
      expect(kept, type).toHaveLength(1);
      expect(kept[0], type).toContain(NAMED);
      const sent = JSON.stringify(model.requests[0]?.prompt, inClear);
      expect(sent, type).toContain(NAMED);
      expect(sent, type).not.toContain('hunter2');
    }
  });

  test('messages have placeholders, in attached texts too, and what is given back to append', async () => {
    const model = scripted([{ text: `noted ${SECRET}` }]);
    const chat = agent({ name: 'chat', model, instructions: 'x', input: messages() });
    let appended: unknown;
    const { text, thrown } = await journaled(async (on) => {
      const said = {
        role: 'user' as const,
        content: [
          { type: 'text', text: `mine is ${SECRET}` },
          { type: 'file', mediaType: 'text/plain', data: Buffer.from(`in a file: ${SECRET}`) },
        ],
      };
      appended = (await run(chat, [said], on)).messages;
    });
    expect(thrown).toBeUndefined();
    expectClean(text);
    const sent = JSON.stringify(model.requests[0]?.prompt);
    expectClean(sent);
    expect(sent).toContain(`mine is ${NAMED}`);
    expect(sent).toContain(`in a file: ${NAMED}`);
    expect(JSON.stringify(appended)).toContain(`noted ${NAMED}`);
  });

  test('what a context calls a key is a secret, though a tool gives it back', async () => {
    const model = scripted([{ tools: [['leak', {}]] }, { text: 'done' }]);
    const leak = tool({
      description: 'l',
      input: z.object({}),
      effect: 'none',
      context: z.object({ billing: z.object({ apiKey: z.string(), cacheKey: z.string() }) }),
      execute: (_, { context }) => `${context.billing.apiKey} ${context.billing.cacheKey}`,
    });
    const ask = agent({ name: 'ask', model, instructions: 'x', tools: { leak } });
    await run(ask, 'go', {
      journal: memoryJournal(),
      secrets: { environment: false },
      context: { billing: { apiKey: 'planted-in-context-1', cacheKey: 'tenant-12345' } },
    });
    expect(JSON.stringify(model.requests[1]?.prompt)).toContain('[secret:apiKey] tenant-12345');
  });

  test('a subject that holds one is refused', async () => {
    const ask = agent({ name: 'ask', model: scripted([]), instructions: 'x' });
    const { thrown, events } = await journaled((on) => run(ask, 'go', { ...on, subject: { user: SECRET } }));
    expect(thrown).toMatchObject({ code: 'SECRET_IN_CONTRACT', data: { path: 'user' } });
    expect(events).toEqual([]);
  });
});
