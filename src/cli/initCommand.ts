// `amdahl init`: an agent, a test of it and what both need, in an empty folder or an existing project. What is to be written is
// decided in initPlan.ts; this looks around, writes and tells.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { AmdahlError } from '../agent/errors.ts';
import { managerAt, type Manager } from '../run/surroundings.ts';
import { type Found, type Manifest, planOf, type Template, TEMPLATES } from './initPlan.ts';
import { manifestIn } from './initManifest.ts';
import type { Terminal } from './terminal.ts';

export interface InitOptions {
  readonly template?: string;
  readonly dryRun?: boolean;
}

const ASSETS = fileURLToPath(new URL('../../templates/', import.meta.url));

export async function initCommand(folder: string | undefined, options: InitOptions, { out }: Terminal): Promise<number> {
  const root = resolve(folder ?? '.');
  if (existsSync(root) && !statSync(root).isDirectory())
    throw new AmdahlError('MISCONFIGURED', `${folder} is a file. Give a folder, which may be empty, a project's or not there yet.`);
  const template = templateOf(options.template ?? 'script');
  const manager = managerAt(root);
  const found = lookAround(root);
  const plan = planOf(template, found, (asset) => readFileSync(join(ASSETS, asset), 'utf8'));
  const { dryRun = false } = options;
  for (const { path, text } of plan.files) if (!dryRun) write(join(root, path), text);
  const { colors } = out;
  for (const { path, what } of plan.files)
    out.line(`${colors.green(dryRun ? 'would write' : 'wrote')}  ${path}${what === undefined ? '' : `  ${colors.dim(what)}`}`);
  for (const { path, why } of plan.left) out.line(`${colors.yellow('left')}  ${path}  ${colors.dim(why)}`);
  out.line();
  out.line(modelText(found));
  out.line();
  out.line(dryRun ? 'Nothing was written. Then:' : 'Next:');
  out.line();
  const near = relative('.', root);
  if (near !== '') out.line(`  cd ${near}`);
  for (const [command, says] of commandsFor(manager, plan.scripts)) out.line(`  ${colors.bold(command.padEnd(24))}${colors.dim(says)}`);
  return 0;
}

/** @throws AmdahlError MISCONFIGURED for one that does not exist. */
function templateOf(name: string): Template {
  const template = TEMPLATES.find((one) => one === name);
  if (template !== undefined) return template;
  throw new AmdahlError('MISCONFIGURED', `There is no template '${name}'. There are ${TEMPLATES.join(', ')}.`);
}

function lookAround(root: string): Found {
  const read = (path: string): string | undefined => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined);
  const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest; // this package's own
  return {
    folder: root,
    read,
    manifest: manifestIn(read('package.json')),
    own,
    env: { ...parseEnv(read('.env') ?? ''), ...process.env },
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function modelText({ env }: Found): string {
  const set = ['AMDAHL_MODEL', 'ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'].find(
    (name) => (env[name] ?? '') !== '',
  );
  return set === undefined
    ? 'No key is set, so a stand-in answers and says so: nothing is sent anywhere. For a real model copy .env.example to .env.'
    : `${set} is set, so a real model is asked. Tests ask none.`;
}

type Said = readonly (readonly [command: string, says: string])[];

function commandsFor(manager: Manager, { test, run, says }: { readonly test: string; readonly run: string; readonly says: string }): Said {
  // bun and yarn have commands of their own that are called like scripts.
  const script = (name: string): string => (name === 'test' && manager !== 'bun' ? `${manager} test` : `${manager} run ${name}`);
  return [
    [`${manager} install`, 'get the packages'],
    [script(test), 'test the agent; no model is asked'],
    [script(run), says],
  ];
}
