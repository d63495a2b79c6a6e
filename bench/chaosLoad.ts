// A load on a provider that misbehaves: two hundred questions, each with one right answer that follows from the
// question alone, so that a wrong object is told from a right one. Called by chaos.ts and by the tests of the wire.

import { z } from 'zod';
import { type Agent, agent, map, type MapResult } from '../src/index.ts';
import type { Answer } from '../src/modelServer/answers.ts';
import type { Faults } from '../src/modelServer/faults.ts';
import type { Asked } from '../src/modelServer/wire.ts';
import { type ModelServer, startModelServer } from '../src/testing.ts';

export const CALLS = 200;
/** All questions are asked at once. */
export const IN_FLIGHT = 200;
/** How long one sending may take. */
export const REQUEST_MS = 2_000;
const HANG_MS = 30_000;

export const Squared: z.ZodType<Squared, Squared> = z.object({
  of: z.int(),
  square: z.int(),
  digits: z.array(z.int().min(0).max(9)),
  said: z.string(),
});

/** What is said of a number. */
export interface Squared {
  of: number;
  square: number;
  digits: number[];
  said: string;
}

export const INSTRUCTIONS = 'You are given a number. Square it, take the square apart into its digits, and say it in a sentence.';

/** What must come back for a number. Pure. */
export function squaredOf(of: number): Squared {
  const square = of * of;
  return { of, square, digits: [...String(square)].map(Number), said: `The square of "${of}" is {${square}}.` };
}

/** The question as text, as it is rendered for an agent too. */
export function questionOf(of: number): string {
  return `<of>\n${of}\n</of>`;
}

/** The square of every number; none stops the others. */
export const squares: Agent<readonly { of: number }[], MapResult<Squared>> = map(
  agent({ name: 'square', input: z.object({ of: z.int() }), output: Squared, instructions: INSTRUCTIONS }),
  { concurrency: IN_FLIGHT, atLeast: 0 },
);

export const numbers: readonly number[] = Array.from({ length: CALLS }, (_, nth) => 1_000 + 37 * nth);

/** Of all requests, 5 % fail, 2 % are not answered for 30 s, and 10 % are answered with what is no answer. */
const STRUCK = { '500': 0.05, hang: { share: 0.02, forMs: HANG_MS } } as const;

/** No answer: noise, JSON of another form, half of it, talk. */
export const WHOLE: Faults = { ...STRUCK, garbage: 0.025, wrongJson: 0.025, truncatedJson: 0.025, prose: 0.025 };
/** And streams that are cut at any byte: broken, reset, or ended as if that were all. */
export const STREAMED: Faults = {
  ...STRUCK,
  garbage: 0.01,
  wrongJson: 0.03,
  truncatedJson: 0.035,
  cut: 0.01,
  cutReset: 0.005,
  cutClean: 0.01,
};

/** A server that knows all squares and misbehaves by seed. */
export async function chaosServer(seed: number, faults: Faults): Promise<ModelServer> {
  return await startModelServer({ seed, faults, answers: ({ messages }) => answerTo(messages) });
}

function answerTo(messages: Asked['messages']): Answer {
  const asked =
    messages
      .find(({ role }) => role === 'user')
      ?.parts.map((part) => (part.type === 'text' ? part.text : ''))
      .join('') ?? '';
  const of = /<of>\s*(-?\d+)\s*<\/of>/.exec(asked)?.[1];
  if (of === undefined) throw new Error(`nobody asked for a square: ${asked}`);
  return { object: squaredOf(Number(of)) };
}
