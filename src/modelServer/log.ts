// Where records go that must survive the server: a function, or a file of JSON lines. No request waits for it, and nothing
// that goes wrong with it ends the server: `close` tells.

import { createWriteStream, openSync } from 'node:fs';
import { AmdahlError, describe } from '../agent/errors.ts';
import type { RequestRecord } from './records.ts';

export interface Log {
  readonly write: (record: RequestRecord) => void;
  /**
   * Everything written is where it belongs.
   * @throws AmdahlError MISCONFIGURED unless it is.
   */
  close(): Promise<void>;
}

/** @throws AmdahlError MISCONFIGURED when the file cannot be opened. */
export function openLog(to: string | ((record: RequestRecord) => void) | undefined): Log {
  if (to === undefined) return { write: () => {}, close: () => Promise.resolve() };
  return typeof to === 'function' ? functionLog(to) : fileLog(to);
}

function functionLog(to: (record: RequestRecord) => unknown): Log {
  const failures: unknown[] = [];
  const open = new Set<Promise<void>>();
  return {
    write: (record) => {
      try {
        const made = to(record);
        // An async function fits the type, and may fail later.
        if (!(made instanceof Promise)) return;
        const ended: Promise<void> = made
          .then(
            () => {},
            (error: unknown) => void failures.push(error),
          )
          .finally(() => open.delete(ended));
        open.add(ended);
      } catch (error) {
        failures.push(error);
      }
    },
    close: async () => {
      await Promise.all(open);
      if (failures.length === 0) return;
      const times = failures.length === 1 ? '' : ` ${failures.length} times, first`;
      const message = `The log function of the model server threw${times}: ${describe(failures[0])}. The requests were answered all the same.`;
      throw new AmdahlError('MISCONFIGURED', message, { cause: failures[0] });
    },
  };
}

function fileLog(path: string): Log {
  const unwritable = (cause: unknown): AmdahlError =>
    new AmdahlError('MISCONFIGURED', `The log ${path} of the model server cannot be written: ${describe(cause)}.`, { cause });
  let fd: number;
  try {
    fd = openSync(path, 'a');
  } catch (cause) {
    throw unwritable(cause);
  }
  const file = createWriteStream(path, { fd });
  let failed: Error | undefined;
  file.on('error', (error) => (failed = error));
  return {
    write: (record) => void (failed === undefined && file.write(`${JSON.stringify(record)}\n`)),
    close: async () => {
      await new Promise<void>((resolve) => (file.destroyed ? resolve() : file.end(() => resolve())));
      if (failed !== undefined) throw unwritable(failed);
    },
  };
}
