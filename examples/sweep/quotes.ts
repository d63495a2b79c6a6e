// The checks of a review: nothing is passed on that does not stand where it is said to stand. They read the
// files themselves, through the same door as the tools.

import type { Check } from '../../src/index.ts';
import { z } from 'zod';
import { readText } from './files.ts';
import type { Review } from './findings.ts';

const SHOWN_CHARS_MAX = 200;
const PLACES_SHOWN_MAX = 5;

const served = z.object({ root: z.string() });

/** Refuses a finding whose quote is not at that line of that file, and says what is there and where the quote is. */
export const quoted: Check<Review> = {
  name: 'quoted',
  judge: async (review, { input }) => {
    const { root } = served.parse(input);
    const said = await Promise.all(review.findings.map((finding) => misquote(root, finding)));
    return said.flatMap((message, index) => (message === undefined ? [] : [{ path: `findings[${index}].quote`, message }]));
  },
};

/** Refuses an answer, also an empty one, when no search of the codebase succeeded: "nothing found" needs a search. */
export const searched: Check<Review> = {
  name: 'searched',
  judge: (review, { results }) => {
    if (results.some((one) => one.tool === 'grep' || one.tool === 'read')) return undefined;
    return [
      'Nothing in the codebase was searched or read, so the answer has no ground. Use grep and read first.',
      ...(review.notes ?? []),
    ].join(' ');
  },
};

/** Why a finding's quote does not stand where it says, or undefined if it does. */
export async function misquote(
  root: string,
  finding: { readonly file: string; readonly line: number; readonly quote: string },
): Promise<string | undefined> {
  const { file, line } = finding;
  const quote = finding.quote.trim();
  if (quote === '') return 'The quote is empty.';
  if (quote.includes('\n')) return 'The quote has more than one line. Quote a piece of one line.';
  let lines: readonly string[];
  try {
    ({ lines } = await readText(root, file));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const there = lines[line - 1];
  if (there?.includes(quote) === true) return undefined;
  const places = lines.flatMap((text, index) => (text.includes(quote) ? [index + 1] : []));
  const shown = places.slice(0, PLACES_SHOWN_MAX).join(', ') + (places.length > PLACES_SHOWN_MAX ? ' and others' : '');
  const instead = places.length === 0 ? 'It is nowhere in that file.' : `It is at line ${shown}.`;
  if (there === undefined)
    return `${file} has ${lines.length} lines, so there is no line ${line}. ${places.length === 0 ? 'The quote is nowhere in it.' : `The quote is at line ${shown}.`}`;
  return `The quote is not at ${file}:${line}, which reads \`${there.trim().slice(0, SHOWN_CHARS_MAX)}\`. ${instead}`;
}
