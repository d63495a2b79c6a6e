// Every kind of event a journal holds, in one union. Called by everyone who appends or reads.
// A new kind is a new member here; a changed one is lifted in codec.ts, never where it is read.
//
// An event names the place it belongs to (I4): `place` is the key by which a resumed run finds it again.
// A call's events stand at the call's place, a turn's at its attempt's, a tool's at the tool call's own,
// a drawn value or a decision at its asker's.

import type { LanguageModelV4Content, LanguageModelV4FinishReason, LanguageModelV4Message } from '@ai-sdk/provider';
import type { Budget } from '../agent/budget.ts';
import type { AgentKind } from '../agent/definition.ts';
import type { Json } from '../agent/canonical.ts';
import type { ErrorRecord, Problem } from '../agent/errors.ts';
import type { Effect } from '../agent/effect.ts';
import type { AskId, Place, RunId } from './ids.ts';
import type { AskEvent, EffectEvent } from './worldEvent.ts';

/** The version of this union. A journal with a higher one is refused with JOURNAL_NEWER. */
export const EVENT_VERSION = 1;

export type { AskId, Place, RunId } from './ids.ts';
export type { Json };

/** Tokens of one request or of many. `tokensIn` includes what was read from a cache and written into it, `tokensOut` includes reasoning. */
export interface Usage {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  /** Absent for 0, and where a provider writes without telling or charging it. */
  readonly tokensCacheWritten?: number;
  readonly tokensReasoning: number;
}

/** One hole in a fan-out's result: which item, which call failed, and why. */
export interface Gap {
  readonly call: string;
  readonly place: Place;
  readonly index: number;
  readonly error: ErrorRecord;
}

/** Where an answer was bought, and what its turns cost there. */
export interface Origin {
  /** Absent where it is this run. */
  readonly run?: RunId;
  readonly place: Place;
  /** For people. */
  readonly path?: string;
  readonly requests: number;
  /** In and out. */
  readonly tokens: number;
  readonly usdMicros: number;
}

/** Where a program stands, so that a CLI can find it again. */
export interface ProgramRef {
  readonly file: string;
  readonly export: string;
}

/** 'provisional': text is told as it is written, and withdrawn where it does not stand. 'confirmed': once it stands. */
export type StreamMode = 'provisional' | 'confirmed';

/** How one more entry into a run begins: who works on it, and what it forgets. */
export type RunEvent =
  | {
      readonly kind: 'run.started';
      readonly agent: string;
      readonly input: Json;
      readonly inputHash: string;
      readonly budget?: Budget;
      readonly program?: ProgramRef;
      /** Of the whole program, as far as it is known without running it: another one tells that it was edited. */
      readonly fingerprint?: string;
      /** Whether text is told while it is written, and of which agent; absent where nobody asked for it. A later entry may say otherwise. */
      readonly stream?: StreamMode;
      readonly speaker?: string;
      /** Whose run it is: answers of other runs are used within one scope alone. */
      readonly scope?: string;
      /** The run whose answers it uses where they still fit. */
      readonly rerun?: RunId;
      /** Of what a program makes the run's context again. The context itself is never here. */
      readonly subject?: Json;
    }
  /** `activeMs` is what all earlier entries worked; `budget` replaces the earlier one when given. */
  | {
      readonly kind: 'run.resumed';
      readonly entry: number;
      readonly activeMs: number;
      readonly budget?: Budget;
      readonly program?: ProgramRef;
      readonly fingerprint?: string;
      readonly stream?: StreamMode;
      readonly speaker?: string;
    }
  /**
   * Nothing can go on until an ask is over: one of these, the oldest that are open, or of `more` others. Until the next event
   * nobody works on the run, and no budget counts the time.
   */
  | { readonly kind: 'run.parked'; readonly asks: readonly AskId[]; readonly more?: number }
  | { readonly kind: 'run.succeeded'; readonly output: Json; readonly missing: readonly Gap[] }
  | { readonly kind: 'run.failed'; readonly error: ErrorRecord }
  | { readonly kind: 'run.cancelled'; readonly reason: string };

export type CallEvent =
  /** `path` is for people; `asker` is the place that asked; `under` is the outermost leaf call it belongs to. */
  | {
      readonly kind: 'call.started';
      readonly place: Place;
      readonly asker: Place;
      readonly path: string;
      readonly agent: string;
      readonly of: AgentKind;
      readonly input: Json;
      readonly under?: Place;
      /** How many items a fan-out has. */
      readonly width?: number;
      readonly budget?: Budget;
    }
  /**
   * The commit point: the output stands, and from here on the call only rolls forward. Its staged effects are committed next, in
   * this order. Only of calls that commit any; `call.succeeded` follows once all are done.
   */
  | {
      readonly kind: 'call.confirmed';
      readonly place: Place;
      readonly fingerprint?: string;
      /** Of a composite too: it answers like a leaf from here on. */
      readonly output: Json;
      readonly gaps?: readonly Gap[];
      /** Keys of effects. */
      readonly effects: readonly string[];
    }
  /** Leaves carry their raw output, composites only its hash: they run again over answered leaves. */
  | {
      readonly kind: 'call.succeeded';
      readonly place: Place;
      readonly fingerprint?: string;
      readonly output?: Json;
      readonly outputHash?: string;
      readonly gaps?: readonly Gap[];
      /** By this key other calls find the answer. Absent where it may not be used elsewhere. */
      readonly reuse?: string;
      /** It was not bought here but taken from this call, of this run or of another. */
      readonly from?: Origin;
      /** Keys of staged effects that a holder above it commits or discards, in order. */
      readonly staged?: readonly string[];
    }
  /** `causes` are the calls below whose failures this one passes on. */
  | {
      readonly kind: 'call.failed';
      readonly place: Place;
      readonly fingerprint?: string;
      readonly error: ErrorRecord;
      readonly causes: readonly Place[];
    }
  /** What stood at this place is forgotten: the next entry asks again. */
  | { readonly kind: 'call.retracted'; readonly place: Place; readonly why: RetractReason; readonly note?: string };

/** 'undone': what it did to the world was undone, so that its answer says nothing any more. */
export type RetractReason = 'resumed' | 'retried' | 'program' | 'contract' | 'check' | 'differs' | 'undone';

export type AttemptEvent =
  /** At the call's place. */
  | { readonly kind: 'attempt.started'; readonly place: Place; readonly attempt: number; readonly fingerprint?: string }
  /** At the attempt's place: the answer of `turn` was refused and the conversation goes on. */
  | { readonly kind: 'attempt.repaired'; readonly place: Place; readonly turn: number; readonly problems: readonly Problem[] }
  /** At the call's place: a fresh attempt follows, or the call fails. */
  | {
      readonly kind: 'attempt.rejected';
      readonly place: Place;
      readonly attempt: number;
      /** 'approval': a person refused an effect of it. */
      /** 'undone': what it did was undone for what is above it. */
      readonly why: 'contract' | 'check' | 'code' | 'approval' | 'undone';
      readonly problems: readonly Problem[];
    };

/** What does not change between the turns of an attempt, kept once per content. */
export interface Setup {
  readonly model: string;
  readonly tools: readonly Json[];
  readonly format: Json;
  /** As the agent has them; the output cap of a request is in what it reserved. */
  readonly settings?: Json;
}

export type ModelEvent =
  /** At the attempt's place, or `gated` below it. `adds` is what this turn adds to the conversation; `accounts` are calls with budgets above it. */
  | {
      readonly kind: 'model.requested';
      readonly place: Place;
      readonly call: Place;
      readonly path: string;
      readonly agent: string;
      readonly turn: number;
      readonly model: string;
      readonly adds: readonly LanguageModelV4Message[];
      readonly setup?: Setup;
      readonly why: 'ask' | 'tools' | 'repair';
      /** How often this turn was sent before in this entry, because the provider did not answer. Absent for 0. */
      readonly again?: number;
      /** A second sending of a turn whose first is still on its way. */
      readonly hedge?: true;
      /** Asked through `gate()` by code of the call (a step, a tool, a flow): its place is that of a conversation which that code has. */
      readonly gated?: true;
      readonly attempt: number;
      readonly accounts: readonly Place[];
      readonly reservedTokensIn: number;
      readonly reservedTokensOut: number;
      readonly reservedUsdMicros?: number;
    }
  /** `usdMicros` is absent when the model has no price. `usage` is estimated where the provider reports none. */
  | {
      readonly kind: 'model.responded';
      readonly place: Place;
      readonly turn: number;
      readonly content: readonly LanguageModelV4Content[];
      readonly text?: string;
      readonly finish: LanguageModelV4FinishReason['unified'];
      /** The provider's own word for it, where the unified one hides a difference. */
      readonly finishRaw?: string;
      readonly usage: Usage;
      readonly estimated?: true;
      /** The provider said that it does not pass on the form of an answer. */
      readonly formless?: true;
      /** The output was capped by what a budget had left. */
      readonly capped?: true;
      /** Secrets that it held, as the placeholders that stand for them now. */
      readonly hidden?: readonly string[];
      /** It answers the hedge, not the first sending. */
      readonly hedge?: true;
      readonly usdMicros?: number;
      /** What the provider's prompt cache saved of it; below 0 where writing cost more than reading saved. Only where cached tokens have a known price. */
      readonly savedUsdMicros?: number;
      readonly ms: number;
    }
  /** `usage` is what must be assumed spent: the input of a request that was cut off. */
  | {
      readonly kind: 'model.failed';
      readonly place: Place;
      readonly turn: number;
      readonly error: ErrorRecord;
      readonly usage: Usage;
      readonly usdMicros?: number;
      readonly ms: number;
      /** The turn is sent again after this wait, in ms. Absent where it is not. */
      readonly retryMs?: number;
      /** It never left, because its call was over: it counts as no request. */
      readonly unsent?: true;
      /** It was the hedge that failed, not the first sending. */
      readonly hedge?: true;
      /** The other sending of the same turn was answered first, and this one was cut off. */
      readonly lost?: true;
    };

/**
 * At the attempt's place: what a turn says while it is written, in pieces. Only of the agent that speaks for the run, and only
 * until the turn is recorded: its last piece may be missing, because `model.responded` has all of it.
 */
export interface SaidEvent {
  readonly kind: 'model.said';
  readonly place: Place;
  readonly turn: number;
  readonly of: 'text' | 'reasoning';
  readonly delta: string;
}

export type ToolEvent =
  /** At the tool call's own place. `id` is the model's, for people only. */
  | {
      readonly kind: 'tool.called';
      readonly place: Place;
      readonly call: Place;
      readonly path: string;
      readonly tool: string;
      readonly args: Json;
      readonly effect: Effect | 'agent';
      readonly id: string;
    }
  | { readonly kind: 'tool.returned'; readonly place: Place; readonly result: Json; readonly ms: number }
  | { readonly kind: 'tool.returned'; readonly place: Place; readonly error: ErrorRecord; readonly ms: number };

/** The limits that a gate keeps to, and from where it knows them. `opening`: it knows none, and no push-back has come. */
export interface KnownLimits {
  readonly source: 'config' | 'announced' | 'learned' | 'opening';
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  /** Requests in flight; absent where nothing bounds them. */
  readonly concurrency?: number;
  /** How often the provider has refused more requests for now, or was overloaded. */
  readonly pushBacks: number;
}

export type OtherEvent =
  /** A named limit refused something, or a breaker opened: then again at the run's end, with how it went on. `call` is a path. */
  | { readonly kind: 'guard.tripped'; readonly place: Place; readonly guard: string; readonly call: string; readonly evidence: Json }
  /** At the place of a question to a person: `onAsk` has told somebody of it. */
  | { readonly kind: 'ask.told'; readonly place: Place; readonly ask: AskId }
  /** At the run's own asker: the content of a file of an input, by what its attachments are called. Once per run and content. */
  | { readonly kind: 'file.kept'; readonly place: Place; readonly file: string; readonly mediaType?: string; readonly data: Uint8Array }
  /**
   * Somebody waited: for room in a budget ('budget'), to send again what was not answered ('retry'), for the gate in
   * front of a model ('gate', and then which one), or for another request to put a shared prefix into the provider's cache ('cache').
   */
  | {
      readonly kind: 'limit.waited';
      readonly place: Place;
      readonly limit: string;
      readonly call: string;
      readonly ms: number;
      readonly gate?: string;
    }
  /** What the gate in front of a model knows of its limits, when the run is over with it. At the run's own asker. */
  | {
      readonly kind: 'limit.learned';
      readonly place: Place;
      readonly gate: string;
      readonly account?: string;
      readonly limits: KnownLimits;
    }
  /** At the asker's place: the `index`-th value it drew from the world. */
  | { readonly kind: 'value.drawn'; readonly place: Place; readonly index: number; readonly of: 'now' | 'random'; readonly value: number }
  /**
   * At the asker's place: a choice that depended on arrival and must be made the same way again. Of the question 'model', at the
   * attempt's: who is asked from now on.
   */
  | { readonly kind: 'decision'; readonly place: Place; readonly question: string; readonly choice: Json; readonly reason: string };

/** What happened, without when. */
export type Happening = RunEvent | CallEvent | AttemptEvent | ModelEvent | SaidEvent | ToolEvent | EffectEvent | AskEvent | OtherEvent;

/** `at` is the run's clock in epoch milliseconds. */
export type Event = Happening & { readonly at: number };
export type EventKind = Event['kind'];
export type EventOf<K extends EventKind> = Extract<Event, { kind: K }>;

/** One event of a run's journal. `seq` counts from 0 without gaps. */
export interface Entry<E extends Event = Event> {
  readonly seq: number;
  readonly event: E;
}
