// Generated programs: random trees of agents and combinators from a seed, over the model of voice.ts. Equal seeds
// give equal programs, fingerprints included. Whatever a program gives depends on every answer below it.
//
// P1 strands ask one thing at a time. P2 what a race gives does not depend on when: one branch is slow.
// P3 drawn values enter questions, never the output: a value lost in a crash may be drawn otherwise.
// P5 with a desk, steps book there at once and can give back; what they book is told by their input alone.
// P4 neighbouring branches ask the same: only their askers tell them apart.

import { z } from 'zod';
import { type Agent, agent, all, flow, type FlowContext, map, mapReduce, pipe, step, tool, type ToolSet } from '../../src/index.ts';
import { digest } from './voice.ts';

type Any = Agent<unknown, unknown>;
type Draw = (below: number) => number;

const Said = z.object({ said: z.string() });

/** A generator of numbers below n (mulberry32). */
export function seeded(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Where acting programs book what they do, by key. */
export interface Desk {
  book(what: string, key: string): void;
  giveBack(key: string): void;
}

interface Growing {
  /** Set where its steps act on the world. */
  readonly desk: Desk | undefined;
  readonly draw: Draw;
  /** The number of the leaf whose prompt is another than in the first version of the program. */
  readonly edited: number | undefined;
  made: number;
  leaves: number;
}

/** A program from a seed: a flow of three to five statements over agents up to three levels deep. `edited` is the number of a leaf. */
export function programOf(seed: number, edited?: number, desk?: Desk): Any {
  const growing: Growing = { draw: seeded(seed), desk, edited, made: 0, leaves: 0 };
  const program = flowOf(growing, 2, `program${seed}`, 3 + growing.draw(3));
  if (seed % 4 !== 0) return program;
  // One in four fails in the end, with what it bought on record.
  const failing = failingOf(growing);
  return flow({
    name: `failing${seed}`,
    input: z.unknown(),
    run: async (input: unknown, ctx) => await ctx.call(map(failing, { concurrency: 2 }), [await ctx.call(program, input), input]),
  });
}

function nameOf(growing: Growing, kind: string): string {
  growing.made += 1;
  return `${kind}${growing.made}`;
}

function agentOf(growing: Growing, depth: number): Any {
  const { draw } = growing;
  const kind = draw(depth <= 0 ? 3 : 9);
  if (kind <= 1) return leafOf(growing, depth);
  if (kind === 2) return stepOf(growing);
  if (kind === 3) return pipe(agentOf(growing, depth - 1), agentOf(growing, depth - 1));
  if (kind === 4) return all({ left: agentOf(growing, depth - 1), right: leafOf(growing, depth - 1) }, { name: nameOf(growing, 'all') });
  if (kind === 5) return fanOf(growing, depth - 1);
  if (kind === 6) return reduceOf(growing, depth - 1);
  return flowOf(growing, depth - 1, nameOf(growing, 'flow'), 1 + draw(3));
}

/** A model with up to two turns of tools: one that works, one that sometimes throws, and agents. */
function leafOf(growing: Growing, depth: number): Any {
  const { draw } = growing;
  const tools = draw(2) === 0 ? {} : toolsOf(growing, depth);
  const turns = Object.keys(tools).length === 0 ? 0 : 1 + draw(2);
  const garbage = draw(4) === 0 ? ' garbage' : draw(4) === 0 ? ' shaky' : '';
  const budget = draw(3) === 0 ? { budget: { calls: 200, tokens: 2_000_000 } } : {};
  growing.leaves += 1;
  const edit = growing.leaves === growing.edited ? ' edited' : '';
  return agent({
    name: nameOf(growing, 'leaf'),
    input: z.unknown(),
    output: Said,
    instructions: `tools ${turns}${garbage}${edit}`,
    tools,
    ...budget,
  });
}

function toolsOf(growing: Growing, depth: number): ToolSet {
  const tools = { echo: echoOf(false), throws: echoOf(true) };
  return depth <= 0 ? tools : { ...tools, ask: helperOf(growing, depth - 1) };
}

function echoOf(throws: boolean): ToolSet[string] {
  return tool({
    description: throws ? 'Echo, or fail.' : 'Echo.',
    effect: 'none',
    input: z.object({ q: z.string() }),
    execute: async ({ q }) => {
      if (throws && q.endsWith('0')) throw new Error(`no ${q}`);
      return { echo: digest(q) };
    },
  });
}

/** An agent that is a tool, with a tool of its own; one in three always fails, which its caller is told. */
function helperOf(growing: Growing, depth: number): Agent<{ q: string }, unknown> {
  const manner = growing.draw(3) === 0 ? 'hopeless' : '';
  return agent({
    name: nameOf(growing, 'helper'),
    description: 'Ask a helper.',
    input: z.object({ q: z.string() }),
    output: Said,
    instructions: `tools 1 ${manner}`,
    repairs: 1,
    tools: depth > 0 ? { echo: echoOf(false), ask: helperOf(growing, 0) } : { echo: echoOf(true) },
  });
}

function stepOf(growing: Growing): Any {
  const { desk } = growing;
  if (desk !== undefined) return actOf(growing, desk);
  return step({
    name: nameOf(growing, 'step'),
    input: z.unknown(),
    output: Said,
    version: '1',
    execute: (input) => ({ said: digest(['step', input]) }),
  });
}

/** A step that acts, or a flow that acts and may still be refused as a whole. */
function actOf(growing: Growing, desk: Desk): Any {
  const act = step({
    name: nameOf(growing, 'act'),
    input: z.unknown(),
    output: Said,
    version: '1',
    effect: 'immediate',
    idempotent: true,
    undo: (_, { key }) => desk.giveBack(key),
    execute: (input, { key }) => {
      const said = digest(['act', input]);
      desk.book(said, key);
      return { said };
    },
  });
  if (growing.draw(3) > 0) return act;
  return flow({
    name: nameOf(growing, 'held'),
    input: z.unknown(),
    checks: [() => undefined],
    run: async (input: unknown, ctx) => await ctx.call(act, input),
  });
}

/** A map of which some items may fail, told by their content: few enough that it never stops early. */
function fanOf(growing: Growing, depth: number): Any {
  const { draw } = growing;
  const item = agentOf(growing, depth - 1);
  const picky = flow({
    name: nameOf(growing, 'picky'),
    input: z.unknown(),
    run: async (input: unknown, ctx) => {
      if (digest(input) < '4') throw new Error('not this one');
      return await ctx.call(item, input);
    },
  });
  const fan = map(picky, { atLeast: 0, concurrency: 1 + draw(3) });
  const width = 2 + draw(3);
  return flow({
    name: nameOf(growing, 'fan'),
    input: z.unknown(),
    run: async (input: unknown, ctx) => {
      const { done, missing } = await ctx.call(
        fan,
        Array.from({ length: width }, (_, index) => [index >> 1, input]),
      );
      return { done: digest(done), missing: missing.map(({ index }) => index) };
    },
  });
}

function reduceOf(growing: Growing, depth: number): Any {
  const { draw } = growing;
  const reduce = mapReduce({ map: agentOf(growing, depth - 1), reduce: leafOf(growing, 0), concurrency: 1 + draw(3), fanIn: 2 });
  const width = 3 + draw(2);
  return flow({
    name: nameOf(growing, 'reduce'),
    input: z.unknown(),
    run: async (input: unknown, ctx) =>
      await ctx.call(
        reduce,
        Array.from({ length: width }, (_, index) => [index >> 1, input]),
      ),
  });
}

type Statement = (input: unknown, ctx: FlowContext) => Promise<unknown>;

function flowOf(growing: Growing, depth: number, name: string, length: number): Any {
  const statements = Array.from({ length }, () => statementOf(growing, depth));
  return flow({
    name,
    input: z.unknown(),
    run: async (input: unknown, ctx) => {
      let value = input;
      for (const [index, statement] of statements.entries()) value = digest([index, await statement(value, ctx)]);
      return value;
    },
  });
}

function statementOf(growing: Growing, depth: number): Statement {
  const { draw } = growing;
  const kind = draw(8);
  if (kind === 0) return raceOf(growing, depth);
  if (kind === 1) return drawnOf(growing);
  if (kind === 2) return caughtOf(growing);
  if (kind === 3) return givenUpOf(growing);
  if (kind === 4) {
    const branches = Array.from({ length: 2 + draw(2) }, () => statementOf(growing, depth - 1));
    return async (input, ctx) =>
      await ctx.all(branches.map((branch, index) => async (below: FlowContext) => await branch([index >> 1, input], below)));
  }
  const one = agentOf(growing, depth);
  return async (input, ctx) => await ctx.call(one, input);
}

function raceOf(growing: Growing, depth: number): Statement {
  const [fast, slow] = [agentOf(growing, depth - 1), loserOf(growing)];
  return async (input, ctx) =>
    await ctx.race([async (below) => await below.call(slow, input), async (below) => await below.call(fast, input)]);
}

function leafSlow(growing: Growing): Any {
  return agent({ name: nameOf(growing, 'slow'), input: z.unknown(), output: Said, instructions: 'slow' });
}

/** What loses a race, which may have acted by then. */
function loserOf(growing: Growing): Any {
  const slow = leafSlow(growing);
  const { desk } = growing;
  if (desk === undefined) return slow;
  const act = actOf(growing, desk);
  return flow({
    name: nameOf(growing, 'loser'),
    input: z.unknown(),
    run: async (input: unknown, ctx) => [await ctx.call(act, input), await ctx.call(slow, input)],
  });
}

function drawnOf(growing: Growing): Statement {
  const leaf = leafOf(growing, 0);
  return async (input, ctx) => {
    const drawn = [await ctx.random(), await ctx.now(), await ctx.random()];
    await ctx.call(leaf, { drawn, input });
    return input;
  };
}

/** A child that fails for good, in one of the ways there are. */
function failingOf(growing: Growing): Any {
  const { draw } = growing;
  if (draw(2) === 0)
    return agent({
      name: nameOf(growing, 'failing'),
      input: z.unknown(),
      output: Said,
      instructions: draw(2) === 0 ? 'hopeless' : 'down',
      repairs: 1,
      attempts: 1 + draw(2),
    });
  return step({
    name: nameOf(growing, 'failing'),
    input: z.unknown(),
    attempts: 1 + draw(2),
    version: '1',
    execute: () => Promise.reject(new Error('always')),
  });
}

/** A flow that acts, asks, and is refused as a whole where that fails. */
function heldOf(growing: Growing, asks: Any, desk: Desk): Any {
  const act = actOf(growing, desk);
  return flow({
    name: nameOf(growing, 'trip'),
    input: z.unknown(),
    checks: [() => undefined],
    run: async (input: unknown, ctx) => {
      const both = await ctx.all([async (left) => await left.call(act, input), async (right) => await right.call(act, [input])]);
      return [both, await ctx.call(asks, input)];
    },
  });
}

/** A flow that goes on without a child that fails. */
function caughtOf(growing: Growing): Statement {
  const failing = failingOf(growing);
  const wrapped = growing.draw(2) === 0 ? failing : pipe(stepOf(growing), failing);
  const tried = growing.desk === undefined ? wrapped : heldOf(growing, wrapped, growing.desk);
  return async (input, ctx) => {
    try {
      return await ctx.call(tried, input);
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : 'unknown';
    }
  };
}

function givenUpOf(growing: Growing): Statement {
  const slow = leafSlow(growing);
  return async (input, ctx) => {
    try {
      return await ctx.call(slow, input, { timeoutMs: 500 });
    } catch (error) {
      return error instanceof Error && 'code' in error ? error.code : 'unknown';
    }
  };
}
