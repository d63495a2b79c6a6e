// What `amdahl init` makes, from the packed package, as a new user has it: installed from the registry into an empty folder,
// checked by the TypeScript it brings, tested and run by its own scripts. Without a key, so a stand-in answers.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { command, environment, folder, hasRegistry, packed, ROOT } from './packed.ts';

const STAND_IN = 'No key is set, so a stand-in answers';
const INSTALL = ['--prefer-offline', '--no-audit', '--no-fund'];

const canInstall = await hasRegistry();
const home = folder();
const app = join(home.path, 'letters');
/** The project's Node, without its packages: what a new user has. */
const env = { ...environment(), PATH: [join(ROOT, 'node_modules/node/bin'), process.env['PATH'] ?? ''].join(':') };
const at = (cwd: string, argv: readonly string[]): Promise<string> => command(cwd, argv, keyless(env));
let first = '';

/** Nobody's key is asked with. */
function keyless(from: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(from).filter(([name]) => !/_API_KEY$|^AMDAHL_/.test(name)));
}

beforeAll(async () => {
  if (!canInstall) return;
  mkdirSync(app);
  // So that npm installs here, whatever lies above a folder for temporary files.
  writeFileSync(join(app, 'package.json'), '{}');
  await at(app, ['npm', 'install', ...INSTALL, await packed(home.path)]);
  first = await at(app, ['npx', 'amdahl', 'init']);
  await at(app, ['npm', 'install', ...INSTALL]);
}, 300_000);
afterAll(() => home.remove());

test.skipIf(!canInstall)(
  'an empty folder gets an agent and a test, which run and are typed, and whose run becomes one more test',
  async () => {
    expect(first).toMatch(/^wrote +agents\/triage\.ts$/m);
    expect(first).toContain('a stand-in answers and says so');
    expect(first).toMatch(/ npm install .*\n.* npm test .*\n.* npm run agent /);
    expect(await at(app, ['npm', 'test'])).toMatch(/pass 2\n/);
    const output = await at(app, ['npm', 'run', '--silent', 'agent', '--', '--quiet']);
    expect(Object.keys(JSON.parse(output) as object)).toEqual(['kind', 'urgent', 'summary']);
    writeFileSync(join(app, 'agents/again.test.ts'), await at(app, ['npx', 'amdahl', 'script', 'last', 'agents/letter.script.json']));
    expect(await at(app, ['npm', 'test'])).toMatch(/pass 3\n/);
    await at(app, ['npm', 'run', 'typecheck']);
  },
  120_000,
);

test.skipIf(!canInstall)('a second time nothing is written, and a dry run writes nothing', async () => {
  const manifest = readFileSync(join(app, 'package.json'), 'utf8');
  expect(await at(app, ['npx', 'amdahl', 'init'])).not.toMatch(/^wrote/m);
  expect(readFileSync(join(app, 'package.json'), 'utf8')).toBe(manifest);
  expect(await at(app, ['npx', 'amdahl', 'init', 'other', '--dry-run'])).toMatch(/^would write +agents\/triage\.ts$/m);
  expect(existsSync(join(app, 'other'))).toBe(false);
});

describe.skipIf(!canInstall)('the other templates, in folders of the same project', () => {
  test('sweep reviews every file', async () => {
    const sweep = join(app, 'sweep');
    await at(app, ['npx', 'amdahl', 'init', 'sweep', '--template', 'sweep']);
    expect(await at(sweep, ['npm', 'test'])).toMatch(/pass 1\n/);
    const output: unknown = JSON.parse(await at(sweep, ['npm', 'run', '--silent', 'agent', '--', '--quiet']));
    expect(output).toMatchObject({ files: 3 });
    await at(sweep, ['npx', 'tsc', '-p', '.']);
  }, 120_000);

  test('chat streams an answer, and streams it again to who comes back', async () => {
    const chat = join(app, 'chat');
    await at(app, ['npx', 'amdahl', 'init', 'chat', '--template', 'chat']);
    expect(await at(chat, ['npm', 'test'])).toMatch(/pass 1\n/);
    await at(chat, ['npx', 'tsc', '-p', '.']);
    const serve = () =>
      spawn('node', ['agents/server.ts'], { cwd: chat, env: { ...keyless(env), PORT: '0' }, stdio: ['ignore', 'pipe', 'pipe'] });
    let server = serve();
    try {
      let said = '';
      server.stderr.on('data', (chunk) => (said += String(chunk)));
      const [line] = (await once(server.stdout, 'data')) as [Buffer];
      const address = /http:\S+/.exec(String(line))?.[0] ?? '';
      expect(await (await fetch(address)).text()).toContain('<title>Chat</title>');
      const body = JSON.stringify({ id: 'one', messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }] });
      const told = await (await fetch(`${address}/api/chat`, { method: 'POST', body })).text();
      expect(told).toContain('"type":"text-delta"');
      expect(await (await fetch(`${address}/api/chat/one/stream`)).text()).toBe(told);
      expect((await fetch(`${address}/api/chat/nobody/stream`)).status).toBe(204);
      expect((await fetch(`${address}/api/chat`, { method: 'POST', body: '{}' })).status).toBe(400);
      expect(said).toContain(STAND_IN);
      await fetch(`${address}/api/chat`, { method: 'POST', body: body.replace('Hello', 'Killed') }); // its head alone
      server.kill('SIGKILL');
      await once(server, 'exit');
      expect(await at(chat, ['npx', 'amdahl', 'runs'])).toContain('interrupted');
      server = serve();
      await vi.waitFor(async () => expect(await at(chat, ['npx', 'amdahl', 'runs'])).not.toMatch(/interrupted|running/), 30_000);
    } finally {
      server.kill();
    }
  }, 120_000);
});
