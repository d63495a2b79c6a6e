// What became of a run's questions to people: one fold of its ask events, by id. Trees and reports read it.
//
// An ask is open until it is answered, refused, expired or withdrawn. One that was forgotten with its call, or withdrawn, may be
// opened again under the same id: then only the last time counts.

import type { Json } from '../agent/canonical.ts';
import type { Event } from './event.ts';
import type { AskId, Place } from './ids.ts';
import type { AskKind } from './worldEvent.ts';

type AskState = 'open' | 'answered' | 'refused' | 'expired' | 'withdrawn';

/** One question to a person, as far as it got. Times in epoch ms. */
export interface AskRecord {
  readonly ask: AskId;
  readonly of: AskKind;
  readonly place: Place;
  /** The call it stops and all above, innermost first; empty where it stops the run itself. */
  readonly calls: readonly Place[];
  readonly path: string;
  readonly question: string;
  readonly about: Json;
  /** JSON Schema of an answer; any text where there is none. */
  readonly form?: Json;
  readonly state: AskState;
  readonly openedAt: number;
  readonly expiresAt?: number;
  /** When it was answered, refused, given up or withdrawn. */
  readonly closedAt?: number;
  readonly value?: Json;
  readonly by?: string;
  /** Why it was refused or withdrawn. */
  readonly why?: string;
}

/** Asks by id, in the order in which they were opened. */
export class AskLedger {
  readonly #byId = new Map<AskId, AskRecord>();

  /** O(1). What is no ask's event changes nothing. */
  take(event: Event): void {
    switch (event.kind) {
      case 'ask.opened': {
        const { kind: _, at, ...opened } = event;
        this.#byId.set(event.ask, { ...opened, state: 'open', openedAt: at });
        break;
      }
      case 'ask.answered':
        this.#close(event, { state: 'answered', value: event.value, ...(event.by === undefined ? {} : { by: event.by }) });
        break;
      case 'ask.refused':
        this.#close(event, { state: 'refused', why: event.reason, ...(event.by === undefined ? {} : { by: event.by }) });
        break;
      case 'ask.expired':
        this.#close(event, { state: 'expired' });
        break;
      case 'ask.withdrawn':
        this.#close(event, { state: 'withdrawn', why: event.why });
        break;
      default:
        break;
    }
  }

  get(ask: AskId): AskRecord | undefined {
    return this.#byId.get(ask);
  }

  /** O(asks). */
  all(): readonly AskRecord[] {
    return [...this.#byId.values()];
  }

  #close({ ask, at }: { readonly ask: AskId; readonly at: number }, change: Partial<AskRecord>): void {
    const before = this.#byId.get(ask);
    if (before !== undefined) this.#byId.set(ask, { ...before, ...change, closedAt: at });
  }
}
