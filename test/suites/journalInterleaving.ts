// Random interleavings of what processes do to a journal, judged against a model that knows for every
// claim only what it made and how much of that was promised. Run by the suite in journal.ts.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AmdahlError } from '../../src/agent/errors.ts';
import type { Event, RunId } from '../../src/journal/event.ts';
import type { Claim, Journal } from '../../src/journal/journal.ts';
import { entriesOf, noted, placeOf, runOf } from '../journal/entries.ts';

/** One store that several processes use. */
export interface JournalWorld {
  /** The handle of one more process on the store. */
  readonly open: () => Promise<Journal>;
  /** The process of this handle is gone. */
  readonly kill: (journal: Journal) => Promise<void>;
  readonly teardown: () => Promise<void>;
}

/** `which` counts among the claims there are: unreleased ones of the living, or with 'slow' what the dead left behind. */
export type Action =
  | { readonly do: 'claim'; readonly process: number; readonly run: number }
  | { readonly do: 'kill'; readonly process: number }
  | { readonly do: 'note' | 'release' | 'slow'; readonly which: number }
  | { readonly do: 'append'; readonly which: number; readonly count: number; readonly wait: boolean };

const PROCESSES = 3;
const RUNS = ['run-a', 'run-b'].map((each) => runOf(each));
const process = fc.nat({ max: PROCESSES - 1 });
const run = fc.nat({ max: RUNS.length - 1 });
const which = fc.nat({ max: 5 });

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), process, run }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), process }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('note' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('slow' as const), which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), which, count: fc.nat({ max: 3 }), wait: fc.boolean() }) },
);

/** One claim as the model knows it. */
interface Held {
  readonly claim: Claim;
  readonly process: Journal;
  readonly made: string[];
  promised: number;
  released: boolean;
}

/** Does what the actions say, then asks a process that has seen nothing what the journal holds. */
export async function judgeInterleaving(world: JournalWorld, actions: readonly Action[]): Promise<void> {
  const model = new Model(world);
  await model.start();
  for (const each of actions) await model.act(each);
  await model.settle();
  const reader = await world.open();
  for (const id of RUNS) await judgeRun(reader, id, model.claimsOf(id));
}

class Model {
  readonly #world: JournalWorld;
  readonly #handles: Journal[] = [];
  readonly #dead = new Set<Journal>();
  readonly #claims = new Map<RunId, Held[]>();
  /** Runs that somebody is taking: whoever loses one may hear of it before its successor hears that it has it. */
  readonly #changing = new Set<RunId>();
  readonly #waiting: Promise<void>[] = [];

  constructor(world: JournalWorld) {
    this.#world = world;
  }

  async start(): Promise<void> {
    while (this.#handles.length < PROCESSES) this.#handles.push(await this.#world.open());
  }

  claimsOf(id: RunId): readonly Held[] {
    return this.#claims.get(id) ?? [];
  }

  async settle(): Promise<void> {
    await Promise.all(this.#waiting);
  }

  async act(each: Action): Promise<void> {
    if (each.do === 'kill') return this.#kill(each.process);
    if (each.do === 'claim') return this.#claim(this.#handle(each.process), this.#id(each.run));
    const candidates = [...this.#claims.values()]
      .flat()
      .filter((one) => !one.released && this.#dead.has(one.process) === (each.do === 'slow'));
    const one = candidates[each.which % Math.max(1, candidates.length)];
    if (one === undefined) return;
    switch (each.do) {
      case 'note':
        one.claim.note(this.#make(one, 'note'));
        return;
      case 'release':
        return this.#release(one);
      case 'slow':
        return this.#append(one, 1);
      case 'append': {
        const done = this.#append(one, each.count);
        if (each.wait) await done;
      }
    }
  }

  async #kill(index: number): Promise<void> {
    const handle = this.#handle(index);
    this.#dead.add(handle);
    await this.#world.kill(handle);
    this.#handles[index] = await this.#world.open();
  }

  /** A claim succeeds exactly when nobody who is alive holds the run. */
  async #claim(handle: Journal, id: RunId): Promise<void> {
    const before = this.claimsOf(id).at(-1);
    if (before !== undefined && !before.released && !this.#dead.has(before.process)) {
      await assert.rejects(handle.claim(id), { code: 'RUN_OWNED' });
      return;
    }
    this.#changing.add(id);
    const claim = await handle.claim(id);
    this.#changing.delete(id);
    assert.equal(claim.epoch, (before?.claim.epoch ?? 0) + 1);
    this.#claims.set(id, [...this.claimsOf(id), { claim, process: handle, made: [], promised: 0, released: false }]);
  }

  /** An append is refused exactly when the claim is not the newest of its run. */
  #append(one: Held, count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, index) => this.#make(one, `p${index}`));
    const upTo = one.made.length;
    const newest = one === this.#newest(one);
    const done = one.claim.append(events).then(
      () => {
        assert.ok(newest, 'a claim that had been taken over could append');
        one.promised = Math.max(one.promised, upTo);
      },
      (error: unknown) => {
        assert.ok(error instanceof AmdahlError && error.code === 'RUN_LOST', String(error));
        assert.ok(one !== this.#newest(one) || this.#changing.has(one.claim.run), 'the newest claim of a run was refused');
      },
    );
    this.#waiting.push(done);
    return done;
  }

  async #release(one: Held): Promise<void> {
    one.released = true;
    await one.claim.release();
    if (one === this.#newest(one)) one.promised = one.made.length;
  }

  #make(one: Held, place: string): Event {
    const name = `${one.claim.epoch}:${one.made.length}`;
    one.made.push(name);
    return noted(name, place);
  }

  #newest(one: Held): Held | undefined {
    return this.claimsOf(one.claim.run).at(-1);
  }

  #handle(index: number): Journal {
    return expectDefined(this.#handles[index]);
  }

  #id(index: number): RunId {
    return expectDefined(RUNS[index]);
  }
}

/** The claims of a run stand one after the other; each kept the beginning of what it made, and at least what was promised. */
async function judgeRun(reader: Journal, id: RunId, claims: readonly Held[]): Promise<void> {
  const entries = await entriesOf(reader, id);
  assert.deepEqual(
    entries.map(({ seq }) => seq),
    [...entries.keys()],
  );
  const names = entries.map(({ event }) => (event.kind === 'decision' ? event.question : event.kind));
  let at = 0;
  for (const { made, promised } of claims) {
    let kept = 0;
    while (kept < made.length && names[at + kept] === made[kept]) kept += 1;
    assert.ok(kept >= promised, `a claim was promised ${promised} events and ${kept} are there`);
    at += kept;
  }
  assert.equal(at, names.length, 'there are events that no claim made, or in an order in which none made them');
  for (const place of ['note', 'p0', 'p1', 'p2'].map((each) => placeOf(each))) {
    assert.deepEqual(
      await reader.at(id, place),
      entries.filter(({ event }) => 'place' in event && event.place === place),
    );
  }
}

function expectDefined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the model asked for a process or a run that it does not have');
  return value;
}
