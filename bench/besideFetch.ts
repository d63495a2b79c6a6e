// The floor: a loop around fetch that parses and validates the same answers, and keeps nothing.

import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { Contender, Surroundings } from './besideContender.ts';
import { ANSWER, changes, INSTRUCTIONS, MODEL_ID, Review, type Stage, STAGES, told } from './besideQuestion.ts';
import { inWorkers } from './besideWorkers.ts';

/** Asks by fetch alone; without a server, answers in the next turn of the event loop. */
export function bare({ baseUrl }: Surroundings): Contender {
  const ask = baseUrl === undefined ? askNobody : asking(baseUrl);
  let asked = 0;
  const next = (count: number): readonly string[] => changes(count, (asked += count) - count);
  return {
    sequence: (count) => inWorkers(next(count), 1, (text) => ask('review', text)),
    crowd: (count, inFlight) => inWorkers(next(count), inFlight, (text) => ask('review', text)),
    pipes: (count) =>
      inWorkers(next(count), count, async (text) => {
        let review = await ask(STAGES[0], text);
        for (const stage of STAGES.slice(1)) review = await ask(stage, told(review));
        return review;
      }),
    steps: (count) => inWorkers(next(count), 1, (text) => ask('review', text)),
    emptySteps: (count) => inWorkers(next(count), 1, async () => ANSWER),
  };
}

async function askNobody(): Promise<Review> {
  await setImmediate();
  return Review.parse(JSON.parse(JSON.stringify(ANSWER)));
}

/** One typed request by fetch. */
export function asking(baseUrl: string): (stage: Stage, text: string) => Promise<Review> {
  const schema = z.toJSONSchema(Review, { target: 'draft-7' });
  const headers = { 'content-type': 'application/json', authorization: 'Bearer none' };
  return async (stage, text) => {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({
        model: MODEL_ID,
        messages: [
          { role: 'system', content: INSTRUCTIONS[stage] },
          { role: 'user', content: text },
        ],
        response_format: { type: 'json_schema', json_schema: { schema, strict: true, name: stage } },
      }),
    });
    if (!response.ok) throw new Error(`the model server answered ${response.status}: ${await response.text()}`);
    const { choices } = Completion.parse(await response.json());
    return Review.parse(JSON.parse(choices[0]?.message.content ?? ''));
  };
}

const Completion = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) });
