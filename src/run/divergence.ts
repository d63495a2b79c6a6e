// Divergence: a re-entered run must not do something new before every call whose effects earlier entries began has been asked
// again, because it may have gone another way and be about to do the same thing twice. One per entry, made by session.ts; asked
// by act.ts and commit.ts before an effect begins, and by run.ts before the run ends well.
//
// V1 a call is asked again when its place is, or when an answer of the journal stands above it: what lies below counts as asked.
// V2 a new effect waits until all have been asked. It waits as for a person: when nothing else can go on, a person is shown both.
// V3 a run that ends well and left one of them out shows that to a person first. Who accepts it is not asked again.
// V4 a first entry, and one in which nothing had begun, pays nothing.

import type { Json } from '../agent/canonical.ts';
import { AmdahlError } from '../agent/errors.ts';
import { type EffectRecord, mayStand } from '../journal/effects.ts';
import type { Place } from '../journal/event.ts';
import type { Question, Replied } from './asks.ts';
import type { Life } from './life.ts';
import { rootAsker } from './place.ts';
import type { Session } from './session.ts';

/** A new effect, before it begins. */
export type Coming = Pick<EffectRecord, 'path' | 'tool' | 'args' | 'key'>;

interface Waiting {
  readonly effect: Coming | undefined;
  readonly resolve: () => void;
}

export class Divergence {
  readonly #session: Session;
  /** What earlier entries began, by the call that must be asked again. */
  readonly #pending = new Map<Place, EffectRecord[]>();
  readonly #waiting = new Set<Waiting>();
  #isAsking = false;

  constructor(session: Session) {
    this.#session = session;
    if (session.inherited === undefined) return;
    for (const effect of session.effects.all()) {
      const call = callOf(effect);
      if (call === undefined || !(mayStand(effect) || effect.confirmedBy !== undefined) || isOver(effect)) continue;
      const others = this.#pending.get(call);
      if (others === undefined) this.#pending.set(call, [effect]);
      else others.push(effect);
    }
    if (this.#pending.size > 0) session.busy.onIdle(() => this.#onIdle());
  }

  /** A call is asked. What is below one that answers itself stands in its conversation. */
  asked(call: Place, isLeaf: boolean): void {
    if (this.#pending.size === 0) return;
    if (isLeaf) return this.answered(call);
    this.#pending.delete(call);
    this.#look();
  }

  /** A call answers from the journal, and so do all below. */
  answered(call: Place): void {
    if (this.#pending.size === 0) return;
    this.#pending.delete(call);
    for (const effect of this.#session.effects.below(call)) this.#pending.delete(callOf(effect) ?? call);
    this.#look();
  }

  /** Whether something below a call has not been asked again. */
  isPending(call: Place | undefined): boolean {
    return this.#open(true).some(({ calls }) => call === undefined || calls.includes(call));
  }

  /** Resolves once all below a call has been asked again, or `work` is over: then it will not be. */
  async untilAsked(call: Place | undefined, work: Promise<unknown>): Promise<void> {
    let isOver = false;
    void work.then(() => (isOver = true));
    while (!isOver && this.isPending(call)) {
      const changed = new Promise<void>((resolve) => this.#waiting.add({ effect: undefined, resolve }));
      await Promise.race([work, changed]);
    }
  }

  /**
   * Waits until a new effect may begin. Rejects with the end of `life`, or with why the run was interrupted. `call`: the life of
   * the call that can do nothing else meanwhile, where that is another.
   */
  async gate(effect: Coming, life: Life, call: Life = life): Promise<void> {
    while (this.#open(true).length > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiting: Waiting = { effect, resolve };
      this.#waiting.add(waiting);
      const release = this.#session.busy.wait(call);
      try {
        await life.race(promise);
      } finally {
        release();
        this.#waiting.delete(waiting);
      }
    }
  }

  /** To be waited for before a run ends well. @throws AmdahlError DIVERGED */
  async finish(): Promise<void> {
    if (this.#open(false).length > 0) await this.#showed(undefined);
    this.#session.check();
  }

  /** What was not asked for again and may stand, in the order of doing. What is undone next keeps nobody waiting. */
  #open(waiting: boolean): readonly EffectRecord[] {
    if (this.#pending.size === 0) return NONE;
    const open = [...this.#pending.values()].flat().flatMap(({ key }) => this.#session.effects.get(key) ?? []);
    return open.filter((effect) => !isOver(effect) && !(waiting && effect.doomed === true)).sort(byTurn);
  }

  #look(): void {
    if (this.#waiting.size === 0) return;
    const isBlocked = this.#open(true).length > 0;
    for (const waiting of this.#waiting) {
      if (waiting.effect !== undefined && isBlocked) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  #onIdle(): boolean {
    const [first] = [...this.#waiting].flatMap(({ effect }) => effect ?? []);
    if (first === undefined || this.#isAsking || this.#open(true).length === 0) return false;
    this.#isAsking = true;
    const done = this.#session.busy.work();
    void this.#showed(first, done)
      .catch(() => {}) // interrupted: who waits hears of that
      .finally(() => {
        this.#isAsking = false;
      });
    return true;
  }

  /** Shows a person what was left out, and goes on where that is accepted. */
  async #showed(coming: Coming | undefined, begun: () => void = () => {}): Promise<void> {
    const { asks, life } = this.#session;
    let question: Question;
    try {
      const word = await this.#saidBefore();
      if (word !== undefined) return this.#session.interrupt(this.#error(word.kind === 'refused' ? word.reason : undefined));
      await this.#forgive();
      if (this.#open(coming !== undefined).length === 0) return;
      question = await this.#question(coming);
    } finally {
      begun();
    }
    const replied = await asks.ask(question, life);
    const isAccepted = replied.kind === 'answered' && outcomeOf(replied.value) === 'go on';
    if (!isAccepted) return this.#session.interrupt(this.#error(replied.kind === 'refused' ? replied.reason : undefined));
    this.#pending.clear();
    this.#look();
  }

  /**
   * What was said since to a question that an earlier entry left open counts, though this entry may want something else again. A
   * reply that stops the run, if there is one.
   */
  async #saidBefore(): Promise<Replied | undefined> {
    const { run, asks } = this.#session;
    for (const { event } of await this.#session.recall(rootAsker(run))) {
      if (event.kind !== 'ask.opened' || event.of !== 'diverged') continue;
      const said = await asks.saidToLeft(event.ask);
      if (said !== undefined && !(said.kind === 'answered' && outcomeOf(said.value) === 'go on')) return said;
    }
    return undefined;
  }

  /** What a person accepted in an earlier entry is not shown again. */
  async #forgive(): Promise<void> {
    const { run } = this.#session;
    const shown = new Map<string, Json>();
    for (const { event } of await this.#session.recall(rootAsker(run))) {
      if (event.kind === 'ask.opened' && event.of === 'diverged') shown.set(event.ask, event.about);
      if (event.kind !== 'ask.answered' || outcomeOf(event.value) !== 'go on') continue;
      const keys = new Set(keysIn(shown.get(event.ask)));
      for (const [call, effects] of this.#pending) if (effects.every(({ key }) => keys.has(key))) this.#pending.delete(call);
    }
    this.#look();
  }

  async #question(coming: Coming | undefined): Promise<Question> {
    const open = this.#open(coming !== undefined);
    const [begun, confirmed] = [open.filter(({ times }) => times > 0), open.filter(({ times }) => times === 0)];
    const done = [...named('did', begun), ...named('was yet to do', confirmed)].join(' and ');
    const instead =
      coming === undefined
        ? 'ended without asking for that again'
        : `does not ask for that again and wants to call '${coming.tool}' of '${coming.path}'${open.some((one) => one.tool === coming.tool && one.path === coming.path) ? ' with other arguments' : ''}`;
    return {
      of: 'diverged',
      place: rootAsker(this.#session.run),
      calls: [],
      path: coming?.path ?? '',
      question: `An earlier entry of this run ${done} and this one ${instead}. An edit may be why, or code that reads a clock or chance without ctx. Is that meant, and may it go on?`,
      about: {
        committed: begun.map(shownOf),
        ...(confirmed.length === 0 ? {} : { confirmed: confirmed.map(shownOf) }),
        ...(coming === undefined ? {} : { wants: { tool: coming.tool, args: coming.args, path: coming.path } }),
      },
      form: DIVERGED_FORM,
      nth: await this.#stops(),
    };
  }

  /** How often it was stopped for this before: an entry after that asks anew. */
  async #stops(): Promise<number> {
    const before = this.#session.inherited?.lastSeq ?? -1;
    const entries = await this.#session.recall(rootAsker(this.#session.run));
    return entries.filter(({ seq, event }) => seq <= before && event.kind === 'ask.answered' && outcomeOf(event.value) === 'stop').length;
  }

  #error(reason: string | undefined): AmdahlError {
    const open = this.#open(false);
    const paths = open.map(({ tool, path, times }) => `'${tool}' of '${path}'${times > 0 ? '' : ' (confirmed, not begun)'}`);
    const why = reason === undefined ? '' : ` It was stopped: ${reason}`;
    return new AmdahlError(
      'DIVERGED',
      `The run '${this.#session.run}' went another way than the entry before it, which had done ${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ', …' : ''}.${why} Nothing new was done. Look for what its code reads from the world without ctx, or undo the edit; then resume.`,
      { data: { committed: paths.length } },
    );
  }
}

const NONE: readonly EffectRecord[] = [];

const DIVERGED_FORM: Json = {
  type: 'object',
  properties: { outcome: { enum: ['go on', 'stop'] } },
  required: ['outcome'],
  additionalProperties: false,
};

/** What was begun, in the order of doing, before what was only confirmed. */
function byTurn(a: EffectRecord, b: EffectRecord): number {
  return Number(a.order < 0) - Number(b.order < 0) || a.order - b.order;
}

function named(verb: string, effects: readonly EffectRecord[]): readonly string[] {
  const [first] = effects;
  if (first === undefined) return [];
  const one = `'${first.tool}' of '${first.path}'`;
  return [effects.length === 1 ? `${verb} ${one}` : `${verb} ${effects.length} effects, the first ${one},`];
}

function shownOf({ tool, sent, args, path, key }: EffectRecord): Json {
  return { tool, args: sent ?? args, path, key };
}

/** The call that must be asked again for an effect: who confirmed it, else whom it serves. */
function callOf({ confirmedBy, calls: [call] }: EffectRecord): Place | undefined {
  return confirmedBy ?? call;
}

function isOver({ state }: EffectRecord): boolean {
  return state === 'discarded' || state === 'undone';
}

function outcomeOf(value: Json): Json | undefined {
  return fieldsOf(value).get('outcome');
}

function keysIn(about: Json = null): readonly Json[] {
  const lists = [fieldsOf(about).get('committed'), fieldsOf(about).get('confirmed')];
  return lists.flatMap((list) => (Array.isArray(list) ? list.flatMap((one: Json) => fieldsOf(one).get('key') ?? []) : []));
}

function fieldsOf(value: Json): ReadonlyMap<string, Json> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries<Json>(value) : []);
}
