// What a run has said so far, folded from its events: the turns of the agent that speaks for it, with their text, tools
// and results, as far as they stand. Whoever shows a run while it goes on folds the same events into the same speech, live
// or later, here or in another process (run/handle.ts).
//
// F1 pure: a speech is a function of the entries taken, in their order.
// F2 what does not stand is not in it: a turn whose sending failed, whose answer was refused or whose entry ended before it
//    was recorded, a refused attempt, a call that failed or was forgotten.

import { canonical } from '../agent/canonical.ts';
import type { ErrorRecord } from '../agent/errors.ts';
import type { AskId, Entry, Event, EventOf, Gap, Json, Place, StreamMode } from './event.ts';
import { type Approval, SpeechAsks } from './speechAsks.ts';
import { partsOf, type SpeechPart, toldIn, type Turn } from './speechPart.ts';

/** How an entry of the run ended. */
export type SpeechEnd =
  | { readonly status: 'succeeded'; readonly output: Json; readonly missing: readonly Gap[] }
  | { readonly status: 'failed'; readonly error: ErrorRecord }
  | { readonly status: 'cancelled'; readonly reason: string };

/** A call of the speaker: the turns of its newest attempt. */
interface Speaking {
  turns: Turn[];
  stands: boolean;
}

export class Speech {
  /** Absent before the run has begun. */
  agent: string | undefined;
  end: SpeechEnd | undefined;
  /** What it waits for, where nothing in it can go on before one of these is answered. */
  parked: readonly AskId[] | undefined;
  /** The raw output of the root, where it is a leaf that has succeeded. */
  rootOutput: { readonly raw: Json } | undefined;
  /** The agent whose text is the run's. */
  speaker: string | undefined;
  #stream: StreamMode | undefined;
  #root: Place | undefined;
  /** In the order in which they began. */
  readonly #calls = new Map<Place, Speaking>();
  readonly #attempts = new Map<Place, Speaking>();
  readonly #tools = new Map<Place, { readonly turn: Turn; readonly id: string; readonly tool: string; readonly args: Json }>();
  readonly #asks = new SpeechAsks();

  /** Takes the next entry. Whether it may have changed what was said, or how the run ended or parked. O(1). */
  take({ event }: Entry): boolean {
    const wasParked = this.parked !== undefined;
    this.parked = event.kind === 'run.parked' ? event.asks : undefined;
    return this.#take(event) || wasParked || this.parked !== undefined;
  }

  #take(event: Event): boolean {
    switch (event.kind) {
      case 'run.started':
      case 'run.resumed':
        return this.#enter(event);
      case 'run.succeeded':
        this.end = { status: 'succeeded', output: event.output, missing: event.missing };
        return true;
      case 'run.failed':
        this.end = { status: 'failed', error: event.error };
        return true;
      case 'run.cancelled':
        this.end = { status: 'cancelled', reason: event.reason };
        return true;
      case 'call.started':
        this.#root ??= event.place;
        if (event.agent !== this.speaker) return false;
        this.#calls.set(event.place, { turns: [], stands: false });
        return false;
      case 'call.confirmed':
        return this.#judge(event.place, true);
      case 'call.succeeded':
        if (event.place === this.#root && event.output !== undefined) this.rootOutput = { raw: event.output };
        return this.#judge(event.place, true);
      case 'attempt.started':
      case 'attempt.rejected':
      case 'call.failed':
      case 'call.retracted':
        return this.#judge(event.place, false);
      case 'attempt.repaired':
        return this.#forget(event.place, event.turn);
      default:
        return this.#hear(event);
    }
  }

  /**
   * What is shown, step by step: a step is a turn, with what people were asked after it beside its tools. Held back: the text of
   * calls that do not stand yet, where the run says so.
   */
  steps(): readonly (readonly SpeechPart[])[] {
    const turns = [...this.#calls.values()].flatMap((speaking) => speaking.turns.map((turn) => ({ turn, stands: speaking.stands })));
    const asks = this.#asks.byTurn(new Set(turns.map(({ turn }) => turn)));
    const ids = new Map<string, number>();
    const steps: (readonly SpeechPart[])[] = [asks.get(undefined) ?? []];
    for (const { turn, stands } of turns) {
      const parts = partsOf(turn, ids, this.#asks.toolAt);
      const shown = stands || this.#stream !== 'confirmed' ? parts : parts.filter((part) => part.type === 'tool');
      steps.push([...shown, ...(asks.get(turn) ?? [])]);
    }
    return steps.filter((parts) => parts.length > 0);
  }

  /** The text of the answer: what the newest turn has said of it. */
  get text(): string {
    const speaking = this.#newest();
    const turn = speaking?.turns.at(-1);
    if (speaking === undefined || turn === undefined || (this.#stream === 'confirmed' && !speaking.stands)) return '';
    return partsOf(turn, new Map(), this.#asks.toolAt)
      .map((part) => (part.type === 'text' ? part.text : ''))
      .join('');
  }

  /** Why the newest turn ended, in the provider's unified words. */
  get finish(): string | undefined {
    return this.#newest()?.turns.at(-1)?.finish;
  }

  /** A new entry withdraws what the one before had not recorded. */
  #enter(event: EventOf<'run.started'> | EventOf<'run.resumed'>): boolean {
    if (event.kind === 'run.started') this.agent = event.agent;
    this.#stream = event.stream ?? this.#stream;
    this.speaker = event.speaker ?? this.speaker;
    // Without a stream nothing is said, but what the root says is told once it is recorded.
    if (event.kind === 'run.started') this.speaker ??= event.agent;
    this.end = undefined;
    for (const speaking of this.#calls.values()) speaking.turns = speaking.turns.filter((turn) => turn.content !== undefined);
    return true;
  }

  #judge(place: Place, stands: boolean): boolean {
    const speaking = this.#calls.get(place);
    if (speaking === undefined) return false;
    speaking.stands = stands;
    if (!stands) speaking.turns = [];
    return true;
  }

  #forget(attempt: Place, nth: number): boolean {
    const speaking = this.#attempts.get(attempt);
    if (speaking === undefined) return false;
    speaking.turns = speaking.turns.filter((turn) => turn.nth !== nth);
    return true;
  }

  #hear(event: Event): boolean {
    switch (event.kind) {
      case 'model.requested':
        return this.#ask(event);
      case 'model.said': {
        const turn = this.#turnOf(event);
        if (turn === undefined) return false;
        const last = turn.said.at(-1);
        if (last?.of === event.of) last.text += event.delta;
        else turn.said.push({ of: event.of, text: event.delta });
        return true;
      }
      case 'model.responded': {
        const turn = this.#turnOf(event);
        if (turn === undefined) return false;
        turn.content = event.content;
        turn.finish = event.finish;
        return true;
      }
      case 'model.failed': {
        const turn = this.#turnOf(event);
        if (turn === undefined || turn.content !== undefined) return false;
        turn.said = [];
        return true;
      }
      case 'tool.called': {
        const turn = this.#calls.get(event.call)?.turns.at(-1);
        turn?.places.set(event.id, event.place);
        if (turn !== undefined) this.#tools.set(event.place, { turn, id: event.id, tool: event.tool, args: event.args });
        return false;
      }
      case 'tool.returned': {
        const called = this.#tools.get(event.place);
        if (called === undefined) return false;
        called.turn.results.set(
          called.id,
          'error' in event ? { error: event.error.message, code: event.error.code } : { result: event.result },
        );
        return true;
      }
      case 'ask.opened':
        return this.#asks.open(event, (approval) => this.#toolOf(event, approval), this.#newest()?.turns.at(-1));
      default:
        return this.#asks.take(event);
    }
  }

  /** A turn begins. What its tools were answered is in what it adds: of agents among them, only there. */
  #ask({ call, place, turn: nth, gated, adds, hedge }: EventOf<'model.requested'>): boolean {
    const speaking = gated === true || hedge === true ? undefined : this.#calls.get(call);
    if (speaking === undefined) return false;
    this.#attempts.set(place, speaking);
    const before = speaking.turns.at(-1);
    if (speaking.turns.some((turn) => turn.attempt === place && turn.nth === nth)) return false;
    if (before !== undefined) for (const [id, told] of toldIn(adds)) if (!before.results.has(id)) before.results.set(id, told);
    speaking.turns.push({ attempt: place, nth, said: [], content: undefined, finish: undefined, places: new Map(), results: new Map() });
    return before !== undefined;
  }

  /** Whose approval it is, of the speaker's tool calls: one that waits for its yes has no event of its effect yet. */
  #toolOf({ calls: [call] }: EventOf<'ask.opened'>, { tool, args, at }: Approval): Place | undefined {
    if (at !== undefined) return this.#tools.has(at) ? at : undefined;
    const places = [...(call === undefined ? [] : (this.#calls.get(call)?.turns.at(-1)?.places.values() ?? []))];
    const given = canonical(args);
    return places.find((place) => {
      const called = this.#tools.get(place);
      return called?.tool === tool && canonical(called.args) === given && !this.#asks.isAsked(place);
    });
  }

  #newest(): Speaking | undefined {
    return [...this.#calls.values()].at(-1);
  }

  #turnOf({ place, turn: nth }: { readonly place: Place; readonly turn: number }): Turn | undefined {
    return this.#attempts.get(place)?.turns.find((turn) => turn.attempt === place && turn.nth === nth);
  }
}
