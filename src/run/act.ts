// Acts: immediate effects on the world, journaled before and after. Called for tools and steps with effect 'immediate'.
//
// E1 `effect.committing` is durable before the act starts, so that a crash in between is found; where a person must approve of
//    it, that is so before.
// E2 what came back stays: an act that returned or threw is never started again, whatever is resumed or retried.
//    One whose call was over before it could start is discarded as not begun, and a later entry may begin it.
// E3 one that began and never came back is settled where it is reached: the same key again where the service takes keys, else
//    by what the service or a person says (uncertain.ts). It starts again for no other reason.
// E4 once an act has begun, its call and all above it get no fresh attempt before it is undone: the session's effects say so.

import { type Json, toJson } from '../agent/canonical.ts';
import type { EffectOptions, EffectRules } from '../agent/effect.ts';
import { AmdahlError, asAmdahl, recordError } from '../agent/errors.ts';
import { type EffectRecord, mayStand } from '../journal/effects.ts';
import type { Place } from '../journal/event.ts';
import { approvalQuestion, needsApproval, refusalOf, sentAs } from './approval.ts';
import { chainOf, type Frame } from './asker.ts';
import { meet } from './effectCode.ts';
import { foldAct, type RecordedAct } from './recorded.ts';
import type { Secrets } from './secrets.ts';
import { settle, type Settled, uncertain } from './uncertain.ts';

export interface Deed {
  /** The act's own place. */
  readonly place: Place;
  /** Of the attempt that acts. */
  readonly attempt: Place;
  readonly path: string;
  readonly tool: string;
  readonly args: Json;
  /** Of the effect, for good. */
  readonly key: string;
  readonly rules: EffectRules;
  /** What the code of the effect's rules is told. */
  readonly about: (signal: AbortSignal) => EffectOptions<unknown, unknown, unknown>;
  /** An earlier entry may have done it. */
  readonly again: boolean;
  readonly timeoutMs?: number;
  readonly execute: (signal: AbortSignal) => unknown;
}

export type Done = Exclude<RecordedAct, { kind: 'none' }>;

/** How often a service that takes keys is sent the same one, where it never comes back. */
const BEGINNINGS_MAX = 3;

/** Acts once, or gives what the act gave when it was done; it was allowed. */
export async function act(frame: Frame, deed: Deed): Promise<Done> {
  const { session } = frame;
  if (deed.again) {
    const known = foldAct(await session.recall(deed.place));
    if (known.kind !== 'none') return known;
  }
  meet(frame);
  const known = session.effects.get(deed.key);
  if (known?.state === 'committed') return { kind: 'returned', result: known.result ?? null };
  if (known?.state === 'committing' || known?.state === 'uncertain') {
    if (known.state === 'committing') session.note({ kind: 'effect.uncertain', place: known.place, calls: known.calls, key: known.key });
    const next = known.notDone === true ? 'begin' : await settled(frame, deed, known, true);
    return typeof next === 'string' ? await begin(frame, deed, next) : next;
  }
  return await begin(frame, deed, 'begin');
}

/**
 * Waits until an act may begin, and asks whoever must approve of it. To be asked before act(), and apart from what its code does.
 * @throws AmdahlError APPROVAL_REFUSED where a person must say yes and did not.
 */
export async function allow(frame: Frame, deed: Deed): Promise<void> {
  const { session, life } = frame;
  const { rules, tool, path, args, key } = deed;
  if (mayStand(session.effects.get(key))) return;
  await session.divergence.gate(deed, life);
  if (rules.approve === undefined) return;
  let contracted: ReturnType<typeof sentAs> = {};
  const isNeeded = await life.lend(async (signal) => {
    const about = deed.about(signal);
    contracted = sentAs(args, about.args);
    return await needsApproval(rules, about);
  });
  if (!isNeeded) return;
  const wanted = { tool, path, args, ...contracted, key, calls: chainOf(frame) };
  const refused = refusalOf(await session.asks.ask(approvalQuestion(wanted, frame.place), life), wanted);
  if (refused !== undefined) throw refused;
}

/** How an act begins: as what was certainly not done, or with the key of what may have been. */
type Beginning = 'begin' | 'send again';

async function begin(frame: Frame, deed: Deed, how: Beginning): Promise<Done> {
  const { session, life } = frame;
  const { place, attempt, path, tool, args, key } = deed;
  const calls = chainOf(frame);
  for (let [beginning, present] = [1, how]; ; beginning += 1) {
    session.check();
    await session.settle({ kind: 'effect.committing', place, calls, attempt, path, tool, key, args, effect: 'immediate' });
    // What may have been done must be known, whether or not its call is over.
    const over = session.interrupted ?? (present === 'begin' ? life.error : undefined);
    if (over !== undefined) {
      const undecided = { place, calls, key };
      await session.settle(
        present === 'begin' ? { kind: 'effect.discarded', ...undecided, why: 'not begun' } : { kind: 'effect.uncertain', ...undecided },
      );
      throw over;
    }
    const start = session.clock.now();
    const came = await perform(frame, deed);
    if (came !== undefined) return await returned(frame, deed, came, start);
    await session.settle({ kind: 'effect.uncertain', place, calls, key });
    if (session.interrupted !== undefined) {
      // That is what a person must hear, whatever else ended the run.
      session.interrupt(uncertain(deed));
      throw session.interrupted;
    }
    const known = session.effects.get(key);
    const next = known === undefined ? 'begin' : await settled(frame, deed, known, beginning < BEGINNINGS_MAX);
    if (typeof next !== 'string') return next;
    present = next;
  }
}

async function returned(frame: Frame, { place, key }: Deed, done: Done, start: number): Promise<Done> {
  const { session } = frame;
  const ms = session.clock.now() - start;
  const { kind: _, ...came } = done;
  const result = done.kind === 'returned' ? { result: done.result } : {};
  await session.settle(
    { kind: 'effect.committed', place, calls: chainOf(frame), key, ...result },
    { kind: 'tool.returned', place, ...came, ms },
  );
  session.check();
  frame.life.check();
  return done;
}

/**
 * What became of an act that never came back, or how it begins again: with the same key, or because somebody knows that it was
 * not done.
 */
async function settled(frame: Frame, deed: Deed, effect: EffectRecord, maySend: boolean): Promise<Done | Beginning> {
  const { session, life } = frame;
  const { place, key, rules } = deed;
  if (rules.idempotent === true && maySend) return 'send again';
  const outcome = await settle(frame, { effect, rules, about: deed.about });
  session.check();
  switch (outcome.kind) {
    case 'done':
      return await known(frame, deed, outcome);
    case 'not done':
      if (life.error === undefined) return 'begin';
      await session.settle({ kind: 'effect.discarded', place, calls: effect.calls, key, why: 'not done' });
      throw life.error;
    case 'given up': {
      const error = uncertain(deed, outcome.reason);
      life.end(error); // nothing that a model could mend
      throw life.error ?? error;
    }
  }
}

/** It was done, as its service or a person knows. */
async function known(frame: Frame, { place, key }: Deed, { how, result = null }: Extract<Settled, { kind: 'done' }>): Promise<Done> {
  const { session, life } = frame;
  const calls = chainOf(frame);
  await session.settle({ kind: 'effect.committed', place, calls, key, result, how }, { kind: 'tool.returned', place, result, ms: 0 });
  session.check();
  life.check();
  return { kind: 'returned', result };
}

/** Runs the act and waits for it, also past a cancel: stopping to look would leave it uncertain. Undefined when it never came back. */
async function perform(frame: Frame, deed: Deed): Promise<Done | undefined> {
  const { session, life } = frame;
  const { clock, limits } = session;
  const abort = new AbortController();
  const stops: (() => void)[] = [];
  const gone = new Promise<undefined>((resolve) => {
    const stop = (error: AmdahlError): void => {
      if (abort.signal.aborted) return;
      abort.abort(error);
      stops.push(clock.after(limits.actGraceMs, () => resolve(undefined)));
    };
    stops.push(life.onEnd(stop));
    if (deed.timeoutMs !== undefined) {
      stops.push(
        session.work.after(deed.timeoutMs, () =>
          stop(new AmdahlError('TIMEOUT', `'${deed.path}' did not end within ${deed.timeoutMs} ms.`)),
        ),
      );
    }
  });
  try {
    return await Promise.race([execute(deed, abort.signal, session.secrets), gone]);
  } finally {
    for (const stop of stops) stop();
  }
}

async function execute({ path, tool, execute: run }: Deed, signal: AbortSignal, secrets: Secrets): Promise<Done> {
  try {
    const what = `'${tool}' was done, but its result`; // who reads that must not do it again
    return { kind: 'returned', result: secrets.clean(toJson((await run(signal)) ?? null, what)) };
  } catch (thrown) {
    return { kind: 'threw', error: secrets.record(recordError(asAmdahl(thrown, path))) };
  }
}
