// Who asks through `gate()`: one instance of it, which has a budget, a bill and a share at the gates; and on whose behalf
// it is asked, which is the code of a run or nobody that is known. Called by gateMiddleware.ts and gateRequest.ts.

import type { LanguageModelV4, LanguageModelV4Content, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { modelName } from '../agent/fingerprint.ts';
import { addToBill, emptyBill, type OpenBill } from '../journal/bill.ts';
import type { EventOf, Happening, RunId } from '../journal/event.ts';
import { type Facts, factsOf } from '../model/facts.ts';
import type { Gate } from '../model/gate.ts';
import { gatesOf } from '../model/gates.ts';
import type { PriceTable } from '../model/prices.ts';
import { type RateLimits, rateLimitOf } from '../model/rateLimits.ts';
import type { Sendings } from '../model/resend.ts';
import { Account } from './account.ts';
import type { CodeAsker } from './codeAsker.ts';
import { Life } from './life.ts';
import { type Limits, limitsOf } from './limits.ts';
import type { Waiting } from './line.ts';
import { askerPlace, rootAsker } from './place.ts';
import type { Clock, Random } from './ports.ts';
import type { Secrets } from './secrets.ts';

/**
 * Caps on everything that goes through one `gate()`. Of tokens and USD each request reserves its maximum or, where it sets
 * none, `limits.outputTokensAssumed`: an answer that is longer counts when it is there. Only where less is left is the
 * output capped, and an answer cut there is BUDGET_EXCEEDED.
 */
export interface GateBudget {
  readonly calls?: number;
  readonly tokens?: number;
  readonly usd?: number;
}

export interface GatePartyOptions {
  readonly name: string;
  readonly budget: GateBudget | undefined;
  readonly limits: Partial<Limits>;
  readonly rateLimits: RateLimits;
  readonly prices: PriceTable;
  readonly clock: Clock;
  readonly random: Random;
}

type Identity = Pick<EventOf<'model.requested'>, 'place' | 'call' | 'path' | 'agent' | 'attempt' | 'turn' | 'adds'>;

/** On whose behalf a request is sent. Its life is the request's own. */
export interface Behalf extends Omit<Waiting, 'place' | 'path'> {
  readonly sendings: Sendings;
  /** The budgets above it besides the instance's own. */
  readonly account: Account | undefined;
  readonly who: Identity;
  gateOf(model: LanguageModelV4): Gate | undefined;
  factsOf(model: LanguageModelV4): Facts | Promise<Facts>;
  /** Of the run on whose behalf it is sent. */
  readonly secrets: Secrets | undefined;
  /** An answer as a journal may have it. */
  safe(content: readonly LanguageModelV4Content[]): readonly LanguageModelV4Content[];
  /** Told of its answer before who asked is. */
  answered(content: readonly LanguageModelV4Content[]): void;
  /** @throws why nothing may be sent any more. */
  check(): void;
}

/** A place in no run's journal: events of an instance are only added up. */
const NOWHERE = rootAsker('gate()' as RunId); // the brand says that it names a run; nothing is looked up by this one

/** What to do where the budget of an instance is spent. */
export const RAISE = 'Raise the budget that gate() is given.';

export class GateParty {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly prices: PriceTable;
  readonly account: Account | undefined;
  readonly bill: OpenBill = emptyBill();
  readonly #rateLimits: RateLimits;
  readonly #given: Partial<Limits>;
  readonly #limits: Limits;
  readonly #sendings: Sendings = { sent: 0, again: 0 };
  #asked = 0;

  constructor({ name, budget, limits, rateLimits, prices, clock, random }: GatePartyOptions) {
    this.name = name;
    this.clock = clock;
    this.random = random;
    this.prices = prices;
    this.account = budget === undefined ? undefined : new Account(NOWHERE, name, budget, undefined, undefined, RAISE);
    this.#rateLimits = rateLimits;
    this.#given = limits;
    this.#limits = limitsOf(limits);
  }

  /** For whoever asks outside of any run. */
  own(prompt: LanguageModelV4Prompt): Behalf {
    const place = askerPlace(NOWHERE, 'gate', this.#asked);
    this.#asked += 1;
    const { name, clock, random } = this;
    const note = (happening: Happening): void => this.#add(happening, clock.now());
    return {
      party: this,
      depth: 1,
      clock,
      random,
      limits: this.#limits,
      sendings: this.#sendings,
      account: undefined,
      life: new Life(),
      who: { place, call: NOWHERE, path: name, agent: name, attempt: 0, turn: 0, adds: prompt },
      gateOf: (model) => gatesOf(clock).of(model, this.#rateLimits),
      factsOf: (model) => factsOf(modelName(model), clock.now()),
      note,
      secrets: undefined,
      safe: (content) => content,
      answered: () => {},
      hit: () => {},
      isInterrupted: () => false,
      check: () => {},
    };
  }

  /**
   * For what happens inside a sending that others reserved and tell of: it counts here too. That sending holds the place
   * at the gate, and is sent again as a whole.
   */
  inside(prompt: LanguageModelV4Prompt): Behalf {
    const limits = { ...this.#limits, retries: 0, turnedAway: 0, retryWaitMs: Infinity };
    return { ...this.own(prompt), limits, sendings: { sent: 0, again: 0 }, gateOf: () => undefined };
  }

  /** For code of a run: it is the run's request, and on this bill too. */
  ofCode(code: CodeAsker, prompt: LanguageModelV4Prompt, model: string): Behalf {
    const { session, agent, account, path, depth, place: call } = code.frame;
    const { answered, ...turn } = code.turn(prompt, model);
    const { clock, random, sendings } = session;
    return {
      party: session,
      depth: depth + 1,
      clock,
      random,
      limits: { ...session.limits, ...this.#given },
      sendings,
      account,
      life: new Life(code.life),
      who: { ...turn, call, path, agent: agent.name, attempt: code.attempt },
      secrets: session.secrets,
      safe: (content) => session.secrets.content(content),
      answered,
      gateOf: (model) => {
        // What is known here of limits holds for the gate, whoever enters it.
        if (rateLimitOf(this.#rateLimits, modelName(model)) !== undefined) gatesOf(clock).of(model, this.#rateLimits);
        return session.roster.gateOf(model);
      },
      factsOf: (model) => session.roster.prepare(model),
      note: (happening) => {
        session.note(happening);
        this.#add(happening, clock.now());
      },
      hit: (incident) => session.noteIncident(incident, call, path),
      isInterrupted: () => session.interrupted !== undefined,
      check: () => {
        session.check();
        code.frame.life.check();
      },
    };
  }

  /** Its bill knows no calls: they are the runs'. */
  #add(happening: Happening, at: number): void {
    addToBill(this.bill, happening.kind === 'model.requested' ? { ...happening, call: NOWHERE, attempt: 0, at } : { ...happening, at });
  }
}
