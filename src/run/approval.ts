// Approvals: whether a person must say yes to exactly one effect, and what came of asking. Called before an immediate effect
// begins (act.ts) and before staged ones are confirmed (commit.ts).
//
// P1 what is asked is bound to the tool, the arguments as they were given (receipts stand in them) and as its contract makes them,
//    and the key: the same in every attempt and entry, so that nobody is asked twice, and no yes to one thing is a yes to another.

import { canonical, type Json } from '../agent/canonical.ts';
import type { EffectOptions, EffectRules } from '../agent/effect.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Place } from '../journal/event.ts';
import type { Question, Replied } from './asks.ts';

/** One effect, as a person approves of it. */
export interface Wanted {
  readonly tool: string;
  readonly path: string;
  readonly args: Json;
  /** What the tool's contract makes of them, where that is something else: defaults, transforms. */
  readonly contracted?: Json;
  readonly key: string;
  /** The call that it serves and all above, innermost first. */
  readonly calls: readonly Place[];
}

/** Whether a person must approve of it: what is no plain no is a yes here. Throws what the program's own function throws. */
export async function needsApproval(
  { approve }: EffectRules,
  { args, input, context }: Pick<EffectOptions, 'args' | 'input'> & { readonly context: unknown },
): Promise<boolean> {
  if (approve === undefined) return false;
  return approve === true || (await approve(args, { input, context })) !== false;
}

/** The question to a person. At the call's place: every attempt asks the same. Pure. */
export function approvalQuestion({ tool, path, args, contracted, key, calls }: Wanted, call: Place): Question {
  return {
    of: 'approval',
    place: call,
    calls,
    path,
    question: `May '${path}' call '${tool}' with these arguments?`,
    about: { tool, args, ...(contracted === undefined ? {} : { contracted }), key },
    form: APPROVAL_FORM,
  };
}

/** What a contract makes of arguments, where it is something else; what has no JSON form is shown as text. Pure. */
export function sentAs(args: Json, value: unknown): { readonly contracted?: Json } {
  let contracted: Json;
  try {
    contracted = JSON.parse(JSON.stringify(value) ?? 'null') as Json; // JSON.parse gives JSON
  } catch {
    contracted = String(value);
  }
  return canonical(contracted) === canonical(args) ? {} : { contracted };
}

/** True is a yes, false a no. */
const APPROVAL_FORM: Json = { type: 'boolean' };

/** Why it may not be done; undefined where it may. Pure. */
export function refusalOf(replied: Replied, { tool, path }: Pick<Wanted, 'tool' | 'path'>): AmdahlError | undefined {
  const reason = reasonOf(replied);
  if (reason === undefined) return undefined;
  return new AmdahlError('APPROVAL_REFUSED', `'${tool}' of '${path}' may not be called with these arguments: ${reason}`, {
    data: { tool, reason, ...('by' in replied && replied.by !== undefined ? { by: replied.by } : {}) },
  });
}

function reasonOf(replied: Replied): string | undefined {
  switch (replied.kind) {
    case 'answered':
      return replied.value === true ? undefined : 'a person said no.';
    case 'refused':
      return replied.reason;
    case 'expired':
      return 'nobody approved of it in time.';
  }
}
