// Re-entering a run: what earlier entries left behind, and what a resume forgets (design §2). Reads the journal once
// in pages for the sums, and place by place for the chain of causes. Called by run.ts before the root is asked.

import { AmdahlError } from '../agent/errors.ts';
import { addToBill, emptyBill, type OpenBill } from '../journal/bill.ts';
import type { Budget } from '../agent/budget.ts';
import type { AskId, Event, EventOf, Gap, Happening, Json, ModelEvent, Place, ProgramRef, RunId, StreamMode } from '../journal/event.ts';
import { Effects } from '../journal/effects.ts';
import type { Journal } from '../journal/journal.ts';
import { type OpenRequest, OpenRequests } from '../journal/openRequests.ts';
import { wasTurnedAway } from '../model/sending.ts';
import type { Spent } from './account.ts';
import { rootAsker } from './place.ts';
import { Raises } from './raise.ts';
import { foldCall } from './recorded.ts';

/** What earlier entries left behind, besides what is looked up place by place. */
export interface Inherited {
  /** The last event's seq. */
  readonly lastSeq: number;
  /** How many entries there were. */
  readonly entries: number;
  /** When somebody worked on the run: [from, to] in epoch ms, in order. */
  readonly spans: readonly (readonly [number, number])[];
  /** What each call with a budget has spent. */
  readonly spent: Map<Place, Spent>;
  /** What became of the run's effects; the entry goes on folding its own into it. */
  readonly effects: Effects;
  /** What people gave to budgets. */
  readonly raises: Raises;
  /** Asks that nobody answered, and where. */
  readonly openAsks: ReadonlyMap<AskId, Place>;
  /** The seq of the last event that says that the run failed; -1 where none does. */
  readonly failedSeq: number;
}

/** A run's past. */
export interface Past {
  readonly agent: string;
  readonly input: Json;
  readonly inputHash: string;
  readonly budget: Budget | undefined;
  readonly program: ProgramRef | undefined;
  readonly stream: StreamMode | undefined;
  readonly speaker: string | undefined;
  readonly scope: string | undefined;
  readonly subject: Json | undefined;
  readonly rerun: RunId | undefined;
  readonly bill: OpenBill;
  readonly inherited: Inherited;
  readonly activeMs: number;
  /** How the last entry ended, if it did. */
  readonly ended: 'succeeded' | 'failed' | 'cancelled' | undefined;
  readonly missing: readonly Gap[];
}

/** What a request reserved that has no answer yet. */
interface OpenReservation extends OpenRequest {
  readonly accounts: readonly Place[];
  readonly tokens: number;
  readonly usdMicros: number;
}

type Started = {
  -readonly [K in 'agent' | 'input' | 'inputHash' | 'budget' | 'program' | 'stream' | 'speaker' | 'scope' | 'subject' | 'rerun']: Past[K];
};

interface Draft {
  /** Where the run's own budget is booked. */
  readonly root: Place;
  started: Started | undefined;
  readonly bill: OpenBill;
  readonly spans: [number, number][];
  readonly spent: Map<Place, Spent>;
  readonly reserved: OpenRequests<OpenReservation>;
  readonly effects: Effects;
  readonly raises: Raises;
  readonly openAsks: Map<AskId, Place>;
  entries: number;
  failedSeq: number;
  /** Nobody works on it until the next event. */
  isParked: boolean;
  lastSeq: number;
  ended: Past['ended'];
  missing: readonly Gap[];
}

/** Everything a re-entry must know beforehand. O(journal), read in pages; memory O(calls with budgets + effects). */
export async function readPast(journal: Journal, run: RunId): Promise<Past> {
  const draft: Draft = {
    root: rootAsker(run),
    started: undefined,
    bill: emptyBill(),
    spans: [],
    spent: new Map(),
    reserved: new OpenRequests(),
    effects: new Effects(),
    raises: new Raises(rootAsker(run)),
    openAsks: new Map(),
    entries: 0,
    failedSeq: -1,
    isParked: false,
    lastSeq: -1,
    ended: undefined,
    missing: [],
  };
  for await (const { seq, event } of journal.read(run)) {
    draft.lastSeq = seq;
    addToBill(draft.bill, event);
    draft.effects.take(event);
    draft.raises.take(event);
    work(draft, event);
    absorb(draft, event);
  }
  const { started } = draft;
  if (started === undefined)
    throw new AmdahlError('JOURNAL_DAMAGED', `The run '${run}' has events but no beginning. Start a new run with another id.`);
  return {
    ...started,
    bill: draft.bill,
    inherited: draft,
    activeMs: draft.spans.reduce((sum, [from, to]) => sum + to - from, 0),
    ended: draft.ended,
    missing: draft.missing,
  };
}

/** Books the time up to an event as worked, unless the run was parked. */
function work(draft: Draft, event: Event): void {
  // Retractions come before the entry that they are for.
  if (event.kind === 'run.resumed' || event.kind === 'call.retracted') return;
  const span = draft.spans.at(-1);
  if (draft.isParked) draft.spans.push([event.at, event.at]);
  else if (span !== undefined) span[1] = Math.max(span[1], event.at);
  draft.isParked = event.kind === 'run.parked';
}

function absorb(draft: Draft, event: Happening & { readonly at: number }): void {
  switch (event.kind) {
    case 'run.started':
    case 'run.resumed':
      enterAgain(draft, event);
      break;
    case 'run.succeeded':
      draft.ended = 'succeeded';
      draft.missing = event.missing;
      break;
    case 'run.failed':
    case 'run.cancelled':
      draft.ended = event.kind === 'run.failed' ? 'failed' : 'cancelled';
      if (event.kind === 'run.failed') draft.failedSeq = draft.lastSeq;
      break;
    case 'ask.opened':
      draft.openAsks.set(event.ask, event.place);
      break;
    case 'ask.answered':
    case 'ask.refused':
    case 'ask.expired':
    case 'ask.withdrawn':
      draft.openAsks.delete(event.ask);
      break;
    case 'model.requested':
    case 'model.responded':
    case 'model.failed':
      spend(draft, event);
      break;
    case 'call.retracted':
      // A forgotten call starts with its own budget full; those above it go on.
      draft.spent.delete(event.place);
      break;
    default:
      break; // looked up place by place
  }
}

/** What an entry says of the run; the newest counts. */
function enterAgain(draft: Draft, event: EventOf<'run.started'> | EventOf<'run.resumed'>): void {
  draft.spans.push([event.at, event.at]);
  draft.entries += 1;
  draft.isParked = false;
  draft.ended = undefined;
  // What the entry before left open stays spent: nobody will answer it any more.
  draft.reserved.clear();
  const { budget, program, stream, speaker } = event;
  if (event.kind === 'run.started') {
    const { agent, input, inputHash, scope, subject, rerun } = event;
    draft.started = { agent, input, inputHash, budget, program, stream, speaker, scope, subject, rerun };
    return;
  }
  const { started } = draft;
  if (started === undefined) return;
  if (budget !== undefined) started.budget = { ...started.budget, ...budget };
  started.program = program ?? started.program;
  started.stream = stream ?? started.stream;
  started.speaker = speaker ?? started.speaker;
}

/** Books what requests reserved, then what their answers really took: a reservation left by a crash stays spent. */
function spend(draft: Draft, event: Extract<Event, { kind: ModelEvent['kind'] }>): void {
  if (event.kind === 'model.requested') {
    const tokens = event.reservedTokensIn + event.reservedTokensOut;
    const usdMicros = event.reservedUsdMicros ?? 0;
    // A run may get its budget with a later entry: what was spent until then counts.
    const accounts = event.accounts.includes(draft.root) ? event.accounts : [...event.accounts, draft.root];
    draft.reserved.add(event.place, { turn: event.turn, hedge: event.hedge === true, accounts, tokens, usdMicros });
    for (const place of accounts) book(draft, place, 1, tokens, usdMicros);
    return;
  }
  const open = draft.reserved.take(event);
  if (open === undefined) return;
  const tokens = event.usage.tokensIn + event.usage.tokensOut - open.tokens;
  const calls = event.kind === 'model.failed' && (event.unsent === true || wasTurnedAway(event)) ? -1 : 0;
  for (const place of open.accounts) book(draft, place, calls, tokens, (event.usdMicros ?? 0) - open.usdMicros);
}

function book(draft: Draft, place: Place, calls: number, tokens: number, usdMicros: number): void {
  const spent = draft.spent.get(place) ?? { calls: 0, tokens: 0, usdMicros: 0 };
  spent.calls += calls;
  spent.tokens += tokens;
  spent.usdMicros += usdMicros;
  draft.spent.set(place, spent);
}

/**
 * The places whose failures a resume forgets: the chain of causes of a failed run, the gaps of a partial one, and the
 * chains of what is retried. Follows what was retracted already, so that a resume cut off half-way is finished by the next.
 */
export async function forgotten(journal: Journal, run: RunId, root: Place, past: Past, retry: readonly Place[]): Promise<readonly Place[]> {
  const queue: Place[] = past.ended === 'failed' ? [root] : past.ended === 'succeeded' ? past.missing.map((gap) => gap.place) : [];
  queue.push(...retry);
  const seen = new Set<Place>();
  const forget: Place[] = [];
  for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const { outcome, last } = foldCall(await journal.at(run, place));
    if (last?.kind !== 'failed') continue;
    if (outcome !== undefined && !retry.includes(place)) forget.push(place);
    queue.push(...last.causes);
  }
  return forget;
}
