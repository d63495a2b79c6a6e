// Budgets: caps on what a call, a run or a middleware may spend. Checked by whatever takes one; kept by run/account.ts.

import { AmdahlError } from './errors.ts';

/** Caps on what a call and all below it may spend. `calls` counts model requests but those that were refused for their rate, `usd` is dollars, `ms` time at work. */
export interface Budget {
  readonly calls?: number;
  readonly tokens?: number;
  readonly usd?: number;
  readonly ms?: number;
  /**
   * What happens when a cap is reached. 'fail', the default: the call fails with BUDGET_EXCEEDED. 'ask': a person is asked for more
   * and what needs it waits; requests are then not shortened to what is left. Where a person gives none it is BUDGET_EXCEEDED.
   */
  readonly onLimit?: 'fail' | 'ask';
}

/** What is capped, in order. */
export const CAPS = ['calls', 'tokens', 'usd', 'ms'] as const;
export type Cap = (typeof CAPS)[number];
/** How much more of it a person gives. */
export type More = { readonly [C in Cap]?: number };

/** @throws AmdahlError MISCONFIGURED unless every cap is a number ≥ 0. Pure. */
export function checkBudget(budget: Budget, who: string): Budget {
  const { onLimit, ...caps } = budget;
  if (onLimit !== undefined && onLimit !== 'fail' && onLimit !== 'ask') {
    throw new AmdahlError('MISCONFIGURED', `The budget of '${who}' has onLimit: ${JSON.stringify(onLimit)}. Say 'fail' or 'ask'.`);
  }
  for (const [cap, value] of Object.entries(caps)) {
    if (!CAPS.some((one) => one === cap)) {
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

/** The budget with more of what it caps; what it does not cap has no bound to raise. Sums of money are kept to the micro-dollar. Pure. */
export function raised(budget: Budget, more: More): Budget {
  const caps: { [C in Cap]?: number } = {};
  for (const cap of CAPS) {
    const [bound, extra] = [budget[cap], more[cap]];
    if (bound !== undefined && extra !== undefined) caps[cap] = cap === 'usd' ? Math.round((bound + extra) * 1e6) / 1e6 : bound + extra;
  }
  return { ...budget, ...caps };
}
