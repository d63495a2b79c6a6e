// The scope of a composite's attempt: how compose/ asks, branches and draws values. Implements agent/scope.ts.

import type { Agent } from '../agent/definition.ts';
import { AmdahlError, asAmdahl, recordError } from '../agent/errors.ts';
import type { AskOptions, FanOptions, Scope, Settled } from '../agent/scope.ts';
import type { Place } from '../journal/event.ts';
import type { Asker, Fanned, Frame } from './asker.ts';
import { codeOf } from './codeAsker.ts';
import { hedgesOf } from './hedges.ts';
import { Life } from './life.ts';
import { limitError } from './limits.ts';
import { foldAsker, type RecordedAsker } from './recorded.ts';

/** Undoes what was done at these calls and below. */
export type Undo = (frame: Frame, calls: Iterable<Place>) => Promise<void>;

export class CallScope implements Scope {
  readonly context: unknown;
  readonly #asker: Asker;
  readonly #undo: Undo | undefined;
  #recorded: Promise<RecordedAsker> | undefined;
  #drawn = 0;
  #races = 0;

  /** Without an `undo` it walks over what is on record (rediscover.ts): nothing is drawn or decided for good. */
  constructor(asker: Asker, context: unknown, undo?: Undo) {
    this.#asker = asker;
    this.#undo = undo;
    this.context = context;
  }

  ask<I, O>(agent: Agent<I, O, string, never>, input: I, options?: AskOptions): Promise<O> {
    return this.#asker.ask(agent, input, options) as Promise<O>; // the funnel keeps the contract that O stands for
  }

  branch(kind: string, index: number): CallScope {
    return new CallScope(this.#branchAsker(kind, index), this.context, this.#undo);
  }

  async fan<T>(
    kind: string,
    count: number,
    options: FanOptions,
    work: (scope: Scope, index: number) => Promise<T>,
  ): Promise<readonly Settled<T>[]> {
    const { session, path, frame } = this.#asker;
    const { fanOut } = session.limits;
    if (count > fanOut)
      throw limitError('fanOut', fanOut, `'${path}' fans out to ${count} branches`, 'Give it fewer items, or raise limits.fanOut.');
    const hedges = options.hedge === undefined ? undefined : hedgesOf(session, options.hedge);
    const atOnce = Math.min(options.concurrency, count);
    const alike = options.alike === true && count > 1 ? { coming: count, atOnce } : undefined;
    const settled: Settled<T>[] = [];
    let next = 0;
    let failed = 0;
    const worker = async (): Promise<void> => {
      // What an earlier entry began before it stopped is begun again: failures are known sooner now.
      while (next < count && (options.stop?.(failed) !== true || session.divergence.isPending(frame?.place))) {
        const index = next;
        next += 1;
        try {
          settled.push({ index, ok: true, value: await this.#inBranch(kind, index, work, { hedges, alike }) });
        } catch (error) {
          this.#asker.life.check();
          session.check();
          failed += 1;
          settled.push({ index, ok: false, error });
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return settled.sort((a, b) => a.index - b.index);
  }

  async race<T>(count: number, work: (scope: Scope, index: number) => Promise<T>): Promise<T> {
    const question = `race ${this.#races}`;
    const kind = `race${this.#races}`;
    this.#races += 1;
    const { session, place, frame } = this.#asker;
    const winner = (await this.#known()).choices.get(question);
    // An edit may have taken the winner's branch away: then it is run anew.
    if (typeof winner === 'number' && winner < count) return await this.#inBranch(kind, winner, work);
    const lives: Life[] = [];
    const askers: Asker[] = [];
    let done: number | undefined;
    const branches = Array.from({ length: count }, (_, index) => this.#inBranch(kind, index, work, { lives, askers }));
    if (this.#undo === undefined) return await firstOf(branches);
    const strands = branches.map(async (branch, index) => {
      const value = await branch;
      session.check();
      this.#asker.life.check();
      // Who loses must have been asked what an earlier entry asked it: what it did then is known to be the loser's.
      if (session.divergence.isPending(frame?.place)) await session.divergence.untilAsked(frame?.place, Promise.allSettled(branches));
      if (done === undefined) {
        done = index;
        for (const [other, life] of lives.entries())
          if (other !== index) life.end(new AmdahlError('CANCELLED', `Another branch of the race in '${this.#asker.path}' was first.`));
        await this.#undoLosers(branches, askers, index);
        session.note({ kind: 'decision', place, question, choice: index, reason: 'first to succeed' });
      }
      return value;
    });
    try {
      return await Promise.any(strands);
    } catch (thrown) {
      session.check();
      this.#asker.life.check();
      throw thrown instanceof AggregateError
        ? new AmdahlError('CODE_FAILED', `Every branch of the race in '${this.#asker.path}' failed.`, { cause: thrown })
        : thrown;
    }
  }

  /** What losers did is undone before the winner is on record: a crash in between runs the race again. */
  async #undoLosers(branches: readonly Promise<unknown>[], askers: readonly Asker[], winner: number): Promise<void> {
    const { frame } = this.#asker;
    const losers = askers.filter((asker, index) => index !== winner && asker.acting !== undefined);
    if (losers.length === 0 || frame === undefined) return;
    await Promise.allSettled(branches.filter((_, index) => index !== winner)); // acts are waited for
    await this.#undo?.(frame, new Set(losers.flatMap(({ acting }) => [...(acting ?? [])])));
  }

  missing(index: number, thrown: unknown): void {
    const { frame, session } = this.#asker;
    if (frame === undefined) return;
    const error = asAmdahl(thrown, frame.path);
    const place = session.failures.get(error) ?? frame.place;
    (frame.gaps ??= []).push({ call: error.where.call ?? frame.path, place, index, error: recordError(error) });
  }

  now(): Promise<number> {
    return this.#draw('now', () => this.#asker.session.clock.now());
  }

  random(): Promise<number> {
    return this.#draw('random', () => this.#asker.session.random());
  }

  async #draw(of: 'now' | 'random', fresh: () => number): Promise<number> {
    this.#asker.checkOver();
    const index = this.#drawn;
    this.#drawn += 1;
    const { session, place, life } = this.#asker;
    const known = (await this.#known()).values.get(index);
    session.check();
    life.check();
    this.#asker.checkOver();
    if (known !== undefined) return known;
    const value = fresh();
    if (this.#undo !== undefined) session.note({ kind: 'value.drawn', place, index, of, value });
    return value;
  }

  /** What earlier entries drew and decided here; looked up once, and never in a first entry. */
  #known(): Promise<RecordedAsker> {
    const { session, place } = this.#asker;
    return (this.#recorded ??= session.busy.during(session.recall(place).then(foldAsker)));
  }

  #branchAsker(kind: string, index: number, life?: Life, fanned?: Fanned): Asker {
    const path = kind === 'map' ? `${this.#asker.path}[${index}]` : `${this.#asker.path}[${kind}.${index}]`;
    return this.#asker.below(kind, index, path, life, fanned);
  }

  /** Runs one strand in an asker of its own; calls it did not wait for end with it. */
  async #inBranch<T>(
    kind: string,
    index: number,
    work: (scope: Scope, index: number) => Promise<T>,
    { lives, askers, ...fanned }: Fanned & { readonly lives?: Life[]; readonly askers?: Asker[] } = {},
  ): Promise<T> {
    const life = new Life(this.#asker.life);
    if (lives !== undefined) lives[index] = life;
    const asker = this.#branchAsker(kind, index, life, fanned);
    if (askers !== undefined) askers[index] = asker;
    const code = codeOf(asker.frame)?.branch(asker.place, life);
    const run = (): Promise<T> => work(new CallScope(asker, this.context, this.#undo), index);
    try {
      const value = await (code === undefined ? run() : code.run(run));
      life.endBelow(
        () =>
          new AmdahlError(
            'CANCELLED',
            `'${asker.path}' ended while this call was still open, so it was cancelled. Was an await forgotten?`,
          ),
      );
      return value;
    } catch (thrown) {
      asker.drop();
      // What still runs below failed with its asker and may go on later: no outcome of its own.
      life.endBelow(() => asAmdahl(thrown, asker.path), life);
      throw thrown;
    } finally {
      await Promise.all([asker.finish(), code?.finish()]);
      life.close();
    }
  }
}

/** Of a race that is walked: all branches to their ends, because what stands in the losers' is looked for too. */
async function firstOf<T>(branches: readonly Promise<T>[]): Promise<T> {
  await Promise.allSettled(branches);
  return await Promise.any(branches);
}
