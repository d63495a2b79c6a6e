// A stream that is passed on while it is read here: whoever asked gets the parts of the provider as they are, and
// send.ts one answer or one failure. Called by run/gateMiddleware.ts.
//
// P1 nothing is passed on before the answer begins to say something: until then a sending that fails is sent again, and
//    nobody notices. What comes before (warnings, names, pings) is kept until then.
// P2 it is read at the provider's pace, not at the reader's: a reader that is slow, or that never comes back, keeps no
//    place at the gate. What waits for the reader is at most one answer.
// P3 the end is passed on when send.ts has judged it: an answer that broke off ends with an error, never with `finish`.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart, LanguageModelV4StreamResult } from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';

/** What says nothing yet. */
const PRELUDE: ReadonlySet<string> = new Set(['stream-start', 'response-metadata', 'raw', 'ping']);

export class PassedOn {
  /** The first part that says something was passed on: from now on nothing is sent again. */
  begun = false;
  /** The model as send.ts asks it: all that it streams is passed on. */
  readonly model: LanguageModelV4;
  readonly #left: (reason: unknown) => void;
  readonly #opened = Promise.withResolvers<LanguageModelV4StreamResult>();
  #held: LanguageModelV4StreamPart[] = [];
  /** How often it was sent: what an earlier sending still says, though it was cut off, is not heard. */
  #sent = 0;
  /** Where the reader reads; undefined before there is one, and after it has left. */
  #reader: ReadableStreamDefaultController<LanguageModelV4StreamPart> | undefined;

  /** `left` is told when the reader cancels. */
  constructor(model: LanguageModelV4, left: (reason: unknown) => void) {
    const { specificationVersion, provider, modelId, supportedUrls } = model;
    this.#left = left;
    this.model = {
      specificationVersion,
      provider,
      modelId,
      supportedUrls,
      doGenerate: (options) => model.doGenerate(options),
      doStream: (options) => this.#stream(model, options),
    };
    this.#opened.promise.catch(() => {}); // whoever opens it is told
  }

  /** The answer when it begins. Rejects where it fails before. */
  get opened(): Promise<LanguageModelV4StreamResult> {
    return this.#opened.promise;
  }

  /** It was answered. */
  end(): void {
    this.#flush();
    this.#reader?.close();
    this.#reader = undefined;
  }

  /** It failed: a part of the stream where it has begun. */
  fail(error: Error): void {
    this.#opened.reject(error);
    this.#reader?.enqueue({ type: 'error', error });
    this.#reader?.close();
    this.#reader = undefined;
  }

  /** Whoever asked gave it up, and hears its own reason. */
  abort(reason: unknown): void {
    this.#opened.reject(reason);
    this.#reader?.error(reason);
    this.#reader = undefined;
  }

  async #stream(model: LanguageModelV4, options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    if (this.begun) throw new AmdahlError('MODEL_GARBAGE', 'A stream that has begun is not begun again.');
    this.#held = [];
    this.#sent += 1;
    const nth = this.#sent;
    const result = await model.doStream(options);
    const tap = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
      transform: (part, controller) => {
        if (nth === this.#sent) this.#pass(part, result);
        controller.enqueue(part);
      },
    });
    return { ...result, stream: result.stream.pipeThrough(tap) };
  }

  #pass(part: LanguageModelV4StreamPart, result: LanguageModelV4StreamResult): void {
    if (part.type === 'error') return; // send.ts says what it is
    if (!this.begun && !PRELUDE.has(part.type)) this.#begin(result);
    const ends = part.type === 'finish' || this.#held.length > 0;
    if (!this.begun || ends) this.#held.push(part);
    else this.#reader?.enqueue(part);
  }

  #begin(result: LanguageModelV4StreamResult): void {
    this.begun = true;
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      start: (controller) => {
        this.#reader = controller;
      },
      cancel: (reason) => {
        this.#reader = undefined;
        this.#left(reason);
      },
    });
    this.#flush();
    this.#opened.resolve({ ...result, stream });
  }

  #flush(): void {
    for (const part of this.#held) this.#reader?.enqueue(part);
    this.#held = [];
  }
}
