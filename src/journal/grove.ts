// The fold behind tree.ts: events in, calls with parents, attempts, turns and tool calls out.
//
// G1 A call's parent is known when it starts: its asker's place is that of an attempt or a tool call seen
//    before, or else its path begins with its parent's.

import { assumedUsdMicros } from './bill.ts';
import type { ActNode, AttemptNode, CallNode, Cost, EntryNode, RunTree, ToolNode, TurnNode } from './callNode.ts';
import type { Event, EventOf, Gap, Place } from './event.ts';

/** How much of what a model said a tree keeps per turn. */
const SAID_CHARS_MAX = 600;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** `assumedUsd` is what the open request is taken to cost until its answer says; undefined without a price. */
type Turn = Omit<Mutable<TurnNode>, 'tools'> & { tools: Mutable<ToolNode>[]; assumedUsd: number | undefined };
type Attempt = Omit<Mutable<AttemptNode>, 'turns'> & { turns: Turn[] };
export interface Call extends Omit<
  Mutable<CallNode>,
  'acts' | 'attempts' | 'causes' | 'children' | 'gaps' | 'guards' | 'ms' | 'own' | 'retractions' | 'total'
> {
  acts: Mutable<ActNode>[];
  attempts: Attempt[];
  causes: readonly Place[];
  children: Call[];
  gaps: readonly Gap[];
  guards: CallNode['guards'][number][];
  own: Mutable<Cost>;
  retractions: CallNode['retractions'][number][];
  parent: Call | undefined;
  /** The latest entry in which anything happened here or below. */
  entry: number;
  lastAt: number;
}

/** A tree being grown. */
export interface Grove {
  readonly run: Omit<Mutable<RunTree>, 'entries' | 'root'>;
  readonly entries: Mutable<EntryNode>[];
  readonly calls: Map<Place, Call>;
  readonly byPath: Map<string, Call>;
  /** Attempts, tool calls and calls: which call an asker's place belongs to. */
  readonly askers: Map<Place, Call>;
  readonly turns: Map<Place, Turn>;
  readonly tools: Map<Place, Mutable<ToolNode>>;
  root: Call | undefined;
}

export function plant(): Grove {
  return {
    run: { status: 'running', missing: [], events: 0 },
    entries: [],
    calls: new Map(),
    byPath: new Map(),
    askers: new Map(),
    turns: new Map(),
    tools: new Map(),
    root: undefined,
  };
}

/** Adds one event, in journal order. Amortised O(1). */
export function grow(grove: Grove, event: Event): void {
  grove.run.events += 1;
  const entry = grove.entries.at(-1);
  if (entry !== undefined && event.kind !== 'run.resumed' && !isForNext(event)) entry.lastAt = event.at;
  switch (event.kind) {
    case 'run.started':
    case 'run.resumed':
    case 'run.succeeded':
    case 'run.failed':
    case 'run.cancelled':
      return growRun(grove, event);
    case 'call.started':
    case 'call.succeeded':
    case 'call.failed':
    case 'call.retracted':
      return growCall(grove, event);
    case 'attempt.started':
    case 'attempt.repaired':
    case 'attempt.rejected':
      return growAttempt(grove, event);
    case 'model.requested':
    case 'model.responded':
    case 'model.failed':
      return growTurn(grove, event);
    case 'tool.called':
    case 'tool.returned':
      return growTool(grove, event);
    case 'effect.committing':
    case 'effect.committed':
    case 'effect.uncertain':
      return growAct(grove, event);
    case 'guard.tripped':
      grove.byPath.get(event.call)?.guards.push({ guard: event.guard, evidence: event.evidence });
      return;
    case 'limit.waited': {
      const call = grove.byPath.get(event.call);
      if (call === undefined) return;
      if (event.limit !== 'retry') call.waitedMs += event.ms;
      else {
        const turn = call.attempts.at(-1)?.turns.at(-1);
        if (turn !== undefined) turn.waitedMs = (turn.waitedMs ?? 0) + event.ms;
      }
      return;
    }
    case 'value.drawn':
    case 'decision':
      return;
  }
}

function growRun(grove: Grove, event: Extract<Event, { kind: `run.${string}` }>): void {
  const { run } = grove;
  switch (event.kind) {
    case 'run.started':
      run.agent = event.agent;
      run.input = event.input;
      if (event.budget !== undefined) run.budget = event.budget;
      if (event.program !== undefined) run.program = event.program;
      grove.entries.push({ entry: grove.entries.length + 1, startedAt: event.at, lastAt: event.at });
      return;
    case 'run.resumed':
      run.status = 'running';
      delete run.failure;
      delete run.reason;
      run.missing = [];
      if (event.budget !== undefined) run.budget = { ...run.budget, ...event.budget };
      if (event.program !== undefined) run.program = event.program;
      grove.entries.push({ entry: grove.entries.length + 1, startedAt: event.at, lastAt: event.at });
      return;
    case 'run.succeeded':
      run.status = event.missing.length === 0 ? 'succeeded' : 'partial';
      run.output = event.output;
      run.missing = event.missing;
      return;
    case 'run.failed':
      run.status = 'failed';
      run.failure = event.error;
      return;
    case 'run.cancelled':
      run.status = 'cancelled';
      run.reason = event.reason;
      return;
  }
}

function growCall(grove: Grove, event: Extract<Event, { kind: `call.${string}` }>): void {
  if (event.kind === 'call.started') return startCall(grove, event);
  const call = grove.calls.get(event.place);
  if (call === undefined) return;
  if (event.kind === 'call.retracted') {
    call.status = 'retracted';
    call.retractions.push({
      entry: presentEntry(grove) + (isForNext(event) ? 1 : 0),
      why: event.why,
      ...(event.note === undefined ? {} : { note: event.note }),
    });
    return;
  }
  touch(grove, call, event.at);
  call.endedAt = event.at;
  delete call.failure;
  if (event.kind === 'call.failed') {
    call.status = 'failed';
    call.failure = event.error;
    call.causes = event.causes;
  } else {
    call.status = 'succeeded';
    call.causes = [];
    call.gaps = event.gaps ?? [];
  }
}

function startCall(grove: Grove, event: EventOf<'call.started'>): void {
  const parent = askerOf(grove, event);
  const call: Call = {
    path: event.path,
    place: event.place,
    agent: event.agent,
    kind: event.of,
    status: 'running',
    inputChars: JSON.stringify(event.input).length,
    ...(event.width === undefined ? {} : { width: event.width }),
    ...(event.budget === undefined ? {} : { budget: event.budget }),
    startedAt: event.at,
    lastAt: event.at,
    entry: 0,
    acts: [],
    attempts: [],
    causes: [],
    gaps: [],
    retractions: [],
    guards: [],
    waitedMs: 0,
    own: { calls: 0, tokensIn: 0, tokensOut: 0, usdMicros: 0, unpriced: 0 },
    children: [],
    parent,
  };
  grove.calls.set(event.place, call);
  grove.askers.set(event.place, call);
  grove.byPath.set(event.path, call);
  grove.root ??= call;
  if (call !== grove.root) (parent ?? grove.root).children.push(call);
  touch(grove, call, event.at);
}

/** Places of branches and rounds are in no event, so where the asker is unknown the path tells: it starts with the asker's. */
function askerOf(grove: Grove, { asker, path, agent }: EventOf<'call.started'>): Call | undefined {
  const known = grove.askers.get(asker);
  if (known !== undefined) return known;
  const own = path.endsWith(`/${agent}`) ? path.length - agent.length - 1 : path.lastIndexOf(`/${agent}#`);
  for (let end = own; end > 0; end -= 1) {
    if (!'/@[:'.includes(path.charAt(end))) continue;
    const call = grove.byPath.get(path.slice(0, end));
    if (call !== undefined) return call;
  }
  return undefined;
}

/** Something happened at a call: it and all above it are being worked on in the present entry. Amortised O(1). */
function touch(grove: Grove, call: Call, at: number): void {
  call.lastAt = at;
  const entry = presentEntry(grove);
  for (let above: Call | undefined = call; above !== undefined && above.entry < entry; above = above.parent) above.entry = entry;
}

/** What a resume forgets is on record before the entry that it is for. */
function isForNext(event: Event): boolean {
  return event.kind === 'call.retracted' && (event.why === 'resumed' || event.why === 'retried');
}

/** The number of the latest entry into the run. */
export function presentEntry(grove: Grove): number {
  return grove.entries.at(-1)?.entry ?? 1;
}

function growAttempt(grove: Grove, event: Extract<Event, { kind: `attempt.${string}` }>): void {
  if (event.kind === 'attempt.repaired') {
    const turn = grove.turns.get(event.place);
    if (turn?.turn === event.turn) turn.problems = event.problems;
    return;
  }
  const call = grove.calls.get(event.place);
  if (call === undefined) return;
  reopen(grove, call, event.at);
  const attempt = attemptIn(call, event.attempt);
  if (event.kind === 'attempt.rejected') attempt.rejected = { why: event.why, problems: event.problems };
}

function reopen(grove: Grove, call: Call, at: number): void {
  touch(grove, call, at);
  call.status = 'running';
  delete call.endedAt;
}

function attemptIn(call: Call, attempt: number): Attempt {
  const known = call.attempts.findLast((one) => one.attempt === attempt);
  if (known !== undefined) return known;
  const fresh: Attempt = { attempt, turns: [] };
  call.attempts.push(fresh);
  return fresh;
}

function growTurn(grove: Grove, event: Extract<Event, { kind: `model.${string}` }>): void {
  if (event.kind === 'model.requested') return ask(grove, event);
  const turn = grove.turns.get(event.place);
  const call = grove.askers.get(event.place);
  if (turn === undefined || turn.turn !== event.turn || call === undefined) return;
  touch(grove, call, event.at);
  turn.status = event.kind === 'model.responded' ? 'answered' : event.error.code === 'CANCELLED' ? 'cancelled' : 'failed';
  turn.ms = event.ms;
  settle(call.own, turn, event);
  if (event.kind === 'model.failed') {
    if (event.retryMs === undefined) turn.error = event.error;
    else turn.failures = [...(turn.failures ?? []), event.error.code];
    return;
  }
  turn.finish = event.finish;
  const said = event.text ?? saidIn(event);
  if (said !== '') turn.said = said.slice(0, SAID_CHARS_MAX);
}

function ask(grove: Grove, event: EventOf<'model.requested'>): void {
  const call = grove.calls.get(event.call);
  if (call === undefined) return;
  reopen(grove, call, event.at);
  grove.askers.set(event.place, call);
  const { turns } = attemptIn(call, event.attempt);
  const again = turns.findLast((one) => one.turn === event.turn);
  const turn: Turn = again ?? {
    turn: event.turn,
    model: event.model,
    why: event.why,
    sent: 0,
    status: 'running',
    tokensIn: 0,
    tokensOut: 0,
    assumedUsd: undefined,
    tools: [],
  };
  if (again === undefined) turns.push(turn);
  turn.sent += 1;
  turn.status = 'running';
  turn.model = event.model;
  turn.tokensIn = event.reservedTokensIn;
  turn.assumedUsd = assumedUsdMicros(event);
  grove.turns.set(event.place, turn);
  const { own } = call;
  own.calls += 1;
  own.tokensIn += turn.tokensIn;
  own.usdMicros += turn.assumedUsd ?? 0;
  own.unpriced += Number(turn.assumedUsd === undefined);
}

/** Replaces what was assumed of this request by what it cost. An earlier, lost request of the turn stays assumed spent (bill.ts, B2). */
function settle(own: Mutable<Cost>, turn: Turn, event: EventOf<'model.responded'> | EventOf<'model.failed'>): void {
  const { usage, usdMicros } = event;
  const free = event.kind === 'model.failed' && usage.tokensIn + usage.tokensOut === 0;
  if (event.kind === 'model.failed' && event.unsent === true) own.calls -= 1;
  own.tokensIn += usage.tokensIn - turn.tokensIn;
  own.tokensOut += usage.tokensOut;
  own.usdMicros += (usdMicros ?? 0) - (turn.assumedUsd ?? 0);
  own.unpriced += Number(usdMicros === undefined && !free) - Number(turn.assumedUsd === undefined);
  turn.tokensIn = usage.tokensIn;
  turn.tokensOut = usage.tokensOut;
  if (usdMicros !== undefined) turn.usdMicros = usdMicros;
}

function saidIn(event: EventOf<'model.responded'>): string {
  return event.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

function growTool(grove: Grove, event: Extract<Event, { kind: `tool.${string}` }>): void {
  if (event.kind === 'tool.called') {
    const call = grove.calls.get(event.call);
    const turn = call?.attempts.at(-1)?.turns.at(-1);
    if (call === undefined || turn === undefined) return;
    touch(grove, call, event.at);
    grove.askers.set(event.place, call);
    const { tool, path, place, effect, args } = event;
    const known = turn.tools.find((one) => one.place === place);
    const node: Mutable<ToolNode> = known ?? { tool, path, place, effect, args, status: 'running' };
    if (known === undefined) turn.tools.push(node);
    grove.tools.set(place, node);
    return;
  }
  const tool = grove.tools.get(event.place);
  if (tool === undefined) return;
  tool.ms = event.ms;
  tool.status = 'error' in event ? 'failed' : 'returned';
  if ('error' in event) tool.error = event.error;
}

function growAct(grove: Grove, event: Extract<Event, { kind: `effect.${string}` }>): void {
  const [served] = event.calls;
  const call = served === undefined ? undefined : grove.calls.get(served);
  if (call === undefined) return;
  touch(grove, call, event.at);
  const { key } = event;
  const known = call.acts.find((one) => one.key === key);
  if (event.kind === 'effect.committing') {
    if (known === undefined) call.acts.push({ key, tool: event.tool, path: event.path, state: 'committing' });
    else known.state = 'committing';
  } else if (known !== undefined) known.state = event.kind === 'effect.committed' ? 'committed' : 'uncertain';
}
