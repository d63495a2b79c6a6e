// How a run comes back to who asked for it: with its result, or as an error that knows the run.

import { AmdahlError } from '../agent/errors.ts';
import type { Bill } from '../journal/bill.ts';
import type { Gap, Json, Place, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import type { OpenAsk } from './people.ts';
import type { ResumeReport } from './report.ts';

export interface RunResult<O, M = unknown> {
  readonly id: RunId;
  readonly output: O;
  /** Where the input is a conversation (`input: messages()`): the messages to append to it. Undefined elsewhere. */
  readonly messages: M;
  /** Holes in fan-outs that were allowed to have some. */
  readonly missing: readonly Gap[];
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
  readonly #journal: Journal;

  constructor(
    error: AmdahlError,
    id: RunId,
    bill: Bill,
    journal: Journal,
    status: RunError['status'] = 'failed',
    asks: readonly OpenAsk[] = [],
  ) {
    super(error.code, error.message, error);
    this.id = id;
    this.bill = bill;
    this.status = status;
    this.asks = asks;
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
