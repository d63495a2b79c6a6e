// One request through `gate()`: fills the ports of model/send.ts for a model that a function of the AI SDK asks. Made by
// gateMiddleware.ts, once per answer. What code of a run asks stands in the run's journal, under its budgets and its life.
//
// I8 every request is reserved before it is noted, and noted before it is sent: first with the budget of the instance,
//    then with those of the run, always in this order, so that no two wait for each other.

import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { type AmdahlError, recordError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import type { Json, Setup } from '../journal/event.ts';
import { finishOf } from '../model/answer.ts';
import type { Gate } from '../model/gate.ts';
import { type Price, priceOf, reservationUsdMicros } from '../model/prices.ts';
import type { Sendings } from '../model/resend.ts';
import { type Answered, type Failed, type SendPorts, type Outgoing, type Reserved, send, type Sent } from '../model/send.ts';
import { estimatePrompt, estimateSetup } from '../model/tokens.ts';
import type { Delta } from '../model/turnStream.ts';
import { accountsFrom, reserve, type Reservation, type Wanted } from './account.ts';
import { whileSending } from './codeAsker.ts';
import { type Behalf, type GateParty, RAISE } from './gateParty.ts';
import { Line } from './line.ts';
import { cutByBudget } from './withheld.ts';

/** A request of an AI SDK function, and to whom it goes. */
export interface GateAsk {
  readonly model: LanguageModelV4;
  readonly params: LanguageModelV4CallOptions;
  /** The answer is streamed to somebody, who has heard some of it: then it is not sent again. */
  readonly begun?: () => boolean;
}

export class GateRequest implements SendPorts {
  price: Price | undefined;
  readonly delta: ((delta: Delta) => void) | undefined;
  readonly #party: GateParty;
  readonly #behalf: Behalf;
  readonly #ask: GateAsk;
  readonly #line: Line;
  /** Whose budget capped its output last. */
  #cappedBy: 'gate' | 'run' = 'run';

  constructor(party: GateParty, behalf: Behalf, ask: GateAsk) {
    this.#party = party;
    this.#behalf = behalf;
    this.#ask = ask;
    this.#line = new Line({ ...behalf, place: behalf.who.call, path: behalf.who.path });
    this.delta = ask.begun === undefined ? undefined : () => {};
  }

  /** Sends it as `model` does, until it is answered or must not be sent again. */
  async send(model: LanguageModelV4 = this.#ask.model): Promise<Sent> {
    const { limits, life } = this.#behalf;
    const { begun, params } = this.#ask;
    const { abortSignal: _, ...options } = params;
    const found = this.#behalf.factsOf(this.#ask.model);
    const facts = found instanceof Promise ? await life.race(found) : found;
    this.price = priceOf(this.#party.prices, modelName(model)) ?? facts.price;
    const outgoing: Outgoing = {
      model,
      options,
      tokensIn: estimatePrompt(params.prompt) + estimateSetup(params),
      tokensOutAssumed: limits.outputTokensAssumed,
      metered: [...accountsFrom(this.#party.account), ...accountsFrom(this.#behalf.account)].some(
        ({ budget }) => budget.tokens !== undefined || budget.usd !== undefined,
      ),
      open: params.maxOutputTokens === undefined,
      bounds: limits,
      hasNext: false,
      ...(begun === undefined ? {} : { begun }),
      ...(facts.contextTokens === undefined ? {} : { contextTokens: facts.contextTokens }),
    };
    const sent = await send(outgoing, this);
    if (sent.ok && sent.capped && sent.result.finishReason.unified === 'length') throw this.#cutOff();
    return sent;
  }

  #cutOff(): AmdahlError {
    return this.#cappedBy === 'gate'
      ? cutByBudget(this.#party.name, RAISE)
      : cutByBudget(this.#behalf.who.path, 'Raise the budget and resume.');
  }

  get sendings(): Sendings {
    return this.#behalf.sendings;
  }

  get random(): () => number {
    return this.#behalf.random;
  }

  now(): number {
    return this.#behalf.clock.now();
  }

  after(ms: number, then: () => void): () => void {
    return this.#behalf.clock.after(ms, then);
  }

  reserve(wanted: Wanted): Reservation | Promise<Reservation> {
    const { account, life, limits } = this.#behalf;
    const own = this.#party.account;
    this.#cappedBy = 'run';
    return this.#line.waited('budget', own === undefined ? reserve(account, wanted, life, limits) : this.#reserveTwice(wanted));
  }

  async #reserveTwice(wanted: Wanted): Promise<Reservation> {
    const { account, life, limits } = this.#behalf;
    const own = await reserve(this.#party.account, wanted, life, limits);
    try {
      const above = await reserve(account, { ...wanted, tokensOut: own.tokensOut }, life, limits);
      if (!above.capped) this.#cappedBy = 'gate';
      return {
        tokensIn: above.tokensIn,
        tokensOut: above.tokensOut,
        capped: own.capped || above.capped,
        settle: (spent) => {
          above.settle(spent);
          own.settle(spent);
        },
      };
    } catch (thrown) {
      own.settle(undefined);
      throw thrown;
    }
  }

  enter(wanted: Parameters<SendPorts['enter']>[0]): ReturnType<SendPorts['enter']> {
    const gate = this.#gate;
    return gate === undefined ? undefined : this.#line.enter(gate, wanted);
  }

  inFlight(): number {
    return this.#gate?.view().inFlight ?? 1;
  }

  get #gate(): Gate | undefined {
    return this.#behalf.gateOf(this.#ask.model);
  }

  /** What the model does inside, through other gated models perhaps, is this request's. */
  lend<T>(work: (signal: AbortSignal, cut: (error: Error) => void) => PromiseLike<T>): Promise<T> {
    const { life, secrets } = this.#behalf;
    return life.lendOut((signal, cut) => whileSending(() => work(signal, cut), this.#party, secrets));
  }

  async wait(ms: number): Promise<void> {
    const { life, clock } = this.#behalf;
    await this.#line.waited('retry', life.pause(clock, ms));
  }

  requested({ tokensIn, tokensOut }: Reserved, again: number): void {
    const { life, who, account } = this.#behalf;
    const { model, params } = this.#ask;
    life.check();
    this.#behalf.check();
    this.#behalf.note({
      kind: 'model.requested',
      ...who,
      model: modelName(model),
      setup: setupOf(model, params),
      why: who.turn === 0 ? 'ask' : 'tools',
      ...(again === 0 ? {} : { again }),
      gated: true,
      accounts: accountsFrom(account).map((one) => one.place),
      reservedTokensIn: tokensIn,
      reservedTokensOut: tokensOut,
      ...(this.price === undefined ? {} : { reservedUsdMicros: reservationUsdMicros(this.price, tokensIn, tokensOut) }),
    });
  }

  /** Also of a run that was interrupted: it was sent, and may be charged. */
  failed({ error, usage, usdMicros, ms, unsent, incident }: Failed, retryMs: number | undefined): void {
    const { who } = this.#behalf;
    if (incident !== undefined) this.#behalf.hit(incident);
    this.#behalf.note({
      kind: 'model.failed',
      place: who.place,
      turn: who.turn,
      error: recordError(error),
      usage,
      ...(usdMicros === undefined ? {} : { usdMicros }),
      ms,
      ...(retryMs === undefined ? {} : { retryMs }),
      ...(unsent ? { unsent: true } : {}),
    });
  }

  answered({ usage, usdMicros, savedUsdMicros, ms, estimated, capped, result }: Answered): void {
    const { who } = this.#behalf;
    this.#behalf.note({
      kind: 'model.responded',
      place: who.place,
      turn: who.turn,
      content: this.#behalf.safe(result.content),
      ...finishOf(result),
      usage,
      ...(estimated ? { estimated: true } : {}),
      ...(capped ? { capped: true } : {}),
      ...(usdMicros === undefined ? {} : { usdMicros }),
      ...(savedUsdMicros === undefined ? {} : { savedUsdMicros }),
      ms,
    });
  }
}

/** What does not change between the turns of a conversation, as the journal tells it: what may hold keys is left out. */
function setupOf(model: LanguageModelV4, params: LanguageModelV4CallOptions): Setup {
  const { temperature, topP, topK, presencePenalty, frequencyPenalty, stopSequences, seed, maxOutputTokens, reasoning, toolChoice } =
    params;
  const settings = {
    temperature,
    topP,
    topK,
    presencePenalty,
    frequencyPenalty,
    stopSequences,
    seed,
    maxOutputTokens,
    reasoning,
    toolChoice,
  };
  return {
    model: modelName(model),
    tools: (params.tools ?? []).map(jsonOf),
    format: jsonOf(params.responseFormat ?? { type: 'text' }),
    settings: jsonOf(settings),
  };
}

/** Parameters are of any kind; the journal has what JSON says of them. */
function jsonOf(value: unknown): Json {
  return JSON.parse(JSON.stringify(value) ?? 'null') as Json; // JSON.parse gives JSON
}
