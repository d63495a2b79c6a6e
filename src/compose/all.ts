// all: several agents asked the same thing at once.

import type { ContextOfAll } from '../agent/context.ts';
import { type Agent, type AnyAgent, assertAgent, define, type InputOf, type OutputOf } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import { open } from '../agent/open.ts';
import { checkOptions } from '../agent/options.ts';

type Both<A extends Readonly<Record<string, AnyAgent>>> = { [K in keyof A]: (input: InputOf<A[K]>) => void }[keyof A] extends (
  input: infer I,
) => void
  ? I
  : never;

/**
 * Asks every agent the same input at once and gives their outputs under the same keys. A failing one does not stop the
 * others: what they finish is kept for a resume. Then it fails, with the first failure in the order of the keys first.
 */
export function all<const A extends Readonly<Record<string, AnyAgent>>, const N extends string = string>(
  agents: A,
  options: { readonly name?: N } = {},
): Agent<Both<A>, { readonly [K in keyof A]: OutputOf<A[K]> }, N, ContextOfAll<A[keyof A]>> {
  checkOptions(options, { name: true }, 'all()');
  const entries = Object.entries(agents);
  for (const [, agent] of entries) assertAgent(agent, 'all()');
  if (entries.length === 0) throw new AmdahlError('MISCONFIGURED', 'all() takes at least one agent: all({ summary, review }).');
  return define({
    name: options.name ?? `all(${entries.map(([, agent]) => agent.name).join(', ')})`,
    kind: 'all',
    children: entries.map(([, agent]) => agent),
    contracts: { input: open, output: open },
    behaviour: {
      kind: 'composite',
      body: async (input, scope) => {
        const settled = await scope.fan('all', entries.length, { concurrency: entries.length }, (branch, index) =>
          branch.ask(agentAt(entries, index), input as never),
        ); // Both<A> says that it fits each
        const failed = settled.flatMap((one) => (one.ok ? [] : [one.error]));
        if (failed.length === 1) throw failed[0];
        if (failed.length > 1) throw severalFailed(entries.length, failed);
        return Object.fromEntries(settled.map((one) => [entries[one.index]?.[0] ?? '', one.ok ? one.value : undefined]));
      },
    },
  });
}

function agentAt(entries: readonly (readonly [string, AnyAgent])[], index: number): AnyAgent {
  const entry = entries[index];
  if (entry === undefined) throw new AmdahlError('MISCONFIGURED', `all() has no branch ${index}.`);
  return entry[1];
}

/** One error for several branches that failed; all of them are its cause. Pure. */
export function severalFailed(of: number, failed: readonly unknown[]): AmdahlError {
  const first = failed[0];
  const rest =
    first instanceof AmdahlError ? { code: first.code, message: first.message } : { code: 'CODE_FAILED' as const, message: String(first) };
  return new AmdahlError(rest.code, `${failed.length} of ${of} branches failed; the first: ${rest.message}`, {
    cause: new AggregateError(failed, 'the branches that failed'),
  });
}
