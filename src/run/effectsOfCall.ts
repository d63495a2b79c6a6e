// What the funnel does with the staged effects of a call: they rise to a holder, or it commits them. Called by call.ts, where a
// call is confirmed and where it answers from the journal.

import { toJson } from '../agent/canonical.ts';
import { AmdahlError, problemList } from '../agent/errors.ts';
import type { Gap, Json } from '../journal/event.ts';
import { admitEffects } from './admission.ts';
import type { Answered } from './answered.ts';
import type { Frame } from './asker.ts';
import { commitPoint, isCommitted, rollForward } from './commit.ts';
import { holderOf, restage } from './outbox.ts';
import type { RecordedCall } from './recorded.ts';

/** Makes the success of a call durable. */
type Confirm = (frame: Frame, raw: unknown, recorded: RecordedCall) => Promise<void>;

/** What an answer of the journal had staged rises again, or goes on being committed. Gives its gaps. */
export async function answerEffects(
  frame: Frame,
  answered: Exclude<Answered, { kind: 'ask' }>,
  recorded: RecordedCall,
  confirm: Confirm,
): Promise<readonly Gap[]> {
  if (answered.kind === 'confirmed') {
    const { confirmed } = answered;
    frame.gaps = [...confirmed.gaps];
    frame.confirmed = true;
    const isOver = recorded.outcome !== undefined;
    const finish = async (): Promise<void> => (isOver ? undefined : await confirm(frame, confirmed.output, recorded));
    if (!isOver || !isCommitted(frame.session, confirmed)) await rollForward(frame, confirmed, finish);
    return confirmed.gaps;
  }
  const { staged, gaps } = answered;
  if (staged === undefined) return gaps;
  frame.session.met.set(frame.place, frame.agent);
  for (const key of staged) restage(frame.session, key);
  frame.staged = staged;
  if (holderOf(frame) !== undefined) frame.asker.raise(frame.slot, staged);
  else if (recorded.outcome?.kind === 'succeeded') await commitAnswered(frame, staged, recorded.outcome.output ?? null, recorded);
  return gaps;
}

/** An edit has taken away who would have held it: now it is this call that commits what its answer had staged. */
async function commitAnswered(frame: Frame, staged: readonly string[], output: Json, recorded: RecordedCall): Promise<void> {
  if (staged.every((key) => frame.session.effects.get(key)?.state === 'committed')) return;
  const admission = await admitEffects(frame, staged, new Set());
  if (!admission.ok)
    throw new AmdahlError(
      admission.why === 'approval' ? 'APPROVAL_REFUSED' : 'CHECK_FAILED',
      `'${frame.path}' may not do what it staged: ${problemList(admission.problems)}.`,
      { problems: admission.problems },
    );
  frame.staged = admission.keys;
  const confirmed = await commitPoint(frame, output, recorded);
  await rollForward(frame, confirmed, async () => {});
}

/** Where a holder stands above, what was staged rises to it; else this is the call that commits it. */
export async function confirmStaged(
  frame: Frame,
  raw: unknown,
  recorded: RecordedCall,
  { confirm, disarm }: { readonly confirm: Confirm; readonly disarm: () => void },
): Promise<void> {
  const { staged = [], asker, slot, path } = frame;
  if (staged.length === 0) return await confirm(frame, raw, recorded);
  if (holderOf(frame) !== undefined) {
    await confirm(frame, raw, recorded);
    asker.raise(slot, staged);
    return;
  }
  // What a composite gives is answered from the journal from now on.
  const output = toJson(raw, `the output of '${path}', which commits effects,`);
  const confirmed = await commitPoint(frame, output, recorded);
  disarm(); // nothing that ends the call makes a failure of it any more
  await rollForward(frame, confirmed, () => confirm(frame, raw, recorded));
}
