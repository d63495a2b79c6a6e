// Ctrl-C and SIGTERM: the first asks the run to stop, the second leaves at once. Called by drive.

import process from 'node:process';
import { EXIT } from './report.ts';

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Signals mean again what they meant before. */
  restore(): void;
}

/** `onFirst` tells the user what happens; `onSecond` leaves the terminal as it was, before the process exits. */
export function listenForInterrupt(onFirst: (signal: string) => void, onSecond: () => void): Interrupt {
  const abort = new AbortController();
  const handle = (name: NodeJS.Signals): void => {
    if (abort.signal.aborted) {
      onSecond();
      // What was acknowledged is on disk: nothing is lost by leaving here.
      process.exit(EXIT.interrupted);
    }
    onFirst(name);
    abort.abort(new Error(name === 'SIGINT' ? 'Ctrl-C' : name));
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: abort.signal,
    restore() {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
