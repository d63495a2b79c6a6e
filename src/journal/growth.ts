// The fold behind tree.ts: events in, calls with parents, attempts, turns and tool calls out.
//
// G1 A call's parent is known when it starts: its asker's place is that of an attempt or a tool call seen
//    before, or else its path begins with its parent's.

import type { EntryNode, ToolNode } from './callNode.ts';
import type { Event, EventOf } from './event.ts';
import { attemptIn, type Call, type Grove, type Mutable, presentEntry, reopen, touch } from './grove.ts';
import { incidentIn } from './incident.ts';
import { growTurn } from './turnGrowth.ts';

/** Adds one event, in journal order. Amortised O(1). */
export function grow(grove: Grove, event: Event): void {
  grove.run.events += 1;
  const entry = grove.entries.at(-1);
  if (entry !== undefined && event.kind !== 'run.resumed' && !isForNext(event)) {
    unpark(grove.run, entry, event.at);
    entry.lastAt = event.at;
  }
  switch (event.kind) {
    case 'run.started':
    case 'run.resumed':
    case 'run.parked':
    case 'run.succeeded':
    case 'run.failed':
    case 'run.cancelled':
      return growRun(grove, event);
    case 'call.started':
    case 'call.confirmed':
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
    case 'effect.staged':
    case 'effect.committing':
    case 'effect.committed':
    case 'effect.uncertain':
    case 'effect.discarded':
    case 'effect.undone':
      return growEffect(grove, event);
    case 'ask.opened':
    case 'ask.answered':
    case 'ask.refused':
    case 'ask.expired':
    case 'ask.withdrawn':
      return growAsk(grove, event);
    case 'guard.tripped':
      return trip(grove, event);
    case 'limit.waited':
      return wait(grove, event);
    case 'decision':
      return decide(grove, event);
    case 'ask.told':
    case 'model.said':
    case 'file.kept':
    case 'limit.learned':
    case 'value.drawn':
      return;
  }
}

/** Whoever appends to a parked run works on it again. */
function unpark(run: Grove['run'], entry: Mutable<EntryNode>, at: number): void {
  if (run.parkedAt === undefined) return;
  entry.parkedMs += at - run.parkedAt;
  run.status = 'running';
  delete run.parkedAt;
}

function trip(grove: Grove, event: EventOf<'guard.tripped'>): void {
  const incident = incidentIn(event);
  if (incident !== undefined) grove.incidents.set(incident.id, incident);
  else grove.byPath.get(event.call)?.guards.push({ guard: event.guard, evidence: event.evidence });
}

function wait(grove: Grove, { call: path, limit, gate, ms }: EventOf<'limit.waited'>): void {
  const call = grove.byPath.get(path);
  if (call === undefined) return;
  if (limit === 'retry') {
    const turn = call.attempts.at(-1)?.turns.at(-1);
    if (turn !== undefined) turn.waitedMs = (turn.waitedMs ?? 0) + ms;
  } else if (limit === 'budget' || limit === 'gate' || limit === 'cache') {
    call.waitedMs += ms;
    const known = call.waits.find((one) => one.limit === limit && one.gate === gate);
    if (known !== undefined) known.ms += ms;
    else call.waits.push({ limit, ms, ...(gate === undefined ? {} : { gate }) });
  }
}

/** A request was moved to another model. It is told before the request, whose turn is not known yet. */
function decide(grove: Grove, { place, question, choice, reason }: EventOf<'decision'>): void {
  if (question !== 'model' || typeof choice !== 'string') return;
  grove.moves.set(place, [...(grove.moves.get(place) ?? []), { to: choice, why: reason }]);
}

function growRun(grove: Grove, event: Extract<Event, { kind: `run.${string}` }>): void {
  const { run } = grove;
  switch (event.kind) {
    case 'run.started':
      run.agent = event.agent;
      run.input = event.input;
      if (event.budget !== undefined) run.budget = event.budget;
      if (event.program !== undefined) run.program = event.program;
      if (event.scope !== undefined) run.scope = event.scope;
      if (event.subject !== undefined) run.subject = event.subject;
      if (event.rerun !== undefined) run.rerun = event.rerun;
      grove.entries.push({ entry: grove.entries.length + 1, startedAt: event.at, lastAt: event.at, parkedMs: 0 });
      return;
    case 'run.resumed':
      run.status = 'running';
      delete run.parkedAt;
      grove.sendings.clear();
      delete run.failure;
      delete run.reason;
      run.missing = [];
      if (event.budget !== undefined) run.budget = { ...run.budget, ...event.budget };
      if (event.program !== undefined) run.program = event.program;
      grove.entries.push({ entry: grove.entries.length + 1, startedAt: event.at, lastAt: event.at, parkedMs: 0 });
      return;
    case 'run.parked':
      run.status = 'parked';
      run.parkedAt = event.at;
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
    call.confirmed = undefined;
    call.retractions.push({
      entry: presentEntry(grove) + (isForNext(event) ? 1 : 0),
      why: event.why,
      ...(event.note === undefined ? {} : { note: event.note }),
    });
    return;
  }
  touch(grove, call, event.at);
  if (event.kind === 'call.confirmed') {
    call.confirmed = event.effects;
    return;
  }
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
    if (event.from === undefined) delete call.from;
    else call.from = event.from;
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
    attempts: [],
    causes: [],
    confirmed: undefined,
    gaps: [],
    retractions: [],
    guards: [],
    waitedMs: 0,
    waits: [],
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

/** What a resume forgets is on record before the entry that it is for. */
function isForNext(event: Event): boolean {
  return event.kind === 'call.retracted' && (event.why === 'resumed' || event.why === 'retried');
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

function growEffect(grove: Grove, event: Extract<Event, { kind: `effect.${string}` }>): void {
  grove.effects.take(event);
  const [served] = event.calls;
  const call = served === undefined ? undefined : grove.calls.get(served);
  if (call !== undefined) touch(grove, call, event.at);
}

function growAsk(grove: Grove, event: Extract<Event, { kind: `ask.${string}` }>): void {
  grove.asks.take(event);
  const [stopped] = event.kind === 'ask.opened' ? event.calls : [];
  const call = stopped === undefined ? undefined : grove.calls.get(stopped);
  if (call !== undefined) touch(grove, call, event.at);
}
