// What became of a run's effects: one fold of its events, by key. A run that is entered again begins with it, and goes on
// folding what it does itself; trees, results and reports read it.
//
// I5 per key: staged → discarded | committing → committed | uncertain → committed | discarded, committed → undone;
//    discarded → staged in a later attempt. An immediate one begins with committing, which goes to discarded too: then its
//    call was over before it could start.

import type { Json } from '../agent/canonical.ts';
import type { ErrorRecord } from '../agent/errors.ts';
import type { Place } from './ids.ts';
import type { Happening } from './event.ts';
import type { EffectEvent } from './worldEvent.ts';

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
  /** How often it was begun, over all entries. */
  readonly times: number;
  /** When it was last begun, counting all beginnings; -1 where it never was. */
  readonly order: number;
  /** The call that confirmed it, which commits it. */
  readonly confirmedBy?: Place;
  readonly receipt?: string;
  readonly approve?: true;
  /** What its contract made of `args` when it was staged, where that is something else and a person must approve of it. */
  readonly contracted?: Json;
  readonly staleAt?: number;
  /** As it was called: receipts are replaced. */
  readonly sent?: Json;
  readonly result?: Json;
  /** What it threw. */
  readonly error?: ErrorRecord;
  /** Why it was discarded. */
  readonly why?: string;
  readonly how?: 'verified' | 'person';
  /** It is not known what became of it, and who retried its call said that it was not done: it may be begun again. */
  readonly notDone?: true;
  /** What is above its call is refused, so that it is undone next. */
  readonly doomed?: true;
}

const RECEIPT_BEGINS = '[receipt:';

/** Effects by key, in the order in which they were first staged or begun. */
export class Effects {
  readonly #byKey = new Map<string, EffectRecord>();
  /** Keys of all that serves a call or a call below it. */
  readonly #byCall = new Map<Place, Set<string>>();
  /** Keys by what their receipts show of them. */
  readonly #byReceipt = new Map<string, string>();
  /** What was undone, by where it was staged: staged there once more, its receipt stands for that. */
  readonly #undone = new Map<Place, string[]>();
  #begun = 0;

  /** O(1). What says nothing of an effect changes nothing. */
  take(event: Happening): void {
    switch (event.kind) {
      case 'effect.staged':
      case 'effect.committing':
        this.#put(event);
        break;
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
        this.#replace(event.place, event.key);
        break;
      case 'attempt.rejected':
        if (event.why === 'undone')
          for (const effect of this.below(event.place)) if (mayStand(effect)) this.#change(effect.key, { doomed: true });
        break;
      case 'call.confirmed':
        for (const key of event.effects) this.#change(key, { confirmedBy: event.place });
        break;
      case 'call.retracted':
        if (event.why === 'retried')
          for (const { key, state, calls } of this.below(event.place))
            if (calls[0] === event.place && (state === 'committing' || state === 'uncertain')) this.#change(key, { notDone: true });
        break;
      default:
        break;
    }
  }

  get(key: string): EffectRecord | undefined {
    return this.#byKey.get(key);
  }

  /** The effect of a receipt that shows this much of its key. */
  ofReceipt(short: string): EffectRecord | undefined {
    return this.get(this.#byReceipt.get(short) ?? '');
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** O(effects). */
  all(): readonly EffectRecord[] {
    return [...this.#byKey.values()];
  }

  /** Those that serve this call or a call below it, in the order of all(). O(those). */
  below(call: Place): readonly EffectRecord[] {
    const keys = this.#byCall.get(call);
    return keys === undefined ? [] : [...keys].flatMap((key) => this.get(key) ?? []);
  }

  /** Whether anything was ever staged or begun at a call or below it. */
  has(call: Place): boolean {
    return this.#byCall.has(call);
  }

  /** Whether something below a call has begun and may stand: it was neither discarded nor undone. */
  stand(call: Place): boolean {
    for (const key of this.#byCall.get(call) ?? []) if (mayStand(this.get(key))) return true;
    return false;
  }

  #put(event: Extract<EffectEvent, { kind: 'effect.staged' | 'effect.committing' }>): void {
    const { key, place, calls, attempt, path, tool, args } = event;
    const before = this.#byKey.get(key);
    const about = { key, place, calls, attempt, path, tool };
    if (event.kind === 'effect.staged') {
      const { receipt, approve, contracted, staleAt } = event;
      const shorts = [receipt.slice(RECEIPT_BEGINS.length, -1), ...(this.#undone.get(place) ?? [])];
      for (const short of shorts) this.#byReceipt.set(short, key);
      const more = {
        ...(approve === undefined ? {} : { approve }),
        ...(contracted === undefined ? {} : { contracted }),
        ...(staleAt === undefined ? {} : { staleAt }),
      };
      this.#byKey.set(key, { ...about, effect: 'staged', args, state: 'staged', times: before?.times ?? 0, order: -1, receipt, ...more });
    } else {
      const { effect } = event;
      const order = this.#begun;
      this.#begun += 1;
      const times = (before?.times ?? 0) + 1;
      this.#byKey.set(key, { ...about, effect, args, ...staged(before), state: 'committing', times, order, sent: args });
    }
    for (const call of calls) {
      const keys = this.#byCall.get(call);
      if (keys === undefined) this.#byCall.set(call, new Set([key]));
      else keys.add(key);
    }
  }

  #replace(place: Place, key: string): void {
    const receipt = this.get(key)?.receipt;
    if (receipt === undefined) return;
    const shorts = this.#undone.get(place) ?? [];
    this.#undone.set(place, [...shorts, receipt.slice(RECEIPT_BEGINS.length, -1)]);
  }

  #change(key: string, change: Partial<EffectRecord>): void {
    const before = this.#byKey.get(key);
    if (before !== undefined) this.#byKey.set(key, { ...before, ...change });
  }
}

/** Whether an effect has begun and was neither discarded nor undone. Pure. */
export function mayStand(effect: EffectRecord | undefined): boolean {
  return effect?.state === 'committing' || effect?.state === 'committed' || effect?.state === 'uncertain';
}

/** What was said of an effect when it was staged and confirmed stays. */
function staged(before: EffectRecord | undefined): Partial<EffectRecord> {
  if (before === undefined || before.effect === 'immediate') return {};
  const { args, receipt, approve, contracted, staleAt, confirmedBy } = before;
  return {
    args,
    ...(receipt === undefined ? {} : { receipt }),
    ...(approve === undefined ? {} : { approve }),
    ...(contracted === undefined ? {} : { contracted }),
    ...(staleAt === undefined ? {} : { staleAt }),
    ...(confirmedBy === undefined ? {} : { confirmedBy }),
  };
}
