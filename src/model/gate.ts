// The one way out to a provider: reserve → send → classify → send again → account. Limiter and breaker will stand between
// the reservation and the send; callers see one request and one answer or one typed error.
//
// G1 every sending is reserved, told, told of again with what came of it, and settled, in this order: what settling lets
//    through is told after it, so that no budget is passed at any position of the journal.
// G2 only here is a request sent again, at most `retries` times, and never one that was refused for what it is.
// G3 an answer that broke off is never an answer.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import type { Usage } from '../journal/event.ts';
import { failureOf } from './failure.ts';
import { costUsdMicros, type Price } from './prices.ts';
import { resend, type ResendBounds, type Sendings } from './resend.ts';
import { estimateTokens } from './tokens.ts';
import { brokenOff, collect, type Delta, finalText, StreamFailure } from './turnStream.ts';
import { type Late, type Patience, Watch, type WatchPorts } from './watch.ts';

/** A place in every budget above a request, until it is settled. */
export interface Reserved {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly capped: boolean;
  settle(spent: { readonly tokens: number; readonly usdMicros: number } | undefined): void;
}

/** A sending that failed. `usage` is what must be assumed spent. */
export interface Failed {
  readonly ok: false;
  readonly error: AmdahlError;
  readonly usage: Usage;
  readonly usdMicros: number | undefined;
  readonly ms: number;
  /** It never left: the call was over before it could. */
  readonly unsent: boolean;
}

/** A sending that was answered. */
export interface Answered {
  readonly ok: true;
  readonly result: LanguageModelV4GenerateResult;
  readonly usage: Usage;
  readonly estimated: boolean;
  readonly usdMicros: number | undefined;
  readonly ms: number;
  readonly capped: boolean;
}

/** What came of a request. */
export type Sent = Answered | Failed;

/** What the gate needs from the run. */
export interface GatePorts extends WatchPorts {
  readonly price: Price | undefined;
  readonly sendings: Sendings;
  readonly random: () => number;
  reserve(wanted: {
    readonly tokensIn: number;
    readonly tokensOut: number;
    readonly price: Price | undefined;
    readonly model: string;
  }): Reserved | Promise<Reserved>;
  /** Runs foreign code under the call's life: aborts it and stops waiting when that ends, or when it is cut off. */
  lend<T>(work: (signal: AbortSignal, cut: (error: Error) => void) => PromiseLike<T>): Promise<T>;
  /** Resolves after `ms`; rejects when the call's life ends before. */
  wait(ms: number): Promise<void>;
  /** Told after reserving, before sending; throws when it must not be sent any more. `again` counts the sendings before. */
  requested(reserved: Reserved, again: number): void;
  /** Told of the sending that was answered. */
  answered(answered: Answered): void;
  /** Told of every sending that failed; `retryMs` is the wait before the next, absent when this was the last. */
  failed(failed: Failed, retryMs: number | undefined): void;
  /** Given where somebody listens: the turn is then streamed. */
  readonly delta?: ((delta: Delta) => void) | undefined;
}

export interface Outgoing {
  readonly model: LanguageModelV4;
  /** All but signal and cap. */
  readonly options: LanguageModelV4CallOptions;
  readonly tokensIn: number;
  /** What is reserved where the settings say nothing. */
  readonly tokensOutAssumed: number;
  /** Whether any budget above counts tokens or USD: only then is the output capped. */
  readonly metered: boolean;
  /** How much the model reads at most, where that is known. For messages. */
  readonly contextTokens?: number;
  readonly bounds: Patience & ResendBounds;
}

/** Sends one request until it is answered or must not be sent again. Rejects only when a sending was refused by a budget, or the life ended in between. */
export async function send(outgoing: Outgoing, ports: GatePorts): Promise<Sent> {
  for (let again = 0; ; again += 1) {
    const reserving = reserve(outgoing, ports);
    const reserved = reserving instanceof Promise ? await reserving : reserving;
    const way: Way = { signal: undefined, watch: undefined, said: [] };
    let sent: Sent | undefined;
    let waitMs: number | undefined;
    try {
      ports.requested(reserved, again);
      ports.sendings.sent += 1;
      const start = ports.now();
      try {
        sent = answeredBy(await transmit(outgoing, ports, reserved, way), outgoing, ports, reserved, ports.now() - start);
      } catch (thrown) {
        sent = failedBy(thrown, outgoing, ports, way, ports.now() - start);
      }
      way.watch?.stop();
      way.watch?.forget();
      if (sent.ok) {
        ports.answered(sent);
        return sent;
      }
      [sent, waitMs] = whatNext(sent, again, outgoing, ports);
      ports.failed(sent, waitMs);
    } finally {
      reserved.settle(spentBy(sent, way));
    }
    if (waitMs === undefined) return sent;
    await ports.wait(waitMs);
  }
}

/** The failure as it is told, and the wait before the next sending where there is one. */
function whatNext(failed: Failed, again: number, { bounds }: Outgoing, { sendings, random }: GatePorts): [Failed, number | undefined] {
  const next = resend(failed.error, again, sendings, bounds, random());
  if (!next.again) return [{ ...failed, error: said(failed.error, again, next.why) }, undefined];
  // Counted when decided: those that fail at the same moment must not all pass the budget.
  sendings.again += 1;
  return [failed, next.waitMs];
}

/** What a sending took of its budgets; undefined when nothing was sent. */
function spentBy(sent: Sent | undefined, { signal }: Way): Parameters<Reserved['settle']>[0] {
  if (sent === undefined || signal === undefined) return undefined;
  return { tokens: sent.usage.tokensIn + sent.usage.tokensOut, usdMicros: sent.usdMicros ?? 0 };
}

function reserve({ model, options, tokensIn, tokensOutAssumed }: Outgoing, ports: GatePorts): Reserved | Promise<Reserved> {
  const tokensOut = options.maxOutputTokens ?? tokensOutAssumed;
  return ports.reserve({ tokensIn, tokensOut, price: ports.price, model: modelName(model) });
}

/** The failure that stands, with how often it was tried. */
function said(error: AmdahlError, again: number, why: string | undefined): AmdahlError {
  if (why === undefined) return error;
  const { code, message, retryable, problems, data, cause } = error;
  return new AmdahlError(code, `${message} It is not sent again: ${why}.`, {
    retryable,
    problems,
    data: { ...data, sendings: again + 1 },
    cause,
  });
}

/** What is known of a sending on its way. */
interface Way {
  signal: AbortSignal | undefined;
  watch: Watch | undefined;
  /** What came of its answer, where it is streamed. */
  readonly said: string[];
}

/** One sending, under the call's life and a watch of its own. */
function transmit(outgoing: Outgoing, ports: GatePorts, reserved: Reserved, way: Way): Promise<LanguageModelV4GenerateResult> {
  return ports.lend((abortSignal, cut) => {
    const { model, metered, bounds } = outgoing;
    const options = { ...outgoing.options, abortSignal, ...(metered ? { maxOutputTokens: reserved.tokensOut } : {}) };
    const watch = new Watch(bounds, ports, (what) => cut(late(what, modelName(model), bounds)));
    way.signal = abortSignal;
    way.watch = watch;
    const { delta } = ports;
    return watch.over(() => (delta === undefined ? model.doGenerate(options) : stream(model, options, way, delta)));
  });
}

function answeredBy(
  result: LanguageModelV4GenerateResult,
  { model, tokensIn, metered }: Outgoing,
  ports: GatePorts,
  { capped }: Reserved,
  ms: number,
): Answered {
  if (result.finishReason.unified === 'interrupted') throw brokenOff(modelName(model));
  const { usage, estimated } = usageOf(result, tokensIn);
  const usdMicros = ports.price === undefined ? undefined : costUsdMicros(usage, ports.price);
  return { ok: true, result, usage, estimated, usdMicros, ms, capped: metered && capped };
}

function failedBy(thrown: unknown, outgoing: Outgoing, ports: GatePorts, way: Way, ms: number): Failed {
  const error = errorOf(thrown, outgoing, ports, way);
  const usage: Usage = {
    tokensIn: wasRead(error, way) ? outgoing.tokensIn : 0,
    tokensOut: estimateTokens(way.said.join('')),
    tokensCached: 0,
    tokensReasoning: 0,
  };
  const usdMicros = ports.price === undefined ? undefined : costUsdMicros(usage, ports.price);
  return { ok: false, error, usage, usdMicros, ms, unsent: way.signal === undefined };
}

async function stream(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  { watch, said: pieces }: Way,
  told: (delta: Delta) => void,
): Promise<LanguageModelV4GenerateResult> {
  watch?.streams();
  const streamed = await model.doStream(options);
  const result = await collect(streamed.stream, modelName(model), (delta) => {
    // Also a stream that does not look at its signal is left when it is too late.
    options.abortSignal?.throwIfAborted();
    if (delta === undefined) return;
    watch?.said();
    pieces.push(delta.delta);
    told(delta);
  });
  const text = options.responseFormat?.type === 'json' ? finalText(result.content) : undefined;
  return text === undefined ? result : { ...result, structuredOutputText: text };
}

function late(what: Late, model: string, bounds: Patience): AmdahlError {
  const ms = bounds[what];
  const [problem, remedy] = {
    connectMs: [`could not connect within ${ms} ms`, 'Look at the network and the base URL, or raise limits.connectMs.'],
    idleMs: [`went silent for ${ms} ms in the middle of its answer`, 'If that is usual for this model, raise limits.idleMs.'],
    requestMs: [`did not end within ${ms} ms`, 'Ask for less, or raise limits.requestMs.'],
  }[what];
  return new AmdahlError('MODEL_TIMEOUT', `The request to ${model} ${problem}. ${remedy}`, {
    retryable: 'yes',
    data: { model, limit: what, ms },
  });
}

function errorOf(thrown: unknown, { model, tokensIn, contextTokens }: Outgoing, ports: GatePorts, { watch }: Way): AmdahlError {
  if (thrown instanceof AmdahlError) return thrown.code === 'MODEL_GARBAGE' && isPage(watch) ? webPage(modelName(model)) : thrown;
  const heard = watch === undefined || watch.phase === 'asked' ? undefined : watch.phase === 'answering';
  return failureOf(thrown instanceof StreamFailure ? thrown.cause : thrown, {
    model: modelName(model),
    answered: heard,
    now: ports.now(),
    tokensIn,
    ...(contextTokens === undefined ? {} : { contextTokens }),
  });
}

function isPage(watch: Watch | undefined): boolean {
  return watch?.contentType?.includes('text/html') === true;
}

/** Packages skip what is no event of a stream, so that a page looks like a stream that ended at once. */
function webPage(model: string): AmdahlError {
  const message = `The request to ${model} was answered with a web page where a stream was to come. Check the base URL, and any proxy or login page on the way.`;
  return new AmdahlError('MODEL_GARBAGE', message, { retryable: 'yes', data: { model } });
}

/** Whether the provider must be assumed to have read, and charged, what was sent. One that refused it has not. */
function wasRead({ code, data }: AmdahlError, { signal, watch, said: pieces }: Way): boolean {
  if (signal === undefined || watch?.phase === 'connecting') return false;
  if (signal.aborted || code === 'MODEL_GARBAGE' || pieces.length > 0) return true;
  return (code === 'MODEL_UNAVAILABLE' || code === 'MODEL_TIMEOUT') && data['status'] === undefined && watch?.phase !== 'asked';
}

/** A provider's usage in whole tokens; estimated from the text where it reports none. */
function usageOf(result: LanguageModelV4GenerateResult, tokensInEstimated: number): { usage: Usage; estimated: boolean } {
  const { inputTokens, outputTokens } = result.usage;
  const [tokensIn, tokensOut] = [countOf(inputTokens.total), countOf(outputTokens.total)];
  const estimated = tokensIn === undefined || tokensOut === undefined;
  return {
    estimated,
    usage: {
      tokensIn: tokensIn ?? tokensInEstimated,
      tokensOut: tokensOut ?? estimateTokens(JSON.stringify(result.content)),
      tokensCached: countOf(inputTokens.cacheRead) ?? 0,
      tokensReasoning: countOf(outputTokens.reasoning) ?? 0,
    },
  };
}

/** A number of tokens, unless the provider says something that is none: it would switch every cap off. */
function countOf(total: number | undefined): number | undefined {
  return total !== undefined && Number.isFinite(total) && total >= 0 ? total : undefined;
}
