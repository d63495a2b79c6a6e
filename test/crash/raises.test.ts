// Budgets that ask for more, over crashes: at every position of the journal what a person gave is added once, no cap is passed, and
// nobody is asked the same thing twice.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow, map } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { Identities } from '../suites/invariants.ts';
import { crashed, undisturbed } from './law.ts';
import type { Mortal } from './mortal.ts';
import { voice } from './voice.ts';

const LOOK_MS = 40;
const GIVEN = { calls: 2, tokens: 500 };

const leaf = agent({
  name: 'leaf',
  input: z.unknown(),
  output: z.object({ said: z.string() }),
  instructions: 'tools 0 garbage',
  settings: { maxOutputTokens: 300 },
});
const fan = map(leaf, { concurrency: 2, budget: { calls: 2, onLimit: 'ask' } });
const program = flow({
  name: 'program',
  input: z.unknown(),
  // Reservations that crashes left open stay spent: then more is needed than if nobody had crashed.
  budget: { tokens: 700, onLimit: 'ask' },
  run: async (_: unknown, ctx) => [await ctx.call(fan, [1, 2, 3]), await ctx.call(leaf, 4)],
});

function mortal(id: string): Mortal {
  return {
    agent: program,
    input: {},
    model: voice,
    onProcess: ({ clock, dead, store }) => {
      const look = async (): Promise<void> => {
        for (const { ask, seq } of await store.asks({ run: id as RunId })) {
          for await (const { event } of store.read(id as RunId, { after: seq - 1, kinds: ['ask.opened'] })) {
            if (event.kind !== 'ask.opened' || event.ask !== ask) continue;
            const { cap } = event.about as { readonly cap: keyof typeof GIVEN };
            await store.respond(ask, { kind: 'answer', value: { [cap]: GIVEN[cap] } }, clock.now());
          }
        }
      };
      const again = (): void => {
        if (dead()) return;
        void look();
        clock.after(LOOK_MS, again);
      };
      clock.after(LOOK_MS, again);
    },
  };
}

describe('a budget that asks', () => {
  it('is raised once for each answer and passed at no position, wherever the run crashes, once and twice', async () => {
    const identities = new Identities();
    const calm = await undisturbed(mortal('raised'), 'raised');
    expect(calm.ending).toMatchObject({ kind: 'succeeded' });
    expect(calm.entries.filter(({ event }) => event.kind === 'ask.answered').length).toBeGreaterThanOrEqual(3);
    for (let events = 0; events <= calm.events; events += 1) {
      await crashed(mortal('raised'), 'raised', [{ events, lingerMs: (events % 3) * 4 }], calm, identities);
      const twice = [
        { events, lingerMs: events % 5 },
        { events: events + 2 + (events % 7), lingerMs: 0 },
      ];
      await crashed(mortal('raised'), 'raised', twice, calm, identities);
    }
  });
});
