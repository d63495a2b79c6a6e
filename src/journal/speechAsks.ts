// What people are asked while a run speaks, and what is done to the world where they said yes: the part of speech.ts that folds
// the events of asks and effects.
//
// F3 a tool whose effect a person must approve of has no result before it is done: until then only the question stands.

import { AskLedger, type AskRecord } from './askLedger.ts';
import { Effects } from './effects.ts';
import type { AskId, Event, EventOf, Json, Place } from './event.ts';
import type { AskSpeech, Told, ToolWorld, Turn } from './speechPart.ts';

/** What somebody must approve of. `at`: where its effect was staged. */
export interface Approval {
  readonly tool: string;
  readonly args: Json;
  readonly at: Place | undefined;
}

export class SpeechAsks {
  readonly #effects = new Effects();
  readonly #asks = new AskLedger();
  /** The keys of effects by where they were last staged or begun. */
  readonly #keys = new Map<Place, string>();
  /** The newest approval, by the tool call's place and by the effect's key. */
  readonly #approvals = new Map<string, AskId>();
  /** Those of no tool call of the speaker, each with the turn after which it was asked. */
  readonly #loose = new Map<AskId, Turn | undefined>();

  /** Takes an event of an effect or an ask. Whether it may have changed what is shown. O(1). */
  take(event: Event): boolean {
    switch (event.kind) {
      case 'effect.staged':
      case 'effect.committing':
        this.#effects.take(event);
        this.#keys.set(event.place, event.key);
        return true;
      case 'effect.committed':
      case 'effect.uncertain':
      case 'effect.discarded':
      case 'effect.undone':
        this.#effects.take(event);
        return true;
      case 'ask.answered':
      case 'ask.refused':
      case 'ask.expired':
      case 'ask.withdrawn':
        this.#asks.take(event);
        return true;
      default:
        return false;
    }
  }

  /** `toolOf`: the tool call of the speaker that an approval is of. `after`: the newest turn. */
  open(event: EventOf<'ask.opened'>, toolOf: (approval: Approval) => Place | undefined, after: Turn | undefined): boolean {
    const { ask: id, of, about } = event;
    this.#asks.take(event);
    const { key, tool, args = null } = of === 'approval' ? fieldsOf(about) : {};
    const known = typeof key === 'string' ? this.#effects.get(key) : undefined;
    const place = typeof tool === 'string' ? toolOf({ tool, args, at: known?.place }) : undefined;
    if (place === undefined) this.#loose.set(id, after);
    else for (const name of [place, ...(typeof key === 'string' ? [key] : [])]) this.#approvals.set(name, id);
    return true;
  }

  /** Whether the tool call at a place waits for a yes, or has had an answer. */
  isAsked(place: Place): boolean {
    return this.#approvals.has(place);
  }

  /** What the world makes of a tool call of the speaker. */
  readonly toolAt = (place: Place, told: Told | undefined): ToolWorld => {
    const key = this.#keys.get(place);
    const effect = key === undefined ? undefined : this.#effects.get(key);
    const ask = (key === undefined ? undefined : this.#approvals.get(key)) ?? this.#approvals.get(place);
    const approval = ask === undefined ? undefined : this.#asks.get(ask);
    const asked = approval === undefined ? {} : { approval };
    if (effect?.effect !== 'staged') return { came: told, ...asked };
    const came = this.#cameOf(effect.key);
    if (came !== undefined || effect.approve !== true) return { came: came ?? told, ...asked };
    return { came: undefined, ...asked, ...(told !== undefined && 'result' in told ? { receipt: told.result } : {}) };
  };

  /** Those of no tool call of the speaker, by the turn after which they were asked; undefined where it does not stand. O(those). */
  byTurn(stands: ReadonlySet<Turn>): ReadonlyMap<Turn | undefined, readonly AskSpeech[]> {
    const found = new Map<Turn | undefined, AskSpeech[]>();
    for (const [id, after] of this.#loose) {
      const ask = this.#asks.get(id);
      const turn = after !== undefined && stands.has(after) ? after : undefined;
      if (ask === undefined) continue;
      const there = found.get(turn);
      if (there === undefined) found.set(turn, [this.#part(ask)]);
      else there.push(this.#part(ask));
    }
    return found;
  }

  #part(ask: AskRecord): AskSpeech {
    const { key } = ask.of === 'approval' ? fieldsOf(ask.about) : {};
    const came = typeof key === 'string' ? this.#cameOf(key) : undefined;
    return { type: 'ask', agent: agentIn(ask.path), ask, ...(came === undefined ? {} : { came }) };
  }

  /** What was done; undefined while it may still be. */
  #cameOf(key: string): Told | undefined {
    const effect = this.#effects.get(key);
    switch (effect?.state) {
      case 'committed':
        return { result: effect.result ?? null };
      case 'discarded':
        return { error: `It was not done: ${effect.why ?? 'it was discarded'}` };
      case 'undone':
        return { error: 'It was undone.' };
      default:
        return undefined;
    }
  }
}

/** Approvals are about a tool, its arguments and its key. */
function fieldsOf(about: Json): { readonly [field: string]: Json } {
  return typeof about === 'object' && about !== null && !Array.isArray(about) ? (about as { readonly [field: string]: Json }) : {}; // an object of JSON
}

/** The last name of a path such as `sweep[3]/review#1`. */
function agentIn(path: string): string {
  return /[^/]*$/.exec(path)?.[0].replace(/[[#~].*$/s, '') ?? path;
}
