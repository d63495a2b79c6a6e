// Checks: what an output must satisfy beyond its contract. Users write them as functions; `grounded` and
// `noPlaceholder` ship. The funnel calls `judge` after the contract, with what the call was given and what its tools said.

import { atMost, kindOf } from './contract.ts';
import { AmdahlError, describe, type Problem, sentence } from './errors.ts';

export interface ToolResult {
  readonly tool: string;
  readonly args: unknown;
  readonly result: unknown;
}

/** What a check may look at. */
export interface Evidence {
  /** The contracted input of the call. */
  readonly input: unknown;
  /** What the tools of this attempt returned, in order. Tools that threw are not in it: an error message that repeats its arguments proves nothing. */
  readonly results: readonly ToolResult[];
}

/** undefined or [] = fine; a string = one problem with the whole output; problems otherwise. */
export type Verdict = undefined | string | readonly Problem[];

export interface Check<O = unknown> {
  readonly name: string;
  /** Where in the output it looks, as in `findings[*].quote`: agent() refuses a path that its output cannot have. */
  readonly paths?: readonly string[];
  readonly judge: (output: O, evidence: Evidence) => Verdict | Promise<Verdict>;
}

export type CheckFunction<O = unknown> = (output: O, evidence: Evidence) => Verdict | Promise<Verdict>;

/**
 * A check from what a user gave; a function's name is its own, or its number among the checks (from 1). Pure.
 * @throws AmdahlError MISCONFIGURED when it is none.
 */
export function checkOf<O>(check: Check<O> | CheckFunction<O>, index: number): Check<O> {
  if (typeof check === 'object' && check !== null && typeof check.judge === 'function') return check;
  if (typeof check !== 'function')
    throw new AmdahlError('MISCONFIGURED', `Check ${index + 1} is ${kindOf(check)}. Give a function or { name, judge }.`);
  return { name: check.name === '' ? `check ${index + 1}` : check.name, judge: check };
}

/**
 * Every problem every check has with an output, in the order of the checks, each naming its check; at most PROBLEMS_MAX.
 * All checks are asked. Sync when all of them are. `who` is the agent whose checks they are.
 * @throws AmdahlError CODE_FAILED when a check throws or answers something else than a verdict.
 */
export function judge<O>(
  checks: readonly Check<O>[],
  output: O,
  evidence: Evidence,
  who: string,
): readonly Problem[] | Promise<readonly Problem[]> {
  const verdicts = checks.map((check) => ask(check, output, evidence, who));
  const settled: Problem[] = [];
  for (const verdict of verdicts) {
    if (verdict instanceof Promise) return settle(verdicts);
    settled.push(...verdict);
  }
  return atMost(settled);
}

async function settle(verdicts: readonly (readonly Problem[] | Promise<readonly Problem[]>)[]): Promise<readonly Problem[]> {
  const all = await Promise.all(verdicts.map(async (verdict) => verdict));
  return atMost(all.flat());
}

function ask<O>(check: Check<O>, output: O, evidence: Evidence, who: string): readonly Problem[] | Promise<readonly Problem[]> {
  const called = `${/^check \d+$/.test(check.name) ? '' : 'the check '}${check.name} of '${who}'`;
  const threw = (cause: unknown): AmdahlError => new AmdahlError('CODE_FAILED', sentence(`${called} threw: ${describe(cause)}`), { cause });
  let verdict: Verdict | Promise<Verdict>;
  try {
    verdict = check.judge(output, evidence);
  } catch (cause) {
    throw threw(cause);
  }
  if (!(verdict instanceof Promise)) return problemsOf(check.name, verdict, called);
  const problems = verdict.then(
    (settled) => problemsOf(check.name, settled, called),
    (cause: unknown) => Promise.reject(threw(cause)),
  );
  problems.catch(() => undefined); // a later check may throw at once, and then nobody waits for this one
  return problems;
}

function problemsOf(name: string, verdict: unknown, called: string): readonly Problem[] {
  if (verdict === undefined || verdict === null) return [];
  if (typeof verdict === 'string') return [{ path: '', message: `${name}: ${verdict === '' ? 'refused' : verdict}` }];
  if (Array.isArray(verdict) && verdict.every(isProblem)) {
    return verdict.map(({ path, message }) => ({ path, message: `${name}: ${message}` }));
  }
  const answer = typeof verdict === 'boolean' || typeof verdict === 'number' ? String(verdict) : kindOf(verdict);
  throw new AmdahlError(
    'CODE_FAILED',
    sentence(
      `${called} answered ${answer}. Answer undefined when fine, else a string or a list of { path, message } saying what is wrong.`,
    ),
  );
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  return 'path' in value && typeof value.path === 'string' && 'message' in value && typeof value.message === 'string';
}
