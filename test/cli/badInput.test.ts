import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { place } from './cli.ts';

describe('a wrong program', () => {
  it.each([
    [['run', 'teem.ts'], 'PROGRAM_NOT_FOUND There is no file teem.ts. Did you mean team.ts?'],
    [['run', 'team'], 'PROGRAM_NOT_FOUND There is no file team. Did you mean team.ts?'],
    [['run', '.'], 'PROGRAM_NOT_FOUND . is a directory. Name a file in it: team.ts.'],
    [
      ['run', 'team.ts#revew'],
      "PROGRAM_NOT_FOUND team.ts exports no 'revew'. Did you mean team.ts#review? Its agents are bare, hang, hello, mail, optional, review, strict, sweep.",
    ],
    [['run', 'team.ts#notAnAgent'], "PROGRAM_NOT_FOUND 'notAnAgent' of team.ts is not an agent. Its agents are bare,"],
    [['run', 'team.ts'], 'PROGRAM_NOT_FOUND team.ts exports several agents and none of them as default. Say which: team.ts#bare,'],
  ])('%j is told what would be right', async (args, message) => {
    const { code, out, err } = await place().amdahl(args);
    expect(err).toContain(message);
    expect(out).toBe('');
    expect(code).toBe(2);
  });

  it.each([
    ['export const one = 1;', 'exports no agent. Export one: export default agent({ … })'],
    ['export const one: number = 1;', 'exports no agent. Export one'],
    ['function boom() { throw new Error("no key set"); }\nboom();', 'Error: no key set\n    at boom (own.ts:1:25)\n    at '],
    ['export enum Color { red }', '"erasableSyntaxOnly": true'],
    ['const one: = 3', 'ERR_INVALID_TYPESCRIPT_SYNTAX'],
    ["import './team'", 'write team.ts'],
    ["import 'left-pad'", 'npm install left-pad'],
    ["import { agent } from 'amdahl'; export default agent({ name: 'a/b', instructions: '' })", 'MISCONFIGURED: '],
    ["export { hello } from './team.ts'; export const options = { modells: {} }", "'options' of own.ts has 'modells'"],
  ])('%j is shown to its author, with what to do', async (text, message) => {
    const { amdahl, write } = place();
    write('own.ts', text);
    const { code, err } = await amdahl(['run', 'own.ts', '--input', 'x']);
    expect(err).toContain(message);
    expect(err).not.toContain('node:internal');
    expect(err).not.toContain('commander');
    expect(code).toBe(2);
  });

  it('is told how to become a module where its package is CommonJS, and runs without a word where that is open', async () => {
    const { amdahl, write } = place();
    write('package.json', '{"name":"mine","type":"commonjs"}');
    const refused = await amdahl(['run', 'team.ts#bare', '--input', 'x']);
    expect(refused.err).toMatch(
      /^PROGRAM_BROKEN team\.ts is read as CommonJS because package\.json says "type": "commonjs"\. Run: npm pkg set type=module, or name the file team\.mts\.$/m,
    );
    expect(refused.err).not.toContain('Warning');
    expect(refused.code).toBe(2);
    write('package.json', '{"name":"mine"}');
    expect(await amdahl(['run', 'team.ts#bare', '--input', 'x', '-q'])).toEqual({ code: 0, out: 'got x\n', err: '' });
  });

  it('is refused unread when it is no program by its name', async () => {
    const { amdahl, write } = place();
    write('data.json', '{}');
    expect((await amdahl(['run', 'data.json'])).err).toBe(
      'PROGRAM_BROKEN data.json is no program: that is a .ts, .mts, .tsx, .js, .mjs or .jsx file.\n',
    );
  });

  it('is told how it is run when it starts a run itself and exports no agent', async () => {
    const { amdahl, write } = place();
    write('own.ts', "import { run } from 'amdahl'; import { bare } from './team.ts'; await run(bare, 'x');");
    const { code, err } = await amdahl(['run', 'own.ts']);
    expect(err).toMatch(/^PROGRAM_NOT_FOUND own\.ts exports no agent\. It started a run itself: run it with (npx )?node own\.ts, /);
    expect(code).toBe(2);
  });
});

describe('a wrong input', () => {
  it.each([
    [['run', 'team.ts#review'], "CONTRACT_VIOLATION 'review' needs an input."],
    [['run', 'team.ts#review'], 'It takes { topic: string }'],
    [['run', 'team.ts#review', '--input', '{}'], '  topic: '],
    [['run', 'team.ts#review', '--input', '{"topic":3}'], '  topic: Invalid input: expected string, received number'],
    [['run', 'team.ts#review', '--input', '{'], 'MISCONFIGURED --input is not JSON ('],
    [['run', 'team.ts#review', '--input', 'team.ts'], 'is the name of a file. Did you mean --input @team.ts?'],
    [['run', 'team.ts#hello', '--input', 'team.ts'], `For the name itself as text, write it as JSON: --input '"team.ts"'.`],
    [['run', 'team.ts#review', '--input', '@none.json'], 'MISCONFIGURED --input: none.json cannot be read (ENOENT'],
    [['run', 'team.ts#hello'], "It takes text: --input 'your text'"],
    [['run', 'team.ts#sweep'], 'It takes { topic: string }[]'],
    [['run', 'team.ts#sweep', '--input', '{}'], '  expected a list'],
    [['run', 'team.ts#hello', '--input', 'x', '--budget', 'cals=1'], "there is no cap 'cals'"],
    [['run', 'team.ts#hello', '--input', 'x', '--id', 'two words'], 'MISCONFIGURED'],
  ])('%j is told path, reason and shape', async (args, message) => {
    const { code, out, err } = await place().amdahl(args);
    expect(err).toContain(message);
    expect(out).toBe('');
    expect(code).toBe(2);
  });
});

describe('a wrong command', () => {
  it.each([
    [['rum', 'team.ts'], '(Did you mean run?)'],
    [['run'], "missing required argument 'file#export'"],
    [['run', 'team.ts', '--jason'], '(Did you mean --json?)'],
    [['run', 'team.ts', '--json', '--quiet'], 'cannot be used with'],
    [['runs', '--limit', '0'], 'It must be a whole number above 0.'],
    [['show', 'last'], 'RUN_UNKNOWN There are no runs in .amdahl.'],
    [['resume', 'last'], 'RUN_UNKNOWN There are no runs in .amdahl.'],
  ])('%j is told what would be right', async (args, message) => {
    const { code, err } = await place().amdahl(args);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });

  it('without any word shows what there is', async () => {
    const { code, err } = await place().amdahl([]);
    expect(err).toContain('Usage: amdahl');
    expect(code).toBe(2);
  });

  it('names the runs that an ambiguous start could mean', async () => {
    const { amdahl } = place();
    for (const id of ['h-one', 'h-two']) await amdahl(['run', 'team.ts#bare', '--id', id, '--input', 'x', '-q']);
    expect((await amdahl(['show', 'h-'])).err).toContain("'h-' could be h-two or h-one. Type more of it.");
    expect((await amdahl(['show', 'h-on'])).code).toBe(0);
    expect((await amdahl(['show', 'h-oen'])).err).toContain('Did you mean h-one?');
    expect((await amdahl(['show', 'h-one', '--prompt', 'bear'])).err).toContain("Run h-one has no call 'bear'. Did you mean bare?");
  });
});

describe('a journal that cannot be used', () => {
  it('is an error that says which one and why, with an exit code of its own', async () => {
    const { amdahl, write, dir } = place();
    const unwritable = await amdahl(['run', 'team.ts#bare', '--input', 'x'], { env: { AMDAHL_DIR: 'team.ts/inside' } });
    expect(unwritable.err).toMatch(/^JOURNAL_UNWRITABLE /);
    expect(unwritable.code).toBe(4);
    mkdirSync(join(dir, '.amdahl'));
    write('.amdahl/journal.sqlite', 'not a database, but long enough to be taken for one'.repeat(50));
    const damaged = await amdahl(['runs']);
    expect(damaged.err).toMatch(/^JOURNAL_DAMAGED /);
    expect(damaged.code).toBe(4);
  });
});

describe('an old Node', () => {
  it('is told which one is needed, before anything is loaded that it could not read', async () => {
    const pretend = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.19.0"}})';
    const { code, err } = await place().amdahl(['--version'], { env: { NODE_OPTIONS: `--import=${encodeURI(pretend)}` } });
    expect(err).toContain('amdahl needs Node 22.18 or newer; this is Node 20.19.0');
    expect(err).toContain('npm i -D node@24, then npx amdahl');
    expect(code).toBe(2);
  });
});

describe('help', () => {
  it('teaches by example and documents exit codes', async () => {
    const { code, out } = await place().amdahl(['--help']);
    expect(code).toBe(0);
    for (const text of ['amdahl resume last', 'Exit codes:', '130  interrupted', 'AMDAHL_DIR']) expect(out).toContain(text);
    for (const command of ['run', 'resume', 'show']) expect((await place().amdahl([command, '--help'])).out).toContain('Examples:');
  });

  it('tells the version of the package', async () => {
    expect((await place().amdahl(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
