// How a run comes back to who asked for it: with its result, or as an error that knows the run.

import { AmdahlError } from '../agent/errors.ts';
import type { Bill } from '../journal/bill.ts';
import type { Gap, Json, Place, RunId } from '../journal/event.ts';
import type { EffectRecord, Effects, EffectState } from '../journal/effects.ts';
import type { Journal } from '../journal/journal.ts';
import type { OpenAsk } from './people.ts';
import type { ResumeReport } from './report.ts';

/** What was done to the world, or may have been, or is about to be. */
export interface RunEffect {
  readonly tool: string;
  /** The call that did it, as people read it. */
  readonly call: string;
  readonly key: string;
  /** As it was called: receipts are replaced. */
  readonly args: Json;
  /** What stood for its result, where it was staged. */
  readonly receipt?: string;
  readonly state: Exclude<EffectState, 'discarded'>;
  readonly result?: Json;
}

/** All of a run's effects but those that were discarded, in the order in which they were begun. O(effects). */
export function effectsDone(effects: Effects): readonly RunEffect[] {
  const begun = ({ order }: EffectRecord): number => (order < 0 ? Infinity : order);
  return effects
    .all()
    .toSorted((a, b) => (begun(a) === begun(b) ? 0 : begun(a) - begun(b)))
    .flatMap(({ tool, path: call, key, args, sent, receipt, state, result }) =>
      state === 'discarded'
        ? []
        : [
            {
              tool,
              call,
              key,
              args: sent ?? args,
              ...(receipt === undefined ? {} : { receipt }),
              state,
              ...(result === undefined ? {} : { result }),
            },
          ],
    );
}

export interface RunResult<O, M = unknown> {
  readonly id: RunId;
  readonly output: O;
  /** Where the input is a conversation (`input: messages()`): the messages to append to it. Undefined elsewhere. */
  readonly messages: M;
  /** Holes in fan-outs that were allowed to have some. */
  readonly missing: readonly Gap[];
  /** What it did to the world, over all its entries. */
  readonly effects: readonly RunEffect[];
  readonly bill: Bill;
  /** What this entry did, if the run had begun before. */
  readonly resume?: ResumeReport;
}

/** Why a run failed, was cancelled or is parked, with what it cost and what it achieved. Its code is that of the failure. */
export class RunError extends AmdahlError {
  readonly id: RunId;
  readonly bill: Bill;
  readonly status: 'failed' | 'cancelled' | 'parked';
  /** Of a run that is parked: what it waits for. Else none. */
  readonly asks: readonly OpenAsk[];
  /** What it did to the world although it did not succeed. */
  readonly effects: readonly RunEffect[];
  readonly #journal: Journal;

  constructor(
    error: AmdahlError,
    id: RunId,
    bill: Bill,
    journal: Journal,
    status: RunError['status'] = 'failed',
    asks: readonly OpenAsk[] = [],
    effects: readonly RunEffect[] = [],
  ) {
    super(error.code, error.message, error);
    this.id = id;
    this.bill = bill;
    this.status = status;
    this.asks = asks;
    this.effects = effects;
    this.#journal = journal;
  }

  /** The answers that stand and that a resume will not buy again, in order. Read from the journal. O(journal). */
  async achieved(): Promise<readonly { readonly call: string; readonly output: Json }[]> {
    const paths = new Map<Place, string>();
    const kept = new Map<Place, Json>();
    for await (const { event } of this.#journal.read(this.id, { kinds: ['call.started', 'call.succeeded', 'call.retracted'] })) {
      if (event.kind === 'call.started') paths.set(event.place, event.path);
      if (event.kind === 'call.retracted') kept.delete(event.place);
      if (event.kind === 'call.succeeded' && event.output !== undefined) kept.set(event.place, event.output);
    }
    return [...kept].map(([place, output]) => ({ call: paths.get(place) ?? place, output }));
  }
}
