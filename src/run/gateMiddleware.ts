// `gate()`: the gate for code that asks models with the AI SDK, as a middleware for `wrapLanguageModel`. Requests go
// through model/send.ts like those of agents, so that limiter, breaker and fairness are shared with all of this process.
//
// M1 what goes out is an AmdahlError, whose cause is the provider's own error: AI SDK functions send only errors of
//    providers again, so that retries never multiply. An abort by the caller goes out as the caller's own reason.
// M2 every request is settled once, at the gate and in budgets, whatever becomes of it and of whoever waits for it.
// M3 what code of a run asks is that run's; inside a sending it is that sending's, which waits at the gate and is sent again
//    as a whole. Only the budget and the bill of an instance that does not count that sending are its own.

import type {
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4Middleware,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';
import { checkBudget } from '../agent/budget.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import { checkOptions, checkRequired, type OptionNames } from '../agent/options.ts';
import { type Bill, billNow } from '../journal/bill.ts';
import { gatesOf } from '../model/gates.ts';
import type { GateView } from '../model/gateView.ts';
import { PassedOn } from '../model/passedOn.ts';
import { checkPrices, type PriceTable } from '../model/prices.ts';
import { checkRateLimits, type RateLimits } from '../model/rateLimits.ts';
import type { Sent } from '../model/send.ts';
import { CodeAsker, presentCode, Sending } from './codeAsker.ts';
import { type Behalf, type GateBudget, GateParty } from './gateParty.ts';
import { type GateAsk, GateRequest } from './gateRequest.ts';
import type { Limits } from './limits.ts';
import { type Clock, type Random, systemClock, systemRandom } from './ports.ts';

export interface GateOptions {
  /** How it is called in bills and messages. Default: 'gate'. */
  readonly name?: string;
  /** Caps on all that goes through this instance, pooled; those of a run that asks through it count beside them. */
  readonly budget?: GateBudget;
  /** As in RunOptions: they hold for all of this process. */
  readonly rateLimits?: RateLimits;
  /** As in RunOptions; inside a run they stand above the run's. */
  readonly limits?: Partial<Limits>;
  /** As in RunOptions. */
  readonly prices?: PriceTable;
  readonly clock?: Clock;
  readonly random?: Random;
}

const OPTIONS: OptionNames<GateOptions> = {
  name: true,
  budget: true,
  rateLimits: true,
  limits: true,
  prices: true,
  clock: true,
  random: true,
};

/** A middleware for `wrapLanguageModel`. One instance is one party: however many models it wraps, they take one share. */
export interface GateMiddleware extends LanguageModelV4Middleware {
  /** What all requests through this instance cost so far, those that belong to runs included. Plain data. */
  bill(): Bill;
  /** The gates of this process, with who waits and what is known of limits. */
  views(): readonly GateView[];
}

/**
 * The gate for `wrapLanguageModel({ model, middleware: gate() })`; of several middlewares it goes last, next to the model.
 * Requests wait their turn, are sent again where that may help, and are billed. Inside the code of a step, a tool or a flow
 * they belong to that run. They reject with an AmdahlError: one of the MODEL_ codes, BUDGET_EXCEEDED, PRICE_UNKNOWN,
 * LIMIT_EXCEEDED (queue), TIMEOUT where the run's time would be over before; in a run also what ended the call.
 * @throws AmdahlError MISCONFIGURED
 */
export function gate(options: GateOptions = {}): GateMiddleware {
  checkOptions(options, OPTIONS, 'gate()');
  const { name = 'gate', budget, limits = {}, rateLimits = {}, prices = {}, clock = systemClock, random = systemRandom } = options;
  checkRequired(name, 'name', 'string', 'gate()');
  checkPrices(prices);
  checkRateLimits(rateLimits);
  if (budget !== undefined) checkGateBudget(budget);
  const party = new GateParty({ name, budget, limits, rateLimits, prices, clock, random });
  return {
    specificationVersion: 'v4',
    wrapGenerate: async ({ doGenerate, params, model }) => {
      const code = presentCode();
      return isCounted(party, code) ? await doGenerate() : await generate(party, code, { model, params: safe(code, params) });
    },
    wrapStream: async ({ doStream, params, model }) => {
      const code = presentCode();
      return isCounted(party, code) ? await doStream() : await stream(party, code, { model, params: safe(code, params) });
    },
    bill: () => billNow(party.bill),
    views: () => gatesOf(clock).views(),
  };
}

function checkGateBudget(budget: GateBudget): void {
  if ('ms' in budget && budget.ms !== undefined)
    throw new AmdahlError(
      'MISCONFIGURED',
      'The budget of gate() caps ms, but a gate has no beginning and no end to count the time between. Cap calls, tokens or usd; for time, give the request an abortSignal: AbortSignal.timeout(ms).',
    );
  checkBudget(budget, 'gate()');
}

type Code = ReturnType<typeof presentCode>;

function isCounted(party: GateParty, code: Code): boolean {
  return code instanceof Sending && code.isCountedBy(party);
}

async function generate(party: GateParty, code: Code, ask: GateAsk): Promise<LanguageModelV4GenerateResult> {
  const behalf = behalfOf(party, code, ask);
  const heeded = heed(ask.params.abortSignal, behalf);
  try {
    const sent = await tracked(code, new GateRequest(party, behalf, ask).send());
    if (!sent.ok) throw sent.error;
    const content = behalf.safe(sent.result.content);
    behalf.answered(content);
    return content === sent.result.content ? sent.result : { ...sent.result, content: [...content] };
  } catch (thrown) {
    throw heeded.reasonOr(behalf.life.error ?? thrown);
  } finally {
    heeded.stop();
    behalf.life.close();
  }
}

async function stream(party: GateParty, code: Code, { model, params }: GateAsk): Promise<LanguageModelV4StreamResult> {
  const behalf = behalfOf(party, code, { model, params });
  const heeded = heed(params.abortSignal, behalf);
  const passed = new PassedOn(model, (reason) => behalf.life.end(new AmdahlError('CANCELLED', `Its reader left: ${describe(reason)}.`)));
  const request = new GateRequest(party, behalf, { model, params, begun: () => passed.begun && !(code instanceof Sending) });
  void tracked(code, request.send(passed.model))
    .then(
      (sent) => {
        if (!sent.ok) return end(sent.error);
        behalf.answered(behalf.safe(sent.result.content));
        passed.end();
      },
      (thrown: unknown) => end(thrown),
    )
    .finally(() => {
      heeded.stop();
      behalf.life.close();
    });
  return await passed.opened;

  function end(thrown: unknown): void {
    const why = heeded.reasonOr(behalf.life.error ?? thrown);
    if (why instanceof AmdahlError) passed.fail(why);
    else passed.abort(why);
  }
}

/** What code of a run sends holds none of the run's secrets. What streams back to it is passed on as it comes. */
function safe(code: Code, params: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  if (!(code instanceof CodeAsker)) return params;
  const { secrets } = code.frame.session;
  if (secrets.none) return params;
  const { prompt, tools, responseFormat } = params;
  return {
    ...params,
    prompt: [...secrets.messages(prompt)],
    ...(tools === undefined ? {} : { tools: secrets.clean(tools) }),
    ...(responseFormat === undefined ? {} : { responseFormat: secrets.clean(responseFormat) }),
  };
}

function behalfOf(party: GateParty, code: Code, { model, params }: GateAsk): Behalf {
  params.abortSignal?.throwIfAborted();
  if (code === undefined) return party.own(params.prompt);
  if (code instanceof CodeAsker) code.frame.session.standIn((standIns) => standIns.gated(code.frame.path, model));
  return code instanceof Sending ? party.inside(params.prompt) : party.ofCode(code, params.prompt, modelName(model));
}

function tracked(code: Code, sending: Promise<Sent>): Promise<Sent> {
  return code instanceof CodeAsker ? code.track(sending) : sending;
}

interface Heeded {
  readonly stop: () => void;
  /** What to tell the caller: its own reason where it was the one who gave up. */
  readonly reasonOr: (thrown: unknown) => unknown;
}

/** Ends the request when the caller gives it up. */
function heed(signal: AbortSignal | undefined, { life }: Behalf): Heeded {
  if (signal === undefined) return { stop: () => {}, reasonOr: (thrown) => thrown };
  let given: AmdahlError | undefined;
  const reason = (): unknown => signal.reason;
  const abort = (): void => {
    given = new AmdahlError('CANCELLED', `The request was aborted by who sent it: ${describe(signal.reason)}.`, { cause: signal.reason });
    life.end(given);
  };
  signal.addEventListener('abort', abort, { once: true });
  return {
    stop: () => signal.removeEventListener('abort', abort),
    reasonOr: (thrown) => (given !== undefined && life.error === given ? reason() : thrown),
  };
}
