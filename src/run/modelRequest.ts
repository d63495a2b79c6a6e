// A turn asked of one model: fills the ports of model/send.ts with journal, budgets and clocks. Made by
// conversation.ts, one for each model that a turn asks, since price and form of an answer are the model's own.
//
// I8 every request is reserved before it is noted, and noted before it is sent.

import type { LanguageModelV4Message } from '@ai-sdk/provider';
import { mayAct } from '../agent/effectful.ts';
import { recordError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import type { Place } from '../journal/event.ts';
import { finishOf, lacksForm } from '../model/answer.ts';
import type { CachePlan } from '../model/cachePlan.ts';
import type { Gate, Permit } from '../model/gate.ts';
import type { Why } from '../model/loop.ts';
import { type Price, reservationUsdMicros } from '../model/prices.ts';
import type { Sendings } from '../model/resend.ts';
import type { Answered, CachingPorts, Failed, SendPorts, HedgePorts, Reserved } from '../model/send.ts';
import { sharedPrefixesOf } from '../model/sharedPrefixes.ts';
import type { Delta } from '../model/turnStream.ts';
import { accountsFrom, decide, type Reservation, reserve, type Wanted } from './account.ts';
import type { Aloud } from './aloud.ts';
import type { Frame } from './asker.ts';
import { whileSending } from './codeAsker.ts';
import type { Asked } from './fallback.ts';
import { HeldBack } from './heldBack.ts';
import { Line } from './line.ts';
import { PromptCaching } from './promptCaching.ts';
import type { Candidate } from './models.ts';

/** What a request is made of. */
interface RequestParts {
  readonly frame: Frame;
  readonly attempt: number;
  /** The attempt's. */
  readonly place: Place;
  readonly aloud: Aloud;
  /** What the journal says of who was asked: kept true here. */
  readonly asked: Asked;
  readonly candidate: Candidate;
  readonly price: Price | undefined;
  readonly turn: number;
  readonly why: Why;
  /** What the turn adds to the conversation, and how the conversation begins for this model. */
  readonly adds: readonly LanguageModelV4Message[];
  readonly begin: LanguageModelV4Message | undefined;
  /** What it wants of the provider's prompt cache. */
  readonly cachePlan: CachePlan | undefined;
}

export class ModelRequest implements SendPorts {
  readonly price: Price | undefined;
  readonly caching: CachingPorts | undefined;
  readonly #parts: RequestParts;
  readonly #line: Line;
  /** What is said of the present sending, where there are secrets to hold back. */
  #held: HeldBack | undefined;

  constructor(parts: RequestParts) {
    this.price = parts.price;
    this.#parts = parts;
    const { session, depth, life, place, path } = parts.frame;
    const { clock, random, limits } = session;
    this.#line = new Line({
      party: session,
      depth,
      clock,
      random,
      limits,
      life,
      place,
      path,
      note: (happening) => session.note(happening),
      hit: (incident) => session.noteIncident(incident, place, path),
      isInterrupted: () => session.interrupted !== undefined,
    });
    this.caching = this.#cachingOf(parts);
  }

  #cachingOf({ cachePlan, frame, turn }: RequestParts): PromptCaching | undefined {
    const gate = cachePlan === undefined ? undefined : this.#gate;
    if (cachePlan === undefined || gate === undefined) return undefined;
    const { session, life, asker } = frame;
    const around = { alike: asker.alike, begins: turn === 0, clock: session.clock, life, line: this.#line };
    return new PromptCaching(cachePlan, { ...around, prefixes: sharedPrefixesOf(gate) });
  }

  get sendings(): Sendings {
    return this.#parts.frame.session.sendings;
  }

  get random(): () => number {
    return this.#parts.frame.session.random;
  }

  now(): number {
    return this.#parts.frame.session.clock.now();
  }

  after(ms: number, then: () => void): () => void {
    return this.#parts.frame.session.clock.after(ms, then);
  }

  reserve(wanted: Wanted): Reservation | Promise<Reservation> {
    const { account, life, session } = this.#parts.frame;
    return this.#line.waited('budget', reserve(account, wanted, life, session.limits));
  }

  enter(wanted: Parameters<SendPorts['enter']>[0]): ReturnType<SendPorts['enter']> {
    const gate = this.#gate;
    return gate === undefined ? undefined : this.#line.enter(gate, wanted);
  }

  inFlight(): number {
    return this.#gate?.view().inFlight ?? 1;
  }

  get #gate(): Gate | undefined {
    const { frame, candidate } = this.#parts;
    return frame.session.roster.gateOf(candidate.model);
  }

  /** Where a map above hedges. What has effects is asked once, and so is what somebody listens to. */
  get hedging(): HedgePorts | undefined {
    const { frame, aloud, candidate } = this.#parts;
    const { agent, asker } = frame;
    if (asker.hedges === undefined || aloud.isHeard || mayAct(agent)) return undefined;
    return {
      lane: asker.hedges.lane(agent.name, candidate.name),
      reserveNow: (wanted) => this.#reserveNow(wanted),
      enterNow: (wanted) => this.#enterNow(wanted),
    };
  }

  /** Nobody is overtaken, and nobody stands in line for a hedge. */
  #reserveNow(wanted: Wanted): Reservation | undefined {
    const { account, life, session } = this.#parts.frame;
    if (accountsFrom(account).some(({ waiters }) => waiters.length > 0)) return undefined;
    if (decide(account, wanted, session.limits.outputTokensUseful).kind !== 'grant') return undefined;
    const reserved = reserve(account, wanted, life, session.limits);
    return reserved instanceof Promise ? undefined : reserved;
  }

  #enterNow(wanted: Parameters<SendPorts['enter']>[0]): Permit | undefined {
    const gate = this.#gate;
    return gate === undefined ? NO_GATE : this.#line.enterNow(gate, wanted);
  }

  lend<T>(work: (signal: AbortSignal, cut: (error: Error) => void) => PromiseLike<T>): Promise<T> {
    const { life, session } = this.#parts.frame;
    return life.lendOut((signal, cut) => whileSending(() => work(signal, cut), undefined, session.secrets));
  }

  async wait(ms: number): Promise<void> {
    const { session, life } = this.#parts.frame;
    await this.#line.waited('retry', life.pause(session.clock, ms));
  }

  get delta(): ((delta: Delta) => void) | undefined {
    const { aloud, turn, frame } = this.#parts;
    if (!aloud.isHeard) return undefined;
    const { secrets } = frame.session;
    if (secrets.none) return (delta) => aloud.say(turn, delta);
    const held = (this.#held = new HeldBack(secrets, (delta) => aloud.say(turn, delta)));
    return (delta) => held.say(delta);
  }

  requested({ tokensIn, tokensOut }: Reserved, again: number, hedge: boolean): void {
    const { frame, attempt, place, turn, why, asked, candidate, price } = this.#parts;
    const { session, agent, account, life, path, place: call } = frame;
    const { model, name } = candidate;
    life.check();
    session.check();
    const isNew = turn === 0 || asked.last !== name;
    asked.last = name;
    session.note({
      kind: 'model.requested',
      place,
      call,
      path,
      agent: agent.name,
      turn,
      model: modelName(model),
      adds: this.#told(),
      ...(isNew ? { setup: session.roster.setupOf(agent, model) } : {}),
      why,
      ...(again === 0 ? {} : { again }),
      ...(hedge ? { hedge } : {}),
      attempt,
      accounts: accountsFrom(account).map((one) => one.place),
      reservedTokensIn: tokensIn,
      reservedTokensOut: tokensOut,
      ...(price === undefined ? {} : { reservedUsdMicros: reservationUsdMicros(price, tokensIn, tokensOut) }),
    });
  }

  /** What the turn adds, as the journal tells it: with the beginning, where that is another than this attempt had before. */
  #told(): readonly LanguageModelV4Message[] {
    const { turn, adds, begin, asked } = this.#parts;
    if (begin?.role !== 'system') return adds;
    const isKnown = begin.content === asked.system;
    asked.system = begin.content;
    if (turn === 0) return begin === adds[0] ? adds : [begin, ...adds.slice(1)];
    return isKnown ? adds : [begin, ...adds];
  }

  /** Also of a run that was interrupted: it was sent, and may be charged. */
  failed({ error, usage, usdMicros, ms, unsent, incident, hedge, lost }: Failed, retryMs: number | undefined): void {
    const { frame, place, turn, aloud } = this.#parts;
    if (incident !== undefined) frame.session.noteIncident(incident, frame.place, frame.path);
    frame.session.note({
      kind: 'model.failed',
      place,
      turn,
      error: recordError(error),
      usage,
      ...(usdMicros === undefined ? {} : { usdMicros }),
      ms,
      ...(retryMs === undefined ? {} : { retryMs }),
      ...(unsent ? { unsent } : {}),
      ...(hedge ? { hedge } : {}),
      ...(lost ? { lost } : {}),
    });
    this.#held?.drop();
    aloud.withdraw();
  }

  answered({ usage, usdMicros, savedUsdMicros, ms, estimated, capped, hedge, result }: Answered): void {
    const { frame, place, turn, candidate, aloud } = this.#parts;
    const { session } = frame;
    this.#held?.end();
    const { content, text, hidden } = session.secrets.reply(result);
    session.check();
    aloud.recorded();
    const formless = lacksForm(result);
    if (formless) session.roster.noteFormless(candidate.model);
    session.note({
      kind: 'model.responded',
      place,
      turn,
      content,
      ...(text === undefined ? {} : { text }),
      ...finishOf(result),
      usage,
      ...(estimated ? { estimated: true } : {}),
      ...(formless ? { formless: true } : {}),
      ...(capped ? { capped: true } : {}),
      ...(hidden.length === 0 ? {} : { hidden }),
      ...(hedge ? { hedge } : {}),
      ...(usdMicros === undefined ? {} : { usdMicros }),
      ...(savedUsdMicros === undefined ? {} : { savedUsdMicros }),
      ms,
    });
  }
}

const NO_GATE: Permit = { announce: () => {}, done: () => undefined };
