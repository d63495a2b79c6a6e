// Secrets: what no model may see and no journal may hold, put out of every text before either gets it, so that model,
// journal and resume read the same. Made once per entry by enter.ts; called at the doors by which text comes in: inputs
// (call.ts), what is sent (conversation.ts, gateMiddleware.ts), what tools and code give (tools.ts, act.ts, attempts.ts),
// what models write (modelRequest.ts), and errors (session.ts).
//
// X1 what is put out stays out: putting out once more changes nothing.
// X2 a value in which nothing was found is given back itself, and looking takes no measurable time.

import { Buffer } from 'node:buffer';
import type { LanguageModelV4Content, LanguageModelV4Message } from '@ai-sdk/provider';
import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError, type ErrorRecord } from '../agent/errors.ts';
import { isReadable } from '../agent/mediaType.ts';
import { childPath } from '../agent/path.ts';
import type { Happening, Json } from '../journal/event.ts';
import type { Fixed } from '../model/render.ts';
import { safeHappening, safeRecord } from './secretEvents.ts';
import type { Known } from './secretOptions.ts';
import { type Exposed, PLACEHOLDER, SecretTexts } from './secretTexts.ts';

/** Fields of messages and contents that pair, sign or classify, and are no text: models never read them. */
const NO_TEXT: ReadonlySet<string> = new Set(['type', 'toolCallId', 'id', 'mediaType', 'role']);
/** What a provider wants back as it gave it: known values are put out of it, and patterns not looked for. */
const OPAQUE: ReadonlySet<string> = new Set(['providerMetadata', 'providerOptions']);
/** Values nest less deeply than this: agent/canonical.ts says how deep JSON may be. */
const DEPTH_MAX = 600;

/** An answer of a model without its secrets, and the names of what was put out. */
export interface SafeReply {
  readonly content: readonly LanguageModelV4Content[];
  readonly text: string | undefined;
  readonly hidden: readonly string[];
}

type Learn = (settings: unknown, models: readonly object[]) => Known | undefined;

export class Secrets {
  #texts: SecretTexts;
  readonly #learn: Learn | undefined;
  readonly #replies = new WeakMap<object, SafeReply>();

  /** `learn`: what is known once an agent is met that nobody knew of before; undefined where that is nothing new. */
  constructor(known: Known, learn?: Learn) {
    this.#texts = new SecretTexts(known);
    this.#learn = learn;
  }

  /** There are none to look for. */
  get none(): boolean {
    return this.#texts.none;
  }

  /** An agent is about to be asked: what its settings and its models hold is secret from here on. */
  meet(settings: unknown, models: readonly object[]): void {
    const known = this.#learn?.(settings, models);
    if (known !== undefined) this.#texts = new SecretTexts(known);
  }

  /** The text without secrets. O(length); `opaque`: only known values are looked for. */
  text(text: string, opaque = false): string {
    return this.none ? text : this.#texts.safe(text, opaque);
  }

  /** A text that may be JSON: what was JSON stays JSON. */
  json(text: string): string {
    if (this.none) return text;
    const safe = this.text(text);
    const looksIt = /^\s*[[{"]/.test(text);
    if (!looksIt || (safe === text && !text.includes('\\'))) return safe;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return safe;
    }
    const put = this.clean(value);
    return put === value ? text : JSON.stringify(put);
  }

  /** Where a text ends in what may be a secret, or become one: what stands from there on must not be told yet. O(length). */
  open(text: string): number {
    return this.#texts.open(text);
  }

  /** Any data without secrets in its texts and in the names of its fields. Bytes are left as they are. O(size). */
  clean<T>(value: T): T {
    if (this.none) return value;
    return this.#walk(value, false, false, 0) as T; // the same shape with other texts
  }

  /** Messages as models read them: also in attached texts, in no ids, and in what providers signed only what is known. */
  messages<M extends LanguageModelV4Message>(messages: readonly M[]): readonly M[] {
    if (this.none) return messages;
    return this.#walk(messages, true, false, 0) as readonly M[]; // the same shape with other texts
  }

  /** What is the same for all conversations of an agent: instructions, and what its tools and its answer are like. */
  fixed(fixed: Fixed): Fixed {
    if (this.none) return fixed;
    const { instructions, instructionsWithForm, tools, format, setup } = fixed;
    const safe = {
      instructions: this.message(instructions),
      instructionsWithForm: this.message(instructionsWithForm),
      tools: this.clean(tools),
      format: this.clean(format),
      setup: this.clean(setup),
    };
    const isSame = safe.instructions === instructions && safe.instructionsWithForm === instructionsWithForm && safe.setup === setup;
    return isSame ? fixed : { ...fixed, ...safe, setup: Object.freeze(safe.setup) };
  }

  message(message: LanguageModelV4Message): LanguageModelV4Message {
    return this.messages([message])[0] ?? message;
  }

  /** What a model answered. */
  content(content: readonly LanguageModelV4Content[]): readonly LanguageModelV4Content[] {
    if (this.none) return content;
    const parts = content.map((part) => this.#part(part));
    return parts.some((part, nth) => part !== content[nth]) ? parts : content;
  }

  /** The same with what it is to be read as, and with what had to be put out. The same object where it is asked twice. */
  reply(result: { readonly content: readonly LanguageModelV4Content[]; readonly structuredOutputText?: string | undefined }): SafeReply {
    const { content, structuredOutputText: text } = result;
    if (this.none) return { content, text, hidden: NOTHING_HIDDEN };
    const known = this.#replies.get(result);
    if (known !== undefined) return known;
    const parts = this.content(content);
    const safeText = text === undefined ? undefined : this.json(text);
    const hidden = parts === content && safeText === text ? NOTHING_HIDDEN : putOut([content, text], [parts, safeText]);
    const safe: SafeReply = { content: parts, text: safeText, hidden };
    this.#replies.set(result, safe);
    return safe;
  }

  /**
   * The input of a call. Where nothing is declared it is text, and secrets are put out of it.
   * @throws AmdahlError SECRET_IN_CONTRACT where it is declared: a placeholder would be another value.
   */
  input(agent: AnyAgent, raw: Json, path: string): Json {
    if (agent.input.raw !== undefined && !this.none) return this.#walk(raw, true, false, 0) as Json; // the same messages with other texts
    return this.#contracted(raw, () => declares(agent), `The input of '${path}'`, 'input');
  }

  /** The same for what the code of a call gives. */
  output(agent: AnyAgent, raw: Json, path: string): Json {
    return this.#contracted(raw, () => agent.output.kind !== 'text', `The output of '${path}'`, 'output');
  }

  /** The error for an answer out of which secrets had to be put, where its contract is declared. */
  inAnswer(raw: unknown, hidden: readonly string[], path: string): AmdahlError | undefined {
    const at = placeholderIn(raw, new Set(hidden), '');
    if (at === undefined) return undefined;
    return inContract(`The output of '${path}'`, 'output', at);
  }

  /** Anything that JSON knows, which nobody may replace. @throws AmdahlError SECRET_IN_CONTRACT */
  refuse(value: unknown, what: string): void {
    if (this.none) return;
    const exposed = this.#find(value, '', 0);
    if (exposed !== undefined) throw inContract(what, 'input', exposed);
  }

  /** What happened, as it may be journaled. */
  happening(happening: Happening): Happening {
    return this.none ? happening : safeHappening(happening, this);
  }

  record(error: ErrorRecord): ErrorRecord {
    return this.none ? error : safeRecord(error, this);
  }

  /** What code of the user's threw, before anybody else sees it. */
  async guard(work: () => unknown): Promise<unknown> {
    try {
      return await work();
    } catch (thrown) {
      throw this.thrown(thrown);
    }
  }

  thrown(thrown: unknown): unknown {
    return this.none ? thrown : this.#cause(thrown, 0);
  }

  /** An error that may be shown, journaled and told to a model. The same error where nothing was found. */
  error(error: AmdahlError): AmdahlError {
    if (this.none) return error;
    const { message, problems, data } = error;
    const safe = { message: this.text(message), problems: this.clean(problems), data: this.#plain(data) };
    const cause = this.#cause(error.cause, 0);
    if (safe.message === message && safe.problems === problems && safe.data === data && cause === error.cause) return error;
    const { code, retryable, where } = error;
    return new AmdahlError(code, safe.message, { retryable, where, problems: safe.problems, data: safe.data, cause });
  }

  #contracted(raw: Json, isDeclared: () => boolean, what: string, side: 'input' | 'output'): Json {
    if (this.none) return raw;
    const safe = this.clean(raw);
    if (safe === raw || !isDeclared()) return safe;
    throw inContract(what, side, this.#find(raw, '', 0) ?? { path: '', name: undefined });
  }

  #walk(value: unknown, isMessage: boolean, opaque: boolean, depth: number): unknown {
    if (typeof value === 'string') return this.text(value, opaque);
    if (typeof value !== 'object' || value === null || depth > DEPTH_MAX) return value;
    if (value instanceof Uint8Array) return value;
    if (value instanceof URL) {
      const href = this.text(value.href, opaque);
      return href === value.href ? value : (URL.parse(href) ?? value);
    }
    if (Array.isArray(value)) {
      const items = value.map((item: unknown) => this.#walk(item, isMessage, opaque, depth + 1));
      return items.some((item, nth) => item !== value[nth]) ? items : value;
    }
    if (isMessage && 'type' in value && value.type === 'file') return this.#file(value, depth);
    return this.#fields(value, isMessage, opaque, depth);
  }

  #fields(value: object, isMessage: boolean, opaque: boolean, depth: number): object {
    let isChanged = false;
    const names = new Set<string>();
    const fields = Object.entries(value).map(([key, item]: [string, unknown]): [string, unknown] => {
      const safe =
        isMessage && typeof item === 'string' && NO_TEXT.has(key)
          ? item
          : this.#walk(item, isMessage && !isResult(key), opaque || (isMessage && OPAQUE.has(key)), depth + 1);
      let name = this.text(key, opaque);
      // Two secrets may have the same name, and both fields stay.
      for (let nth = 2; name !== key && names.has(name); nth += 1) name = `${this.text(key, opaque)} ${nth}`;
      names.add(name);
      if (safe !== item || name !== key) isChanged = true;
      return [name, safe];
    });
    return isChanged ? Object.fromEntries(fields) : value;
  }

  /** Attached texts are read by models like any other; other attachments are passed on as they are. */
  #file(part: object, depth: number): object {
    const { mediaType, data }: { readonly mediaType?: unknown; readonly data?: unknown } = part;
    const inner: unknown = typeof data === 'object' && data !== null && 'data' in data ? data.data : undefined;
    if (typeof mediaType !== 'string' || inner === undefined || (typeof inner !== 'string' && !(inner instanceof Uint8Array)))
      return this.#fields(part, true, false, depth);
    const bytes = typeof inner === 'string' ? Buffer.from(inner, 'base64') : Buffer.from(inner.buffer, inner.byteOffset, inner.byteLength);
    if (!isReadable(mediaType, bytes)) return part;
    const text = bytes.toString('utf8');
    const safe = this.text(text);
    if (safe === text) return part;
    const put = Buffer.from(safe, 'utf8');
    return { ...part, data: { type: 'data', data: typeof inner === 'string' ? put.toString('base64') : new Uint8Array(put) } };
  }

  #part(part: LanguageModelV4Content): LanguageModelV4Content {
    switch (part.type) {
      case 'text': {
        const text = this.json(part.text);
        return text === part.text ? part : { ...part, text };
      }
      case 'reasoning': {
        const text = this.text(part.text);
        // What was signed is not what was said any more: a provider would refuse it.
        return text === part.text ? part : { type: 'reasoning', text };
      }
      case 'tool-call': {
        const input = this.json(part.input);
        return input === part.input ? part : { ...part, input };
      }
      case 'custom':
      case 'file':
      case 'reasoning-file':
      case 'source':
      case 'tool-approval-request':
      case 'tool-result':
        return this.#walk(part, true, false, 0) as LanguageModelV4Content; // the same shape with other texts
    }
  }

  #find(value: unknown, path: string, depth: number): Exposed | undefined {
    if (typeof value === 'string') return this.#texts.exposed(value, path);
    if (typeof value !== 'object' || value === null || depth > DEPTH_MAX || value instanceof Uint8Array) return undefined;
    for (const [key, item] of Object.entries(value)) {
      // The name of such a field is a secret itself.
      const named = this.#texts.exposed(key, childPath(path, this.text(key)));
      const found = named ?? this.#find(item, childPath(path, Array.isArray(value) ? Number(key) : key), depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #cause(cause: unknown, depth: number): unknown {
    if (depth > CAUSES_MAX) return undefined;
    if (cause instanceof AmdahlError) return this.error(cause);
    if (typeof cause === 'string') return this.text(cause);
    if (!(cause instanceof Error)) return this.#plain(cause);
    const message = this.text(cause.message);
    const stack = cause.stack === undefined ? undefined : this.text(cause.stack);
    const below = this.#cause(cause.cause, depth + 1);
    // Errors of libraries carry requests and answers in fields of their own: none of them goes on where one had a secret.
    const rest = Object.values(cause).every((field: unknown) => this.#plain(field) === field);
    const name = this.text(cause.name);
    if (message === cause.message && name === cause.name && stack === cause.stack && below === cause.cause && rest) return cause;
    const safe = new Error(message, below === undefined ? {} : { cause: below });
    safe.name = name;
    if (stack !== undefined) safe.stack = stack;
    return safe;
  }

  /** Data that may be anything: what has no JSON is dropped where it held a secret. */
  #plain<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return this.clean(value);
    try {
      const text = JSON.stringify(value);
      if (text === undefined || this.text(text) === text) return value;
      return this.clean(JSON.parse(text) as T); // its own JSON
    } catch {
      return value; // What has no JSON is not journaled, and shown by its message alone.
    }
  }
}

const CAUSES_MAX = 8;

/** Tool results are JSON of the user's: what their fields are called says nothing. */
function isResult(key: string): boolean {
  return key === 'value' || key === 'input' || key === 'result';
}

/** Whether an input was declared, by the agent or by those below it that it is handed to. */
function declares({ input, children }: AnyAgent): boolean {
  // A conversation is text that people write.
  return (input.kind === 'schema' && input.raw === undefined) || (input.kind === 'open' && children.some(declares));
}

const NOTHING_HIDDEN: readonly string[] = [];

/** Placeholders that were not there before. */
function putOut(before: unknown, after: unknown): readonly string[] {
  const known = countsOf(before);
  return [...countsOf(after)].filter(([one, count]) => count > (known.get(one) ?? 0)).map(([one]) => one);
}

function countsOf(value: unknown): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [found] of (JSON.stringify(value) ?? '').matchAll(PLACEHOLDER)) counts.set(found, (counts.get(found) ?? 0) + 1);
  return counts;
}

function placeholderIn(value: unknown, hidden: ReadonlySet<string>, path: string): Exposed | undefined {
  if (typeof value === 'string') {
    const found = value.match(PLACEHOLDER)?.find((one) => hidden.has(one));
    return found === undefined ? undefined : { path, name: found.slice('[secret:'.length, -1) || undefined };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const at = childPath(path, Array.isArray(value) ? Number(key) : key);
    const found = placeholderIn(key, hidden, at) ?? placeholderIn(item, hidden, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inContract(what: string, side: 'input' | 'output', { path, name }: Exposed): AmdahlError {
  const which = name === undefined ? 'what a pattern of `secrets` matches' : `the secret ${name}`;
  const at = path === '' ? '' : ` at ${path}`;
  const isVariable = name !== undefined && /^[A-Z][A-Z0-9_]*$/.test(name);
  const exempt = isVariable ? ` If what that variable holds is no secret: secrets: { environment: { except: ['${name}'] } }.` : '';
  return new AmdahlError(
    'SECRET_IN_CONTRACT',
    `${what} holds ${which}${at}. It is declared, so nothing is put in its place, and nothing of it was recorded. ` +
      `Hand it to tools and code as context, which no model and no journal sees.${exempt}`,
    { problems: [{ path, message: `holds ${which}` }], data: { side, path, ...(name === undefined ? {} : { secret: name }) } },
  );
}
