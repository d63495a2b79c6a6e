// `amdahl answer` and `amdahl refuse`: say something to a question, and let its run go on where nobody works on it.
//
// N1 what is said is durable before anything goes on: whatever becomes of the run here, nobody is asked again.
// N2 whoever leaves while they are asked has said nothing: the question stays open.

import { userInfo } from 'node:os';
import process from 'node:process';
import { AmdahlError } from '../agent/errors.ts';
import type { Json } from '../agent/canonical.ts';
import type { Journal, RunRow } from '../journal/journal.ts';
import { answer, openAskOf, type OpenAsk, refuse, type Said } from '../run/people.ts';
import { answerIn } from './askDialogue.ts';
import { meantBy } from './answerText.ts';
import { receiptsOf } from './inboxCommand.ts';
import { amdahlCommand, resumeLine } from './invocation.ts';
import { EXIT } from './report.ts';
import type { DriveOptions } from './runCommand.ts';
import { resumeCommand } from './resumeCommand.ts';
import { requireJournal } from './runReference.ts';
import { Left, type Terminal } from './terminal.ts';

export interface AnswerOptions extends DriveOptions {
  readonly by?: string;
  /** False with --no-resume. */
  readonly resume: boolean;
}

export interface RefuseOptions extends AnswerOptions {
  readonly reason: string;
}

/** `text` is the answer, or '-' for standard input; on a terminal it is asked for. */
export async function answerCommand(ask: string, text: string | undefined, options: AnswerOptions, terminal: Terminal): Promise<number> {
  return await settle('answered', options, terminal, async (journal) => {
    const by = options.by ?? userName();
    const open = await openAskOf(ask, { journal });
    const say = { journal, ...(by === undefined ? {} : { by }) };
    const reply = text === undefined ? await askFor(journal, open, terminal) : typed(await textOf(text, terminal), open);
    if (reply === undefined) return undefined;
    return reply.kind === 'refuse' ? await refuse(open, reply.reason, say) : await answer(open, reply.value, say);
  });
}

export async function refuseCommand(ask: string, options: RefuseOptions, terminal: Terminal): Promise<number> {
  return await settle('refused', options, terminal, async (journal) => {
    const by = options.by ?? userName();
    return await refuse(await openAskOf(ask, { journal }), options.reason, { journal, ...(by === undefined ? {} : { by }) });
  });
}

/** `say` gives undefined where nothing was said. */
async function settle(
  verb: 'answered' | 'refused',
  options: AnswerOptions,
  terminal: Terminal,
  say: (journal: Journal) => Promise<Said | undefined>,
): Promise<number> {
  const journal = requireJournal();
  let said: Said | undefined;
  let row: RunRow | undefined;
  try {
    said = await say(journal);
    row = said === undefined ? undefined : await journal.row(said.run);
  } finally {
    await journal.close();
  }
  if (said === undefined) {
    terminal.err.line('Nothing was said; the question stays open.');
    return EXIT.interrupted;
  }
  return await goOn(said, verb, row, options, terminal);
}

export type Reply = { readonly kind: 'answer'; readonly value: Json } | { readonly kind: 'refuse'; readonly reason: string };

function typed(text: string, open: OpenAsk): Reply {
  return { kind: 'answer', value: meantBy(text, open) };
}

async function textOf(text: string, terminal: Terminal): Promise<string> {
  return text === '-' ? terminal.readAll() : text;
}

async function askFor(journal: Journal, open: OpenAsk, terminal: Terminal): Promise<Reply | undefined> {
  if (!terminal.interactive)
    throw new AmdahlError(
      'MISCONFIGURED',
      `Nobody can be asked here, for this is no terminal. Give the answer as JSON behind the question's id, or - for standard input: ${amdahlCommand()} answer ${open.ask} '…'.`,
    );
  const stands = await receiptsOf(journal, [open]);
  const conversation = terminal.converse();
  try {
    return await answerIn(conversation, open, terminal.err, { now: Date.now(), stands });
  } catch (error) {
    if (error instanceof Left) return undefined;
    throw error;
  } finally {
    conversation.close();
  }
}

/** The run goes on where its owner works on it, or else here and now where its program is known. */
async function goOn(said: Said, verb: string, row: RunRow | undefined, options: AnswerOptions, terminal: Terminal): Promise<number> {
  const { run, owner } = said;
  const { err } = terminal;
  const people = options.quiet !== true && options.json !== true;
  if (owner !== undefined) {
    if (people) err.line(`${err.colors.green(verb)}; process ${owner.pid} on ${owner.host} works on ${run} and goes on with it.`);
    return EXIT.succeeded;
  }
  if (!options.resume || row?.program === undefined) {
    const program = row?.program;
    const or = program === undefined ? 'when its program runs again with this id, or ' : '';
    const how = err.colors.bold(resumeLine({ run, program }));
    if (people) err.line(`${err.colors.green(verb)}. Nobody works on ${run}; it goes on ${or}with: ${how}`);
    return EXIT.succeeded;
  }
  if (people) err.line(err.colors.green(verb));
  return await resumeCommand(run, undefined, options, terminal);
}

/** As this machine knows whoever types. */
function userName(): string | undefined {
  const { USER, LOGNAME, USERNAME } = process.env;
  const named = [USER, LOGNAME, USERNAME].find((name) => name !== undefined && name.trim() !== '');
  if (named !== undefined) return named;
  try {
    return userInfo().username;
  } catch {
    return undefined; // a process whose user has no name
  }
}
