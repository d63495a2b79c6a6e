// A model attempt: fills the ports of model/loop.ts with tools, judging and its turns (turns.ts). One per attempt.
//
// I3 a turn with a durable answer is never sent again: the turn is durable before its tools run or the next is sent.

import type { LanguageModelV4Message, LanguageModelV4ToolCall, LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import type { ModelBehaviour } from '../agent/agent.ts';
import type { Attachment } from '../agent/attachment.ts';
import type { ToolResult } from '../agent/checks.ts';
import type { AmdahlError, Problem } from '../agent/errors.ts';
import { readAnswer } from '../model/answer.ts';
import { converse, type Judged, type RecordedTurn, type Reply, type Talk, toolCalls, type TurnRequest } from '../model/loop.ts';
import { type Draft, draft, opening, type UserPart } from '../model/opening.ts';
import { type Fixed, repairMessage } from '../model/render.ts';
import { Aloud } from './aloud.ts';
import type { Asker, Frame } from './asker.ts';
import type { Attempt, Input } from './attempts.ts';
import { admitEffects } from './admission.ts';
import { Occurrences } from './effectKey.ts';
import { type PassedTurn, raisePassed } from './passedTurns.ts';
import { judge } from './judge.ts';
import { limitError } from './limits.ts';
import { foldTurns } from './recorded.ts';
import { callTool, countedCall, type ToolTurn } from './tools.ts';
import { Turns } from './turns.ts';
import { cutByBudget, withheldBy } from './withheld.ts';

export class Conversation implements Talk {
  recorded: readonly RecordedTurn[] = [];
  readonly #frame: Frame;
  readonly #behaviour: ModelBehaviour;
  readonly #input: Input;
  readonly #attempt: Attempt;
  readonly #asker: Asker;
  readonly #aloud: Aloud;
  readonly #fixed: Fixed;
  readonly #turns: Turns;
  #occurrences: Occurrences | undefined;
  /** Turns whose tools earlier entries called, and that may have staged something. */
  #passed: PassedTurn[] = NO_TURNS;
  /** Effects that were refused in this conversation. */
  #refused: Set<string> | undefined;

  constructor(frame: Frame, behaviour: ModelBehaviour, input: Input, attempt: Attempt) {
    this.#frame = frame;
    this.#behaviour = behaviour;
    this.#input = input;
    this.#attempt = attempt;
    this.#asker = frame.asker.attempt(frame, attempt.number);
    this.#aloud = new Aloud(frame, attempt.number, this.#asker.place);
    this.#fixed = frame.session.roster.fixedOf(frame.agent);
    this.#turns = new Turns({ frame, attempt, asker: this.#asker, aloud: this.#aloud, fixed: this.#fixed });
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
    this.#turns.goOn(entries, this.recorded);
    return await converse(this);
  }

  get turnsMax(): number {
    return this.#turnsMax + this.#before().length;
  }

  get #turnsMax(): number {
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
    const { session, agent, path } = this.#frame;
    const context = session.contexts.give(agent.context, `'${path}'`);
    return context instanceof Promise ? context.then((given: unknown) => this.#open(given)) : this.#open(context);
  }

  #open(context: unknown): readonly LanguageModelV4Message[] | Promise<readonly LanguageModelV4Message[]> {
    const { session, agent } = this.#frame;
    const input = this.#input.value;
    const made = this.#turns.knowingForms((formless) =>
      draft(this.#fixed, this.#behaviour, { agent: agent.name, input, context, formless }),
    );
    if (!(made instanceof Promise) && made.attachments.length === 0) return session.secrets.messages(opening(made, noFile));
    return this.#openWithFiles(made);
  }

  async #openWithFiles(made: Draft | Promise<Draft>): Promise<readonly LanguageModelV4Message[]> {
    const { session, life, path } = this.#frame;
    const outline = await made;
    session.files.hold(outline.attachments);
    await life.race(session.files.admit(outline.attachments, path, true));
    const models = await this.#turns.readyModels();
    const parts = new Map<Attachment, UserPart>();
    for (const one of outline.attachments) parts.set(one, await life.race(session.files.part(one, models)));
    return session.secrets.messages(opening(outline, (one) => parts.get(one) ?? noFile()));
  }

  repair(problems: readonly Problem[]): LanguageModelV4Message | Promise<LanguageModelV4Message> {
    const json = this.#frame.agent.output.kind !== 'text';
    const { secrets } = this.#frame.session;
    const staged = this.#staged();
    return this.#turns.knowingForms((formless) =>
      secrets.message(repairMessage(problems, json, formless ? this.#fixed.format : undefined, staged)),
    );
  }

  /** What this attempt has in the outbox, as its model knows it: by tool and receipt. */
  #staged(): readonly string[] {
    const { session, place } = this.#frame;
    if (session.effects.isEmpty) return [];
    return session.effects
      .below(place)
      .flatMap(({ attempt, state, tool, receipt = '' }) =>
        attempt === this.#asker.place && state === 'staged' ? [`${tool} ${receipt}`] : [],
      );
  }

  tooManyTurns(): AmdahlError {
    return limitError(
      'turns',
      this.#turnsMax,
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
    return answered < this.#attempt.renewedSeq ? undefined : withheldBy(this.#turns.authorOf(turn), this.#frame.path, reply);
  }

  send(request: TurnRequest): Promise<Reply> {
    return this.#turns.send(request);
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
    // Receipts of theirs may be used now.
    await this.#raisePassed();
    const again = turn < this.recorded.length;
    const toolTurn: ToolTurn = {
      frame: this.#frame,
      asker: this.#asker,
      tools: this.#behaviour.tools,
      input: this.#input,
      attempt: this.#attempt.number,
      turn,
      again,
      occurrences: this.#occurrencesIn(turn, calls),
    };
    // One that rejects says that the call is over; the others may be acts, which are waited for all the same.
    const told = await Promise.allSettled(calls.map((call, index) => callTool(toolTurn, call, index)));
    return told.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
  }

  /** Which of equal calls of the attempt each is; counted only where a tool has an effect. */
  #occurrencesIn(turn: number, calls: readonly LanguageModelV4ToolCall[]): readonly number[] | undefined {
    const { tools } = this.#behaviour;
    if (this.#occurrences === undefined) {
      if (![...tools.values()].some((tool) => tool.kind === 'code' && tool.effect !== 'none')) return undefined;
      this.#occurrences = new Occurrences((call) => countedCall(tools, call));
    }
    return this.#occurrences.of(turn, calls, (before) => {
      const reply = this.recorded[before]?.reply;
      return reply === undefined ? [] : toolCalls(reply);
    });
  }

  judge(reply: Reply, results: readonly ToolResult[]): Judged | Promise<Judged> {
    const { agent, session, path } = this.#frame;
    const answer = readAnswer(reply, agent.output, this.#fixed.unwrap);
    if (!answer.ok) return { ok: false, why: 'contract', problems: [{ path: '', message: answer.message }] };
    if (reply.hidden !== undefined && agent.output.kind !== 'text') {
      const held = session.secrets.inAnswer(answer.raw, reply.hidden, path);
      if (held !== undefined) throw held;
    }
    const { payloadBytes } = session.limits;
    if (answer.chars > payloadBytes)
      throw limitError(
        'payloadBytes',
        payloadBytes,
        `The output of '${path}' has ${answer.chars} bytes`,
        'Ask for less, or raise limits.payloadBytes.',
      );
    const judged = judge(this.#frame, answer.raw, () => ({ input: this.#input.value, results }));
    return session.effects.isEmpty ? judged : this.#withEffects(judged);
  }

  passOver(turn: number, calls: readonly LanguageModelV4ToolCall[]): void {
    if (this.#frame.session.effects.isEmpty) return;
    if (this.#passed === NO_TURNS) this.#passed = [];
    this.#passed.push({ turn, calls });
  }

  /** What stands may commit what was staged until then, if nobody refuses that. */
  async #withEffects(judging: Judged | Promise<Judged>): Promise<Judged> {
    const judged = await judging;
    if (!judged.ok) return judged;
    await this.#raisePassed();
    const { risen } = this.#asker;
    if (risen === undefined) return judged;
    const admission = await admitEffects(this.#frame, risen, (this.#refused ??= new Set()));
    this.#frame.staged = admission.ok ? admission.keys : undefined;
    return admission.ok ? judged : admission;
  }

  async #raisePassed(): Promise<void> {
    const passed = this.#passed;
    this.#passed = NO_TURNS;
    if (passed.length > 0) await raisePassed(this.#frame, this.#asker, this.#behaviour.tools, passed);
  }

  async repaired(turn: number, problems: readonly Problem[]): Promise<void> {
    this.#aloud.withdraw();
    await this.#frame.session.append({ kind: 'attempt.repaired', place: this.#asker.place, turn, problems });
  }
}

/** Shared by all that passed over none. */
const NO_TURNS: PassedTurn[] = [];

function noFile(): never {
  throw new Error('an opening has a file that its draft did not have');
}
