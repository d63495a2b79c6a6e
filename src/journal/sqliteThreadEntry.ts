// What runs in the thread that writes journals: a writer per file, and its transactions in the order in which they are
// asked for. Started by sqliteThread.ts and imported by nobody.

import { type MessagePort, parentPort } from 'node:worker_threads';
import { recordError } from '../agent/errors.ts';
import type { Change, Outcome } from './sqliteChange.ts';
import { journalError } from './sqliteErrors.ts';
import type { Answered, Asked, Opening } from './sqliteThread.ts';
import { openWriter, type SqliteWriter, type WriterOptions } from './sqliteWriter.ts';

/** A file that is written to so often is worth preparing for more. */
const RESERVED_AFTER = 16;

parentPort?.on('message', ({ file, options, port }: Opening) => serve(file, options, port));

function serve(file: string, options: WriterOptions, port: MessagePort): void {
  let writer: SqliteWriter | undefined;
  let committed = 0;
  const commit = (changes: readonly Change[]): Outcome => {
    try {
      writer ??= openWriter(file, options);
    } catch (thrown) {
      return { ended: 'failed', error: journalError(thrown, file) };
    }
    return writer.commit(changes);
  };
  port.on('message', (asked: Asked) => {
    if (asked === 'close') {
      writer?.close();
      answer(port, 'closed');
    } else {
      const outcome = commit(asked.changes);
      answer(port, outcome.ended === 'committed' ? { results: outcome.results } : { ...outcome, error: recordError(outcome.error) });
      // Whoever asked has the answer and goes on meanwhile.
      if (outcome.ended === 'committed' && ++committed === RESERVED_AFTER) writer?.reserve();
    }
  });
}

function answer(port: MessagePort, answered: Answered): void {
  port.postMessage(answered);
}
