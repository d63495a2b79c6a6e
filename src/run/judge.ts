// Judging: a raw output against its contract, then its checks. The one door between an answer and its asker, for
// fresh answers and recorded ones alike.

import { canonical } from '../agent/canonical.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { type Evidence, judge as judgeChecks } from '../agent/checks.ts';
import type { AmdahlError, Problem } from '../agent/errors.ts';
import type { Json } from '../journal/event.ts';
import type { Judged } from '../model/loop.ts';
import type { Frame } from './asker.ts';
import { limitError } from './limits.ts';

/** Judges a call's output, by its contract alone where there is no evidence. What takes time in a schema or a check is not waited for past the end of the call's life. */
export function judge({ agent, life }: Frame, raw: unknown, evidence: (() => Evidence) | undefined): Judged | Promise<Judged> {
  const judged = judgeOutput(agent, raw, evidence);
  return judged instanceof Promise ? life.race(judged) : judged;
}

/** Contract first, checks on the contracted value. Stays synchronous when schema and checks are. */
function judgeOutput(agent: AnyAgent, raw: unknown, evidence: (() => Evidence) | undefined): Judged | Promise<Judged> {
  const checked = agent.output.validate(raw);
  if (checked instanceof Promise)
    return checked.then((done) => (done.ok ? judgeValue(agent, raw, done.value, evidence) : refused('contract', done.problems)));
  return checked.ok ? judgeValue(agent, raw, checked.value, evidence) : refused('contract', checked.problems);
}

function judgeValue(agent: AnyAgent, raw: unknown, value: unknown, evidence: (() => Evidence) | undefined): Judged | Promise<Judged> {
  if (agent.checks.length === 0 || evidence === undefined) return { ok: true, raw, value };
  const problems = judgeChecks(agent.checks, value, evidence(), agent.name);
  const verdict = (found: readonly Problem[]): Judged => (found.length === 0 ? { ok: true, raw, value } : refused('check', found));
  return problems instanceof Promise ? problems.then(verdict) : verdict(problems);
}

function refused(why: 'contract' | 'check', problems: readonly Problem[]): Judged {
  return { ok: false, why, problems };
}

/** @throws AmdahlError LIMIT_EXCEEDED (payloadBytes) */
export function checkSize(frame: Frame, raw: Json): void {
  const tooLarge = oversize(frame, raw);
  if (tooLarge !== undefined) throw tooLarge;
}

/** The LIMIT_EXCEEDED (payloadBytes) of an output that is too large. */
export function oversize({ session, path }: Frame, raw: Json): AmdahlError | undefined {
  const { payloadBytes } = session.limits;
  const bytes = typeof raw === 'string' ? raw.length : canonical(raw).length;
  if (bytes <= payloadBytes) return undefined;
  const what = `The output of '${path}' has ${bytes} bytes`;
  return limitError('payloadBytes', payloadBytes, what, 'Return less, or raise limits.payloadBytes.');
}
