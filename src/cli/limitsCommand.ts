// `amdahl limits`: what the gates in front of models have learned of their limits, from the journal alone.

import type { EventOf, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { pasteable } from './invocation.ts';
import { agoText, amountText, many, visible } from './quantities.ts';
import { existingJournal, findRun, journalDirectory, requireJournal, shortPath } from './runReference.ts';
import type { Cell } from './table.ts';
import { tableLines } from './table.ts';
import type { Output, Terminal } from './terminal.ts';

/** How many of the newest runs are read. */
const RUNS_READ_MAX = 50;
const ACCOUNT_CHARS = 8;

const COLUMNS = [
  { gives: true },
  { drop: 4 },
  { align: 'right' },
  { align: 'right' },
  { align: 'right' },
  {},
  { align: 'right', drop: 1 },
  { drop: 2 },
  { drop: 3 },
] as const;

/** What one gate was known to keep to, when and in which run. */
export interface Learned {
  readonly gate: string;
  readonly account?: string;
  readonly limits: EventOf<'limit.learned'>['limits'];
  readonly at: number;
  readonly run: RunId;
}

/** From where limits are known. Who refused nothing for its rate has told no limit: it was only overloaded. */
function sourceText({ source, requestsPerMinute }: Learned['limits']): string {
  if (source === 'opening') return 'not met yet';
  return source === 'learned' && requestsPerMinute === undefined ? 'overload' : source;
}

export async function limitsCommand(
  text: string | undefined,
  options: { readonly json?: boolean },
  { out, err }: Terminal,
): Promise<number> {
  const journal = text === undefined ? existingJournal() : requireJournal();
  const runs = journal === undefined ? [] : text === undefined ? await journal.rows(RUNS_READ_MAX) : [await findRun(journal, text)];
  const learned =
    journal === undefined
      ? []
      : await learnedIn(
          journal,
          runs.map(({ run }) => run),
        );
  const whole = text !== undefined || runs.length < RUNS_READ_MAX;
  await journal?.close();
  if (options.json === true) for (const one of learned) out.line(JSON.stringify(one));
  else if (learned.length === 0) for (const line of nothingLines(text, runs.length)) err.line(line);
  else for (const line of limitLines(learned, whole ? undefined : runs.length, Date.now(), out)) out.line(line);
  return 0;
}

/** The newest of each gate, by name. O(runs + their events of this kind). */
export async function learnedIn(journal: Journal, runs: readonly RunId[]): Promise<readonly Learned[]> {
  const newest = new Map<string, Learned>();
  for (const run of runs)
    for await (const { event } of journal.read(run, { kinds: ['limit.learned'] })) {
      if (event.kind !== 'limit.learned') continue;
      const { gate, account, limits, at } = event;
      const key = JSON.stringify([gate, account]);
      if ((newest.get(key)?.at ?? -Infinity) <= at)
        newest.set(key, { gate, ...(account === undefined ? {} : { account }), limits, at, run });
    }
  return [...newest.values()].sort((a, b) => (a.gate === b.gate ? b.at - a.at : a.gate < b.gate ? -1 : 1));
}

/** A table, and what to do with it. `read` is how many runs were read where that is not all of them. */
export function limitLines(learned: readonly Learned[], read: number | undefined, now: number, { colors, width }: Output): string[] {
  const accounts = learned.some(({ account }) => account !== undefined);
  const head: Cell[] = [
    'GATE',
    accounts ? 'ACCOUNT' : '',
    'REQUESTS/MIN',
    'TOKENS/MIN',
    'IN FLIGHT',
    'FROM',
    'PUSH-BACKS',
    'WHEN',
    'RUN',
  ].map((text) => ({
    text,
    paint: colors.dim,
  }));
  const lines = tableLines(COLUMNS, [head, ...learned.map((one) => cellsOf(one, now, colors))], width());
  const guesses = learned.filter(({ limits }) => limits.source === 'learned');
  // A guess of a rate is more use than none.
  const guess = guesses.find(({ limits }) => limits.requestsPerMinute !== undefined) ?? guesses[0];
  if (guess !== undefined) {
    const what =
      guess.limits.requestsPerMinute === undefined
        ? 'overload is no limit of the account: fewer go at once for a while where requests failed'
        : 'learned is a guess from push-backs';
    lines.push('', colors.dim(`${what}; what you know is kept to from the first request on: ${exampleOf(guess)}`));
  }
  if (read !== undefined) lines.push(colors.dim(`from the newest ${read} runs; ${pasteable('amdahl limits RUN')} reads an older one`));
  return lines;
}

function cellsOf({ gate, account, limits, at, run }: Learned, now: number, colors: Output['colors']): (string | Cell)[] {
  const { requestsPerMinute, tokensPerMinute, concurrency, source, pushBacks } = limits;
  return [
    visible(gate),
    account === undefined ? '' : visible(account).slice(0, ACCOUNT_CHARS),
    amountOf(requestsPerMinute),
    amountOf(tokensPerMinute),
    amountOf(concurrency),
    { text: sourceText(limits), paint: source === 'learned' ? colors.yellow : colors.green },
    String(pushBacks),
    agoText(at, now),
    { text: run, paint: colors.dim },
  ];
}

function amountOf(limit: number | undefined): string {
  return limit === undefined ? '-' : amountText(limit);
}

/** The option as it is written, with what is known of requests or room for what the user knows. */
function exampleOf({ gate, limits: { requestsPerMinute } }: Learned): string {
  const limit =
    requestsPerMinute === undefined ? 'requestsPerMinute: …, concurrency: …' : `requestsPerMinute: ${Math.round(requestsPerMinute)}`;
  return `export const options = { rateLimits: { '${visible(gate)}': { ${limit} } } }`;
}

function nothingLines(text: string | undefined, runs: number): string[] {
  if (runs === 0) return [`There are no runs in ${shortPath(journalDirectory())} yet. ${pasteable('amdahl run FILE starts one.')}`];
  const nothing =
    runs === 1
      ? `${text === undefined ? 'The only' : 'This'} run's journal has no limits on record: none were met, or it was cut off before it could tell.`
      : `The journals of the newest ${many(runs, 'run')} have no limits on record: none were met, or they were cut off before they could tell.`;
  return [
    nothing,
    'A run writes down what it knows of them when it ends: from the options, from what a provider announces in its headers, or from being pushed back.',
    "If you know the limits of your account, say so in the program: export const options = { rateLimits: { 'openai/gpt-5': { requestsPerMinute: 500 } } }",
  ];
}
