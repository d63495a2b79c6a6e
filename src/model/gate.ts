// The one way out to a provider: reserve → send → account. Limiter, breaker and retries will stand between the
// reservation and the send; callers see one request and one answer or one typed error.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { modelName } from '../agent/fingerprint.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import type { Usage } from '../journal/event.ts';
import { costUsdMicros, type Price } from './prices.ts';
import { estimateTokens } from './tokens.ts';

/** A place in every budget above a request, until it is settled. */
export interface Reserved {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly capped: boolean;
  settle(spent: { readonly tokens: number; readonly usdMicros: number } | undefined): void;
}

/** What the gate needs from the run. */
export interface GatePorts {
  readonly price: Price | undefined;
  now(): number;
  reserve(wanted: {
    readonly tokensIn: number;
    readonly tokensOut: number;
    readonly price: Price | undefined;
    readonly model: string;
  }): Reserved | Promise<Reserved>;
  /** Runs foreign code under the call's life: aborts it and stops waiting when that ends. */
  lend<T>(work: (signal: AbortSignal) => PromiseLike<T>): T | Promise<T>;
  /** Told after reserving, before sending; throws when it must not be sent any more. */
  requested(reserved: Reserved): void;
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
}

/** What came of a request. `usage` of a failure is what must be assumed spent. */
export type Sent =
  | {
      readonly ok: true;
      readonly result: LanguageModelV4GenerateResult;
      readonly usage: Usage;
      readonly estimated: boolean;
      readonly usdMicros: number | undefined;
      readonly ms: number;
      readonly capped: boolean;
    }
  | { readonly ok: false; readonly error: AmdahlError; readonly usage: Usage; readonly usdMicros: number | undefined; readonly ms: number };

/** Sends one request. Rejects only when nothing was sent: refused by a budget, or the life ended while waiting. */
export async function send(outgoing: Outgoing, ports: GatePorts): Promise<Sent> {
  const { model, options, tokensIn } = outgoing;
  const tokensOut = options.maxOutputTokens ?? outgoing.tokensOutAssumed;
  const reserving = ports.reserve({ tokensIn, tokensOut, price: ports.price, model: modelName(model) });
  const reserved = reserving instanceof Promise ? await reserving : reserving;
  try {
    ports.requested(reserved);
  } catch (error) {
    reserved.settle(undefined);
    throw error;
  }
  const start = ports.now();
  const capped = outgoing.metered && reserved.capped;
  let signal: AbortSignal | undefined;
  try {
    const result = await ports.lend((abortSignal) => {
      signal = abortSignal;
      return model.doGenerate({ ...options, abortSignal, ...(outgoing.metered ? { maxOutputTokens: reserved.tokensOut } : {}) });
    });
    const { usage, estimated } = usageOf(result, tokensIn);
    const usdMicros = ports.price === undefined ? undefined : costUsdMicros(usage, ports.price);
    reserved.settle({ tokens: usage.tokensIn + usage.tokensOut, usdMicros: usdMicros ?? 0 });
    return { ok: true, result, usage, estimated, usdMicros, ms: ports.now() - start, capped };
  } catch (thrown) {
    const error = thrown instanceof AmdahlError ? thrown : providerError(thrown, modelName(model));
    // A request that was cut off by us has been read by the provider; one that it refused has not been charged.
    const usage: Usage = { tokensIn: signal?.aborted === true ? tokensIn : 0, tokensOut: 0, tokensCached: 0, tokensReasoning: 0 };
    const usdMicros = ports.price === undefined ? undefined : costUsdMicros(usage, ports.price);
    reserved.settle(signal === undefined ? undefined : { tokens: usage.tokensIn, usdMicros: usdMicros ?? 0 });
    return { ok: false, error, usage, usdMicros, ms: ports.now() - start };
  }
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

/** A provider's failure in our family. Its own words are kept as the cause. */
function providerError(thrown: unknown, model: string): AmdahlError {
  return new AmdahlError('MODEL_FAILED', `The request to ${model} failed: ${describe(thrown)}`, { cause: thrown, data: { model } });
}
