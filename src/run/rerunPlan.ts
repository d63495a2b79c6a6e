// What running a run again would come to, before it is begun: which of its answers would still answer, which calls would be
// bought anew and why, and what those cost then. Reads the journal once and asks nobody.

import { contextParts } from '../agent/context.ts';
import { type AnyAgent, isLeaf } from '../agent/definition.ts';
import { unrepeatable } from '../agent/reuse.ts';
import type { Event, EventOf, Place, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { changedParts } from './changed.ts';
import { systemClock } from './ports.ts';
import { Roster } from './roster.ts';
import { systemRegistry } from './surroundings.ts';
import type { RunOptions } from './runOptions.ts';
import { secretsOf } from './runSecrets.ts';

/** Calls of one agent that fare alike. `tokens` and `usdMicros` are what those bought anew cost then. */
export interface PlannedAgent {
  readonly agent: string;
  readonly answered: number;
  readonly bought: number;
  readonly tokens: number;
  readonly usdMicros: number;
  /** Why they are bought. */
  readonly why?: string;
}

export interface RerunPlan {
  readonly run: RunId;
  readonly agents: readonly PlannedAgent[];
}

/** A leaf call of the old run. */
interface Leaf {
  readonly agent: string;
  readonly under: Place | undefined;
  outcome: EventOf<'call.succeeded'> | EventOf<'call.failed'> | undefined;
  first: EventOf<'model.requested'> | undefined;
  tokens: number;
  usdMicros: number;
}

/** `models` and `settings` as the new run will be given them, and whether it is of the old one's subject. O(journal), read in pages; memory O(leaf calls). */
export async function rerunPlan(
  journal: Journal,
  run: RunId,
  root: AnyAgent,
  { models = {}, settings = {}, sameSubject }: Pick<RunOptions, 'models' | 'settings'> & { readonly sameSubject: boolean },
): Promise<RerunPlan> {
  const leaves = await leavesOf(journal, run);
  const roster = new Roster({
    clock: systemClock,
    prices: {},
    rateLimits: {},
    models,
    settings,
    registry: systemRegistry,
    secrets: secretsOf(root, { models }),
  });
  const agents = Map.groupBy(agentsIn(root), ({ name }) => name);
  const rows = new Map<string, { -readonly [K in keyof PlannedAgent]: PlannedAgent[K] }>();
  const bought = new Set<Place>();
  for (const [place, leaf] of leaves) {
    // What a call asked that answers is not asked at all.
    if (leaf.under !== undefined && !bought.has(leaf.under)) continue;
    const why = whyBought(leaf, agents.get(leaf.agent) ?? [], roster, sameSubject);
    if (why !== undefined) bought.add(place);
    const key = `${leaf.agent}\n${why ?? ''}`;
    const row = rows.get(key) ?? {
      agent: leaf.agent,
      answered: 0,
      bought: 0,
      tokens: 0,
      usdMicros: 0,
      ...(why === undefined ? {} : { why }),
    };
    rows.set(key, row);
    if (why === undefined) row.answered += 1;
    else {
      row.bought += 1;
      row.tokens += leaf.tokens;
      row.usdMicros += leaf.usdMicros;
    }
  }
  return { run, agents: [...rows.values()].sort((a, b) => a.agent.localeCompare(b.agent, 'en') || b.answered - a.answered) };
}

/** Why a call would be bought anew; undefined where its answer would answer. */
function whyBought({ agent, outcome, first }: Leaf, known: readonly AnyAgent[], roster: Roster, sameSubject: boolean): string | undefined {
  const [one] = known;
  if (one === undefined) return `the program shows no '${agent}' (any more): what a flow does not say it uses cannot be told beforehand`;
  if (outcome === undefined) return 'it was not finished';
  if (outcome.kind === 'call.failed') return `it failed: ${outcome.error.code}`;
  if ((outcome.gaps ?? []).length > 0) return 'its answer has gaps';
  if (one.reuse?.from === 'off') return "it says reuse: 'off'";
  const never = unrepeatable(one);
  if (never !== undefined) return never;
  if (!sameSubject && contextParts(one).length > 0) return 'it has a context, and no subject says that it is the same';
  if (known.some((each) => roster.fingerprintOf(each) === outcome.fingerprint)) return undefined;
  return changedParts(roster, one, first);
}

async function leavesOf(journal: Journal, run: RunId): Promise<ReadonlyMap<Place, Leaf>> {
  const leaves = new Map<Place, Leaf>();
  const attempts = new Map<Place, Leaf>();
  const kinds = [
    'call.started',
    'call.succeeded',
    'call.failed',
    'call.retracted',
    'model.requested',
    'model.responded',
    'model.failed',
  ] as const;
  for await (const { event } of journal.read(run, { kinds })) absorb(leaves, attempts, event);
  return leaves;
}

function absorb(leaves: Map<Place, Leaf>, attempts: Map<Place, Leaf>, event: Event): void {
  switch (event.kind) {
    case 'call.started':
      if (!isLeaf(event.of)) return;
      leaves.set(event.place, { agent: event.agent, under: event.under, outcome: undefined, first: undefined, tokens: 0, usdMicros: 0 });
      return;
    case 'call.succeeded':
    case 'call.failed':
    case 'call.retracted': {
      const leaf = leaves.get(event.place);
      if (leaf === undefined) return;
      leaf.outcome = event.kind === 'call.retracted' ? undefined : event;
      if (event.kind !== 'call.succeeded' || event.from === undefined) return;
      leaf.tokens += event.from.tokens;
      leaf.usdMicros += event.from.usdMicros;
      return;
    }
    case 'model.requested': {
      const leaf = leaves.get(event.call);
      if (leaf === undefined) return;
      leaf.first ??= event;
      attempts.set(event.place, leaf);
      return;
    }
    case 'model.responded':
    case 'model.failed': {
      const leaf = attempts.get(event.place);
      if (leaf === undefined) return;
      leaf.tokens += event.usage.tokensIn + event.usage.tokensOut;
      leaf.usdMicros += event.usdMicros ?? 0;
      return;
    }
    default: // not asked for
  }
}

function agentsIn(root: AnyAgent, seen: Set<AnyAgent> = new Set()): AnyAgent[] {
  if (seen.has(root)) return [];
  seen.add(root);
  return [root, ...root.children.flatMap((child) => agentsIn(child, seen))];
}
