// From a name to the model of its provider's package: the package is loaded, its keys and address are taken from the
// environment, its factory is called. Called by the registry, once per model. What comes from packages is held against
// what is expected of them, since any version may be installed; what they throw becomes an AmdahlError here.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { AmdahlError, describe } from '../agent/errors.ts';
import { adapted, isLanguageModel } from './adapted.ts';
import type { ModelName } from './modelName.ts';
import { requireKnown, textOf } from './modelName.ts';
import type { Environment, Provider } from './providers.ts';
import { missingVariables, valueOf, waysText } from './providers.ts';
import type { Surroundings } from './registry.ts';

/** @throws AmdahlError PACKAGE_MISSING, KEY_MISSING, MISCONFIGURED, PROGRAM_BROKEN. */
export async function loadModel(name: ModelName, surroundings: Surroundings): Promise<LanguageModelV4> {
  const { entry } = name;
  const { env } = surroundings;
  requireKnown(name, env);
  const loaded = await loadPackage(name, surroundings);
  const ways = missingVariables(entry, env);
  if (ways.length > 0) throw keyMissing(name, ways);
  const factory = entry.factories.map((known) => memberOf(loaded, known)).find(isCallable);
  if (factory === undefined) throw unfit(name, `exports no ${entry.factories.join(' or ')}`, surroundings);
  const model = makeModel(factory, name, surroundings);
  if (isLanguageModel(model)) return adapted(model);
  throw unfit(name, 'gives no language model of AI SDK 5, 6 or 7', surroundings);
}

function makeModel(factory: Callable, name: ModelName, surroundings: Surroundings): unknown {
  const settings = settingsOf(name.entry, surroundings.env);
  try {
    const provider = factory(settings);
    const make = name.method === undefined ? provider : memberOf(provider, name.method);
    if (!isCallable(make)) throw unfit(name, `has no ${name.provider} models`, surroundings);
    return make.call(provider, name.modelId);
  } catch (error) {
    if (error instanceof AmdahlError) throw error;
    const message = `The package ${name.entry.package} does not make ${textOf(name)}: ${describe(error)}`;
    throw new AmdahlError('MISCONFIGURED', message, { cause: error });
  }
}

async function loadPackage(name: ModelName, surroundings: Surroundings): Promise<unknown> {
  const { entry } = name;
  try {
    return await surroundings.load(entry.package);
  } catch (error) {
    const install = surroundings.installCommand([entry.package]);
    if (!isMissing(error, entry.package)) {
      throw new AmdahlError(
        'PROGRAM_BROKEN',
        `The package ${entry.package}, which ${textOf(name)} needs, is installed and cannot be loaded: ${describe(error)}. Installing it again may mend it: ${install}`,
        { cause: error, data: { package: entry.package, install } },
      );
    }
    // Both are told at once: nobody wants to learn of the key after the installation.
    const ways = missingVariables(entry, surroundings.env);
    const also = ways.length === 0 ? '' : `\nIt also needs a key: ${waysText(ways)}${keysAt(entry)}.`;
    throw new AmdahlError(
      'PACKAGE_MISSING',
      `The model ${textOf(name)} needs the package ${entry.package}. Install it: ${install}${also}`,
      {
        data: { package: entry.package, install },
      },
    );
  }
}

/** Whether an import failed because this very package is not there; one that it needs itself is another matter. Pure. */
export function isMissing(error: unknown, specifier: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const absent = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND';
  return absent && error.message.includes(`'${specifier}'`);
}

function keyMissing(name: ModelName, ways: readonly (readonly string[])[]): AmdahlError {
  const { entry, provider } = name;
  const own = entry.baseUrlVariable;
  const elsewhere = own === undefined ? '' : ` For a server of your own that wants no key, any text does, beside ${own}.`;
  return new AmdahlError(
    'KEY_MISSING',
    `The model ${textOf(name)} needs a key of ${provider}: ${waysText(ways)}${keysAt(entry)}.${elsewhere}`,
    {
      data: { variables: ways },
    },
  );
}

function keysAt(entry: Provider): string {
  return entry.keysAt === undefined ? '' : ` (keys: ${entry.keysAt})`;
}

/**
 * Everything is given to the factory, so that a package that would read the process's environment finds nothing left to read.
 * @throws AmdahlError MISCONFIGURED for a base URL that is none.
 */
function settingsOf(entry: Provider, env: Environment): Readonly<Record<string, unknown>> {
  const fromEnv = Object.entries(entry.variables).flatMap(([setting, variable]) => {
    const value = valueOf(env, variable);
    return value === undefined ? [] : [[setting, value] as const];
  });
  const baseURL = baseUrlOf(entry, env);
  return { ...entry.settings, ...Object.fromEntries(fromEnv), ...(baseURL === undefined ? {} : { baseURL }) };
}

/**
 * Where requests go: what the environment says, else the entry; undefined for the package's own default. Pure.
 * @throws AmdahlError MISCONFIGURED when the variable holds no http(s) URL.
 */
export function baseUrlOf({ baseUrlVariable, baseUrl }: Provider, env: Environment): string | undefined {
  const set = baseUrlVariable === undefined ? undefined : valueOf(env, baseUrlVariable);
  if (set === undefined) return baseUrl;
  if (/^https?:\/\//i.test(set) && URL.canParse(set)) return set;
  throw new AmdahlError(
    'MISCONFIGURED',
    `${baseUrlVariable} is no address: write http://host:port/v1, with http:// or https:// before it.`,
  );
}

function unfit({ entry }: ModelName, what: string, surroundings: Surroundings): AmdahlError {
  const newest = surroundings.installCommand([`${entry.package}@latest`]);
  return new AmdahlError('MISCONFIGURED', `The package ${entry.package}, as it is installed, ${what}. Install a newer one: ${newest}`);
}

type Callable = (this: unknown, ...given: unknown[]) => unknown;

function isCallable(value: unknown): value is Callable {
  return typeof value === 'function';
}

function memberOf(of: unknown, name: string): unknown {
  return (typeof of === 'object' || typeof of === 'function') && of !== null ? Reflect.get(of, name) : undefined;
}
