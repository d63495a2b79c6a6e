// The state behind tree.ts: what a run's events have grown into so far. Changed by growth.ts and turnGrowth.ts only.

import { AskLedger } from './askLedger.ts';
import type { AttemptNode, CallNode, Cost, EntryNode, RunTree, ToolNode, TurnNode, WaitNode } from './callNode.ts';
import { Effects } from './effects.ts';
import type { Gap, Place } from './event.ts';
import type { IncidentNode } from './incident.ts';
import { type OpenRequest, OpenRequests } from './openRequests.ts';

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type Turn = Omit<Mutable<TurnNode>, 'tools'> & { tools: Mutable<ToolNode>[] };

/** A request on its way, and what it is taken to cost until its answer says; `assumedUsd` is undefined without a price. */
export interface Sending extends OpenRequest {
  readonly of: Turn;
  readonly call: Call;
  readonly assumedTokensIn: number;
  readonly assumedUsd: number | undefined;
}

type Attempt = Omit<Mutable<AttemptNode>, 'turns'> & { turns: Turn[] };

/** A call being grown: `tree.ts` adds what only the whole run tells. */
export interface Call extends Omit<
  Mutable<CallNode>,
  | 'asks'
  | 'attempts'
  | 'causes'
  | 'children'
  | 'confirmed'
  | 'effects'
  | 'gaps'
  | 'guards'
  | 'ms'
  | 'own'
  | 'retractions'
  | 'total'
  | 'waits'
> {
  attempts: Attempt[];
  causes: readonly Place[];
  children: Call[];
  /** Keys of the effects that it commits. */
  confirmed: readonly string[] | undefined;
  gaps: readonly Gap[];
  guards: CallNode['guards'][number][];
  own: Mutable<Cost>;
  retractions: CallNode['retractions'][number][];
  waits: Mutable<WaitNode>[];
  parent: Call | undefined;
  /** The latest entry in which anything happened here or below. */
  entry: number;
  lastAt: number;
}

/** A tree being grown. */
export interface Grove {
  readonly run: Omit<Mutable<RunTree>, 'asks' | 'entries' | 'incidents' | 'root'>;
  readonly entries: Mutable<EntryNode>[];
  readonly effects: Effects;
  readonly asks: AskLedger;
  readonly calls: Map<Place, Call>;
  readonly byPath: Map<string, Call>;
  /** Attempts, tool calls and calls: which call an asker's place belongs to. */
  readonly askers: Map<Place, Call>;
  readonly turns: Map<Place, Turn>;
  readonly sendings: OpenRequests<Sending>;
  /** By attempt: models that its next request was moved to. */
  readonly moves: Map<Place, { readonly to: string; readonly why: string }[]>;
  /** By id; what is told of one later replaces what was told before. */
  readonly incidents: Map<string, IncidentNode>;
  readonly tools: Map<Place, Mutable<ToolNode>>;
  root: Call | undefined;
}

export function plant(): Grove {
  return {
    run: { status: 'running', missing: [], events: 0 },
    entries: [],
    effects: new Effects(),
    asks: new AskLedger(),
    calls: new Map(),
    byPath: new Map(),
    askers: new Map(),
    turns: new Map(),
    sendings: new OpenRequests(),
    moves: new Map(),
    incidents: new Map(),
    tools: new Map(),
    root: undefined,
  };
}

/** Something happened at a call: it and all above it are being worked on in the present entry. Amortised O(1). */
export function touch(grove: Grove, call: Call, at: number): void {
  call.lastAt = at;
  const entry = presentEntry(grove);
  for (let above: Call | undefined = call; above !== undefined && above.entry < entry; above = above.parent) above.entry = entry;
}

/** The number of the latest entry into the run. */
export function presentEntry(grove: Grove): number {
  return grove.entries.at(-1)?.entry ?? 1;
}

export function reopen(grove: Grove, call: Call, at: number): void {
  touch(grove, call, at);
  call.status = 'running';
  delete call.endedAt;
}

export function attemptIn(call: Call, attempt: number): Attempt {
  const known = call.attempts.findLast((one) => one.attempt === attempt);
  if (known !== undefined) return known;
  const fresh: Attempt = { attempt, turns: [] };
  call.attempts.push(fresh);
  return fresh;
}
