// Questions to people, asked and answered: one Asks per entry into a run. Whoever needs a person (an agent that is one, an
// approval, an uncertain effect, a spent budget, a divergence) asks here and waits; session.ts makes it, run.ts ends it.
//
// Q1 an ask is known by what it asks exactly: the run, the place, what it is about, and which of equal ones it is.
// Q2 it is durable before anybody is told of it, and its reply before anybody who waits for it is.
// Q3 the first reply stands: a second one, one that comes too late, and one to another question change nothing.
// Q4 an entry that asks again what an earlier one asked opens nothing: it gets the reply, or waits on with the same ask.
// Q5 nobody is left to answer for nothing: an ask that nobody waits for any more is withdrawn, unless the run was interrupted.

import { canonical, hash } from '../agent/canonical.ts';
import type { AskResponse, Reply } from '../journal/ask.ts';
import type { AskId, Entry, EventOf, Happening, Json, Place, RunId } from '../journal/event.ts';
import type { AskKind } from '../journal/worldEvent.ts';
import type { Life } from './life.ts';
import type { Clock } from './ports.ts';

/** What a person is asked. */
export interface Question {
  readonly of: AskKind;
  readonly place: Place;
  /** The call it stops and all above, innermost first; empty where it stops the run itself. */
  readonly calls: readonly Place[];
  readonly path: string;
  /** For people. */
  readonly question: string;
  readonly about: Json;
  /** JSON Schema of an answer; any text where none is given. */
  readonly form?: Json;
  /** Default: limits.askMs. */
  readonly expiresMs?: number;
  /** Tells apart what is otherwise the same question. Default: 0. */
  readonly nth?: number | string;
}

/** What came of a question. */
export type Replied =
  | { readonly kind: 'answered'; readonly value: Json; readonly by?: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly by?: string }
  | { readonly kind: 'expired' };

/** `again`: an earlier entry opened it, and it is still open. */
export interface Opened {
  readonly ask: EventOf<'ask.opened'>;
  readonly again: boolean;
}

/** What asking needs of an entry. */
export interface AskHost {
  readonly run: RunId;
  readonly clock: Clock;
  readonly askMs: number;
  /** Asks that earlier entries left open, and where. */
  readonly leftOpen: ReadonlyMap<AskId, Place>;
  /** The seq of the event with which the last entry ended as failed; -1 where it did not. */
  readonly failedSeq: number;
  /** Of the run itself. */
  readonly life: Life;
  isInterrupted(): boolean;
  check(): void;
  recall(place: Place): Promise<readonly Entry[]>;
  note(happening: Happening): void;
  append(): Promise<void>;
  /** What a journal may hold of a value. */
  clean<T>(value: T): T;
  /** `life` waits and can do nothing else, until what is returned is called. */
  wait(life: Life): () => void;
  /** Something goes on here, until what is returned is called. */
  work(): () => void;
  /** Responses that were accepted and are not journaled yet, looked up anew. */
  accepted(): Promise<readonly AskResponse[]>;
}

/** The identity of a question (Q1). Pure. */
export function askId(run: RunId, { of, place, about, nth = 0 }: Pick<Question, 'of' | 'place' | 'about' | 'nth'>): AskId {
  // Typed in a shell, an id that begins with a dash would be an option.
  return hash(canonical(['ask', run, of, place, nth, hash(canonical(about))])).replace(/^-/, '_') as AskId; // the only place that brands: an AskId is what this makes
}

/** An ask of this entry. 'settling': its reply is noted and not durable yet. */
interface Asked {
  readonly id: AskId;
  readonly place: Place;
  /** Resolves once it is durable that it is open, or what came of it. */
  readonly begun: PromiseWithResolvers<void>;
  readonly reply: PromiseWithResolvers<Replied>;
  readonly releases: Set<() => void>;
  waiting: number;
  state: 'beginning' | 'open' | 'settling' | 'replied' | 'withdrawn';
  opened: EventOf<'ask.opened'> | undefined;
  replied: Replied | undefined;
  disarm: () => void;
}

export class Asks {
  readonly #host: AskHost;
  readonly #asked = new Map<AskId, Asked>();
  /** Said, and not asked for yet in this entry. */
  readonly #said = new Map<AskId, Replied>();
  /** Left open by earlier entries, and not asked again. */
  readonly #left: Map<AskId, Place>;
  /** Withdrawn by this entry, which the journal may not know yet. */
  readonly #withdrawn = new Set<AskId>();
  readonly #listeners = new Set<(opened: Opened) => void>();
  #accepted: Promise<void> | undefined;

  constructor(host: AskHost) {
    this.#host = host;
    this.#left = new Map(host.leftOpen);
  }

  /**
   * What a person says. Rejects with the end of `life`, which withdraws the ask where nobody else waits for it, or with why the
   * run was interrupted, which leaves it open.
   */
  async ask(question: Question, life: Life = this.#host.life): Promise<Replied> {
    this.#host.check();
    life.check();
    const asked = this.#known({ ...question, about: this.#host.clean(question.about) });
    asked.waiting += 1;
    let release: (() => void) | undefined;
    try {
      await life.race(asked.begun.promise);
      if (asked.replied !== undefined) return asked.replied;
      release = this.#host.wait(life);
      asked.releases.add(release);
      return await life.race(asked.reply.promise);
    } finally {
      if (release !== undefined && asked.releases.delete(release)) release();
      asked.waiting -= 1;
      if (asked.waiting === 0) this.#leave(asked, life);
    }
  }

  /** Those that are open and waited for, in the order in which they were asked. */
  get open(): readonly EventOf<'ask.opened'>[] {
    return [...this.#asked.values()].flatMap(({ state, opened }) => (state === 'open' && opened !== undefined ? [opened] : []));
  }

  /** Told of each ask once it is durably open, and of one from an earlier entry when it is asked again. */
  onOpened(listener: (opened: Opened) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A response that the journal accepted. */
  hear(ask: AskId, reply: Reply): void {
    const replied = repliedBy(reply);
    const asked = this.#asked.get(ask);
    if (asked === undefined || asked.state === 'beginning') this.#said.set(ask, replied);
    else if (asked.state === 'open') void this.#settle(asked, replied).catch(() => {}); // interrupted: who waits hears of that
  }

  /** What is to be said of asks that are open when the run ends, in the same append. What was said to one is kept for a resume. */
  async close(): Promise<readonly Happening[]> {
    for (const { id, place, state, disarm } of this.#asked.values()) {
      disarm();
      if (state === 'open') this.#left.set(id, place);
    }
    if (this.#left.size === 0) return [];
    await this.#lookUpAccepted().catch(() => {}); // a journal that fails says so when the end is recorded
    return this.#overLeft('The run ended without it.');
  }

  /**
   * To be called where the run can go no further: what earlier entries left open and this one did not come to is asked no more, so
   * that nobody answers for nothing and nobody takes the run up for it. What was said to one is kept. Noted, for the next append.
   */
  async dropUnasked(): Promise<void> {
    if (this.#left.size === 0) return;
    await this.#lookUpAccepted();
    if ([...this.#asked.values()].some(({ state }) => state === 'beginning')) return; // it may be one of them
    for (const over of this.#overLeft('The run came as far as it can without asking it again.')) this.#host.note(over);
  }

  /** What was said to an ask that an earlier entry left open and this one would put in other words: its reply from now on. */
  async saidToLeft(id: AskId): Promise<Replied | undefined> {
    const place = this.#left.get(id);
    if (place === undefined) return undefined;
    await this.#lookUpAccepted();
    const said = this.#said.get(id);
    if (said === undefined || !this.#left.delete(id)) return undefined;
    this.#host.note(outcomeOf({ place, id }, this.#host.clean(said)));
    await this.#host.append();
    return said;
  }

  async #lookUpAccepted(): Promise<void> {
    for (const { ask, response } of await this.#host.accepted()) if (this.#left.has(ask)) this.#said.set(ask, repliedBy(response));
  }

  #overLeft(why: string): readonly Happening[] {
    const left = [...this.#left].map(([id, place]): Happening => {
      const replied = this.#said.get(id);
      if (replied !== undefined) return outcomeOf({ place, id }, this.#host.clean(replied));
      this.#withdrawn.add(id);
      return { kind: 'ask.withdrawn', place, ask: id, why };
    });
    this.#left.clear();
    return left;
  }

  #known(question: Question): Asked {
    const id = askId(this.#host.run, question);
    const known = this.#asked.get(id);
    if (known !== undefined) return known;
    const asked: Asked = {
      id,
      place: question.place,
      begun: Promise.withResolvers(),
      reply: Promise.withResolvers(),
      releases: new Set(),
      waiting: 0,
      state: 'beginning',
      opened: undefined,
      replied: undefined,
      disarm: () => {},
    };
    this.#asked.set(id, asked);
    asked.begun.promise.catch(() => {}); // who asked may have gone
    this.#begin(asked, question).then(asked.begun.resolve, asked.begun.reject);
    return asked;
  }

  /** Finds what is on record, or opens it. */
  async #begin(asked: Asked, question: Question): Promise<void> {
    const { id } = asked;
    const host = this.#host;
    const recorded = await this.#recorded(question, id);
    await this.#hearAccepted();
    host.check();
    if (asked.state === 'withdrawn') return;
    this.#left.delete(id);
    if (recorded.kind === 'replied') {
      asked.state = 'replied';
      asked.replied = recorded.replied;
      return;
    }
    const opened = recorded.kind === 'open' ? recorded.opened : this.#openedBy(question, id);
    asked.opened = opened;
    asked.state = 'open';
    if (recorded.kind === 'none') {
      this.#withdrawn.delete(id);
      host.note(opened);
      await host.append();
    }
    const said = this.#said.get(id);
    this.#said.delete(id);
    if (said !== undefined) await this.#settle(asked, said);
    if (asked.state !== 'open') return;
    this.#arm(asked, opened);
    for (const listener of this.#listeners) listener({ ask: opened, again: recorded.kind === 'open' });
  }

  #openedBy({ of, place, calls, path, question, about, form, expiresMs }: Question, ask: AskId): EventOf<'ask.opened'> {
    const { clock, askMs } = this.#host;
    const expiresAt = clock.now() + (expiresMs ?? askMs);
    const answers = form === undefined ? {} : { form };
    return { kind: 'ask.opened', place, ask, of, calls, path, question, about, ...answers, expiresAt, at: clock.now() };
  }

  /** What the journal says of it, unless the call that it stopped was forgotten since: then it is asked anew. */
  async #recorded({ place, calls: [call] }: Question, id: AskId): Promise<RecordedAsk> {
    const host = this.#host;
    if (this.#withdrawn.has(id)) return { kind: 'none' };
    const recorded = foldAsk(await host.recall(place), id);
    if (recorded.kind !== 'replied') return recorded;
    const answered = recorded.replied.kind === 'answered';
    if (call === undefined) return answered || recorded.seq > host.failedSeq ? recorded : { kind: 'none' };
    for (const { seq, event } of await host.recall(call)) {
      if (event.kind !== 'call.retracted' || seq < recorded.seq) continue;
      // An answer is forgotten by a retry alone, a refusal also by going on with the run that it failed.
      if (event.why === 'retried' || (event.why === 'resumed' && !answered)) return { kind: 'none' };
    }
    return recorded;
  }

  /** What was said before this entry could hear it: looked up once. */
  #hearAccepted(): Promise<void> {
    return (this.#accepted ??= this.#host.accepted().then((responses) => {
      for (const { ask, response } of responses) this.hear(ask, response);
    }));
  }

  #arm(asked: Asked, { expiresAt }: EventOf<'ask.opened'>): void {
    if (expiresAt === undefined) return;
    const { clock } = this.#host;
    const expire = (): void => void this.#expire(asked).catch(() => {}); // interrupted: who waits hears of that
    asked.disarm = clock.after(Math.max(0, expiresAt - clock.now()), expire, true);
  }

  /** A response that came in time counts, also where it is heard of too late. */
  async #expire(asked: Asked): Promise<void> {
    const accepted = await this.#host.accepted();
    const said = accepted.find(({ ask }) => ask === asked.id);
    await this.#settle(asked, said === undefined ? { kind: 'expired' } : repliedBy(said.response));
  }

  /** Q2, Q3. */
  async #settle(asked: Asked, given: Replied): Promise<void> {
    const host = this.#host;
    if (asked.state !== 'open') return;
    host.check();
    const replied = host.clean(given); // as the journal will say it, so that a resume is told the same
    const done = host.work();
    try {
      asked.state = 'settling';
      asked.disarm();
      host.note(outcomeOf(asked, replied));
      await host.append();
      asked.state = 'replied';
      asked.replied = replied;
      for (const release of asked.releases) release();
      asked.releases.clear();
      asked.reply.resolve(replied);
    } finally {
      done();
    }
  }

  /** Nobody waits for it any more (Q5). */
  #leave(asked: Asked, life: Life): void {
    const { id, place, state } = asked;
    if (state === 'replied' || state === 'settling') return;
    asked.disarm();
    if (this.#host.isInterrupted()) return;
    asked.state = 'withdrawn';
    this.#asked.delete(id);
    if (state !== 'open') return;
    this.#withdrawn.add(id);
    this.#host.note({ kind: 'ask.withdrawn', place, ask: id, why: life.error?.message ?? 'Nobody waits for it any more.' });
  }
}

/** What somebody said, as the run takes it. */
function repliedBy(reply: Reply): Replied {
  const by = reply.by === undefined ? {} : { by: reply.by };
  return reply.kind === 'answer' ? { kind: 'answered', value: reply.value, ...by } : { kind: 'refused', reason: reply.reason, ...by };
}

function outcomeOf({ place, id: ask }: { readonly place: Place; readonly id: AskId }, replied: Replied): Happening {
  switch (replied.kind) {
    case 'answered': {
      const { value, by } = replied;
      return { kind: 'ask.answered', place, ask, value, ...(by === undefined ? {} : { by }) };
    }
    case 'refused': {
      const { reason, by } = replied;
      return { kind: 'ask.refused', place, ask, reason, ...(by === undefined ? {} : { by }) };
    }
    case 'expired':
      return { kind: 'ask.expired', place, ask };
  }
}

type RecordedAsk =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly opened: EventOf<'ask.opened'> }
  | { readonly kind: 'replied'; readonly replied: Replied; readonly seq: number };

/** What became of an ask, from the entries at its place. Pure. */
function foldAsk(entries: readonly Entry[], id: AskId): RecordedAsk {
  let recorded: RecordedAsk = { kind: 'none' };
  for (const { seq, event } of entries) {
    if (!('ask' in event) || event.ask !== id) continue;
    switch (event.kind) {
      case 'ask.opened':
        recorded = { kind: 'open', opened: event };
        break;
      case 'ask.answered':
      case 'ask.refused':
      case 'ask.expired':
        recorded = { kind: 'replied', replied: repliedOf(event), seq };
        break;
      case 'ask.withdrawn':
        recorded = { kind: 'none' };
        break;
      case 'ask.told':
        break;
    }
  }
  return recorded;
}

function repliedOf(event: EventOf<'ask.answered'> | EventOf<'ask.refused'> | EventOf<'ask.expired'>): Replied {
  switch (event.kind) {
    case 'ask.answered': {
      const { value, by } = event;
      return { kind: 'answered', value, ...(by === undefined ? {} : { by }) };
    }
    case 'ask.refused': {
      const { reason, by } = event;
      return { kind: 'refused', reason, ...(by === undefined ? {} : { by }) };
    }
    case 'ask.expired':
      return { kind: 'expired' };
  }
}
