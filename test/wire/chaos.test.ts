// Two hundred calls to a provider of whose answers one in six is bad: every object is right. The times are printed, not
// asserted; bench/chaos.ts has them beside those of others.

import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { CALLS, chaosServer, numbers, REQUEST_MS, type Squared, squaredOf, squares, STREAMED, WHOLE } from '../../bench/chaosLoad.ts';
import { type MapResult, memoryJournal, run } from '../../src/index.ts';
import type { Protocol } from '../../src/modelServer/wire.ts';
import { wires } from './wires.ts';

/** The machine that tests run on may be busy: then more time-outs strike than the provider causes, and the run may send more again. */
const limits = { requestMs: REQUEST_MS, retryBudget: 2 * CALLS, retries: 12 };

const loads: readonly { readonly wire: Protocol; readonly seed: number }[] = [
  { wire: 'openai.chat', seed: 1 },
  { wire: 'openai.responses', seed: 2 },
  { wire: 'anthropic.messages', seed: 6 },
  { wire: 'openai.chat', seed: 4 },
];

test.each(loads)('$wire: chaos makes no answer wrong and loses none, whole and streamed at once, seed $seed', async ({ wire, seed }) => {
  for (const { output, requests, failed } of await Promise.all([false, true].map(async (stream) => await struck(wire, stream, seed)))) {
    expect(output.missing).toEqual([]);
    expect(output.done.filter((one) => !isDeepStrictEqual(one.output, squaredOf(numbers[one.index] ?? NaN)))).toEqual([]);
    expect(output.done).toHaveLength(CALLS);
    expect(requests).toBeGreaterThan(CALLS * 1.1);
    expect([...failed].sort()).toEqual(['MODEL_GARBAGE', 'MODEL_TIMEOUT', 'MODEL_UNAVAILABLE']);
  }
});

/** What comes of a load: outputs, requests by the server's record, and the codes of sendings that failed. */
async function struck(
  wire: Protocol,
  stream: boolean,
  seed: number,
): Promise<{ output: MapResult<Squared>; requests: number; failed: Set<string> }> {
  const server = await chaosServer(seed, stream ? STREAMED : WHOLE);
  const start = performance.now();
  const failed = new Set<string>();
  const { output } = await run(
    squares,
    numbers.map((of) => ({ of })),
    {
      id: `chaos-${seed}`,
      journal: memoryJournal(),
      models: { '*': wires[wire](server.baseUrl()) },
      limits,
      onEvent: (event) => void (event.kind === 'model.failed' && failed.add(event.error.code)),
      ...(stream ? { onDelta: () => {} } : {}),
    },
  );
  const ms = Math.round(performance.now() - start);
  const { byFault, requests } = server.stats();
  await server.close();
  const faults = Object.entries(byFault).map(([fault, count]) => `${count} ${fault}`);
  console.info(
    `${wire}${stream ? ', streamed' : ''}, seed ${seed}: ${output.done.length} of ${CALLS} in ${ms} ms with ${requests} requests (${faults.join(', ')})`,
  );
  return { output, requests, failed };
}
