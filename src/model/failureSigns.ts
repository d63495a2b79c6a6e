// What a thrown thing shows, whoever made it: reads errors of the AI SDK, of its gateway, of the network and of
// providers by their shape, through causes, bodies and wrappers, into one flat record. failure.ts judges it.
// I1: total. Getters that throw, circles, proxies and endless chains end in a shorter record, never in a throw.
// I2: what was sent (`requestBodyValues`, prompts) and what a model said (`choices`, `content`) is never read.

import { AmdahlError } from '../agent/errors.ts';

/** Everything lower-case but `said`, `body`, `origin` and `requestId`. */
export interface Signs {
  /** An error of this family, where one lies beneath: a life that ended, a budget that refused. */
  readonly amdahl: AmdahlError | undefined;
  readonly status: number | undefined;
  /** Names of errors, from the outside in: `ai_apicallerror`, `typeerror`. */
  readonly names: readonly string[];
  /** Codes, types and reasons that a provider gave, from the outside in. */
  readonly codes: readonly string[];
  /** The system's own code, such as `ECONNREFUSED`. As it was given. */
  readonly network: string | undefined;
  /** All messages in one text, to look for words in. */
  readonly words: string;
  /** The message to show: the provider's own where there is one. */
  readonly said: string;
  /** Whether `said` came from a provider and not from a library between. */
  readonly own: boolean;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly origin: string | undefined;
  readonly requestId: string | undefined;
  /** When to come back, from a body: Google's RetryInfo. */
  readonly delay: string | undefined;
  /** Whether an AI SDK package says that a request got no answer. */
  readonly unanswered: boolean;
}

/** Bounds of what is read: a chain of wrappers is some six deep, a body that explains an error has some hundred bytes. */
const NODES_MAX = 40;
const TEXT_CHARS_MAX = 20_000;

/** Where the next thing to read may be, in the order in which it is read. */
const CHILDREN = [
  'error',
  'data',
  'responseBody',
  'body',
  'text',
  'value',
  'response',
  'details',
  'metadata',
  'raw',
  'innererror',
  'cause',
  'errors',
  'lastError',
  'validationError',
];

/** Messages of these only quote the answer. */
const QUOTING = /^ai_(jsonparse|typevalidation)error$|^zoderror$|^syntaxerror$/;

/** Codes of the system and of undici, OpenSSL, the HTTP parser and zlib. */
const NETWORK =
  /^(E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|NOTFOUND|AI_[A-Z]+|TIMEDOUT|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|NETRESET|NOTCONN|ADDRNOTAVAIL|PROTO|MFILE|NFILE|NOBUFS|NOENT|ACCES|PERM)|UND_ERR_[A-Z_]+|ERR_[A-Z0-9_]+|HPE_[A-Z_]+|Z_[A-Z_]+|[A-Z_]*(CERT|CRL|LEAF_SIGNATURE)[A-Z_]*|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ConnectionRefused|ConnectionClosed|FailedToOpenSocket)$/;

interface Found {
  amdahl?: AmdahlError;
  status?: number;
  network?: string;
  body?: string;
  origin?: string | undefined;
  delay?: string;
  /** Whether the AI Gateway's package made it, which gives a status to what got no answer too. */
  gateway: boolean;
  unanswered: boolean;
  readonly names: string[];
  readonly codes: string[];
  readonly said: { readonly text: string; readonly own: boolean }[];
  readonly headers: Record<string, string>;
  requestId?: string;
}

/** Reads a thrown thing. Total; O(what is read), which is bounded. */
export function signsOf(thrown: unknown): Signs {
  const found: Found = { gateway: false, unanswered: false, names: [], codes: [], said: [], headers: {} };
  const queue: { readonly node: unknown; readonly own: boolean }[] = [{ node: thrown, own: false }];
  const seen = new Set<unknown>();
  for (let i = 0; i < queue.length && i < NODES_MAX; i++) {
    const { node, own } = queue[i] ?? { node: undefined, own: false };
    try {
      if (seen.has(node)) continue;
      seen.add(node);
      for (const child of readNode(node, own, found)) queue.push(child);
    } catch {
      // A proxy or a getter that throws: what was read of it so far is what there is.
    }
  }
  return settled(found);
}

function settled(found: Found): Signs {
  const { headers } = found;
  const said =
    found.said.find(({ own, text }) => own && !GENERIC.test(text)) ?? found.said.find(({ text }) => !GENERIC.test(text)) ?? found.said[0];
  const requestId = found.requestId ?? headers['x-request-id'] ?? headers['request-id'] ?? headers['cf-ray'];
  return {
    amdahl: found.amdahl,
    status: found.gateway && found.unanswered ? undefined : found.status,
    names: found.names,
    codes: found.codes,
    network: found.network,
    words: cut(found.said.map(({ text }) => text.toLowerCase()).join('\n')),
    said: said?.text ?? '',
    own: said?.own ?? false,
    body: found.body,
    headers,
    origin: found.origin,
    requestId,
    delay: found.delay,
    unanswered: found.unanswered,
  };
}

/** Messages that say nothing about what was wrong. */
const GENERIC =
  /^(provider returned error|fetch failed|terminated|invalid json response|failed to process (successful|error) response|bad request|error|unknown error|no response body|\[object object\])?$/i;

type Child = { readonly node: unknown; readonly own: boolean };

function readNode(node: unknown, own: boolean, found: Found): readonly Child[] {
  if (typeof node === 'string') return readText(node, own, found);
  if (typeof node !== 'object' || node === null) return [];
  if (node instanceof AmdahlError) {
    found.amdahl ??= node;
    return [];
  }
  if (Array.isArray(node)) return (node as readonly unknown[]).slice(0, 8).map((child) => ({ node: child, own }));
  // Whoever made an Error stands between; plain data is what the provider sent.
  const plain = own || !(node instanceof Error || typeof get(node, 'stack') === 'string');
  readNames(node, plain, found);
  readAnswer(node, found);
  const children: Child[] = [];
  for (const key of CHILDREN) {
    const child = get(node, key);
    if (child === undefined || child === null) continue;
    if (key === 'value' && !isErrorShape(child)) continue;
    children.push({ node: child, own: plain || (key !== 'cause' && key !== 'errors' && key !== 'lastError') });
  }
  return children;
}

function readNames(node: object, own: boolean, found: Found): void {
  const name = get(node, 'name');
  if (typeof name === 'string' && name !== '') found.names.push(cut(name).toLowerCase());
  const message = get(node, 'message');
  const quoting = typeof name === 'string' && QUOTING.test(name.toLowerCase());
  if (typeof message === 'string' && message.trim() !== '' && !quoting) found.said.push({ text: cut(message.trim()), own });
  const detail = get(node, 'detail');
  if (typeof detail === 'string' && own) found.said.push({ text: cut(detail), own });
  for (const key of ['code', 'type', 'status', 'reason', 'error_code', 'object', 'reasons']) readCode(get(node, key), key, found);
  if (get(node, 'flagged_input') !== undefined) found.codes.push('flagged_input');
  const violations = get(node, 'violations');
  if (Array.isArray(violations)) for (const violation of violations.slice(0, 8)) readCode(get(violation, 'quotaId'), 'quotaId', found);
  const delay = get(node, 'retryDelay');
  if (typeof delay === 'string') found.delay ??= delay;
}

function readCode(value: unknown, key: string, found: Found): void {
  if (Array.isArray(value)) for (const each of value.slice(0, 8)) readCode(each, key, found);
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text === '' || text === 'error' || text.length > 100) return;
  if (key === 'code' && NETWORK.test(text)) found.network ??= text;
  else if (isStatus(text) && key !== 'type') found.status ??= Number(text);
  else found.codes.push(text.toLowerCase());
}

/** What an HTTP answer brings: status, headers, address. */
function readAnswer(node: object, found: Found): void {
  const marked = get(node, Symbol.for('vercel.ai.gateway.error')) === true;
  if (marked) found.gateway = true;
  const status = get(node, 'statusCode');
  if (typeof status === 'number' && isStatus(String(status))) found.status ??= status;
  const url = get(node, 'url');
  if (typeof url === 'string') {
    if (status === undefined) found.unanswered = true;
    found.origin ??= originOf(url);
  }
  for (const key of ['responseHeaders', 'headers']) readHeaders(get(node, key), found);
  const requestId = get(node, 'request_id') ?? get(node, 'requestId') ?? get(node, 'generationId');
  if (typeof requestId === 'string') found.requestId ??= cut(requestId).slice(0, 100);
}

function readHeaders(headers: unknown, found: Found): void {
  if (typeof headers !== 'object' || headers === null) return;
  const entries = headers instanceof Headers ? headers.entries() : Object.entries(headers);
  for (const [name, value] of entries) {
    if (typeof value === 'string' || typeof value === 'number') found.headers[name.toLowerCase()] ??= String(value).slice(0, 200);
  }
}

/** A body, or a message that is nothing but a text. */
function readText(text: string, own: boolean, found: Found): readonly Child[] {
  const trimmed = cut(text).trim();
  if (trimmed === '') return [];
  // A server-sent event as a whole body: the provider streamed its error and the caller did not expect a stream.
  const data = /(?:^|\n)data: ?(\{.*)/.exec(trimmed)?.[1] ?? trimmed;
  if (/^[[{]/.test(data)) {
    if (own) found.body ??= trimmed;
    try {
      const parsed: unknown = JSON.parse(data);
      return isErrorShape(parsed) || Array.isArray(parsed) ? [{ node: parsed, own: true }] : [];
    } catch {
      return [];
    }
  }
  if (own) found.body ??= trimmed;
  // A web page is no message; its title is in the body.
  if (!trimmed.startsWith('<')) found.said.push({ text: trimmed, own });
  return [];
}

/** Whether data speaks of an error, and is not an answer with content in which the same words may stand. */
function isErrorShape(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const [error, type, object] = [get(value, 'error'), get(value, 'type'), get(value, 'object')];
  if ((typeof error === 'object' && error !== null) || (typeof error === 'string' && error !== '')) return true;
  if (type === 'error' || object === 'error' || type === 'response.failed') return true;
  return (
    (typeof get(value, 'message') === 'string' || typeof get(value, 'detail') === 'string') &&
    get(value, 'choices') === undefined &&
    get(value, 'content') === undefined
  );
}

function get(value: unknown, key: string | symbol): unknown {
  try {
    return typeof value === 'object' && value !== null ? (Reflect.get(value, key) as unknown) : undefined;
  } catch {
    return undefined;
  }
}

function originOf(url: string): string | undefined {
  try {
    const { origin } = new URL(url);
    return origin === 'null' ? undefined : origin;
  } catch {
    return undefined;
  }
}

function isStatus(text: string): boolean {
  return /^[1-5]\d\d$/.test(text);
}

function cut(text: string): string {
  return text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
}
