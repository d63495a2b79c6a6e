// One effect of a confirmed call, until it is committed or a person gives it up. Called by commit.ts, in the order of commits.
//
// A state machine: begin → done | look; look (its service, or the same key again) → begin | done | ask; ask (a person) → begin |
// done | given up.

import { type Json, toJson } from '../agent/canonical.ts';
import { receiptsIn } from '../agent/receipt.ts';
import { AmdahlError, asAmdahl, type ErrorRecord, problemList, recordError } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import { chainOf, type Frame } from './asker.ts';
import type { Question } from './asks.ts';
import { CodeAsker } from './codeAsker.ts';
import type { KnownEffect } from './effectCode.ts';
import type { Life } from './life.ts';
import { replaced } from './outbox.ts';
import type { Confirmed } from './recorded.ts';
import { findOrWalk } from './rediscover.ts';
import { askOutcome, expiredBefore, OUTCOME_FORM, type Settled, verify } from './uncertain.ts';

/** How often the same key is sent again, where its service takes keys or says that it was not done; and how long after, in ms. */
const AGAIN_MAX = 3;
const AGAIN_MS = 1_000;

/** What came of beginning. 'not begun': something stood in its way. */
type Came =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: ErrorRecord }
  | { readonly kind: 'not begun'; readonly error: ErrorRecord };

export class CommitOne {
  readonly #frame: Frame;
  readonly #life: Life;
  readonly #confirmed: Confirmed;
  readonly #key: string;
  /** A person said that it may begin, however late. */
  #late = false;
  /** How often a person was asked about it since it was last begun: the same in every entry. */
  #round = 0;

  constructor(frame: Frame, life: Life, confirmed: Confirmed, key: string) {
    this.#frame = frame;
    this.#life = life;
    this.#confirmed = confirmed;
    this.#key = key;
  }

  /** Undefined once it is committed; why it was given up, where a person did that. */
  async settle(): Promise<string | undefined> {
    const { state, notDone, error: before } = this.#effect;
    if (state === 'committed') return undefined;
    let step: 'begin' | 'look' | 'ask' = state === 'staged' || notDone === true ? 'begin' : state === 'committing' ? 'look' : 'ask';
    let error = before;
    for (let begun = 0; ;) {
      this.#frame.session.check();
      switch (step) {
        case 'begin': {
          const came = await this.#begin();
          if (came.kind === 'done') return undefined;
          ({ error } = came);
          begun += 1;
          step = came.kind === 'failed' ? 'look' : 'ask';
          break;
        }
        case 'look': {
          const found = await this.#look(begun);
          if (found === 'done') return undefined;
          step = found;
          break;
        }
        case 'ask': {
          const said = await this.#ask(error);
          if (said.kind === 'done') return await this.#committed(said);
          if (said.kind === 'given up') return said.reason;
          step = 'begin';
          begun = 0;
          this.#late = true;
          break;
        }
      }
    }
  }

  get #effect(): EffectRecord {
    const effect = this.#frame.session.effects.get(this.#key);
    if (effect === undefined) throw new AmdahlError('JOURNAL_DAMAGED', `'${this.#frame.path}' confirmed an effect that nothing staged.`);
    return effect;
  }

  async #begin(): Promise<Came> {
    const { session } = this.#frame;
    const effect = this.#effect;
    const { place, calls, attempt, path, tool, key } = effect;
    const ready = await this.#ready(effect);
    if ('obstacle' in ready) return { kind: 'not begun', error: ready.obstacle };
    if (effect.times === 0) await session.divergence.gate({ path, tool, key, args: ready.sent }, this.#life, this.#frame.life);
    session.check();
    await session.settle({ kind: 'effect.committing', place, calls, attempt, path, tool, key, args: ready.sent, effect: 'staged' });
    this.#round = 0;
    // A cancel that comes now comes too late: it is on record as begun. Only who lost the run must not begin.
    if (isLost(session.interrupted)) throw session.interrupted;
    const came = await this.#perform(effect, ready.known);
    if ('error' in came) {
      // Interrupted, it stays as it is: the next entry looks.
      session.check();
      return { kind: 'failed', error: came.error };
    }
    await this.#committed(came);
    return { kind: 'done' };
  }

  /** All that it is begun with, or what stands in its way. */
  async #ready(effect: EffectRecord): Promise<{ readonly known: KnownEffect; readonly sent: Json } | { readonly obstacle: ErrorRecord }> {
    const { session, path } = this.#frame;
    const { staleAt, tool } = effect;
    const obstacle = (message: string): { readonly obstacle: ErrorRecord } => ({
      obstacle: recordError(new AmdahlError('EFFECT_FAILED', message, { where: { call: effect.path } })),
    });
    if (!this.#late && staleAt !== undefined && session.clock.now() > staleAt)
      return obstacle(`'${tool}' was staged too long ago to be done unasked.`);
    const sent = replaced(session, effect.args);
    const [open] = receiptsIn(sent).filter(({ short }) => this.#isOpen(short));
    if (open !== undefined) return obstacle(`What ${open.text} stands for has no such field, or was not done.`);
    try {
      const known = await findOrWalk(this.#frame, this.#life, { ...effect, sent });
      if (known === undefined) return obstacle(`The program of '${path}' has no '${tool}' at '${effect.path}' any more.`);
      const checked = await known.code.args.validate(sent);
      if (checked.ok) return { known, sent };
      return obstacle(`The arguments of '${tool}' do not fit now that receipts are replaced: ${problemList(checked.problems)}.`);
    } catch (thrown) {
      session.check();
      return { obstacle: session.secrets.record(recordError(asAmdahl(thrown, effect.path))) };
    }
  }

  /** Whether a receipt is of one of these effects, so that it ought to have been replaced. */
  #isOpen(short: string): boolean {
    return this.#frame.session.effects.ofReceipt(short) !== undefined;
  }

  /** Runs it and waits for it, past a cancel too: what comes back then is known. Fails where it threw, or never came back. */
  async #perform(effect: EffectRecord, known: KnownEffect): Promise<{ readonly result: Json } | { readonly error: ErrorRecord }> {
    const { session } = this.#frame;
    const { clock, limits } = session;
    const { timeoutMs } = known.code;
    const abort = new AbortController();
    const stops: (() => void)[] = [];
    const failed = (thrown: unknown): { readonly error: ErrorRecord } => ({
      error: session.secrets.record(recordError(asAmdahl(thrown, effect.path))),
    });
    const late = new Promise<{ readonly error: ErrorRecord }>((resolve) => {
      const give = (error: AmdahlError): void => {
        abort.abort(error);
        resolve(failed(error));
      };
      stops.push(this.#life.onEnd((error) => void stops.push(clock.after(limits.actGraceMs, () => give(error)))));
      if (timeoutMs !== undefined) {
        const error = new AmdahlError('TIMEOUT', `'${effect.tool}' did not come back within ${timeoutMs} ms.`);
        // Aborted, it may still say what came of it: beginning again beside it would do it twice.
        const stop = (): void => {
          abort.abort(error);
          stops.push(clock.after(limits.actGraceMs, () => give(error)));
        };
        stops.push(clock.after(timeoutMs, stop));
      }
    });
    const code = new CodeAsker(this.#frame, effect.place, 0);
    try {
      return await Promise.race([this.#run(effect, known, code, abort.signal).catch(failed), late]);
    } finally {
      for (const stop of stops) stop();
      await code.finish();
    }
  }

  async #run(
    effect: EffectRecord,
    { code: of, about }: KnownEffect,
    code: CodeAsker,
    signal: AbortSignal,
  ): Promise<{ readonly result: Json }> {
    const { session } = this.#frame;
    const standIn = session.standIn((standIns) => of.standIn(standIns, effect));
    const given = about(signal);
    const { args, input } = given;
    const work = (): unknown => code.run(() => (standIn === undefined ? of.run(given) : standIn({ value: args, input, signal })));
    const made = await (session.secrets.none ? work() : session.secrets.guard(work));
    const result = session.secrets.clean(toJson(made ?? null, `the result of '${effect.path}'`));
    const checked = await of.result?.validate(result);
    if (checked === undefined || checked.ok) return { result };
    throw new AmdahlError('CONTRACT_VIOLATION', `What '${effect.tool}' gave does not fit its contract: ${problemList(checked.problems)}.`);
  }

  /** It may have happened: whether it did, or may begin again, is for its service to say. */
  async #look(begun: number): Promise<'done' | 'begin' | 'ask'> {
    const effect = this.#effect;
    const known = await findOrWalk(this.#frame, this.#life, effect).catch(() => undefined);
    this.#frame.session.check();
    if (known === undefined) return 'ask';
    const { rules } = known.code;
    const said = await verify(this.#frame, { effect, rules, about: known.about });
    if (said?.kind === 'done') {
      await this.#committed(said);
      return 'done';
    }
    if ((said?.kind !== 'not done' && rules.idempotent !== true) || begun > AGAIN_MAX) return 'ask';
    if (begun > 0) await this.#life.pause(this.#frame.session.clock, AGAIN_MS * 2 ** (begun - 1));
    return 'begin';
  }

  async #committed({ result = null, how }: { readonly result?: Json; readonly how?: 'verified' | 'person' }): Promise<undefined> {
    const { session } = this.#frame;
    const { place, calls, key } = this.#effect;
    await session.settle({ kind: 'effect.committed', place, calls, key, result, ...(how === undefined ? {} : { how }) });
    session.check();
  }

  /** Asks a person: this must be known. */
  async #ask(error: ErrorRecord | undefined): Promise<Settled> {
    const { session } = this.#frame;
    const { state, place, calls, key } = this.#effect;
    if (state === 'committing') session.note({ kind: 'effect.uncertain', place, calls, key, ...(error === undefined ? {} : { error }) });
    const unsaid = await expiredBefore(this.#frame, this.#effect);
    const question = this.#question(error ?? this.#effect.error, unsaid);
    this.#round += 1;
    return await askOutcome(this.#frame, this.#effect, question);
  }

  #question(error: ErrorRecord | undefined, unsaid: number): Question {
    const { session, path } = this.#frame;
    const { place, tool, args: staged, sent, key, times } = this.#effect;
    const all = this.#confirmed.effects.flatMap((one) => session.effects.get(one) ?? []);
    const shown = (effects: readonly EffectRecord[]): Json => effects.map((one) => ({ tool: one.tool, args: one.sent ?? one.args }));
    const what = `'${tool}', which '${path}' confirmed,`;
    const why = error === undefined ? '' : ` ${error.message.replace(/\.?$/, '.')}`;
    return {
      of: 'effect',
      place,
      calls: chainOf(this.#frame),
      path,
      question:
        times === 0
          ? `${what} was not begun.${why} What is to become of it?`
          : `${what} may or may not have been done.${why} Look there: was it?`,
      about: {
        tool,
        args: sent ?? staged,
        key,
        ...(error === undefined ? {} : { error: toJson(error, 'an error') }),
        committed: shown(all.filter((one) => one.state === 'committed')),
        remaining: shown(all.filter((one) => one.state === 'staged' && one.key !== key)),
      },
      form: OUTCOME_FORM,
      nth: `${this.#confirmed.nth}.${times}.${this.#round}.${unsaid}`,
    };
  }
}

/** Whether somebody else may work on the run. */
function isLost(error: AmdahlError | undefined): error is AmdahlError {
  return error !== undefined && /^(RUN|JOURNAL)_/.test(error.code);
}
