import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { refusal, Trial } from '../support/trial.ts';

const say = (model: ReturnType<typeof scripted>) => agent({ name: 'say', model, instructions: 'Say it.' });

describe('a script', () => {
  test('answers turn by turn and knows when all of it was asked for', async () => {
    const model = scripted([{ expect: 'hello', text: 'hi' }]);
    expect(refusal(() => model.assertComplete())).toMatchObject({
      code: 'SCRIPT_DRIFT',
      message: expect.stringContaining('the script has 1 turns, but only 0 were asked for') as string,
    });
    await new Trial().run(say(model), 'hello');
    model.assertComplete();
  });

  test.each([
    ['text', { expect: 'bye', text: '' }, 'request 1 should say "bye", but its last message is "hello"'],
    ['a pattern', { expect: /^bye/, text: '' }, 'request 1 should say /^bye/, but its last message is "hello"'],
    ['a function', { expect: () => 'it is too polite', text: '' }, 'request 1: it is too polite'],
  ])('says which request drifted from its %s, and how', async (_, turn, words) => {
    const error = await new Trial().fails(say(scripted([turn])), 'hello');
    expect(error).toMatchObject({ code: 'SCRIPT_DRIFT', message: expect.stringContaining(words) as string });
  });

  test('says how a call of a tool is written', () => {
    const turns = [{ tools: [{ name: 'search', args: {} }] }] as unknown as Parameters<typeof scripted>[0]; // as in JavaScript
    expect(refusal(() => scripted(turns))).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining("Write a call like ['search', { … }].") as string,
    });
  });

  test('says what was asked beyond its end', async () => {
    const model = scripted([{ text: ' ' }]);
    const error = await new Trial().fails(say(model), 'hello');
    expect(error).toMatchObject({
      code: 'SCRIPT_DRIFT',
      message: expect.stringContaining(
        'request 2 is beyond the script of 1 turns; its last message: "Your last answer was refused',
      ) as string,
    });
  });

  test('shortens what it quotes', async () => {
    const error = await new Trial().fails(say(scripted([{ expect: 'x', text: '' }])), 'y'.repeat(1_000));
    expect(error.message.length).toBeLessThan(400);
    expect(error.message).toContain('…');
  });

  test('sees the results of tools as the last message', async () => {
    const add = tool({ description: 'Add', effect: 'none', input: z.object({ a: z.number() }), execute: ({ a }) => ({ sum: a + 1 }) });
    const model = scripted([{ tools: [['add', { a: 1 }]] }, { expect: '"sum":2', text: 'two' }]);
    expect((await new Trial().run(agent({ name: 'adds', model, instructions: 'x', tools: { add } }), 'x')).output).toBe('two');
  });

  test('may be a function of the request and its number', async () => {
    const model = scripted((request, nth) => ({ text: `${nth}: ${request.prompt.length} messages` }));
    expect((await new Trial().run(say(model), 'x')).output).toBe('0: 2 messages');
    model.assertComplete();
  });

  test('keeps every request as it was then', async () => {
    const model = scripted([{ text: ' ' }, { text: 'ok' }]);
    await new Trial().run(say(model), 'x');
    expect(model.requests.map(({ prompt }) => prompt.length)).toEqual([2, 4]);
  });

  test('reports usage, estimated where the turn says nothing', async () => {
    const { bill } = await new Trial().run(say(scripted([{ text: 'ok', tokensOut: 3 }])), 'hello there');
    expect(bill.tokensOut).toBe(3);
    expect(bill.tokensIn).toBeGreaterThan(3);
  });
});
