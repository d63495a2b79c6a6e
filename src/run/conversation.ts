// A model attempt: fills the ports of model/loop.ts with tools, judging and the requests to its models. One per attempt.
//
// I3 a turn with a durable answer is never sent again: the turn is durable before its tools run or the next is sent.

import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolCall,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import type { ModelBehaviour } from '../agent/agent.ts';
import type { ToolResult } from '../agent/checks.ts';
import { AmdahlError, type Problem } from '../agent/errors.ts';
import type { Place } from '../journal/event.ts';
import { finishOf, readAnswer } from '../model/answer.ts';
import { readable, withSystem } from '../model/foreign.ts';
import { send } from '../model/send.ts';
import { converse, type Judged, type RecordedTurn, type Reply, type Talk, type TurnRequest } from '../model/loop.ts';
import { type Fixed, opening, repairMessage } from '../model/render.ts';
import { estimatePrompt } from '../model/tokens.ts';
import { accountsFrom } from './account.ts';
import { Aloud } from './aloud.ts';
import type { Asker, Frame } from './asker.ts';
import type { Attempt, Input } from './attempts.ts';
import { type Asked, askedSoFar, inLine, inVain, movesOn, nobodyAsked, QUESTION, reasonOf, type Tried } from './fallback.ts';
import { judge } from './judge.ts';
import { limitError } from './limits.ts';
import { ModelRequest } from './modelRequest.ts';
import type { Candidate, Candidates } from './models.ts';
import { askerPlace } from './place.ts';
import { foldTurns } from './recorded.ts';
import { callTool, type ToolTurn } from './tools.ts';
import { cutByBudget, withheldBy } from './withheld.ts';

/** The request header that carries a turn's id, for servers that count and for people who debug. */
const TURN_HEADER = 'x-amdahl-turn';

type Prompt = LanguageModelV4Message[];

/** A model that a turn asks, and whether another is behind it. */
interface Step {
  readonly candidate: Candidate;
  readonly hasNext: boolean;
}

export class Conversation implements Talk {
  recorded: readonly RecordedTurn[] = [];
  readonly #frame: Frame;
  readonly #behaviour: ModelBehaviour;
  readonly #input: Input;
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

  constructor(frame: Frame, behaviour: ModelBehaviour, input: Input, attempt: Attempt) {
    this.#frame = frame;
    this.#behaviour = behaviour;
    this.#input = input;
    this.#attempt = attempt;
    this.#asker = frame.asker.attempt(frame, attempt.number);
    this.#aloud = new Aloud(frame, attempt.number);
    this.#candidates = frame.session.candidatesOf(frame.agent);
    this.#present = this.#candidates[0];
    this.#asked = nobodyAsked(this.#present.name);
    this.#fixed = frame.session.fixedOf(frame.agent);
  }

  /** Holds the conversation to its end, going on where it stopped. */
  hold(): Promise<Judged> {
    return this.#aloud.isHeard ? this.#converseAloud() : this.#converse();
  }

  #converse(): Promise<Judged> {
    return this.#attempt.again ? this.#goOn() : converse(this);
  }

  /** What did not come to an answer is taken back. */
  async #converseAloud(): Promise<Judged> {
    let judged: Judged | undefined;
    try {
      judged = await this.#converse();
      return judged;
    } finally {
      if (judged?.ok !== true) this.#aloud.withdraw();
    }
  }

  async #goOn(): Promise<Judged> {
    const { session } = this.#frame;
    const entries = await session.recall(this.#asker.place);
    this.recorded = foldTurns(entries);
    this.#asked = askedSoFar(entries, this.#candidates[0].name, this.#attempt.renewedSeq);
    const named = (name: string | undefined): Candidate | undefined => this.#candidates.find((one) => one.name === name);
    this.#present = named(this.#asked.present) ?? this.#candidates[0];
    for (const [turn, { reply }] of this.recorded.entries()) {
      const author = reply?.formless === true ? named(this.#asked.authors[turn]) : undefined;
      if (author !== undefined) session.noteFormless(author.model);
    }
    return await converse(this);
  }

  get turnsMax(): number {
    return this.#turns + this.#before().length;
  }

  get #turns(): number {
    return this.#behaviour.turns ?? this.#frame.session.limits.turns;
  }

  get repairsMax(): number {
    const before = this.#before();
    const last = before.at(-1)?.reply;
    // What was withheld, or cut off by a budget, was no chance to answer: a resume may ask once more.
    const denied = last?.finish === 'content-filter' || (last?.finish === 'length' && last.capped);
    return this.#behaviour.repairs + before.filter((turn) => turn.why === 'repair').length + Number(denied);
  }

  /** The turns that the bounds do not count: they led to a failure that was forgotten. */
  #before(): readonly RecordedTurn[] {
    return this.recorded.filter((turn) => turn.seq < this.#attempt.renewedSeq);
  }

  opening(): readonly LanguageModelV4Message[] | Promise<readonly LanguageModelV4Message[]> {
    return this.#knowingForms((formless) => opening(this.#fixed, this.#input.value, formless));
  }

  repair(problems: readonly Problem[]): LanguageModelV4Message | Promise<LanguageModelV4Message> {
    const json = this.#frame.agent.output.kind !== 'text';
    return this.#knowingForms((formless) => repairMessage(problems, json, formless ? this.#fixed.format : undefined));
  }

  /** Only a model that is loaded says whether its provider passes on the form of an answer. */
  #knowingForms<T>(make: (formless: boolean) => T): T | Promise<T> {
    const { session, life } = this.#frame;
    const { model } = this.#present;
    const known = session.prepare(model);
    const made = (): T => make(session.isFormless(model));
    return known instanceof Promise ? life.race(known).then(made) : made();
  }

  tooManyTurns(): AmdahlError {
    return limitError(
      'turns',
      this.#turns,
      `'${this.#frame.path}' needs more model requests in one attempt than it may make`,
      'Look for a loop in its tool calls with amdahl show, or raise turns.',
    );
  }

  cutOff(turn: number): AmdahlError | undefined {
    const answered = this.recorded[turn]?.replySeq ?? Infinity;
    return answered < this.#attempt.renewedSeq ? undefined : cutByBudget(this.#frame.path);
  }

  withheld(turn: number, reply: Reply): AmdahlError | undefined {
    const answered = this.recorded[turn]?.replySeq ?? Infinity;
    return answered < this.#attempt.renewedSeq
      ? undefined
      : withheldBy(this.#asked.authors[turn] ?? this.#present.name, this.#frame.path, reply);
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
        if (isForGood(thrown)) session.giveUp(candidate.model, thrown);
        step = following;
      }
    }
  }

  /** Whom a turn asks, in order, and why it begins with another than the one before; `tried` has those that were given up. */
  #line(): { readonly tried: Tried[]; readonly first: Step; readonly next: Step[]; readonly why: string } {
    const { session } = this.#frame;
    const line = inLine(this.#candidates, this.#present);
    const tried = line.flatMap(({ name, model }): Tried[] => {
      const error = session.givenUp(model);
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
    if (name === this.#asked.told) return;
    this.#asked.told = name;
    const { place } = this.#asker;
    this.#frame.session.note({ kind: 'decision', place, question: QUESTION, choice: name, reason });
  }

  async #sendTo(candidate: Candidate, request: TurnRequest, hasNext: boolean): Promise<Reply> {
    const { session, life, account } = this.#frame;
    const { model } = candidate;
    const known = session.prepare(model);
    const facts = known instanceof Promise ? await life.race(known) : known;
    const prompt = this.#promptFor(candidate, request.prompt);
    const outgoing = {
      model,
      hasNext,
      options: this.#options(prompt, request.turn),
      tokensIn: this.#estimate(candidate, request, prompt),
      tokensOutAssumed: session.limits.outputTokensAssumed,
      metered: accountsFrom(account).some(({ budget }) => budget.tokens !== undefined || budget.usd !== undefined),
      bounds: session.limits,
      ...(facts.contextTokens === undefined ? {} : { contextTokens: facts.contextTokens }),
    };
    const { turn, why, adds } = request;
    const parts = { frame: this.#frame, attempt: this.#attempt.number, place: this.#asker.place, aloud: this.#aloud, asked: this.#asked };
    const sent = await send(outgoing, new ModelRequest({ ...parts, candidate, price: facts.price, turn, why, adds, begin: prompt[0] }));
    if (!sent.ok) throw sent.error;
    this.#present = candidate;
    this.#asked.authors[turn] = candidate.name;
    this.#tokens = sent.usage.tokensIn + sent.usage.tokensOut;
    this.#tokensFor = request.prompt.length + 1;
    const { content, structuredOutputText: text } = sent.result;
    return { content, ...finishOf(sent.result), capped: sent.capped, ...(text === undefined ? {} : { text }) };
  }

  /**
   * The conversation as a model reads it: without what only another would understand, and with the form of the answer
   * spelled out where it must be. The first was given that with the opening: what it has begun to read stays as it is.
   */
  #promptFor(candidate: Candidate, whole: Prompt): Prompt {
    const { model, name } = candidate;
    const prompt = readable(whole, (nth) => this.#asked.authors[nth] === name);
    const { instructions, instructionsWithForm } = this.#fixed;
    const unformed = prompt[0]?.role === 'system' && prompt[0].content === instructions.content;
    if (candidate === this.#candidates[0] || !unformed || !this.#frame.session.isFormless(model)) return prompt;
    return withSystem(prompt, instructionsWithForm);
  }

  #options(prompt: Prompt, turn: number): LanguageModelV4CallOptions {
    const { settings } = this.#behaviour;
    return {
      prompt,
      headers: { [TURN_HEADER]: this.#turnPlace(turn) },
      responseFormat: this.#fixed.format,
      ...(this.#fixed.tools.length === 0 ? {} : { tools: this.#fixed.tools, toolChoice: { type: 'auto' } }),
      ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
      ...(settings.maxOutputTokens === undefined ? {} : { maxOutputTokens: settings.maxOutputTokens }),
    };
  }

  #estimate(candidate: Candidate, { prompt: whole, turn }: TurnRequest, prompt: Prompt): number {
    if (turn === 0 || this.#tokensFor === 0 || candidate !== this.#present) return estimatePrompt(prompt) + this.#fixed.tokens;
    return this.#tokens + estimatePrompt(whole.slice(this.#tokensFor));
  }

  async callTools(turn: number, calls: readonly LanguageModelV4ToolCall[]): Promise<LanguageModelV4ToolResultPart[]> {
    const { session, path } = this.#frame;
    const { toolCalls } = session.limits;
    if (calls.length > toolCalls) {
      throw limitError(
        'toolCalls',
        toolCalls,
        `'${path}' called ${calls.length} tools in one turn`,
        'Tell it to call fewer at once, or raise limits.toolCalls.',
      );
    }
    await session.append();
    const again = turn < this.recorded.length;
    const toolTurn: ToolTurn = {
      frame: this.#frame,
      asker: this.#asker,
      tools: this.#behaviour.tools,
      input: this.#input,
      attempt: this.#attempt.number,
      turn,
      again,
    };
    // One that rejects says that the call is over; the others may be acts, which are waited for all the same.
    const told = await Promise.allSettled(calls.map((call, index) => callTool(toolTurn, call, index)));
    return told.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  }

  judge(reply: Reply, results: readonly ToolResult[]): Judged | Promise<Judged> {
    const { agent, session, path } = this.#frame;
    const answer = readAnswer(reply, agent.output, this.#fixed.unwrap);
    if (!answer.ok) return { ok: false, why: 'contract', problems: [{ path: '', message: answer.message }] };
    const { payloadBytes } = session.limits;
    if (answer.chars > payloadBytes)
      throw limitError(
        'payloadBytes',
        payloadBytes,
        `The output of '${path}' has ${answer.chars} bytes`,
        'Ask for less, or raise limits.payloadBytes.',
      );
    return judge(this.#frame, answer.raw, () => ({ input: this.#input.value, results }));
  }

  async repaired(turn: number, problems: readonly Problem[]): Promise<void> {
    this.#aloud.withdraw();
    await this.#frame.session.append({ kind: 'attempt.repaired', place: this.#asker.place, turn, problems });
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
