// Finds runs and calls by what people type: an id, the start of one, or 'last'. Called by resume, show and --retry.

import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { AmdahlError } from '../agent/errors.ts';
import type { Place, RunId } from '../journal/event.ts';
import type { Journal, RunRow } from '../journal/journal.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { fileIn } from '../journal/sqliteFile.ts';
import { nearest } from '../agent/nearest.ts';
import { amdahlCommand } from './invocation.ts';

/** How many of the newest runs a prefix is looked up in. */
const ROWS_SEARCHED_MAX = 10_000;

/** The journal here, if there is one: looking for runs must not make one. */
export function existingJournal(): Journal | undefined {
  return existsSync(fileIn(journalDirectory())) ? defaultJournal() : undefined;
}

/** @throws AmdahlError RUN_UNKNOWN when there is no journal here. */
export function requireJournal(): Journal {
  const journal = existingJournal();
  if (journal !== undefined) return journal;
  throw new AmdahlError(
    'RUN_UNKNOWN',
    `There are no runs in ${shortPath(journalDirectory())}. Go to the directory where the run was started, or set AMDAHL_DIR.`,
  );
}

export function journalDirectory(): string {
  return resolve(process.env['AMDAHL_DIR'] || '.amdahl');
}

/** @throws AmdahlError RUN_UNKNOWN unless exactly one run is meant. */
export async function findRun(journal: Journal, text: string): Promise<RunRow> {
  if (text === 'last') {
    const [newest] = await journal.rows(1);
    if (newest !== undefined) return newest;
    throw new AmdahlError('RUN_UNKNOWN', `There are no runs in ${shortPath(journalDirectory())} yet.`);
  }
  const exact = await journal.row(text as RunId); // Whatever is typed is looked up as it is.
  if (exact !== undefined) return exact;
  const rows = await journal.rows(ROWS_SEARCHED_MAX);
  const meant = rows.filter(({ run }) => run.startsWith(text));
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  if (only !== undefined)
    throw new AmdahlError('RUN_UNKNOWN', `'${text}' could be ${listed(meant.map(({ run }) => run))}. Type more of it.`);
  const like = nearest(
    text,
    rows.map(({ run }) => run),
  );
  throw new AmdahlError(
    'RUN_UNKNOWN',
    `There is no run '${text}'. ${like === undefined ? `${amdahlCommand()} runs lists them.` : `Did you mean ${like}?`}`,
  );
}

export interface CallReference {
  readonly path: string;
  readonly place: Place;
  /** The act at it, when nobody knows whether it happened. */
  readonly uncertain: string | undefined;
}

/**
 * Calls by path or by the start of their place. O(calls).
 * @throws AmdahlError RUN_UNKNOWN naming the first that is not there.
 */
export async function findCalls(journal: Journal, run: RunId, texts: readonly string[]): Promise<CallReference[]> {
  const places = new Map<string, Place>();
  const open = new Map<Place, Map<string, string>>();
  for await (const { event } of journal.read(run, { kinds: ['call.started', 'effect.committing', 'effect.committed'] })) {
    if (event.kind === 'call.started') places.set(event.path, event.place);
    const [call] = event.kind === 'effect.committing' || event.kind === 'effect.committed' ? event.calls : [];
    if (call === undefined) continue;
    const acts = open.get(call) ?? new Map<string, string>();
    open.set(call, acts);
    if (event.kind === 'effect.committing') acts.set(event.key, event.tool);
    else if (event.kind === 'effect.committed') acts.delete(event.key);
  }
  return texts.map((text) => {
    const [path, place] = callMeant(places, text, run);
    return { path, place, uncertain: open.get(place)?.values().next().value };
  });
}

function callMeant(places: ReadonlyMap<string, Place>, text: string, run: RunId): readonly [string, Place] {
  const exact = places.get(text);
  if (exact !== undefined) return [text, exact];
  const meant = text.length < 4 ? [] : [...places].filter(([, place]) => place.startsWith(text));
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  if (only !== undefined) throw new AmdahlError('RUN_UNKNOWN', `'${text}' could be ${listed(meant.map(([path]) => path))}.`);
  const ends = [...places.keys()].filter((path) => path.endsWith(text));
  const like = ends.length > 0 ? listed(ends) : nearest(text, [...places.keys()]);
  throw new AmdahlError(
    'RUN_UNKNOWN',
    `Run ${run} has no call '${text}'. ${like === undefined ? `${amdahlCommand()} show ${run} --all lists its calls.` : `Did you mean ${like}?`}`,
  );
}

function listed(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} or ${names.length - 5} others` : names.join(' or ');
}

/** A path as it is shortest from here. */
export function shortPath(path: string): string {
  const near = relative('.', path);
  return near === '' ? '.' : near.startsWith('..') ? path : join(near);
}
