// A provider in virtual time: rate limits of the model server's own buckets, a network that takes its time, and faults
// that come and go. It keeps count of everything that reaches it. Called by herdWorld.ts; every draw comes from a seed.

import { APICallError, type LanguageModelV4, type LanguageModelV4CallOptions, type LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { estimateTokens } from '../src/model/tokens.ts';
import { dice, type Dice } from '../src/modelServer/dice.ts';
import { admit, type Bucket, type Buckets, filled, limitHeaders, openBuckets, settle, type Throttle } from '../src/modelServer/throttle.ts';
import type { HerdClock } from './herdClock.ts';

/** What goes wrong, and when. Times in ms since the world began. */
export type HerdFault =
  | { readonly fromMs: number; readonly toMs: number; readonly dead: 'refused' | '503' | 'silent' }
  /** Answers take so many times as long. */
  | { readonly fromMs: number; readonly toMs: number; readonly slower: number }
  /** From then on other limits hold; what was left in a bucket stays, up to its new size. */
  | { readonly fromMs: number; readonly throttle: Throttle };

export interface HerdProviderOptions {
  readonly seed: number;
  readonly throttle?: Throttle;
  /** One way of the network takes between these many ms. Without it between 1 and 5. */
  readonly networkMs?: readonly [least: number, most: number];
  /** From a request's coming to its answer's going. */
  readonly serviceMs: number;
  /** What a refusal takes beside the network; 0 without it. */
  readonly refusalMs?: number;
  /** Requests served at once; more are refused. Without it any number. */
  readonly concurrency?: number;
  readonly faults?: readonly HerdFault[];
  /** Tokens of each answer; 10 without it. */
  readonly tokensOut?: number;
  /** By so much of it at most the provider's count of tokens differs from the estimate, either way; 0 without it. */
  readonly countsOff?: number;
}

/** What became of a request. `dead`: the provider was down. */
export type Fate = 'accepted' | 'refused' | 'dead';

/** A request as it came, at which time since the world began and from whom. */
export interface HerdRecord {
  readonly atMs: number;
  readonly fate: Fate;
  readonly from: string;
  /** As the provider counts them. */
  readonly tokensIn: number;
}

/** The name under which `rateLimits` finds the model of a world. */
export const HERD_MODEL = 'herd/stand-in';
const [PROVIDER = '', MODEL_ID = ''] = HERD_MODEL.split('/');
const ANSWER = 'as you wish';
const TOKENS_OUT = 10;
const URL = 'https://herd.invalid/v1/chat/completions';

export class HerdProvider {
  readonly records: HerdRecord[] = [];
  readonly #counts: Record<Fate, number> = { accepted: 0, refused: 0, dead: 0 };
  /** Sent and not yet settled, and the most that ever were. */
  inFlight = 0;
  inFlightMax = 0;
  /** When the last answer arrived, in ms since the world began. */
  answeredMs = 0;
  /** When somebody first heard that it is dead; Infinity while nobody did. */
  foundDeadMs = Infinity;
  readonly #options: HerdProviderOptions;
  readonly #clock: HerdClock;
  readonly #dice: Dice;
  #throttle: Throttle;
  #changes: readonly Extract<HerdFault, { throttle: Throttle }>[];
  #buckets: Buckets;
  #serving = 0;

  constructor(options: HerdProviderOptions, clock: HerdClock) {
    this.#options = options;
    this.#clock = clock;
    this.#dice = dice(options.seed, 'network');
    this.#throttle = options.throttle ?? {};
    this.#changes = (options.faults ?? []).filter((fault) => 'throttle' in fault).toSorted((a, b) => a.fromMs - b.fromMs);
    this.#buckets = openBuckets(this.#throttle, 0);
  }

  count(fate?: Fate): number {
    return fate === undefined ? this.records.length : this.#counts[fate];
  }

  /** A model whose requests reach this provider. `from` names who asks, in its records. */
  model(from = ''): LanguageModelV4 {
    return {
      specificationVersion: 'v4',
      provider: PROVIDER,
      modelId: MODEL_ID,
      supportedUrls: {},
      doGenerate: (options) => this.#answer(options, from),
      doStream: () => Promise.reject(new Error('herds do not stream')),
    };
  }

  async #answer({ prompt, abortSignal }: LanguageModelV4CallOptions, from: string): Promise<LanguageModelV4GenerateResult> {
    this.inFlight += 1;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    try {
      await this.#pass(this.#networkMs(), abortSignal);
      return await this.#meet(this.countedTokens(textOf(prompt)), from, abortSignal);
    } finally {
      this.inFlight -= 1;
    }
  }

  /** What becomes of a request that comes now. */
  async #meet(tokensIn: number, from: string, signal: AbortSignal | undefined): Promise<LanguageModelV4GenerateResult> {
    const atMs = this.#clock.elapsedMs;
    const note = (fate: Fate): void => {
      this.records.push({ atMs, fate, from, tokensIn });
      this.#counts[fate] += 1;
    };
    if (this.#deadNow() !== undefined) {
      note('dead');
      return await this.#fail('ECONNREFUSED', signal);
    }
    this.#change(atMs);
    if (this.#serving >= (this.#options.concurrency ?? Infinity)) {
      note('refused');
      return await this.#refuse({}, 'Too many concurrent requests.', signal);
    }
    const admission = admit(this.#buckets, tokensIn, atMs);
    this.#buckets = admission.buckets;
    const headers = limitHeaders(this.#throttle, 'openai.chat', admission);
    note(admission.refused === undefined ? 'accepted' : 'refused');
    if (admission.refused === undefined) return await this.#serve(tokensIn, headers, signal);
    const tooLarge = admission.refused.waitMs === Infinity;
    return await this.#refuse(headers, tooLarge ? 'Request too large for the tokens per minute.' : 'Rate limit reached.', signal);
  }

  /** Serves it whether or not somebody still waits for the answer. */
  async #serve(tokensIn: number, headers: Record<string, string>, signal: AbortSignal | undefined): Promise<LanguageModelV4GenerateResult> {
    const { serviceMs, tokensOut = TOKENS_OUT } = this.#options;
    const slower = this.#faultsNow().reduce((times, fault) => ('slower' in fault ? times * fault.slower : times), 1);
    this.#serving += 1;
    this.#clock.after(serviceMs * slower, () => {
      this.#serving -= 1;
      this.#buckets = settle(this.#buckets, tokensOut, this.#clock.elapsedMs);
    });
    await this.#pass(serviceMs * slower, signal);
    // Who dies takes with it what it was at work on.
    if (this.#deadNow() !== undefined) return await this.#fail('ECONNRESET', signal);
    await this.#pass(this.#networkMs(), signal);
    this.answeredMs = this.#clock.elapsedMs;
    return answered(tokensIn, tokensOut, headers);
  }

  async #refuse(headers: Record<string, string>, message: string, signal: AbortSignal | undefined): Promise<never> {
    await this.#pass((this.#options.refusalMs ?? 0) + this.#networkMs(), signal);
    throw failure(429, headers, message);
  }

  /** How a dead provider fails: nothing listens, a proxy answers in its place, or nothing is ever said. */
  async #fail(code: 'ECONNREFUSED' | 'ECONNRESET', signal: AbortSignal | undefined): Promise<never> {
    const how = this.#deadNow();
    try {
      await this.#pass(how === 'silent' ? Infinity : this.#networkMs(), signal);
    } finally {
      this.foundDeadMs = Math.min(this.foundDeadMs, this.#clock.elapsedMs);
    }
    if (how === '503') throw failure(503, {}, 'The server is overloaded or not ready yet.');
    const message = `Cannot connect to API: ${code}`;
    const cause = Object.assign(new Error(message), { code });
    throw new APICallError({ message, url: URL, requestBodyValues: {}, cause, isRetryable: true });
  }

  #faultsNow(): readonly HerdFault[] {
    const now = this.#clock.elapsedMs;
    return (this.#options.faults ?? []).filter((fault) => 'toMs' in fault && fault.fromMs <= now && now < fault.toMs);
  }

  #deadNow(): 'refused' | '503' | 'silent' | undefined {
    for (const fault of this.#faultsNow()) if ('dead' in fault) return fault.dead;
    return undefined;
  }

  /** Other limits, where their time has come. */
  #change(now: number): void {
    const [next, ...later] = this.#changes;
    if (next === undefined || next.fromMs > now) return;
    const opened = openBuckets(next.throttle, next.fromMs);
    this.#throttle = next.throttle;
    this.#changes = later;
    this.#buckets = {
      ...(opened.requests !== undefined && { requests: keptIn(opened.requests, this.#buckets.requests) }),
      ...(opened.tokens !== undefined && { tokens: keptIn(opened.tokens, this.#buckets.tokens) }),
    };
    this.#change(now);
  }

  /** Tokens of a text as this provider counts them. */
  countedTokens(text: string): number {
    const { seed, countsOff = 0 } = this.#options;
    const estimate = estimateTokens(text);
    return countsOff === 0 ? estimate : Math.round(estimate * (1 + countsOff * (2 * dice(seed, 'tokens', text)() - 1)));
  }

  #networkMs(): number {
    const [least, most] = this.#options.networkMs ?? [1, 5];
    return least + this.#dice() * (most - least);
  }

  /** Lets time pass, or throws why who waits gave up before. */
  #pass(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        stop();
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const stop =
        ms === Infinity
          ? () => {}
          : this.#clock.after(ms, () => {
              signal?.removeEventListener('abort', leave);
              resolve();
            });
      if (signal?.aborted === true) leave();
      else signal?.addEventListener('abort', leave, { once: true });
    });
  }
}

/** A new bucket with what the one before held then. */
function keptIn(opened: Bucket, before: Bucket | undefined): Bucket {
  return before === undefined ? opened : { ...opened, level: Math.min(opened.size, filled(before, opened.at).level) };
}

function textOf(prompt: LanguageModelV4CallOptions['prompt']): string {
  return prompt
    .map(({ content }) => (typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('')))
    .join('\n');
}

function failure(statusCode: number, responseHeaders: Record<string, string>, message: string): APICallError {
  const type = statusCode === 429 ? { type: 'requests', code: 'rate_limit_exceeded' } : { type: 'server_error', code: null };
  const responseBody = JSON.stringify({ error: { message, ...type } });
  return new APICallError({ message, url: URL, requestBodyValues: {}, statusCode, responseHeaders, responseBody });
}

function answered(tokensIn: number, tokensOut: number, headers: Record<string, string>): LanguageModelV4GenerateResult {
  return {
    content: [{ type: 'text', text: ANSWER }],
    finishReason: { unified: 'stop', raw: 'stop' },
    usage: {
      inputTokens: { total: tokensIn, noCache: tokensIn, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: tokensOut, text: tokensOut, reasoning: 0 },
    },
    response: { headers },
    warnings: [],
  };
}
