// What a tool or a step does to the world, and what it says of that: whether it may be sent again, how one sees that it happened,
// how it is taken back, and who must approve of it. Declared with `tool()` and `step()`; run/ goes by it (design §4 "Effects").

import { kindOf } from './contract.ts';
import { AmdahlError } from './errors.ts';

/**
 * What a call does to the world. `staged` is done once the answer stands, `immediate` when called; both are journaled before
 * and after.
 */
export type Effect = 'none' | 'staged' | 'immediate';

/** What the code of an effect is told, besides what it is called with. */
export interface EffectOptions<Args = unknown, Input = unknown, Context = undefined> {
  /** The effect's own: the same in every attempt that does the same, and after every crash. */
  readonly key: string;
  /** The contracted arguments, as `execute` gets them. */
  readonly args: Args;
  /** The contracted input of the call that it serves. */
  readonly input: Input;
  readonly signal: AbortSignal;
  readonly context: Context;
}

/** What a service says of an effect that it was perhaps asked for. */
export type Verified<Result = unknown> = { readonly done: true; readonly result?: Result } | { readonly done: false };

/** The options of tools and steps that act. All but `effect` say something of an effect and are refused without one. */
export interface EffectDeclared<Args, Input, Result, Context> {
  /** The service takes `key`: the same key may be sent again after a crash or a failure, and it is done once. */
  readonly idempotent?: boolean;
  /** Asks the service whether it was done. Undefined where that cannot be told: then a person is asked. */
  readonly verify?: (
    key: string,
    about: EffectOptions<Args, Input, Context>,
  ) => Verified<Result> | undefined | Promise<Verified<Result> | undefined>;
  /**
   * Takes it back, given what it gave: undefined where it threw, or only a person knows of it; its key names it in any case. Must
   * bear being called again: it is called until it returns.
   */
  readonly undo?: (result: Result | undefined, about: EffectOptions<Args, Input, Context>) => unknown;
  /**
   * Whether a person must approve of exactly these arguments first. Of staged arguments that hold receipts it is not asked: what
   * will stand there is not known yet, and a person must.
   */
  readonly approve?:
    | boolean
    | ((args: Args, about: { readonly input: Input; readonly context: Context }) => boolean | PromiseLike<boolean>);
  /** Of a staged effect, in ms: if it could not begin so soon after it was staged, it is refused. */
  readonly maxAge?: number;
}

/** What the runtime knows of an effect. */
export interface EffectRules {
  readonly effect: Effect;
  readonly idempotent?: true;
  readonly verify?: (key: string, about: EffectOptions<unknown, unknown, unknown>) => unknown;
  readonly undo?: (result: unknown, about: EffectOptions<unknown, unknown, unknown>) => unknown;
  readonly approve?: true | ((args: unknown, about: { readonly input: unknown; readonly context: unknown }) => unknown);
  readonly maxAge?: number;
}

/** Options as they were given, before anything is known of them. */
type Given = { readonly [K in 'effect' | 'idempotent' | 'verify' | 'undo' | 'approve' | 'maxAge']?: unknown };

const OF_EFFECTS = ['idempotent', 'verify', 'undo', 'approve', 'maxAge'] as const;
const ADVICE =
  "Say effect: 'none' when it only reads, 'staged' when it is to act once the answer stands, or 'immediate' when it acts at once.";

/**
 * The rules that options declare.
 * @throws AmdahlError EFFECT_REFUSED for an effect that does not exist, or a rule that the effect cannot have; MISCONFIGURED for a rule of another kind. Pure.
 */
export function effectRules(given: Given, who: string): EffectRules {
  const effect = effectOf(given.effect, who);
  for (const rule of OF_EFFECTS) {
    if (given[rule] === undefined || given[rule] === false) continue;
    if (effect === 'none')
      throw new AmdahlError(
        'EFFECT_REFUSED',
        `${who} has ${rule} and effect: 'none', which acts on nothing. Leave ${rule} out, or say what it does.`,
      );
    if (effect === 'immediate' && rule === 'maxAge')
      throw new AmdahlError(
        'EFFECT_REFUSED',
        `${who} has maxAge and effect: 'immediate', which never waits. Leave maxAge out, or stage it.`,
      );
  }
  const { idempotent, verify, undo, approve, maxAge } = given;
  if (idempotent !== undefined && typeof idempotent !== 'boolean') throw wrong(who, 'idempotent', idempotent, 'true');
  if (verify !== undefined && typeof verify !== 'function') throw wrong(who, 'verify', verify, 'a function');
  if (undo !== undefined && typeof undo !== 'function') throw wrong(who, 'undo', undo, 'a function');
  if (approve !== undefined && typeof approve !== 'boolean' && typeof approve !== 'function')
    throw wrong(who, 'approve', approve, 'true, or a function of the arguments');
  if (maxAge !== undefined && !(typeof maxAge === 'number' && maxAge > 0)) throw wrong(who, 'maxAge', maxAge, 'milliseconds above 0');
  return {
    effect,
    ...(idempotent === true ? { idempotent } : {}),
    // What the types of tool() and step() say of them.
    ...(verify === undefined ? {} : { verify: verify as NonNullable<EffectRules['verify']> }),
    ...(undo === undefined ? {} : { undo: undo as NonNullable<EffectRules['undo']> }),
    ...(approve === undefined || approve === false ? {} : { approve: approve as NonNullable<EffectRules['approve']> }),
    ...(maxAge === undefined ? {} : { maxAge }),
  };
}

function effectOf(effect: unknown, who: string): Effect {
  if (effect === 'none' || effect === 'staged' || effect === 'immediate') return effect;
  const why = effect === undefined ? 'does not say what it does to the world' : `declares effect: ${shown(effect)}, which does not exist`;
  throw new AmdahlError('EFFECT_REFUSED', `${who} ${why}. ${ADVICE}`);
}

function wrong(who: string, rule: string, given: unknown, remedy: string): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `${who} has ${rule}: ${shown(given)}. Give ${remedy}.`);
}

function shown(given: unknown): string {
  return typeof given === 'string' ? `'${given}'` : typeof given === 'number' ? String(given) : kindOf(given);
}
