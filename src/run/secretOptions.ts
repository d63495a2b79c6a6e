// What a run treats as secret: what it was told, what the environment holds, the keys of the models it asks, the
// credentials in its headers and in its context. Called by enter.ts once per entry, and by the CLI for what it prints.

import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { type Needle, Needles } from '../model/needles.ts';
import {
  base64FormsOf,
  formsOf,
  isConnectionName,
  isSecretField,
  isSecretName,
  isSecretValue,
  passwordsIn,
} from '../model/secretValues.ts';

/** By name, which then stands in the placeholder, or without. */
type Named<T> = readonly T[] | Readonly<Record<string, T>>;

export interface SecretOptions {
  /** What matches is a secret. By name: `{ iban: /\bDE\d{20}\b/ }` leaves `[secret:iban]`, a list leaves `[secret]`. */
  readonly patterns?: Named<RegExp>;
  /** Further secrets as they are, by name or as a list. */
  readonly values?: Named<string>;
  /**
   * Whether variables of the environment named like keys (OPENAI_API_KEY, DB_PASSWORD) are secrets, and the passwords in those
   * that say how to connect (DATABASE_URL). Default true; `{ except: ['SORT_KEY'] }` leaves out what is called so and is none.
   */
  readonly environment?: boolean | { readonly except: readonly string[] };
}

const OPTIONS: OptionNames<SecretOptions> = { patterns: true, values: true, environment: true };

/** A pattern made ready to be used again and again. */
export interface Pattern {
  readonly expression: RegExp;
  readonly name: string | undefined;
}

export interface Known {
  readonly values: Needles;
  readonly patterns: readonly Pattern[];
}

/** Where secrets may be, besides the options. */
export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Headers, contexts and other objects whose fields are named like keys. */
  readonly objects?: readonly unknown[];
  /** Keys, as models show them. */
  readonly credentials?: readonly string[];
}

/** @throws AmdahlError MISCONFIGURED */
export function checkSecrets(options: SecretOptions): void {
  checkOptions(options, OPTIONS, 'secrets');
  checkEnvironment(options.environment);
  for (const [name, pattern] of named(options.patterns ?? [], 'patterns')) {
    const at = name === undefined ? 'patterns' : `patterns.${name}`;
    if (!(pattern instanceof RegExp))
      throw new AmdahlError('MISCONFIGURED', `secrets.${at} holds ${kindOf(pattern)}; give regular expressions.`);
    if (global(pattern).test(''))
      throw new AmdahlError(
        'MISCONFIGURED',
        `secrets.${at} holds ${String(pattern)}, which matches nothing at all; let it match at least a character.`,
      );
  }
  for (const [name, value] of named(options.values ?? [], 'values')) {
    const at = name === undefined ? 'values' : `values.${name}`;
    if (typeof value !== 'string')
      throw new AmdahlError('MISCONFIGURED', `secrets.${at} holds ${kindOf(value)}; give the secrets as text.`);
    if (!isSecretValue(value.trim()))
      throw new AmdahlError(
        'MISCONFIGURED',
        `secrets.${at} holds a text that is too common to be found again without doubt: a secret has at least 8 characters and is no word, number or path.`,
      );
  }
}

/** What is to be looked for. O(environment); what was made last is used again where nothing has changed. */
export function knownSecrets(options: SecretOptions, sources: Sources): Known {
  const values = new Map<string, string>();
  const add = (name: string | undefined, value: string): void => {
    const plain = value.trim().toWellFormed();
    if (plain !== '' && !values.has(plain)) values.set(plain, name ?? '');
  };
  for (const [name, value] of named(options.values ?? [], 'values')) add(name, value);
  if (options.environment !== false) fromEnvironment(sources.env, options.environment, add);
  for (const credential of sources.credentials ?? []) if (isSecretValue(credential)) add(undefined, credential);
  for (const object of sources.objects ?? []) fieldsOf(object, add, { left: FIELDS_MAX }, 0);
  const patterns = named(options.patterns ?? [], 'patterns').map(([name, pattern]) => ({ expression: global(pattern), name }));
  return { values: needlesOf(values), patterns };
}

function checkEnvironment(environment: unknown): void {
  if (environment === undefined || typeof environment === 'boolean') return;
  if (typeof environment !== 'object' || environment === null)
    throw new AmdahlError(
      'MISCONFIGURED',
      `secrets.environment is ${kindOf(environment)}; give true, false, or { except: ['A_VARIABLE'] }.`,
    );
  checkOptions(environment, { except: true }, 'secrets.environment');
  const except: unknown = 'except' in environment ? environment.except : undefined;
  if (!Array.isArray(except) || except.some((name) => typeof name !== 'string'))
    throw new AmdahlError('MISCONFIGURED', `secrets.environment.except is ${kindOf(except)}; give a list of names of variables.`);
}

function fromEnvironment(env: Sources['env'], wanted: SecretOptions['environment'], add: (name: string, value: string) => void): void {
  const except = typeof wanted === 'object' ? wanted.except : [];
  for (const name of Object.keys(env)) {
    // Reading one from the process takes longer than looking at its name.
    const [isKey, isConnection] = [isSecretName(name), isConnectionName(name)];
    const value = (isKey || isConnection) && !except.includes(name) ? env[name]?.trim() : undefined;
    if (value === undefined) continue;
    if (isKey && isSecretValue(value)) add(name, value);
    if (isConnection) for (const password of passwordsIn(value)) add(name, password);
  }
}

function named<T>(given: Named<T>, what: string): readonly (readonly [name: string | undefined, value: T])[] {
  if (isList(given)) return given.map((one) => [undefined, one] as const);
  if (typeof given === 'object' && given !== null) return Object.entries(given);
  throw new AmdahlError('MISCONFIGURED', `secrets.${what} is ${kindOf(given)}; give a list, or an object by name.`);
}

function isList<T>(given: Named<T>): given is readonly T[] {
  return Array.isArray(given);
}

function global({ source, flags }: RegExp): RegExp {
  return new RegExp(source, `${flags.replace(/[gy]/g, '')}g`);
}

/** How many fields of a context are looked at, and how deep: what is behind is the user's own machinery. */
const FIELDS_MAX = 1_000;
const DEPTH_MAX = 4;

/** Texts in fields that are named like keys. Getters are not called, and what is no plain data is not looked into. */
function fieldsOf(value: unknown, add: (name: string | undefined, value: string) => void, budget: { left: number }, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return;
  for (const [key, { value: inner }] of Object.entries(Object.getOwnPropertyDescriptors(value)) as [string, { value?: unknown }][]) {
    if ((budget.left -= 1) < 0) return;
    if (typeof inner !== 'string') fieldsOf(inner, add, budget, depth + 1);
    else {
      const bare = inner.replace(/^(?:bearer|basic|token)\s+/i, '');
      if (isSecretField(key, bare)) add(key, bare);
      else if (inner.includes('://') || isConnectionName(key)) for (const password of passwordsIn(inner)) add(key, password);
    }
  }
}

/** What was made of the same values before: tables for many runs of one process are made once. */
const made: { readonly key: string; readonly needles: Needles }[] = [];
const MADE_MAX = 8;
const NO_NEEDLES = new Needles([]);

function needlesOf(values: ReadonlyMap<string, string>): Needles {
  if (values.size === 0) return NO_NEEDLES;
  const key = JSON.stringify([...values]);
  const before = made.find((one) => one.key === key);
  if (before !== undefined) return before.needles;
  const needles = new Needles([...values].flatMap(([value, name]) => needlesFor(value, name)));
  made.unshift({ key, needles });
  made.length = Math.min(made.length, MADE_MAX);
  return needles;
}

function needlesFor(value: string, name: string): readonly Needle[] {
  return [...formsOf(value), ...base64FormsOf(value)].map((text) => ({ text, name }));
}
