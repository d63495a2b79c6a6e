// What the tree of a run shows: its calls, their attempts, turns and tool calls. Made by grove.ts and
// tree.ts, read by whoever prints or walks a run.

import type { ErrorCode, ErrorRecord, Problem } from '../agent/errors.ts';
import type { Budget } from '../agent/budget.ts';
import type { AgentKind } from '../agent/definition.ts';
import type { Effect } from '../agent/effect.ts';
import type { AskRecord } from './askLedger.ts';
import type { EffectRecord } from './effects.ts';
import type { Gap, Json, Origin, Place, ProgramRef, RetractReason, RunId } from './event.ts';
import type { IncidentNode } from './incident.ts';

export type CallStatus = 'running' | 'succeeded' | 'failed' | 'retracted' | 'interrupted';

/** Model requests and what they cost. `unpriced` requests have no known price: `usdMicros` is then a lower bound. */
export interface Cost {
  readonly calls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly usdMicros: number;
  readonly unpriced: number;
}

export interface ToolNode {
  readonly tool: string;
  /** For people, such as `sweep[3]/review:2.1/lookup`. */
  readonly path: string;
  readonly place: Place;
  readonly effect: Effect | 'agent';
  readonly args: Json;
  readonly status: 'running' | 'returned' | 'failed';
  readonly ms?: number;
  readonly error?: ErrorRecord;
}

export interface TurnNode {
  readonly turn: number;
  readonly model: string;
  readonly why: 'ask' | 'tools' | 'repair';
  /** How often it was sent: more than once when a crash swallowed the answer, or the provider did not answer. Hedges are apart. */
  readonly sent: number;
  /** How often it was sent a second time while the first was on its way; absent for never. */
  readonly hedges?: number;
  /** It was the hedge that was answered. */
  readonly hedgeWon?: true;
  /** Models it was moved to, as the one before was left. */
  readonly moves?: readonly { readonly to: string; readonly why: string }[];
  /** The codes of sendings that failed and were made again, to the same model or another, in order; and of hedges. */
  readonly failures?: readonly ErrorCode[];
  /** How long it waited to be sent again, in ms. */
  readonly waitedMs?: number;
  readonly status: 'running' | 'answered' | 'failed' | 'cancelled';
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly usdMicros?: number;
  readonly ms?: number;
  /** Why the answer ended, in the provider's unified words. */
  readonly finish?: string;
  /** The start of what the model said: at most 600 characters. */
  readonly said?: string;
  /** Why its last sending failed; absent once it is sent again. */
  readonly error?: ErrorRecord;
  /** What was wrong with this answer, when the model was asked to mend it. */
  readonly problems?: readonly Problem[];
  readonly tools: readonly ToolNode[];
}

/** What a call waited for, and how long in ms. */
export interface WaitNode {
  readonly limit: 'budget' | 'gate' | 'cache';
  /** 'provider/modelId' of the gate. */
  readonly gate?: string;
  readonly ms: number;
}

export interface AttemptNode {
  readonly attempt: number;
  readonly turns: readonly TurnNode[];
  readonly rejected?: { readonly why: 'contract' | 'check' | 'code' | 'approval' | 'undone'; readonly problems: readonly Problem[] };
}

export interface CallNode {
  readonly path: string;
  readonly place: Place;
  readonly agent: string;
  readonly kind: AgentKind;
  readonly status: CallStatus;
  /** Characters of the input as JSON. */
  readonly inputChars: number;
  readonly width?: number;
  readonly budget?: Budget;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** From its start to its end, or to the last thing known of it; the time between two entries included. */
  readonly ms: number;
  readonly attempts: readonly AttemptNode[];
  readonly failure?: ErrorRecord;
  /** Paths of the calls below whose failures this one passes on. */
  readonly causes: readonly string[];
  readonly gaps: readonly Gap[];
  /** Where its answer was bought, if not here. */
  readonly from?: Origin;
  /** What was forgotten here at a resume, and why. */
  readonly retractions: readonly { readonly entry: number; readonly why: RetractReason; readonly note?: string }[];
  /** Named limits that refused something. */
  readonly guards: readonly { readonly guard: string; readonly evidence: Json }[];
  /** What it did to the world, or would have: in the order in which it was staged or begun. */
  readonly effects: readonly EffectRecord[];
  /** Its output stands and it commits these effects, its own and those of calls below, in this order; `done` of them are done. */
  readonly confirmed?: { readonly effects: readonly string[]; readonly done: number };
  /** What people were asked for it, oldest first. */
  readonly asks: readonly AskRecord[];
  /** How long it waited for room in budgets and at gates, in ms. */
  readonly waitedMs: number;
  /** The same, by what it waited for. */
  readonly waits: readonly WaitNode[];
  readonly own: Cost;
  readonly total: Cost;
  readonly children: readonly CallNode[];
}

/** One time somebody worked on the run; `entry` counts from 1, the first run itself. */
export interface EntryNode {
  readonly entry: number;
  readonly startedAt: number;
  readonly lastAt: number;
  /** How long it was parked meanwhile, in ms: nothing in it could go on without an answer of a person. */
  readonly parkedMs: number;
}

export interface RunTree {
  readonly agent?: string;
  readonly input?: Json;
  readonly budget?: Budget;
  readonly program?: ProgramRef;
  readonly scope?: string;
  readonly subject?: Json;
  /** The run whose answers it uses. */
  readonly rerun?: RunId;
  /** As far as events tell; whether an owner is alive, the journal's row knows. */
  readonly status: 'running' | 'parked' | 'succeeded' | 'partial' | 'failed' | 'cancelled';
  /** Since when it is parked, in epoch ms. */
  readonly parkedAt?: number;
  readonly output?: Json;
  readonly missing: readonly Gap[];
  readonly failure?: ErrorRecord;
  readonly reason?: string;
  /** Providers that failed for everybody at once, in the order in which they were told of. */
  readonly incidents: readonly IncidentNode[];
  readonly entries: readonly EntryNode[];
  readonly events: number;
  /** What people were asked for the run itself, not for one of its calls. */
  readonly asks: readonly AskRecord[];
  readonly root?: CallNode;
}
