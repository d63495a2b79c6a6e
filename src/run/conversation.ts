// A model attempt: fills the ports of model/loop.ts with journal, budget, tools and judging. One per attempt.
//
// I3 a turn with a durable answer is never sent again: the turn is durable before its tools run or the next is sent.
// I8 every request is reserved before it is noted, and noted before it is sent.

import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolCall,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import type { ModelBehaviour } from '../agent/agent.ts';
import type { ToolResult } from '../agent/checks.ts';
import { AmdahlError, type Problem, recordError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import type { Place } from '../journal/event.ts';
import { finishOf, lacksForm, readAnswer } from '../model/answer.ts';
import { type Answered, type Failed, type GatePorts, type Reserved, send } from '../model/gate.ts';
import { converse, type Judged, type RecordedTurn, type Reply, type Talk, type TurnRequest } from '../model/loop.ts';
import { type Fixed, opening, repairMessage } from '../model/render.ts';
import { type Price, reservationUsdMicros } from '../model/prices.ts';
import { estimatePrompt } from '../model/tokens.ts';
import type { Sendings } from '../model/resend.ts';
import type { Delta } from '../model/turnStream.ts';
import { accountsFrom, type Reservation, reserve, type Wanted } from './account.ts';
import type { Asker, Frame } from './asker.ts';
import type { Attempt, Input } from './attempts.ts';
import { judge } from './judge.ts';
import { limitError } from './limits.ts';
import { askerPlace } from './place.ts';
import { foldTurns } from './recorded.ts';
import { callTool, type ToolTurn } from './tools.ts';
import { cutByBudget, withheldBy } from './withheld.ts';

/** The request header that carries a turn's id, for servers that count and for people who debug. */
const TURN_HEADER = 'x-amdahl-turn';

export class Conversation implements Talk, GatePorts {
  price: Price | undefined;
  recorded: readonly RecordedTurn[] = [];
  readonly #frame: Frame;
  readonly #behaviour: ModelBehaviour;
  readonly #input: Input;
  readonly #attempt: Attempt;
  readonly #asker: Asker;
  readonly #fixed: Fixed;
  readonly #model: LanguageModelV4;
  #request: TurnRequest | undefined;
  /** The turn of which somebody heard something that was not taken back. */
  #heard: number | undefined;
  /** Estimated input of the next request: what the last one really had, and what was added since. */
  #tokens = 0;
  #tokensFor = 0;

  constructor(frame: Frame, behaviour: ModelBehaviour, input: Input, attempt: Attempt) {
    this.#frame = frame;
    this.#behaviour = behaviour;
    this.#input = input;
    this.#attempt = attempt;
    this.#asker = frame.asker.attempt(frame, attempt.number);
    this.#model = frame.session.modelOf(frame.agent);
    this.#fixed = frame.session.fixedOf(frame.agent);
  }

  /** Holds the conversation to its end, going on where it stopped. */
  hold(): Promise<Judged> {
    return this.#frame.session.onDelta === undefined ? this.#converse() : this.#converseAloud();
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
      if (judged?.ok !== true) this.#withdraw();
    }
  }

  #withdraw(): void {
    if (this.#heard === undefined) return;
    this.#tell(this.#heard, { type: 'withdrawn' });
    this.#heard = undefined;
  }

  async #goOn(): Promise<Judged> {
    this.recorded = foldTurns(await this.#frame.session.recall(this.#asker.place));
    if (this.recorded.some(({ reply }) => reply?.formless === true)) this.#frame.session.noteFormless(this.#model);
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
    const known = session.prepare(this.#model);
    const made = (): T => make(session.isFormless(this.#model));
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
    return answered < this.#attempt.renewedSeq ? undefined : withheldBy(modelName(this.#model), this.#frame.path, reply);
  }

  /** The ports of the gate below are this conversation's, for the one request that it has on its way. */
  async send(request: TurnRequest): Promise<Reply> {
    const { session, life, account } = this.#frame;
    life.check();
    session.check();
    const known = session.prepare(this.#model);
    const { price, contextTokens } = known instanceof Promise ? await life.race(known) : known;
    this.price = price;
    this.#request = request;
    const sent = await send(
      {
        model: this.#model,
        options: this.#options(request),
        tokensIn: this.#estimate(request),
        tokensOutAssumed: session.limits.outputTokensAssumed,
        metered: accountsFrom(account).some(({ budget }) => budget.tokens !== undefined || budget.usd !== undefined),
        bounds: session.limits,
        ...(contextTokens === undefined ? {} : { contextTokens }),
      },
      this,
    );
    if (!sent.ok) throw sent.error;
    const { content, structuredOutputText: text } = sent.result;
    return { content, ...finishOf(sent.result), capped: sent.capped, ...(text === undefined ? {} : { text }) };
  }

  get sendings(): Sendings {
    return this.#frame.session.sendings;
  }

  get random(): () => number {
    return this.#frame.session.random;
  }

  now(): number {
    return this.#frame.session.clock.now();
  }

  after(ms: number, then: () => void): () => void {
    return this.#frame.session.clock.after(ms, then);
  }

  reserve(wanted: Wanted): Reservation | Promise<Reservation> {
    const { account, life, session } = this.#frame;
    return this.#waited('budget', reserve(account, wanted, life, session.limits));
  }

  lend<T>(work: (signal: AbortSignal, cut: (error: Error) => void) => PromiseLike<T>): Promise<T> {
    return this.#frame.life.lendOut(work);
  }

  async wait(ms: number): Promise<void> {
    const { session, life } = this.#frame;
    await this.#waited('retry', life.pause(session.clock, ms));
  }

  get delta(): ((delta: Delta) => void) | undefined {
    return this.#frame.session.onDelta === undefined
      ? undefined
      : (delta) => {
          this.#heard = this.#onItsWay().turn;
          this.#tell(this.#heard, delta);
        };
  }

  #onItsWay(): TurnRequest {
    if (this.#request === undefined) throw new Error('the gate tells of a request that was not sent');
    return this.#request;
  }

  /** Hands a piece of an answer to whoever listens to the run. */
  #tell(turn: number, delta: Delta | { readonly type: 'withdrawn' }): void {
    const { session, path, place } = this.#frame;
    session.tellDelta({ call: path, place, attempt: this.#attempt.number, turn, ...delta });
  }

  /** Notes how long room in a budget, or the next sending, was waited for. */
  #waited<T>(limit: 'budget' | 'retry', waiting: T | Promise<T>): T | Promise<T> {
    if (!(waiting instanceof Promise)) return waiting;
    const { session, place, path } = this.#frame;
    const since = session.clock.now();
    return waiting.then((value) => {
      session.note({ kind: 'limit.waited', place, limit, call: path, ms: session.clock.now() - since });
      return value;
    });
  }

  #options({ prompt, turn }: TurnRequest): LanguageModelV4CallOptions {
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

  #estimate({ prompt, turn }: TurnRequest): number {
    if (turn === 0 || this.#tokensFor === 0) return estimatePrompt(prompt) + this.#fixed.tokens;
    return this.#tokens + estimatePrompt(prompt.slice(this.#tokensFor));
  }

  requested(reserved: Reserved, again: number): void {
    const { session, place, path, agent, account, life } = this.#frame;
    const { turn, why, adds } = this.#onItsWay();
    const { price } = this;
    life.check();
    session.check();
    const model = modelName(this.#model);
    const { tokensIn, tokensOut } = reserved;
    session.note({
      kind: 'model.requested',
      place: this.#asker.place,
      call: place,
      path,
      agent: agent.name,
      turn,
      model,
      adds,
      ...(turn === 0 ? { setup: this.#fixed.setup } : {}),
      why,
      ...(again === 0 ? {} : { again }),
      attempt: this.#attempt.number,
      accounts: accountsFrom(account).map((one) => one.place),
      reservedTokensIn: tokensIn,
      reservedTokensOut: tokensOut,
      ...(price === undefined ? {} : { reservedUsdMicros: reservationUsdMicros(price, tokensIn, tokensOut) }),
    });
  }

  /** Also of a run that was interrupted: it was sent, and may be charged. */
  failed({ error, usage, usdMicros, ms, unsent }: Failed, retryMs: number | undefined): void {
    const { session } = this.#frame;
    const { turn } = this.#onItsWay();
    session.note({
      kind: 'model.failed',
      place: this.#asker.place,
      turn,
      error: recordError(error),
      usage,
      ...(usdMicros === undefined ? {} : { usdMicros }),
      ms,
      ...(retryMs === undefined ? {} : { retryMs }),
      ...(unsent ? { unsent: true } : {}),
    });
    this.#withdraw();
  }

  answered({ usage, usdMicros, ms, estimated, capped, result }: Answered): void {
    const { session } = this.#frame;
    const { turn, prompt } = this.#onItsWay();
    const { content, structuredOutputText: text } = result;
    session.check();
    const formless = lacksForm(result);
    if (formless) session.noteFormless(this.#model);
    session.note({
      kind: 'model.responded',
      place: this.#asker.place,
      turn,
      content,
      ...(text === undefined ? {} : { text }),
      ...finishOf(result),
      usage,
      ...(estimated ? { estimated: true } : {}),
      ...(formless ? { formless: true } : {}),
      ...(capped ? { capped: true } : {}),
      ...(usdMicros === undefined ? {} : { usdMicros }),
      ms,
    });
    this.#tokens = usage.tokensIn + usage.tokensOut;
    this.#tokensFor = prompt.length + 1;
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
    this.#withdraw();
    await this.#frame.session.append({ kind: 'attempt.repaired', place: this.#asker.place, turn, problems });
  }

  #turnPlace(turn: number): Place {
    return askerPlace(this.#asker.place, 'turn', turn);
  }
}
