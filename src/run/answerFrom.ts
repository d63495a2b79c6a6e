// What a person has answered on the page of a chat, put to the asks that toUIMessageStream() showed there. Called by a chat's
// route, with the conversation that the page posts.
//
// A1 a page posts everything again and again: what was said before, here or elsewhere, is passed over.
// A2 nothing in a conversation can break its route: what cannot be taken is told, ask by ask, with its code.
// A3 a page may say anything: which asks it may answer is for `scope` and `run` to say, never for the page.

import { canonical, type Json, toJson } from '../agent/canonical.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError, asAmdahl } from '../agent/errors.ts';
import { misfits } from '../agent/form.ts';
import type { UiMessageLike } from '../agent/messages.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import type { AskRow, Reply } from '../journal/ask.ts';
import type { EventOf, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { answer, openingOf, refuse, type Said, type SayOptions } from './people.ts';

export interface AnswerFromOptions extends SayOptions {
  /** Only asks of this run: that of the message which the page goes on with. Default: of any. */
  readonly run?: string;
}

/** What became of the answers in a conversation. */
export interface AnsweredFrom {
  /** What was said now, in the order in which it stands there. */
  readonly said: readonly Said[];
  /** The runs that it was said to: they can go on. */
  readonly runs: readonly RunId[];
  /** What could not be taken: ASK_UNKNOWN, ASK_CLOSED with what came of it, CONTRACT_VIOLATION with what does not fit. */
  readonly refused: readonly { readonly ask: string; readonly error: AmdahlError }[];
}

const OPTIONS: OptionNames<AnswerFromOptions> = { by: true, scope: true, journal: true, clock: true, secrets: true, run: true };

/**
 * Answers what runs have asked on a page (`toUIMessageStream()`), with the approval responses and tool outputs of the AI SDK that its
 * conversation holds. A yes or no is that; the output of a tool is the answer itself, and so is the reason of a yes, as JSON or as
 * text, where it fits the form. O(parts), and a look at the journal for each response.
 * @throws AmdahlError MISCONFIGURED, CONTRACT_VIOLATION where it is no list of messages, JOURNAL_*
 */
export async function answerFrom(messages: readonly UiMessageLike[], options: AnswerFromOptions = {}): Promise<AnsweredFrom> {
  checkOptions(options, OPTIONS, 'answerFrom()');
  const { run, ...say } = options;
  const given: unknown = messages;
  if (!Array.isArray(given)) throw new AmdahlError('CONTRACT_VIOLATION', `answerFrom() takes the list of messages, not ${kindOf(given)}.`);
  const said: Said[] = [];
  const refused: { readonly ask: string; readonly error: AmdahlError }[] = [];
  for (const response of given.flatMap(responsesIn)) {
    try {
      const one = await put(response, { ...say, run });
      if (one !== undefined) said.push(one);
    } catch (thrown) {
      const error = asAmdahl(thrown, 'answerFrom()');
      if (!REFUSALS.has(error.code)) throw error;
      refused.push({ ask: response.ask, error });
    }
  }
  return { said, runs: [...new Set(said.map((one) => one.run))], refused };
}

const REFUSALS: ReadonlySet<string> = new Set(['ASK_UNKNOWN', 'ASK_CLOSED', 'CONTRACT_VIOLATION', 'NOT_JSON', 'SECRET_IN_CONTRACT']);

/** What a part of the page says to an ask. */
type Response =
  | { readonly kind: 'approval'; readonly ask: string; readonly approved: boolean; readonly reason: string | undefined }
  | { readonly kind: 'output'; readonly ask: string; readonly output: unknown }
  | { readonly kind: 'error'; readonly ask: string; readonly errorText: string };

function responsesIn(message: unknown): readonly Response[] {
  const parts = fieldOf(message, 'parts');
  return Array.isArray(parts) ? parts.flatMap((part) => responseIn(part) ?? []) : [];
}

/** An approval that was responded to; or what was given as the output of a question that is a tool of its own. */
function responseIn(part: unknown): Response | undefined {
  const approval = fieldOf(part, 'approval');
  const id = fieldOf(approval, 'id');
  switch (fieldOf(part, 'state')) {
    case 'approval-responded': {
      if (typeof id !== 'string' || fieldOf(approval, 'isAutomatic') === true) return undefined;
      const reason = fieldOf(approval, 'reason');
      const approved = fieldOf(approval, 'approved') === true;
      return { kind: 'approval', ask: id, approved, reason: typeof reason === 'string' && reason.trim() !== '' ? reason : undefined };
    }
    case 'output-available': {
      const ask = askIn(part);
      return ask === undefined ? undefined : { kind: 'output', ask, output: fieldOf(part, 'output') };
    }
    case 'output-error': {
      const ask = askIn(part);
      const errorText = fieldOf(part, 'errorText');
      return ask === undefined || typeof errorText !== 'string' ? undefined : { kind: 'error', ask, errorText };
    }
    default:
      return undefined;
  }
}

function askIn(part: unknown): string | undefined {
  const ask = fieldOf(fieldOf(fieldOf(part, 'toolMetadata'), 'amdahl'), 'ask');
  return typeof ask === 'string' ? ask : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined;
}

/** Undefined where it was said before. */
async function put(response: Response, options: SayOptions & { readonly run: string | undefined }): Promise<Said | undefined> {
  const { run, ...say } = options;
  const { journal = defaultJournal(), scope } = say;
  const unknown = new AmdahlError('ASK_UNKNOWN', `There is no question '${response.ask}' here for this page to answer.`, {
    data: { ask: response.ask },
  });
  const row = await journal.ask(response.ask).catch((thrown: unknown) => {
    if (thrown instanceof AmdahlError && thrown.code === 'ASK_UNKNOWN') return undefined; // too short for an id
    throw thrown;
  });
  const isHere = row?.ask === response.ask && (scope === undefined || row.scope === scope) && (run === undefined || row.run === run);
  const opened = isHere ? await openingOf(journal, row) : undefined;
  if (row === undefined || opened === undefined) throw unknown;
  const reply = replyOf(response, opened);
  if (row.state !== 'open' && (await isKnown(journal, row, opened, reply, response))) return undefined;
  if (reply === undefined) return row.state === 'open' ? misfit(opened) : undefined;
  return reply.kind === 'answer' ? await answer(row.ask, reply.value, say) : await refuse(row.ask, reply.reason, say);
}

const NO_REASON = 'Refused without a reason.';

/** What the page means; undefined where nothing that it says fits the form. */
function replyOf(response: Response, { of, form }: EventOf<'ask.opened'>): Reply | undefined {
  if (response.kind === 'error') return { kind: 'refuse', reason: response.errorText.trim() === '' ? NO_REASON : response.errorText };
  if (response.kind === 'output') {
    const output = toJson(response.output, 'the output of a question');
    const isJson = typeof output !== 'string' || misfits(output, form).length === 0;
    return { kind: 'answer', value: isJson ? output : (parsed(output) ?? output) };
  }
  const { approved, reason } = response;
  const isYesOrNo = misfits(approved, form).length === 0;
  if (isYesOrNo && (of !== 'approval' || approved || reason === undefined)) return { kind: 'answer', value: approved };
  if (!approved) return { kind: 'refuse', reason: reason ?? NO_REASON };
  const meant = reason === undefined ? [{ outcome: 'go on' }] : [parsed(reason), reason, { outcome: reason.trim() }];
  const value = meant.find((one): one is Json => one !== undefined && misfits(one, form).length === 0);
  return value === undefined ? undefined : { kind: 'answer', value };
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json; // JSON.parse gives JSON
  } catch {
    return undefined;
  }
}

function misfit({ ask, path, form = { type: 'string' } }: EventOf<'ask.opened'>): never {
  throw new AmdahlError(
    'CONTRACT_VIOLATION',
    `A yes does not answer what '${path}' asks: give the answer as the tool's output (addToolOutput), or as the reason of the approval. Nothing was answered.`,
    { data: { ask, form } },
  );
}

/** A1: whether the page says what came of it. */
async function isKnown(
  journal: Journal,
  { run, ask, seq, state, response: accepted }: AskRow,
  { of, place }: EventOf<'ask.opened'>,
  reply: Reply | undefined,
  said: Response,
): Promise<boolean> {
  // What a page has of a question that is over was told by the run: what became of the effect, or that nobody answered.
  if (said.kind === 'error' || (said.kind === 'output' && of === 'approval')) return true;
  if (said.kind === 'approval' && !said.approved && (state === 'expired' || state === 'withdrawn')) return true;
  let known: Reply | undefined = accepted;
  for (const { seq: at, event } of await journal.at(run, place)) {
    if (at < seq || !('ask' in event) || event.ask !== ask) continue;
    if (event.kind === 'ask.answered') known = { kind: 'answer', value: event.value };
    if (event.kind === 'ask.refused') known = { kind: 'refuse', reason: event.reason };
  }
  if (known === undefined) return false;
  if (said.kind === 'approval' && of === 'approval') return said.approved === (known.kind === 'answer' && known.value === true);
  if (known.kind === 'refuse') return said.kind === 'approval' && !said.approved;
  return reply?.kind === 'answer' && canonical(reply.value) === canonical(known.value);
}
