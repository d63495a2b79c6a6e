// The turns of one attempt as they are sent: each asks its models in line, one after the other, until one answers. Made by
// conversation.ts, one per attempt.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4ToolChoice } from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';
import type { Entry, Place } from '../journal/event.ts';
import { finishOf } from '../model/answer.ts';
import { uncached } from '../model/cacheMarkers.ts';
import { cachePlan } from '../model/cachePlan.ts';
import { readable, withSystem } from '../model/foreign.ts';
import type { RecordedTurn, Reply, TurnRequest } from '../model/loop.ts';
import type { Fixed } from '../model/render.ts';
import { send } from '../model/send.ts';
import { estimatePrompt } from '../model/tokens.ts';
import { accountsFrom } from './account.ts';
import type { Aloud } from './aloud.ts';
import type { Asker, Frame } from './asker.ts';
import type { Attempt } from './attempts.ts';
import { type Asked, askedSoFar, inLine, inVain, movesOn, nobodyAsked, QUESTION, reasonOf, type Tried } from './fallback.ts';
import { ModelRequest } from './modelRequest.ts';
import type { Candidate, Candidates } from './models.ts';
import { askerPlace } from './place.ts';

/** The request header that carries a turn's id, for servers that count and for people who debug. */
export const TURN_HEADER = 'x-amdahl-turn';

type Prompt = LanguageModelV4Message[];

/** A model that a turn asks, and whether another is behind it. */
interface Step {
  readonly candidate: Candidate;
  readonly hasNext: boolean;
}

/** What the turns of an attempt have in common. */
interface Bearings {
  readonly frame: Frame;
  readonly attempt: Attempt;
  /** The attempt. */
  readonly asker: Asker;
  readonly aloud: Aloud;
  readonly fixed: Fixed;
}

export class Turns {
  readonly #frame: Frame;
  readonly #attempt: Attempt;
  readonly #asker: Asker;
  readonly #aloud: Aloud;
  readonly #fixed: Fixed;
  readonly #candidates: Candidates;
  /** Who is asked first in the next turn. */
  #present: Candidate;
  /** What the journal says of who is asked, by name. */
  #asked: Asked;
  /** Estimated input of the next request to who answered last: what that had, and what was added since. */
  #tokens = 0;
  #tokensFor = 0;

  constructor({ frame, attempt, asker, aloud, fixed }: Bearings) {
    this.#frame = frame;
    this.#attempt = attempt;
    this.#asker = asker;
    this.#aloud = aloud;
    this.#fixed = fixed;
    this.#candidates = frame.session.roster.candidatesOf(frame.agent);
    this.#present = this.#candidates[0];
    this.#asked = nobodyAsked(this.#present.name);
  }

  /** Goes on with whom the journal says, and as it says. */
  goOn(entries: readonly Entry[], recorded: readonly RecordedTurn[]): void {
    const { session } = this.#frame;
    this.#asked = askedSoFar(entries, this.#candidates[0].name, this.#attempt.renewedSeq);
    const named = (name: string | undefined): Candidate | undefined => this.#candidates.find((one) => one.name === name);
    this.#present = named(this.#asked.present) ?? this.#candidates[0];
    for (const [turn, { reply }] of recorded.entries()) {
      const author = reply?.formless === true ? named(this.#asked.authors[turn]) : undefined;
      if (author !== undefined) session.roster.noteFormless(author.model);
    }
  }

  /** Only a model that is loaded says whether its provider passes on the form of an answer. */
  knowingForms<T>(make: (formless: boolean) => T): T | Promise<T> {
    const { session, life } = this.#frame;
    const { model } = this.#present;
    const known = session.roster.prepare(model);
    const made = (): T => make(session.roster.isFormless(model));
    return known instanceof Promise ? life.race(known).then(made) : made();
  }

  /** All models that may be asked. One that cannot be loaded is left out: it says so itself when it is asked. */
  async readyModels(): Promise<readonly LanguageModelV4[]> {
    const { session, life } = this.#frame;
    const ready = this.#candidates.map(async ({ model }) => await session.roster.prepare(model));
    const prepared = await life.race(Promise.allSettled(ready));
    return this.#candidates.flatMap(({ model }, nth) => (prepared[nth]?.status === 'fulfilled' ? [model] : []));
  }

  /** Who answered a turn, or would be asked. */
  authorOf(turn: number): string {
    return this.#asked.authors[turn] ?? this.#present.name;
  }

  /**
   * Asks the models in line until one answers, or fails for a reason that the next would have too. Who was left because its
   * provider was down is asked once more when nobody else answered, and then waited for as if it were alone: with others
   * behind it a model must not lose what it would have finished without them.
   */
  async send(request: TurnRequest): Promise<Reply> {
    const { session, life, path } = this.#frame;
    const { tried, first, next, why } = this.#line();
    const again: Step[] = [];
    for (let [step, reason] = [first, why]; ; reason = reasonOf(tried.at(-1))) {
      const { candidate, hasNext } = step;
      life.check();
      session.check();
      this.#turnTo(candidate, reason);
      try {
        return await this.#sendTo(candidate, request, hasNext);
      } catch (thrown) {
        if (!(thrown instanceof AmdahlError)) throw thrown;
        tried.push({ name: candidate.name, error: thrown });
        if (hasNext && thrown.data['incident'] !== undefined) again.push({ candidate, hasNext: false });
        if (!movesOn(thrown)) next.length = 0;
        const following = next.shift() ?? again.shift();
        if (following === undefined) throw inVain(path, tried, thrown);
        if (isForGood(thrown)) session.roster.giveUp(candidate.model, thrown);
        step = following;
      }
    }
  }

  /** Whom a turn asks, in order, and why it begins with another than the one before; `tried` has those that were given up. */
  #line(): { readonly tried: Tried[]; readonly first: Step; readonly next: Step[]; readonly why: string } {
    const { session } = this.#frame;
    const line = inLine(this.#candidates, this.#present);
    const tried = line.flatMap(({ name, model }): Tried[] => {
      const error = session.roster.givenUp(model);
      return error === undefined ? [] : [{ name, error }];
    });
    const open = line.filter(({ name }) => tried.every((one) => one.name !== name));
    const [candidate, ...others] = open;
    // Where all were given up the first says so itself.
    if (candidate === undefined) return { tried: [], first: { candidate: line[0], hasNext: false }, next: [], why: reasonOf(undefined) };
    const [left] = candidate === line[0] ? [] : tried;
    return {
      tried,
      first: { candidate, hasNext: others.length > 0 },
      next: others.map((one, nth) => ({ candidate: one, hasNext: nth < others.length - 1 })),
      why: left === undefined ? reasonOf(undefined) : `${left.name} is not asked any more in this run: ${left.error.code}`,
    };
  }

  /** Notes that another is asked than the journal says. */
  #turnTo({ name }: Candidate, reason: string): void {
    if (name !== this.#candidates[0].name) this.#frame.makeshift = true;
    if (name === this.#asked.told) return;
    this.#asked.told = name;
    const { place } = this.#asker;
    this.#frame.session.note({ kind: 'decision', place, question: QUESTION, choice: name, reason });
  }

  async #sendTo(candidate: Candidate, request: TurnRequest, hasNext: boolean): Promise<Reply> {
    const { session, life, account } = this.#frame;
    const { model } = candidate;
    const known = session.roster.prepare(model);
    const facts = known instanceof Promise ? await life.race(known) : known;
    const prompt = this.#promptFor(candidate, request.prompt, request.turn);
    const { turn, why, adds } = request;
    const tokensIn = this.#estimate(candidate, request, prompt);
    const { behaviour } = this.#frame.agent;
    const isOff = behaviour.kind === 'model' && behaviour.rendering.cache === 'off';
    const plan = isOff ? undefined : cachePlan({ model, fixed: this.#fixed, price: facts.price, prompt, turn, tokensIn });
    const options = this.#options(prompt, turn);
    const outgoing = {
      model,
      hasNext,
      options: plan === undefined ? uncached(model, options) : options,
      tokensIn,
      tokensOutAssumed: session.limits.outputTokensAssumed,
      metered: accountsFrom(account).some(({ budget }) => budget.tokens !== undefined || budget.usd !== undefined),
      bounds: session.limits,
      ...(facts.contextTokens === undefined ? {} : { contextTokens: facts.contextTokens }),
    };
    const parts = { frame: this.#frame, attempt: this.#attempt.number, place: this.#asker.place, aloud: this.#aloud, asked: this.#asked };
    const sent = await send(
      outgoing,
      new ModelRequest({ ...parts, candidate, price: facts.price, turn, why, adds, begin: prompt[0], cachePlan: plan }),
    );
    if (!sent.ok) throw sent.error;
    this.#present = candidate;
    this.#asked.authors[turn] = candidate.name;
    this.#tokens = sent.usage.tokensIn + sent.usage.tokensOut;
    this.#tokensFor = request.prompt.length + 1;
    const { content, text, hidden } = session.secrets.reply(sent.result);
    return {
      content,
      ...finishOf(sent.result),
      capped: sent.capped,
      ...(text === undefined ? {} : { text }),
      ...(hidden.length === 0 ? {} : { hidden }),
    };
  }

  /**
   * The conversation as a model reads it: without what only another would understand, and with the form of the answer
   * spelled out where it must be. The first was given that with the opening: what it has begun to read stays as it is.
   */
  #promptFor(candidate: Candidate, whole: Prompt, turn: number): Prompt {
    const { model, name } = candidate;
    // What was said before the attempt is told to the first model as it came: it may be its own.
    const history = whole.filter(({ role }) => role === 'assistant').length - turn;
    const isFirst = candidate === this.#candidates[0];
    const prompt = readable(whole, (nth) => (nth < history ? isFirst : this.#asked.authors[nth - history] === name));
    const { instructions, instructionsWithForm } = this.#fixed;
    const unformed = prompt[0]?.role === 'system' && prompt[0].content === instructions.content;
    if (candidate === this.#candidates[0] || !unformed || !this.#frame.session.roster.isFormless(model)) return prompt;
    return withSystem(prompt, instructionsWithForm);
  }

  #options(prompt: Prompt, turn: number): LanguageModelV4CallOptions {
    const { tools, format } = this.#fixed;
    const settings = this.#frame.session.roster.settingsOf(this.#frame.agent);
    const { temperature, maxOutputTokens, topP, topK, reasoning, stop, seed, headers, providerOptions } = settings;
    return {
      prompt,
      headers: { ...headers, [TURN_HEADER]: this.#turnPlace(turn) },
      responseFormat: format,
      ...(tools.length === 0 ? {} : { tools, toolChoice: choiceOf(settings.toolChoice, turn, tools) }),
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      ...(topP === undefined ? {} : { topP }),
      ...(topK === undefined ? {} : { topK }),
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(stop === undefined ? {} : { stopSequences: [...stop] }),
      ...(seed === undefined ? {} : { seed: seed + this.#attempt.number }),
      ...(providerOptions === undefined ? {} : { providerOptions }),
    };
  }

  #estimate(candidate: Candidate, { prompt: whole, turn }: TurnRequest, prompt: Prompt): number {
    if (turn === 0 || this.#tokensFor === 0 || candidate !== this.#present) return estimatePrompt(prompt) + this.#fixed.tokens;
    return this.#tokens + estimatePrompt(whole.slice(this.#tokensFor));
  }

  #turnPlace(turn: number): Place {
    return askerPlace(this.#asker.place, 'turn', turn);
  }
}
/**
 * Whether a provider takes nothing from this account, whatever it is asked. What a 403 says may hold for this one request:
 * firewalls look into what is sent.
 */
function isForGood({ code, data }: AmdahlError): boolean {
  return (code === 'MODEL_UNAUTHORIZED' && data['status'] !== 403) || (code === 'MODEL_RATE_LIMITED' && data['quota'] === true);
}

/** What must be called is called first; a choice for all agents means those that have such a tool. Pure. */
function choiceOf(choice: string | undefined, turn: number, tools: Fixed['tools']): LanguageModelV4ToolChoice {
  if (choice === 'none') return { type: 'none' };
  if (choice === undefined || choice === 'auto' || turn > 0) return { type: 'auto' };
  if (choice === 'required') return { type: 'required' };
  return tools.some(({ name }) => name === choice) ? { type: 'tool', toolName: choice } : { type: 'auto' };
}
