// Crashes of conversations that move from one model to another and back: at every position of the journal. What a model
// says follows from what it was sent, so that a resume which sends anything else comes to another output.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, map, tool } from '../../src/index.ts';
import { Identities } from '../suites/invariants.ts';
import type { VirtualClock } from '../support/virtualClock.ts';
import { crashed, undisturbed } from './law.ts';
import { type Mortal, World } from './mortal.ts';
import { voice } from './voice.ts';

/** A voice that thinks aloud and is down in some turns of every conversation; who is asked says so. */
function downIn(modelId: string, turns: readonly number[], asked: string[] = []): (clock: VirtualClock) => LanguageModelV4 {
  return (clock) => {
    const own = voice(clock);
    return {
      ...own,
      modelId,
      doGenerate: async (call) => {
        asked.push(modelId);
        const result = await own.doGenerate(call);
        if (turns.includes(call.prompt.filter(({ role }) => role === 'assistant').length))
          throw new AmdahlError('MODEL_UNAVAILABLE', 'It is down.', { retryable: turns.length > 2 ? 'no' : 'yes' });
        return { ...result, content: [{ type: 'reasoning', text: `${modelId} thinks` }, ...result.content] };
      },
    };
  };
}

const q = z.object({ q: z.string() });
const look = tool({ description: 'Look.', effect: 'none', version: '1', input: q, execute: ({ q: at }) => `seen ${at}` });
const seek = agent({ name: 'seek', input: z.number(), output: z.object({ said: z.string() }), instructions: 'tools 4', tools: { look } });

it('a conversation that is crashed anywhere goes on with the model that was decided on, and comes to the same', async () => {
  const models = [downIn('first', [1, 2]), downIn('second', [3, 4, 0])];
  const mortal: Mortal = {
    agent: map(seek, { concurrency: 2 }),
    input: [1, 2],
    model: (clock) => models.map((one) => one(clock)),
    options: { limits: { retries: 1 } },
  };
  const calm = await undisturbed(mortal, 'calm');
  expect(calm.ending.kind).toBe('succeeded');
  expect(calm.entries.filter(({ event }) => event.kind === 'decision')).toHaveLength(4);
  const identities = new Identities();
  for (let events = 0; events <= calm.events; events += 1)
    for (const lingerMs of [0, 1 + (events % 7)]) await crashed(mortal, 'calm', [{ events, lingerMs }], calm, identities);
});

it('a crash between the failure of the first and the answer of the second asks the first no more', async () => {
  const asked: string[] = [];
  const models = [downIn('first', [0, 1, 2], asked), downIn('second', [], asked)];
  const mortal: Mortal = { agent: seek, input: 1, model: (clock) => models.map((one) => one(clock)) };
  const calm = await undisturbed(mortal, 'between');
  const decided = calm.entries.findIndex(({ event }) => event.kind === 'decision');
  expect(asked).toEqual(['first', ...Array.from({ length: 5 }, () => 'second')]);
  // The decision is the last that is durable, then the request of the second too.
  for (const events of [decided + 1, decided + 2]) {
    const world = new World('between');
    expect(await world.enter(mortal, { events })).toEqual({ kind: 'died' });
    asked.length = 0;
    expect((await world.enter(mortal)).kind).toBe('succeeded');
    expect(asked).toEqual(Array.from({ length: 5 }, () => 'second'));
    expect((await world.entries()).filter(({ event }) => event.kind === 'decision')).toHaveLength(1);
  }
});
