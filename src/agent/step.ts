// Steps: plain code behind a contract. A leaf like a model agent: what it answered is answered again on a resume.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Agent, type Common, COMMON_OPTIONS, define, type StepBehaviour } from './definition.ts';
import type { ContextGiven, NeedOf } from './context.ts';
import { contractOf, type ParsedOf, type RawOf } from './contract.ts';
import { type Effect, type EffectDeclared, effectRules } from './effect.ts';
import { AmdahlError } from './errors.ts';
import { checkOptions, checkRequired, type OptionNames, titled } from './options.ts';
import { refuseReuse, type Reuse } from './reuse.ts';
import type { Receipt } from './receipt.ts';

export interface StepOptions<N extends string, IS, OS, CS = undefined, E extends Effect = Effect>
  extends Common<N, IS, OS, CS>, EffectDeclared<ParsedOf<IS>, ParsedOf<IS>, RawOf<OS>, ContextGiven<CS>> {
  /** Changes when the code means something else: recorded answers of another version are not used. */
  readonly version?: string;
  /** Whether its answers may be used by other runs of the same scope. Default: at their own place alone, and after an edit in their own run. */
  readonly reuse?: Reuse;
  /** What the step does to the world. Default none: it may run again after a crash. A staged one gives its receipt. */
  readonly effect?: E;
  /** `key` is the idempotency key of an effect: the same in every attempt that does the same. Give it to the service. */
  readonly execute: (
    input: ParsedOf<IS>,
    options: { readonly signal: AbortSignal; readonly context: ContextGiven<CS>; readonly key: string },
  ) => RawOf<OS> | Promise<RawOf<OS>>;
}

const OPTIONS: OptionNames<StepOptions<string, undefined, undefined>> = {
  ...COMMON_OPTIONS,
  version: true,
  reuse: true,
  effect: true,
  idempotent: true,
  verify: true,
  undo: true,
  approve: true,
  maxAge: true,
  execute: true,
};

/** What a step gives: of a staged one its receipt, because there is no result yet. */
type Gives<OS, E extends Effect> = E extends 'staged' ? Receipt : ParsedOf<OS>;

/**
 * Code as an agent. Takes and gives JSON; one attempt unless `attempts` says more. With effect 'staged' it gives its receipt,
 * and `output` is the contract of what its code gives once it is committed.
 */
export function step<
  const N extends string,
  IS extends StandardSchemaV1 | undefined = undefined,
  OS extends StandardSchemaV1 | undefined = undefined,
  CS extends StandardSchemaV1 | undefined = undefined,
  const E extends Effect = 'none',
>(options: StepOptions<N, IS, OS, CS, E>): Agent<RawOf<IS>, Gives<OS, E>, N, NeedOf<CS>> {
  const who = titled('step', options);
  checkOptions(options, OPTIONS, who);
  checkRequired(options.execute, 'execute', 'function', who);
  const { effect = 'none', idempotent, verify, undo, approve, maxAge, output, ...common } = options;
  const rules = effectRules({ effect, idempotent, verify, undo, approve, maxAge }, who);
  const staged = rules.effect === 'staged';
  if (staged) refuseJudging(options, who);
  const made = define<RawOf<IS>, Gives<OS, E>, N, NeedOf<CS>>({
    ...common,
    ...(staged ? {} : { output }),
    kind: 'step',
    children: [],
    behaviour: {
      kind: 'step',
      effect: rules.effect,
      rules,
      execute: options.execute as StepBehaviour['execute'], // what its contracts let through
      ...(staged ? { result: contractOf(output, `the output of the step '${options.name}'`) } : {}),
    },
  });
  refuseReuse(made);
  return made;
}

/** What a staged step gives is its receipt, which there is nothing to judge of. */
function refuseJudging({ checks, attempts }: { readonly checks?: unknown; readonly attempts?: number }, who: string): void {
  const odd = checks !== undefined ? 'checks' : attempts !== undefined && attempts !== 1 ? 'attempts' : undefined;
  if (odd === undefined) return;
  throw new AmdahlError(
    'EFFECT_REFUSED',
    `${who} has ${odd} and effect: 'staged', so it gives a receipt, and its code runs once everything above it stands. Leave ${odd} out: put checks where its input is made, or around it.`,
  );
}
