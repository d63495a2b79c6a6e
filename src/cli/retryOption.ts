// `--retry CALL`: which calls are asked again, and whether the user means it where an act may happen twice. Called by
// run and resume.

import { AmdahlError } from '../agent/errors.ts';
import type { RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import type { DriveOptions } from './runCommand.ts';
import { findCalls } from './runReference.ts';
import type { Terminal } from './terminal.ts';

/**
 * Paths of the calls to ask again; undefined when the user said no.
 * @throws AmdahlError RUN_UNKNOWN for a call that is not there, EFFECT_UNCERTAIN when nobody can be asked and --yes is missing.
 */
export async function consentToRetry(
  journal: Journal,
  run: RunId,
  { retry = [], yes = false }: DriveOptions,
  terminal: Terminal,
): Promise<readonly string[] | undefined> {
  if (retry.length === 0) return [];
  const calls = await findCalls(journal, run, retry);
  for (const { path, uncertain } of calls) {
    if (uncertain === undefined || yes) continue;
    const warning = `'${uncertain}', called by ${path}, may have acted already: nobody knows. Asking again may make it happen twice.`;
    if (!terminal.interactive) throw new AmdahlError('EFFECT_UNCERTAIN', `${warning} Look there first; then say --yes.`);
    terminal.err.line(terminal.err.colors.yellow(warning));
    if (!(await terminal.confirm('Ask again all the same?'))) {
      terminal.err.line('Nothing was done.');
      return undefined;
    }
  }
  return calls.map(({ path }) => path);
}
