// A run as an AI SDK UI message stream and as the HTTP response that carries it. Called by handle.ts. Whoever goes away
// stops reading, and nothing else: the run goes on.

import { AmdahlError, asAmdahl, ERROR_CODES } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import type { Entry, RunId } from '../journal/event.ts';
import { Speech } from '../journal/speech.ts';
import type { Clock } from './ports.ts';
import type { Standing } from './standing.ts';
import { type UiChunk, UiTelling } from './uiChunks.ts';

export interface UiStreamOptions {
  /**
   * How many chunks of this run are there already: they are left out. Count those of a stream with the same options. 'park' leaves
   * out what was told before the run last parked and went on, for the page of who has answered it. Default: 0.
   */
  readonly after?: number | 'park';
  /** The id of the message. Default: the run's, so that whoever reads it again has the same message. */
  readonly messageId?: string;
  /** Default: true, as in the AI SDK. */
  readonly sendReasoning?: boolean;
  /** Default: false, as in the AI SDK. */
  readonly sendSources?: boolean;
  /** Whether what people are asked is shown, and can be answered, by whoever reads. Default: true. */
  readonly sendAsks?: boolean;
  /**
   * What the reader is told of a failure, of the run or of a tool. Default: of the run its code and what that means, without
   * the message, which is in `outcome`; of a tool what the model is told, as in the AI SDK.
   */
  readonly onError?: (error: AmdahlError) => string;
}

export interface UiResponseOptions extends UiStreamOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A comment is sent when nothing was for so long, so that nobody on the way closes the connection. Default: 15,000. */
  readonly keepAliveMs?: number;
}

const STREAM: OptionNames<UiStreamOptions> = {
  after: true,
  messageId: true,
  sendReasoning: true,
  sendSources: true,
  sendAsks: true,
  onError: true,
};
const RESPONSE: OptionNames<UiResponseOptions> = { ...STREAM, status: true, headers: true, keepAliveMs: true };

/** What a stream is made of. */
export interface UiSource {
  readonly id: RunId;
  readonly clock: Clock;
  entries(signal: AbortSignal): AsyncIterable<readonly Entry[]>;
  standing(): Promise<Standing>;
  /** Why there is no more to tell, after the last entry; undefined where the entries say how it ended. */
  trouble(speech: Speech): Promise<AmdahlError | undefined>;
}

/** @throws AmdahlError MISCONFIGURED */
export function uiStream(source: UiSource, options: UiStreamOptions = {}): ReadableStream<UiChunk> {
  checkOptions(options, STREAM, 'toUIMessageStream()');
  checkAfter(options.after);
  const aborter = new AbortController();
  const chunks = numbered(source, options, aborter.signal);
  return new ReadableStream<UiChunk>({
    pull: async (controller) => {
      const { value, done } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value.chunk);
    },
    cancel: async () => await leave(chunks, aborter),
  });
}

/** Server-sent events as the AI SDK's transports read them. Each has its number as its id: `after` takes that of the last one. */
export function uiResponse(source: UiSource, options: UiResponseOptions = {}): Response {
  checkOptions(options, RESPONSE, 'toUIMessageStreamResponse()');
  checkAfter(options.after);
  checkCount(options.keepAliveMs, 1, 'keepAliveMs');
  const { status = 200, headers = {}, keepAliveMs = 15_000, ...shown } = options;
  const aborter = new AbortController();
  const chunks = numbered(source, shown, aborter.signal);
  const encoder = new TextEncoder();
  let next: ReturnType<typeof chunks.next> | undefined;
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      next ??= chunks.next();
      const silence = Promise.withResolvers<'silence'>();
      const disarm = source.clock.after(keepAliveMs, () => silence.resolve('silence'));
      const came = await Promise.race([next, silence.promise]);
      disarm();
      if (came === 'silence') return controller.enqueue(encoder.encode(': still there\n\n'));
      next = undefined;
      if (came.done !== true)
        return controller.enqueue(encoder.encode(`id: ${came.value.number}\ndata: ${JSON.stringify(came.value.chunk)}\n\n`));
      controller.enqueue(encoder.encode('data: [DONE]\n\n'));
      controller.close();
    },
    cancel: async () => await leave(chunks, aborter),
  });
  return new Response(body, { status, headers: { ...HEADERS, ...headers } });
}

/** Ends the reading, whether it waits for more or for its reader: nothing of it is kept where the run is watched. */
async function leave(chunks: AsyncGenerator<Numbered>, aborter: AbortController): Promise<void> {
  aborter.abort();
  await chunks.return(undefined);
}

/** Those of the AI SDK's own responses: its transports and proxies go by them. */
const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  'x-vercel-ai-ui-message-stream': 'v1',
  'x-accel-buffering': 'no',
};

function checkAfter(after: number | 'park' | undefined): void {
  if (after === 'park') return;
  if (typeof after === 'string')
    throw new AmdahlError('MISCONFIGURED', `after of a UI message stream is a number or 'park', not '${String(after)}'.`);
  checkCount(after, 0, 'after');
}

function checkCount(value: number | undefined, least: number, option: string): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new AmdahlError('MISCONFIGURED', `${option} of a UI message stream is a whole number from ${least} on, not ${value}.`);
}

interface Numbered {
  readonly number: number;
  readonly chunk: UiChunk;
}

async function* numbered(source: UiSource, options: UiStreamOptions, signal: AbortSignal): AsyncGenerator<Numbered, void, undefined> {
  const { after = 0 } = options;
  // Of 'park', what was told since the newest park that is over is held until all of it is known.
  const begun = after === 'park' ? await source.standing() : undefined;
  let held: Numbered[] = [];
  let number = 0;
  for await (const { chunks, seq, parks } of tellings(source, options, signal)) {
    for (const chunk of chunks) held.push({ number: (number += 1), chunk });
    if (begun !== undefined && parks && (seq + 1 < begun.events || (seq + 1 === begun.events && !begun.waits))) held = [];
    if (begun !== undefined && seq + 1 < begun.events) continue;
    for (const one of held) if (after === 'park' || one.number > after) yield one;
    held = [];
  }
}

/** What is told up to an entry. `parks`: the run does with it. */
interface Telling {
  readonly chunks: readonly UiChunk[];
  readonly seq: number;
  readonly parks: boolean;
}

/**
 * Nothing is told before the run is stored: whoever has a part of it can follow the rest.
 * An end is told only when nothing follows it: a run that failed and goes on has not ended. That it parks is always told, and
 * ends the stream where it still waits.
 */
async function* tellings(source: UiSource, options: UiStreamOptions, signal: AbortSignal): AsyncGenerator<Telling, void, undefined> {
  const { messageId = source.id, sendReasoning = true, sendSources = false, sendAsks = true, onError } = options;
  const telling = new UiTelling({ messageId, sendReasoning, sendSources, sendAsks, ...(onError === undefined ? {} : { ofTool: onError }) });
  const speech = new Speech();
  let trouble: AmdahlError | undefined;
  let seq = -1;
  try {
    for await (const batch of source.entries(signal)) {
      if (seq < 0) yield { chunks: telling.begin(), seq, parks: false };
      for (const entry of batch) {
        ({ seq } = entry);
        const isNew = speech.take(entry) && speech.end === undefined;
        yield { chunks: isNew ? telling.tell(speech) : [], seq, parks: speech.parked !== undefined };
      }
      if (speech.parked !== undefined && (await isWaiting(source, seq))) return;
    }
    if (signal.aborted || speech.parked !== undefined) return;
    trouble = await source.trouble(speech);
  } catch (thrown) {
    trouble = asAmdahl(thrown, source.id);
  }
  if (seq < 0) yield { chunks: telling.begin(), seq, parks: false };
  const end = trouble === undefined ? telling.end(speech) : telling.fail(speech, (onError ?? codeAndMeaning)(trouble));
  yield { chunks: end, seq: Infinity, parks: false };
}

async function isWaiting(source: UiSource, seq: number): Promise<boolean> {
  const { events, waits } = await source.standing();
  return waits && events === seq + 1;
}

/** Messages are for who runs the program: they may have paths, hosts and what code threw. */
function codeAndMeaning({ code }: AmdahlError): string {
  return `${code}: ${ERROR_CODES[code]}`;
}
