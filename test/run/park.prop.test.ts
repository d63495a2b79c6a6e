// Parking, held to a model of time: programs of all combinators over work that takes its time and people who take theirs. A run is
// parked exactly while no work goes on, and the time at work is what budgets and time-outs count.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, all, flow, map, pipe, run, type RunOptions, type RunResult, step } from '../../src/index.ts';
import type { Event, Json, RunId } from '../../src/journal/event.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { person } from '../support/person.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const Anything = z.custom<Json>();
type Any = Agent<Json, Json>;

type Program =
  | { readonly kind: 'work' | 'ask'; readonly ms: number }
  | { readonly kind: 'pipe' | 'all' | 'map' | 'flow' | 'branches' | 'race'; readonly parts: readonly Program[] };

const { program } = fc.letrec<{ program: Program }>((tie) => ({
  program: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constantFrom('work', 'ask'), ms: fc.integer({ min: 1, max: 1_000_000 }) }),
    fc.record({
      kind: fc.constantFrom('pipe', 'all', 'map', 'flow', 'branches', 'race'),
      parts: fc.array(tie('program'), { minLength: 1, maxLength: 3 }),
    }),
  ),
}));

type Span = readonly [number, number];

/** When work goes on in a program that begins at `from`, and when it is over, told without the runtime. */
function expected(of: Program, from: number): { readonly work: readonly Span[]; readonly end: number } {
  switch (of.kind) {
    case 'work':
      return { work: [[from, from + of.ms]], end: from + of.ms };
    case 'ask':
      return { work: [], end: from + of.ms };
    case 'pipe':
    case 'flow': {
      const work: Span[] = [];
      let end = from;
      for (const part of of.parts) {
        const next = expected(part, end);
        work.push(...next.work);
        ({ end } = next);
      }
      return { work, end };
    }
    case 'all':
    case 'map':
    case 'branches': {
      const parts = of.parts.map((part) => expected(part, from));
      return { work: parts.flatMap(({ work }) => work), end: Math.max(...parts.map(({ end }) => end)) };
    }
    case 'race': {
      const parts = of.parts.map((part) => expected(part, from));
      const end = Math.min(...parts.map((part) => part.end));
      const cut = parts.flatMap(({ work }) => work.map(([begin, over]): Span => [begin, Math.min(over, end)]));
      return { work: cut.filter(([begin, over]) => begin < over), end };
    }
  }
}

/** What is in none of the spans, between two times. */
function outside(spans: readonly Span[], from: number, to: number): readonly Span[] {
  const gaps: Span[] = [];
  let at = from;
  for (const [begin, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    if (begin > at) gaps.push([at, begin]);
    at = Math.max(at, end);
  }
  return at < to ? [...gaps, [at, to]] : gaps;
}

function total(spans: readonly Span[]): number {
  return spans.reduce((sum, [from, to]) => sum + to - from, 0);
}

class Stage {
  readonly clock: VirtualClock = new VirtualClock(1_000);
  readonly journal = memoryJournal({ clock: this.clock });
  readonly events: Event[] = [];
  readonly #delays = new Map<string, number>();
  #made = 0;

  agentOf(of: Program): Any {
    this.#made += 1;
    const name = `${of.kind}${this.#made}`;
    switch (of.kind) {
      case 'work':
        return step({ name, input: Anything, execute: async () => await this.clock.sleep(of.ms).then(() => name) });
      case 'ask':
        this.#delays.set(`${name}?`, of.ms);
        return person(name, { after: () => name });
      case 'pipe':
        return of.parts.map((part) => this.agentOf(part)).reduce((first, next) => pipe(first, next));
      case 'all':
        return all(Object.fromEntries(of.parts.map((part, index) => [`p${index}`, this.agentOf(part)])));
      case 'map': {
        const parts = of.parts.map((part) => this.agentOf(part));
        const item = flow({
          name: `item${this.#made}`,
          input: z.number(),
          run: async (index, ctx) => await ctx.call(part(parts, index), name),
        });
        return flow({
          name,
          input: Anything,
          run: async (_, ctx) =>
            await ctx.call(
              map(item),
              parts.map((_part, index) => index),
            ),
        });
      }
      case 'flow': {
        const parts = of.parts.map((one) => this.agentOf(one));
        return flow({
          name,
          input: Anything,
          run: async (_, ctx) => {
            for (const one of parts) await ctx.call(one, name);
            return name;
          },
        });
      }
      case 'branches':
      case 'race': {
        const parts = of.parts.map((one) => this.agentOf(one));
        return flow({
          name,
          input: Anything,
          run: async (_, ctx) => {
            const branches = parts.map(
              (one, index) => async (own: Pick<typeof ctx, 'call'>) => await (index === 0 ? own : ctx).call(one, name),
            );
            return of.kind === 'race' ? await ctx.race(branches) : await ctx.all(branches);
          },
        });
      }
    }
  }

  async run(agent: Any, options: RunOptions = {}): Promise<RunResult<Json>> {
    return await this.clock.drive(
      run(agent, 'x', {
        id: 'r',
        journal: this.journal,
        clock: this.clock,
        onEvent: (event) => this.#see(event),
        ...options,
      }),
    );
  }

  /** Whoever is asked answers after the time that the program says. */
  #see(event: Event): void {
    this.events.push(event);
    if (event.kind !== 'ask.opened') return;
    const ms = this.#delays.get(event.question) ?? 0;
    this.clock.after(ms, () => void this.journal.respond(event.ask, { kind: 'answer', value: 'yes' }, this.clock.now()));
  }

  /** When the run was parked: from each run.parked to the event after it. */
  get parked(): readonly Span[] {
    const spans: Span[] = [];
    for (const [index, { kind, at }] of this.events.entries()) {
      const next = this.events[index + 1];
      if (kind !== 'run.parked' || next === undefined || next.at === at) continue;
      const last = spans.at(-1);
      if (last?.[1] === at) spans[spans.length - 1] = [last[0], next.at];
      else spans.push([at, next.at]);
    }
    return spans;
  }
}

function part(parts: readonly Any[], index: number): Any {
  const one = parts[index];
  if (one === undefined) throw new Error('no such part');
  return one;
}

describe('a run', () => {
  test('is parked exactly while nothing in it goes on, and its time at work is all other time', async () => {
    await fc.assert(
      fc.asyncProperty(program, async (of) => {
        const stage = new Stage();
        const { bill } = await stage.run(stage.agentOf(of));
        const { work, end } = expected(of, 1_000);
        expect(stage.clock.now()).toBe(end);
        const idle = outside(work, 1_000, end);
        expect(stage.parked).toEqual(idle);
        expect(bill.activeMs).toBe(end - 1_000 - total(idle));
      }),
      { numRuns: 400 },
    );
  });

  test('has its budget and its time-outs for work alone: enough is enough, and a millisecond less is not', async () => {
    await fc.assert(
      fc.asyncProperty(program, fc.constantFrom('run', 'agent', 'call'), async (of, bounds) => {
        const { work, end } = expected(of, 1_000);
        const worked = end - 1_000 - total(outside(work, 1_000, end));
        const bounded = async (ms: number): Promise<string> => {
          const stage = new Stage();
          const agent = stage.agentOf(of);
          const outer = flow({
            name: 'outer',
            ...(bounds === 'agent' ? { budget: { ms } } : {}),
            input: Anything,
            run: async (_, ctx) => await ctx.call(agent, 'x', bounds === 'call' ? { timeoutMs: ms } : {}),
          });
          const over = stage.run(outer, bounds === 'run' ? { budget: { ms } } : {});
          return await over.then(
            () => 'succeeded',
            (error: { code: string }) => error.code,
          );
        };
        expect(await bounded(worked + 1)).toBe('succeeded');
        if (worked < 2) return;
        expect(await bounded(worked - 1)).toBe(bounds === 'call' ? 'TIMEOUT' : 'BUDGET_EXCEEDED');
      }),
      { numRuns: 150 },
    );
  });

  test('leaves no ask open and none unanswered that it waited for', async () => {
    await fc.assert(
      fc.asyncProperty(program, async (of) => {
        const stage = new Stage();
        await stage.run(stage.agentOf(of));
        expect(await stage.journal.asks()).toEqual([]);
        const states = (await stage.journal.asks({ run: 'r' as RunId, all: true })).map(({ state }) => state);
        expect(states.every((state) => state === 'answered' || state === 'withdrawn')).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
