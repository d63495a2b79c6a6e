// Effects of which nobody here knows what became: they began and never came back, or threw. Their service is asked where it can
// tell, else a person. Called where such an effect is reached: act.ts, undo.ts, and commit.ts for staged ones.
//
// U1 a guess is never made: without a service that takes keys or can tell, a person says what happened, durably.
// U2 what was said holds for the beginning that it was said of: begun once more and lost again, it is asked once more.
// U3 where nobody says anything in time nothing is known, and the run fails: its next entry asks once more.

import { type Json, toJson } from '../agent/canonical.ts';
import type { EffectOptions, EffectRules } from '../agent/effect.ts';
import { AmdahlError, type ErrorRecord } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import type { Frame } from './asker.ts';
import type { Question, Replied } from './asks.ts';

/** What became of it: 'given up' leaves it as it is. */
export type Settled =
  | { readonly kind: 'done'; readonly how: 'verified' | 'person'; readonly result?: Json }
  | { readonly kind: 'not done' }
  | { readonly kind: 'given up'; readonly reason: string };

export interface Uncertain {
  readonly effect: EffectRecord;
  readonly rules: EffectRules;
  readonly about: (signal: AbortSignal) => EffectOptions<unknown, unknown, unknown>;
  /** What it threw. */
  readonly error?: ErrorRecord;
  /** More for the person. */
  readonly more?: Readonly<Record<string, Json>>;
}

/** What became of an effect: by its service, else by a person. Waits past the end of the call: this must be known. */
export async function settle(frame: Frame, uncertain: Uncertain): Promise<Settled> {
  const verified = await verify(frame, uncertain);
  if (verified !== undefined) return verified;
  const unsaid = await expiredBefore(frame, uncertain.effect);
  const question = outcomeQuestion(frame, uncertain);
  const nth = unsaid === 0 ? uncertain.effect.times : `${uncertain.effect.times}.${unsaid}`;
  return await askOutcome(frame, uncertain.effect, { ...question, nth });
}

/** Undefined where its service cannot tell. */
export async function verify({ session }: Frame, { effect, rules, about }: Uncertain): Promise<Settled | undefined> {
  const ask = rules.verify;
  if (ask === undefined) return undefined;
  try {
    const work = (signal: AbortSignal): unknown => ask(effect.key, about(signal));
    const said: unknown = await session.life.lend((signal) =>
      session.secrets.none ? Promise.resolve(work(signal)) : session.secrets.guard(() => work(signal)),
    );
    if (typeof said !== 'object' || said === null || !('done' in said)) return undefined;
    if (said.done === false) return { kind: 'not done' };
    if (said.done !== true) return undefined;
    const result = 'result' in said && said.result !== undefined ? toJson(said.result, `what verify of '${effect.tool}' gave`) : undefined;
    return { kind: 'done', how: 'verified', ...(result === undefined ? {} : { result: session.secrets.clean(result) }) };
  } catch {
    session.check();
    return undefined; // who cannot be asked cannot tell
  }
}

/** The question to a person. Pure. */
function outcomeQuestion(frame: Frame, { effect, error, more }: Uncertain): Question {
  const { tool, path, key, place, calls } = effect;
  const args = effect.sent ?? effect.args;
  return {
    of: 'effect',
    place,
    calls,
    path,
    question:
      error === undefined
        ? `'${tool}' was called by '${path}' and never came back. Look whether it was done: was it?`
        : `'${tool}' was called by '${path}' and failed: ${frame.session.secrets.text(error.message)} Look whether it was done: was it?`,
    about: { tool, args, key, ...(error === undefined ? {} : { error: toJson(error, 'an error') }), ...more },
    form: OUTCOME_FORM,
  };
}

/** How often earlier entries asked here in vain. */
export async function expiredBefore({ session }: Frame, { place }: Pick<EffectRecord, 'place'>): Promise<number> {
  const before = session.inherited?.lastSeq ?? -1;
  return (await session.recall(place)).filter(({ seq, event }) => event.kind === 'ask.expired' && seq <= before).length;
}

/** Asks a person what became of something, until that is known: the end of the call does not end it, that of the run does. */
export async function askOutcome(
  { session, life }: Frame,
  { tool, path }: Pick<EffectRecord, 'tool' | 'path'>,
  question: Question,
): Promise<Settled> {
  // The call can do nothing else, though it is not its life that is waited with.
  const release = session.busy.wait(life);
  try {
    const replied = await session.asks.ask(question, session.life);
    if (replied.kind !== 'expired') return outcomeOf(replied);
    const error = uncertain({ path, tool }, 'nobody said in time whether it did');
    session.interrupt(error);
    throw error;
  } finally {
    release();
  }
}

/** `result` is what it gave, where it is known to have been done. */
export const OUTCOME_FORM: Json = {
  type: 'object',
  properties: { outcome: { enum: ['done', 'not done', 'give up'] }, result: {} },
  required: ['outcome'],
  additionalProperties: false,
};

/** What a reply to such a question says. Pure. */
export function outcomeOf(replied: Exclude<Replied, { kind: 'expired' }>): Settled {
  if (replied.kind === 'refused') return { kind: 'given up', reason: replied.reason };
  const { value } = replied;
  const [outcome, result] = fieldIn(value, 'outcome', 'result');
  if (outcome === 'done') return { kind: 'done', how: 'person', ...(result === undefined ? {} : { result }) };
  return outcome === 'not done' ? { kind: 'not done' } : { kind: 'given up', reason: 'a person gave it up' };
}

function fieldIn(value: Json, ...names: readonly string[]): readonly (Json | undefined)[] {
  const fields = new Map(typeof value === 'object' && value !== null ? Object.entries<Json>(value) : []);
  return names.map((name) => fields.get(name));
}

/** The error for an act of which nobody knows whether it happened. Pure. */
export function uncertain({ path, tool }: Pick<EffectRecord, 'path' | 'tool'>, why?: string): AmdahlError {
  return new AmdahlError(
    'EFFECT_UNCERTAIN',
    `'${tool}' was called by '${path}' and never came back: it may or may not have acted on the world${why === undefined ? '' : `, and ${why}`}. Look there first. To let it act (perhaps a second time), resume with --retry '${path}', or run it with retry: ['${path}'].`,
    { where: { call: path }, data: { tool } },
  );
}
