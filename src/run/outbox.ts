// The outbox: what is staged waits here, in the ledger, until the call that commits it is confirmed (commit.ts) or nothing can
// confirm it any more. Called by the funnel, and by tools.ts and attempts.ts where something is staged.
//
// O1 the outermost holder above an effect commits it; where there is none, the call that it serves.
// O2 what rises keeps the order of the tree: that in which it was asked for, never that in which it came about.
// O3 whatever is decided against it discards it: a refused attempt, a failure, the holder's choice, the end of the run. An
//    interruption decides nothing.

import { holds } from '../agent/holds.ts';
import { canonical, type Json } from '../agent/canonical.ts';
import { fieldIn, mayHoldReceipts, type ReceiptFound, receiptOf, receiptsIn, replaceReceipts } from '../agent/receipt.ts';
import { AmdahlError, type Problem } from '../agent/errors.ts';
import type { EffectRules } from '../agent/effect.ts';
import type { EffectRecord } from '../journal/effects.ts';
import type { Place } from '../journal/event.ts';
import { chainOf, type Frame } from './asker.ts';
import { meet } from './effectCode.ts';
import { effectKey, nextKey } from './effectKey.ts';
import type { Session } from './session.ts';

/** The outermost call above that may still refuse this one; undefined where none may. O(depth). */
export function holderOf(frame: Frame): Frame | undefined {
  let holder: Frame | undefined;
  for (let { asker } = frame; asker.frame !== undefined; { asker } = asker.frame)
    if (asker.isRaced || holds(asker.frame.agent)) holder = asker.frame;
  return holder;
}

/** An effect about to be staged, at the place of its tool call or act. */
export interface Staging {
  readonly place: Place;
  readonly attempt: Place;
  readonly tool: string;
  /** As they were given: receipts stand in them. */
  readonly args: Json;
  readonly rules: EffectRules;
  readonly occurrence: number;
  /** A person must approve of it, and of this where its contract makes something else of the arguments. */
  readonly approve: false | { readonly contracted?: Json };
}

/**
 * Puts an effect into the outbox, unless it is there or has begun already. Gives its key. `again`: an earlier entry staged it, and
 * what it said of it then stands.
 */
export function stage(frame: Frame, staging: Staging, again: boolean): string {
  const { session, path } = frame;
  const { place, attempt, tool, args, rules, occurrence, approve } = staging;
  const key = effectKey(session.effects, { run: session.run, call: frame.place, tool, args, occurrence });
  meet(frame);
  const before = session.effects.get(key);
  if (again && before !== undefined) {
    restage(session, key);
    return key;
  }
  const isThere = before?.state === 'staged' && before.place === place;
  if (before === undefined || before.state === 'discarded' || (before.state === 'staged' && !isThere)) {
    const stale = rules.maxAge === undefined ? {} : { staleAt: session.clock.now() + rules.maxAge };
    const approval = approve === false ? {} : { approve: true as const, ...approve };
    const receipt = receiptOf(key);
    session.note({ kind: 'effect.staged', place, calls: chainOf(frame), attempt, path, tool, key, args, receipt, ...approval, ...stale });
  }
  return key;
}

/** What an answer of the journal had staged is staged again where it was discarded since: as it was then, and as old as it was. */
export function restage(session: Session, key: string): void {
  const before = session.effects.get(key);
  if (before?.state === 'discarded') noteAgain(session, before, key);
}

/** As restage; what was undone since is another effect now (effectKey.ts). Gives the key under which it waits. */
export function restageUndone(session: Session, key: string): string {
  const before = session.effects.get(key);
  if (before?.state !== 'undone') {
    restage(session, key);
    return key;
  }
  const next = nextKey(session.effects, session.run, before);
  if (session.effects.get(next) === undefined) noteAgain(session, before, next);
  else restage(session, next);
  return next;
}

function noteAgain(session: Session, before: EffectRecord, key: string): void {
  const { place, calls, attempt, path, tool, args, approve, contracted, staleAt } = before;
  if (before.receipt === undefined) return;
  const receipt = receiptOf(key);
  session.note({
    kind: 'effect.staged',
    place,
    calls,
    attempt,
    path,
    tool,
    key,
    args,
    receipt,
    ...(approve === undefined ? {} : { approve }),
    ...(contracted === undefined ? {} : { contracted }),
    ...(staleAt === undefined ? {} : { staleAt }),
  });
}

/** Discards what is staged below a call, but for these keys (O3). Durable with what decides it, which comes next. */
export function discardBelow({ session, place }: Frame, why: string, but: readonly string[] = []): void {
  if (session.effects.isEmpty) return;
  for (const effect of session.effects.below(place))
    if (effect.state === 'staged' && effect.confirmedBy === undefined && !but.includes(effect.key)) discard(session, effect, why);
}

/**
 * At the end of a run: whatever nothing has confirmed. Where it ends well, what is confirmed and was never begun too: a person let
 * the run go on without the call that would have.
 */
export function discardAll(session: Session, well: boolean): void {
  if (session.effects.isEmpty) return;
  for (const effect of session.effects.all()) {
    if (effect.state !== 'staged') continue;
    if (effect.confirmedBy === undefined) discard(session, effect, 'the run ended, and nothing had confirmed it');
    else if (well) discard(session, effect, 'the run went another way, which a person accepted');
  }
}

export function discard(session: Session, { place, calls, key }: EffectRecord, why: string): void {
  session.note({ kind: 'effect.discarded', place, calls, key, why });
}

/** The receipts in arguments; none where there is no effect that they could be of, unless `unknown` ones count too. */
export function receiptsOf(session: Session, args: Json, unknown: boolean): readonly ReceiptFound[] {
  if (!unknown && session.effects.isEmpty) return NO_RECEIPTS;
  return mayHoldReceipts(canonical(args)) ? receiptsIn(args) : NO_RECEIPTS;
}
const NO_RECEIPTS: readonly ReceiptFound[] = [];

/**
 * Whether the receipts in the arguments of an effect stand for what is done by the time that it is: committed already, or
 * waiting for the same commit.
 * @throws AmdahlError CONTRACT_VIOLATION where one does not.
 */
export function checkReceipts(frame: Frame, receipts: readonly ReceiptFound[]): void {
  if (receipts.length === 0) return;
  const commits = (holderOf(frame) ?? frame).place;
  const problems = receipts.flatMap(({ path, text, short }): Problem[] => {
    const of = frame.session.effects.ofReceipt(short);
    if (of === undefined) return [{ path, message: `${text} is the receipt of nothing that was staged` }];
    const will = (of.state === 'staged' || of.state === 'committing' || of.state === 'uncertain') && of.calls.includes(commits);
    return of.state === 'committed' || will
      ? []
      : [{ path, message: `${text} stands for '${of.tool}', which will not be done before this` }];
  });
  if (problems.length > 0) throw badReceipts(problems);
}

/**
 * Arguments of what is not staged, with its receipts replaced. `acts`: it does something to the world, which must not be sent
 * receipts of nothing either.
 * @throws AmdahlError CONTRACT_VIOLATION where one stands for what is not done yet.
 */
export function withResults(session: Session, args: Json, acts = false): Json {
  const receipts = receiptsOf(session, args, acts);
  if (receipts.length === 0) return args;
  const problems = receipts.flatMap(({ path, text, short }): Problem[] => {
    const of = session.effects.ofReceipt(short);
    if (of?.state === 'committed') return [];
    if (of === undefined) return acts ? [{ path, message: `${text} is the receipt of nothing that was staged` }] : [];
    return [{ path, message: `${text} stands for '${of.tool}', which is not done yet: only what is staged may take it` }];
  });
  if (problems.length > 0) throw badReceipts(problems);
  return replaced(session, args);
}

/** With receipts of what is committed replaced; others stay. */
export function replaced(session: Session, args: Json): Json {
  return replaceReceipts(args, (short, of) => {
    const effect = session.effects.ofReceipt(short);
    return effect?.state === 'committed' ? fieldIn(effect.result ?? null, of) : undefined;
  });
}

export function badReceipts(problems: readonly Problem[]): AmdahlError {
  const said = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return new AmdahlError('CONTRACT_VIOLATION', `The arguments do not fit: ${said}.`, { problems });
}
