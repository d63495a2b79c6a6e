import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, type AnyAgent, flow, map, pipe, step, tool, transaction } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

const send = tool({ description: 'Send', effect: 'immediate', input: z.object({}), execute: () => 'sent' });
const takesBack = tool({ description: 'Send', effect: 'immediate', input: z.object({}), execute: () => 'sent', undo: () => {} });
const mail = agent({ name: 'mail', instructions: 'x', model: scripted([{ tools: [['send', {}]] }, { text: 'ok' }]), tools: { send } });
let posted = 0;
const post = step({
  name: 'post',
  effect: 'immediate',
  execute: () => {
    posted += 1;
    return 'posted';
  },
});

describe('what acts at once and nothing takes back', () => {
  test.each([
    ['a transaction', transaction(mail), "The tool 'send' of 'mail' acts at once", "'transaction(mail)' above it may still refuse"],
    [
      'checks further up',
      flow({ name: 'top', uses: [pipe(mail, post)], checks: [() => undefined], run: async () => '' }),
      "The tool 'send'",
      "'top'",
    ],
    ['attempts', flow({ name: 'top', uses: [post], attempts: 2, run: async () => '' }), "The step 'post' acts at once", "'top'"],
    [
      'a model below a holder',
      transaction(agent({ name: 'lead', instructions: 'x', tools: { mail } })),
      "The tool 'send' of 'mail'",
      'transaction(lead)',
    ],
  ] as const)('is refused below %s before the run begins', async (_, program: AnyAgent, act, holder) => {
    const trial = new Trial();
    const error = await trial.fails(program as never, 'x');
    expect(error.code).toBe('EFFECT_REFUSED');
    expect(error.message).toContain(act);
    expect(error.message).toContain(holder);
    expect(await trial.events()).toEqual([]);
  });

  test('is refused where only the code of a flow asks it, before anything of it is bought', async () => {
    const trial = new Trial();
    const hidden = flow({ name: 'hidden', output: z.string(), run: async (input, ctx) => await ctx.call(mail, input) });
    expect(await trial.fails(hidden, 'x')).toMatchObject({
      code: 'EFFECT_REFUSED',
      where: { call: 'hidden/mail' },
      data: { holder: 'hidden' },
    });
    const raced = flow({ name: 'raced', run: async (input, ctx) => await ctx.race([(one) => one.call(post, input)]) });
    expect((await new Trial().fails(raced, 'x')).message).toContain('Every branch of the race');
    expect(posted).toBe(0);
    expect(await trial.events('model.requested', 'effect.committing')).toEqual([]);
  });

  test('may stand alone, below what holds nothing, and among the tools of a model; and below a holder with an undo', async () => {
    const trial = new Trial();
    const lead = agent({
      name: 'lead',
      instructions: 'x',
      model: scripted([{ tools: [['post', { input: 'x' }]] }, { text: 'ok' }]),
      tools: { post },
    });
    expect((await trial.run(pipe(post, lead), 'x')).output).toBe('ok');
    expect((await new Trial().run(map(post), ['x'])).output).toEqual(['posted']);
    const model = scripted([{ tools: [['takesBack', {}]] }, { text: 'ok' }]);
    expect((await new Trial().run(transaction(agent({ name: 'a', instructions: 'x', model, tools: { takesBack } })), 'x')).output).toBe(
      'ok',
    );
  });
});

test('a run says what it did to the world, in the order in which it was done, whether it succeeded or not', async () => {
  const staged = step({ name: 'staged', effect: 'staged', execute: (text: string) => `did ${text}` });
  const { effects } = await new Trial().run(transaction(pipe(staged, staged)), 'x');
  expect(effects).toMatchObject([
    {
      tool: 'staged',
      call: 'transaction(pipe(staged, staged))/pipe(staged, staged)/staged',
      args: 'x',
      state: 'committed',
      result: 'did x',
    },
    { tool: 'staged', args: 'did x', state: 'committed', result: 'did did x', receipt: expect.stringMatching(/^\[receipt:/) },
  ]);
  const bad = step({
    name: 'bad',
    execute: () => {
      throw new Error('no');
    },
  });
  const error = await new Trial().fails(pipe(post, transaction(pipe(staged, bad))), 'x');
  expect(error).toMatchObject({ code: 'CODE_FAILED', effects: [{ tool: 'post', args: 'x', state: 'committed', result: 'posted' }] });
});
