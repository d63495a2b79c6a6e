// A run that is going on, in hand: its text, its parts, its events and its outcome, each of which may be taken as often and
// as late as one likes, because all of them are read from the journal. start.ts makes one where the run is driven, follow.ts
// where it is not.
//
// H1 nobody who reads holds the run up, and nobody who does not read loses anything.
// H2 what is incomplete never looks complete: `text` and `partial` end with an error unless the run succeeded.

import type { Contract } from '../agent/contract.ts';
import { wrapForModel } from '../agent/contract.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import { checkOptions } from '../agent/options.ts';
import type { Bill } from '../journal/bill.ts';
import type { Entry, Json, RunId } from '../journal/event.ts';
import { Speech } from '../journal/speech.ts';
import { partialJson } from '../model/partial.ts';
import type { OpenAsk } from './people.ts';
import type { Clock } from './ports.ts';
import type { RunResult } from './runResult.ts';
import { speakerOf } from './speaker.ts';
import type { Standing } from './standing.ts';
import type { UiChunk } from './uiChunks.ts';
import { uiResponse, type UiResponseOptions, type UiSource, uiStream, type UiStreamOptions } from './uiStream.ts';

/** What became of a run, as a value. */
export type Outcome<O, M = unknown> =
  | ({ readonly status: 'succeeded' } & RunResult<O, M>)
  | {
      readonly status: 'failed' | 'cancelled';
      readonly id: RunId;
      readonly error: AmdahlError;
      /** Absent where it never began. */
      readonly bill?: Bill;
    }
  /** It was given up until a person answers (`onPark: 'return'`); the error says so. */
  | { readonly status: 'parked'; readonly id: RunId; readonly error: AmdahlError; readonly bill: Bill; readonly asks: readonly OpenAsk[] };

/** What there is of a value that is still being written. */
export type DeepPartial<T> = T extends readonly (infer Item)[]
  ? readonly DeepPartial<Item>[]
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

export interface Handle<O, M = unknown> {
  readonly id: RunId;
  /** The answer's text so far, again and again; shorter where some of it was withdrawn. Ends with the error of a run that fails. */
  readonly text: AsyncIterable<string>;
  /** The output so far; at last the output itself. Of agents whose answer no single model writes, only that. */
  readonly partial: AsyncIterable<DeepPartial<O>>;
  /** The journal's entries, from the first or after a seq, until the run has ended. */
  events(options?: { readonly after?: number }): AsyncIterable<Entry>;
  /** How it ended. Never rejects. */
  readonly outcome: Promise<Outcome<O, M>>;
  /** Cancels the run, and resolves once it has ended. What finished is kept: the same id goes on. */
  cancel(reason?: string): Promise<void>;
  /** As chunks for the AI SDK's `useChat`, `readUIMessageStream` and `createUIMessageStreamResponse`. */
  toUIMessageStream(options?: UiStreamOptions): ReadableStream<UiChunk>;
  /** The same as a response of server-sent events, for a route. */
  toUIMessageStreamResponse(options?: UiResponseOptions): Response;
}

/** Where a handle gets what it tells. */
export interface Source<O> {
  readonly id: RunId;
  readonly clock: Clock;
  readonly agent: AnyAgent | undefined;
  entries(options: { readonly after?: number | undefined; readonly signal?: AbortSignal | undefined }): AsyncIterable<readonly Entry[]>;
  standing(): Promise<Standing>;
  outcome(): Promise<Outcome<O>>;
  cancel(reason: string): Promise<void>;
}

export function handleOn<O>(source: Source<O>): Handle<O> {
  const { id, clock } = source;
  const ui: UiSource = {
    id,
    clock,
    entries: (signal) => source.entries({ signal }),
    standing: () => source.standing(),
    trouble: async (speech) => (speech.end === undefined || speech.end.status === 'failed' ? await troubleOf(source) : undefined),
  };
  let outcome: Promise<Outcome<O>> | undefined;
  return {
    id,
    text: { [Symbol.asyncIterator]: () => textOf(source) },
    partial: { [Symbol.asyncIterator]: () => partialOf(source) },
    events: (options = {}) => {
      checkOptions(options, { after: true }, 'events()');
      if (options.after !== undefined && !(Number.isInteger(options.after) && options.after >= -1))
        throw new AmdahlError('MISCONFIGURED', `after of events() is the seq of an entry, or -1 for all, not ${options.after}.`);
      return { [Symbol.asyncIterator]: () => eventsOf(source, options.after) };
    },
    get outcome() {
      return (outcome ??= source.outcome());
    },
    cancel: (reason = 'by its handle') => source.cancel(reason),
    toUIMessageStream: (options) => uiStream(ui, options),
    toUIMessageStreamResponse: (options) => uiResponse(ui, options),
  };
}

async function troubleOf<O>(source: Source<O>): Promise<AmdahlError | undefined> {
  const outcome = await source.outcome();
  return outcome.status === 'succeeded' || outcome.status === 'parked' ? undefined : outcome.error;
}

/** The output of a run that succeeded. @throws AmdahlError why it did not. */
async function outputOf<O>(source: Source<O>): Promise<O> {
  const outcome = await source.outcome();
  if (outcome.status !== 'succeeded') throw outcome.error;
  return outcome.output;
}

/** A speech whenever it may have changed: one for all that came at once. */
async function* speeches<O>(source: Source<O>): AsyncGenerator<Speech, void, undefined> {
  const speech = new Speech();
  for await (const batch of source.entries({})) {
    let isNew = false;
    for (const entry of batch) isNew = speech.take(entry) || isNew;
    if (isNew) yield speech;
  }
}

async function* textOf<O>(source: Source<O>): AsyncGenerator<string, void, undefined> {
  let told = '';
  for await (const { text } of speeches(source)) if (text !== told) yield (told = text);
  const output: unknown = await outputOf(source);
  const text = typeof output === 'string' ? output : told === '' ? (JSON.stringify(output) ?? '') : told;
  if (text !== told) yield text;
}

async function* partialOf<O>(source: Source<O>): AsyncGenerator<DeepPartial<O>, void, undefined> {
  let told = '';
  const speaker = source.agent === undefined ? undefined : speakerOf(source.agent);
  for await (const speech of speeches(source)) {
    if (speaker === undefined || speech.speaker !== speaker.name || speech.end !== undefined || speech.text === told) continue;
    told = speech.text;
    const value = valueSoFar(told, speaker.output);
    if (value !== undefined) yield value as DeepPartial<O>; // so far as the model keeps to the contract: it is judged at the end
  }
  yield (await outputOf(source)) as DeepPartial<O>; // all of it
}

function valueSoFar(text: string, output: Contract): Json | undefined {
  if (output.kind !== 'schema') return text;
  const value = partialJson(text);
  const { unwrap } = wrapForModel(output.jsonSchema());
  if (unwrap === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value).find(([key]) => key === unwrap)?.[1];
}

async function* eventsOf<O>(source: Source<O>, after: number | undefined): AsyncGenerator<Entry, void, undefined> {
  let isEnded = after !== undefined;
  for await (const batch of source.entries({ after })) {
    for (const entry of batch) {
      isEnded = ['run.succeeded', 'run.failed', 'run.cancelled'].includes(entry.event.kind);
      yield entry;
    }
  }
  if (!isEnded) await outputOf(source);
}
