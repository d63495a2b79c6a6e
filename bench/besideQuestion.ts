// What every contender is asked, and what it must have understood: the same messages, schema and answer for all, so
// that only what lies between a program and its socket differs. Imports nothing of src/: contenders without amdahl
// must not load it.

import { z } from 'zod';

/** The schema that every contender sends and validates with. */
export const Review = z.object({
  verdict: z.enum(['keep', 'change']),
  line: z.int(),
  reason: z.string(),
  quotes: z.array(z.string()),
});

export type Review = z.infer<typeof Review>;

/** What the model answers, every time. */
export const ANSWER: Review = {
  verdict: 'change',
  line: 17,
  reason: 'What find() gives is used without a look at whether it found anything.',
  quotes: ['list.find((one) => one.id === id)', 'found.name'],
};

export const MODEL_ID = 'stand-in';

/** Names of the stages of a pipe; the first is also what is asked alone. They name the schema on the wire. */
export const STAGES = ['review', 'second', 'verdict'] as const;

export type Stage = (typeof STAGES)[number];

export const INSTRUCTIONS: Readonly<Record<Stage, string>> = {
  review:
    'You review changes to a program. Read the change, find the one line that is most likely wrong, and say whether the change can be kept. Quote what you rely on word for word.',
  second:
    'You are given the review of a change by somebody else. Say whether you come to the same verdict, and quote what you rely on word for word.',
  verdict: 'You are given a second review of a change. Give the final verdict on it, and quote what you rely on word for word.',
};

/** No two are equal. */
export function changes(count: number, from = 0): string[] {
  return Array.from(
    { length: count },
    (_, index) =>
      `Change ${from + index} of src/list.ts:\n\n-  for (const one of list) if (one.id === id) return one.name;\n-  return undefined;\n+  const found = list.find((one) => one.id === id);\n+  return found.name;\n\nIt is called from three places, none of which expects undefined.`,
  );
}

/** A review as the input of the next stage: fields in tags, as amdahl shows objects to models. */
export function told(review: Review): string {
  const fields = Object.entries(review).map(
    ([name, value]) => `<${name}>\n${typeof value === 'string' ? value : JSON.stringify(value)}\n</${name}>`,
  );
  return fields.join('\n\n');
}

/** @throws unless each of as many answers as were asked for is the one that was given. */
export function checkAnswers(answers: readonly unknown[], count: number): void {
  const right = JSON.stringify(ANSWER);
  const wrong = answers.find((answer) => JSON.stringify(answer) !== right);
  if (answers.length !== count || wrong !== undefined)
    throw new Error(`${answers.length} of ${count} answers, one of them ${JSON.stringify(wrong)}`);
}
