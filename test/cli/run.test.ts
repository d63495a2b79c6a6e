import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { idIn, linesOf, place } from './cli.ts';

const TOPICS = JSON.stringify(['a', 'bad', 'c'].map((topic) => ({ topic })));

describe('amdahl run', () => {
  it('prints the output on standard output, and everything else on standard error', async () => {
    const { amdahl } = place();
    const { code, out, err } = await amdahl(['run', 'team.ts#review', '--input', '{"topic":"a"}']);
    expect(code).toBe(0);
    expect(out).toBe('{\n  "title": "fine"\n}\n');
    expect(err).toMatch(/^run review-[0-9a-z]{6} {2}team\.ts#review$/m);
    expect(err).toMatch(/^bill {2}1 request {2}100 in {2}10 out {2}\$0\.00020/m);
  });

  it('prints text as it is', async () => {
    const { amdahl } = place();
    const { out } = await amdahl(['run', 'team.ts#bare', '-q', '--input', 'two\nlines']);
    expect(out).toBe('got two\nlines\n');
  });

  it('writes plain lines when piped: its start, each failure, and its end, without a colour', async () => {
    const { amdahl } = place();
    const { code, err } = await amdahl(['run', 'team.ts#sweep', '--input', TOPICS]);
    expect(code).toBe(0);
    const lines = err.split('\n');
    expect(lines[0]).toMatch(/^run sweep-/);
    expect(lines[1]).toMatch(/^failed sweep\[1\]\/review: CONTRACT_VIOLATION: /);
    expect(lines[2]).toMatch(/^3\/3 done, 0 running, 1 failed, 880 tokens, \$/);
    expect(err).toMatch(/^missing {2}1 of 3\n {2}sweep\[1\]\/review CONTRACT_VIOLATION/m);
    expect(err).toMatch(/tax: 6 requests, 660 tokens, \S+ of it bought no output \(4 repairs, 2 attempts thrown away\)/);
    expect(err).not.toContain('\u001b');
  });

  it('colours what is piped when it is told to, and nothing else is different', async () => {
    const { amdahl } = place();
    const args = ['run', 'team.ts#hello', '--input', 'hi', '--id', 'same'];
    const { err: colored } = await amdahl(args, { env: { FORCE_COLOR: '1' } });
    expect(colored).toContain('\u001b[1msame\u001b[22m');
  });

  it('writes every event and then the result as JSON lines with --json', async () => {
    const { amdahl } = place();
    const { code, out, err } = await amdahl(['run', 'team.ts#sweep', '--input', TOPICS, '--json']);
    expect(code).toBe(0);
    expect(err).toBe('');
    const lines = linesOf(out);
    expect(lines[0]).toMatchObject({ kind: 'run.started', agent: 'sweep', program: { file: 'team.ts', export: 'sweep' } });
    expect(lines.filter(({ kind }) => kind === 'model.requested')).toHaveLength(8);
    expect(lines.at(-1)).toMatchObject({
      result: { status: 'partial', missing: [{ index: 1 }], bill: { calls: 8, tokensIn: 800, usdMicros: 1600 } },
    });
  });

  it('prints nothing but the output with --quiet', async () => {
    const { amdahl } = place();
    const { out, err } = await amdahl(['run', 'team.ts#sweep', '--input', TOPICS, '--quiet'], { env: { PROVIDER: 'stand-in' } });
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ done: [{ index: 0 }, { index: 2 }] });
  });

  it('says before the answer and in the bill that a stand-in gave it', async () => {
    const { amdahl } = place();
    const { err } = await amdahl(['run', 'team.ts#hello', '--input', 'hi'], { env: { PROVIDER: 'stand-in' } });
    expect(err.match(/stand-in model: no LLM was asked/g)).toHaveLength(2);
    const { err: real } = await amdahl(['run', 'team.ts#hello', '--input', 'hi']);
    expect(real).not.toContain('stand-in');
  });

  it('names a model without a price, and does not call it free', async () => {
    const { amdahl } = place();
    const { err } = await amdahl(['run', 'team.ts#hello', '--input', 'hi'], { env: { UNPRICED: '1' } });
    expect(err).toContain('price unknown');
    expect(err).toContain('no price known for acme/small');
  });

  it('reads its input from a file, from standard input, or does without where nothing is required', async () => {
    const { amdahl, write } = place();
    write('topic.json', '{"topic":"a"}');
    write('note.txt', '"quoted"\n');
    expect((await amdahl(['run', 'team.ts#review', '-q', '--input', '@topic.json'])).code).toBe(0);
    expect((await amdahl(['run', 'team.ts#review', '-q', '--input', '-'], { stdin: '{"topic":"a"}' })).code).toBe(0);
    expect((await amdahl(['run', 'team.ts#bare', '-q', '--input', '@note.txt'])).out).toBe('got "quoted"\n');
    expect((await amdahl(['run', 'team.ts#bare', '-q', '--input', '"quoted"'])).out).toBe('got quoted\n');
    expect((await amdahl(['run', 'team.ts#optional', '-q'])).out).toBe('hello nobody\n');
  });

  it('answers a known id with the same input without asking again, and refuses another input', async () => {
    const { amdahl } = place();
    const args = ['run', 'team.ts#hello', '--id', 'h1', '--json', '--input'];
    const first = await amdahl([...args, 'hi']);
    expect(linesOf(first.out).at(-1)).toMatchObject({ result: { id: 'h1' } });
    const again = await amdahl([...args, 'hi']);
    expect(linesOf(again.out).filter(({ kind }) => kind === 'model.requested')).toEqual([]);
    expect(linesOf(again.out).at(-1)).toMatchObject({ result: { output: '{"title":"fine"}', bill: { calls: 1 } } });
    const other = await amdahl([...args, 'else']);
    expect(other.code).toBe(4);
    expect(other.err).toContain('RUN_CONFLICT');
  });

  it('keeps the caps it is given, over those of the program', async () => {
    const { amdahl } = place();
    const { code, err } = await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"a"},{"topic":"b"}]', '--budget', 'calls=1']);
    expect(code).toBe(1);
    expect(err).toContain('BUDGET_EXCEEDED');
    expect(err).toMatch(/^bill {2}1 request /m);
  });

  it('fails with the code, where it was, what it cost and what to do next', async () => {
    const { amdahl } = place();
    const { code, out, err } = await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"a"},{"topic":"down"}]']);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toMatch(/^failed strict\[1\]\/review: MODEL_FAILED: .*the provider is down/m);
    expect(err).toMatch(/^TOO_MANY_MISSING /m);
    expect(err).toContain(`show ${idIn(err)}`);
    expect(err).toContain(`resume ${idIn(err)}`);
    expect(err).not.toContain('at Object.');
  });

  it('shows stacks to those who ask for them', async () => {
    const { amdahl } = place();
    const { err } = await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"down"}]'], { env: { AMDAHL_DEBUG: '1' } });
    expect(err).toMatch(/^because Error: the provider is down\n {4}at .*team\.ts:\d+:\d+/m);
  });

  it('says a failure once where the run ends with it, and what comes first where asking again alone is of no use', async () => {
    const { amdahl, write } = place();
    write(
      'desk.ts',
      `import { agent, flow } from 'amdahl'; import { hello } from './team.ts'; const mute = agent({ name: 'mute', instructions: 'x' });
       export const desk = flow({ name: 'desk', run: (input, ctx) => ctx.call(hello, input) });
       export const silent = flow({ name: 'silent', run: (input, ctx) => ctx.call(mute, input) });`,
    );
    const { err } = await amdahl(['run', 'desk.ts#desk', '--input', 'down']);
    expect(err.match(/the provider is down/g)).toHaveLength(1);
    expect(err).toMatch(/^0 calls done, 0 running, 1 failed, /m);
    expect(err).toMatch(/^ask again what failed: /m);
    expect((await amdahl(['run', 'desk.ts#silent', '--input', 'x', '--id', 's'])).err).toMatch(/^mend it, then: .* resume s$/m);
    expect((await amdahl(['show', 's'])).out).toMatch(/^mend it, then: .* resume s$/m);
  });

  it('reports a failure as the last line of JSON', async () => {
    const { amdahl } = place();
    const { code, out } = await amdahl(['run', 'team.ts#hello', '--input', 'down', '--json']);
    expect(code).toBe(1);
    expect(linesOf(out).at(-1)).toMatchObject({
      result: { status: 'failed', error: { code: 'MODEL_FAILED' }, bill: { calls: 1, failed: 1 } },
    });
  });

  it('survives a reader that stops reading', async () => {
    const { start } = place();
    const running = start(['run', 'team.ts#sweep', '--input', TOPICS, '--json']);
    running.child.stdout?.destroy();
    const { err } = await running.ended;
    expect(err).not.toContain('EPIPE');
  });

  it('does not wait for what a program leaves open', async () => {
    const { amdahl, write } = place();
    write(
      'open.ts',
      `import { step } from 'amdahl'; setInterval(() => {}, 1000); export default step({ name: 'open', execute: () => 'done' });`,
    );
    expect(await amdahl(['run', 'open.ts', '-q', '--input', ''])).toMatchObject({ code: 0, out: 'done\n' });
  });

  it('makes no journal where a command has nothing to run', async () => {
    const { amdahl, dir } = place();
    await amdahl(['run', 'nothing.ts']);
    await amdahl(['runs']);
    await amdahl(['show', 'last']);
    expect(existsSync(join(dir, '.amdahl'))).toBe(false);
  });
});
