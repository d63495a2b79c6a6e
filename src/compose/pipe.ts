// pipe: one agent after the other, each given what the one before it gave.

import type { ContextOf } from '../agent/context.ts';
import { type Agent, type AnyAgent, assertAgent, define, type InputOf, type OutputOf } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import { open } from '../agent/open.ts';
import type { Misfit } from './misfit.ts';

/** `B` where it takes what `A` gives; else what does not fit, for the compiler to show. */
export type Next<A extends AnyAgent, B extends AnyAgent> = [OutputOf<A>] extends [InputOf<B>]
  ? B
  : Misfit<`The output of '${A['name']}' does not fit the input of '${B['name']}'.`, OutputOf<A>, InputOf<B>>;

/** Asks `a`, then `b` with its output, and so on, for up to five (pipes may be piped). Fails with the first that fails. */
export function pipe<A extends AnyAgent, B extends AnyAgent>(
  a: A,
  b: Next<A, B>,
): Agent<InputOf<A>, OutputOf<B>, `pipe(${A['name']}, ${B['name']})`, ContextOf<A> & ContextOf<B>>;
export function pipe<A extends AnyAgent, B extends AnyAgent, C extends AnyAgent>(
  a: A,
  b: Next<A, B>,
  c: Next<B, C>,
): Agent<InputOf<A>, OutputOf<C>, `pipe(${A['name']}, ${B['name']}, ${C['name']})`, ContextOf<A> & ContextOf<B> & ContextOf<C>>;
export function pipe<A extends AnyAgent, B extends AnyAgent, C extends AnyAgent, D extends AnyAgent>(
  a: A,
  b: Next<A, B>,
  c: Next<B, C>,
  d: Next<C, D>,
): Agent<
  InputOf<A>,
  OutputOf<D>,
  `pipe(${A['name']}, ${B['name']}, ${C['name']}, ${D['name']})`,
  ContextOf<A> & ContextOf<B> & ContextOf<C> & ContextOf<D>
>;
export function pipe<A extends AnyAgent, B extends AnyAgent, C extends AnyAgent, D extends AnyAgent, E extends AnyAgent>(
  a: A,
  b: Next<A, B>,
  c: Next<B, C>,
  d: Next<C, D>,
  e: Next<D, E>,
): Agent<
  InputOf<A>,
  OutputOf<E>,
  `pipe(${A['name']}, ${B['name']}, ${C['name']}, ${D['name']}, ${E['name']})`,
  ContextOf<A> & ContextOf<B> & ContextOf<C> & ContextOf<D> & ContextOf<E>
>;
export function pipe(...stages: readonly AnyAgent[]): AnyAgent {
  for (const stage of stages) assertAgent(stage, 'pipe()');
  const [first, last] = [stages[0], stages.at(-1)];
  if (first === undefined || last === undefined || stages.length < 2) {
    throw new AmdahlError('MISCONFIGURED', 'pipe() takes two agents or more.');
  }
  return define({
    name: `pipe(${stages.map((stage) => stage.name).join(', ')})`,
    kind: 'pipe',
    children: stages,
    contracts: { input: first.input, output: open },
    behaviour: {
      kind: 'composite',
      body: async (input, scope) => {
        let value = input;
        for (const stage of stages) value = await scope.ask(stage, value as never); // the types of pipe() say that it fits
        return value;
      },
    },
  });
}
