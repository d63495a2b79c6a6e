// A process that can die in the middle of a run, played inside this one: a journal of which only the first n events
// become durable, a model that writes down every request, a clock of its own. What is left of a dead process in
// memory is walled off: its notes are swallowed, its appends never return, its requests never leave it.
//
// D1 durable is a prefix: once one event was refused, all later ones are. An append is durable whole or not at all.
// D2 an append is acknowledged a virtual millisecond after it is durable, so that who does not wait for it is seen.
// D3 the process lives on for `lingerMs` after its last durable event, as a killed one does before the kill arrives.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyAgent } from '../../src/agent/definition.ts';
import { AmdahlError, asAmdahl } from '../../src/agent/errors.ts';
import type { Bill, Claim, Entry, Event, Journal, ResumeReport, RunOptions } from '../../src/index.ts';
import { memoryJournal, run } from '../../src/index.ts';
import type { Place, RunId } from '../../src/journal/event.ts';
import type { MemoryJournal } from '../../src/journal/memory.ts';
import type { SentRequest, Shift } from '../suites/invariants.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const ACK_MS = 1;
const DOWNTIME_MS = 1_000;
const NEVER = new Promise<never>(() => {});

/** How one entry into a run ended, as its caller saw it. */
export type Ending =
  | {
      readonly kind: 'succeeded';
      readonly output: unknown;
      readonly missing: readonly number[];
      readonly bill: Bill;
      readonly resume: ResumeReport | undefined;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly bill: Bill | undefined }
  | { readonly kind: 'died' };

export interface Mortality {
  /** Events of the journal that become durable, counted from its start. Default: all. */
  readonly events?: number;
  /** How long it lives on after the last of them, in virtual ms. Default 0: it dies in the act of writing. */
  readonly lingerMs?: number;
  /** How long a look-up of a place takes, in virtual ms. Default 0. */
  readonly readMs?: number;
}

/** What a run is made of. `model` gives the model of one entry, or several in order, which wait on that entry's clock. */
export interface Mortal {
  readonly agent: AnyAgent;
  readonly input: unknown;
  readonly model: (clock: VirtualClock) => LanguageModelV4 | readonly LanguageModelV4[];
  readonly options?: Omit<RunOptions, 'id' | 'journal' | 'clock' | 'random' | 'models'>;
  /** Told of each process on the run: what acts on the world must not once it is dead. */
  readonly onProcess?: (process: {
    readonly clock: VirtualClock;
    readonly dead: () => boolean;
    readonly store: Journal;
    readonly nth: number;
  }) => void;
  /** It waits for the disk, which is no timer: time then walks on meanwhile. */
  readonly readsFiles?: boolean;
}

function keepWalking(clock: VirtualClock): void {
  clock.after(1, () => keepWalking(clock));
}

/** One run and everything that is outside its processes: the disk, the server, the dead. */
export class World {
  readonly store: MemoryJournal = memoryJournal({ clock: { now: () => 0 } });
  readonly requests: SentRequest[] = [];
  readonly shifts: Shift[] = [];
  /** Outcomes that a program saw before they were acknowledged. */
  readonly premature: string[] = [];
  readonly id: string;
  #now = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** In virtual ms: when the last process was gone, and some. */
  get now(): number {
    return this.#now;
  }

  /** Starts a process on the run, or on what is left of it, and lets it work until it ends or dies. */
  async enter({ agent, input, model, options, onProcess, readsFiles }: Mortal, mortality: Mortality = {}): Promise<Ending> {
    const begin = (await this.entries()).length;
    const nth = this.shifts.length;
    const clock = new VirtualClock(this.#now);
    if (readsFiles === true) keepWalking(clock);
    const process = new MortalProcess(this, clock, nth, begin, mortality);
    onProcess?.({ clock, dead: () => process.dead, store: this.store, nth });
    let draws = 0;
    const models = model(clock);
    const work = run(agent as never, input as never, {
      ...options,
      id: this.id,
      journal: process.journal(),
      clock,
      // Never the same twice: a value that is drawn again shows.
      random: () => ((nth * 997 + (draws += 1) * 31) % 1_000) / 1_000,
      models: { '*': 'doGenerate' in models ? process.listening(models) : models.map((one) => process.listening(one)) },
    });
    const ending = work.then(
      ({ output, missing, bill, resume }): Ending => ({
        kind: 'succeeded',
        output,
        missing: missing.map((gap) => gap.index),
        bill,
        resume,
      }),
      (thrown: unknown): Ending => ({
        kind: 'failed',
        code: asAmdahl(thrown, 'run').code,
        message: String(thrown),
        bill: thrown instanceof Object && 'bill' in thrown ? (thrown.bill as Bill) : undefined,
      }), // only RunError has one
    );
    const outcome = await clock.drive(Promise.race([ending, process.death]));
    process.kill();
    this.#now = clock.now() + DOWNTIME_MS;
    const died = outcome.kind === 'died';
    this.shifts.push({ begin, end: (await this.entries()).length, died });
    if (died) this.store.abandon();
    return outcome;
  }

  async entries(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const entry of this.store.read(this.id as RunId)) entries.push(entry); // the id was made for this world
    return entries;
  }
}

class MortalProcess {
  readonly death: Promise<Ending>;
  readonly #world: World;
  readonly #clock: VirtualClock;
  readonly #nth: number;
  readonly #mortality: Mortality;
  readonly #acknowledged = new Set<Place>();
  readonly #started = new Map<Place, string>();
  #events: number;
  #dead = false;
  #full = false;
  #die: (ending: Ending) => void = () => {};

  constructor(world: World, clock: VirtualClock, nth: number, events: number, mortality: Mortality) {
    this.#world = world;
    this.#clock = clock;
    this.#nth = nth;
    this.#events = events;
    this.#mortality = mortality;
    this.death = new Promise((resolve) => {
      this.#die = resolve;
    });
    this.#count(0);
  }

  get dead(): boolean {
    return this.#dead;
  }

  kill(): void {
    this.#dead = true;
    this.#full = true;
    this.#die({ kind: 'died' });
  }

  journal(): Journal {
    const { store } = this.#world;
    return {
      claim: async (id) => this.#claim(await store.claim(id)),
      at: async (id, place) => {
        if (this.#mortality.readMs !== undefined) await this.#clock.sleep(this.#mortality.readMs);
        return await store.at(id, place);
      },
      read: (id, options) => store.read(id, options),
      row: (id) => store.row(id),
      rows: (limit) => store.rows(limit),
      answers: (key) => store.answers(key),
      unfinished: (now) => store.unfinished(now),
      asks: (options) => store.asks(options),
      ask: (id) => store.ask(id),
      respond: (ask, reply, now) => store.respond(ask, reply, now),
      watch: (id, listener) => store.watch(id, listener),
      cancel: (id, options) => store.cancel(id, options),
      prune: (options) => store.prune(options),
      close: () => store.close(),
    };
  }

  /** The model as the server sees it: what it was asked is on record, and a dead process neither asks nor hears. */
  listening(model: LanguageModelV4): LanguageModelV4 {
    return {
      ...model,
      doGenerate: async (call) => {
        if (this.#dead) return await NEVER;
        const turn = call.headers?.['x-amdahl-turn'] ?? 'a request without a turn id';
        const request: SentRequest = { process: this.#nth, turn };
        const first = this.#world.requests.every((before) => before.turn !== turn);
        this.#world.requests.push(request);
        const result = await Promise.resolve(model.doGenerate(call)).catch((error: unknown) => {
          request.failed = true;
          throw error;
        });
        if (this.#dead) return await NEVER;
        if (!first || !JSON.stringify(call.prompt[0]).includes('shaky')) return result;
        request.failed = true;
        throw new AmdahlError('MODEL_OVERLOADED', 'Come back later.', { retryable: 'yes' });
      },
    };
  }

  #claim(claim: Claim): Claim {
    return {
      run: claim.run,
      epoch: claim.epoch,
      events: claim.events,
      note: (event) => {
        this.#premature(event);
        if (this.#count(1)) claim.note(event);
      },
      append: async (events) => {
        for (const event of events) this.#premature(event);
        if (!this.#count(events.length)) return await NEVER;
        await claim.append(events);
        await this.#clock.sleep(ACK_MS);
        if (this.#dead) return await NEVER;
        for (const event of events) this.#acknowledge(event);
      },
      onLost: (listener) => claim.onLost(listener),
      onCancel: (listener) => claim.onCancel(listener),
      onResponse: (listener) => claim.onResponse(listener),
      responses: () => claim.responses(),
      release: async () => {
        if (this.#dead) return await NEVER;
        await claim.release();
      },
    };
  }

  /** Whether so many more events become durable; the last that does begins the end. */
  #count(more: number): boolean {
    const most = this.#mortality.events ?? Infinity;
    if (this.#full || this.#events + more > most) {
      this.#full = true;
      this.#end();
      return false;
    }
    this.#events += more;
    if (this.#events === most) {
      this.#full = true;
      this.#end();
    }
    return true;
  }

  #end(): void {
    const { lingerMs = 0 } = this.#mortality;
    if (lingerMs === 0) this.kill();
    else this.#clock.after(lingerMs, () => this.kill());
  }

  #acknowledge(event: Event): void {
    if (event.kind === 'call.succeeded' || event.kind === 'call.failed') this.#acknowledged.add(event.place);
  }

  /**
   * I2: whoever asks a second question has seen the outcomes of its first ones, so they must be acknowledged by then.
   * True of strands that ask one thing at a time, told apart by their paths; races end calls without an outcome.
   */
  #premature(event: Event): void {
    if (event.kind !== 'call.started') return;
    const asker = event.path.slice(0, event.path.lastIndexOf('/'));
    for (const [place, path] of this.#started) {
      const below = path.startsWith(`${asker}/`) || path.startsWith(`${asker}[`);
      if (asker !== '' && below && !path.includes('[race') && !this.#acknowledged.has(place))
        this.#world.premature.push(`${event.path} was asked before the outcome of ${path} was acknowledged`);
      if (below) this.#started.delete(place);
    }
    this.#started.set(event.place, event.path);
  }
}
