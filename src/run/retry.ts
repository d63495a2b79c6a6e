// Retries: which calls `retry` names, and what stands in their way. Called by run.ts before a run is entered again.

import { isLeaf } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Place, RunId } from '../journal/event.ts';
import type { Effects, EffectState } from '../journal/effects.ts';
import type { Journal } from '../journal/journal.ts';
import { foldCall } from './recorded.ts';

/** What a retry forgets: the calls it names, and the failed calls above them that would answer in their stead. */
export interface Retried {
  readonly calls: readonly Place[];
  readonly above: readonly Place[];
}

interface Started {
  readonly place: Place;
  readonly path: string;
  readonly leaf: boolean;
}

/**
 * Finds calls by path or by the beginning of their place. O(calls of the run), read in pages.
 * @throws AmdahlError RUN_UNKNOWN for a name that is no call's, or several calls', or below a call that has its answer.
 */
export async function retried(journal: Journal, run: RunId, names: readonly string[], effects: Effects): Promise<Retried> {
  if (names.length === 0) return { calls: [], above: [] };
  const named = new Map<string, Started[]>();
  for await (const call of startedCalls(journal, run)) {
    for (const name of names) {
      if (call.path === name || (name.length >= 6 && call.place.startsWith(name))) named.set(name, [...(named.get(name) ?? []), call]);
    }
  }
  const calls = names.map((name) => theOne(run, name, named.get(name) ?? [], effects));
  const above: Place[] = [];
  for await (const call of startedCalls(journal, run)) {
    const below = calls.find(({ path }) => isAbove(call.path, path));
    if (below === undefined) continue;
    const { outcome } = foldCall(await journal.at(run, call.place));
    if (outcome?.kind === 'failed') above.push(call.place);
    if (outcome?.kind === 'succeeded' && call.leaf) throw answered(run, below.path, call.path);
  }
  return { calls: calls.map(({ place }) => place), above };
}

async function* startedCalls(journal: Journal, run: RunId): AsyncGenerator<Started> {
  for await (const { event } of journal.read(run, { kinds: ['call.started'] })) {
    if (event.kind === 'call.started') yield { place: event.place, path: event.path, leaf: isLeaf(event.of) };
  }
}

/** Whether the first path names a call above the second's. Pure. */
function isAbove(above: string, path: string): boolean {
  return path.startsWith(above) && '/[:@'.includes(path.charAt(above.length) || ' ');
}

function theOne(run: RunId, name: string, found: readonly Started[], effects: Effects): Started {
  const acting = found.filter(({ place }) => effects.below(place).some(({ calls, state }) => calls[0] === place && isOpen(state)));
  const [one, ...others] = acting.length > 0 ? acting : found;
  if (one !== undefined && others.length === 0) return one;
  const why =
    one === undefined
      ? `The run '${run}' has no call '${name}'. Take the path or the first six characters of the id from: amdahl show ${run}`
      : `The run '${run}' has ${others.length + 1} calls '${name}'. Say which by the first six characters of its id: ${[one, ...others].map(({ place }) => place.slice(0, 6)).join(', ')}`;
  throw new AmdahlError('RUN_UNKNOWN', why, { data: { call: name } });
}

/** Whether nobody knows what became of it. Pure. */
function isOpen(state: EffectState): boolean {
  return state === 'committing' || state === 'uncertain';
}

function answered(run: RunId, path: string, by: string): AmdahlError {
  return new AmdahlError(
    'RUN_UNKNOWN',
    `In the run '${run}', '${by}' has its answer and does not ask '${path}' again. Retry '${by}' instead.`,
    {
      data: { call: path, answered: by },
    },
  );
}
