// Where it is decided what a request gets: who may ask, what is let in, what goes wrong, and what is said. It knows no
// sockets and waits for nothing but the functions of its options; exchange.ts carries out what it decides.

import { AmdahlError, describe } from '../agent/errors.ts';
import { hash } from '../agent/canonical.ts';
import { type Answer, complete, generated } from './answers.ts';
import type { ServerClock } from './clock.ts';
import { drawPace, type Pace } from './delay.ts';
import { dice } from './dice.ts';
import { Era } from './era.ts';
import { breakAt, drawFault, factsOf, type Fault, isAnswer } from './faults.ts';
import { checkFault, type ModelServerOptions } from './options.ts';
import { keyOf, promptBlocks, promptText, tokensIn } from './prompt.ts';
import type { CacheUse } from './promptCache.ts';
import type { RequestRecord } from './records.ts';
import { type Break, bytesOf, eventReply, jsonReply, type Reply, textReply } from './reply.ts';
import { spoil } from './spoil.ts';
import { admit, type Admission, limitHeaders, settle } from './throttle.ts';
import type { Asked, Said, Trouble, Voice } from './wire.ts';

/** A record while it is being made. */
export type Note = { -readonly [K in keyof RequestRecord]: RequestRecord[K] };

/** What a request gets. */
export type Decision =
  | {
      readonly do: 'reply';
      readonly reply: Reply;
      readonly pace: Pace;
      /** Between the first token and the first byte, where all comes at once. */
      readonly restMs: number;
      readonly streamMs: number;
      readonly broken?: Break;
      /** Whether a client can take it for an answer, once all of it has come. */
      readonly answers: boolean;
      readonly begun: () => void;
      /** The request is over, and whether it was answered is known. */
      readonly over: (acknowledged: boolean) => void;
    }
  | { readonly do: 'reset' }
  | { readonly do: 'refuse'; readonly forMs: number }
  | { readonly do: 'hang' };

const AT_ONCE: Pace = { firstMs: 0, perTokenMs: 0 };
const PIECE_CHARS = 24;
/** How long new connections are refused where a fault does not say. */
const REFUSE_MS = 1_000;
/** Of a model's name and of what was wrong, as much is kept in a record. */
const NOTED_CHARS = 500;

/** A request that is understood and let in. */
interface Admitted {
  readonly era: Era;
  readonly voice: Voice;
  readonly asked: Asked;
  readonly cache: CacheUse;
  /** What draws follow from. */
  readonly key: string;
  readonly tryNumber: number;
  /** Of the answer: its ids follow from it. */
  readonly serial: number;
  readonly headers: Readonly<Record<string, string>>;
}

export class Desk {
  readonly #options: ModelServerOptions;
  readonly #clock: ServerClock;
  readonly #seed: number;
  #era: Era;

  constructor(options: ModelServerOptions, clock: ServerClock) {
    this.#options = options;
    this.#clock = clock;
    this.#seed = options.seed ?? 1;
    this.#era = this.#opened();
  }

  /** The era in which a request that comes now is decided on. */
  get era(): Era {
    return this.#era;
  }

  /** Buckets are full, nothing was asked, and the script begins anew. */
  reset(): void {
    this.#era = this.#opened();
  }

  #opened(): Era {
    const { answers, throttle = {}, cache = {} } = this.#options;
    return new Era(answers, throttle, cache, this.#clock.now());
  }

  /** Whether a request has a key that is accepted. Pure. */
  mayAsk(headers: Readonly<Record<string, string>>): boolean {
    const { keys } = this.#options;
    if (keys === undefined) return true;
    const key = headers['x-api-key'] ?? headers['authorization']?.replace(/^Bearer\s+/i, '');
    return key !== undefined && keys.includes(key);
  }

  /** What a request gets; what is learnt about it goes into its note. */
  async decide(era: Era, voice: Voice, body: unknown, headers: Readonly<Record<string, string>>, note: Note): Promise<Decision> {
    const refuse = (trouble: Trouble, message: string, refused: string = message): Decision => {
      note.refused = refused.slice(0, NOTED_CHARS);
      return decided(errorReply(voice, trouble, message, idHeaders(note)));
    };
    if (!this.mayAsk(headers)) return refuse('unauthorized', '', 'wrong key');
    const asked = voice.read(body, headers, (id) => era.stored.find(id));
    if ('wrong' in asked) return refuse('badRequest', asked.wrong);
    note.model = asked.model.slice(0, NOTED_CHARS);
    note.stream = asked.stream;
    if (this.#options.models?.includes(asked.model) === false) {
      note.refused = 'unknown model';
      return decided(errorReply(voice, 'unknownModel', '', idHeaders(note), { model: asked.model }));
    }
    const blocks = promptBlocks(asked);
    note.tokensIn = tokensIn(blocks);
    const { contextTokens = Infinity } = this.#options;
    if (note.tokensIn > contextTokens) {
      note.refused = 'context overflow';
      return decided(
        errorReply(voice, 'contextOverflow', '', idHeaders(note), { model: asked.model, tokens: note.tokensIn, tokensMax: contextTokens }),
      );
    }
    const admission = admit(era.buckets, note.tokensIn, this.#clock.now());
    era.buckets = admission.buckets;
    const limits = limitHeaders(this.#options.throttle ?? {}, voice.protocol, admission);
    if (admission.refused !== undefined) {
      note.refused = 'rate limited';
      const message = limitMessage(admission.refused, admission, asked.model, note.tokensIn);
      return decided(
        errorReply(voice, 'rateLimited', message, { ...idHeaders(note), ...limits }, { model: asked.model, limit: admission.refused.by }),
      );
    }
    const cache = era.cache.enter(asked, blocks, this.#clock.now());
    for (const size of ['promptBytes', 'sharedBytes', 'sharedTokens', 'cachedBytes'] as const) note[size] = cache[size];
    const key = keyOf(asked, promptText(blocks));
    const tryNumber = era.tryOf(note.turn ?? key);
    note.tryNumber = tryNumber;
    const serial = serialOf(this.#seed, note.turn ?? '', key, tryNumber);
    const told = { ...idHeaders(note), ...limits };
    return await this.#admitted({ era, voice, asked, cache, key, tryNumber, serial, headers: told }, note);
  }

  async #admitted(admitted: Admitted, note: Note): Promise<Decision> {
    const { voice, asked, key, tryNumber, headers } = admitted;
    const { delay = 0 } = this.#options;
    const pace = drawPace(delay, dice(this.#seed, 'delay', key, tryNumber));
    try {
      const fault = await this.#faultOf(admitted, note);
      if (fault !== undefined) {
        note.fault = fault.fault;
        const instead = withoutAnswer(fault, voice, asked, headers);
        if (instead !== undefined) return 'do' in instead ? instead : decided(instead, pace);
      }
      const { said, giveBack } = await this.#say(admitted, fault, note);
      return this.#replied(admitted, said, { fault, pace, giveBack }, note);
    } catch (error) {
      const message = describe(error);
      note.refused = message.slice(0, NOTED_CHARS);
      // Asking again would come to the same: only what a function throws may pass.
      const trouble = error instanceof AmdahlError ? 'badRequest' : 'serverError';
      return decided(errorReply(voice, trouble, message, headers));
    }
  }

  async #faultOf({ asked, key, tryNumber }: Admitted, { nth }: Note): Promise<Fault | undefined> {
    const { faults } = this.#options;
    if (faults === undefined) return undefined;
    if (typeof faults === 'function') return checkFault(await faults(asked, nth));
    return drawFault(faults, this.#seed, key, tryNumber);
  }

  async #say(
    { era, asked, cache, key, tryNumber }: Admitted,
    fault: Fault | undefined,
    { nth, tokensIn: counted }: Note,
  ): Promise<{ readonly said: Said; readonly giveBack: () => void }> {
    const { answers } = this.#options;
    let given: Answer | string;
    let giveBack = (): void => {};
    if (era.script !== undefined) ({ turn: given, giveBack } = era.script.turn(!isAnswer(fault)));
    else given = typeof answers === 'function' ? await answers(asked, nth) : generated(asked, this.#seed, key);
    try {
      const { tokensCached, tokensCacheWritten } = cache;
      const written = tokensCacheWritten === undefined ? {} : { tokensCacheWritten };
      const said = complete(given, asked, { tokensIn: counted, tokensCached, ...written });
      return { said: fault === undefined ? said : spoil(said, fault.fault, asked, dice(this.#seed, 'spoil', key, tryNumber)), giveBack };
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  #replied(admitted: Admitted, said: Said, { fault, pace, giveBack }: Outcome, note: Note): Decision {
    const { era, voice, asked, cache, serial, headers } = admitted;
    const { pieceChars = PIECE_CHARS } = this.#options;
    const reply = asked.stream
      ? eventReply(withErrorEvent(voice.events(asked, said, serial, pieceChars), fault, voice), headers)
      : jsonReply(200, voice.whole(asked, said, serial), headers);
    const stored = voice.stores?.(asked, said, serial);
    if (stored !== undefined) era.stored.keep(stored);
    note.tokensOut = said.usage.tokensOut;
    note.tokensCached = said.usage.tokensCached;
    note.tokensCacheWritten = said.usage.tokensCacheWritten ?? 0;
    note.finish = said.finish;
    era.buckets = settle(era.buckets, said.usage.tokensOut, this.#clock.now());
    const streamMs = pace.perTokenMs * said.usage.tokensOut;
    const firstMs = pace.firstMs + (fault?.fault === 'hang' ? (fault.forMs ?? 0) : 0);
    const broken = fault === undefined ? undefined : this.#breakOf(fault, reply, admitted);
    return {
      do: 'reply',
      reply,
      pace: { ...pace, firstMs },
      restMs: asked.stream ? 0 : streamMs,
      streamMs: asked.stream ? streamMs : 0,
      ...(broken !== undefined && { broken }),
      answers: isAnswer(fault),
      begun: () => cache.begin(this.#clock.now()),
      over: (acknowledged) => void (acknowledged || giveBack()),
    };
  }

  #breakOf(fault: Fault, reply: Reply, { key, tryNumber }: Admitted): Break | undefined {
    const at = (): number => breakAt(fault, bytesOf(reply), this.#seed, key, tryNumber);
    switch (fault.fault) {
      case 'cut':
        return { atByte: at(), how: 'end' };
      case 'cutReset':
        return { atByte: at(), how: 'reset' };
      case 'cutClean':
        return { atByte: at(), how: 'clean' };
      case 'stall':
        return { atByte: at(), how: { stallMs: fault.forMs ?? Infinity } };
      default:
        return undefined;
    }
  }
}

/** How an answer goes out. */
interface Outcome {
  readonly fault: Fault | undefined;
  readonly pace: Pace;
  /** Of a script: it did not arrive. */
  readonly giveBack: () => void;
}

/** A number of 48 bits for an answer: the same in every run, whatever came before it. */
function serialOf(...names: readonly (string | number)[]): number {
  return Buffer.from(hash(names.join('\n')), 'base64url').readUIntBE(0, 6);
}

/** What is done where a fault needs no answer. */
function withoutAnswer(fault: Fault, voice: Voice, asked: Asked, headers: Readonly<Record<string, string>>): Reply | Decision | undefined {
  const { trouble, status } = factsOf(fault.fault);
  if (trouble !== undefined) {
    const after = fault.retryAfterMs;
    const waits = after === undefined ? {} : { 'retry-after': String(Math.ceil(after / 1_000)), 'retry-after-ms': String(after) };
    const reply = errorReply(voice, trouble, '', { ...headers, ...waits });
    return status === undefined ? reply : { ...reply, status };
  }
  switch (fault.fault) {
    case 'reset':
      return { do: 'reset' };
    case 'refuse':
      return { do: 'refuse', forMs: fault.forMs ?? REFUSE_MS };
    case 'hang':
      return fault.forMs === undefined ? { do: 'hang' } : undefined;
    case 'errorEvent':
      return asked.stream ? undefined : errorReply(voice, 'serverError', '', headers);
    case 'garbage':
      return textReply(200, GARBAGE, 'application/json', headers);
    case 'html':
      return textReply(200, PROXY_PAGE, 'text/html; charset=utf-8');
    case 'html502':
      return textReply(502, PROXY_PAGE, 'text/html; charset=utf-8');
    case 'emptyBody':
      return textReply(200, '', 'application/json', headers);
    default:
      return undefined;
  }
}

const GARBAGE = '{"id": 7, \u0000\u0007}]<<%% not what you asked for \uFFFD\u001b[0m {{{';
const PROXY_PAGE =
  '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><center><h1>502 Bad Gateway</h1></center><hr></body></html>\n';

/** Half of the events, and then the error. */
function withErrorEvent(events: readonly string[], fault: Fault | undefined, voice: Voice): readonly string[] {
  if (fault?.fault !== 'errorEvent') return events;
  return [...events.slice(0, Math.ceil(events.length / 2)), voice.errorEvent('overloaded', 'Overloaded')];
}

/** What is no answer of a model. */
export function decided(reply: Reply, pace: Pace = AT_ONCE): Decision {
  return { do: 'reply', reply, pace, restMs: 0, streamMs: 0, answers: false, begun: () => {}, over: () => {} };
}

function errorReply(
  voice: Voice,
  trouble: Trouble,
  message: string,
  headers: Readonly<Record<string, string>>,
  about?: Parameters<Voice['error']>[2],
): Reply {
  const { status, body } = voice.error(trouble, message, about);
  return jsonReply(status, body, headers);
}

function limitMessage({ by, waitMs }: NonNullable<Admission['refused']>, { buckets }: Admission, model: string, tokens: number): string {
  if (waitMs !== Infinity) return `Rate limit reached for ${model} on ${by} per minute. Please try again in ${waitMs}ms.`;
  const limit = `Limit ${Math.floor(buckets.tokens?.size ?? 0)}, Requested ${tokens}`;
  return `Request too large for ${model} on ${by} per minute: ${limit}. The input or output tokens must be reduced in order to run successfully.`;
}

/** The id of a request, as both providers send it. */
function idHeaders({ nth }: Note): Record<string, string> {
  const id = `req_${nth}`;
  return { 'x-request-id': id, 'request-id': id };
}
