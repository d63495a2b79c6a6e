// A stage for programs under test: one run after the other over one journal in memory, in virtual time, with dice that
// always fall the same. Tests ask it what was recorded. Nothing waits for a real clock.

import {
  type Agent,
  AmdahlError,
  type EventKind,
  type EventOf,
  memoryJournal,
  run,
  type RunOptions,
  type RunResult,
  treeOf,
} from '../../src/index.ts';
import type { Appended } from '../../src/run/appended.ts';
import type { RunId } from '../../src/journal/event.ts';
import type { MemoryJournal } from '../../src/journal/memory.ts';
import type { CallNode, RunTree } from '../../src/journal/tree.ts';
import type { ScriptedModel } from '../../src/testing.ts';
import { VirtualClock } from './virtualClock.ts';

export class Trial {
  readonly journal: MemoryJournal = memoryJournal();
  readonly clock: VirtualClock = new VirtualClock(1_000_000);
  readonly #options: RunOptions;
  #seed = 1;

  /** `options` are those of every run; all runs have the id 'r' unless they say another. */
  constructor(options: RunOptions = {}) {
    this.#options = options;
  }

  /** Runs, or goes on where the last run stopped. */
  async run<I, O>(agent: Agent<I, O>, input: NoInfer<I>, options: RunOptions = {}): Promise<RunResult<O, Appended<I>>> {
    return await this.clock.drive(
      run(agent, input, { id: 'r', journal: this.journal, clock: this.clock, random: () => this.#random(), ...this.#options, ...options }),
    );
  }

  /** Runs what must fail with an AmdahlError, and gives it. */
  async fails<I, O>(agent: Agent<I, O>, input: NoInfer<I>, options: RunOptions = {}): Promise<AmdahlError> {
    return await failure(this.run<I, O>(agent, input, options));
  }

  /** What was recorded, in order; of these kinds where some are named. */
  async events<K extends EventKind = EventKind>(...kinds: readonly K[]): Promise<readonly EventOf<K>[]> {
    const found: EventOf<K>[] = [];
    for await (const { event } of this.journal.read('r' as RunId, kinds.length === 0 ? {} : { kinds })) found.push(event as EventOf<K>);
    return found;
  }

  async tree(): Promise<RunTree & { readonly root: CallNode }> {
    const tree = await treeOf(this.journal.read('r' as RunId));
    if (tree.root === undefined) throw new Error('the run asked nothing');
    return { ...tree, root: tree.root };
  }

  #random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }
}

/** The AmdahlError that `work` must reject with. */
export async function failure(work: Promise<unknown>): Promise<AmdahlError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AmdahlError) return error;
    throw new Error(`it failed with what is no AmdahlError: ${String(error)}`, { cause: error });
  }
  throw new Error('it succeeded, which it must not');
}

/** The AmdahlError that `define` must throw. */
export function refusal(define: () => unknown): AmdahlError {
  try {
    define();
  } catch (error) {
    if (error instanceof AmdahlError) return error;
    throw new Error(`it threw what is no AmdahlError: ${String(error)}`, { cause: error });
  }
  throw new Error('it was accepted, which it must not be');
}

/** What a scripted model was told by its tools before its `nth` request (from 0), in order. */
export function toolAnswers(model: ScriptedModel, nth: number): readonly unknown[] {
  const last = model.requests[nth]?.prompt.at(-1);
  if (last?.role !== 'tool') throw new Error(`request ${nth} does not follow tool calls`);
  return last.content.map((part) => (part.type === 'tool-result' && 'value' in part.output ? part.output.value : part));
}
