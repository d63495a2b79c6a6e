// What people are asked, and what they say: the open questions of a journal, an answer to one, a refusal of one. Called by programs,
// by the command line and by chats. Whoever works on the run journals what was said; nobody need work on it.
//
// K1 an answer that does not fit its form is refused here, and puts nothing. The contract of who asked judges the others later.
// K2 with a scope, what is asked in another one does not exist, and nothing tells that it does.

import { type Json, toJson } from '../agent/canonical.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError, problemList } from '../agent/errors.ts';
import { misfits } from '../agent/form.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import type { AskRow, Reply } from '../journal/ask.ts';
import type { AskId, EventOf, RunId } from '../journal/event.ts';
import type { Journal, Owner } from '../journal/journal.ts';
import { isWorkedOn } from '../journal/rows.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import type { AskKind } from '../journal/worldEvent.ts';
import { type Clock, systemClock } from './ports.ts';
import { checkSecrets, knownSecrets, type SecretOptions } from './secretOptions.ts';
import { Secrets } from './secrets.ts';
import { systemSurroundings } from './surroundings.ts';

/** A question that waits for a person. Times in epoch ms. */
export interface OpenAsk {
  readonly ask: AskId;
  readonly run: RunId;
  readonly scope?: string;
  /** The agent that the run is of. */
  readonly agent: string;
  /** Who asks, as `amdahl show` has it. */
  readonly path: string;
  readonly of: AskKind;
  readonly question: string;
  /** What it is about: the input of a human; tool and arguments of an effect; the cap of a budget. */
  readonly about: Json;
  /** JSON Schema of an answer; any text where there is none. */
  readonly form?: Json;
  readonly openedAt: number;
  readonly expiresAt?: number;
}

export interface AsksOptions {
  /** Only those of runs of this scope. */
  readonly scope?: string;
  /** Only those of this run. */
  readonly run?: string;
  /** Default: SQLite in the folder `.amdahl`, or where AMDAHL_DIR says. */
  readonly journal?: Journal;
  readonly clock?: Clock;
}

export interface SayOptions {
  /** Who says it: journaled, and told to whoever comes too late. */
  readonly by?: string;
  /** Whose questions may be answered here: one of another scope is ASK_UNKNOWN. Default: all. */
  readonly scope?: string;
  /** Default: SQLite in the folder `.amdahl`, or where AMDAHL_DIR says. */
  readonly journal?: Journal;
  readonly clock?: Clock;
  /** What may stand in no answer, besides values of environment variables named like keys: it is SECRET_IN_CONTRACT, as in `run`. */
  readonly secrets?: SecretOptions;
}

/** Something was said to an ask, durably, and nobody else can say anything to it any more. */
export interface Said {
  readonly ask: AskId;
  readonly run: RunId;
  readonly scope?: string;
  /** The agent that the run is of. */
  readonly agent: string;
  /** Who works on the run, and takes it from here. Absent where nobody does: `run` with this id goes on, and so does `recover`. */
  readonly owner?: Owner;
}

const LOOK: OptionNames<AsksOptions> = { scope: true, run: true, journal: true, clock: true };
const SAY: OptionNames<SayOptions> = { by: true, scope: true, journal: true, clock: true, secrets: true };

/**
 * The questions that wait for somebody, oldest first. O(those that are open).
 * @throws AmdahlError MISCONFIGURED, JOURNAL_*
 */
export async function asks(options: AsksOptions = {}): Promise<readonly OpenAsk[]> {
  checkOptions(options, LOOK, 'asks()');
  const { scope, run, journal = defaultJournal(), clock = systemClock } = options;
  const found: OpenAsk[] = [];
  const agents = new Map<RunId, string>();
  // The id of a run is looked up as it is, whoever made it.
  const rows = await journal.asks({ ...(scope === undefined ? {} : { scope }), ...(run === undefined ? {} : { run: run as RunId }) });
  for (const row of rows) {
    if (row.state !== 'open' || (row.expiresAt !== undefined && row.expiresAt <= clock.now())) continue;
    const [opened, agent] = [await openingOf(journal, row), agents.get(row.run) ?? (await journal.row(row.run))?.agent];
    if (opened === undefined || agent === undefined) continue; // pruned meanwhile
    agents.set(row.run, agent);
    found.push(openAsk(opened, row, agent));
  }
  return found;
}

/**
 * One question that waits for somebody, by its id or the beginning of it that no other has.
 * @throws AmdahlError ASK_UNKNOWN; ASK_CLOSED with what came of it; MISCONFIGURED, JOURNAL_*
 */
export async function openAskOf(id: string, options: Omit<SayOptions, 'by'> = {}): Promise<OpenAsk> {
  checkOptions(options, SAY, 'openAskOf()');
  const { scope, journal = defaultJournal(), clock = systemClock } = options;
  const row = await find(journal, id, scope);
  const [opened, run] = [await openingOf(journal, row), await journal.row(row.run)];
  if (opened === undefined || run === undefined) throw unknown(id);
  const isLate = row.state === 'expired' || (row.state === 'open' && row.expiresAt !== undefined && row.expiresAt <= clock.now());
  if (row.state !== 'open' || isLate) throw await closed(journal, row, isLate, opened, clock.now());
  return openAsk(opened, row, run.agent);
}

/** An ask as people see it. Pure. */
export function openAsk(opened: EventOf<'ask.opened'>, row: Pick<AskRow, 'run' | 'scope'>, agent: string): OpenAsk {
  const { ask, path, of, question, about, form, expiresAt, at } = opened;
  return {
    ask,
    run: row.run,
    ...(row.scope === undefined ? {} : { scope: row.scope }),
    agent,
    path,
    of,
    question,
    about,
    ...(form === undefined ? {} : { form }),
    openedAt: at,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/**
 * Answers a question, by its id (or the beginning of it that no other has). The first answer stands, whoever gives it.
 * @throws AmdahlError CONTRACT_VIOLATION with what does not fit the form; ASK_UNKNOWN; ASK_CLOSED with what came of it;
 *   NOT_JSON; SECRET_IN_CONTRACT; JOURNAL_*
 */
export async function answer(ask: string | Pick<OpenAsk, 'ask'>, value: unknown, options: SayOptions = {}): Promise<Said> {
  checkSay(options, 'answer()');
  const json = toJson(value, 'the answer');
  return await say(ask, options, { kind: 'answer', value: json }, (opened) => refuseMisfit(opened, json));
}

/**
 * Refuses to answer: an agent fails with ASK_REFUSED, an effect is not done, a budget stays.
 * @throws AmdahlError ASK_UNKNOWN; ASK_CLOSED with what came of it; MISCONFIGURED without a reason; JOURNAL_*
 */
export async function refuse(ask: string | Pick<OpenAsk, 'ask'>, reason: string, options: SayOptions = {}): Promise<Said> {
  checkSay(options, 'refuse()');
  if (typeof reason !== 'string' || reason.trim() === '')
    throw new AmdahlError(
      'MISCONFIGURED',
      'refuse() takes a reason: refuse(ask, "the numbers are last year\'s"). Whoever asked is told it.',
    );
  return await say(ask, options, { kind: 'refuse', reason }, () => {});
}

function checkSay(options: SayOptions, who: string): void {
  checkOptions(options, SAY, who);
  if (options.by !== undefined && (typeof options.by !== 'string' || options.by.trim() === ''))
    throw new AmdahlError('MISCONFIGURED', `${who} was given ${kindOf(options.by)} as by. Give the name of who says it.`);
}

async function say(
  given: string | Pick<OpenAsk, 'ask'>,
  { by, scope, secrets, journal = defaultJournal(), clock = systemClock }: SayOptions,
  reply: Reply,
  check: (opened: EventOf<'ask.opened'>) => void,
): Promise<Said> {
  const id: unknown = typeof given === 'string' ? given : given?.ask;
  if (typeof id !== 'string')
    throw new AmdahlError('MISCONFIGURED', `A question is named by its id, or is one that asks() gave; it is ${kindOf(given)}.`);
  const row = await find(journal, id, scope);
  const opened = await openingOf(journal, row);
  const run = await journal.row(row.run);
  if (opened === undefined || run === undefined) throw unknown(id);
  if (row.state === 'open') check(opened);
  // What is said stands in the journal's table until the run takes it, and only then are its own secrets put out of it.
  secretsHere(secrets).refuse({ ...reply, by }, 'What is said to the question');
  const now = clock.now();
  const responded = await journal.respond(row.ask, by === undefined ? reply : { ...reply, by }, now);
  if (responded.kind === 'unknown') throw unknown(id);
  if (responded.kind !== 'accepted') throw await closed(journal, responded.row, responded.kind === 'expired', opened, now);
  const { owner } = run;
  const works = owner?.alive === true && isWorkedOn(run);
  return {
    ask: row.ask,
    run: row.run,
    ...(run.scope === undefined ? {} : { scope: run.scope }),
    agent: run.agent,
    ...(works ? { owner: { id: owner.id, pid: owner.pid, host: owner.host } } : {}),
  };
}

function secretsHere(options: SecretOptions = {}): Secrets {
  checkSecrets(options);
  return new Secrets(knownSecrets(options, { env: systemSurroundings.env }));
}

/** K2: an id that fits several is told of where no scope is kept apart. */
async function find(journal: Journal, id: string, scope: string | undefined): Promise<AskRow> {
  const row = await journal.ask(id).catch((thrown: unknown) => {
    if (scope !== undefined && thrown instanceof AmdahlError && thrown.code === 'ASK_UNKNOWN') return undefined;
    throw thrown;
  });
  if (row === undefined || (scope !== undefined && row.scope !== scope)) throw unknown(id);
  return row;
}

/** The last opening of an ask; undefined where its run was pruned. */
export async function openingOf(journal: Journal, { run, ask, seq }: AskRow): Promise<EventOf<'ask.opened'> | undefined> {
  for await (const { event } of journal.read(run, { after: seq - 1, kinds: ['ask.opened'], limit: 1 }))
    return event.kind === 'ask.opened' && event.ask === ask ? event : undefined;
  return undefined;
}

function refuseMisfit({ ask, form, path }: EventOf<'ask.opened'>, value: Json): void {
  const problems = misfits(value, form);
  if (problems.length === 0) return;
  throw new AmdahlError(
    'CONTRACT_VIOLATION',
    `The answer does not fit what '${path}' asks for: ${problemList(problems)}. Nothing was answered.`,
    {
      problems,
      data: { ask, form: form ?? { type: 'string' } },
    },
  );
}

function unknown(id: string): AmdahlError {
  return new AmdahlError('ASK_UNKNOWN', `There is no question '${id}' here. amdahl inbox lists those that are open.`, {
    data: { ask: id },
  });
}

/** Why nothing can be said any more: what was said, by whom and when. */
async function closed(
  journal: Journal,
  row: AskRow,
  isLate: boolean,
  { place, path, expiresAt }: EventOf<'ask.opened'>,
  now: number,
): Promise<AmdahlError> {
  const state = isLate ? 'expired' : row.state;
  const at = isLate ? (expiresAt ?? row.since) : (row.response?.at ?? row.since);
  const by = row.response?.by ?? (isLate ? undefined : await whoSaid(journal, row, place));
  const verb = row.state === 'refused' || row.response?.kind === 'refuse' ? 'refused' : 'answered';
  const how = state === 'expired' || state === 'withdrawn' ? (state === 'expired' ? 'has expired' : 'was withdrawn') : `was ${verb} before`;
  const who = by === undefined ? '' : ` by ${by.replace(/\s+/g, ' ')}`;
  return new AmdahlError('ASK_CLOSED', `The question of '${path}' ${how}${who}, ${ago(now - at)}. Nothing has changed.`, {
    where: { run: row.run, call: path },
    data: { ask: row.ask, run: row.run, state: state === 'responded' ? verb : state, at, ...(by === undefined ? {} : { by }) },
  });
}

async function whoSaid(journal: Journal, { run, ask, seq }: AskRow, place: EventOf<'ask.opened'>['place']): Promise<string | undefined> {
  for (const { seq: at, event } of await journal.at(run, place))
    if (at > seq && (event.kind === 'ask.answered' || event.kind === 'ask.refused') && event.ask === ask) return event.by;
  return undefined;
}

function ago(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 120) return `${s} s ago`;
  if (s < 7_200) return `${Math.round(s / 60)} min ago`;
  return s < 172_800 ? `${Math.round(s / 3_600)} h ago` : `${Math.round(s / 86_400)} days ago`;
}
