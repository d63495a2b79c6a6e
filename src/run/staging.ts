// What is looked at when something is staged: its receipts, its arguments as far as they are known by then, and whether a person
// must approve of it. Called by tools.ts and attempts.ts before the effect goes into the outbox.

import type { Contract } from '../agent/contract.ts';
import type { EffectRules } from '../agent/effect.ts';
import { AmdahlError, problemList } from '../agent/errors.ts';
import { receiptNames } from '../agent/receipt.ts';
import type { Json } from '../journal/event.ts';
import { needsApproval, sentAs } from './approval.ts';
import type { Frame } from './asker.ts';
import { badReceipts, checkReceipts, receiptsOf, type Staging } from './outbox.ts';

/** What is about to be staged. */
export interface Intent {
  readonly args: Json;
  readonly contract: Contract;
  readonly rules: EffectRules;
  /** The contracted input of the call that it serves; undefined of a step, whose arguments are its input. */
  readonly input?: { readonly value: unknown };
  readonly context: () => unknown;
}

/**
 * Whether a person must approve of it, and of what.
 * @throws AmdahlError CONTRACT_VIOLATION for arguments that do not fit, but for where receipts stand: they are held against the contract whole once those are replaced.
 */
export async function consider(frame: Frame, { args, contract, rules, input, context }: Intent): Promise<Staging['approve']> {
  const receipts = receiptsOf(frame.session, args, true);
  checkReceipts(frame, receipts);
  const [name] = receiptNames(args);
  if (name !== undefined)
    throw badReceipts([{ path: '', message: `'${name}' is the name of a field: receipts are replaced in values alone` }]);
  const { life } = frame;
  const validated = contract.validate(args);
  const checked = validated instanceof Promise ? await life.race(validated) : validated;
  if (!checked.ok) {
    const problems = checked.problems.filter(({ path }) => receipts.every((receipt) => receipt.path !== path));
    if (problems.length > 0)
      throw new AmdahlError('CONTRACT_VIOLATION', `The arguments do not fit: ${problemList(problems)}.`, { problems });
  }
  if (rules.approve === undefined) return false;
  // Who judges by the arguments cannot judge of what is not known yet: a person does, also where a receipt fits as text.
  if (!checked.ok || receipts.length > 0) return {};
  const value = checked.value;
  if (rules.approve === true) return sentAs(args, value);
  const about = { args: value, input: input === undefined ? value : input.value, context: await context() };
  return (await life.race(needsApproval(rules, about))) && sentAs(args, value);
}
