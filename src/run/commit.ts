// Committing: from the commit point of a call to its end. The funnel comes here with a call whose output stands and which has staged
// effects and no holder above, and again with each entry until all of them are done.
//
// C1 `call.confirmed` is durable before the first `effect.committing`, and that before its effect starts.
// C2 from the commit point on nothing but a person makes a failure of the call: cancels, time-outs and crashes only delay it, and
//    no attempt, check or repair of it runs again.
// C3 one effect after the other, in the order of the tree, receipts before those that take them.
// C4 what may have begun starts again only where its service takes keys, or its service or a person says that it was not done.

import { receiptsIn } from '../agent/receipt.ts';
import type { Json } from '../journal/event.ts';
import type { Frame } from './asker.ts';
import { CommitOne } from './commitOne.ts';
import { giveUp } from './giveUp.ts';
import { Life } from './life.ts';
import { discardBelow } from './outbox.ts';
import type { Confirmed, RecordedCall } from './recorded.ts';
import type { Session } from './session.ts';

/** Makes the commit point durable: what was staged below and did not rise is discarded with it. */
export async function commitPoint(frame: Frame, output: Json, { confirmations }: RecordedCall): Promise<Confirmed> {
  const { session, agent, place, gaps = [], staged = [] } = frame;
  const fingerprint = session.roster.fingerprintOf(agent);
  const effects = inOrder(session, staged);
  discardBelow(frame, 'its holder was confirmed without it', effects);
  session.check();
  frame.life.check();
  const print = fingerprint === undefined ? {} : { fingerprint };
  await session.append({ kind: 'call.confirmed', place, ...print, output, ...(gaps.length === 0 ? {} : { gaps }), effects });
  frame.confirmed = true;
  return { output, gaps, fingerprint, effects, nth: confirmations };
}

/** Commits what is left to be, and then ends the call. Rejects with why the run was interrupted, or with EFFECT_FAILED. */
export async function rollForward(frame: Frame, confirmed: Confirmed, finish: () => Promise<void>): Promise<void> {
  const { session } = frame;
  frame.confirmed = true;
  // Its own, and not the call's: only the end of the run reaches it.
  const life = new Life(session.life);
  try {
    for (const key of confirmed.effects) {
      const state = session.effects.get(key)?.state;
      // A person gave them up, in an entry that ended before that was done.
      const isOver = state === 'undone' || state === 'discarded';
      const why = isOver ? 'a person gave it up' : await new CommitOne(frame, life, confirmed, key).settle();
      if (why !== undefined) throw await giveUp(frame, life, confirmed, why);
    }
    await finish();
  } finally {
    life.close();
  }
}

/** Whether all of it is done. */
export function isCommitted(session: Session, { effects }: Confirmed): boolean {
  return effects.every((key) => session.effects.get(key)?.state === 'committed');
}

/** Stable, but that the effect of a receipt comes before those that take it. Receipts make no circles: each is of something staged before. */
function inOrder(session: Session, keys: readonly string[]): readonly string[] {
  const order = new Set<string>();
  const put = (key: string, depth: number): void => {
    if (order.has(key)) return;
    const effect = session.effects.get(key);
    if (effect !== undefined && depth < keys.length) {
      for (const { short } of receiptsIn(effect.args)) {
        const of = session.effects.ofReceipt(short)?.key;
        if (of !== undefined && of !== key && keys.includes(of)) put(of, depth + 1);
      }
    }
    order.add(key);
  };
  for (const key of keys) put(key, 0);
  return [...order];
}
