import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { standIn } from '../../examples/sweep/standIn.ts';
import sweep, { options } from '../../examples/sweep/sweep.ts';
import { plant } from '../examples/sweepTree.ts';
import { Identities } from '../suites/invariants.ts';
import { crashed, undisturbed } from './law.ts';
import type { Mortal } from './mortal.ts';

const home = plant({
  'alpha/run.js': 'function run(code) {\n  return eval(code);\n}\n',
  'beta/make.js': 'export const make = (body) => new Function("x", body);\n',
  'gamma/plain.js': 'export const one = 1;\n',
});

const mortal: Mortal = {
  agent: sweep,
  input: { codebases: [join(home, '*')] },
  model: () => standIn({ latencyMs: [0, 0] }),
  options,
  readsFiles: true,
};

describe('the sweep', () => {
  it('ends as if nothing had happened, wherever it crashes, and buys nothing twice', { timeout: 120_000 }, async () => {
    const calm = await undisturbed(mortal, 'sweep');
    expect(calm.ending).toMatchObject({ kind: 'succeeded', missing: [] });
    const identities = new Identities();
    for (let events = 0; events <= calm.events; events += 1) {
      const crash = { events, lingerMs: events % 2 === 0 ? 0 : events % 40 };
      try {
        await crashed(mortal, 'sweep', [crash], calm, identities);
      } catch (thrown) {
        throw new Error(`crash ${JSON.stringify(crash)}: ${String(thrown)}`, { cause: thrown });
      }
    }
    console.info(`sweep: ${calm.events} events, ${calm.requests} requests; crashed at ${calm.events + 1} positions`);
  });
});
