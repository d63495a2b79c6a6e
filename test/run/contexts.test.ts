import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, flow, memoryJournal, pipe, run, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const Secretive = z.object({ token: z.string() });
const whoami = (seen: unknown[]): ReturnType<typeof step<'whoami', undefined, undefined, typeof Secretive>> =>
  step({
    name: 'whoami',
    context: Secretive,
    execute: (_, { context }) => {
      seen.push(context);
      return 'known';
    },
  });

async function refusal(work: Promise<unknown>): Promise<AmdahlError> {
  const thrown: unknown = await work.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
  if (thrown instanceof AmdahlError) return thrown;
  throw new Error(`not refused: ${String(thrown)}`);
}

test('each part gets what its own schema gives: transformed, and nothing it did not declare', async () => {
  const seen: Record<string, unknown> = {};
  const read = tool({
    description: 'Read.',
    effect: 'none',
    input: z.object({}),
    context: z.object({ root: z.string().transform((root) => `${root}/`) }),
    execute: (_, { context }) => {
      seen['tool'] = context;
      return 'text';
    },
  });
  const model = scripted([{ tools: [['read', {}]] }, { text: 'done' }]);
  const reader = agent({ name: 'reader', model, instructions: 'Read.', tools: { read } });
  const count = step({
    name: 'count',
    context: z.object({ limit: z.number() }),
    execute: (_, { context }) => {
      seen['step'] = context;
      return 'counted';
    },
  });
  const whole = flow({
    name: 'whole',
    uses: [reader, count],
    context: z.object({ root: z.string(), limit: z.number().optional() }),
    run: async (input, ctx) => {
      seen['flow'] = ctx.context;
      await ctx.call(reader, input);
      return await ctx.all([async (branch) => [branch.context.limit, await branch.call(count, input)]]);
    },
  });
  const { output } = await run(whole, 'x', { journal: memoryJournal(), context: { root: '/srv', limit: 3, secret: 'hidden' } });
  expect(seen).toEqual({ tool: { root: '/srv/' }, step: { limit: 3 }, flow: { root: '/srv', limit: 3 } });
  expect(output).toEqual([[3, 'counted']]);
});

test('a part without a schema gets nothing', async () => {
  let seen: unknown = 'unset';
  const plain = step({
    name: 'plain',
    execute: (_, { context }) => {
      seen = context;
      return '';
    },
  });
  await run(plain, '', { journal: memoryJournal(), context: { token: 't' } });
  expect(seen).toBeUndefined();
});

test('without a context nothing begins, and the part and its fields are named', async () => {
  const journal = memoryJournal();
  const read = tool({ description: 'R', effect: 'none', input: z.object({}), context: z.object({ repo: z.string() }), execute: () => '' });
  const inner = agent({ name: 'reader', model: scripted([]), instructions: 'x', tools: { read } });
  const both = pipe(step({ name: 'first', execute: () => '' }), inner);
  const error = await refusal(run(both, '', { journal, id: 'r' } as never));
  expect(error.code).toBe('CONTEXT_MISSING');
  expect(error.message).toContain("The tool 'read' of 'reader' needs a context with 'repo' and the run was given none.");
  expect(await journal.row('r' as never)).toBeUndefined();
});

test('a field that is missing is told apart from one that does not fit, and no value is told', async () => {
  const agentOf = step({
    name: 'typed',
    context: z.object({
      a: z.string(),
      b: z.object({ c: z.string().refine((text) => text.startsWith('ok'), { error: ({ input }) => `wrong: ${String(input)}` }) }),
    }),
    execute: () => '',
  });
  const missing = await refusal(run(agentOf, '', { context: { b: { c: 'ok' } } } as never));
  expect([missing.code, missing.problems]).toEqual(['CONTEXT_MISSING', [{ path: 'a', message: 'is missing' }]]);
  const wrong = await refusal(run(agentOf, '', { journal: memoryJournal(), context: { a: 'sk-hidden-1', b: { c: 'sk-hidden-2' } } }));
  expect([wrong.code, wrong.problems]).toEqual(['CONTRACT_VIOLATION', [{ path: 'b.c', message: 'does not fit' }]]);
  expect(wrong.message).toContain("'typed' declares a context that the run's does not fit at 'b.c'.");
  expect(JSON.stringify([wrong.message, wrong.problems, wrong.data, String(wrong.cause), wrong.stack])).not.toContain('hidden');
});

test('a schema that throws what it was given does not tell it', async () => {
  const bad = step({
    name: 'bad',
    context: z.object({ token: z.string() }).refine(({ token }) => {
      throw new Error(`cannot use ${token}`);
    }),
    execute: () => '',
  });
  const error = await refusal(run(bad, '', { context: { token: 'sk-hidden' } }));
  expect(error.code).toBe('CODE_FAILED');
  expect(`${error.message}${String(error.cause)}${error.stack ?? ''}`).not.toContain('sk-hidden');
});

test('an asynchronous schema is waited for, once per run', async () => {
  const seen: unknown[] = [];
  const slow = step({
    name: 'slow',
    context: z.object({ user: z.string() }).transform(async ({ user }) => Promise.resolve({ name: user.toUpperCase() })),
    execute: (_, { context }) => {
      seen.push(context);
      return context.name;
    },
  });
  const twice = flow({ name: 'twice', uses: [slow], run: async (_, ctx) => [await ctx.call(slow, 'a'), await ctx.call(slow, 'b')] });
  expect((await run(twice, '', { journal: memoryJournal(), context: { user: 'ann' } })).output).toEqual(['ANN', 'ANN']);
  expect(seen[0]).toBe(seen[1]);
});

test('an agent that only the code of a flow names is held against its context when it is asked', async () => {
  const seen: unknown[] = [];
  const hidden = flow({ name: 'hidden', run: async (input, ctx) => await ctx.call(whoami(seen) as never, input as never) });
  const error = await refusal(run(hidden, 'x', { journal: memoryJournal() }));
  expect(error.code).toBe('CONTEXT_MISSING');
  await run(hidden, 'x', { journal: memoryJournal(), context: { token: 't', more: 1 } });
  expect(seen).toEqual([{ token: 't' }]);
});

test('a context is nowhere in the journal, the events or a failure of the code that had it', async () => {
  const journal = memoryJournal();
  const told: string[] = [];
  const failing = step({
    name: 'failing',
    context: Secretive,
    execute: () => {
      throw new Error('no');
    },
  });
  const program = flow({
    name: 'program',
    uses: [whoami([]), failing],
    run: async (input, ctx) => {
      await ctx.call(whoami([]), input);
      return await ctx.call(failing, input);
    },
  });
  const id = 'r';
  const error = await refusal(
    run(program, 'x', {
      id,
      journal,
      context: { token: 'sk-hidden' },
      subject: { user: 7 },
      onEvent: (event) => told.push(JSON.stringify(event)),
    }),
  );
  for await (const { event } of journal.read('r' as never)) told.push(JSON.stringify(event));
  expect(told.length).toBeGreaterThan(8);
  expect(told.join() + error.message + JSON.stringify(error.data)).not.toContain('sk-hidden');
  expect(told.join()).toContain('"subject":{"user":7}');
});

test('a resume needs the context again, and without it nothing is claimed or changed', async () => {
  const journal = memoryJournal();
  const seen: unknown[] = [];
  const program = pipe(whoami(seen), step({ name: 'last', execute: () => 'end' }));
  await run(program, 'x', { id: 'r', journal, context: { token: 'one' }, subject: 'ann' });
  const before = await journal.row('r' as never);
  expect((await refusal(run(program, 'x', { id: 'r', journal } as never))).code).toBe('CONTEXT_MISSING');
  expect(await journal.row('r' as never)).toEqual(before);
  await run(program, 'x', { id: 'r', journal, context: { token: 'two' } });
  expect(seen).toEqual([{ token: 'one' }]);
});

test('a known run is of its scope and its subject: another is a conflict, none is the same', async () => {
  const journal = memoryJournal();
  const program = step({ name: 'program', execute: () => 'done' });
  await run(program, 'x', { id: 'r', journal, scope: 'tenant-1', subject: { user: 1, team: 2 } });
  expect((await refusal(run(program, 'x', { id: 'r', journal, scope: 'tenant-2' }))).message).toContain(
    "in the scope 'tenant-1', not 'tenant-2'",
  );
  expect((await refusal(run(program, 'x', { id: 'r', journal, subject: { user: 2 } }))).message).toContain('with another subject');
  expect((await run(program, 'x', { id: 'r', journal, subject: { team: 2, user: 1 } })).output).toBe('done');
  expect((await run(program, 'x', { id: 'r', journal })).output).toBe('done');
});

test.each([
  [{ scope: '' }, 'The scope of a run is text of 1 to 200 characters'],
  [{ scope: 7 }, 'The scope of a run is text of 1 to 200 characters'],
  [{ subject: { at: 1n } }, 'The subject of the run'],
])('%o is refused', async (options, why) => {
  expect((await refusal(run(step({ name: 's', execute: () => '' }), '', options as never))).message).toContain(why);
});
