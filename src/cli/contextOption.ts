// The context of a run at the command line: made by the program's exported context(subject), from --subject or from what the
// run's journal says. Called by run, resume and rerun.

import { AmdahlError, describe } from '../agent/errors.ts';
import type { Json } from '../journal/event.ts';
import type { Program } from './program.ts';
import { programText } from './program.ts';

/** @throws AmdahlError MISCONFIGURED unless `--subject` is JSON. Pure. */
export function readSubject(option: string | undefined): Json | undefined {
  if (option === undefined) return undefined;
  try {
    return JSON.parse(option) as Json; // JSON.parse gives JSON
  } catch (cause) {
    throw new AmdahlError('MISCONFIGURED', `--subject is not JSON (${describe(cause)}). Write text as JSON too: --subject '"ann"'.`, {
      cause,
    });
  }
}

/**
 * What the program makes of a subject; undefined where it exports no context().
 * @throws AmdahlError CODE_FAILED when it throws.
 */
export async function makeContext({ context, ref }: Program, subject: Json | undefined): Promise<unknown> {
  if (context === undefined) return undefined;
  try {
    return await context(subject);
  } catch (cause) {
    throw new AmdahlError('CODE_FAILED', `context(subject) of ${programText(ref)} threw: ${describe(cause)}. Nothing was begun.`, {
      cause,
    });
  }
}
