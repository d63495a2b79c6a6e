// What runs need, as it is found on this machine: Node, the providers' packages, keys and addresses, AMDAHL_MODEL and
// the journal. Called by `amdahl doctor`. Nothing is changed, nothing is sent, and no key leaves the environment.

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { AmdahlError, describe } from '../agent/errors.ts';
import { shownModelName } from '../model/modelName.ts';
import { baseUrlOf } from '../model/providerPackage.ts';
import type { Provider } from '../model/providers.ts';
import { missingVariables, PROVIDERS, valueOf } from '../model/providers.ts';
import { installedVersion, systemRegistry, systemSurroundings } from '../run/surroundings.ts';
import type { JournalHealth } from './doctorJournal.ts';
import { journalHealth } from './doctorJournal.ts';

/** `broken`: it is set up and does not work. The others say what is left to do. */
export type ProviderState = 'ready' | 'needs a key' | 'needs its package' | 'not set up' | 'broken';

export interface ProviderHealth {
  readonly name: string;
  readonly state: ProviderState;
  readonly package: string;
  readonly version?: string;
  /** The command that installs the package, where it is missing. */
  readonly install?: string;
  /** The variables of its keys and settings, and whether they are set. */
  readonly variables: Readonly<Record<string, boolean>>;
  /** What is missing, each way to set it up; [] when nothing is. */
  readonly missing: readonly (readonly string[])[];
  readonly keysAt?: string;
  /** Where requests go instead of to the provider's own address, and the variable that says so. */
  readonly baseUrl?: { readonly variable: string; readonly url: string };
  /** Where a server of the user's own must listen: nobody has looked whether it does. */
  readonly server?: string;
  readonly problem?: string;
}

export interface Diagnosis {
  /** Whether all that is set up works. */
  readonly ok: boolean;
  readonly node: { readonly version: string; readonly needed: string; readonly ok: boolean };
  readonly amdahl: string;
  readonly providers: readonly ProviderHealth[];
  /** AMDAHL_MODEL, and why it would not load. */
  readonly model: { readonly name?: string; readonly problem?: string };
  readonly journal: JournalHealth;
}

/** Looks at everything. Loads the packages of the providers that have their keys. Never throws for what it finds. */
export async function diagnose(): Promise<Diagnosis> {
  const manifest = manifestOf();
  const [providers, model, journal] = await Promise.all([
    Promise.all(Object.entries(PROVIDERS).map(([name, entry]) => providerHealth(name, entry))),
    modelHealth(),
    journalHealth(),
  ]);
  const node = { version: process.versions.node, needed: manifest.node, ok: isNewEnough(process.versions.node, manifest.node) };
  const broken = providers.some(({ state }) => state === 'broken') || model.problem !== undefined || journal.problem !== undefined;
  return { ok: node.ok && !broken, node, amdahl: manifest.version, providers, model, journal };
}

async function providerHealth(name: string, entry: Provider): Promise<ProviderHealth> {
  const { env } = systemSurroundings;
  const version = installedVersion(entry.package);
  const missing = missingVariables(entry, env);
  const { url, problem: wrongUrl } = addressOf(entry);
  const ready = version !== undefined && missing.length === 0;
  const problem = wrongUrl ?? (ready ? await problemOf(`${name}/some-model`) : undefined);
  const names = [...new Set([...Object.values(entry.variables), ...entry.needs.flat()])];
  return {
    name,
    state: problem === undefined ? stateOf(version !== undefined, missing.length === 0, entry) : 'broken',
    package: entry.package,
    ...(version === undefined ? { install: systemSurroundings.installCommand([entry.package]) } : { version }),
    variables: Object.fromEntries(names.map((variable) => [variable, valueOf(env, variable) !== undefined])),
    missing,
    ...(entry.keysAt === undefined ? {} : { keysAt: entry.keysAt }),
    ...(url === undefined || entry.baseUrlVariable === undefined ? {} : { baseUrl: { variable: entry.baseUrlVariable, url } }),
    ...(entry.needs.length > 0 || entry.baseUrl === undefined ? {} : { server: url ?? entry.baseUrl }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function stateOf(installed: boolean, keyed: boolean, { needs }: Provider): ProviderState {
  if (installed) return keyed ? 'ready' : 'needs a key';
  return keyed && needs.length > 0 ? 'needs its package' : 'not set up';
}

/** The address that a variable sets: without user, password and query, which are secrets where they exist. */
function addressOf(entry: Provider): { readonly url?: string; readonly problem?: string } {
  const { env } = systemSurroundings;
  if (entry.baseUrlVariable === undefined || valueOf(env, entry.baseUrlVariable) === undefined) return {};
  try {
    const { origin, pathname } = new URL(baseUrlOf(entry, env) ?? '');
    return { url: `${origin}${pathname === '/' ? '' : pathname}` };
  } catch (error) {
    return { problem: describe(error) };
  }
}

async function modelHealth(): Promise<Diagnosis['model']> {
  const name = systemRegistry.usual;
  if (name === undefined) return {};
  const problem = await problemOf(name);
  // The name that is refused for the password in it is shown without.
  const shown = shownModelName(name);
  return problem === undefined ? { name: shown } : { name: shown, problem };
}

/** Why a model would not load; undefined if it would. */
async function problemOf(name: string): Promise<string | undefined> {
  try {
    await systemRegistry.ready(systemRegistry.model(name));
    return undefined;
  } catch (error) {
    return error instanceof AmdahlError ? error.message : describe(error);
  }
}

/** Whether a version is at least what a range such as '>=22.18' asks for. Pure. */
export function isNewEnough(version: string, range: string): boolean {
  const [least, found] = [range.replace(/^\D+/, ''), version].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (const [index, wanted] of (least ?? []).entries()) {
    const part = found?.[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

function manifestOf(): { readonly version: string; readonly node: string } {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
    readonly engines: { readonly node: string };
  }; // this package's own
  return { version: manifest.version, node: manifest.engines.node };
}
