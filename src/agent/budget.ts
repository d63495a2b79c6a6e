// Budgets: caps on what a call, a run or a middleware may spend. Checked by whatever takes one; kept by run/account.ts.

import { AmdahlError } from './errors.ts';

/** Caps on what a call and all below it may spend. `calls` counts model requests but those that were refused for their rate, `usd` is dollars, `ms` time at work. */
export interface Budget {
  readonly calls?: number;
  readonly tokens?: number;
  readonly usd?: number;
  readonly ms?: number;
  /** What happens when a cap is reached: the call fails with BUDGET_EXCEEDED. The only way yet, and the default. */
  readonly onLimit?: 'fail';
}

/** @throws AmdahlError MISCONFIGURED unless every cap is a number ≥ 0. Pure. */
export function checkBudget(budget: Budget, who: string): Budget {
  const { onLimit, ...caps } = budget;
  if (onLimit !== undefined && onLimit !== 'fail') {
    throw new AmdahlError('MISCONFIGURED', `The budget of '${who}' has onLimit: ${JSON.stringify(onLimit)}. There is only 'fail'.`);
  }
  for (const [cap, value] of Object.entries(caps)) {
    if (!['calls', 'tokens', 'usd', 'ms'].includes(cap)) {
      throw new AmdahlError(
        'MISCONFIGURED',
        `The budget of '${who}' has a cap '${cap}' that does not exist. Use calls, tokens, usd or ms.`,
      );
    }
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) {
      throw new AmdahlError(
        'MISCONFIGURED',
        `The budget of '${who}' caps ${cap} at ${String(value)}. Give a finite number, 0 or more; leave a cap out to have none.`,
      );
    }
  }
  return budget;
}
