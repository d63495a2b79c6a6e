// The project's own `tsx`, for programs that need more than Node does by leaving types out: enums, parameter properties, JSX,
// path aliases, imports without extension. Called by programImport.ts when Node could not load a program.
//
// T1 Node is started anew with tsx in front: what it once failed to load it keeps for failed, and a program that is half
//    loaded by one loader and half by another would have two copies of its modules.
// T2 Nothing is run twice: only a program none of whose code ran yet is loaded anew.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { systemSurroundings } from '../run/surroundings.ts';

/** Set for the Node that has tsx in front. */
const MARK = 'AMDAHL_TSX';

export const ALIASES = 'path aliases';

/** What it is in a program that Node does not do, in words; undefined where tsx would not help either, or does already. */
export function beyondNode(path: string, thrown: unknown): string | undefined {
  if (process.env[MARK] !== undefined || !(thrown instanceof Error) || ranSome(path, thrown)) return undefined;
  const { message } = thrown;
  switch ('code' in thrown ? thrown.code : undefined) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return /^TypeScript (.+?) (?:is|are) not supported/.exec(message)?.[1] ?? 'TypeScript that is more than types';
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return /\.[jt]sx"/.test(message) ? 'JSX' : undefined;
    case 'ERR_UNSUPPORTED_DIR_IMPORT':
      return 'the import of a folder';
    case 'ERR_MODULE_NOT_FOUND':
      return missing(path, message);
    default:
      return thrown instanceof SyntaxError &&
        /^The requested module '.*' does not provide an export named/.test(message) &&
        isTypes(message, path)
        ? 'the import of a type that is not marked as one'
        : undefined;
  }
}

const OWN = new URL('.', import.meta.url).href;

/**
 * Of a static import that fails, nothing ran: only this CLI is on the stack. Where code ran and imported, its place is, but
 * not always: a program that waits for an import on its way is taken for one that ran.
 */
function ranSome(path: string, { stack = '' }: Error): boolean {
  const isOwn = (line: string): boolean => line.includes(OWN) || line.includes('/node_modules/');
  const isOnStack = stack.split('\n').some((line) => /^\s+at .*file:\/\//.test(line) && !isOwn(line));
  return isOnStack || /^\S.*\bawait import\(/m.test(readFileSync(path, 'utf8'));
}

function missing(path: string, message: string): string | undefined {
  const [, file] = /^Cannot find module '([^']+)'/.exec(message) ?? [];
  if (file !== undefined) {
    const bare = file.replace(/\.[mc]?jsx?$/, '');
    const found = ['.ts', '.tsx', '.mts', '.js', '/index.ts', '/index.tsx', '/index.js'].find((end) => existsSync(`${bare}${end}`));
    return found === undefined ? undefined : 'imports without the whole file name';
  }
  const [, name] = /^Cannot find package '([^']+)'/.exec(message) ?? [];
  return name !== undefined && aliases(path).some((alias) => name.startsWith(alias) || alias.startsWith(`${name}/`)) ? ALIASES : undefined;
}

/** The beginnings of imports that the nearest tsconfig.json has paths for. It may have comments: it is looked at, not parsed. */
function aliases(path: string): readonly string[] {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const file = join(directory, 'tsconfig.json');
    if (existsSync(file)) {
      const [, paths = ''] = /"paths"\s*:\s*\{([^}]*)\}/.exec(readFileSync(file, 'utf8')) ?? [];
      return [...paths.matchAll(/"([^"]+)"\s*:/g)].map(([, alias = '']) => alias.replace(/\*$/, ''));
    }
    if (dirname(directory) === directory) return [];
  }
}

/** Whether it may be a type: a module of JavaScript that lacks an export is just wrong. */
function isTypes(message: string, path: string): boolean {
  return /^The requested module '\.[^']*'/.test(message) && /\.m?tsx?$/.test(path);
}

/** The command that installs tsx here. */
export function installTsx(): string {
  return systemSurroundings.installCommand(['-D', 'tsx']);
}

/** The loader of the tsx that a program's project has; undefined where it has none, and where it is in front already. */
export function tsxOf(path: string): string | undefined {
  if (process.env[MARK] !== undefined) return undefined;
  try {
    return pathToFileURL(createRequire(path).resolve('tsx')).href;
  } catch {
    return undefined;
  }
}

/** Starts this command once more, with tsx in front of Node's own loader, in place of this process. */
export async function startWith(tsx: string): Promise<never> {
  const args = [...process.execArgv, '--import', tsx, ...process.argv.slice(1)];
  const env = { ...process.env, [MARK]: '1' };
  if (process.platform !== 'win32') process.execve?.(process.execPath, [process.execPath, ...args], env);
  return await new Promise<never>(() => {
    const child = spawn(process.execPath, args, { env, stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
    child.on('close', (code) => process.exit(code ?? 1));
  });
}
