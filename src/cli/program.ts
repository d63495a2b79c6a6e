// Finds the agent that FILE#export names. Called by run and resume.
//
// A program meets the CLI's own copy of amdahl where it has no other: agents are known by a registered symbol, so
// a copy of its own works as well.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { basename, dirname, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Budget, AnyAgent } from '../agent/agent.ts';
import { isAgent } from '../agent/agent.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { ProgramRef } from '../journal/event.ts';
import { nearest } from './nearest.ts';
import { ProgramThrew } from './programThrew.ts';

/** What a module may export as `options`: the part of run's options that belongs to the program. */
export interface ProgramOptions {
  readonly models?: Readonly<Record<string, unknown>>;
  readonly prices?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, number>>;
  readonly budget?: Budget;
}

export interface Program {
  readonly agent: AnyAgent;
  readonly options: ProgramOptions;
  /** As it is journaled: the file relative to the working directory where it lies below it. */
  readonly ref: ProgramRef;
}

/**
 * Loads FILE or FILE#export.
 * @throws AmdahlError PROGRAM_NOT_FOUND; ProgramThrew when the file cannot be loaded.
 */
export async function loadProgram(text: string): Promise<Program> {
  const { file, name } = splitReference(text);
  const path = resolve(file);
  requireFile(file, path);
  shareOwnCopy();
  const module = await importProgram(file, path);
  const agents = Object.entries(module).flatMap(([key, value]) => (isAgent(value) ? [{ key, agent: value }] : []));
  const found = pick(file, name, module, agents);
  const near = relative('.', path);
  return { agent: found.agent, options: optionsOf(file, module), ref: { file: near.startsWith('..') ? path : near, export: found.key } };
}

/** How a program is named on the command line. */
export function programText({ file, export: name }: ProgramRef): string {
  return name === 'default' ? file : `${file}#${name}`;
}

function splitReference(text: string): { readonly file: string; readonly name: string | undefined } {
  const at = text.lastIndexOf('#');
  if (at <= 0 || existsSync(text)) return { file: text, name: undefined };
  const name = text.slice(at + 1);
  return { file: text.slice(0, at), name: name === '' ? undefined : name };
}

function requireFile(file: string, path: string): void {
  if (existsSync(path)) {
    if (!statSync(path).isDirectory()) return;
    const inside = readdirSync(path).filter((name) => /\.[cm]?[jt]s$/.test(name) && !name.endsWith('.d.ts'));
    const hint = inside.length === 0 ? 'It holds no .ts or .js file.' : `Name a file in it: ${inside.slice(0, 5).join(', ')}.`;
    throw new AmdahlError('PROGRAM_NOT_FOUND', `${file} is a directory. ${hint}`);
  }
  const siblings = existsSync(dirname(path)) ? readdirSync(dirname(path)).filter((name) => /\.[cm]?[jt]s$/.test(name)) : [];
  const like = siblings.find((name) => name.replace(/\.[cm]?[jt]s$/, '') === basename(path)) ?? nearest(basename(path), siblings);
  const hint =
    like === undefined
      ? 'Give the path of a .ts or .js file that exports an agent.'
      : `Did you mean ${relative('.', resolve(dirname(path), like))}?`;
  throw new AmdahlError('PROGRAM_NOT_FOUND', `There is no file ${file}. ${hint}`);
}

async function importProgram(file: string, path: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>; // A module's namespace is an object.
  } catch (thrown) {
    throw new ProgramThrew(file, thrown, hintFor(thrown));
  }
}

/** What to do about errors of loading that Node words for its own authors. */
function hintFor(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  switch (thrown.code) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return 'Node runs TypeScript by leaving the types out, so enum, namespace, parameter properties and import = do not work. Write them as plain objects, modules and fields ("erasableSyntaxOnly": true in tsconfig.json finds them), or build the file to JavaScript and run that.';
    case 'ERR_INVALID_TYPESCRIPT_SYNTAX':
      return 'The file is not valid TypeScript.';
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return 'Node does not run TypeScript below node_modules. Build that package to JavaScript.';
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return 'A program is a .ts, .mts, .js or .mjs file. JSX (.tsx) has to be built first.';
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

interface Exported {
  readonly key: string;
  readonly agent: AnyAgent;
}

function pick(file: string, name: string | undefined, module: Record<string, unknown>, agents: readonly Exported[]): Exported {
  if (name !== undefined) {
    const found = agents.find(({ key }) => key === name);
    if (found !== undefined) return found;
    const there = Object.hasOwn(module, name);
    const like = nearest(
      name,
      agents.map(({ key }) => key),
    );
    const what = there
      ? `'${name}' of ${file} is not an agent.`
      : `${file} exports no '${name}'.${like === undefined ? '' : ` Did you mean ${file}#${like}?`}`;
    throw new AmdahlError('PROGRAM_NOT_FOUND', `${what} ${listed(agents)}`, { data: { agents: agents.map(({ key }) => key) } });
  }
  const main = agents.find(({ key }) => key === 'default') ?? (agents.length === 1 ? agents[0] : undefined);
  if (main !== undefined) return main;
  if (agents.length === 0) throw new AmdahlError('PROGRAM_NOT_FOUND', `${file} exports no agent. Export one: export default agent({ … }).`);
  throw new AmdahlError(
    'PROGRAM_NOT_FOUND',
    `${file} exports several agents and none of them as default. Say which: ${agents.map(({ key }) => `${file}#${key}`).join(', ')}.`,
  );
}

function listed(agents: readonly Exported[]): string {
  return agents.length === 0
    ? 'It exports no agent.'
    : `Its agents are ${agents.map(({ key, agent }) => (key === agent.name ? key : `${key} ('${agent.name}')`)).join(', ')}.`;
}

function optionsOf(file: string, module: Record<string, unknown>): ProgramOptions {
  const { options } = module;
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null)
    throw new AmdahlError('MISCONFIGURED', `'options' of ${file} is no object. Export { models, prices, limits, budget } or nothing.`);
  const known = new Set(['models', 'prices', 'limits', 'budget']);
  const odd = Object.keys(options).find((key) => !known.has(key));
  if (odd !== undefined)
    throw new AmdahlError(
      'MISCONFIGURED',
      `'options' of ${file} has '${odd}', which a run does not take from a program. Use models, prices, limits and budget.`,
    );
  return options; // run() holds every part against its own rules.
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
