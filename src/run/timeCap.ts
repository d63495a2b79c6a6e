// The time that a budget caps, of a call or of a run. When it is used up the work ends, or where a person may give more nothing
// new is begun below while they are asked: what is in flight goes on. Armed by call.ts and run.ts.

import type { Account } from './account.ts';
import type { Life } from './life.ts';
import type { Session } from './session.ts';

interface Timed {
  readonly session: Session;
  /** The budget's own. */
  readonly account: Account;
  readonly life: Life;
  /** Time at work counts from here, in epoch ms. */
  readonly from: number;
  /** The time is over for good. */
  readonly over: (bound: number) => void;
}

/** Starts the clock of a budget that caps ms. Returns what stops it. */
export function armTimeCap({ session, account, life, from, over }: Timed): () => void {
  let stop = (): void => {};
  const look = (): void => {
    const bound = account.budget.ms ?? Infinity;
    const left = bound - session.work.msSince(from);
    account.isLate = left <= 0;
    if (left > 0) {
      // Who can tell that it will not be over by then need not begin; where there may be more time, nobody can.
      if (!account.mayAsk) life.due(session.clock, left);
      stop = session.work.after(left, look);
    } else if (account.mayAsk) account.ask({ cap: 'ms', bound, used: bound });
    else over(bound);
  };
  account.onReply = () => {
    stop();
    look();
  };
  look();
  return () => {
    account.onReply = undefined;
    stop();
  };
}
