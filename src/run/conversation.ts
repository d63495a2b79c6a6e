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
import { readAnswer } from '../model/answer.ts';
import { type Reserved, type Sent, send } from '../model/gate.ts';
import { converse, type Judged, type RecordedTurn, type Reply, type Talk, type TurnRequest } from '../model/loop.ts';
import { type Fixed, opening } from '../model/render.ts';
import { estimatePrompt } from '../model/tokens.ts';
import { accountsFrom, reserve } from './account.ts';
import type { Asker, Frame } from './asker.ts';
import type { Attempt, Input } from './attempts.ts';
import { judge } from './judge.ts';
import { limitError } from './limits.ts';
import { askerPlace } from './place.ts';
import { foldTurns } from './recorded.ts';
import { callTool, type ToolTurn } from './tools.ts';

/** The request header that carries a turn's id, for servers that count and for people who debug. */
const TURN_HEADER = 'x-amdahl-turn';

export class Conversation implements Talk {
  recorded: readonly RecordedTurn[] = [];
  readonly #frame: Frame;
  readonly #behaviour: ModelBehaviour;
  readonly #input: Input;
  readonly #attempt: Attempt;
  readonly #asker: Asker;
  readonly #fixed: Fixed;
  readonly #model: LanguageModelV4;
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
    return this.#attempt.again ? this.#goOn() : converse(this);
  }

  async #goOn(): Promise<Judged> {
    this.recorded = foldTurns(await this.#frame.session.recall(this.#asker.place));
    return await converse(this);
  }

  get turnsMax(): number {
    return this.#turns + this.#before().length;
  }

  get #turns(): number {
    return this.#behaviour.turns ?? this.#frame.session.limits.turns;
  }

  get repairsMax(): number {
    return this.#behaviour.repairs + this.#before().filter((turn) => turn.why === 'repair').length;
  }

  /** The turns that the bounds do not count: they led to a failure that was forgotten. */
  #before(): readonly RecordedTurn[] {
    return this.recorded.filter((turn) => turn.seq < this.#attempt.renewedSeq);
  }

  get json(): boolean {
    return this.#frame.agent.output.kind !== 'text';
  }

  opening(): readonly LanguageModelV4Message[] {
    return opening(this.#fixed, this.#input.value);
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

  async send(request: TurnRequest): Promise<Reply> {
    const { session, life, account } = this.#frame;
    life.check();
    session.check();
    const price = session.priceOf(this.#model);
    const place = this.#asker.place;
    const sent = await send(
      {
        model: this.#model,
        options: this.#options(request),
        tokensIn: this.#estimate(request),
        tokensOutAssumed: session.limits.outputTokensAssumed,
        metered: accountsFrom(account).some(({ budget }) => budget.tokens !== undefined || budget.usd !== undefined),
      },
      {
        price,
        now: () => session.clock.now(),
        reserve: (wanted) => this.#waited(reserve(account, wanted, life, session.limits)),
        lend: (work) => life.lend(work),
        requested: (reserved) => {
          life.check();
          session.check();
          this.#noteRequest(request, reserved, price);
        },
      },
    );
    return this.#received(request, place, sent);
  }

  /** Notes how long room in a budget was waited for. */
  #waited<T>(reserving: T | Promise<T>): T | Promise<T> {
    if (!(reserving instanceof Promise)) return reserving;
    const { session, place, path } = this.#frame;
    const since = session.clock.now();
    return reserving.then((reserved) => {
      session.note({ kind: 'limit.waited', place, limit: 'budget', call: path, ms: session.clock.now() - since });
      return reserved;
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

  #noteRequest(
    { turn, why, adds }: TurnRequest,
    reserved: Reserved,
    price: { readonly in: number; readonly out: number } | undefined,
  ): void {
    const { session, place, path, agent, account } = this.#frame;
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
      attempt: this.#attempt.number,
      accounts: accountsFrom(account).map((one) => one.place),
      reservedTokensIn: tokensIn,
      reservedTokensOut: tokensOut,
      ...(price === undefined ? {} : { reservedUsdMicros: Math.ceil(tokensIn * price.in + tokensOut * price.out) }),
    });
  }

  #received({ turn, prompt }: TurnRequest, place: Place, sent: Sent): Reply {
    const { session } = this.#frame;
    const { usage, usdMicros, ms } = sent;
    const cost = usdMicros === undefined ? {} : { usdMicros };
    if (!sent.ok) {
      // Also of a run that was interrupted: it was sent, and may be charged.
      session.note({ kind: 'model.failed', place, turn, error: recordError(sent.error), usage, ...cost, ms });
      throw sent.error;
    }
    const { content, finishReason, structuredOutputText: text } = sent.result;
    session.check();
    session.note({
      kind: 'model.responded',
      place,
      turn,
      content,
      ...(text === undefined ? {} : { text }),
      finish: finishReason.unified,
      usage,
      ...(sent.estimated ? { estimated: true } : {}),
      ...(sent.capped ? { capped: true } : {}),
      ...cost,
      ms,
    });
    this.#tokens = usage.tokensIn + usage.tokensOut;
    this.#tokensFor = prompt.length + 1;
    return { content, finish: finishReason.unified, capped: sent.capped, ...(text === undefined ? {} : { text }) };
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
    await this.#frame.session.append({ kind: 'attempt.repaired', place: this.#asker.place, turn, problems });
  }

  #turnPlace(turn: number): Place {
    return askerPlace(this.#asker.place, 'turn', turn);
  }
}

function cutByBudget(path: string): AmdahlError {
  return new AmdahlError(
    'BUDGET_EXCEEDED',
    `The answer of '${path}' was cut off because its budget had no room for more output. Raise the budget and resume: the conversation goes on where it stopped.`,
    {
      data: { cap: 'tokens', of: path },
    },
  );
}
