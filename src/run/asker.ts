// Askers and frames: who asks, and the call in progress that it belongs to. The funnel (call.ts) gives every call a
// frame; attempts, branches and tool calls ask through an Asker of their own.

import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { AskOptions } from '../agent/scope.ts';
import type { Gap, Place } from '../journal/event.ts';
import type { Hedges } from '../model/hedging.ts';
import type { Account } from './account.ts';
import type { Life } from './life.ts';
import { limitError } from './limits.ts';
import { askerPlace, callPlace } from './place.ts';
import type { Alike } from './promptCaching.ts';
import type { Session } from './session.ts';

/** A call in progress. */
export interface Frame {
  readonly session: Session;
  readonly agent: AnyAgent;
  readonly place: Place;
  readonly path: string;
  /** Of the canonical JSON of what it is asked. */
  readonly inputHash: string;
  readonly asker: Asker;
  readonly depth: number;
  readonly life: Life;
  readonly account: Account | undefined;
  /** The outermost leaf call this one belongs to, itself included. */
  readonly under: Place | undefined;
  /** Its turn among all that its asker asked. */
  readonly slot: number;
  /** Keys of the staged effects that its present attempt came to, its own and those of calls below, in order. */
  staged: readonly string[] | undefined;
  /** It is past its commit point: nothing makes a failure of it but a person who gives its effects up. */
  confirmed: boolean;
  /** Holes in the results below, so far. */
  gaps: Gap[] | undefined;
  /** Its answer comes about in a way that need not come again: a tool failed, or another model stood in. */
  makeshift?: true;
}

/** The places of a call and all calls above it, innermost first. */
export function chainOf(frame: Frame): readonly Place[] {
  const chain: Place[] = [];
  for (let one: Frame | undefined = frame; one !== undefined; one = one.asker.frame) chain.push(one.place);
  return chain;
}

/** The funnel's door, handed down so that askers need not know the funnel. */
export type Ask = (asker: Asker, agent: AnyAgent, raw: unknown, options?: AskOptions) => Promise<unknown>;

/** A question as its asker counts it: equal ones share it. */
interface Asked {
  times: number;
  open: boolean;
}

/** What a fan-out says of all that is asked below it; what it says nothing of is as above. */
export interface Fanned {
  readonly hedges?: Hedges | undefined;
  readonly alike?: Alike | undefined;
}

/** Somebody who asks: counts equal questions and knows what it left open. */
export class Asker {
  readonly session: Session;
  readonly place: Place;
  readonly path: string;
  /** The call on whose behalf it asks; undefined for the run itself. */
  readonly frame: Frame | undefined;
  readonly life: Life;
  /** Set where a map above hedges what is asked below it. */
  readonly hedges: Hedges | undefined;
  /** Set below a fan-out that asks the same agents in all of its branches. */
  readonly alike: Alike | undefined;
  /** It stands below a branch of a race: who loses it has done nothing. */
  readonly isRaced: boolean;
  readonly #ask: Ask;
  readonly #above: Asker | undefined;
  /** Its turn among all that the one above asked: that of its kind, and its own within it. */
  readonly #turn: number;
  readonly #nth: number;
  #slots = 0;
  /** The turns of kinds of branches. */
  #kinds: Map<string, number> | undefined;
  /** Effects of what it asked, and those below it, that are over. */
  #raised: { readonly by: Asker; readonly slot: number; readonly keys: readonly string[] }[] | undefined;
  #isDropped = false;
  /** Calls that have effects, of this branch and those below it. */
  #acting: Set<Place> | undefined;
  #questions: Map<string, Asked> | undefined;
  #asked = 0;
  #over = false;
  #refused = 0;
  #running = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(
    session: Session,
    place: Place,
    path: string,
    frame: Frame | undefined,
    life: Life,
    ask: Ask,
    above?: Asker,
    hedges?: Hedges,
    alike?: Alike,
    turn = 0,
    nth = 0,
    isRaced = false,
  ) {
    this.session = session;
    this.place = place;
    this.path = path;
    this.frame = frame;
    this.life = life;
    this.#ask = ask;
    this.#above = above;
    this.hedges = hedges;
    this.alike = alike;
    this.#turn = turn;
    this.#nth = nth;
    this.isRaced = isRaced;
  }

  /** The budget that what it asks is paid from. */
  get account(): Account | undefined {
    return this.frame === undefined ? this.session.account : this.frame.account;
  }

  /** Asks; the identity is fixed before this returns. */
  ask(agent: AnyAgent, raw: unknown, options?: AskOptions): Promise<unknown> {
    return this.#ask(this, agent, raw, options);
  }

  /** The asker that an attempt of a call is. */
  attempt(frame: Frame, number: number): Asker {
    return new Asker(
      this.session,
      askerPlace(frame.place, 'attempt', number),
      attemptPath(frame.path, number),
      frame,
      frame.life,
      this.#ask,
      undefined,
      this.hedges,
      this.alike,
    );
  }

  /** An asker below this one. `path` is how people see it. */
  below(kind: string, index: number, path: string, life: Life = this.life, fanned: Fanned = {}): Asker {
    const { hedges = this.hedges, alike = this.alike } = fanned;
    const raced = this.isRaced || kind.startsWith('race');
    const place = askerPlace(this.place, kind, index);
    return new Asker(this.session, place, path, this.frame, life, this.#ask, this, hedges, alike, this.#turnOf(kind), index, raced);
  }

  /** Branches of a kind have one turn, and their index within it: not the order in which they happened to begin. */
  #turnOf(kind: string): number {
    if (kind === 'turn' || kind === 'tool') return 0;
    const known = this.#kinds?.get(kind);
    if (known !== undefined) return known;
    const turn = this.#slots;
    this.#slots += 1;
    (this.#kinds ??= new Map()).set(kind, turn);
    return turn;
  }

  /** Staged effects of a call that is over rise to the attempt that it serves; `slot` is its turn here. */
  raise(slot: number, keys: readonly string[]): void {
    (this.#top().#raised ??= []).push({ by: this, slot, keys });
  }

  /** What rose to this attempt, in the order of its asking; undefined where nothing did. */
  get risen(): readonly string[] | undefined {
    if (this.#raised === undefined) return undefined;
    const kept = this.#raised.filter(({ by }) => !by.#isGone());
    const inTurn = kept.map(({ by, slot, keys }) => ({ order: [...by.#order(), slot], keys })).sort((a, b) => compare(a.order, b.order));
    return [...new Set(inTurn.flatMap(({ keys }) => keys))];
  }

  /** A call below has effects: every branch that it stands in knows. */
  noteActing(call: Place): void {
    if (this.isRaced) (this.#acting ??= new Set()).add(call);
    (this.#above ?? this.frame?.asker)?.noteActing(call);
  }

  get acting(): ReadonlySet<Place> | undefined {
    return this.#acting;
  }

  /** What it asked counts for nothing: it failed, or lost. */
  drop(): void {
    this.#isDropped = true;
  }

  #isGone(): boolean {
    return this.#isDropped || (this.#above !== undefined && this.#above.#isGone());
  }

  #order(): readonly number[] {
    return this.#above === undefined ? [] : [...this.#above.#order(), this.#turn, this.#nth];
  }

  /**
   * Fixes the identity of a question, before anything is awaited.
   * @throws AmdahlError AMBIGUOUS_CALL when the same question is open or its key was used; LIMIT_EXCEEDED (fanOut); CANCELLED when it is over.
   */
  identify(
    agent: string,
    inputHash: string,
    key: string | undefined,
  ): { readonly place: Place; readonly path: string; readonly asked: Asked; readonly slot: number } {
    const { limits } = this.session;
    this.checkOver();
    if (key !== undefined) checkKey(key, this.path);
    this.#asked += 1;
    if (this.#asked > limits.fanOut) {
      throw limitError(
        'fanOut',
        limits.fanOut,
        `'${this.path}' asks more than its limit`,
        'Look for a loop without an end, or raise limits.fanOut.',
      );
    }
    const question = key === undefined ? `${agent}\n${inputHash}` : `${agent}\n${inputHash}\n${key}`;
    const questions = (this.#questions ??= new Map<string, Asked>());
    const asked = questions.get(question) ?? { times: 0, open: false };
    const nth = asked.times;
    // A first entry judges whether it is still open; a later one answers at another pace and must not judge otherwise.
    const open = asked.open && this.session.inherited === undefined;
    if (key === undefined ? open : nth > 0) throw ambiguous(this.path, agent, key);
    asked.times += 1;
    asked.open = true;
    questions.set(question, asked);
    const call = callPlace(this.place, agent, inputHash, key ?? nth);
    const suffix = key !== undefined ? `~${encodeURIComponent(key)}` : nth === 0 ? '' : `#${nth}`;
    const slot = this.#slots;
    this.#slots += 1;
    return { place: call, path: `${this.path === '' ? '' : `${this.path}/`}${agent}${suffix}`, asked, slot };
  }

  /**
   * Answers a question that was refused at once. Code may catch that and ask again for ever without giving anybody
   * else a turn: beyond the fan-out limit it is left behind, its call has failed and no answer comes any more.
   */
  refuse(error: AmdahlError): Promise<never> {
    const top = this.#top();
    top.#refused += 1;
    if (top.#refused <= this.session.limits.fanOut) {
      const refused = Promise.reject<never>(error);
      refused.catch(() => {}); // nobody may be listening: a question that was not awaited must not end the process
      return refused;
    }
    this.frame?.life.end(error);
    return new Promise(() => {});
  }

  /** The asker that an attempt of a call is, or the run itself: this one stands below it. */
  #top(): Asker {
    return this.#above === undefined ? this : this.#above.#top();
  }

  checkOver(): void {
    if (this.#over) throw new AmdahlError('CANCELLED', `'${this.path}' is over and asks no more: await every call, or leave it out.`);
    if (this.#above !== undefined) this.#above.checkOver();
  }

  /** Keeps a call in sight until it is over: in that of the askers above too, which may end before this one. */
  track(asked: Asked, call: Promise<unknown>): void {
    this.#count(1);
    const over = (): void => {
      asked.open = false;
      this.#count(-1);
    };
    call.then(over, over);
  }

  #count(by: 1 | -1): void {
    this.#running += by;
    if (this.#running === 0) this.#idle?.resolve();
    if (this.#above !== undefined) this.#above.#count(by);
  }

  /** The asker is over: it asks no more, and what it and those below it did not await is waited for. */
  async finish(): Promise<void> {
    this.#over = true;
    if (this.#running === 0) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [nth, one] of a.entries()) {
    const by = one - (b[nth] ?? -1);
    if (by !== 0) return by;
  }
  return a.length - b.length;
}

/** How people see an attempt of a call: the first needs no number. Pure. */
export function attemptPath(call: string, number: number): string {
  return number === 0 ? call : `${call}@${number}`;
}

/** Keys stand in paths. */
function checkKey(key: string, path: string): void {
  if (typeof key === 'string' && key.length >= 1 && key.length <= 200 && key.isWellFormed()) return;
  throw new AmdahlError('MISCONFIGURED', `'${path}' asks with a key that is none. A key is text of 1 to 200 characters.`);
}

function ambiguous(path: string, agent: string, key: string | undefined): AmdahlError {
  const why =
    key === undefined
      ? `'${path}' asks '${agent}' the same thing again while the first question is still open, so a resume could not tell which answer is whose. Give each a key: ctx.call(agent, input, { key: 'second' }), or ask in branches: ctx.all([...]).`
      : `'${path}' used the key '${key}' twice for '${agent}' and the same input. Keys name one question each.`;
  return new AmdahlError('AMBIGUOUS_CALL', why, { data: { agent, ...(key === undefined ? {} : { key }) } });
}
