// What stands before the commit point of a call: receipts that will have been replaced, effects that are not too old, and the yes
// of people where one is asked for. Called for a call that commits, once its output has passed contract and checks; a no is
// told like the refusal of a check.

import { receiptsIn } from '../agent/receipt.ts';
import type { Problem } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import { approvalQuestion, refusalOf } from './approval.ts';
import { chainOf, type Frame } from './asker.ts';
import { discard, holderOf } from './outbox.ts';

/** What may be committed of what was staged, or why the output is refused. */
export type Admission =
  | { readonly ok: true; readonly keys: readonly string[] }
  | { readonly ok: false; readonly why: 'check' | 'approval'; readonly problems: readonly Problem[] };

/**
 * Asks all at once. What is refused is discarded and goes into `refused`; it counts for nothing from then on. A call below a holder
 * commits nothing, so that everything passes.
 */
export async function admitEffects(frame: Frame, staged: readonly string[], refused: Set<string>): Promise<Admission> {
  const keys = staged.filter((key) => !refused.has(key));
  if (keys.length === 0 || holderOf(frame) !== undefined) return { ok: true, keys };
  const { session } = frame;
  const effects = keys.flatMap((key) => session.effects.get(key) ?? []);
  const verdicts = await Promise.all(effects.map(async (effect) => ({ effect, why: await objection(frame, effect, keys) })));
  const problems: Problem[] = [];
  let person = false;
  for (const { effect, why } of verdicts) {
    if (why === undefined) continue;
    person ||= why.person;
    problems.push({ path: '', message: why.message });
    refused.add(effect.key);
    if (effect.state === 'staged') discard(session, effect, why.message);
  }
  if (problems.length === 0) return { ok: true, keys };
  return { ok: false, why: person ? 'approval' : 'check', problems };
}

interface Objection {
  readonly message: string;
  readonly person: boolean;
}

async function objection(frame: Frame, effect: EffectRecord, keys: readonly string[]): Promise<Objection | undefined> {
  const { session, life, place } = frame;
  const { tool, path, args, contracted, key, staleAt, state } = effect;
  // It has begun: what came of it is another question.
  if (state === 'committing' || state === 'committed' || state === 'uncertain') return undefined;
  const missing = receiptsIn(args).find(({ short }) => {
    const of = session.effects.ofReceipt(short);
    return of === undefined || (of.state !== 'committed' && !keys.includes(of.key));
  });
  if (missing !== undefined)
    return { message: `'${tool}' takes ${missing.text}, and what that stands for will not be done`, person: false };
  if (staleAt !== undefined && session.clock.now() > staleAt)
    return { message: `'${tool}' was staged too long ago to be done now: do it again`, person: false };
  if (effect.approve !== true) return undefined;
  const wanted = { tool, path, args, ...(contracted === undefined ? {} : { contracted }), key, calls: chainOf(frame) };
  const refusal = refusalOf(await session.asks.ask(approvalQuestion(wanted, place), life), wanted);
  return refusal === undefined ? undefined : { message: refusal.message, person: true };
}
