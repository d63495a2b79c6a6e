// transaction: one agent whose effects, and those of all below it, are done together once its answer stands, or not at all.

import type { ContextOf } from '../agent/context.ts';
import { type Agent, type AnyAgent, assertAgent, define, type InputOf, type OutputOf } from '../agent/definition.ts';
import type { Checked, Contract } from '../agent/contract.ts';
import { open } from '../agent/open.ts';
import { checkOptions } from '../agent/options.ts';

/**
 * Holds the staged effects of `agent` and of all below it until that has answered, and then commits them in order. Where it fails
 * nothing was done. Other holders above it hold them further.
 */
export function transaction<A extends AnyAgent, const N extends string = `transaction(${A['name']})`>(
  agent: A,
  options: { readonly name?: N } = {},
): Agent<InputOf<A>, OutputOf<A>, N, ContextOf<A>> {
  checkOptions(options, { name: true }, 'transaction()');
  const held: AnyAgent = agent;
  assertAgent(held, 'transaction()');
  return define({
    name: options.name ?? `transaction(${held.name})`,
    kind: 'transaction',
    children: [held],
    contracts: { input: asGiven(held.input), output: open },
    behaviour: { kind: 'composite', holds: true, body: async (input, scope) => await scope.ask(held, input as never) },
  });
}

/** What fits is passed on as it was given: the agent's contract changes it when that is asked. */
function asGiven(contract: Contract): Contract {
  return {
    ...contract,
    validate: (given) => {
      const passed = (checked: Checked<unknown>): Checked<unknown> => (checked.ok ? { ok: true, value: given } : checked);
      const checked = contract.validate(given);
      return checked instanceof Promise ? checked.then(passed) : passed(checked);
    },
  };
}
