// The package as its users get it, built into a temporary folder so that the working tree stays as it is.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT: string = join(import.meta.dirname, '..');

/** What a command printed, or why it could not do its work. */
export type Done = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly why: string };

/** Runs a command to its end. */
export function perform(command: string, args: readonly string[], cwd: string, timeoutMs = 60_000): Done {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: timeoutMs });
  if (error !== undefined) return { ok: false, why: error.message };
  if (status === 0) return { ok: true, output: stdout };
  const said = `${stderr}\n${stdout}`.split('\n').filter((line) => line.trim() !== '');
  return { ok: false, why: said.find((line) => /error/i.test(line)) ?? said[0] ?? `${command} ended with ${String(status)}` };
}

/** Compiles src/ to `folder`/dist and puts what is published beside it. `folder` must exist and be empty. */
export function buildInto(folder: string): Done {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const built = perform(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')], ROOT);
  if (!built.ok) return built;
  const { scripts: _, ...manifest } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>; // our own file
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE'])
    if (existsSync(join(ROOT, file))) copyFileSync(join(ROOT, file), join(folder, file));
  return built;
}

/** Lets a built package find its dependencies where this project has them. */
export function lendDependencies(folder: string): void {
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction');
}
