// Steps: plain code behind a contract. A leaf like a model agent: what it answered is answered again on a resume.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Agent, type Common, COMMON_OPTIONS, define, type StepBehaviour } from './definition.ts';
import type { ContextGiven, NeedOf } from './context.ts';
import type { ParsedOf, RawOf } from './contract.ts';
import { checkOptions, checkRequired, type OptionNames, titled } from './options.ts';
import { refuseReuse, type Reuse } from './reuse.ts';
import { refuseEffect } from './tool.ts';

export interface StepOptions<N extends string, IS, OS, CS = undefined> extends Common<N, IS, OS, CS> {
  /** Changes when the code means something else: recorded answers of another version are not used. */
  readonly version?: string;
  /** Whether its answers may be used by other runs of the same scope. Default: at their own place alone, and after an edit in their own run. */
  readonly reuse?: Reuse;
  /** What the step does to the world. Default none: it may run again after a crash. */
  readonly effect?: 'none' | 'immediate';
  readonly execute: (
    input: ParsedOf<IS>,
    options: { readonly signal: AbortSignal; readonly context: ContextGiven<CS> },
  ) => RawOf<OS> | Promise<RawOf<OS>>;
}

const OPTIONS: OptionNames<StepOptions<string, undefined, undefined>> = {
  ...COMMON_OPTIONS,
  version: true,
  reuse: true,
  effect: true,
  execute: true,
};

/** Code as an agent. Takes and gives JSON; one attempt unless `attempts` says more. */
export function step<
  const N extends string,
  IS extends StandardSchemaV1 | undefined = undefined,
  OS extends StandardSchemaV1 | undefined = undefined,
  CS extends StandardSchemaV1 | undefined = undefined,
>(options: StepOptions<N, IS, OS, CS>): Agent<RawOf<IS>, ParsedOf<OS>, N, NeedOf<CS>> {
  const who = titled('step', options);
  checkOptions(options, OPTIONS, who);
  checkRequired(options.execute, 'execute', 'function', who);
  const effect = options.effect ?? 'none';
  refuseEffect(effect, who);
  const made = define<RawOf<IS>, ParsedOf<OS>, N, NeedOf<CS>>({
    ...options,
    kind: 'step',
    children: [],
    behaviour: { kind: 'step', effect, execute: options.execute as StepBehaviour['execute'] }, // what its contracts let through
  });
  refuseReuse(made);
  return made;
}
