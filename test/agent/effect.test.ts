import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { agent, flow, readOnly, type Receipt, step, tool, type Agent } from '../../src/index.ts';
import { refusal } from '../support/trial.ts';

describe('what is said of an effect', () => {
  const made = (options: object) => () =>
    tool({ description: 'Send', input: z.object({ to: z.string() }), execute: () => ({ id: 1 }), effect: 'staged', ...options });
  test.each([
    ['a rule of a tool that only reads', { effect: 'none', idempotent: true }, 'EFFECT_REFUSED', "has idempotent and effect: 'none'"],
    ['an approval of a tool that only reads', { effect: 'none', approve: true }, 'EFFECT_REFUSED', 'Leave approve out'],
    ['an age of what never waits', { effect: 'immediate', maxAge: 1_000 }, 'EFFECT_REFUSED', "has maxAge and effect: 'immediate'"],
    ['a rule of another kind', { undo: true }, 'MISCONFIGURED', 'has undo: a boolean. Give a function.'],
    ['an age that is none', { maxAge: 0 }, 'MISCONFIGURED', 'has maxAge: 0. Give milliseconds above 0.'],
    ['an approval that is none', { approve: 'yes' }, 'MISCONFIGURED', "has approve: 'yes'. Give true, or a function"],
    ['a promise that is none', { idempotent: 'yes' }, 'MISCONFIGURED', "has idempotent: 'yes'. Give true."],
  ] as const)('refuses %s', (_, options, code, words) => {
    const error = refusal(made(options));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test('what is false counts as not said', () => {
    expect(made({ effect: 'none', idempotent: false, approve: false })().rules).toEqual({ effect: 'none' });
  });

  test('is typed by what the tool takes, gives and is run with', () => {
    tool({
      description: 'Create a ticket',
      effect: 'staged',
      input: z.object({ title: z.string(), at: z.string().transform((text) => new Date(text)) }),
      context: z.object({ tracker: z.string() }),
      maxAge: 60_000,
      execute: ({ title }, { key }) => ({ id: `${title} ${key}` }),
      verify: (key, { args, context }) => {
        expectTypeOf(key).toEqualTypeOf<string>();
        expectTypeOf(args.at).toEqualTypeOf<Date>();
        expectTypeOf(context).toEqualTypeOf<{ tracker: string }>();
        return { done: true, result: { id: args.title } };
      },
      undo: (given, { key }) => {
        expectTypeOf(given).toEqualTypeOf<{ id: string } | undefined>();
        expectTypeOf(key).toEqualTypeOf<string>();
      },
      approve: ({ title }) => title.length > 3,
    });
  });
});

describe('a staged step', () => {
  const open = step({
    name: 'open',
    effect: 'staged',
    input: z.string(),
    output: z.object({ id: z.number() }),
    execute: () => ({ id: 1 }),
  });

  test('gives its receipt, whatever its code gives', () => {
    expectTypeOf(open).toExtend<Agent<string, Receipt, 'open'>>();
    flow({
      name: 'f',
      run: async (_, ctx) => {
        expectTypeOf(await ctx.call(open, 'x')).toEqualTypeOf<Receipt>();
      },
    });
  });

  test('takes nothing that would judge a result that is not there yet', () => {
    const of = (options: object) => refusal(() => step({ name: 'open', effect: 'staged', execute: () => '', ...options } as never));
    expect(of({ checks: [() => undefined] })).toMatchObject({
      code: 'EFFECT_REFUSED',
      message: expect.stringContaining("has checks and effect: 'staged'"),
    });
    expect(of({ attempts: 2 })).toMatchObject({ code: 'EFFECT_REFUSED' });
  });

  test('of other effects gives what its code gives', () => {
    expectTypeOf(step({ name: 's', effect: 'immediate', execute: () => '' })).toExtend<Agent<string, string>>();
    expectTypeOf(step({ name: 's', output: z.number(), execute: () => 1 })).toExtend<Agent<string, number>>();
  });
});

test("a foreign tool's needsApproval is an approval, and one that says it only reads needs none", async () => {
  const foreign = { inputSchema: z.object({ to: z.string() }), execute: () => 1 };
  const rules = (one: object): unknown => {
    const { behaviour } = agent({ name: 'a', instructions: 'x', tools: { send: one as typeof foreign } });
    const spec = behaviour.kind === 'model' ? behaviour.tools.get('send') : undefined;
    return spec?.kind === 'code' ? spec.rules : undefined;
  };
  expect(rules(foreign)).toEqual({ effect: 'immediate' });
  expect(rules({ ...foreign, needsApproval: false })).toEqual({ effect: 'immediate' });
  expect(rules({ ...foreign, needsApproval: true })).toEqual({ effect: 'immediate', approve: true });
  const asked = rules({ ...foreign, needsApproval: ({ to }: { to: string }) => to !== 'me' || undefined }) as {
    approve: (args: unknown) => Promise<boolean>;
  };
  expect([await asked.approve({ to: 'me' }), await asked.approve({ to: 'you' })]).toEqual([false, true]);
  const both = refusal(() => rules(readOnly({ ...foreign, needsApproval: true })));
  expect(both).toMatchObject({ code: 'EFFECT_REFUSED', message: expect.stringContaining("readOnly() and wants a person's approval") });
});
