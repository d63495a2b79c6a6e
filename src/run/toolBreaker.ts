// A tool that is down is not called again by every agent of the process. tools.ts asks here before it executes a code tool
// and tells here what came of it; when probes go is breaker.ts's to say. All runs with the same clock share what is known.
//
// T1 as many failures in a row that say the same as `toolFailures` says open it; a success or another failure between them
//    begins the row anew.
// T2 while it is open only probes go. Where all failures had the same arguments, only calls with those are held back: a file
//    that is not there is no reason to read no other. Where all were those of one run, only that run is held back: it may
//    be its key, or its questions, that the tool refuses.
// T3 any success closes it, and so does a probe that fails in another way than by time-out: then the tool answers again.
// T4 what a refused call asked for has not begun.
// T5 what a tool said to one run is told to no other: it may name what only that one may know.

import { canonical, hash } from '../agent/canonical.ts';
import type { Contract } from '../agent/contract.ts';
import { AmdahlError, asAmdahl, describe } from '../agent/errors.ts';
import type { ToolSpec } from '../agent/tool.ts';
import type { Json } from '../journal/event.ts';
import { allows, type Breaker, closedBreaker, heard, MODEL_BREAKER, opened, probing } from '../model/breaker.ts';
import type { Frame } from './asker.ts';
import type { Clock } from './ports.ts';
import type { Session } from './session.ts';

/** Failures in a row that say the same. */
interface Row {
  /** Epoch ms of the first. */
  readonly since: number;
  readonly failures: number;
  readonly code: string;
  readonly message: string;
  /** The hash of the arguments that all of them had; undefined once they differ. */
  readonly args: string | undefined;
  /** Stands for the session that met all of them; undefined once they differ. */
  readonly session: object | undefined;
}

/** What is known of a tool. */
export interface Health {
  readonly row: Row | undefined;
  readonly breaker: Breaker;
}

export type Told =
  | { readonly kind: 'success' }
  /** The call was over before the tool came back. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string; readonly args: string; readonly session: object };

type Failure = Extract<Told, { kind: 'failure' }>;

export const WELL: Health = { row: undefined, breaker: closedBreaker() };

/** Probes are timed as those of models. A probe that is out longer than the longest open time may never come back. */
const POLICY = MODEL_BREAKER;
const SAID_CHARS_MAX = 300;

/** Whether a call with these arguments may go now for a session; `args` gives their hash. Pure. */
export function allowsCall({ row, breaker }: Health, args: () => string, session: object, now: number): ReturnType<typeof allows> {
  if (breaker.kind !== 'closed' && row !== undefined) {
    if (row.session !== undefined && row.session !== session) return { kind: 'yes' };
    if (row.args !== undefined && row.args !== args()) return { kind: 'yes' };
  }
  return allows(breaker, now);
}

/**
 * Told of what came of a call that was let through in `era`, as the probe or not; `random` in [0, 1) jitters the open time; `rowMin` failures in a row that say the same open it.
 * As many different failures never open it: a tool that says what is wrong with each question is not down. Pure; O(1).
 */
export function toldOf(health: Health, told: Told, probe: boolean, era: number, now: number, random: number, rowMin: number): Health {
  const { row, breaker } = health;
  if (era !== breaker.era) return health;
  switch (told.kind) {
    case 'ignored':
      return { row, breaker: heard(breaker, told, probe, now, random, POLICY) };
    case 'success':
      return { row: undefined, breaker: closed(breaker, now) };
    case 'failure': {
      const same = row?.code === told.code && row.message === told.message;
      if (breaker.kind === 'closed') return inRow(same ? longer(row, told) : rowOf(told, now), breaker, now, random, rowMin);
      if (row !== undefined && (same || (probe && told.code === 'TIMEOUT')))
        return { row: longer(row, told), breaker: heard(breaker, told, probe, now, random, POLICY) };
      // Without having been the probe it may have begun before the tool went down.
      return probe ? { row: rowOf(told, now), breaker: closed(breaker, now) } : health;
    }
  }
}

function rowOf({ code, message, args, session }: Failure, now: number): Row {
  return { since: now, failures: 1, code, message, args, session };
}

function longer(row: Row, { args, session }: Failure): Row {
  return {
    ...row,
    failures: row.failures + 1,
    args: row.args === args ? args : undefined,
    session: row.session === session ? session : undefined,
  };
}

function inRow(row: Row, breaker: Breaker, now: number, random: number, rowMin: number): Health {
  return { row, breaker: row.failures < rowMin ? breaker : opened(breaker, row, now, random, POLICY) };
}

/** Closed again. A closed one stays as it is: its window is not used. */
function closed(breaker: Breaker, now: number): Breaker {
  return breaker.kind === 'closed' ? breaker : heard(breaker, { kind: 'success' }, true, now, 0, POLICY);
}

/** A tool in this process. */
interface Watched {
  health: Health;
  /** The last that was let through as a probe. */
  probe: Pass | undefined;
  /** Who has noted that it is open. */
  noted: WeakSet<Session>;
}

/** A call that was let through. */
export interface Pass {
  readonly watched: Watched;
  readonly era: number;
  readonly args: () => string;
}

// A tool's contract is made with it, so it stands for the tool in every agent that has it; a foreign tool's is the agent's own.
const WATCHED = new WeakMap<Clock, WeakMap<Contract, Watched>>();

/** What stands for a session here: a tool outlives it. */
const MARKS = new WeakMap<Session, object>();

function markOf(session: Session): object {
  const mark = MARKS.get(session) ?? {};
  MARKS.set(session, mark);
  return mark;
}

function watchedOf(clock: Clock, tool: Contract): Watched {
  const tools = WATCHED.get(clock) ?? new WeakMap<Contract, Watched>();
  WATCHED.set(clock, tools);
  const watched = tools.get(tool) ?? { health: WELL, probe: undefined, noted: new WeakSet() };
  tools.set(tool, watched);
  return watched;
}

/**
 * Lets a call of a tool through. Whoever is let through must listen() at once: it may be the probe.
 * @throws AmdahlError TOOL_UNAVAILABLE while the tool's breaker is open.
 */
export function admitted(frame: Frame, spec: Pick<ToolSpec, 'name' | 'input'>, args: Json): Pass {
  const { clock } = frame.session;
  const watched = watchedOf(clock, spec.input);
  const now = clock.now();
  forgetLost(watched, now);
  let known: string | undefined;
  const pass: Pass = { watched, era: watched.health.breaker.era, args: () => (known ??= hash(canonical(args))) };
  const may = allowsCall(watched.health, pass.args, markOf(frame.session), now);
  switch (may.kind) {
    case 'yes':
      return pass;
    case 'probe':
      watched.probe = pass;
      watched.health = { ...watched.health, breaker: probing(watched.health.breaker, now) };
      return pass;
    case 'no':
      throw refused(frame, watched, spec.name, now, may.untilMs - now);
  }
}

/** A tool without a time-out may hang for ever, and so may a probe of it: then the next one goes. */
function forgetLost(watched: Watched, now: number): void {
  const { row, breaker } = watched.health;
  if (breaker.kind !== 'halfOpen' || Math.abs(now - breaker.probedAt) < POLICY.openMsMax) return;
  watched.health = { row, breaker: heard(breaker, { kind: 'ignored' }, true, now, 0, POLICY) };
}

/** What `work` gives, and the tool's breaker is told what came of it. */
export async function listen<T>(frame: Frame, pass: Pass, work: () => Promise<T>): Promise<T> {
  try {
    const value = await work();
    tell(frame.session, pass, { kind: 'success' });
    return value;
  } catch (thrown) {
    const over = frame.life.error ?? frame.session.interrupted;
    tell(frame.session, pass, over === undefined ? failureOf(thrown, pass, frame.session) : { kind: 'ignored' });
    throw thrown;
  }
}

function tell({ clock, random, limits }: Session, pass: Pass, told: Told): void {
  const { watched, era } = pass;
  const { health } = watched;
  const probe = watched.probe === pass;
  const rowMin = limits.toolFailures === 0 ? Infinity : limits.toolFailures;
  watched.health = toldOf(health, told, probe, era, clock.now(), told.kind === 'failure' ? random() : 0, rowMin);
  if (health.breaker.kind === 'closed' && watched.health.breaker.kind === 'open') watched.noted = new WeakSet();
}

/** Time-outs say the same, whoever set the time. */
function failureOf(thrown: unknown, { args }: Pass, session: Session): Told {
  const { code } = asAmdahl(thrown, '');
  const message = code === 'TIMEOUT' ? 'it did not end in its time' : saying(thrown);
  return { kind: 'failure', code, message, args: args(), session: markOf(session) };
}

/** What a tool said when it failed: the words of its own code where that threw. */
export function saying(thrown: unknown): string {
  if (!(thrown instanceof AmdahlError)) return describe(thrown);
  return thrown.code === 'CODE_FAILED' && thrown.cause !== undefined ? describe(thrown.cause) : thrown.message;
}

/** The error for a call that is held back, which is noted once per entry into a run. */
function refused({ session, place, path }: Frame, { health, noted }: Watched, tool: string, now: number, waitMs: number): AmdahlError {
  const { since = now, failures = 0, message: said = '', args, session: whose } = health.row ?? {};
  const own = whose === markOf(session) ? { message: said.length <= SAID_CHARS_MAX ? said : `${said.slice(0, SAID_CHARS_MAX)}…` } : {};
  if (!noted.has(session)) {
    noted.add(session);
    session.note({ kind: 'guard.tripped', place, guard: 'toolBreaker', call: path, evidence: { tool, since, failures, ...own } });
  }
  const what = `The tool '${tool}' is not called${args === undefined ? '' : ' with these arguments'}`;
  const until = waitMs === Infinity ? 'while another call is trying it out' : `for another ${seconds(waitMs)}`;
  const always = own.message === undefined ? '' : `, always with "${own.message}"`;
  const why = `it has failed ${failures} times in a row in the last ${seconds(now - since)}${always}.`;
  return new AmdahlError(
    'TOOL_UNAVAILABLE',
    `${what} ${until}: ${why} Go on without it${args === undefined ? '' : ', or ask for something else'}.`,
    {
      retryable: waitMs === Infinity ? 'yes' : { afterMs: waitMs },
      data: { tool, since, failures },
    },
  );
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1000))} s`;
}
