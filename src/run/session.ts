// One entry into a run: the claim this process holds, the ports, the sums and the flag that stops everything. The
// funnel and its askers share one Session per entry; run.ts opens and closes it.
//
// S1 every event passes note() or append(), is stamped with the run's clock and counted in the bill.
// S2 once interrupted, nothing below may ask, confirm or end: check() throws the reason for ever after.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { fingerprint, modelName } from '../agent/fingerprint.ts';
import { addToBill, emptyBill, type OpenBill } from '../journal/bill.ts';
import type { Entry, Event, Gap, Happening, Place, RunId, Setup } from '../journal/event.ts';
import type { Claim, Journal } from '../journal/journal.ts';
import { type Facts, factsOf } from '../model/facts.ts';
import { priceOf, type PriceTable } from '../model/prices.ts';
import type { Gate } from '../model/gate.ts';
import { gatesOf } from '../model/gates.ts';
import type { Incident } from '../model/gateView.ts';
import type { RateLimits } from '../model/rateLimits.ts';
import type { Registry } from '../model/registry.ts';
import { type Fixed, fixedOf } from '../model/render.ts';
import type { Sendings } from '../model/resend.ts';
import type { Delta } from '../model/turnStream.ts';
import type { Account, Spent } from './account.ts';
import { Life } from './life.ts';
import type { Limits } from './limits.ts';
import { type Candidates, type Models, pickModels } from './models.ts';
import { rootAsker } from './place.ts';
import type { Clock, Random } from './ports.ts';
import type { Findings } from './report.ts';

/** What earlier entries left behind, besides what is looked up place by place. */
export interface Inherited {
  /** The last event's seq. */
  readonly lastSeq: number;
  /** How many entries there were. */
  readonly entries: number;
  /** When somebody worked on the run: [from, to] in epoch ms, in order. */
  readonly spans: readonly (readonly [number, number])[];
  /** What each call with a budget has spent. */
  readonly spent: Map<Place, Spent>;
  /** Calls below which an act on the world has begun. */
  readonly acted: ReadonlySet<Place>;
}

export interface SessionOptions {
  readonly run: RunId;
  readonly journal: Journal;
  readonly claim: Claim;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly prices: PriceTable;
  readonly rateLimits: RateLimits;
  readonly models: Models;
  readonly registry: Registry;
  readonly onEvent: ((event: Event) => void) | undefined;
  readonly onDelta: ((delta: RunDelta) => void) | undefined;
  readonly bill: OpenBill | undefined;
  readonly inherited: Inherited | undefined;
  readonly findings: Findings | undefined;
}

/**
 * A piece of an answer as it is written, and by which call. `withdrawn`: what this turn said so far does not count, because
 * its sending failed or its answer was refused.
 */
export type RunDelta = {
  readonly call: string;
  readonly place: Place;
  readonly attempt: number;
  readonly turn: number;
} & (Delta | { readonly type: 'withdrawn' });

/** What is the same for every call of an agent in one entry. */
interface Known {
  readonly candidates: Candidates | undefined;
  readonly fingerprint: string | undefined;
  fixed: Fixed | undefined;
  /** Of the models behind the first: only its model's name is another. */
  readonly setups: Map<LanguageModelV4, Setup>;
}

export class Session {
  readonly run: RunId;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly bill: OpenBill;
  readonly life: Life = new Life();
  /** Undefined in a run's first entry: nothing is looked up then. */
  readonly inherited: Inherited | undefined;
  readonly findings: Findings | undefined;
  readonly acted: Set<Place>;
  /** Which calls' failures an error that reached user code stands for. */
  readonly failures: WeakMap<object, Place> = new WeakMap();
  /** The budget of the run itself, set before its root is asked. */
  account: Account | undefined;
  interrupted: AmdahlError | undefined;
  /** What this entry sent to models. */
  readonly sendings: Sendings = { sent: 0, again: 0 };
  /** Holes in the root's result. */
  gaps: readonly Gap[] = [];
  readonly #options: SessionOptions;
  readonly #claim: Claim;
  readonly #known = new Map<AnyAgent, Known>();
  readonly #facts = new Map<LanguageModelV4, Facts | Promise<Facts>>();
  readonly #gates = new Map<LanguageModelV4, Gate | undefined>();
  /** Incidents that the journal of this entry tells of, and whom they hit first. */
  readonly #incidents = new Map<string, { readonly place: Place; readonly call: string }>();
  /** Models whose provider said that it does not pass on the form of an answer. */
  readonly #formless = new WeakSet<LanguageModelV4>();
  readonly #givenUp = new WeakMap<LanguageModelV4, AmdahlError>();
  readonly #startedAt: number;

  constructor(options: SessionOptions) {
    this.run = options.run;
    this.journal = options.journal;
    this.clock = options.clock;
    this.random = options.random;
    this.limits = options.limits;
    this.inherited = options.inherited;
    this.findings = options.findings;
    this.bill = options.bill ?? emptyBill();
    this.acted = new Set(options.inherited?.acted);
    this.#options = options;
    this.#claim = options.claim;
    this.#startedAt = options.clock.now();
    this.#claim.onLost((error) => this.interrupt(lost(error)));
  }

  /**
   * Stops everything below, for good. Interruption is never an outcome: the next entry goes on. The first reason stays,
   * but an act of which nobody knows whether it happened outranks a cancel: that is what a person must hear.
   */
  interrupt(error: AmdahlError): void {
    const first = this.interrupted?.code;
    const outranked = error.code === 'EFFECT_UNCERTAIN' && (first === 'CANCELLED' || first === 'BUDGET_EXCEEDED');
    if (first !== undefined && !outranked) return;
    this.interrupted = error;
    this.life.end(error);
  }

  /** @throws why the run was interrupted, if it was. */
  check(): void {
    if (this.interrupted !== undefined) throw this.interrupted;
  }

  /** Records without waiting: it is durable when the next append is. */
  note(happening: Happening): void {
    this.#claim.note(this.#stamp(happening));
  }

  /** Records and waits until these and all before them are durable. */
  async append(...happenings: readonly Happening[]): Promise<void> {
    this.check();
    try {
      await this.#claim.append(happenings.map((happening) => this.#stamp(happening)));
    } catch (error) {
      this.interrupt(lost(error));
    }
    this.check();
  }

  /** Records how the run ended well: what comes after it is durable comes too late. */
  async conclude(happening: Happening): Promise<void> {
    this.check();
    try {
      const ended = this.#claim.append([this.#stamp(happening)]);
      await Promise.all([ended, this.#claim.release()]);
    } catch (error) {
      this.interrupt(lost(error));
      this.check();
    }
  }

  /** Like append, for what has happened to the world: also in a run that was interrupted meanwhile. */
  async settle(...happenings: readonly Happening[]): Promise<void> {
    try {
      await this.#claim.append(happenings.map((happening) => this.#stamp(happening)));
    } catch (error) {
      this.interrupt(lost(error));
    }
  }

  #stamp(happening: Happening): Event {
    const event: Event = { ...happening, at: this.clock.now() };
    addToBill(this.bill, event);
    this.#tell(event);
    return event;
  }

  #tell(event: Event): void {
    const { onEvent } = this.#options;
    if (onEvent !== undefined) this.#observe(`onEvent threw at ${event.kind}`, () => onEvent(event));
  }

  /** An observer may be asynchronous, though nobody waits for it: its failure counts all the same. */
  #observe(what: string, tell: () => unknown): void {
    const failed = (thrown: unknown): void =>
      this.interrupt(new AmdahlError('CODE_FAILED', `${what}: ${describe(thrown)}`, { cause: thrown }));
    try {
      const told = tell();
      if (told instanceof Promise) told.catch(failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  /** Set where somebody listens: models are then asked to stream. */
  get onDelta(): ((delta: RunDelta) => void) | undefined {
    return this.#options.onDelta;
  }

  tellDelta(delta: RunDelta): void {
    const { onDelta } = this.#options;
    if (onDelta !== undefined) this.#observe('onDelta threw', () => onDelta(delta));
  }

  /** The journal's entries of a place; none in a run's first entry. */
  async recall(place: Place): Promise<readonly Entry[]> {
    return this.inherited === undefined ? NO_ENTRIES : await this.lookUp(place);
  }

  /** What is durable at a place, in any entry. A journal that fails interrupts the run: no call is told of it as an answer. */
  async lookUp(place: Place): Promise<readonly Entry[]> {
    try {
      return await this.journal.at(this.run, place);
    } catch (error) {
      this.interrupt(lost(error));
      this.check();
      throw lost(error);
    }
  }

  /** Time at work since `from`, over all entries, up to now. In ms. */
  activeMsSince(from: number): number {
    let sum = this.clock.now() - Math.max(this.#startedAt, from);
    for (const [start, end] of this.inherited?.spans ?? []) sum += Math.max(0, end - Math.max(start, from));
    return sum;
  }

  /**
   * The models of an agent, in the order in which they are asked.
   * @throws AmdahlError MODEL_MISSING, MODEL_DENIED, MISCONFIGURED
   */
  candidatesOf(agent: AnyAgent): Candidates {
    return this.#knownOf(agent).candidates ?? pickModels(this.#options.models, agent, this.#options.registry);
  }

  fingerprintOf(agent: AnyAgent): string | undefined {
    return this.#knownOf(agent).fingerprint;
  }

  fixedOf(agent: AnyAgent): Fixed {
    const known = this.#knownOf(agent);
    if (agent.behaviour.kind !== 'model') throw new AmdahlError('MISCONFIGURED', `'${agent.name}' is not answered by a model.`);
    const [{ model }] = this.candidatesOf(agent);
    return (known.fixed ??= fixedOf(agent.name, agent.behaviour, agent.output, modelName(model)));
  }

  /** What is journaled of `fixedOf` where one of its models is asked. The same object each time: it is hashed once. */
  setupOf(agent: AnyAgent, model: LanguageModelV4): Setup {
    const { setup } = this.fixedOf(agent);
    const name = modelName(model);
    if (setup.model === name) return setup;
    const { setups } = this.#knownOf(agent);
    const own = setups.get(model) ?? Object.freeze({ ...setup, model: name });
    setups.set(model, own);
    return own;
  }

  /**
   * Makes a model ready to be asked, once per entry: a named one is loaded, and what it costs is looked up.
   * @throws AmdahlError PACKAGE_MISSING, KEY_MISSING, PROGRAM_BROKEN
   */
  prepare(model: LanguageModelV4): Facts | Promise<Facts> {
    const known = this.#facts.get(model);
    if (known !== undefined) return known;
    const facts = this.#lookUpFacts(model);
    this.#facts.set(model, facts);
    if (facts instanceof Promise)
      facts.then(
        (found) => this.#facts.set(model, found),
        () => this.#facts.delete(model),
      );
    return facts;
  }

  #lookUpFacts(model: LanguageModelV4): Facts | Promise<Facts> {
    const name = modelName(model);
    const ready = this.#options.registry.ready(model);
    const facts = factsOf(name, this.clock.now());
    const own = priceOf(this.#options.prices, name);
    const merged = (found: Facts): Facts => (own === undefined ? found : { ...found, price: own });
    if (ready === undefined && !(facts instanceof Promise)) return merged(facts);
    return Promise.all([facts, ready]).then(([found]) => merged(found));
  }

  /** The gate in front of a model that is ready to be asked. */
  gateOf(model: LanguageModelV4): Gate | undefined {
    if (this.#gates.has(model)) return this.#gates.get(model);
    const gate = gatesOf(this.clock).of(model, this.#options.rateLimits);
    this.#gates.set(model, gate);
    return gate;
  }

  /** Notes, once, that a provider fails for everybody; `call` is the path of the first that was hit. */
  noteIncident(incident: Incident, place: Place, call: string): void {
    if (this.#incidents.has(incident.id)) return;
    this.#incidents.set(incident.id, { place, call });
    this.note({ kind: 'guard.tripped', place, guard: 'breaker', call, evidence: { ...incident } });
  }

  /** Notes what the gates of this entry know by now: of their limits, and of how the incidents went on that it told of. */
  noteGates(): void {
    const gates = [...new Set(this.#gates.values())].filter((gate) => gate !== undefined);
    for (const [id, { place, call }] of this.#incidents) {
      const incident = gates.map((gate) => gate.incident(id)).find((one) => one !== undefined);
      if (incident !== undefined) this.note({ kind: 'guard.tripped', place, guard: 'breaker', call, evidence: { ...incident } });
    }
    for (const gate of gates) {
      const { name, account, limits } = gate.view();
      if (limits.source === 'opening') continue;
      const place = rootAsker(this.run);
      this.note({ kind: 'limit.learned', place, gate: name, ...(account === undefined ? {} : { account }), limits });
    }
  }

  /** Whether the form of an answer must be spelled out for this model. */
  isFormless(model: LanguageModelV4): boolean {
    return this.#formless.has(model) || ('supportsStructuredOutputs' in model && model.supportsStructuredOutputs === false);
  }

  noteFormless(model: LanguageModelV4): void {
    this.#formless.add(model);
  }

  /** Why a model is not asked any more in this entry where another can be: its provider takes nothing from this account. */
  givenUp(model: LanguageModelV4): AmdahlError | undefined {
    return this.#givenUp.get(model);
  }

  giveUp(model: LanguageModelV4, why: AmdahlError): void {
    this.#givenUp.set(model, why);
  }

  #knownOf(agent: AnyAgent): Known {
    let known = this.#known.get(agent);
    if (known === undefined) {
      const pick = (one: AnyAgent): Candidates | undefined => {
        try {
          return pickModels(this.#options.models, one, this.#options.registry);
        } catch {
          return undefined; // said when it is asked, not when its fingerprint is taken
        }
      };
      const candidates = agent.behaviour.kind === 'model' ? pick(agent) : undefined;
      known = { candidates, fingerprint: fingerprint(agent, (one) => pick(one)?.[0].model), fixed: undefined, setups: new Map() };
      this.#known.set(agent, known);
    }
    return known;
  }
}

const NO_ENTRIES: readonly Entry[] = [];

function lost(error: unknown): AmdahlError {
  if (error instanceof AmdahlError) return error;
  return new AmdahlError('JOURNAL_UNWRITABLE', `The journal failed: ${describe(error)}`, { cause: error });
}
