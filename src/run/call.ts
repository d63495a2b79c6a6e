// The funnel: every call of every kind passes through ask() (design §4).
//
//   place → answer from the journal → admit → attempt { invoke → contract → checks } → confirm → answer
//
// I2 no asker sees an outcome that is not durable; a place has at most one live outcome between two retractions;
//    interruption is never an outcome.
// I3 a leaf that has a live outcome under its present fingerprint is not asked again.
// I4 the identity is fixed before the first await.

import { type AnyAgent, assertAgent } from '../agent/definition.ts';
import { canonical, hash, toJson } from '../agent/canonical.ts';
import { AmdahlError, asAmdahl, describe, type Problem, problemList, recordError } from '../agent/errors.ts';
import { mayHoldAttachments } from '../agent/files.ts';
import type { AskOptions } from '../agent/scope.ts';
import type { Gap, Happening, Json, Place } from '../journal/event.ts';
import { inTime } from './account.ts';
import { ANSWERED, answerFromJournal } from './answered.ts';
import { Asker, chainOf, type Frame } from './asker.ts';
import { attemptAll } from './attempts.ts';
import { answerEffects, confirmStaged } from './effectsOfCall.ts';
import { actHolderOf, holdsActs, refuseHeldActs } from './holders.ts';
import { Life } from './life.ts';
import { limitError } from './limits.ts';
import { discardBelow } from './outbox.ts';
import { accountOf, letRaise } from './raise.ts';
import { foldCall, NOTHING_RECORDED, type RecordedCall } from './recorded.ts';
import { undoBelow } from './undo.ts';
import { armTimeCap } from './timeCap.ts';

/** Asks `agent` on behalf of `asker`. Rejects with the call's AmdahlError, or with why the run was interrupted. */
export function ask(asker: Asker, agent: AnyAgent, raw: unknown, options: AskOptions = {}): Promise<unknown> {
  try {
    asker.session.check();
    asker.life.check();
    assertAgent(agent, `'${asker.path}'`);
    const given = agent.input.raw === undefined ? raw : agent.input.raw(raw);
    asker.session.roster.meet(agent);
    const input = asker.session.secrets.input(agent, toJson(given, `the input of '${agent.name}'`), agent.name);
    const text = canonical(input);
    const hasFiles = mayHoldAttachments(text);
    if (hasFiles) asker.session.files.hold(given);
    const inputHash = hash(text);
    const { place, path, asked, slot } = asker.identify(agent.name, inputHash, options.key);
    const call = pursue(asker, agent, { input, inputHash, bytes: Buffer.byteLength(text), hasFiles, place, path, slot, options });
    asker.track(asked, call);
    return call;
  } catch (error) {
    return asker.refuse(asAmdahl(error, asker.path));
  }
}

interface Question {
  readonly input: Json;
  readonly inputHash: string;
  readonly bytes: number;
  readonly hasFiles: boolean;
  readonly place: Place;
  readonly path: string;
  readonly slot: number;
  readonly options: AskOptions;
}

async function pursue(asker: Asker, agent: AnyAgent, question: Question): Promise<unknown> {
  const { session } = asker;
  const { place } = question;
  session.findings?.asked.add(place);
  session.divergence.asked(place, agent.behaviour.kind !== 'composite');
  if (session.inherited !== undefined && session.effects.has(place)) {
    session.met.set(place, agent);
    asker.noteActing(place);
  }
  const frame = openFrame(asker, agent, question); // its life begins before the first await: who ends the asker ends it
  const above = asker.frame?.life;
  session.busy.open(frame.life, above);
  let recorded = NOTHING_RECORDED;
  let disarm: () => void = NOTHING_TO_STOP;
  try {
    if (session.inherited !== undefined) recorded = foldCall(await session.recall(place));
    const answered = await answerFromJournal(frame, recorded, question.input);
    if (answered.kind !== 'ask') {
      const gaps = await answerEffects(frame, answered, recorded, confirm);
      pass(frame, gaps);
      return answered.value;
    }
    recorded = answered.recorded;
    disarm = arm(frame, question.options, recorded); // answering takes none of the call's time
    const input = await admit(frame, question, recorded);
    const reused = await session.reuse?.answer(frame, question.input, input, recorded);
    if (reused !== undefined) return reused.value;
    const judged = await attemptAll(frame, { raw: question.input, value: input }, recorded);
    session.check();
    frame.life.check();
    if (frame.staged === undefined) await confirm(frame, judged.raw, recorded);
    else await confirmStaged(frame, judged.raw, recorded, { confirm, disarm: () => disarm() });
    pass(frame, frame.gaps ?? []);
    return judged.value;
  } catch (thrown) {
    throw await fail(frame, thrown, recorded);
  } finally {
    disarm();
    if (agent.budget?.onLimit === 'ask') void frame.account?.raising?.close();
    frame.life.close();
    session.busy.close(frame.life, above);
  }
}

function openFrame(asker: Asker, agent: AnyAgent, { place, path, inputHash, slot }: Question): Frame {
  const above = asker.frame;
  const { session } = asker;
  const leaf = agent.behaviour.kind !== 'composite';
  const under = above?.under ?? (leaf ? place : undefined);
  const { budget } = agent;
  const account = budget === undefined ? asker.account : accountOf({ session, place, path, budget, above: asker.account });
  const frame: Frame = {
    session,
    agent,
    place,
    path,
    inputHash,
    asker,
    depth: (above?.depth ?? 0) + 1,
    life: new Life(asker.life),
    account,
    under,
    slot,
    staged: undefined,
    confirmed: false,
    gaps: undefined,
  };
  if (account !== undefined && budget?.onLimit === 'ask') letRaise(session, account, () => chainOf(frame), frame.life);
  return frame;
}

/** Starts the clocks that may end this call: its asker's, its own, its budget's. Returns what stops them. */
function arm(frame: Frame, options: AskOptions, recorded: RecordedCall): () => void {
  const { agent, session, life, path } = frame;
  const stops: (() => void)[] = [];
  const end = (code: 'TIMEOUT' | 'BUDGET_EXCEEDED' | 'CANCELLED', message: string, data: Record<string, unknown> = {}): void =>
    life.end(new AmdahlError(code, message, { data }));
  for (const ms of [options.timeoutMs, agent.timeoutMs]) {
    if (ms !== undefined && !(ms >= 0)) throw new AmdahlError('MISCONFIGURED', `'${path}' is given timeoutMs: ${ms}. Give milliseconds.`);
    if (ms === undefined) continue;
    life.due(session.clock, ms);
    stops.push(
      session.work.after(ms, () =>
        end('TIMEOUT', `'${path}' did not end within ${ms} ms. Give it more time (timeoutMs), or ask for less.`, { ms }),
      ),
    );
  }
  if (agent.budget?.ms !== undefined && frame.account !== undefined) {
    // One that had succeeded only runs again over its answers: the time since is not its own.
    const begun = recorded.outcome?.kind === 'succeeded' ? undefined : recorded.startedAt;
    const since = Math.max(begun ?? Infinity, recorded.retracted?.at ?? -Infinity);
    const from = Number.isFinite(since) ? since : session.clock.now();
    const over = (bound: number): void =>
      end('BUDGET_EXCEEDED', `The budget of '${path}' caps time at ${bound} ms, and that is used up.`, { cap: 'ms', bound });
    stops.push(armTimeCap({ session, account: frame.account, life, from, over }));
  }
  const { signal } = options;
  if (signal !== undefined) {
    const cancel = (): void => end('CANCELLED', `'${path}' was cancelled by its asker: ${describe(signal.reason)}.`);
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    stops.push(() => signal.removeEventListener('abort', cancel));
  }
  return stops.length === 0 ? NOTHING_TO_STOP : () => stops.forEach((stop) => stop());
}
const NOTHING_TO_STOP = (): void => {};

/** The contracted input, or why the call is not admitted. It is on record either way. */
async function admit(frame: Frame, question: Question, recorded: RecordedCall): Promise<unknown> {
  const { session, agent, path, depth, life } = frame;
  if (recorded.startedAt === undefined) session.note(started(frame, question.input));
  const late = inTime(frame.account, life);
  if (late !== undefined) await late;
  life.check();
  const { limits } = session;
  if (depth > limits.depth) {
    tripped(frame, 'depth', depth);
    throw limitError(
      'depth',
      limits.depth,
      `'${path}' is asked ${depth} calls deep`,
      'Look for agents that ask each other without end, or raise limits.depth.',
    );
  }
  if (question.bytes > limits.payloadBytes) {
    tripped(frame, 'payloadBytes', question.bytes);
    throw limitError(
      'payloadBytes',
      limits.payloadBytes,
      `The input of '${path}' has ${question.bytes} bytes`,
      'Send less, or raise limits.payloadBytes.',
    );
  }
  const width = agent.behaviour.kind === 'composite' ? (agent.behaviour.width?.(question.input) ?? 0) : 0;
  if (width > limits.fanOut) {
    tripped(frame, 'fanOut', width);
    throw limitError(
      'fanOut',
      limits.fanOut,
      `'${path}' is asked to fan out to ${width} items`,
      'Give it fewer items, or raise limits.fanOut.',
    );
  }
  refuseHeldActs(frame);
  if (question.hasFiles) await life.race(session.files.admit(question.input, path, agent.behaviour.kind === 'model'));
  const validated = agent.input.validate(question.input);
  const checked = validated instanceof Promise ? await life.race(validated) : validated;
  if (!checked.ok) throw inputRefused(path, checked.problems);
  return checked.value;
}

/** The error for an input that does not fit. Pure. */
export function inputRefused(path: string, problems: readonly Problem[]): AmdahlError {
  return new AmdahlError('CONTRACT_VIOLATION', `The input of '${path}' does not fit its contract: ${problemList(problems)}.`, {
    problems,
    data: { side: 'input' },
  });
}

function tripped(frame: Frame, guard: string, evidence: Json): void {
  frame.session.note({ kind: 'guard.tripped', place: frame.place, guard, call: frame.path, evidence });
}

function started(frame: Frame, input: Json): Happening {
  const { agent, place, path, asker, under } = frame;
  const { behaviour } = agent;
  const width = behaviour.kind === 'composite' ? behaviour.width?.(input) : undefined;
  return {
    kind: 'call.started',
    place,
    asker: asker.place,
    path,
    agent: agent.name,
    of: agent.kind,
    input,
    ...(under === undefined || under === place ? {} : { under }),
    ...(width === undefined ? {} : { width }),
    ...(agent.budget === undefined ? {} : { budget: agent.budget }),
  };
}

/** Makes a success durable. A composite that came to the same again has nothing to add. */
async function confirm(frame: Frame, raw: unknown, { outcome }: RecordedCall): Promise<void> {
  const { session, agent, place } = frame;
  const leaf = agent.behaviour.kind !== 'composite';
  const gaps = frame.gaps === undefined || frame.gaps.length === 0 ? {} : { gaps: frame.gaps };
  const print = session.roster.fingerprintOf(agent);
  const version = print === undefined ? {} : { fingerprint: print };
  // Of a composite too: a conversation that goes on after it was a tool does not ask it again.
  const rising = frame.confirmed || frame.staged === undefined || frame.staged.length === 0 ? {} : { staged: frame.staged };
  if (leaf) {
    const key = session.reuse?.keyFor(frame);
    const reuse = key === undefined ? {} : { reuse: key };
    await record(frame, { kind: 'call.succeeded', place, ...version, output: raw as Json, ...gaps, ...reuse, ...rising }); // JSON by toJson() or JSON.parse()
    return;
  }
  const outputHash = hash(written(raw, frame.path));
  if (outcome?.kind === 'succeeded') {
    if (outcome.outputHash === outputHash && isEqual(outcome.staged, rising.staged)) return;
    session.note({ kind: 'call.retracted', place, why: 'differs' });
  }
  await record(frame, { kind: 'call.succeeded', place, ...version, outputHash, ...gaps, ...rising });
}

function isEqual(before: readonly string[] = [], now: readonly string[] = []): boolean {
  return before.length === now.length && before.every((key, index) => key === now[index]);
}

/** What a composite gives, as text. Dates and the like may be in it, but nothing that has no JSON form at all. */
function written(raw: unknown, path: string): string {
  try {
    return JSON.stringify(raw) ?? 'null';
  } catch (cause) {
    toJson(raw, `the output of '${path}'`);
    throw cause;
  }
}

/** Durable before the asker sees it; the root's outcome becomes so together with the end of the run, which comes next. */
async function record({ session, asker }: Frame, outcome: Happening): Promise<void> {
  if (asker.frame === undefined) session.note(outcome);
  else await session.append(outcome);
}

/** Makes a failure durable where it is an outcome, and gives the error its asker gets. */
async function fail(frame: Frame, thrown: unknown, { outcome }: RecordedCall): Promise<AmdahlError> {
  const { session, agent, place, path, life } = frame;
  session.check();
  // What ended this call from above is its asker's affair: the asker records it, and this call may go on later.
  if (life.error !== undefined && life.origin !== life && !frame.confirmed) return life.error;
  const found = asAmdahl(frame.confirmed ? thrown : (life.error ?? thrown), path).at({ run: session.run, call: path, place });
  const error = session.secrets.error(found);
  if (ANSWERED.get(found) !== place) {
    const causes = causesOf(session.failures, found, place);
    const print = session.roster.fingerprintOf(agent);
    if (outcome !== undefined) session.note({ kind: 'call.retracted', place, why: 'differs' });
    discardBelow(frame, `'${path}' failed`);
    // What fails below a holder is none of what that holder will stand for, whoever goes on without it.
    if (!frame.confirmed && (holdsActs(agent) || actHolderOf(frame) !== undefined)) await undoBelow(frame);
    await record(frame, {
      kind: 'call.failed',
      place,
      ...(print === undefined ? {} : { fingerprint: print }),
      error: recordError(error),
      causes,
    });
  }
  session.failures.set(error, place);
  return error;
}

/** Tells the asker's call of holes below. */
function pass(frame: Frame, gaps: readonly Gap[]): void {
  const above = frame.asker.frame;
  if (gaps.length === 0) return;
  if (above === undefined) frame.session.gaps = gaps;
  else (above.gaps ??= []).push(...gaps);
}

/** The calls whose failures an error passes on: those found along its causes. Bounded. */
function causesOf(failures: WeakMap<object, Place>, error: AmdahlError, self: Place): readonly Place[] {
  const found = new Set<Place>();
  const seen = new Set<unknown>();
  const queue: unknown[] = [error];
  for (let one = queue.shift(); one !== undefined && seen.size < 10_000; one = queue.shift()) {
    if (typeof one !== 'object' || one === null || seen.has(one)) continue;
    seen.add(one);
    const place = failures.get(one);
    if (place !== undefined && place !== self) {
      found.add(place);
      continue;
    }
    if (one instanceof AggregateError) queue.push(...(one.errors as unknown[]));
    if (one instanceof Error) queue.push(one.cause);
  }
  return [...found];
}
