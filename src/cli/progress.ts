// How far a run is: a fold over its events, without a clock and without a terminal. Called by run and resume for
// every event; progressText.ts says it in words.
//
// P1 What the widest fan-out is counts: an item is done when the call its branch asked for has ended.
// P2 A resumed run's earlier events are folded first, so what was already done is done from the start.
// P3 A call counts once, under its present outcome: leaves when they end, composites only when they fail by themselves.
// P4 Nothing runs at the start of an entry: whatever an earlier one left open is seen running when it is touched.

import type { ErrorRecord } from '../agent/errors.ts';
import { hitOf } from '../compose/incidents.ts';
import { AskLedger, type AskRecord } from '../journal/askLedger.ts';
import type { OpenBill } from '../journal/bill.ts';
import { addToBill, emptyBill } from '../journal/bill.ts';
import { type AgentKind, isLeaf } from '../agent/definition.ts';
import { Effects } from '../journal/effects.ts';
import type { Event, EventOf, Place } from '../journal/event.ts';
import { type IncidentNode, incidentIn } from '../journal/incident.ts';
import { addTurnedAway, nobodyTurnedAway, type TurnedAway } from './turnedAway.ts';

/** What a call does that a person stopped. */
export const WAITS_FOR_A_PERSON = 'waits for a person';

/** Shorter waits to ask again are no news. */
const LONG_RETRY_MS = 2_000;

type ItemState = 'running' | 'done' | 'failed';

/** The fan-out the bar is about. `items` by branch: '[3]'. */
export interface Fan {
  readonly path: string;
  readonly width: number;
  readonly items: Map<string, ItemState>;
  done: number;
  failed: number;
}

export interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
  /** The incident it fell to, with others. */
  readonly incident?: string;
}

/** A call that started. `outcome` is absent while it has none that counts. */
export interface Known {
  readonly path: string;
  readonly of: AgentKind;
  readonly composite: boolean;
  outcome?: 'succeeded' | 'failed' | undefined;
}

/** A call that runs now. `doing` is 'asking', a tool's name, or '' between the two. */
export interface Running {
  readonly path: string;
  readonly composite: boolean;
  doing: string;
  /** Whom it asked last. */
  model?: string;
  /** It waits long to ask again: until when, in epoch ms, and after what. */
  again?: { readonly at: number; readonly code: string } | undefined;
}

/** Read with `fractionOf`, `timeLeftMs` and the texts of progressText.ts; changed by `addToProgress` only. */
export interface Progress {
  readonly bill: OpenBill;
  readonly turnedAway: TurnedAway;
  readonly effects: Effects;
  readonly asks: AskLedger;
  readonly calls: Map<Place, Known>;
  /** In the order in which they began. */
  readonly running: Map<Place, Running>;
  /** By attempt, and by tool call: whose they are. */
  readonly askers: Map<Place, Place>;
  readonly models: Set<string>;
  /** By id, each as it was last told. */
  readonly incidents: Map<string, IncidentNode>;
  /** Path of the run's own call. */
  root: string | undefined;
  succeeded: number;
  failed: number;
  fan: Fan | undefined;
  lastFailure: Failure | undefined;
  entry: number;
  entryAt: number;
  lastAt: number;
  /** Items over when this entry began: the rate is this entry's. */
  overBefore: number;
  end: 'succeeded' | 'failed' | 'cancelled' | undefined;
  /** Nothing goes on until somebody answers. */
  parked: boolean;
}

export function noProgress(): Progress {
  return {
    bill: emptyBill(),
    turnedAway: nobodyTurnedAway(),
    effects: new Effects(),
    asks: new AskLedger(),
    calls: new Map(),
    running: new Map(),
    askers: new Map(),
    models: new Set(),
    incidents: new Map(),
    root: undefined,
    succeeded: 0,
    failed: 0,
    fan: undefined,
    lastFailure: undefined,
    entry: 1,
    entryAt: 0,
    lastAt: 0,
    overBefore: 0,
    end: undefined,
    parked: false,
  };
}

/** Adds one event, in journal order. Changes `progress`. O(1). */
export function addToProgress(progress: Progress, event: Event): void {
  addToBill(progress.bill, event);
  addTurnedAway(progress.turnedAway, event);
  progress.lastAt = event.at;
  progress.parked = event.kind === 'run.parked';
  switch (event.kind) {
    case 'run.started':
      progress.entryAt = event.at;
      return;
    case 'run.resumed':
      return enterAgain(progress, event);
    case 'call.started':
      return startCall(progress, event);
    case 'call.succeeded':
    case 'call.failed':
    case 'call.retracted':
      return endCall(progress, event);
    case 'attempt.started':
      return doing(progress, event.place, '');
    case 'model.requested':
      return ask(progress, event);
    case 'model.responded':
      return doing(progress, takeAsker(progress, event.place), '');
    case 'model.failed':
      return failToAsk(progress, event);
    case 'guard.tripped': {
      const incident = incidentIn(event);
      if (incident !== undefined) progress.incidents.set(incident.id, incident);
      return;
    }
    case 'tool.called':
      progress.askers.set(event.place, event.call);
      return doing(progress, event.call, event.tool);
    case 'tool.returned':
      return doing(progress, takeAsker(progress, event.place), '');
    case 'effect.staged':
    case 'effect.committing':
    case 'effect.committed':
    case 'effect.uncertain':
    case 'effect.discarded':
    case 'effect.undone':
      return act(progress, event);
    case 'ask.opened':
    case 'ask.answered':
    case 'ask.refused':
    case 'ask.expired':
    case 'ask.withdrawn':
      return askPerson(progress, event);
    case 'run.succeeded':
    case 'run.failed':
    case 'run.cancelled':
      progress.running.clear();
      progress.end = event.kind === 'run.succeeded' ? 'succeeded' : event.kind === 'run.failed' ? 'failed' : 'cancelled';
      return;
    default:
  }
}

/** The incidents of the present entry, and earlier ones of which `among` still speaks. */
export function incidentsOf({ incidents, entryAt }: Progress, among: readonly { readonly id: string }[]): readonly IncidentNode[] {
  return [...incidents.values()].filter(({ id, toldAt }) => toldAt >= entryAt || among.some((one) => one.id === id));
}

/** Items that are over, whatever their end. */
export function overIn(fan: Fan): number {
  return fan.done + fan.failed;
}

/** How much longer the fan-out takes at this entry's rate, in ms; undefined while there is no rate. Pure. */
export function timeLeftMs(progress: Progress, now: number): number | undefined {
  const { fan, overBefore, entryAt } = progress;
  if (fan === undefined || progress.end !== undefined) return undefined;
  const over = overIn(fan) - overBefore;
  const left = fan.width - overIn(fan);
  if (over < 1 || left < 1) return undefined;
  return ((now - entryAt) / over) * left;
}

/** How many calls below the one at `path` have an answer. Pure. */
export function answersBelow(calls: Progress['calls'], path: string): number {
  let answers = 0;
  for (const { path: below, outcome } of calls.values())
    if (outcome === 'succeeded' && below.startsWith(path) && '/[:@'.includes(below.charAt(path.length))) answers += 1;
  return answers;
}

/** Answers that this entry did not ask for are no calls of it. Changes `progress`; at the end of a resume. */
export function leaveOut(progress: Progress, unasked: number): void {
  progress.succeeded -= unasked;
}

/** Whether any answer came from a model that only stands in for one. Pure. */
export function usesStandIn(models: Iterable<string>): boolean {
  for (const model of models) if (model.startsWith('stand-in/')) return true;
  return false;
}

function enterAgain(progress: Progress, event: EventOf<'run.resumed'>): void {
  progress.entry += 1;
  progress.entryAt = event.at;
  progress.end = undefined;
  progress.running.clear();
  progress.askers.clear();
  const { fan } = progress;
  if (fan === undefined) return;
  for (const [item, state] of fan.items) if (state === 'running') fan.items.delete(item);
  progress.overBefore = overIn(fan);
}

function startCall(progress: Progress, event: EventOf<'call.started'>): void {
  const { place, path, width } = event;
  progress.calls.set(place, { path, of: event.of, composite: !isLeaf(event.of) });
  progress.root ??= path;
  if (width !== undefined && isNext(width, progress.fan)) {
    progress.fan = { path, width, items: new Map(), done: 0, failed: 0 };
    progress.overBefore = 0;
  }
  doing(progress, place, '');
}

/** A wider fan-out, or one as wide after one that is over. */
function isNext(width: number, fan: Fan | undefined): boolean {
  return width > (fan?.width ?? 1) || (fan !== undefined && width === fan.width && overIn(fan) === width);
}

function endCall(progress: Progress, event: EventOf<'call.succeeded'> | EventOf<'call.failed'> | EventOf<'call.retracted'>): void {
  const call = progress.calls.get(event.place);
  progress.running.delete(event.place);
  if (call === undefined) return;
  const { path, composite } = call;
  switch (event.kind) {
    case 'call.retracted':
      setOutcome(progress, call, undefined);
      return setItem(progress, path, undefined);
    case 'call.succeeded':
      setOutcome(progress, call, composite ? undefined : 'succeeded');
      return setItem(progress, path, 'done');
    case 'call.failed': {
      // A failure that is only passed on is not a second one.
      const own = event.causes.length === 0;
      setOutcome(progress, call, own || !composite ? 'failed' : undefined);
      if (own) progress.lastFailure = failureOf(path, event.error);
      return setItem(progress, path, 'failed');
    }
  }
}

function failureOf(path: string, error: ErrorRecord): Failure {
  const { code, message } = error;
  const incident = hitOf(error)?.id;
  return { path, code, message, ...(incident === undefined ? {} : { incident }) };
}

function setOutcome(progress: Progress, call: Known, outcome: Known['outcome']): void {
  if (call.outcome !== undefined) progress[call.outcome] -= 1;
  if (outcome !== undefined) progress[outcome] += 1;
  call.outcome = outcome;
}

function ask(progress: Progress, { place, call, model }: EventOf<'model.requested'>): void {
  progress.models.add(model);
  progress.askers.set(place, call);
  doing(progress, call, 'asking');
  const running = progress.running.get(call);
  if (running !== undefined) running.model = model;
}

/** Effects are done by the call that confirmed them, which may be far above the one that they serve. */
function act(progress: Progress, event: Extract<Event, { kind: `effect.${string}` }>): void {
  progress.effects.take(event);
  const by = event.calls.find((place) => progress.running.has(place));
  if (event.kind === 'effect.committing') doing(progress, by, `committing ${event.tool}`);
  else if (event.kind === 'effect.committed' || event.kind === 'effect.uncertain') doing(progress, by, '');
}

function askPerson(progress: Progress, event: Extract<Event, { kind: `ask.${string}` }>): void {
  progress.asks.take(event);
  const asked = progress.asks.get(event.ask);
  const stopped = asked?.calls.find((place) => progress.running.has(place));
  doing(progress, stopped, event.kind === 'ask.opened' ? WAITS_FOR_A_PERSON : '');
}

/** Questions that nobody has answered yet, oldest first. O(asks). */
export function openAsksIn({ asks }: Progress): readonly AskRecord[] {
  return asks.all().filter(({ state }) => state === 'open');
}

function failToAsk(progress: Progress, { place, at, error, retryMs, hedge, lost }: EventOf<'model.failed'>): void {
  // The other sending of its turn decides what the call does next.
  if (lost === true || (hedge === true && retryMs === undefined)) return;
  const call = takeAsker(progress, place);
  // What was turned away for its rate goes back in line: when it is its turn, the gate knows.
  const inLine = retryMs === 0 && error.code === 'MODEL_RATE_LIMITED';
  doing(progress, call, retryMs === undefined ? '' : inLine ? 'in line' : `waiting to ask again after ${error.code}`);
  const running = call === undefined ? undefined : progress.running.get(call);
  if (running !== undefined && retryMs !== undefined && retryMs > LONG_RETRY_MS) running.again = { at: at + retryMs, code: error.code };
}

function doing(progress: Progress, place: Place | undefined, what: string): void {
  if (place === undefined) return;
  const call = progress.calls.get(place);
  if (call === undefined) return;
  const running = progress.running.get(place);
  if (running !== undefined) {
    running.doing = what;
    running.again = undefined;
    return;
  }
  progress.running.set(place, { path: call.path, composite: call.composite, doing: what });
  setItem(progress, call.path, 'running');
}

function takeAsker(progress: Progress, place: Place): Place | undefined {
  const call = progress.askers.get(place);
  progress.askers.delete(place);
  return call;
}

function setItem(progress: Progress, path: string, state: ItemState | undefined): void {
  const { fan } = progress;
  const item = fan === undefined ? undefined : itemOf(fan, path);
  if (fan === undefined || item === undefined) return;
  const before = fan.items.get(item);
  if (before === 'done') fan.done -= 1;
  if (before === 'failed') fan.failed -= 1;
  // What was over and is worked on again is work of this entry.
  if (before === 'done' || before === 'failed') progress.overBefore = Math.max(0, progress.overBefore - 1);
  if (state === 'done') fan.done += 1;
  if (state === 'failed') fan.failed += 1;
  if (state === undefined) fan.items.delete(item);
  else fan.items.set(item, state);
}

/** The branch whose own call this is: 'sweep[3]/review' and 'sweep@1[3]/review' are '[3]' of 'sweep'; calls further below are nobody's. */
function itemOf(fan: Fan, path: string): string | undefined {
  if (!path.startsWith(fan.path)) return undefined;
  return /^(?:@\d+)?(\[(?:all\.)?\d+\])\/[^/]+$/.exec(path.slice(fan.path.length))?.[1];
}
