// Reuse by content: an answer that was bought elsewhere, in an earlier entry of this run or in another run, in place of buying
// it again (design §2). Asked by the funnel for a call that is new at its place, after its input was let through.
//
// R3 what it gives passes contract and checks as if it had been bought, and is durable before its asker sees it.
// R4 nothing crosses a scope, and nothing of a call with context crosses a subject.

import { isSelfContained, type ReuseRule, unrepeatable } from '../agent/reuse.ts';
import { canonical, hash } from '../agent/canonical.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { contextParts } from '../agent/context.ts';
import type { Json, Origin, Place, RunId } from '../journal/event.ts';
import type { AnswerIndex, Content } from './answerIndex.ts';
import { nthOf } from './answerIndex.ts';
import { evidenceOf } from './answered.ts';
import type { Frame } from './asker.ts';
import { judge } from './judge.ts';
import { askerPlace } from './place.ts';
import { foldCall, type RecordedCall } from './recorded.ts';

export interface ReuseOptions {
  /** What the run says of agents that say nothing. */
  readonly rule: ReuseRule | undefined;
  readonly scope: string | undefined;
  readonly subject: Json | undefined;
  /** Answers of this run's earlier entries. */
  readonly own: AnswerIndex | undefined;
  /** Answers of the run that is run again, and whether it was of the same subject. */
  readonly source: { readonly answers: AnswerIndex; readonly sameSubject: boolean } | undefined;
}

/** What an answer was found as: the outcome at a place of a run. */
interface Found {
  readonly run: RunId;
  readonly place: Place;
  readonly path?: string;
  readonly recorded: RecordedCall;
}

export class Reuse {
  readonly #options: ReuseOptions;

  constructor(options: ReuseOptions) {
    this.#options = options;
  }

  /** By what other runs find the answer of this call; undefined where they may not. */
  keyFor(frame: Frame): string | undefined {
    const { agent, session, place, gaps, makeshift } = frame;
    if (this.#ruleOf(agent) === undefined || makeshift === true || session.effects.stand(place)) return undefined;
    return gaps !== undefined && gaps.length > 0 ? undefined : this.#keyOf(frame);
  }

  /** An answer that was bought elsewhere, recorded as this call's; undefined where it must be bought. */
  async answer(frame: Frame, raw: Json, input: unknown, recorded: RecordedCall): Promise<{ readonly value: unknown } | undefined> {
    const { agent } = frame;
    // A call that was tried, or whose answer was forgotten, is to be asked.
    if (recorded.attempts.length > 0 || recorded.retracted !== undefined) return undefined;
    if (agent.reuse?.from === 'off' || unrepeatable(agent) !== undefined) return undefined;
    for await (const found of this.#found(frame)) {
      const value = await this.#use(frame, found, raw, input);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** This run's own answers first, then those of the run that is run again, then those of the scope, newest first. */
  async *#found(frame: Frame): AsyncGenerator<Found> {
    const { session, agent, path } = frame;
    const { own, source } = this.#options;
    const content: Content = {
      agent: agent.name,
      fingerprint: session.roster.fingerprintOf(agent),
      inputHash: frame.inputHash,
      nth: nthOf(path, agent.name),
    };
    const asked = session.findings?.asked;
    for (const index of [own, hasContext(agent) && source?.sameSubject !== true ? undefined : source?.answers]) {
      const kept = await index?.take(content, path, (place) => index !== own || asked?.has(place) !== true);
      if (index === undefined || kept === undefined) continue;
      const { run } = index;
      yield { run, place: kept.place, path: kept.path, recorded: foldCall(await session.lookUp(kept.place, run)) };
    }
    yield* this.#foundInScope(frame);
  }

  async *#foundInScope(frame: Frame): AsyncGenerator<Found> {
    const { session, agent } = frame;
    const rule = this.#ruleOf(agent);
    const key = rule === undefined ? undefined : this.#keyOf(frame);
    if (rule === undefined || key === undefined) return;
    for (const { run, place, seq, at } of await session.answers(key)) {
      if (run === session.run || session.clock.now() - at > rule.maxAgeMs) continue;
      const entries = await session.lookUp(place, run);
      // It may have been forgotten by its own run since, and another stand there now.
      const standing = entries.findLast(
        ({ event }) => event.kind === 'call.succeeded' || event.kind === 'call.failed' || event.kind === 'call.retracted',
      );
      if (standing?.seq === seq) yield { run, place, recorded: foldCall(entries) };
    }
  }

  async #use(frame: Frame, found: Found, raw: Json, input: unknown): Promise<{ readonly value: unknown } | undefined> {
    const { session, agent, place } = frame;
    const { outcome } = found.recorded;
    const print = session.roster.fingerprintOf(agent);
    if (outcome?.kind !== 'succeeded' || outcome.fingerprint !== print || outcome.output === undefined || outcome.gaps.length > 0)
      return undefined;
    const from: Origin = outcome.from === undefined ? await this.#originOf(frame, found) : originFrom(outcome.from, found.run, session.run);
    const evidence = agent.checks.length === 0 ? { input, results: [] } : await evidenceOf(frame, from, raw);
    if (evidence === undefined) return undefined;
    const judged = await judge(frame, outcome.output, () => evidence);
    if (!judged.ok) return undefined;
    session.check();
    frame.life.check();
    const { findings } = session;
    if (findings !== undefined) {
      if (found.run === session.run) findings.asked.add(found.place);
      findings.fresh -= 1;
      findings.reused += 1;
    }
    await session.append({
      kind: 'call.succeeded',
      place,
      ...(print === undefined ? {} : { fingerprint: print }),
      output: outcome.output,
      from,
    });
    return { value: judged.value };
  }

  /** Where it was bought, and what its turns cost there. Calls below it are not counted. */
  async #originOf({ session }: Frame, { run, place, path, recorded }: Found): Promise<Origin> {
    let [requests, tokens, usdMicros] = [0, 0, 0];
    for (const { number } of recorded.attempts) {
      for (const { event } of await session.lookUp(askerPlace(place, 'attempt', number), run)) {
        if (event.kind === 'model.requested') requests += 1;
        if (event.kind !== 'model.responded' && event.kind !== 'model.failed') continue;
        tokens += event.usage.tokensIn + event.usage.tokensOut;
        usdMicros += event.usdMicros ?? 0;
      }
    }
    return { ...(run === session.run ? {} : { run }), place, ...(path === undefined ? {} : { path }), requests, tokens, usdMicros };
  }

  /** Whether other runs come into question. A run speaks for agents that depend on nothing but what they are asked; others speak for themselves. */
  #ruleOf(agent: AnyAgent): ReuseRule | undefined {
    const { rule, scope } = this.#options;
    const own = agent.reuse ?? (rule !== undefined && isSelfContained(agent) ? rule : undefined);
    return scope === undefined || own?.from !== 'journal' || unrepeatable(agent) !== undefined ? undefined : own;
  }

  #keyOf({ agent, session, path, inputHash }: Frame): string | undefined {
    const { scope, subject } = this.#options;
    // Who asks the same thing twice wants another answer.
    if (nthOf(path, agent.name) !== '') return undefined;
    const whose = hasContext(agent) ? { scope, subject } : { scope };
    if (hasContext(agent) && subject === undefined) return undefined;
    return hash(canonical({ ...whose, agent: agent.name, fingerprint: session.roster.fingerprintOf(agent), inputHash }));
  }
}

function hasContext(agent: AnyAgent): boolean {
  return contextParts(agent).length > 0;
}

/** Of an answer that was itself taken from elsewhere: as seen from this run. */
function originFrom(from: Origin, seenFrom: RunId, self: RunId): Origin {
  const { run = seenFrom, ...rest } = from;
  return run === self ? rest : { run, ...rest };
}
