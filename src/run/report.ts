// What a resume did: what answered, what was bought again and why, and what nobody asked for any more. Collected by
// the funnel during a re-entered run; finished by reading the journal once at its end.

import { isLeaf } from '../agent/definition.ts';
import type { ErrorCode } from '../agent/errors.ts';
import type { Place, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { attemptPath } from './asker.ts';
import type { Inherited } from './reentry.ts';

/** Collected while a re-entered run runs. */
export interface Findings {
  readonly asked: Set<Place>;
  answered: number;
  readonly bought: { readonly path: string; readonly why: string }[];
  readonly changed: string[];
  /** Composites that answered, so that nothing below them was asked. */
  readonly whole: string[];
  readonly unversioned: Set<string>;
  readonly kept: { readonly path: string; readonly code: ErrorCode }[];
  fresh: number;
  reused: number;
}

export function noFindings(): Findings {
  return { asked: new Set(), answered: 0, bought: [], changed: [], whole: [], unversioned: new Set(), kept: [], fresh: 0, reused: 0 };
}

/** An answer of an earlier entry that this one did not ask for, and what it had cost. */
export interface Unasked {
  readonly path: string;
  readonly tokens: number;
  readonly usdMicros: number;
  /** It acted on the world, and what this entry did instead may have acted again. */
  readonly acted?: true;
}

export interface ResumeReport {
  /** 1 for the first resume. */
  readonly entry: number;
  /** Leaf calls that answered from the journal. */
  readonly answered: number;
  /** Leaf calls that had an answer or a beginning and were asked anew, with why. */
  readonly bought: readonly { readonly path: string; readonly why: string }[];
  /** Leaf calls asked for the first time. Beside answers that nobody asked for they mean that the program went another way. */
  readonly fresh: number;
  /** Leaf calls at new places that answers bought elsewhere answered: in earlier entries, or by other runs. */
  readonly reused: number;
  /** Recorded failures that answered, because the asker that received them is on record as having gone on. */
  readonly kept: readonly { readonly path: string; readonly code: ErrorCode }[];
  readonly unasked: readonly Unasked[];
  /** The first path, in the order of the journal, where this entry went another way than the ones before. */
  readonly firstDifference?: string;
  /** Steps that answered without a `version`: their code counts as unchanged. */
  readonly unversioned: readonly string[];
  /** Calls that acted on the world and answered although their program has changed. */
  readonly changed: readonly string[];
}

interface Leaf {
  readonly place: Place;
  readonly path: string;
  readonly seq: number;
  tokens: number;
  usdMicros: number;
}

/** The report of an entry that began after `before`. O(journal), read in pages; memory O(answers nobody asked for). */
export async function reportOf(
  journal: Journal,
  run: RunId,
  { entries: entry, lastSeq: before, effects }: Inherited,
  findings: Findings,
): Promise<ResumeReport> {
  const unasked = await answersNotAsked(journal, run, before, findings);
  const firstDifference = unasked[0]?.path;
  return {
    entry,
    answered: findings.answered,
    bought: findings.bought,
    fresh: findings.fresh,
    reused: findings.reused,
    kept: findings.kept,
    unasked: unasked.map(({ path, place, tokens, usdMicros }) => ({
      path,
      tokens,
      usdMicros,
      ...(effects.stand(place) ? { acted: true } : {}),
    })),
    ...(firstDifference === undefined ? {} : { firstDifference }),
    unversioned: [...findings.unversioned].sort(),
    changed: findings.changed,
  };
}

/** Attempts that were refused, and branches that lost a race, are not asked again by design. */
function isAside(path: string, refused: readonly string[]): boolean {
  return (
    /\[race\d+\.\d+\]/.test(path) || refused.some((attempt) => path.startsWith(attempt) && '/[:'.includes(path.charAt(attempt.length)))
  );
}

async function answersNotAsked(journal: Journal, run: RunId, before: number, { asked, whole }: Findings): Promise<readonly Leaf[]> {
  const started = new Map<Place, Leaf>();
  const answered = new Map<Place, Leaf>();
  const attempts = new Map<Place, Leaf>();
  const composites = new Map<Place, string>();
  const refused: string[] = [];
  const moved = new Set<Place>();
  for await (const { seq, event } of journal.read(run, {
    kinds: ['call.started', 'call.succeeded', 'call.retracted', 'attempt.rejected', 'model.requested', 'model.responded'],
  })) {
    if (seq > before) break;
    // What was taken to a new place is of use there.
    if (event.kind === 'call.succeeded' && event.from !== undefined && event.from.run === undefined && asked.has(event.place))
      moved.add(event.from.place);
    switch (event.kind) {
      case 'call.started':
        // What lies below an answered place counts as asked; composites have no answer of their own to waste.
        if (isLeaf(event.of) && !asked.has(event.place) && (event.under === undefined || !asked.has(event.under))) {
          started.set(event.place, { place: event.place, path: event.path, seq, tokens: 0, usdMicros: 0 });
        } else if (!isLeaf(event.of)) {
          composites.set(event.place, event.path);
        }
        break;
      case 'attempt.rejected': {
        const path = composites.get(event.place);
        if (path !== undefined) refused.push(attemptPath(path, event.attempt));
        break;
      }
      case 'call.succeeded': {
        const leaf = started.get(event.place);
        if (leaf !== undefined) answered.set(event.place, leaf);
        break;
      }
      case 'call.retracted':
        answered.delete(event.place);
        break;
      case 'model.requested': {
        const leaf = started.get(event.call);
        if (leaf !== undefined) attempts.set(event.place, leaf);
        break;
      }
      case 'model.responded': {
        const leaf = attempts.get(event.place);
        if (leaf === undefined) break;
        leaf.tokens += event.usage.tokensIn + event.usage.tokensOut;
        leaf.usdMicros += event.usdMicros ?? 0;
        break;
      }
      default:
        break; // not asked for
    }
  }
  const aside = [...refused, ...whole];
  return [...answered.values()].filter((leaf) => !moved.has(leaf.place) && !isAside(leaf.path, aside)).sort((a, b) => a.seq - b.seq);
}
