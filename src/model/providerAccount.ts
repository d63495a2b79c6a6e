// What tells two accounts of one provider apart, read off a model without sending anything. Called by gates.ts: requests
// share limits where they share an account. Secrets stay here; only a hash goes out.
//
// Models of AI SDK packages keep a `config` with `baseURL` or `url({ path, modelId })`, and `headers`, an object or a
// function (read in openai 2, 3 and 4.0.118, anthropic 2 and 4.0.105, google 4.0.121, mistral 4.0.87, groq 4.0.84, xai
// 5.0.12, openai-compatible 3.0.92, gateway 4.0.146, openrouter 3.1.0). It is nobody's promise, so everything is looked
// at with care, and what is not there says nothing.

import { isAsyncFunction } from 'node:util/types';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { hash } from '../agent/canonical.ts';
import { BEHIND } from './behind.ts';

/** Headers that say whose account it is. Others, such as user agents, differ between models of one account. */
const CREDENTIALS =
  /^(?:(?:[\w-]+-)?authorization|(?:[\w-]+-)?api-key|x-auth-token|(?:[\w-]+-)?subscription-key|openai-organization|openai-project|x-goog-user-project)$/;

/** Enough that no two accounts of a machine meet; far too few to tell a key by. */
const LENGTH = 8;

const known = new WeakMap<object, string | undefined>();

/**
 * Eight characters that are the same for models with the same base URL and credentials. Undefined for a model that does
 * not show them, and for one that cannot yet: its key is missing, or its package is not loaded. Asked once per model
 * that could answer.
 */
export function providerAccount(model: LanguageModelV4): string | undefined {
  const real = behind(model);
  if (real === undefined) return undefined;
  if (known.has(real)) return known.get(real);
  const { text, later } = shownBy(real);
  if (later === true) return undefined;
  const account = text === undefined ? undefined : hash(text).slice(0, LENGTH);
  known.set(real, account);
  return account;
}

/** Follows a model to the one that sends; undefined where that is not loaded. */
function behind(model: object): object | undefined {
  let real: object = model;
  while (BEHIND in real) {
    const next: unknown = real[BEHIND];
    if (typeof next !== 'object' || next === null) return undefined;
    real = next;
  }
  return real;
}

/** The keys that a model shows, without what stands before them in a header. */
export function credentialsOf(model: object): readonly string[] {
  const real = behind(model);
  const config = real === undefined ? undefined : memberOf(real, 'config');
  const headers = typeof config === 'object' && config !== null ? headersOf(config) : 'hidden';
  if (typeof headers === 'string') return [];
  return credentialsIn(headers).map((line) => line.replace(/^\S+: (?:(?:bearer|basic)\s+)?/i, ''));
}

interface Shown {
  /** Base URL and credentials. */
  readonly text?: string;
  /** They cannot be told yet. */
  readonly later?: true;
}

function shownBy(model: object): Shown {
  const config = memberOf(model, 'config');
  if (typeof config !== 'object' || config === null) return {};
  const headers = headersOf(config);
  if (headers === 'later') return { later: true };
  if (headers === 'hidden') return {};
  const url = urlOf(config, memberOf(model, 'modelId'));
  const credentials = credentialsIn(headers);
  return url === undefined && credentials.length === 0 ? {} : { text: JSON.stringify([url ?? null, credentials]) };
}

function urlOf(config: object, modelId: unknown): string | undefined {
  const baseUrl = memberOf(config, 'baseURL');
  if (typeof baseUrl === 'string') return baseUrl;
  const url = memberOf(config, 'url');
  if (typeof url !== 'function') return undefined;
  try {
    const made: unknown = Reflect.apply(url, config, [{ path: '', modelId }]);
    return typeof made === 'string' ? made : undefined;
  } catch {
    return undefined;
  }
}

/** 'later' where a key is missing, 'hidden' where they are made while a request waits: making them may ask a server for a token. */
function headersOf(config: object): object | 'later' | 'hidden' {
  const headers = memberOf(config, 'headers');
  if (typeof headers !== 'function') return typeof headers === 'object' && headers !== null ? headers : {};
  if (isAsyncFunction(headers)) return 'hidden';
  try {
    const made: unknown = Reflect.apply(headers, config, []);
    if (made instanceof Promise) made.catch(() => {}); // Whoever sends is told.
    return typeof made === 'object' && made !== null && !(made instanceof Promise) ? made : 'hidden';
  } catch {
    return 'later';
  }
}

function credentialsIn(headers: object): readonly string[] {
  const credentials: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && CREDENTIALS.test(name.toLowerCase())) credentials.push(`${name.toLowerCase()}: ${value}`);
  }
  return credentials.toSorted();
}

function memberOf(of: object, name: string): unknown {
  try {
    return Reflect.get(of, name);
  } catch {
    return undefined;
  }
}
