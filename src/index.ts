// The public face of amdahl: what a program imports.

export { agent, type AgentOptions, type ModelChoice } from './agent/agent.ts';
export { type Budget } from './agent/budget.ts';
export { type Agent, type AgentKind, type AnyAgent, type InputOf, isAgent, type OutputOf, type Shape } from './agent/definition.ts';
export { type ContextOf } from './agent/context.ts';
export { type Reuse } from './agent/reuse.ts';
export type { Attachment } from './agent/attachment.ts';
export { type Check, type CheckFunction, type Evidence, type ToolResult, type Verdict } from './agent/checks.ts';
export { AmdahlError, ERROR_CODES, type ErrorCode, type ErrorRecord, type Problem, type Retryable, type Where } from './agent/errors.ts';
export type { FileSchema } from './agent/fileSchema.ts';
export type { FileSource } from './agent/files.ts';
export {
  messages,
  type Conversation,
  type ConversationSchema,
  type Message,
  type MessagesOptions,
  type ModelMessageLike,
  type UiMessageLike,
} from './agent/messages.ts';
export { grounded } from './agent/grounded.ts';
export { noPlaceholder } from './agent/placeholder.ts';
export type { CachedText, Part } from './agent/prompt.ts';
export type { AskOptions, Hedge } from './agent/scope.ts';
export type { ModelSettings, Reasoning } from './agent/settings.ts';
export { step, type StepOptions } from './agent/step.ts';
export { type Effect, type EffectOptions, type Verified } from './agent/effect.ts';
export { field, type Receipt } from './agent/receipt.ts';
export { type ExecuteOptions, type ForeignTool, readOnly, tool, type Tool, type ToolOptions, type ToolSet } from './agent/tool.ts';
export { all } from './compose/all.ts';
export { type Branch, flow, type FlowContext, type FlowOptions } from './compose/flow.ts';
export { human, type HumanOptions } from './compose/human.ts';
export { map, type MapOptions, type MapResult } from './compose/map.ts';
export { mapReduce, type MapReduceOptions } from './compose/mapReduce.ts';
export { pipe } from './compose/pipe.ts';
export { transaction } from './compose/transaction.ts';
export { type Bill, billOf, type Tax } from './journal/bill.ts';
export type { Entry, Event, EventKind, EventOf, Gap, Json, KnownLimits, ProgramRef, RunId, Usage } from './journal/event.ts';
export type { Cancelling, CancelOptions, Claim, Journal, Owner, RunRow, RunStatus } from './journal/journal.ts';
export { memoryJournal, type MemoryJournalOptions } from './journal/memory.ts';
export type { Pruned, PruneOptions } from './journal/prune.ts';
export { type Copied, copyJournal } from './journal/copyJournal.ts';
export { defaultJournal, sqliteJournal, type SqliteJournalOptions } from './journal/sqlite.ts';
export { treeOf } from './journal/tree.ts';
export type { Spend } from './journal/spend.ts';
export type { GateView, Incident } from './model/gateView.ts';
export type { RateLimit } from './model/limiter.ts';
export type { AppendedFile, AppendedMessage } from './model/history.ts';
export type { Price, PriceTable, Rate } from './model/prices.ts';
export type { RateLimits } from './model/rateLimits.ts';
export { answerFrom, type AnsweredFrom, type AnswerFromOptions } from './run/answerFrom.ts';
export { file } from './run/file.ts';
export { gate, type GateMiddleware, type GateOptions } from './run/gateMiddleware.ts';
export type { GateBudget } from './run/gateParty.ts';
export { DEFAULT_LIMITS, type Limits } from './run/limits.ts';
export { deny, type Models } from './run/models.ts';
export type { Settings } from './run/runSettings.ts';
export { answer, asks, type AsksOptions, type OpenAsk, refuse, type Said, type SayOptions } from './run/people.ts';
export { type Clock, type Random } from './run/ports.ts';
export { recover, type Recoverable, type Recovered, type RecoverOptions, type Recovery } from './run/recover.ts';
export type { ResumeReport } from './run/report.ts';
export type { RunDelta } from './run/session.ts';
export { follow, type FollowOptions } from './run/follow.ts';
export type { DeepPartial, Handle, Outcome } from './run/handle.ts';
export { render, type Rendered, type RenderOptions } from './run/render.ts';
export { run } from './run/run.ts';
export type { RunOptions } from './run/runOptions.ts';
export type { OnAsk } from './run/tellAsks.ts';
export { type RunEffect, RunError, type RunResult } from './run/runResult.ts';
export type { SecretOptions } from './run/secretOptions.ts';
export { start } from './run/start.ts';
export type { UiChunk } from './run/uiChunks.ts';
export type { UiResponseOptions, UiStreamOptions } from './run/uiStream.ts';
