// One sending of a request: lends the model out under the call's life and a watch of its own, and says what came of it.
// Called by send.ts, for the first sending of a turn and for its hedge. It never rejects: what goes wrong is its outcome.

import {
  APICallError,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4GenerateResult,
  type LanguageModelV4StreamResult,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import type { Usage } from '../journal/event.ts';
import { announcedIn } from './announced.ts';
import { failureOf } from './failure.ts';
import type { Permit } from './gate.ts';
import { costUsdMicros, savedUsdMicros } from './prices.ts';
import type { Answered, Failed, SendPorts, Outgoing, Reserved, Sent } from './send.ts';
import { estimateTokens } from './tokens.ts';
import { brokenOff, collect, type Delta, finalText, StreamFailure } from './turnStream.ts';
import { type Late, type Patience, Watch } from './watch.ts';

/** What is known of a sending on its way. */
export interface Way {
  readonly reserved: Reserved;
  /** It is the second of its turn. */
  readonly hedge: boolean;
  /** Hears of the headers of a stream before what it says. */
  permit: Permit | undefined;
  signal: AbortSignal | undefined;
  watch: Watch | undefined;
  /** Ends it, and lets go of its socket. */
  cut: ((error: Error) => void) | undefined;
  /** What came of its answer, where it is streamed. */
  readonly said: string[];
}

/** A sending that has not left yet. */
export function wayOf(reserved: Reserved, hedge: boolean, permit: Permit | undefined): Way {
  return { reserved, hedge, permit, signal: undefined, watch: undefined, cut: undefined, said: [] };
}

/** Sends, and says what came of it. */
export async function sending(outgoing: Outgoing, ports: SendPorts, way: Way): Promise<Sent> {
  const start = ports.now();
  try {
    const result = await transmit(outgoing, ports, way);
    ports.caching?.begun();
    return answeredBy(result, outgoing, ports, way, ports.now() - start);
  } catch (thrown) {
    return failedBy(thrown, outgoing, ports, way, ports.now() - start);
  } finally {
    way.watch?.stop();
    way.watch?.forget();
  }
}

/** One sending, under the call's life and a watch of its own. */
function transmit(outgoing: Outgoing, ports: SendPorts, way: Way): Promise<LanguageModelV4GenerateResult> {
  return ports.lend((abortSignal, cut) => {
    const { model, metered, open, bounds } = outgoing;
    const { tokensOut, capped } = way.reserved;
    const { delta, caching } = ports;
    const asked = caching === undefined ? outgoing.options : caching.marked(outgoing.options);
    const options = { ...asked, abortSignal, ...(metered && (capped || open !== true) ? { maxOutputTokens: tokensOut } : {}) };
    const watch = new Watch(bounds, ports, (what) => cut(late(what, modelName(model), bounds, ports.inFlight())));
    way.signal = abortSignal;
    way.watch = watch;
    way.cut = cut;
    const streams = delta !== undefined || caching?.leads === true;
    caching?.sent(streams);
    return watch.over(() => (streams ? stream(model, options, way, ports) : model.doGenerate(options)));
  });
}

function answeredBy(
  result: LanguageModelV4GenerateResult,
  { model, tokensIn, metered }: Outgoing,
  ports: SendPorts,
  { reserved, hedge }: Way,
  ms: number,
): Answered {
  if (result.finishReason.unified === 'interrupted') throw brokenOff(modelName(model));
  const { usage, estimated } = usageOf(result, tokensIn);
  const usdMicros = ports.price === undefined ? undefined : costUsdMicros(usage, ports.price);
  const saved = ports.price === undefined ? undefined : savedUsdMicros(usage, ports.price);
  return { ok: true, result, usage, estimated, usdMicros, savedUsdMicros: saved, ms, capped: metered && reserved.capped, hedge };
}

function failedBy(thrown: unknown, outgoing: Outgoing, ports: SendPorts, way: Way, ms: number): Failed {
  const error = errorOf(thrown, outgoing, ports, way);
  const usage: Usage = {
    tokensIn: wasRead(error, way) ? outgoing.tokensIn : 0,
    tokensOut: estimateTokens(way.said.join('')),
    tokensCached: 0,
    tokensReasoning: 0,
  };
  const usdMicros = ports.price === undefined ? undefined : costUsdMicros(usage, ports.price);
  const unsent = way.signal === undefined;
  return { ok: false, error, usage, usdMicros, ms, unsent, incident: undefined, hedge: way.hedge, lost: false };
}

async function stream(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  { watch, permit, said: pieces }: Way,
  ports: SendPorts,
): Promise<LanguageModelV4GenerateResult> {
  const { delta: told, caching } = ports;
  watch?.streams();
  const streamed = await (told === undefined ? streamWhereAllowed(model, options) : model.doStream(options));
  if (streamed === undefined) return await model.doGenerate(options);
  permit?.announce(announcedIn(streamed.response?.headers, ports.now()));
  const hear = (delta: Delta | undefined, isAnswer: boolean): void => {
    // Also a stream that does not look at its signal is left when it is too late.
    options.abortSignal?.throwIfAborted();
    if (isAnswer) caching?.begun();
    if (delta === undefined) return;
    watch?.said();
    pieces.push(delta.delta);
    told?.(delta);
  };
  const result = await collect(streamed.stream, modelName(model), hear);
  const text = options.responseFormat?.type === 'json' ? finalText(result.content) : undefined;
  return text === undefined ? result : { ...result, structuredOutputText: text };
}

/** Some accounts may ask a model, but not for a stream, and some models know none: then, where nobody listens, undefined. */
async function streamWhereAllowed(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
): Promise<LanguageModelV4StreamResult | undefined> {
  try {
    return await model.doStream(options);
  } catch (thrown) {
    if (refusesStreams(thrown)) return undefined;
    throw thrown;
  }
}

function refusesStreams(thrown: unknown): boolean {
  if (UnsupportedFunctionalityError.isInstance(thrown)) return true;
  return APICallError.isInstance(thrown) && (thrown.statusCode === 400 || thrown.statusCode === 403) && /stream/i.test(thrown.message);
}

function late(what: Late, model: string, bounds: Patience, inFlight: number): AmdahlError {
  const ms = bounds[what];
  const inLine = `${inFlight} requests were on their way to it at once: if it answers one after another, say how many it takes, rateLimits: { '${model}': { concurrency: n } }.`;
  const [problem, remedy] = {
    connectMs: [`could not connect within ${ms} ms`, 'Look at the network and the base URL, or raise limits.connectMs.'],
    idleMs: [`went silent for ${ms} ms in the middle of its answer`, 'If that is usual for this model, raise limits.idleMs.'],
    requestMs: [`did not end within ${ms} ms`, `Ask for less, or raise limits.requestMs.${inFlight > 1 ? ` ${inLine}` : ''}`],
  }[what];
  return new AmdahlError('MODEL_TIMEOUT', `The request to ${model} ${problem}. ${remedy}`, {
    retryable: 'yes',
    data: { model, limit: what, ms },
  });
}

function errorOf(thrown: unknown, { model, tokensIn, contextTokens }: Outgoing, ports: SendPorts, { watch }: Way): AmdahlError {
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
  const written = countOf(inputTokens.cacheWrite) ?? 0;
  return {
    estimated,
    usage: {
      tokensIn: tokensIn ?? tokensInEstimated,
      tokensOut: tokensOut ?? estimateTokens(JSON.stringify(result.content)),
      tokensCached: countOf(inputTokens.cacheRead) ?? 0,
      ...(written === 0 ? {} : { tokensCacheWritten: written }),
      tokensReasoning: countOf(outputTokens.reasoning) ?? 0,
    },
  };
}

/** A number of tokens, unless the provider says something that is none: it would switch every cap off. */
function countOf(total: number | undefined): number | undefined {
  return total !== undefined && Number.isFinite(total) && total >= 0 ? total : undefined;
}

/**
 * Whether a provider refused it for its rate and served nothing of it: then it takes nothing of a budget, not even a call,
 * since how often that happens is up to the gate, which finds out the limits. Pure.
 */
export function wasTurnedAway({ error, usage }: { readonly error: { readonly code: string }; readonly usage: Usage }): boolean {
  return error.code === 'MODEL_RATE_LIMITED' && usage.tokensIn + usage.tokensOut === 0;
}

/** What a sending took of its budgets; undefined when nothing was sent, or it was turned away. */
export function spentBy(sent: Sent | undefined, { signal }: Way): Parameters<Reserved['settle']>[0] {
  if (sent === undefined || signal === undefined || (!sent.ok && wasTurnedAway(sent))) return undefined;
  return { tokens: sent.usage.tokensIn + sent.usage.tokensOut, usdMicros: sent.usdMicros ?? 0 };
}
