// Code that a call runs (a step's, a tool's, a flow's own and its branches'), as somebody who asks models: what it sends
// through `gate()` is the call's. attempts.ts, tools.ts and scope.ts run code in here; gateMiddleware.ts looks whose code
// it was called by.
//
// C1 what code asked and did not wait for ends with it, and is told of before its call is. What goes on after it is refused.
// C2 the context holds nothing of code that is over but its path: pooled sockets keep the context they began in.
// C3 what happens inside a sending is that sending's, for as long as it is on its way: the same party counts it once.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';
import type { Place } from '../journal/event.ts';
import type { Frame } from './asker.ts';
import { type CodeTurn, Talks } from './codeTalks.ts';
import { Life } from './life.ts';
import { askerPlace } from './place.ts';
import type { Secrets } from './secrets.ts';

/** What stands for code in its asynchronous context. */
interface Context {
  asker: CodeAsker | undefined;
  /** Set when it must not ask any more: why it was ended, or the path of what came to its own end. */
  over: AmdahlError | string | undefined;
}

/** A request on its way, for what happens inside it. */
export class Sending {
  isOver = false;
  #party: object | undefined;
  #above: Sending | undefined;
  #secrets: Secrets | undefined;

  constructor(party: object | undefined, above: Sending | undefined, secrets: Secrets | undefined) {
    this.#party = party;
    this.#above = above;
    this.#secrets = secrets ?? above?.secrets;
  }

  /** Of the run that sends it. */
  get secrets(): Secrets | undefined {
    return this.#secrets;
  }

  /** Whether it, or one that it is part of, was reserved and will be told of by this party. */
  isCountedBy(party: object): boolean {
    return this.#party === party || this.#above?.isCountedBy(party) === true;
  }

  end(): void {
    this.isOver = true;
    this.#party = this.#above = this.#secrets = undefined;
  }
}

const contexts = new AsyncLocalStorage<Context | Sending>();

/**
 * Whose code is running: that of a call, what sends a request, or nobody's that is known.
 * @throws AmdahlError why the call is over, or that the code is, where it goes on all the same.
 */
export function presentCode(): CodeAsker | Sending | undefined {
  const context = contexts.getStore();
  if (context === undefined) return undefined;
  if (context instanceof Sending) return context.isOver ? undefined : context;
  if (context.over !== undefined) throw typeof context.over === 'string' ? asksNoMore(context.over) : context.over;
  return context.asker;
}

/** The code that is running, where it is a call's own: composites run in the context of whoever asked them. */
export function codeOf(frame: Frame | undefined): CodeAsker | undefined {
  const context = contexts.getStore();
  return context === undefined || context instanceof Sending || context.asker?.frame !== frame ? undefined : context.asker;
}

/** The secrets of the run whose request is being sent, or whose code is running; undefined outside of all. */
export function presentSecrets(): Secrets | undefined {
  const context = contexts.getStore();
  return context instanceof Sending ? context.secrets : context?.asker?.frame.session.secrets;
}

/** Runs what sends a request; `party` counts it, and `secrets` are those of the run that sends it. */
export function whileSending<T>(work: () => PromiseLike<T>, party?: object, secrets?: Secrets): PromiseLike<T> {
  const around = contexts.getStore();
  const sending = new Sending(party, around instanceof Sending && !around.isOver ? around : undefined, secrets);
  const over = (): void => sending.end();
  try {
    const sent = contexts.run(sending, work);
    sent.then(over, over);
    return sent;
  } catch (thrown) {
    over();
    throw thrown;
  }
}

export class CodeAsker {
  readonly frame: Frame;
  readonly attempt: number;
  readonly #place: Place;
  readonly #above: Life;
  readonly #context: Context;
  // Made when it asks: of ten thousand steps most do not.
  #talks: Talks | undefined;
  #open: Set<Promise<unknown>> | undefined;
  #life: Life | undefined;

  /** `place`: of the attempt, the tool call or the branch. `above`: what ends it. */
  constructor(frame: Frame, place: Place, attempt: number, above: Life = frame.life) {
    this.frame = frame;
    this.attempt = attempt;
    this.#place = place;
    this.#above = above;
    this.#context = { asker: this, over: undefined };
  }

  /** Runs the code, or a part of it. Where it has a time of its own, `signal` says that this is over. */
  run<T>(work: () => T, signal?: AbortSignal): T {
    signal?.addEventListener('abort', () => this.#cut(signal.reason), { once: true });
    return contexts.run(this.#context, work);
  }

  /** A part of it that lives and ends for itself. */
  branch(place: Place, life: Life): CodeAsker {
    return new CodeAsker(this.frame, place, this.attempt, life);
  }

  /** What its requests live below. */
  get life(): Life {
    return (this.#life ??= new Life(this.#above));
  }

  /** The identity of a request to a model, fixed before anything is awaited. */
  turn(prompt: LanguageModelV4Prompt, model: string): CodeTurn {
    // What code asks is sent again by a later entry, and may be another thing then.
    const entry = this.frame.session.inherited?.entries ?? 0;
    this.#talks ??= new Talks((nth) => askerPlace(this.#place, entry === 0 ? 'gate' : `gate${entry}`, nth));
    return this.#talks.turn(prompt, model);
  }

  /** Keeps a request in sight until it is over. */
  track<T>(request: Promise<T>): Promise<T> {
    const open = (this.#open ??= new Set());
    open.add(request);
    const { busy } = this.frame.session;
    // A tool's code and a step's count as long as they run; a flow's only while it has no call open.
    const counts = this.frame.agent.behaviour.kind === 'composite';
    if (counts) busy.beginTool(this.#above);
    const over = (): void => {
      open.delete(request);
      if (counts) busy.endTool(this.#above);
    };
    request.then(over, over);
    return request;
  }

  /** The code is over: what it did not wait for is cancelled. To be waited for, so that this is told of first. */
  finish(): Promise<void> | undefined {
    this.#context.asker = undefined;
    this.#context.over ??= this.#above.error ?? this.frame.path;
    if (this.#open !== undefined && this.#open.size > 0) return this.#leave(this.#open);
    this.#life?.close();
    return undefined;
  }

  async #leave(open: ReadonlySet<Promise<unknown>>): Promise<void> {
    const { path } = this.frame;
    this.life.end(
      new AmdahlError(
        'CANCELLED',
        `The code of '${path}' ended while a model that it had asked was still answering, so that was cancelled. Was an await forgotten?`,
      ),
    );
    await Promise.allSettled(open);
    this.life.close();
  }

  /** Its time is over, though it may take a while to come back. */
  #cut(reason: unknown): void {
    const error = reason instanceof AmdahlError ? reason : asksNoMore(this.frame.path);
    this.#context.over ??= error;
    this.#life?.end(error);
  }
}

function asksNoMore(path: string): AmdahlError {
  return new AmdahlError(
    'CANCELLED',
    `The code of '${path}' is over and asks no more models: await every request. If a queue that others share runs it, bind what is put in: AsyncResource.bind(work) of node:async_hooks.`,
  );
}
