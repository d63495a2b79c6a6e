// What may not be on a tape: keys and tokens, taken out of every text before it is compared or written. Called by the
// cassette for both sides of an interaction, on both sides of a comparison, so that a tape fits on a machine with
// other keys.

import { Buffer, isUtf8 } from 'node:buffer';
import type { Json } from '../agent/canonical.ts';
import { base64FormsOf, CREDENTIAL, formsOf, SECRET_LENGTH_MIN, SECRET_VARIABLE } from './secretValues.ts';

export type Redact = (text: string) => string;

/** What stands where a secret was. */
export const GONE = '[redacted]';
/** So are a few lower-case letters alone (DB_PASSWORD=production): whoever has such a password finds it on the tape. */
const WORD = /^[a-z]{1,15}$/;

const FIELD_NAME = new RegExp(String.raw`(?:^|[_-])(?:${CREDENTIAL})$|^(?:password|passwd|authorization)$`, 'i');
/** What may be one: long, in one piece, and with a digit in it, which words of code and prose have not. */
const KEY_LIKE = /^(?=\D*\d)[\w.~+/=-]{8,}$/;

/** Keys by their shape: none begins within a word, or base64 would be full of them. `$1` is what stays. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  // Also as they stand in URLs.
  [/-----BEGIN(?:[A-Z +]|%20)*PRIVATE(?:[ +]|%20)KEY-----[\s\S]*?(?:-----END(?:[A-Z +]|%20)*PRIVATE(?:[ +]|%20)KEY-----|$)/g, GONE],
  [/\b(Bearer(?:\s|\+|%20)+)[\w.~+/=-]{8,}/gi, `$1${GONE}`],
  [/\b(authorization[\\"']{0,8}\s?[:=]\s?[\\"']{0,8}basic\s+)[\w+/=-]{4,}/gi, `$1${GONE}`],
  // The user and the password of an address.
  [/(:\/\/)[^\s/@"'\\:?#]{0,200}:[^\s/@"'\\?#]{1,200}@/g, `$1${GONE}@`],
  // x-api-key: …, api_key="…", {"api_key":"…"}, also as JSON within a text
  [
    new RegExp(
      String.raw`(?<![A-Za-z0-9])((?:${CREDENTIAL})[\\"']{0,8}\s?[:=]\s?[\\"']{0,8})(?=[A-Za-z.~+/=_-]{0,200}\d)[\w.~+/=-]{8,}`,
      'gi',
    ),
    `$1${GONE}`,
  ],
  // OpenAI, Anthropic, OpenRouter, DeepSeek
  [/(?<![A-Za-z0-9])sk-(?:(?=[A-Za-z_-]{0,200}\d)[\w-]{12,}|[A-Za-z]{20,})/g, GONE],
  // Stripe, SendGrid
  [/(?<![A-Za-z0-9])[srp]k_(?:live|test)_\w{10,}/g, GONE],
  [/(?<![A-Za-z0-9])SG\.[\w-]{16,}\.[\w-]{16,}/g, GONE],
  // Google, AWS
  [/(?<![A-Za-z0-9])AIza[\w-]{30,}/g, GONE],
  [/(?<![A-Za-z0-9])GOCSPX-[\w-]{20,}/g, GONE],
  [/(?<![A-Za-z0-9])ya29\.[\w-]{20,}/g, GONE],
  [/(?<![A-Za-z0-9])A(?:KI|SI)A[0-9A-Z]{16}(?![A-Za-z0-9])/g, GONE],
  // GitHub, GitLab, Slack, npm, Docker, Linear, Notion
  [/(?<![A-Za-z0-9])gh[a-z]_[A-Za-z0-9]{20,}/g, GONE],
  [/(?<![A-Za-z0-9])(?:github|dckr)_pat_[\w-]{16,}/g, GONE],
  [/(?<![A-Za-z0-9])glpat-[\w-]{16,}/g, GONE],
  [/(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}/g, GONE],
  [/(?<![A-Za-z0-9])xapp-\d[A-Za-z0-9-]{10,}/g, GONE],
  [/(?<![A-Za-z0-9])npm_[A-Za-z0-9]{30,}/g, GONE],
  [/(?<![A-Za-z0-9])(?:lin_api|ntn)_[A-Za-z0-9]{20,}/g, GONE],
  // Groq, Hugging Face, Vercel, Replicate, Fireworks, Together; xAI, Perplexity, Cerebras, Nvidia
  [/(?<![A-Za-z0-9])(?:gsk|hf|vck|r8|fw|tgp_v1)_[A-Za-z0-9]{20,}/g, GONE],
  [/(?<![A-Za-z0-9])(?:xai|pplx|csk|nvapi)-[A-Za-z0-9]{20,}/g, GONE],
  // JSON Web Tokens
  [/(?<![A-Za-z0-9])eyJ[\w-]{8,1000}\.[\w-]{4,}\.[\w-]*/g, GONE],
];

/** The head of a request with a name and a password; 'Basic JavaScript' is none. */
const BASIC = /\b(Basic(?:\s|\+|%20)+)([A-Za-z0-9+/_-]{6,}={0,2})/gi;

/**
 * Takes out the values of variables named *_KEY, *_TOKEN, *_SECRET, *_PASS, *_PAT, *APIKEY and *PASSWORD, and what is
 * shaped like a known kind of key. Left as they are: values under 8 characters, and words of up to 15 lower-case letters.
 * What was JSON stays JSON.
 */
export function redactor(env: Readonly<Record<string, string | undefined>>): Redact {
  const values = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    const plain = value?.trim().toWellFormed() ?? '';
    if (plain.length < SECRET_LENGTH_MIN || WORD.test(plain) || !SECRET_VARIABLE.test(name)) continue;
    for (const form of [...formsOf(plain), ...base64FormsOf(plain)]) values.add(form);
  }
  const longestFirst = [...values].toSorted((a, b) => b.length - a.length);
  const redact = (text: string): string => {
    let safe = text;
    for (const value of longestFirst) safe = safe.replaceAll(value, GONE);
    for (const [shape, instead] of SHAPES) safe = safe.replace(shape, instead);
    safe = safe.replace(BASIC, (all, head: string, code: string) => (isNameAndPassword(code) ? `${head}${GONE}` : all));
    if (safe === text) return text;
    // A number that was a secret is a text now: a tool's input must still be read.
    const json = treeOf(text);
    return json === undefined || treeOf(safe) !== undefined ? safe : JSON.stringify(redacted(json, redact));
  };
  return redact;
}

function isNameAndPassword(code: string): boolean {
  return /^[\x20-\x39\x3b-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(code, 'base64').toString('latin1'));
}

/** A list or an object that a text holds as JSON. */
function treeOf(text: string): object | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A value as redacted JSON: bytes as base64, URLs as texts; what is undefined or no data is left out. O(n). */
export function redacted(value: unknown, redact: Redact): Json | undefined {
  if (typeof value === 'string') return redact(value.toWellFormed());
  if (typeof value === 'number') return Number.isFinite(value) ? withoutSecretNumber(value, redact) : null;
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value !== 'object') return undefined;
  if (value instanceof Uint8Array) return (redactedFile(Buffer.from(value), redact) ?? Buffer.from(value)).toString('base64');
  if (value instanceof URL) return redact(value.href);
  if (Array.isArray(value)) return value.map((item) => redacted(item, redact) ?? null);
  const isFile = 'type' in value && value.type === 'data' && 'data' in value;
  const kept: [string, Json][] = [];
  for (const [key, item] of Object.entries(value)) {
    const file = isFile && key === 'data' && typeof item === 'string' ? redactedFile(Buffer.from(item, 'base64'), redact) : undefined;
    const json = file?.toString('base64') ?? (isKeyIn(key, item) ? GONE : redacted(item, redact));
    if (json !== undefined) kept.push([redact(key.toWellFormed()), json]);
  }
  // Fields, whatever they are called: '__proto__' set on an object would be none.
  return Object.fromEntries(kept);
}

function withoutSecretNumber(value: number, redact: Redact): Json {
  const text = String(value);
  return text.length < SECRET_LENGTH_MIN || redact(text) === text ? value : GONE;
}

/** Whether a field holds a key by its name: what its value looks like is then known by its surroundings alone. */
function isKeyIn(field: string, value: unknown): boolean {
  return (typeof value === 'string' || typeof value === 'number') && KEY_LIKE.test(String(value)) && FIELD_NAME.test(field);
}

/** A file without the keys in it, which would be as readable as in a text; undefined where there are none. */
function redactedFile(bytes: Buffer, redact: Redact): Buffer | undefined {
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  const text = bytes.toString(encoding);
  const safe = redact(text);
  return safe === text ? undefined : Buffer.from(safe, encoding);
}
