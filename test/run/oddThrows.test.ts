import type { StandardSchemaV1 } from '@standard-schema/spec';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, flow, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

describe('what code throws is the failure of its call, caught by its asker and on record, also when it is', () => {
  test.each<[string, unknown, string]>([
    ['an object without a prototype', Object.create(null), 'something that cannot be shown as text'],
    ['nothing', undefined, 'undefined'],
    ['a symbol', Symbol('odd'), 'Symbol(odd)'],
    ['an error whose message is an object', Object.assign(new Error(), { message: { a: 1 } }), '[object Object]'],
    ['an error with a bigint in its data', new AmdahlError('CODE_FAILED', 'too many', { data: { n: 1n } }), 'too many'],
    ['an error with a cycle in its data', new AmdahlError('CODE_FAILED', 'round and round', { data: cycle }), 'round and round'],
  ])('%s', async (_, thrown, words) => {
    const odd = step({
      name: 'odd',
      execute: (): string => {
        throw thrown;
      },
    });
    const program = flow({
      name: 'flow',
      run: (_input: string, ctx) => ctx.call(odd, 'x').catch((error: unknown) => (error as AmdahlError).code),
    });
    const trial = new Trial();
    expect((await trial.run(program, 'x')).output).toBe('CODE_FAILED');
    expect((await trial.events('call.failed')).map((event) => event.error)).toMatchObject([
      { code: 'CODE_FAILED', message: expect.stringContaining(words) as string },
    ]);
  });
});

test('a model is told what its tool threw, also when that has no text', async () => {
  const odd = tool({
    description: 'Odd',
    effect: 'none',
    input: z.object({}),
    execute: () => {
      throw Object.create(null);
    },
  });
  const model = scripted([{ tools: [['odd', {}]] }, { text: 'ok' }]);
  expect((await new Trial().run(agent({ name: 'try', model, instructions: 'x', tools: { odd } }), 'x')).output).toBe('ok');
  expect(toolAnswers(model, 1)).toEqual(['something that cannot be shown as text']);
});

test('a signal that is aborted for a reason without a text cancels its run', async () => {
  const trial = new Trial();
  const wait = step({
    name: 'wait',
    execute: async () => {
      await trial.clock.sleep(1_000);
      return 'late';
    },
  });
  const controller = new AbortController();
  trial.clock.after(5, () => controller.abort(Object.create(null)));
  expect(await trial.fails(wait, 'x', { signal: controller.signal })).toMatchObject({
    code: 'CANCELLED',
    message: expect.stringContaining('something that cannot be shown as text') as string,
  });
});

test('an output with a property called then is an output, from code that answers at once too', async () => {
  const rule = { if: 'a', then: 'b' };
  const output = z.object({ if: z.string(), then: z.string() });
  expect((await new Trial().run(step({ name: 'rule', output, execute: () => rule }), 'x')).output).toEqual(rule);
});

test('a schema may answer with anything that can be awaited: its issues count', async () => {
  const issues = { issues: [{ message: 'never fits' }] };
  const validate = (): PromiseLike<typeof issues> => ({ then: (ok, no) => Promise.resolve(issues).then(ok, no) });
  // The interface asks for a Promise; libraries with promises of their own give less.
  const output: StandardSchemaV1<string> = {
    '~standard': { version: 1, vendor: 'own', validate: validate as () => Promise<typeof issues> },
  };
  const say = step({ name: 'say', output, execute: () => 'x' });
  expect(await new Trial().fails(say, 'x')).toMatchObject({ code: 'CONTRACT_VIOLATION', problems: [{ message: 'never fits' }] });
});
