// The answers of a run by what was asked, whatever their places: those of earlier entries after an edit moved their
// questions, and those of the run that is run again. Read from the journal in one pass when the first new question comes.
//
// R1 an answer is taken at most once, and never when its own place was asked for.
// R2 only what stands is here: nothing retracted, with gaps, or below an attempt that was refused.
// R5 of its own run, only what another program bought: the same one asks each question at its own place again, and equal
//    questions of its branches are samples, wherever it was cut off between them.

import { canonical, hash } from '../agent/canonical.ts';
import { isLeaf } from '../agent/definition.ts';
import type { Event, EventOf, Place, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { attemptPath } from './asker.ts';

/** An answer and where it stands. */
export interface Kept {
  readonly place: Place;
  readonly path: string;
  readonly seq: number;
}

/** What a question is, wherever it is asked. `nth` tells equal questions of one asker apart. */
export interface Content {
  readonly agent: string;
  readonly fingerprint: string | undefined;
  readonly inputHash: string;
  readonly nth: string;
}

/** Which of equal questions a path names: '' for the first, '#1' for the second, '~key' for one with a key. Pure. */
export function nthOf(path: string, agent: string): string {
  return path.slice(path.lastIndexOf('/') + 1 + agent.length);
}

interface Leaf extends Kept {
  readonly agent: string;
  readonly inputHash: string;
}

/** A pass over a journal. */
interface Draft {
  readonly started: Map<Place, Leaf>;
  readonly standing: Map<Place, EventOf<'call.succeeded'>>;
  /** When those were recorded that the present program bought. */
  readonly unmoved: Map<Place, number>;
  readonly paths: Map<Place, string>;
  readonly refused: string[];
  /** Whether the entry that is read was of the present program, as far as its fingerprint tells. */
  same: boolean;
  /** When the run had come to its end. The same program has nothing new to ask after it, unless something was forgotten. */
  ended: number;
}

export interface AnswerIndexOptions {
  readonly journal: Journal;
  readonly run: RunId;
  /** Answers recorded after it are not here. Default: all are. */
  readonly lastSeq?: number;
  /** Answers that were taken by calls of earlier entries already. */
  readonly taken?: Set<Place>;
  /** The present program's, for a run's own answers: those that it bought itself are not here. */
  readonly program?: string;
}

export class AnswerIndex {
  readonly run: RunId;
  readonly #journal: Journal;
  readonly #lastSeq: number;
  readonly #taken: Set<Place>;
  readonly #program: string | undefined;
  #answers: Promise<ReadonlyMap<string, readonly Kept[]>> | undefined;

  /** Costs nothing until it is asked. */
  constructor({ journal, run, lastSeq = Infinity, taken = new Set(), program }: AnswerIndexOptions) {
    this.run = run;
    this.#journal = journal;
    this.#lastSeq = lastSeq;
    this.#taken = taken;
    this.#program = program;
  }

  /**
   * An answer to this, one at the same path before others; it is taken with this. The first time O(calls of the run) time and
   * O(answers) memory, then O(equal answers).
   */
  async take(content: Content, path: string, isFree: (place: Place) => boolean): Promise<Kept | undefined> {
    const answers = (await (this.#answers ??= this.#read())).get(keyOf(content)) ?? [];
    const free = answers.filter(({ place }) => !this.#taken.has(place) && isFree(place));
    const found = free.find((one) => one.path === path) ?? free[0];
    if (found !== undefined) this.#taken.add(found.place);
    return found;
  }

  async #read(): Promise<ReadonlyMap<string, readonly Kept[]>> {
    const draft: Draft = {
      started: new Map(),
      standing: new Map(),
      unmoved: new Map(),
      paths: new Map(),
      refused: [],
      same: false,
      ended: -1,
    };
    const kinds = [
      'run.started',
      'run.resumed',
      'run.succeeded',
      'call.started',
      'call.succeeded',
      'call.failed',
      'call.retracted',
      'attempt.rejected',
    ] as const;
    for await (const { seq, event } of this.#journal.read(this.run, { kinds })) {
      // What this entry forgets is forgotten here too; what it buys is not for others.
      if (seq <= this.#lastSeq || event.kind === 'call.retracted') absorb(draft, seq, event, this.#program);
    }
    for (const { from } of draft.standing.values()) if (from !== undefined && from.run === undefined) this.#taken.add(from.place);
    const byContent = new Map<string, Kept[]>();
    for (const [place, { fingerprint }] of draft.standing) {
      const leaf = draft.started.get(place);
      if (leaf === undefined || (draft.unmoved.get(place) ?? -1) > draft.ended || isBelow(leaf.path, draft.refused)) continue;
      const { agent, inputHash, path, seq } = leaf;
      const key = keyOf({ agent, fingerprint, inputHash, nth: nthOf(path, agent) });
      const known = byContent.get(key);
      if (known === undefined) byContent.set(key, [{ place, path, seq }]);
      else known.push({ place, path, seq });
    }
    return byContent;
  }
}

/** The calls of another run whose answers this run's journal says it used already. O(calls of this run). */
export async function takenFrom(journal: Journal, run: RunId, source: RunId): Promise<Set<Place>> {
  const taken = new Set<Place>();
  for await (const { event } of journal.read(run, { kinds: ['call.succeeded'] }))
    if (event.kind === 'call.succeeded' && event.from?.run === source) taken.add(event.from.place);
  return taken;
}

function absorb(draft: Draft, seq: number, event: Event, program: string | undefined): void {
  const { started, standing, unmoved, paths, refused } = draft;
  switch (event.kind) {
    case 'run.started':
    case 'run.resumed':
      draft.same = program !== undefined && (event.fingerprint ?? program) === program;
      break;
    case 'run.succeeded':
      if (event.missing.length === 0) draft.ended = seq;
      break;
    case 'call.started': {
      const { place, path, agent, of, input } = event;
      paths.set(place, path);
      if (isLeaf(of) && !started.has(place)) started.set(place, { place, path, seq, agent, inputHash: hash(canonical(input)) });
      break;
    }
    case 'call.succeeded':
      if (event.output !== undefined && (event.gaps ?? []).length === 0) standing.set(event.place, event);
      if (draft.same) unmoved.set(event.place, seq);
      else unmoved.delete(event.place);
      break;
    case 'call.failed':
      standing.delete(event.place);
      break;
    case 'call.retracted':
      standing.delete(event.place);
      if (event.why !== 'differs' && event.why !== 'program') draft.ended = -1;
      break;
    case 'attempt.rejected': {
      const path = paths.get(event.place);
      if (path !== undefined) refused.push(attemptPath(path, event.attempt));
      break;
    }
    default:
      break; // not asked for
  }
}

/** Whether a path leads through one of these attempts. */
function isBelow(path: string, attempts: readonly string[]): boolean {
  return attempts.some(
    (attempt) => path.length > attempt.length && path.startsWith(attempt) && '/[:'.includes(path.charAt(attempt.length)),
  );
}

function keyOf({ agent, fingerprint = '', inputHash, nth }: Content): string {
  return `${fingerprint}\n${inputHash}\n${nth}\n${agent}`;
}
