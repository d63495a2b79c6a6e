// The contracts of the sweep: what a reviewer answers, what the summarizer is asked and answers. Everything
// that crosses a handoff here is one of these.

import { z } from 'zod';

/** How many findings one review may hold, and how many groups one summary is asked about. */
export const FINDINGS_MAX = 12;
export const GROUPS_MAX = 400;

export const Finding: z.ZodType<Finding, Finding> = z.object({
  file: z.string().describe('Path relative to the root of the codebase.'),
  line: z.number().int().min(1).describe('Line of the file, counted from 1.'),
  quote: z.string().min(1).describe('An exact piece of that line, or all of it. Never more than one line.'),
  pattern: z.string().optional().describe('What kind of place this is, in one to three words. Use the same words for the same kind.'),
  why: z.string().describe('Why this answers the question, in one sentence.'),
});

export interface Finding {
  file: string;
  line: number;
  quote: string;
  pattern?: string | undefined;
  why: string;
}

const standIn = z.string().optional().describe('Leave out. A program that stands in for a language model says here what it is.');

/** One codebase's answer. No findings is an answer. */
export const Review: z.ZodType<Review, Review> = z.object({
  codebase: z.string(),
  findings: z.array(Finding).max(FINDINGS_MAX).describe(`The most telling places first, at most ${FINDINGS_MAX}.`),
  notes: z
    .array(z.string())
    .max(6)
    .optional()
    .describe('What was not searched and why, or that there is more than listed. Leave out when there is nothing to say.'),
  standIn,
});

export interface Review {
  codebase: string;
  findings: Finding[];
  notes?: string[] | undefined;
  standIn?: string | undefined;
}

/** The findings of one codebase that carry one label: what the summarizer sees instead of all of them. */
export interface Group {
  id: string;
  codebase: string;
  pattern: string;
  count: number;
  example: { file: string; line: number; quote: string };
}

export const Group: z.ZodType<Group, Group> = z.object({
  id: z.string(),
  codebase: z.string(),
  pattern: z.string(),
  count: z.number().int(),
  example: z.object({ file: z.string(), line: z.number().int(), quote: z.string() }),
});

export interface Question {
  question: string;
  codebases: number;
  groups: Group[];
}

export const Question: z.ZodType<Question, Question> = z.object({
  question: z.string(),
  codebases: z.number().int(),
  groups: z.array(Group).max(GROUPS_MAX),
});

/** The summarizer's answer: every group belongs to one pattern. Counting is left to code. */
export interface Summary {
  summary: string;
  patterns: { name: string; what: string; groups: string[] }[];
  standIn?: string | undefined;
}

export const Summary: z.ZodType<Summary, Summary> = z.object({
  summary: z.string().describe('Two to four sentences that answer the question across all codebases.'),
  patterns: z
    .array(
      z.object({
        name: z.string().describe('One to four words.'),
        what: z.string().describe('What this pattern is, in one sentence.'),
        groups: z.array(z.string()).min(1).describe('Ids of the groups that show it. Each group belongs to one pattern.'),
      }),
    )
    .describe('The patterns that matter most first.'),
  standIn,
});
