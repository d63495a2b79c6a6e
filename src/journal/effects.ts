// What became of a run's effects: one fold of its effect events, by key. A run that is entered again begins with it, and goes on
// folding what it does itself; trees, results and reports read it.
//
// I5 per key: staged → discarded | committing → committed | uncertain → committed | discarded, committed → undone;
//    discarded → staged in a later attempt.

import type { Json } from '../agent/canonical.ts';
import type { ErrorRecord } from '../agent/errors.ts';
import type { Place } from './ids.ts';
import type { Happening } from './event.ts';

export type EffectState = 'staged' | 'discarded' | 'committing' | 'committed' | 'uncertain' | 'undone';

/** One effect, as far as it got. */
export interface EffectRecord {
  readonly key: string;
  /** Of the tool call or the act that it was last staged or begun at. */
  readonly place: Place;
  /** The call it serves and all above, innermost first. */
  readonly calls: readonly Place[];
  readonly attempt: Place;
  readonly path: string;
  readonly tool: string;
  readonly effect: 'staged' | 'immediate';
  /** As it was staged; of an immediate one, as it was called. */
  readonly args: Json;
  readonly state: EffectState;
  readonly receipt?: string;
  readonly approve?: true;
  readonly staleAt?: number;
  /** As it was called: receipts are replaced. */
  readonly sent?: Json;
  readonly result?: Json;
  /** What it threw. */
  readonly error?: ErrorRecord;
  /** Why it was discarded. */
  readonly why?: string;
  readonly how?: 'verified' | 'person';
}

/** Effects by key, in the order in which they were first staged or begun. */
export class Effects {
  readonly #byKey = new Map<string, EffectRecord>();

  /** O(1). What is no effect's event changes nothing. */
  take(event: Happening): void {
    switch (event.kind) {
      case 'effect.staged': {
        const { kind: _, ...staged } = event;
        this.#byKey.set(event.key, { ...staged, effect: 'staged', state: 'staged' });
        break;
      }
      case 'effect.committing': {
        const before = this.#byKey.get(event.key);
        const { place, calls, attempt, path, tool, key, args, effect } = event;
        this.#byKey.set(key, { place, calls, attempt, path, tool, key, args, effect, ...staged(before), state: 'committing', sent: args });
        break;
      }
      case 'effect.committed': {
        const { result, how } = event;
        this.#change(event.key, {
          state: 'committed',
          ...(result === undefined ? {} : { result }),
          ...(how === undefined ? {} : { how }),
        });
        break;
      }
      case 'effect.uncertain':
        this.#change(event.key, { state: 'uncertain', ...(event.error === undefined ? {} : { error: event.error }) });
        break;
      case 'effect.discarded':
        this.#change(event.key, { state: 'discarded', why: event.why });
        break;
      case 'effect.undone':
        this.#change(event.key, { state: 'undone' });
        break;
      default:
        break;
    }
  }

  get(key: string): EffectRecord | undefined {
    return this.#byKey.get(key);
  }

  /** O(effects). */
  all(): readonly EffectRecord[] {
    return [...this.#byKey.values()];
  }

  #change(key: string, change: Partial<EffectRecord> & Pick<EffectRecord, 'state'>): void {
    const before = this.#byKey.get(key);
    if (before !== undefined) this.#byKey.set(key, { ...before, ...change });
  }
}

/** What was said of an effect when it was staged stays. */
function staged(before: EffectRecord | undefined): Partial<EffectRecord> {
  if (before === undefined || before.effect === 'immediate') return {};
  const { args, receipt, approve, staleAt } = before;
  return {
    args,
    ...(receipt === undefined ? {} : { receipt }),
    ...(approve === undefined ? {} : { approve }),
    ...(staleAt === undefined ? {} : { staleAt }),
  };
}
