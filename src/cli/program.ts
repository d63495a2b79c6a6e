// Finds the agent that FILE#export names. Called by run and resume; programImport.ts loads the file.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import type { Budget } from '../agent/budget.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { isAgent } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Json, ProgramRef } from '../journal/event.ts';
import { nearest } from '../agent/nearest.ts';
import type { SecretOptions } from '../run/secretOptions.ts';
import { nodeCommand } from './invocation.ts';
import { importProgram } from './programImport.ts';
import { existingJournal } from './runReference.ts';

const PROGRAM_FILE = /\.(?:m?[jt]s|[jt]sx)$/;
const PROGRAM_FILES = 'a .ts, .mts, .tsx, .js, .mjs or .jsx file';

/** What a module may export as `options`: the part of run's options that belongs to the program. */
export interface ProgramOptions {
  readonly models?: Readonly<Record<string, unknown>>;
  readonly prices?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, number>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly rateLimits?: Readonly<Record<string, unknown>>;
  readonly budget?: Budget;
  readonly scope?: string;
  readonly reuse?: unknown;
  readonly secrets?: SecretOptions;
}

export interface Program {
  readonly agent: AnyAgent;
  readonly options: ProgramOptions;
  /** Makes the context of a run from its subject. */
  readonly context?: (subject: Json | undefined) => unknown;
  /** As it is journaled: the file relative to the working directory where it lies below it. */
  readonly ref: ProgramRef;
}

/**
 * Loads FILE or FILE#export.
 * @throws AmdahlError PROGRAM_NOT_FOUND, PROGRAM_BROKEN; ProgramThrew when the file throws.
 */
export async function loadProgram(text: string): Promise<Program> {
  const { file, name } = splitReference(text);
  const path = resolve(file);
  requireFile(file, path);
  const since = Date.now();
  const module = await importProgram(file, path);
  const agents = Object.entries(module).flatMap(([key, value]) => (isAgent(value) ? [{ key, agent: value }] : []));
  if (agents.length === 0 && name === undefined) throw await noAgent(file, since);
  const found = pick(file, name, module, agents);
  const near = relative('.', path);
  const ref = { file: near.startsWith('..') ? path : near, export: found.key };
  return { agent: found.agent, options: optionsOf(file, module), ref, ...contextOf(file, module) };
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
  if (!existsSync(path)) {
    const siblings = existsSync(dirname(path)) ? readdirSync(dirname(path)).filter((name) => PROGRAM_FILE.test(name)) : [];
    const like = siblings.find((name) => name.replace(PROGRAM_FILE, '') === basename(path)) ?? nearest(basename(path), siblings);
    const hint =
      like === undefined
        ? `Give the path of ${PROGRAM_FILES} that exports an agent.`
        : `Did you mean ${relative('.', resolve(dirname(path), like))}?`;
    throw new AmdahlError('PROGRAM_NOT_FOUND', `There is no file ${file}. ${hint}`);
  }
  if (statSync(path).isDirectory()) {
    const inside = readdirSync(path).filter((name) => PROGRAM_FILE.test(name) && !name.endsWith('.d.ts'));
    const hint = inside.length === 0 ? 'It holds no program.' : `Name a file in it: ${inside.slice(0, 5).join(', ')}.`;
    throw new AmdahlError('PROGRAM_NOT_FOUND', `${file} is a directory. ${hint}`);
  }
  if (PROGRAM_FILE.test(path)) return;
  throw new AmdahlError('PROGRAM_BROKEN', `${file} is no program: that is ${PROGRAM_FILES}.`);
}

async function noAgent(file: string, since: number): Promise<AmdahlError> {
  const hint = (await ranByItself(since))
    ? `It started a run itself: run it with ${nodeCommand()} ${file}, or export the agent.`
    : 'Export one: export default agent({ … }).';
  return new AmdahlError('PROGRAM_NOT_FOUND', `${file} exports no agent. ${hint}`);
}

/** Whether code that is not this command's wrote to the journal here since then. */
async function ranByItself(since: number): Promise<boolean> {
  try {
    const rows = (await existingJournal()?.rows()) ?? [];
    return rows.some(({ program, updatedAt }) => program === undefined && updatedAt >= since);
  } catch {
    return false; // This is about a hint, not about the journal.
  }
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

function contextOf(file: string, { context }: Record<string, unknown>): Pick<Program, 'context'> {
  if (context === undefined) return {};
  if (typeof context === 'function') return { context: (subject) => Reflect.apply(context, undefined, [subject]) as unknown };
  throw new AmdahlError(
    'MISCONFIGURED',
    `'context' of ${file} is no function. Export one that makes the context of a run from its subject: export const context = (subject) => ({ … }).`,
  );
}

function optionsOf(file: string, module: Record<string, unknown>): ProgramOptions {
  const { options } = module;
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null)
    throw new AmdahlError(
      'MISCONFIGURED',
      `'options' of ${file} is no object. Export { models, settings, prices, limits, rateLimits, budget, secrets, scope, reuse } or nothing.`,
    );
  const known = new Set(['models', 'settings', 'prices', 'limits', 'rateLimits', 'budget', 'secrets', 'scope', 'reuse']);
  const odd = Object.keys(options).find((key) => !known.has(key));
  if (odd !== undefined)
    throw new AmdahlError(
      'MISCONFIGURED',
      `'options' of ${file} has '${odd}', which a run does not take from a program. Use models, settings, prices, limits, rateLimits, budget, secrets, scope and reuse.`,
    );
  return options; // run() holds every part against its own rules.
}
