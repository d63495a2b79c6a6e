// A clock that runs faster than the world's, for tests that wait for something real beside it: a socket cannot be told
// to hurry, a back-off can.

import type { Clock } from '../../src/run/ports.ts';

/** Goes `times` as fast as the system's clock. It never fires early, by its own reading. */
export function hastyClock(times: number): Clock {
  const begun = performance.now();
  const epoch = Date.now();
  const now = (): number => epoch + Math.floor((performance.now() - begun) * times);
  return {
    now,
    after: (ms, then) => {
      const due = now() + ms;
      let timer: NodeJS.Timeout | undefined;
      const wait = (): void => {
        const left = due - now();
        if (left <= 0) then();
        else timer = setTimeout(wait, Math.ceil(left / times));
      };
      timer = setTimeout(wait, Math.ceil(ms / times));
      return () => clearTimeout(timer);
    },
  };
}
