// The run whose answers another run uses: what of it must be known beforehand, and what may not be. Called by enter.ts.

import { canonical } from '../agent/canonical.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { ReuseRule } from '../agent/reuse.ts';
import type { EventOf, Json, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';

type Started = EventOf<'run.started'>;

/** A run to be run again, and how it began. */
export interface Source extends Pick<Started, 'agent' | 'input' | 'program' | 'scope' | 'subject'> {
  readonly run: RunId;
}

/**
 * How a run began that is to be run again in a scope; undefined stands for its own. O(1).
 * @throws AmdahlError RUN_UNKNOWN; RUN_CONFLICT for one of another scope.
 */
export async function sourceOf(journal: Journal, run: string, scope: string | undefined): Promise<Source> {
  const id = run as RunId; // looked up: an id that is none is no run's
  for await (const { event } of journal.read(id, { kinds: ['run.started'] })) {
    if (event.kind !== 'run.started') break;
    if (scope !== undefined && scope !== event.scope)
      throw new AmdahlError(
        'RUN_CONFLICT',
        `The run '${run}' is ${event.scope === undefined ? 'without a scope' : `of the scope '${event.scope}'`}: its answers are not used in '${scope}'. Leave scope out, or run it anew without rerun.`,
        { data: { run } },
      );
    return { run: id, ...event };
  }
  throw new AmdahlError('RUN_UNKNOWN', `There is no run '${run}' whose answers could be used: amdahl runs lists those there are.`, {
    data: { run },
  });
}

/** Whether answers of agents with context may be used: where nothing says of whom a context was made, it may be another's. Pure. */
export function isOfSubject({ subject: then }: Pick<Source, 'subject'>, now: Json | undefined): boolean {
  return then !== undefined && now !== undefined && canonical(then) === canonical(now);
}

/** @throws AmdahlError MISCONFIGURED where reuse is asked for and nothing says whose answers may be used. Pure. O(parts). */
export function refuseWithoutScope(root: AnyAgent, rule: ReuseRule | undefined): void {
  const who = rule === undefined ? agentsSaying(root, new Set())[0] : 'the run';
  if (who === undefined) return;
  throw new AmdahlError(
    'MISCONFIGURED',
    `reuse: 'journal' of ${who} uses answers of other runs in the same scope, and this run has none. Say whose answers it may use (scope: 'tenant-7'), or turn it off for this run (reuse: 'off').`,
  );
}

function agentsSaying(agent: AnyAgent, seen: Set<AnyAgent>): readonly string[] {
  if (seen.has(agent)) return [];
  seen.add(agent);
  const own = agent.reuse?.from === 'journal' ? [`'${agent.name}'`] : [];
  return [...own, ...agent.children.flatMap((child) => agentsSaying(child, seen))];
}
