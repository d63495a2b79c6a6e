// What happened in a run, as the tree of its calls: a projection of its events. Called by `show`, and by
// whoever wants to look at a run without running it.
//
// T1 Every call that started is in the tree exactly once, below the call that asked for it.
// T2 A node's `total` is its own spending plus that of all below it; the root's is the bill's.
// T3 What events do not say is not made up: a call without an end is `running` while somebody works on the
//    run and `interrupted` otherwise.

import type { CallNode, Cost, RunTree } from './callNode.ts';
import type { AskRecord } from './askLedger.ts';
import type { EffectRecord } from './effects.ts';
import type { Entry, Place } from './event.ts';
import { plant, presentEntry } from './grove.ts';
import type { Call, Grove } from './grove.ts';
import { grow } from './growth.ts';

export type { AttemptNode, CallNode, CallStatus, Cost, RunTree, TurnNode, WaitNode } from './callNode.ts';

export interface TreeOptions {
  /** Nobody works on the run any more, although no event says that it ended. */
  readonly abandoned?: boolean;
}

/** The tree of a journal. O(entries) time; memory is O(calls + turns + tool arguments). */
export async function treeOf(entries: AsyncIterable<Entry> | Iterable<Entry>, options: TreeOptions = {}): Promise<RunTree> {
  const grove = plant();
  for await (const { event } of entries) grow(grove, event);
  return harvest(grove, options);
}

function harvest(grove: Grove, options: TreeOptions): RunTree {
  const { run, entries, incidents, asks, effects } = grove;
  const over = options.abandoned === true || (run.status !== 'running' && run.status !== 'parked');
  const world: World = {
    effects: Map.groupBy(effects.all(), ({ calls: [served] }) => served),
    asks: Map.groupBy(asks.all(), ({ calls: [stopped] }) => stopped),
  };
  const root = grove.root === undefined ? undefined : nodeOf(grove, grove.root, world, over);
  return {
    ...run,
    incidents: [...incidents.values()],
    entries,
    asks: world.asks.get(undefined) ?? [],
    ...(root === undefined ? {} : { root }),
  };
}

/** Effects and asks by the call that they belong to; those of the run itself by none. */
interface World {
  readonly effects: ReadonlyMap<Place | undefined, readonly EffectRecord[]>;
  readonly asks: ReadonlyMap<Place | undefined, readonly AskRecord[]>;
}

/** Recursion is as deep as calls nest, which a run limits. */
function nodeOf(grove: Grove, call: Call, world: World, over: boolean): CallNode {
  const children = call.children.map((child) => nodeOf(grove, child, world, over));
  const { parent: _parent, entry, lastAt, causes, confirmed, ...rest } = call;
  const asks = world.asks.get(call.place) ?? [];
  // What waits for a person since an earlier entry waits on, without an event of its own.
  const stale = over || (entry < presentEntry(grove) && !asks.some(({ state }) => state === 'open'));
  const end = call.endedAt ?? children.reduce((latest, child) => Math.max(latest, child.startedAt + child.ms), lastAt);
  return {
    ...rest,
    status: call.status === 'running' && stale ? 'interrupted' : call.status,
    ms: end - call.startedAt,
    causes: causes.map((place) => grove.calls.get(place)?.path ?? place),
    total: children.reduce((sum, child) => plus(sum, child.total), call.own),
    children,
    effects: world.effects.get(call.place) ?? [],
    asks,
    ...(confirmed === undefined ? {} : { confirmed: { effects: confirmed, done: confirmed.filter((key) => isDone(grove, key)).length } }),
  };
}

function isDone({ effects }: Grove, key: string): boolean {
  return effects.get(key)?.state === 'committed';
}

function plus(a: Cost, b: Cost): Cost {
  return {
    calls: a.calls + b.calls,
    tokensIn: a.tokensIn + b.tokensIn,
    tokensOut: a.tokensOut + b.tokensOut,
    usdMicros: a.usdMicros + b.usdMicros,
    unpriced: a.unpriced + b.unpriced,
  };
}
