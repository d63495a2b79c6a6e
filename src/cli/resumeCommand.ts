// `amdahl resume`: finds a run, the program it was made with and its input, and drives it on.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AmdahlError } from '../agent/errors.ts';
import type { ProgramRef } from '../journal/event.ts';
import type { RunRow } from '../journal/journal.ts';
import { parseBudget } from './budgetOption.ts';
import { beginningOf } from '../run/enter.ts';
import { makeContext } from './contextOption.ts';
import { drive } from './drive.ts';
import { amdahlCommand } from './invocation.ts';
import { checkAgents, parseModels } from './modelOption.ts';
import { loadProgram, programText } from './program.ts';
import { consentToRetry } from './retryOption.ts';
import type { DriveOptions } from './runCommand.ts';
import { mannerOf } from './runCommand.ts';
import { findRun, requireJournal } from './runReference.ts';
import type { Terminal } from './terminal.ts';

export async function resumeCommand(text: string, file: string | undefined, options: DriveOptions, terminal: Terminal): Promise<number> {
  const budget = options.budget === undefined ? undefined : parseBudget(options.budget);
  const models = parseModels(options.model ?? [], process.env);
  const journal = requireJournal();
  const row = await findRun(journal, text);
  const program = await loadProgram(file ?? recordedProgram(row));
  if (program.agent.name !== row.agent) {
    throw new AmdahlError(
      'RUN_CONFLICT',
      `Run ${row.run} was started with the agent '${row.agent}', and ${programText(program.ref)} is '${program.agent.name}'. Name the export that is '${row.agent}': ${amdahlCommand()} resume ${row.run} FILE#export.`,
    );
  }
  checkAgents(models, program.agent);
  const began = await beginningOf(journal, row.run);
  if (began === undefined) throw new AmdahlError('JOURNAL_DAMAGED', `Run ${row.run} has no beginning in the journal. Start a new run.`);
  const { input, subject, scope } = began;
  const retry = await consentToRetry(journal, row.run, options, terminal);
  if (retry === undefined) return 2;
  const context = await makeContext(program, subject);
  return drive(
    {
      program,
      input,
      id: row.run,
      journal,
      budget,
      models,
      retry,
      context,
      subject,
      scope,
      ...mannerOf(options),
    },
    terminal,
  );
}

/** The program that a run was started with. `command` is what the user gave. */
export function recordedProgram({ run, agent, program }: RunRow, command = 'resume'): string {
  if (program === undefined) {
    throw new AmdahlError(
      'PROGRAM_NOT_FOUND',
      `Run ${run} was not started by this command, so it does not know its program. Give the file that exports '${agent}': ${amdahlCommand()} ${command} ${run} FILE#export.`,
    );
  }
  if (existsSync(resolve(program.file))) return hashed(program);
  throw new AmdahlError(
    'PROGRAM_NOT_FOUND',
    `Run ${run} was started from ${program.file}, and that file is not here. Go to the directory where the run was started, or give the file: ${amdahlCommand()} ${command} ${run} FILE#export.`,
  );
}

/** Always with its export: the file may have more agents by now. */
function hashed({ file, export: name }: ProgramRef): string {
  return `${file}#${name}`;
}
