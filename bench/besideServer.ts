// The model server of the benches, in a process of its own so that its work is not counted as a client's. Started by
// besideRounds.ts with how long an answer takes; says its base URL, and how large the requests were when asked.

import { startModelServer } from '../src/testing.ts';
import { ANSWER } from './besideQuestion.ts';

/** Bytes of the bodies of the requests since it was last asked. */
export interface Seen {
  readonly bytesIn: readonly number[];
}

async function serve(delayMs: number): Promise<void> {
  const said = JSON.stringify(ANSWER);
  const server = await startModelServer({ answers: () => said, ...(delayMs > 0 ? { delay: delayMs } : {}) });
  process.on('message', (message) => {
    if (message === 'end') {
      void server.close().then(() => process.disconnect?.());
      return;
    }
    const seen: Seen = { bytesIn: server.requests.map(({ bytesIn }) => bytesIn) };
    server.reset();
    process.send?.(seen);
  });
  process.on('disconnect', () => process.exit());
  process.send?.(server.baseUrl('openai'));
}

const [given] = process.argv.slice(2);
if (import.meta.main && given !== undefined) await serve(Number(given));
