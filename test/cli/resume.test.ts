import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { idIn, linesOf, place } from './cli.ts';

const HELD = JSON.stringify(['a', 'b', 'hold'].map((topic) => ({ topic })));

const FLOW = `import { flow } from 'amdahl'; import { hello } from './team.ts'; export { options } from './team.ts';
  export default flow({ name: 'other', run: (input, ctx) => ctx.call(hello, process.env.SAY) });`;

describe('Ctrl-C', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '(%s) stops the run, says what is kept and the command that goes on, which buys nothing twice',
    async (signal) => {
      const { start, amdahl } = place();
      const running = start(['run', 'team.ts#strict', '--input', HELD]);
      await running.said('HOLDING');
      running.child.kill(signal);
      const { code, out, err } = await running.ended;
      expect(code).toBe(130);
      expect(out).toBe('');
      const id = idIn(err);
      expect(err).toContain('stopping; what is finished is kept');
      expect(err).toMatch(/^interrupted {2}2 of 3 kept, \d+ tokens, \$\S+ so far$/m);
      expect(err).toMatch(new RegExp(`^go on: (npx )?node \\S+main\\.ts resume ${id}$`, 'm'));

      const resumed = await amdahl(['resume', id, '--json'], { env: { GO: '1' } });
      expect(resumed.code).toBe(0);
      const lines = linesOf(resumed.out);
      expect(lines.filter(({ kind }) => kind === 'model.requested')).toHaveLength(1);
      expect(lines.at(-1)).toMatchObject({
        result: { status: 'succeeded', id, output: [{ title: 'fine' }, { title: 'fine' }, { title: 'fine' }], resume: { answered: 2 } },
      });
    },
  );

  it('shows people what a resume found, from the start', async () => {
    const { start, amdahl } = place();
    const running = start(['run', 'team.ts#strict', '--input', HELD]);
    await running.said('HOLDING');
    running.child.kill('SIGINT');
    await running.ended;
    const { err } = await amdahl(['resume', 'last'], { env: { GO: '1' } });
    expect(err).toMatch(/^going on with strict-\S+ {2}team\.ts#strict\n {2}2 of 3 kept/);
    expect(err).toMatch(/^3\/3 done, 0 running, /m);
    expect(err).toMatch(/^resumed {2}2 calls answered from the journal, nothing bought again/m);
    expect(err).toMatch(/1 request cancelled$/m);
    expect(err).not.toContain('failed');
    expect(err).not.toContain('got no answer');
  });

  it('leaves at once when it is pressed again, whatever still holds the run', async () => {
    const { start, amdahl } = place();
    const running = start(['run', 'team.ts#hang', '--input', 'x', '--id', 'stuck']);
    await running.said('HOLDING');
    running.child.kill('SIGINT');
    await running.said('stopping; ');
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130 });
    // An act that was cut off is uncertain, however the process ended.
    expect((await amdahl(['resume', 'stuck'])).err).toContain(
      "'hang' was called by 'hang' and never came back. Look whether it was done: was it?",
    );
  });

  it('reports the interruption as JSON where that is asked for', async () => {
    const { start } = place();
    const running = start(['run', 'team.ts#strict', '--input', HELD, '--json']);
    await running.said('HOLDING');
    running.child.kill('SIGINT');
    const { code, out } = await running.ended;
    expect(code).toBe(130);
    expect(linesOf(out).at(-1)).toMatchObject({ result: { status: 'interrupted', error: { code: 'CANCELLED' } } });
  });
});

describe('amdahl resume', () => {
  it('goes on after a kill that nobody could catch', async () => {
    const { start, amdahl } = place();
    const running = start(['run', 'team.ts#strict', '--input', HELD, '--id', 'killed']);
    await running.said('HOLDING');
    running.child.kill('SIGKILL');
    await running.ended;
    expect((await amdahl(['runs'])).out).toMatch(/killed +interrupted +strict/);
    const { code, out } = await amdahl(['resume', 'killed', '-q'], { env: { GO: '1' } });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toHaveLength(3);
  });

  it('is told who owns a run that another process works on', async () => {
    const { start, amdahl } = place();
    const running = start(['run', 'team.ts#strict', '--input', HELD, '--id', 'owned']);
    await running.said('HOLDING');
    const { code, out, err } = await amdahl(['resume', 'owned']);
    expect(code).toBe(4);
    expect(out).toBe('');
    expect(err).toMatch(/^RUN_OWNED /);
    expect(err).toContain(`process ${running.child.pid}`);
    expect((await amdahl(['show', 'owned'])).out).toContain(`process ${running.child.pid}`);
    running.child.kill('SIGKILL');
    await running.ended;
  });

  it('asks again what failed and nothing else, under the program as it is now', async () => {
    const { amdahl, dir, write } = place();
    const first = await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"a"},{"topic":"down"}]', '--id', 'mended']);
    expect(first.code).toBe(1);
    write('team.ts', readFileSync(join(dir, 'team.ts'), 'utf8').replace("if (said.includes('down'))", 'if (false)'));
    const { code, out } = await amdahl(['resume', 'mended', '--json']);
    expect(code).toBe(0);
    expect(linesOf(out).filter(({ kind }) => kind === 'model.requested')).toMatchObject([{ path: 'strict[1]/review' }]);
  });

  it('raises a budget that was used up', async () => {
    const { amdahl } = place();
    const two = '[{"topic":"a"},{"topic":"b"}]';
    expect((await amdahl(['run', 'team.ts#strict', '--input', two, '--id', 'capped', '--budget', 'calls=1'])).code).toBe(1);
    expect((await amdahl(['resume', 'capped'])).code).toBe(1);
    expect((await amdahl(['resume', 'capped', '--budget', 'calls=2', '-q'])).code).toBe(0);
  });

  it('says when the program went another way, counts only what it asked, and tells a change of definition once per agent', async () => {
    const { amdahl, dir, write } = place();
    await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"a"},{"topic":"b"}]', '--id', 'moved', '-q']);
    const program = readFileSync(join(dir, 'team.ts'), 'utf8');
    write('team.ts', program.replace("instructions: 'Review it.'", "instructions: 'Review it well.'"));
    const changed = (await amdahl(['resume', 'moved'])).err;
    expect(changed).toMatch(/^resumed {2}0 calls answered from the journal, 2 asked again\n {2}2 × review: its instructions changed$/m);
    write('flow.ts', FLOW);
    await amdahl(['run', 'flow.ts', '--input', 'x', '--id', 'other', '-q'], { env: { SAY: 'one' } });
    const { err } = await amdahl(['resume', 'other'], { env: { SAY: 'two' } });
    expect(err).toMatch(/^1 call done, /m);
    expect(err).toContain(
      'resumed  0 calls answered from the journal\n  1 call asked at new places while 1 recorded answer (110 tokens, $0.00020) was left unused\n  the first: other/hello (another input, name or order?)\n',
    );
    expect(err).not.toContain('nothing bought again');
  });

  it('asks for the program of a run that was not started here, and refuses one with another agent', async () => {
    const { amdahl, write } = place();
    write(
      'own.ts',
      `import { run } from 'amdahl'; import { bare } from './team.ts'; await run(bare, 'x', { id: 'by-code' }); export const other = bare;`,
    );
    await amdahl(['run', 'own.ts', '--input', 'y', '--id', 'by-cli', '-q']);
    const unknown = await amdahl(['resume', 'by-code']);
    expect(unknown.err).toMatch(/PROGRAM_NOT_FOUND Run by-code was not started by this command.*resume by-code FILE#export/);
    expect(unknown.code).toBe(2);
    const other = await amdahl(['resume', 'by-code', 'team.ts#hello']);
    expect(other.err).toContain("RUN_CONFLICT Run by-code was started with the agent 'bare', and team.ts#hello is 'hello'.");
    expect(other.code).toBe(4);
    expect(await amdahl(['resume', 'by-code', 'team.ts#bare', '-q'])).toMatchObject({ code: 0, out: 'got x\n' });
  });

  it('says when the file of a run is gone', async () => {
    const { amdahl, dir } = place();
    await amdahl(['run', 'team.ts#bare', '--input', 'x', '--id', 'moved', '-q']);
    renameSync(join(dir, 'team.ts'), join(dir, 'elsewhere.ts'));
    const { code, err } = await amdahl(['resume', 'moved']);
    expect(err).toContain('Run moved was started from team.ts, and that file is not here.');
    expect(code).toBe(2);
  });
});

describe('--retry', () => {
  it('asks a call again although it has an answer', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"a"},{"topic":"b"}]', '--id', 'again', '-q']);
    const { out } = await amdahl(['resume', 'again', '--retry', 'strict[1]/review', '--json']);
    expect(linesOf(out).filter(({ kind }) => kind === 'model.requested')).toMatchObject([{ path: 'strict[1]/review' }]);
    const unknown = await amdahl(['resume', 'again', '--retry', 'strict[7]/review']);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.err).toContain("Run again has no call 'strict[7]/review'. Did you mean strict[0]/review?");
  });

  it('says of a call that only asks others what it did instead', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"a"},{"topic":"b"}]', '--id', 'again', '-q']);
    const { err } = await amdahl(['resume', 'again', '--retry', 'strict']);
    expect(err).toContain('strict is a map: it ran again over 2 recorded answers; to ask one of them again, name it');
  });

  it('never lets an act happen twice unless somebody says so', async () => {
    const { amdahl, dir } = place();
    const sent = (): string => readFileSync(join(dir, 'sent.txt'), 'utf8');
    // The step kills its own process right after it acted.
    await amdahl(['run', 'team.ts#mail', '--input', 'dear reader', '--id', 'mail']);
    for (const _ of [1, 2]) {
      const plain = await amdahl(['resume', 'mail'], { env: { GO: '1' } });
      expect(plain.err).toContain("'mail' was called by 'mail' and never came back. Look whether it was done: was it?");
      expect(plain.code).toBe(3);
    }
    const unasked = await amdahl(['resume', 'mail', '--retry', 'mail'], { env: { GO: '1' } });
    expect(unasked.err).toContain(
      "'mail', called by mail, may have acted already: nobody knows. Asking again may make it happen twice. Look there first; then say --yes.",
    );
    expect(unasked.code).toBe(2);
    expect((await amdahl(['show', 'mail'])).out).toMatch(/nobody knows whether it happened|it began, and its end is not known/);
    expect(sent()).toBe('dear reader\n');
    const meant = await amdahl(['resume', 'mail', '--retry', 'mail', '--yes', '-q'], { env: { GO: '1' } });
    expect(meant).toMatchObject({ code: 0, out: 'sent\n' });
    expect(sent()).toBe('dear reader\ndear reader\n');
  });
});
