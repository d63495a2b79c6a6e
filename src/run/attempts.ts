// Attempts: a call tried until its answer stands or its bound is reached. What an attempt is depends on what is
// behind the agent: a conversation (conversation.ts), code, or other agents.
//
// A1 an attempt that was not refused goes on where it stopped; a refused one is followed by a fresh one.
// A2 once an act on the world has begun below a call, it gets no fresh attempt, now or on a resume, before that is undone; what a
//    refused attempt did is undone before the next one, or the call's failure.

import type { CompositeBehaviour, StepBehaviour } from '../agent/definition.ts';
import { toJson } from '../agent/canonical.ts';
import { AmdahlError, describe, type ErrorCode, type Problem, problemList, reviveError } from '../agent/errors.ts';
import { receiptOf } from '../agent/receipt.ts';
import type { Json, Place } from '../journal/event.ts';
import type { Judged } from '../model/loop.ts';
import { act, allow, type Deed } from './act.ts';
import { admitEffects } from './admission.ts';
import type { Frame } from './asker.ts';
import { CodeAsker } from './codeAsker.ts';
import { Conversation } from './conversation.ts';
import { askPerson } from './human.ts';
import { checkSize, judge } from './judge.ts';
import { effectKey } from './effectKey.ts';
import { discardBelow, stage, withResults } from './outbox.ts';
import { askerPlace } from './place.ts';
import type { RecordedCall, Rejection } from './recorded.ts';
import { CallScope } from './scope.ts';
import { consider } from './staging.ts';
import { canUndo, undoBelow, undoCalls, undoDoomed } from './undo.ts';

/** A call's input: as asked (its identity) and as contracted (what code sees). */
export interface Input {
  readonly raw: Json;
  readonly value: unknown;
}

/** One attempt about to be made. */
export interface Attempt {
  readonly number: number;
  /** It was begun in an earlier entry: what it recorded is used. */
  readonly again: boolean;
  /** Its bounds do not count what was recorded before this: there its call's failure was forgotten. -1 where none was. */
  readonly renewedSeq: number;
}

type Standing = Extract<Judged, { ok: true }>;
type Refusal = { readonly ok: false; readonly why: Rejection['why']; readonly problems: readonly Problem[] };

/** Attempts until one stands. Rejects with why the last one did not. */
export async function attemptAll(frame: Frame, input: Input, recorded: RecordedCall): Promise<Standing> {
  const { session, agent, place } = frame;
  const print = session.roster.fingerprintOf(agent);
  const rejected = rejectionsOf(recorded, print);
  // A crash may have kept it from being undone.
  const isRejected = recorded.attempts.at(-1)?.rejected !== undefined;
  await (isRejected ? undoBelow(frame) : undoDoomed(frame));
  const final = isRejected ? rejected.at(-1) : undefined;
  if (final !== undefined && final.why !== 'code' && (rejected.length >= agent.attempts || session.effects.stand(place))) {
    // The last attempt it may have was refused, and a crash kept that from being recorded as its failure.
    throw refusedForGood(frame, { ok: false, ...final }, rejected.length);
  }
  let attempt = firstAttempt(frame, recorded);
  for (let rejections = rejected.length; ; attempt = { number: attempt.number + 1, again: false, renewedSeq: -1 }) {
    frame.gaps = undefined;
    frame.staged = undefined;
    if (!attempt.again)
      session.note({ kind: 'attempt.started', place, attempt: attempt.number, ...(print === undefined ? {} : { fingerprint: print }) });
    rejections += 1;
    const isLast = (): boolean => rejections >= agent.attempts;
    // What an attempt did to its input must not reach the next: it gets the recorded one.
    const given = attempt.again || rejections === 1 ? input : await inputAgain(frame, input);
    const judged = await attemptOnce(frame, given, attempt, isLast);
    frame.life.check();
    if (judged.ok) return judged;
    session.note({ kind: 'attempt.rejected', place, attempt: attempt.number, why: judged.why, problems: judged.problems });
    discardBelow(frame, 'its attempt was refused');
    if (session.effects.stand(place)) {
      await session.append();
      await undoBelow(frame);
    }
    if (isLast() || session.effects.stand(place)) throw refusedForGood(frame, judged, rejections);
  }
}

async function inputAgain({ session, agent, place, life }: Frame, input: Input): Promise<Input> {
  await session.append();
  for (const { event } of await session.lookUp(place)) {
    if (event.kind !== 'call.started') continue;
    const checked = await life.race(Promise.resolve(agent.input.validate(event.input)));
    if (checked.ok) return { raw: event.input, value: checked.value };
  }
  return input;
}

/** Where to begin: the last attempt where it may go on, else a fresh one. */
function firstAttempt(frame: Frame, recorded: RecordedCall): Attempt {
  const last = recorded.attempts.at(-1);
  if (last === undefined) return { number: 0, again: false, renewedSeq: -1 };
  const { session, agent, place, path } = frame;
  const renewedSeq = recorded.retracted?.seq ?? -1;
  const again: Attempt = { number: last.number, again: true, renewedSeq };
  const fresh: Attempt = { number: last.number + 1, again: false, renewedSeq: -1 };
  // What a person was asked stays asked, whatever the program says now.
  if (agent.kind === 'human' || (session.effects.stand(place) && agent.behaviour.kind !== 'composite')) {
    if (last.fingerprint !== session.roster.fingerprintOf(agent)) session.findings?.changed.push(path);
    return again;
  }
  if (agent.behaviour.kind === 'composite') {
    const refused = last.rejected !== undefined && last.rejected.why !== 'code';
    const threw = last.rejected?.why === 'code' && last.rejected.seq > renewedSeq;
    return (refused || threw) && !session.effects.stand(place) ? fresh : again;
  }
  if (last.fingerprint !== session.roster.fingerprintOf(agent)) {
    if (recorded.last === undefined) session.findings?.bought.push({ path, why: 'it was not finished, and its definition changed' });
    return fresh;
  }
  const answered = last.seq < renewedSeq && recorded.last?.kind === 'succeeded';
  return last.rejected !== undefined || answered ? fresh : again;
}

/** The attempts that were refused, under this program and since the call's failure was last forgotten. */
function rejectionsOf(recorded: RecordedCall, print: string | undefined): readonly Rejection[] {
  const since = recorded.retracted?.seq ?? -1;
  return recorded.attempts.flatMap(({ fingerprint, rejected }) =>
    rejected !== undefined && rejected.why !== 'undone' && rejected.seq > since && fingerprint === print ? [rejected] : [],
  );
}

function attemptOnce(frame: Frame, input: Input, attempt: Attempt, isLast: () => boolean): Promise<Standing | Refusal> {
  const { agent, session } = frame;
  const { behaviour } = agent;
  switch (behaviour.kind) {
    case 'model':
      session.standIn((standIns) => standIns.model(agent));
      return new Conversation(frame, behaviour, input, attempt).hold();
    case 'human':
      return askPerson(frame, behaviour, input, attempt);
    case 'step':
    case 'composite':
      return attemptCode(frame, behaviour, input, attempt, isLast);
  }
}

async function attemptCode(
  frame: Frame,
  behaviour: StepBehaviour | CompositeBehaviour,
  input: Input,
  attempt: Attempt,
  isLast: () => boolean,
): Promise<Standing | Refusal> {
  const { life, session } = frame;
  try {
    const judged =
      behaviour.kind === 'step'
        ? await attemptStep(frame, behaviour, input, attempt)
        : await attemptComposite(frame, behaviour, input, attempt);
    if (!judged.ok || frame.staged === undefined) return judged;
    const admission = await admitEffects(frame, frame.staged, new Set());
    frame.staged = admission.ok ? admission.keys : undefined;
    return admission.ok ? judged : admission;
  } catch (thrown) {
    // With attempts left, code that threw is tried afresh; the last time its error is the call's.
    if (life.error !== undefined || session.interrupted !== undefined || isLast() || isRefused(thrown)) throw thrown;
    if (!(await canUndo(frame))) throw thrown;
    return { ok: false, why: 'code', problems: [{ path: '', message: describe(thrown) }] };
  }
}

/** What a person or the program's own rules refused is refused in every attempt. */
function isRefused(thrown: unknown): boolean {
  return thrown instanceof AmdahlError && REFUSED.has(thrown.code);
}
const REFUSED: ReadonlySet<ErrorCode> = new Set(['APPROVAL_REFUSED', 'EFFECT_REFUSED', 'EFFECT_UNCERTAIN']);

async function attemptStep(frame: Frame, behaviour: StepBehaviour, input: Input, attempt: Attempt): Promise<Judged> {
  const { agent, life, path, place, session } = frame;
  const own = askerPlace(place, 'attempt', attempt.number);
  const standIn = session.standIn((standIns) => standIns.step(agent, input.raw, askerPlace(own, 'act', 0)));
  if (behaviour.effect === 'staged') return await stageStep(frame, behaviour, input, own);
  const code = new CodeAsker(frame, own, attempt.number);
  const context = agent.context === undefined ? undefined : await contextOf(frame);
  const acts = behaviour.effect !== 'none';
  const value = acts ? await withoutReceipts(frame, input) : input.value;
  const base = { run: session.run, call: place, tool: agent.name, args: input.raw, occurrence: 0 };
  const key = acts ? effectKey(session.effects, base) : '';
  const execute = (signal: AbortSignal): unknown =>
    code.run(() => (standIn === undefined ? behaviour.execute(value, { signal, context, key }) : standIn({ value, input: value, signal })));
  let raw: Json;
  try {
    if (!acts) {
      const made = await life.lend(execute);
      session.files.hold(made);
      raw = session.secrets.output(agent, toJson(made, `the output of the step '${path}'`), path);
    } else {
      const at = askerPlace(own, 'act', 0);
      // What it did is done, and what it gave must not be taken for an answer by a resume either.
      const checked = async (signal: AbortSignal): Promise<Json> =>
        session.secrets.output(agent, toJson((await execute(signal)) ?? null, `the output of the step '${path}'`), path);
      const deed: Deed = {
        place: at,
        attempt: own,
        tool: agent.name,
        args: input.raw,
        key,
        rules: behaviour.rules,
        about: (signal) => ({ key, args: value, input: value, signal, context }),
        path,
        again: attempt.again,
        execute: checked,
      };
      await allow(frame, deed);
      const done = await act(frame, deed);
      if (done.kind === 'threw') throw reviveError(done.error);
      raw = done.result;
    }
  } finally {
    await code.finish();
  }
  checkSize(frame, raw);
  return await judge(frame, raw, () => ({ input: input.value, results: [] }));
}

/** What acts at once is told what receipts stand for, and refused what is not done yet. */
async function withoutReceipts({ session, agent, life, path }: Frame, { raw, value }: Input): Promise<unknown> {
  const given = withResults(session, raw, true);
  if (given === raw) return value;
  const checked = await life.race(Promise.resolve(agent.input.validate(given)));
  if (checked.ok) return checked.value;
  throw new AmdahlError(
    'CONTRACT_VIOLATION',
    `The input of '${path}' does not fit its contract now that receipts are replaced: ${problemList(checked.problems)}.`,
    { problems: checked.problems, data: { side: 'input' } },
  );
}

/** A staged step gives its receipt; its code runs when it is committed. */
async function stageStep(frame: Frame, { rules }: StepBehaviour, { raw }: Input, attempt: Place): Promise<Judged> {
  const { agent, session } = frame;
  const context = (): Promise<unknown> => contextOf(frame);
  const approve = await consider(frame, { args: raw, contract: agent.input, rules, context });
  const place = askerPlace(attempt, 'act', 0);
  const key = stage(frame, { place, attempt, tool: agent.name, args: raw, rules, occurrence: 0, approve }, false);
  frame.staged = [key];
  session.check();
  const receipt = receiptOf(key);
  return { ok: true, raw: receipt, value: receipt };
}

async function attemptComposite(frame: Frame, behaviour: CompositeBehaviour, input: Input, attempt: Attempt): Promise<Judged> {
  const { agent, life, path } = frame;
  const asker = frame.asker.attempt(frame, attempt.number);
  // Only a flow has code of its own: that of other composites asks agents and nothing else.
  const code = agent.kind === 'flow' ? new CodeAsker(frame, asker.place, attempt.number) : undefined;
  const context = agent.context === undefined ? undefined : await contextOf(frame);
  const run = (): Promise<unknown> => body(behaviour, input.value, new CallScope(asker, context, undoCalls));
  let value: unknown;
  try {
    value = await life.race(code === undefined ? run() : code.run(run));
  } catch (thrown) {
    // Whatever is still running below failed with its asker and may go on later: no outcome of its own.
    life.endBelow(() => new AmdahlError('CANCELLED', `The asker '${path}' failed.`), life);
    await Promise.all([asker.finish(), code?.finish()]);
    throw thrown;
  }
  life.endBelow(
    () => new AmdahlError('CANCELLED', `'${path}' ended while this call was still open, so it was cancelled. Was an await forgotten?`),
  );
  await Promise.all([asker.finish(), code?.finish()]);
  frame.staged = asker.risen;
  // Combinators pass on what contracts let through; what a flow's own code makes must be JSON, or nothing.
  const own = agent.output.kind === 'schema' || (agent.kind === 'flow' && value !== undefined);
  const raw = own ? frame.session.secrets.output(agent, toJson(value, `the output of '${path}'`), path) : value;
  return await judge(frame, raw, () => ({ input: input.value, results: [] }));
}

/** What the call's own code gets of the run's context. */
async function contextOf({ agent, session, path }: Frame): Promise<unknown> {
  return await session.contexts.give(agent.context, `'${path}'`);
}

async function body(behaviour: CompositeBehaviour, input: unknown, scope: CallScope): Promise<unknown> {
  return await behaviour.body(input, scope);
}

function refusedForGood({ session, path, place, agent }: Frame, refusal: Refusal, attempts: number): AmdahlError {
  const acted = session.effects.stand(place) && attempts < agent.attempts;
  const why = refusal.why === 'check' ? 'is refused by its checks' : 'does not fit its contract';
  const tried = acted
    ? 'It has acted on the world, so it gets no fresh attempt'
    : `${attempts} ${attempts === 1 ? 'attempt was' : 'attempts were'} made`;
  if (refusal.why === 'approval')
    return new AmdahlError(
      'APPROVAL_REFUSED',
      `'${path}' may not do what it staged: ${problemList(refusal.problems)}. Nothing of it was done.`,
      {
        problems: refusal.problems,
        data: { attempts },
      },
    );
  return new AmdahlError(
    refusal.why === 'check' ? 'CHECK_FAILED' : 'CONTRACT_VIOLATION',
    `The output of '${path}' ${why}: ${problemList(refusal.problems)}. ${tried}; all of it is in: amdahl show ${session.run}`,
    {
      problems: refusal.problems,
      data: { side: 'output', attempts },
    },
  );
}
