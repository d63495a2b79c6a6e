// human: a person behind a contract. A leaf like a model agent; run/human.ts asks, and what the person answered is recorded for
// good.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { kindOf, type ParsedOf, type RawOf } from '../agent/contract.ts';
import {
  type Agent,
  bound,
  type Common,
  COMMON_OPTIONS,
  define,
  type HumanBehaviour,
  isAgent,
  type Otherwise,
} from '../agent/definition.ts';
import { AmdahlError, problemList } from '../agent/errors.ts';
import { checkOptions, type OptionNames, titled } from '../agent/options.ts';

export interface HumanOptions<N extends string, IS, OS, C = unknown> extends Omit<Common<N, IS, OS>, 'attempts' | 'context'> {
  /** What the person is asked; what it is about stands beside it. A function gets the contracted input. */
  readonly question: string | ((input: ParsedOf<IS>) => string);
  /** How long it waits for an answer, in ms. Default: `limits.askMs` of the run, which is 7 days. */
  readonly expires?: number;
  /**
   * Answers where nobody did in time: a value, a function of the contracted input, or an agent that is asked with the same
   * input. Not where a person refuses. Default: the call fails with ASK_EXPIRED.
   */
  readonly otherwise?: RawOf<OS> | Agent<RawOf<IS>, RawOf<OS>, string, C> | ((input: ParsedOf<IS>) => RawOf<OS> | Promise<RawOf<OS>>);
  /** How often an answer that contract or checks refuse is asked for again. Default 3. */
  readonly repairs?: number;
}

const { attempts: _, context: _none, ...COMMON } = COMMON_OPTIONS;
const OPTIONS: OptionNames<HumanOptions<string, undefined, undefined>> = {
  ...COMMON,
  question: true,
  expires: true,
  otherwise: true,
  repairs: true,
};

const REPAIRS_DEFAULT = 3;

/**
 * A person as an agent: asked durably, for as long as it takes. Fails with ASK_REFUSED where the person refuses to answer.
 * @throws AmdahlError MISCONFIGURED; NO_JSON_SCHEMA for an output that nobody could be shown a form of
 */
export function human<
  const N extends string,
  IS extends StandardSchemaV1 | undefined = undefined,
  OS extends StandardSchemaV1 | undefined = undefined,
  C = unknown,
>(options: HumanOptions<N, IS, OS, C>): Agent<RawOf<IS>, ParsedOf<OS>, N, C> {
  const who = titled('human', options);
  checkOptions(options, OPTIONS, who);
  const { name, question, expires, otherwise: given, repairs } = options;
  if (typeof question !== 'function' && (typeof question !== 'string' || question.trim() === ''))
    throw new AmdahlError('MISCONFIGURED', `${who} has ${kindOf(question)} as question. Give it text, or a function that makes it.`);
  const otherwise = otherwiseOf(given);
  const behaviour: HumanBehaviour = {
    kind: 'human',
    question: typeof question === 'string' ? () => question : (question as HumanBehaviour['question']), // what the input's contract let through
    asks: String(question),
    expiresMs: expires === undefined ? undefined : bound(expires, 'expires', name, 1),
    otherwise,
    repairs: bound(repairs ?? REPAIRS_DEFAULT, 'repairs', name, 0),
  };
  const made = define<RawOf<IS>, ParsedOf<OS>, N, C>({
    ...options,
    kind: 'human',
    children: otherwise?.kind === 'agent' ? [otherwise.agent] : [],
    behaviour,
  });
  if (made.output.kind === 'schema') made.output.jsonSchema(); // whoever answers is shown it
  if (otherwise?.kind === 'value') refuseMisfit(made, otherwise.value);
  return made;
}

function otherwiseOf(given: unknown): Otherwise | undefined {
  if (given === undefined) return undefined;
  if (isAgent(given)) return { kind: 'agent', agent: given };
  if (typeof given === 'function') return { kind: 'code', code: given as (input: unknown) => unknown }; // gets what the contract lets through
  return { kind: 'value', value: given };
}

/** A value that never could stand is refused here, where its schema says so at once. */
function refuseMisfit({ name, output }: Pick<Agent<never, unknown>, 'name' | 'output'>, value: unknown): void {
  const checked = output.validate(value);
  if (checked instanceof Promise) checked.catch(() => {});
  else if (!checked.ok)
    throw new AmdahlError(
      'MISCONFIGURED',
      `The human '${name}' has an otherwise that does not fit its own output: ${problemList(checked.problems)}.`,
      { problems: checked.problems },
    );
}
