// `amdahl run`: loads a program, reads its input, and drives it under a new id or a known one.

import { randomInt } from 'node:crypto';
import type { RunId } from '../journal/event.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { parseBudget } from './budgetOption.ts';
import { beginningOf } from '../run/enter.ts';
import { makeContext, readSubject } from './contextOption.ts';
import { drive, type Journey } from './drive.ts';
import { readInput } from './inputOption.ts';
import { checkAgents, parseModels } from './modelOption.ts';
import { loadProgram } from './program.ts';
import { debugging } from './report.ts';
import { consentToRetry } from './retryOption.ts';
import type { Terminal } from './terminal.ts';
import type { WatchMode } from './watch.ts';

/** What run and resume have in common. */
export interface DriveOptions {
  readonly budget?: string;
  readonly json?: boolean;
  readonly model?: readonly string[];
  readonly quiet?: boolean;
  readonly retry?: readonly string[];
  readonly wait?: boolean;
  readonly onAsk?: string;
  readonly yes?: boolean;
}

export interface RunOptions extends DriveOptions {
  readonly input?: string;
  readonly id?: string;
  readonly scope?: string;
  readonly subject?: string;
}

export async function runCommand(file: string, options: RunOptions, terminal: Terminal): Promise<number> {
  const budget = options.budget === undefined ? undefined : parseBudget(options.budget);
  const models = parseModels(options.model ?? [], process.env);
  const program = await loadProgram(file);
  checkAgents(models, program.agent);
  const input = await readInput(options.input, program.agent, terminal);
  const id = (options.id ?? newId(program.agent.name)) as RunId; // run() refuses what is no id.
  const journal = defaultJournal();
  const retry = await consentToRetry(journal, id, options, terminal);
  if (retry === undefined) return 2;
  const began = await beginningOf(journal, id);
  const subject = readSubject(options.subject) ?? began?.subject;
  const context = await makeContext(program, subject);
  // A run that goes on is of the scope it began in, whatever its program says by now.
  const scope = options.scope ?? (began === undefined ? program.options.scope : undefined);
  return drive(
    {
      program,
      input,
      id,
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

/** How a run is driven and told of, as the options that all driving commands share say. */
export function mannerOf(options: DriveOptions): Pick<Journey, 'mode' | 'debug' | 'wait' | 'onAsk'> {
  return { mode: modeOf(options), debug: debugging(), wait: options.wait === true, onAsk: options.onAsk };
}

export function modeOf({ json, quiet }: DriveOptions): WatchMode {
  return json === true ? 'json' : quiet === true ? 'quiet' : 'people';
}

/** Readable, and different from all others here: the agent's name and 30 random bits without letters that look alike. */
export function newId(agent: string): string {
  const name = agent
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 24)
    .replace(/-+$/, '');
  const letters = '0123456789abcdefghjkmnpqrstvwxyz';
  const tail = Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join('');
  return name === '' ? `run-${tail}` : `${name}-${tail}`;
}
