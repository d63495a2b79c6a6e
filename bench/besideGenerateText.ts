// generateText of `ai` with Output.object, retries off: typed calls without a journal.

import { generateText, Output } from 'ai';
import type { Contender, Surroundings } from './besideContender.ts';
import { besideModel } from './besideModel.ts';
import { changes, INSTRUCTIONS, Review, type Stage, STAGES, told } from './besideQuestion.ts';
import { inWorkers } from './besideWorkers.ts';

/** Asks through generateText. */
export function generating({ baseUrl }: Surroundings): Contender {
  const model = besideModel(baseUrl);
  const ask = async (stage: Stage, prompt: string): Promise<Review> => {
    const { output } = await generateText({
      model,
      instructions: INSTRUCTIONS[stage],
      prompt,
      output: Output.object({ schema: Review, name: stage }),
      maxRetries: 0,
    });
    return output;
  };
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
  };
}
