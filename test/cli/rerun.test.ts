// Context, scopes and reruns at the command line, each command a process of its own.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { linesOf, type Place, place } from './cli.ts';

const PROGRAM = `
import { agent, flow, map, step } from 'amdahl';
import { review as topics, hello } from './team.ts';
export { options } from './team.ts';
const needs = { '~standard': { version: 1, vendor: 'own', validate: (value) =>
  typeof value?.user === 'string' ? { value: { user: value.user } } : { issues: [{ message: 'no user', path: ['user'] }] } } };
const who = step({ name: 'who', context: needs, execute: (_, { context }) => { if (process.env.FAILS) throw new Error('no'); return context.user; } });
const greet = agent({ name: 'greet', model: hello.behaviour.model, instructions: 'Greet.' + (process.env.EDIT ?? '') });
export const context = (subject) => ({ user: 'the ' + subject?.role, token: 'sk-never-shown' });
export default flow({ name: 'team', uses: [topics, greet, who], run: async (input, ctx) =>
  [await ctx.call(map(topics), [{ topic: 'a' }, { topic: 'b' }]), await ctx.call(greet, input), await ctx.call(who, input)] });
`;

function made(): Place {
  const there = place();
  writeFileSync(join(there.dir, 'p.ts'), PROGRAM);
  return there;
}

const greeting = '{"title":"fine"}';
const topics = [{ title: 'fine' }, { title: 'fine' }];

it('makes the context of a run from --subject, and again from the journal when it goes on', async () => {
  const { amdahl } = made();
  const failed = await amdahl(['run', 'p.ts', '--input', 'x', '--id', 'r', '--subject', '{"role":"cook"}'], { env: { FAILS: '1' } });
  expect(failed.code).toBe(1);
  const resumed = await amdahl(['resume', 'r', '--json']);
  expect(linesOf(resumed.out).at(-1)).toMatchObject({ result: { status: 'succeeded', output: [topics, greeting, 'the cook'] } });
  const again = await amdahl(['run', 'p.ts', '--input', 'x', '--id', 'r', '--quiet']);
  expect(JSON.parse(again.out)).toEqual([topics, greeting, 'the cook']);
  const shown = await amdahl(['show', 'r', '--all', '--json']);
  expect([failed.err, resumed.out, shown.out].join()).not.toContain('sk-never-shown');
});

it('tells what is wrong with a subject, a context and a scope before anything begins', async () => {
  const { amdahl, dir } = made();
  expect((await amdahl(['run', 'p.ts', '--input', 'x', '--subject', 'ann'])).err).toContain(`Write text as JSON too: --subject '"ann"'.`);
  writeFileSync(
    join(dir, 'p.ts'),
    PROGRAM.replace(
      'export const context = (subject) =>',
      'export const context = () => { throw new Error("no database"); }; const x = (subject) =>',
    ),
  );
  expect((await amdahl(['run', 'p.ts', '--input', 'x'])).err).toContain('context(subject) of p.ts threw: no database. Nothing was begun.');
  writeFileSync(join(dir, 'p.ts'), PROGRAM.replace('export const context', 'const context'));
  const none = await amdahl(['run', 'p.ts', '--input', 'x']);
  expect(none.err).toContain("'who' needs a context with 'user' and the run was given none.");
  expect((await amdahl(['runs'])).err).toContain('There are no runs');
});

it('prints what running again would come to, begins it only when told, and says what was bought by others', async () => {
  const { amdahl } = made();
  await amdahl(['run', 'p.ts', '--input', 'x', '--id', 'one', '--subject', '{"role":"cook"}', '--scope', 'kitchen']);
  const plan = await amdahl(['rerun', 'one'], { env: { EDIT: ' Politely.' } });
  expect(plan.code).toBe(2);
  expect(plan.err).toMatch(
    /^rerun one {2}2 calls answered from it, 2 calls bought anew: about 110 tokens, \$0\.00020, as they cost then$/m,
  );
  expect(plan.err).toMatch(/^greet +0 +1 +110 +\$0\.00020 +its instructions changed$/m);
  expect(plan.err).toMatch(/^who +0 +1 +0 +\$0 +its code has no version$/m);
  expect(plan.err).toMatch(/^review +2 +0$/m);
  expect(plan.err).toContain('Nothing was begun: nobody can be asked here.');
  const rerun = await amdahl(['rerun', 'one', '--as', 'two', '--yes'], { env: { EDIT: ' Politely.' } });
  expect(JSON.parse(rerun.out)).toEqual([topics, greeting, 'the cook']);
  expect(rerun.err).toContain('bought by others: 2 calls, saved 2 requests, 220 tokens, $0.00040');
  const shown = await amdahl(['show', 'two']);
  expect(shown.out).toMatch(/^scope +kitchen$/m);
  expect(shown.out).toMatch(/^rerun of one$/m);
  expect(shown.out).toContain('bought by run one');
  expect((await amdahl(['runs'])).out).toMatch(/^two .*kitchen$/m);
  const other = await amdahl(['run', 'p.ts', '--input', 'x', '--id', 'two', '--scope', 'garden']);
  expect([other.code, other.err]).toEqual([4, expect.stringContaining("in the scope 'kitchen', not 'garden'")]);
});

it('runs a failed run again, and over another input', async () => {
  const { amdahl } = made();
  await amdahl(['run', 'p.ts', '--input', 'x', '--id', 'one', '--subject', '{"role":"cook"}'], { env: { FAILS: '1' } });
  const rerun = await amdahl(['rerun', 'one', '--yes', '--json', '--input', 'y']);
  const lines = linesOf(rerun.out);
  expect(lines.at(-1)).toMatchObject({ result: { status: 'succeeded', bill: { calls: 1, reused: { answers: 2 } } } });
});
