import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, all, flow, map, mapReduce, pipe, step, transaction } from '../../src/index.ts';
import { holds } from '../../src/agent/holds.ts';

const one = step({ name: 'one', execute: () => '' });
const run = async (): Promise<string> => '';

test('those hold who may still refuse what is below them', () => {
  expect(holds(agent({ name: 'a', instructions: 'x' }))).toBe(true);
  expect(holds(transaction(one))).toBe(true);
  expect(holds(flow({ name: 'f', output: z.string(), run }))).toBe(true);
  expect(holds(flow({ name: 'f', checks: [() => undefined], run }))).toBe(true);
  expect(holds(flow({ name: 'f', attempts: 2, run }))).toBe(true);
});

test('those that only pass on what they are given do not', () => {
  for (const composite of [pipe(one, one), all({ one }), map(one), flow({ name: 'f', run })]) expect(holds(composite)).toBe(false);
  expect(holds(mapReduce({ map: one, reduce: step({ name: 'r', input: z.array(z.string()), execute: () => '' }) }))).toBe(false);
  expect(holds(one)).toBe(false);
});
