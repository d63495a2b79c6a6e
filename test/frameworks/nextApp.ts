// The Next app of test/fixtures/next: its packages, the built amdahl among them as npm lays it, its build, its servers.
// Its packages are installed once and kept until its lockfile changes, since they are large and nobody else needs them.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, environment, packed, ROOT } from './packed.ts';
import { type Server, startServer } from './server.ts';

export const APP: string = join(ROOT, 'test/fixtures/next');

const NEXT = join(APP, 'node_modules/next/dist/bin/next');
const STAMP = join(APP, 'node_modules/.installed');

/** Installs what the lockfile says, and the package as it is now. */
export async function install(temporary: string): Promise<void> {
  const lock = createHash('sha256')
    .update(readFileSync(join(APP, 'package-lock.json')))
    .digest('hex');
  if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== lock) {
    await command(APP, ['npm', 'ci', '--no-audit', '--no-fund']);
    writeFileSync(STAMP, lock);
  }
  const tarball = await packed(temporary);
  await command(APP, ['npm', 'install', '--no-save', '--no-audit', '--no-fund', '--prefer-offline', tarball]);
}

/** Gives what the build printed. */
export function build(): Promise<string> {
  return command(APP, [process.execPath, NEXT, 'build'], environment({ NODE_ENV: 'production' }));
}

/** One more process that serves what was built. */
export function serve(env: Readonly<Record<string, string>>): Promise<Server> {
  return startServer(APP, [NEXT, 'start', '-H', '127.0.0.1', '-p', '0'], env);
}
