// What to do after a run has failed. Pure; called by drive and show.

import type { ErrorCode } from '../agent/errors.ts';
import type { RunId } from '../journal/event.ts';
import { amdahlCommand } from './invocation.ts';

/** What is the same however often it is asked, until somebody changes it. */
const STANDING: ReadonlySet<ErrorCode> = new Set([
  'MISCONFIGURED',
  'MODEL_MISSING',
  'MODEL_DENIED',
  'PACKAGE_MISSING',
  'KEY_MISSING',
  'MODEL_BAD_REQUEST',
  'MODEL_UNAUTHORIZED',
  'MODEL_CONTEXT_OVERFLOW',
  'NOT_JSON',
  'NO_JSON_SCHEMA',
  'PRICE_UNKNOWN',
  'AMBIGUOUS_CALL',
  'EFFECT_REFUSED',
]);

/** What goes on after failures that have a way of their own; undefined where the failure's message says it. */
const OWN_STEPS: Partial<Record<ErrorCode, (resume: string, id: RunId) => string | undefined>> = {
  EFFECT_UNCERTAIN: () => undefined,
  CANCELLED: (resume) => `go on: ${resume}`,
  EFFECT_FAILED: (resume) => `look at what was done and stands, then try again: ${resume}`,
  APPROVAL_REFUSED: (resume) => `change what it does, then: ${resume}`,
  ASK_REFUSED: (resume) => `ask the person again: ${resume}`,
  ASK_EXPIRED: (resume) => `ask the person again: ${resume}`,
  DIVERGED: (resume) => `let the program go the way that it went before, then: ${resume}`,
  RUN_PARKED: (_resume, id) => `see what is asked, and answer: ${amdahlCommand()} inbox ${id}`,
};

/** A failure as it was thrown, or as it is on record. */
export interface Failed {
  readonly code: ErrorCode;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The command that goes on (`resume`), and what has to come first. Undefined where the failure's own message says it. */
export function nextStep(failure: Failed | undefined, id: RunId, resume = `${amdahlCommand()} resume ${id}`): string | undefined {
  if (failure === undefined) return `ask again what failed: ${resume}`;
  const own = OWN_STEPS[failure.code];
  if (own !== undefined) return own(resume, id);
  if (isAll(failure, ({ code }) => code === 'BUDGET_EXCEEDED')) return `go on with a higher budget: ${resume} --budget …`;
  return isAll(failure, stands) ? `mend it, then: ${resume}` : `ask again what failed: ${resume}`;
}

/** Whether asking again without a change would come to the same. */
function stands({ code, data }: Failed): boolean {
  if (STANDING.has(code)) return true;
  if (code === 'CONTRACT_VIOLATION') return data?.['side'] === 'input';
  return false;
}

/** Whether it holds of a failure, or of all that a fan-out failed of. */
function isAll(failure: Failed, holds: (failure: Failed) => boolean): boolean {
  const { code, cause } = failure;
  const below: unknown[] = code === 'TOO_MANY_MISSING' && cause instanceof AggregateError ? cause.errors : [];
  return holds(failure) || (below.length > 0 && below.every((one) => isFailed(one) && isAll(one, holds)));
}

function isFailed(value: unknown): value is Failed {
  return value instanceof Error && 'code' in value && typeof value.code === 'string';
}
