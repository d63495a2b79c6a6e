// One entry into a run: the claim this process holds, the ports, the sums and the flag that stops everything. The
// funnel and its askers share one Session per entry; run.ts opens and closes it.
//
// S1 every event passes note() or append(), is stamped with the run's clock, counted in the bill and folded into the effects.
// S2 once interrupted, nothing below may ask, confirm or end: check() throws the reason for ever after.

import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { addToBill, emptyBill, type OpenBill } from '../journal/bill.ts';
import { Effects } from '../journal/effects.ts';
import type { Entry, Event, Gap, Happening, Place, RunId } from '../journal/event.ts';
import type { Answer, Claim, Journal } from '../journal/journal.ts';
import { cancelledText } from '../journal/ownership.ts';
import type { Incident } from '../model/gateView.ts';
import type { Sendings } from '../model/resend.ts';
import type { Delta } from '../model/turnStream.ts';
import type { Account } from './account.ts';
import { Asks } from './asks.ts';
import { Busy } from './busy.ts';
import type { Contexts } from './contexts.ts';
import { Divergence } from './divergence.ts';
import { type Download, Files } from './files.ts';
import { Life } from './life.ts';
import type { Limits } from './limits.ts';
import type { OpenAsk } from './people.ts';
import { rootAsker } from './place.ts';
import type { Clock, Random } from './ports.ts';
import type { Inherited } from './reentry.ts';
import type { Findings } from './report.ts';
import type { Reuse } from './reuse.ts';
import type { Secrets } from './secrets.ts';
import { Roster, type RosterOptions } from './roster.ts';
import type { StandIns } from './standIns.ts';
import { WorkClock } from './workClock.ts';

export interface SessionOptions extends RosterOptions {
  readonly run: RunId;
  readonly journal: Journal;
  readonly claim: Claim;
  readonly random: Random;
  readonly limits: Limits;
  readonly onEvent: ((event: Event) => void) | undefined;
  readonly onDelta: ((delta: RunDelta) => void) | undefined;
  /** The agent whose text is journaled while it is written; undefined where nobody asked for it. */
  readonly speaker: string | undefined;
  readonly bill: OpenBill | undefined;
  readonly inherited: Inherited | undefined;
  readonly findings: Findings | undefined;
  /** Fetches files that are attached by their address. */
  readonly download: Download;
  /** Set in tests alone. */
  readonly standIns: StandIns | undefined;
  readonly contexts: Contexts;
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

export class Session {
  readonly run: RunId;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** What may go into no journal and to no model. */
  readonly secrets: Secrets;
  readonly bill: OpenBill;
  readonly life: Life = new Life();
  /** The time at work, by which budgets and time-outs count. */
  readonly work: WorkClock;
  /** What can go on. */
  readonly busy: Busy;
  /** Questions to people. */
  readonly asks: Asks;
  /** Undefined in a run's first entry: nothing is looked up then. */
  readonly inherited: Inherited | undefined;
  readonly findings: Findings | undefined;
  readonly contexts: Contexts;
  /** Where answers come from that were bought elsewhere, set before its root is asked. Undefined where nothing can. */
  reuse: Reuse | undefined;
  /** What became of the run's effects, up to what was last stamped. */
  readonly effects: Effects;
  /** Whether something new may be done. */
  readonly divergence: Divergence;
  /** Who the calls are below which there are effects, as far as they were asked in this entry. */
  readonly met: Map<Place, AnyAgent> = new Map();
  /** Which calls' failures an error that reached user code stands for. */
  readonly failures: WeakMap<object, Place> = new WeakMap();
  /** Its agents, their models and the gates in front of them. */
  readonly roster: Roster;
  readonly files: Files;
  /** The budget of the run itself, set before its root is asked. */
  account: Account | undefined;
  interrupted: AmdahlError | undefined;
  /** What the run was given up for. */
  waitsFor: readonly OpenAsk[] = [];
  /** What this entry sent to models. */
  readonly sendings: Sendings = { sent: 0, again: 0 };
  /** Holes in the root's result. */
  gaps: readonly Gap[] = [];
  readonly #options: SessionOptions;
  readonly #claim: Claim;
  /** Incidents that the journal of this entry tells of, and whom they hit first. */
  readonly #incidents = new Map<string, { readonly place: Place; readonly call: string }>();

  constructor(options: SessionOptions) {
    this.run = options.run;
    this.journal = options.journal;
    this.clock = options.clock;
    this.random = options.random;
    this.limits = options.limits;
    this.secrets = options.secrets;
    this.inherited = options.inherited;
    this.findings = options.findings;
    this.contexts = options.contexts;
    this.bill = options.bill ?? emptyBill();
    this.effects = options.inherited?.effects ?? new Effects();
    this.#options = options;
    this.#claim = options.claim;
    this.roster = new Roster(options);
    const place = rootAsker(options.run);
    this.files = new Files({
      place,
      limits: options.limits,
      download: options.download,
      safe: (text) => this.secrets.text(text),
      note: (kept) => this.note(kept),
      recorded: async () => (await this.recall(place)).flatMap(({ event }) => (event.kind === 'file.kept' ? [event] : [])),
    });
    this.busy = new Busy(options.clock);
    this.asks = this.#asks();
    this.divergence = new Divergence(this);
    this.work = new WorkClock(options.clock, this.life, options.inherited?.spans ?? []);
    this.#claim.onResponse((ask, response) => this.asks.hear(ask, response));
    this.#claim.onLost((error) => this.interrupt(lost(error)));
    this.#claim.onCancel((reason) =>
      this.interrupt(new AmdahlError('CANCELLED', cancelledText(this.run, reason), { data: { run: this.run } })),
    );
  }

  #asks(): Asks {
    const { run, clock, limits, life, secrets, inherited, busy } = this;
    return new Asks({
      run,
      clock,
      life,
      askMs: limits.askMs,
      leftOpen: inherited?.openAsks ?? new Map(),
      failedSeq: inherited?.failedSeq ?? -1,
      isInterrupted: () => this.interrupted !== undefined,
      check: () => this.check(),
      recall: (place) => this.recall(place),
      note: (happening) => this.note(happening),
      append: () => this.append(),
      clean: (value) => secrets.clean(value),
      wait: (waiting) => busy.wait(waiting),
      work: () => busy.work(),
      accepted: () => this.#fromJournal(() => this.#claim.responses()),
    });
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

  /**
   * What a test has in place of something; undefined outside of tests, and where it has nothing and needs nothing. An error
   * ends the run, so that nobody passes over it.
   */
  standIn<T>(find: (standIns: StandIns) => T | AmdahlError | undefined): T | undefined {
    const { standIns } = this.#options;
    const found = standIns === undefined ? undefined : find(standIns);
    if (!(found instanceof AmdahlError)) return found;
    this.interrupt(found);
    throw found;
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
  async conclude(...happenings: readonly Happening[]): Promise<void> {
    this.check();
    try {
      const ended = this.#claim.append(happenings.map((happening) => this.#stamp(happening)));
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

  /** Records that nothing can go on but by an answer. The run is parked from here to its next event. */
  async park(): Promise<void> {
    const open = this.asks.open.map(({ ask }) => ask);
    const asks = open.slice(0, PARKED_ASKS_NAMED_MAX);
    const others = open.length > asks.length ? { more: open.length - asks.length } : {};
    const parked = this.append({ kind: 'run.parked', asks, ...others });
    this.work.park(this.clock.now());
    await parked;
  }

  /** Gives the run up as it is, for what it waits for: nothing is recorded after this. */
  giveUp(error: AmdahlError, waitsFor: readonly OpenAsk[]): void {
    this.waitsFor = waitsFor;
    void this.#claim.release();
    this.interrupt(error);
  }

  #stamp(happening: Happening): Event {
    const event: Event = { ...this.secrets.happening(happening), at: this.clock.now() };
    if (this.work.isParked) {
      this.work.goOn(event.at);
      this.busy.look();
    }
    addToBill(this.bill, event);
    this.effects.take(event);
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

  /** Whether the journal hears this agent while it writes. */
  speaks(agent: string): boolean {
    return this.#options.speaker === agent;
  }

  tellDelta(delta: RunDelta): void {
    const { onDelta } = this.#options;
    if (onDelta !== undefined) this.#observe('onDelta threw', () => onDelta(delta));
  }

  /** The journal's entries of a place; none in a run's first entry, but for what a test repeats. */
  async recall(place: Place): Promise<readonly Entry[]> {
    if (this.inherited !== undefined) return await this.lookUp(place);
    return this.#options.standIns?.recall(place) ?? NO_ENTRIES;
  }

  /** What is durable at a place, in any entry. A journal that fails interrupts the run: no call is told of it as an answer. */
  async lookUp(place: Place, run: RunId = this.run): Promise<readonly Entry[]> {
    return await this.#fromJournal(() => this.journal.at(run, place));
  }

  /** Answers of all runs under a key. A journal that fails interrupts the run. */
  async answers(key: string): Promise<readonly Answer[]> {
    return await this.#fromJournal(() => this.journal.answers(key));
  }

  async #fromJournal<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      this.interrupt(lost(error));
      this.check();
      throw lost(error);
    }
  }

  /** Notes, once, that a provider fails for everybody; `call` is the path of the first that was hit. */
  noteIncident(incident: Incident, place: Place, call: string): void {
    if (this.#incidents.has(incident.id)) return;
    this.#incidents.set(incident.id, { place, call });
    this.note({ kind: 'guard.tripped', place, guard: 'breaker', call, evidence: { ...incident } });
  }

  /** Notes what the gates of this entry know by now: of their limits, and of how the incidents went on that it told of. */
  noteGates(): void {
    const gates = this.roster.gates();
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
}

/** How many asks a parked run names: it parks again after each answer, and the journal must not grow with their square. */
const PARKED_ASKS_NAMED_MAX = 20;

const NO_ENTRIES: readonly Entry[] = [];

function lost(error: unknown): AmdahlError {
  if (error instanceof AmdahlError) return error;
  return new AmdahlError('JOURNAL_UNWRITABLE', `The journal failed: ${describe(error)}`, { cause: error });
}
