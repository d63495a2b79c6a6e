// The programs of the crash matrix: each cell is a kind of effect, on a service with certain manners, done by a tool or a step,
// below a holder. What a program must have done to the world in the end is written here by hand, from the rules and not from a run.
//
// Every program does two things in order, `a` then `b`. What is refused on the way does `x`, which must leave no trace.

import { z } from 'zod';
import {
  type Agent,
  agent,
  type AnyAgent,
  field,
  flow,
  type FlowContext,
  map,
  pipe,
  step,
  tool,
  type ToolSet,
  transaction,
} from '../../src/index.ts';
import { type Deed, idOf, type Manner, meaning } from './ledger.ts';
import { type Part, play } from './player.ts';
import type { Client } from './service.ts';

export const KINDS = ['staged', 'chained', 'immediate'] as const;
export const MANNERS = ['plain', 'idempotent', 'verifiable'] as const;
export const HOLDERS = [
  'none',
  'pipe',
  'map',
  'repair',
  'own attempts',
  'transaction',
  'contract',
  'attempts',
  'nested',
  'escalate',
  'helper',
  'race',
] as const;

export interface Cell {
  /** Chained: the second refers to the first by its receipt. */
  readonly kind: (typeof KINDS)[number];
  readonly manner: Manner;
  readonly as: 'tool' | 'step';
  readonly holder: (typeof HOLDERS)[number];
}

export interface Program {
  readonly name: string;
  readonly input: unknown;
  readonly make: (client: Client) => AnyAgent;
  /** What stands in the end, by meaning, in order. */
  readonly expected: readonly string[];
  /** Whether there is one order. */
  readonly ordered: boolean;
  /** Where a person is waited for, the other branch of a race may be faster: what it says then, and what stands. */
  readonly or?: { readonly output: unknown; readonly expected: readonly string[] };
  /** What it may not even begin: staged effects of outputs that were refused. */
  readonly never: readonly string[];
}

const Said = z.object({ said: z.string() });
const Plan = z.object({ said: z.string(), texts: z.array(z.string()) });
const Text = z.object({ text: z.string() });
const Title = z.object({ title: z.string() });
const Comment = z.object({ ticket: z.string(), text: z.string() });
const Id = z.object({ id: z.string() });

/** What somebody does: texts in order, and what is said then. */
interface Doing {
  readonly texts: readonly string[];
  /** Where one is refused, the next. */
  readonly says: readonly string[];
}

const RIGHT: Doing = { texts: ['a', 'b'], says: ['final'] };
const WRONG: Doing = { texts: ['a', 'x'], says: ['draft'] };

/** What does `a` and `x` below these is refused. */
const REFUSE: ReadonlySet<string> = new Set(['own attempts', 'attempts', 'nested', 'escalate']);

/** Every cell that the rules let run. */
export const CELLS: readonly Cell[] = KINDS.flatMap((kind) =>
  MANNERS.flatMap((manner) => (['tool', 'step'] as const).flatMap((as) => HOLDERS.map((holder) => ({ kind, manner, as, holder })))),
).filter(({ as, holder }) => as === 'tool' || (holder !== 'repair' && holder !== 'own attempts'));

export function cellName({ kind, manner, as, holder }: Cell): string {
  return `${kind} ${manner} ${as} | ${holder}`;
}

export function programOf(cell: Cell): Program {
  const { kind, holder } = cell;
  const did = (texts: readonly string[]): readonly string[] => meaningsOf(cell, texts);
  const refused = holder === 'race' ? did(['x', 'y']) : REFUSE.has(holder) ? did(['a', 'x']).slice(1) : [];
  return {
    name: cellName(cell),
    input: holder === 'map' ? ['qx', 'qy'] : 'q',
    make: (client) => held(cell, new Hands(cell, client)),
    expected: holder === 'map' ? [...did(['qx-a', 'qx-b']), ...did(['qy-a', 'qy-b'])] : did(['a', 'b']),
    ordered: holder !== 'map',
    ...(holder === 'race' && kind === 'immediate' ? { or: { output: { said: 'late' }, expected: refused } } : {}),
    never: kind === 'immediate' ? [] : refused,
  };
}

/** Makes the tools, steps and agents of one cell. */
class Hands {
  readonly #cell: Cell;
  readonly #client: Client;

  constructor(cell: Cell, client: Client) {
    this.#cell = cell;
    this.#client = client;
  }

  /** An agent that answers what it is told to. */
  speaker(name: string, parts: readonly Part[]): Agent<string, { said: string }> {
    return agent({ name, instructions: play(parts), output: Said });
  }

  /** Somebody who does the cell's effects: a model with tools, or a flow that plans and takes steps. */
  doer(
    name: string,
    doings: readonly Doing[],
    more: { readonly checks?: readonly Check[]; readonly attempts?: number; readonly repairs?: number } = {},
  ): Agent<string, { said: string }> {
    if (this.#cell.as === 'step') return this.#walker(name, doings);
    const parts = doings.map((doing): Part => ({
      turns: this.#turns(doing.texts),
      answers: doing.says.map(answerOf),
    }));
    return agent({ name, instructions: play(parts), output: Said, tools: this.#tools(), repairs: 0, attempts: 1, ...more });
  }

  #turns(texts: readonly string[]): NonNullable<Part['turns']> {
    const [first = '', second = ''] = texts;
    if (this.#cell.kind === 'chained') return [[['ticket', { title: first }]], [['comment', { ticket: '$0.id', text: second }]]];
    const notes = texts.map((text) => ['note', { text }] as const);
    // What is staged in one turn has an order; what acts in one turn acts at once.
    return this.#cell.kind === 'staged' ? [notes] : notes.map((note) => [note]);
  }

  #tools(): ToolSet {
    const { manner } = this.#cell;
    const rules = this.#rules();
    return {
      note: tool({
        ...rules('note'),
        description: 'Note.',
        input: Text,
        execute: (args, { key }) => this.#client.do(manner, 'note', args, key),
      }),
      ticket: tool({
        ...rules('ticket'),
        description: 'Ticket.',
        input: Title,
        execute: (args, { key }) => this.#client.do(manner, 'ticket', args, key),
      }),
      comment: tool({
        ...rules('comment'),
        description: 'Comment.',
        input: Comment,
        execute: (args, { key }) => this.#client.do(manner, 'comment', args, key),
      }),
    };
  }

  /** The flow that takes steps. It throws what a model's contract would refuse. */
  #walker(name: string, doings: readonly Doing[]): Agent<string, { said: string }> {
    const planner = agent({
      name: `${name}-plan`,
      output: Plan,
      instructions: play(doings.map(({ texts, says }) => ({ answers: [{ said: says[0] ?? '', texts: [...texts] }] }))),
    });
    const walk = this.#steps();
    return flow({
      name,
      run: async (input, ctx): Promise<{ said: string }> => {
        const { said, texts } = await ctx.call(planner, input);
        await walk(
          ctx,
          texts.map((text) => text.replace('$input', input)),
        );
        if (said === 'garbage') throw new Error('garbage');
        return { said };
      },
    });
  }

  #steps(): (ctx: FlowContext, texts: readonly string[]) => Promise<void> {
    const { kind, manner } = this.#cell;
    const rules = this.#rules();
    const client = this.#client;
    if (kind === 'immediate') {
      const note = step({
        ...rules('note'),
        name: 'note',
        input: Text,
        output: Id,
        effect: 'immediate',
        execute: (args, { key }) => client.do(manner, 'note', args, key),
      });
      return async (ctx, texts) => {
        for (const text of texts) await ctx.call(note, { text });
      };
    }
    const note = step({
      ...rules('note'),
      name: 'note',
      input: Text,
      output: Id,
      effect: 'staged',
      execute: (args, { key }) => client.do(manner, 'note', args, key),
    });
    const ticket = step({
      ...rules('ticket'),
      name: 'ticket',
      input: Title,
      output: Id,
      effect: 'staged',
      execute: (args, { key }) => client.do(manner, 'ticket', args, key),
    });
    const comment = step({
      ...rules('comment'),
      name: 'comment',
      input: Comment,
      output: Id,
      effect: 'staged',
      execute: (args, { key }) => client.do(manner, 'comment', args, key),
    });
    return async (ctx, texts) => {
      if (kind === 'staged') {
        for (const text of texts) await ctx.call(note, { text });
        return;
      }
      const opened = await ctx.call(ticket, { title: texts[0] ?? '' });
      await ctx.call(comment, { ticket: field(opened, 'id'), text: texts[1] ?? '' });
    };
  }

  /** What the cell says of its effects. Immediate ones below a holder must have an undo, and the others may. */
  #rules(): (name: string) => { readonly effect: 'staged' | 'immediate' } {
    const { kind, manner, holder } = this.#cell;
    const client = this.#client;
    return (name) => ({
      effect: kind === 'immediate' ? 'immediate' : 'staged',
      ...(manner === 'idempotent' ? { idempotent: true } : {}),
      ...(manner === 'verifiable' ? { verify: (key: string) => client.wasDone(manner, name, key) } : {}),
      ...(kind === 'immediate' && !STANDS.has(holder)
        ? { undo: (_: unknown, { key }: { readonly key: string }) => client.undo(manner, name, key) }
        : {}),
    });
  }
}

/** Below these nothing is refused, so that what acts at once needs no undo. */
const STANDS: ReadonlySet<string> = new Set(['none', 'pipe', 'map', 'repair', 'helper']);

type Check = (output: { said: string }) => string | undefined;
const notDraft: Check = ({ said }) => (said === 'draft' ? 'It is a draft. Write the final one.' : undefined);

function answerOf(said: string): { readonly said: string } | string {
  return said === 'garbage' ? 'garbage' : { said };
}

/** The cell's effects below its holder. */
function held({ holder }: Cell, hands: Hands): AnyAgent {
  switch (holder) {
    case 'none':
      return hands.doer('doer', [RIGHT]);
    case 'pipe':
      return piped(hands);
    case 'map':
      return map(hands.doer('doer', [{ texts: ['$input-a', '$input-b'], says: ['final'] }]));
    case 'repair':
      return hands.doer('doer', [{ ...RIGHT, says: ['draft', 'final'] }], { checks: [notDraft], repairs: 1 });
    case 'own attempts':
      return hands.doer('doer', [WRONG, RIGHT], { checks: [notDraft], attempts: 2 });
    case 'transaction':
      return transaction(piped(hands));
    case 'contract':
      return above(hands.doer('doer', [RIGHT]), { output: Said });
    case 'attempts':
      return above(hands.doer('doer', [WRONG, RIGHT]), { attempts: 2, checks: [notDraft] });
    case 'nested':
      return above(transaction(hands.doer('doer', [WRONG, RIGHT])), { attempts: 2, checks: [notDraft] });
    case 'escalate':
      return escalating(hands);
    case 'helper':
      return agent({
        name: 'lead',
        instructions: play([{ turns: [[['helper', { input: 'q' }]]], answers: [{ said: 'led' }] }]),
        output: Said,
        tools: { helper: hands.doer('helper', [RIGHT]) },
      });
    case 'race':
      return racing(hands);
  }
}

function piped(hands: Hands): Agent<string, unknown> {
  const doer = hands.doer('doer', [RIGHT]);
  const front = flow({ name: 'front', run: async (input, ctx) => (await ctx.call(doer, input)).said });
  return pipe(front, hands.speaker('reader', [{ answers: [{ said: 'read' }] }]));
}

interface Above {
  readonly output?: typeof Said;
  readonly attempts?: number;
  readonly checks?: readonly Check[];
}

function above(doer: Agent<string, { said: string }>, { output = Said, ...more }: Above): AnyAgent {
  return flow({ name: 'holder', output, ...more, run: async (input, ctx) => await ctx.call(doer, input) });
}

function escalating(hands: Hands): AnyAgent {
  const cheap = hands.doer('cheap', [{ texts: ['a', 'x'], says: ['garbage'] }]);
  const dear = hands.doer('dear', [RIGHT]);
  return flow({
    name: 'holder',
    output: Said,
    checks: [notDraft],
    run: async (input, ctx): Promise<{ said: string }> => {
      try {
        return await ctx.call(cheap, input);
      } catch {
        return await ctx.call(dear, input);
      }
    },
  });
}

/** The branch that loses has done its part and been confirmed by then: only the race may still refuse it. */
function racing(hands: Hands): AnyAgent {
  const slow = hands.doer('slow', [{ texts: ['x', 'y'], says: ['done'] }]);
  const sleeper = hands.speaker('sleeper', [{ answers: [{ said: 'late' }], slow: true }]);
  const fast = hands.doer('fast', [RIGHT]);
  const reader = hands.speaker('reader', [{ turns: [], answers: [{ said: 'read' }] }]);
  return flow({
    name: 'holder',
    run: async (input: string, ctx) =>
      await ctx.race([
        async (below) => {
          await below.call(slow, input);
          return await below.call(sleeper, input);
        },
        async (below) => {
          await below.call(fast, input);
          return await below.call(reader, input);
        },
      ]),
  });
}

/** What doing these texts in this order means to the service. */
function meaningsOf({ kind }: Cell, texts: readonly string[]): readonly string[] {
  const [first = '', second = ''] = texts;
  const deeds: readonly Pick<Deed, 'tool' | 'args'>[] =
    kind === 'chained'
      ? [
          { tool: 'ticket', args: { title: first } },
          { tool: 'comment', args: { ticket: idOf('ticket', { title: first }), text: second } },
        ]
      : texts.map((text) => ({ tool: 'note', args: { text } }));
  return deeds.map(meaning);
}
