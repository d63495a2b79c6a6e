// Runs that wait for people, over crashes: at every position of the journal of one that parks, before and after it is answered,
// what a person said is applied once and nothing is bought twice.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, all, type AnyAgent, flow, human, type Journal, map } from '../../src/index.ts';
import type { AskRow } from '../../src/journal/ask.ts';
import type { RunId } from '../../src/journal/event.ts';
import { Identities } from '../suites/invariants.ts';
import { crashed, holds, shown, undisturbed } from './law.ts';
import { type Mortal, World } from './mortal.ts';
import { digest, voice } from './voice.ts';

const LOOK_MS = 400;
const Said = z.object({ said: z.string() });

const writer = agent({ name: 'writer', input: z.unknown(), output: Said, instructions: 'tools 1' });
const editor = human({ name: 'editor', input: z.unknown(), output: z.string(), question: 'Is this right?' });

/** Asks models and people in turn, side by side and below each other. What it gives depends on every answer. */
const program: AnyAgent = flow({
  name: 'program',
  input: z.unknown(),
  run: async (input: unknown, ctx) => {
    const draft = await ctx.call(writer, { input });
    const both = await ctx.call(all({ editor, writer }), draft);
    const each = await ctx.call(
      map(
        flow({
          name: 'each',
          input: z.unknown(),
          run: async (item: unknown, inner) => {
            const said = await inner.call(editor, { item });
            return await inner.call(writer, { said });
          },
        }),
        { concurrency: 2 },
      ),
      [1, 2, 3],
    );
    return [draft, both, each, await ctx.call(editor, { each })];
  },
});

/** What a person says: it follows from what is asked, and a second opinion is another. */
async function say(store: Journal, { ask, run, seq }: AskRow, now: number): Promise<void> {
  for await (const { seq: at, event } of store.read(run, { kinds: ['ask.opened'] })) {
    if (at !== seq || event.kind !== 'ask.opened') continue;
    const first = await store.respond(ask, { kind: 'answer', value: digest(event.about), by: 'ann' }, now);
    const second = await store.respond(ask, { kind: 'answer', value: 'something else', by: 'bob' }, now);
    if (first.kind !== 'accepted' || second.kind !== 'closed') throw new Error(`${first.kind}, then ${second.kind}`);
  }
}

async function sayAll(store: Journal, run: string, now: number): Promise<void> {
  for (const row of await store.asks({ run: run as RunId })) await say(store, row, now);
}

/** People look now and then; after every other crash before anybody works on the run again. */
function mortal(id: string): Mortal {
  return {
    agent: program,
    input: { id: 'x' },
    model: voice,
    onProcess: ({ clock, dead, store, nth }) => {
      const look = (): void => {
        if (dead()) return;
        void sayAll(store, id, clock.now());
        clock.after(LOOK_MS, look);
      };
      if (nth % 2 === 1) look();
      else clock.after(LOOK_MS, look);
    },
  };
}

describe('a run that parks', () => {
  it('applies each answer once and buys nothing twice, crashed at every position of its journal, once and twice', async () => {
    const identities = new Identities();
    const calm = await undisturbed(mortal('parked'), 'parked');
    expect(calm.ending).toMatchObject({ kind: 'succeeded' });
    expect(calm.entries.filter(({ event }) => event.kind === 'run.parked').length).toBeGreaterThan(2);
    for (let events = 0; events <= calm.events; events += 1) {
      await crashed(mortal('parked'), 'parked', [{ events, lingerMs: (events % 3) * 4 }], calm, identities);
      if (events % 2 === 1) continue;
      const twice = [
        { events, lingerMs: events % 5 },
        { events: events + 2 + (events % 7), lingerMs: 0 },
      ];
      await crashed(mortal('parked'), 'parked', twice, calm, identities);
    }
  });

  it('comes to the same where it is given up each time that it parks, and crashes at any position before', async () => {
    const calm = await undisturbed(mortal('returned'), 'returned');
    const returning: Mortal = { agent: program, input: { id: 'x' }, model: voice, options: { onPark: 'return' } };
    for (let events = 0; events <= calm.events; events += 1) {
      const world = new World('returned');
      let ending = await world.enter(returning, { events, lingerMs: events % 4 });
      for (let entry = 0; entry < 20 && ending.kind !== 'succeeded'; entry += 1) {
        if (ending.kind === 'failed') expect(ending.code).toBe('RUN_PARKED');
        if (ending.kind === 'failed') expect((await world.entries()).at(-1)?.event.kind).toBe('run.parked');
        if (entry % 3 !== 2) await sayAll(world.store, 'returned', 0);
        ending = await world.enter(returning);
      }
      expect(shown(ending)).toEqual(shown(calm.ending));
      await holds(world, ending);
      expect(world.requests.length).toBeLessThanOrEqual(calm.requests + 2);
    }
  });
});
