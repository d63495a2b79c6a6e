// Loads the file of a program. Called by program.ts.
//
// A program meets the CLI's own copy of amdahl where it has no other: agents are known by a registered symbol, so
// a copy of its own works as well.

import { existsSync, readFileSync } from 'node:fs';
import { findPackageJSON, registerHooks } from 'node:module';
import { basename } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AmdahlError } from '../agent/errors.ts';
import { ProgramThrew } from './programThrew.ts';
import { ALIASES, beyondNode, installTsx, startWith, tsxOf } from './projectTsx.ts';
import { shortPath } from './runReference.ts';

/**
 * Loads a program's module.
 * @throws AmdahlError PROGRAM_BROKEN when Node takes it for CommonJS; ProgramThrew for whatever else its loading throws.
 */
export async function importProgram(file: string, path: string): Promise<Record<string, unknown>> {
  shareOwnCopy();
  silenceModuleTypes();
  try {
    return exportsOf((await import(pathToFileURL(path).href)) as Record<string, unknown>); // A module's namespace is an object.
  } catch (thrown) {
    const commonJs = readAsCommonJs(path, thrown);
    const beyond = commonJs === undefined ? beyondNode(path, thrown) : 'modules in a CommonJS package';
    const tsx = beyond === undefined ? undefined : tsxOf(path);
    if (tsx !== undefined) return await startWith(tsx);
    if (commonJs !== undefined) throw commonJs;
    if (beyond !== undefined) throw new ProgramThrew(file, thrown, needsTsx(beyond, thrown));
    throw new ProgramThrew(file, thrown, hintFor(thrown));
  }
}

/** Where a package.json does not say "type": "module", tsx makes CommonJS of TypeScript. */
function exportsOf(module: Record<string, unknown>): Record<string, unknown> {
  const { default: whole } = module;
  return typeof whole === 'object' && whole !== null && '__esModule' in whole ? { ...whole } : module;
}

function needsTsx(beyond: string, thrown: unknown): string {
  const own = beyond === ALIASES ? undefined : hintFor(thrown);
  return `Node runs TypeScript by leaving the types out, and this program needs more: ${beyond}. ${own === undefined ? 'Install' : `${own} Or install`} tsx, and amdahl uses it: ${installTsx()}`;
}

/** What to do about errors of loading that Node words for its own authors. */
function hintFor(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  switch (thrown.code) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return 'Write it with types that can be left out ("erasableSyntaxOnly": true in tsconfig.json finds what cannot).';
    case 'ERR_INVALID_TYPESCRIPT_SYNTAX':
      return 'The file is not valid TypeScript.';
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return 'Node does not run TypeScript below node_modules. Build that package to JavaScript.';
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return /\.[jt]sx"/.test(thrown.message)
        ? undefined
        : 'A program imports .ts, .mts, .js and .mjs files, and .tsx and .jsx through tsx.';
    case 'ERR_MODULE_NOT_FOUND':
      return hintForMissing(thrown.message);
    default:
      return undefined;
  }
}

function hintForMissing(message: string): string | undefined {
  const [, missing] = /^Cannot find package '([^']+)'/.exec(message) ?? [];
  if (missing !== undefined) return `Install it where the program is: npm install ${missing}`;
  const [, path] = /^Cannot find module '([^']+)'/.exec(message) ?? [];
  const like =
    path === undefined
      ? undefined
      : [`${path}.ts`, `${path}.js`, path.replace(/\.js$/, '.ts')].find((one) => one !== path && existsSync(one));
  return like === undefined ? undefined : `Node wants the whole file name in an import: write ${basename(like)}.`;
}

/** A module that a package.json makes CommonJS: Node says only where its syntax went wrong. */
function readAsCommonJs(path: string, thrown: unknown): AmdahlError | undefined {
  if (!(thrown instanceof SyntaxError) || !/outside a module|Unexpected token 'export'|await is only valid/.test(thrown.message))
    return undefined;
  // The first line of such a stack is the place: the program, or a file that it imports.
  const [, at = path] = /^(?:file:\/\/)?(.+\.[jt]s):\d+$/.exec(thrown.stack?.split('\n')[0] ?? '') ?? [];
  const manifest = findPackageJSON(pathToFileURL(at));
  if (manifest === undefined || !/"type"\s*:\s*"commonjs"/.test(readFileSync(manifest, 'utf8'))) return undefined;
  const file = shortPath(at);
  return new AmdahlError(
    'PROGRAM_BROKEN',
    `${file} is read as CommonJS because ${shortPath(manifest)} says "type": "commonjs". Run: npm pkg set type=module, or name the file ${basename(file).replace(/\.([jt]s)$/, '.m$1')}.`,
    { cause: thrown },
  );
}

let silenced = false;

/** Node's warnings about module types: one says what this CLI says better, the other that starting took a little longer. */
function silenceModuleTypes(): void {
  if (silenced) return;
  silenced = true;
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const code = 'code' in warning ? warning.code : undefined;
    if (code === 'MODULE_TYPELESS_PACKAGE_JSON' || warning.message.startsWith('Failed to load the ES module')) return;
    for (const listener of listeners) listener.call(process, warning);
  });
}

let shared = false;

/** Lets `import … from 'amdahl'` reach this very copy where it would otherwise fail, or load this package a second time. */
function shareOwnCopy(): void {
  if (shared) return;
  shared = true;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  registerHooks({
    resolve(specifier, context, next) {
      const [, entry] = /^amdahl(?:\/([a-z]+))?$/.exec(specifier) ?? [];
      if (specifier !== 'amdahl' && entry === undefined) return next(specifier, context);
      const own = new URL(`../${entry ?? 'index'}.${extension}`, import.meta.url);
      try {
        const found = next(specifier, context);
        return fileURLToPath(found.url).startsWith(root) && existsSync(own) ? { ...found, url: own.href } : found;
      } catch (error) {
        if (!existsSync(own)) throw error;
        return { url: own.href, format: extension === 'ts' ? 'module-typescript' : 'module', shortCircuit: true };
      }
    },
  });
}
