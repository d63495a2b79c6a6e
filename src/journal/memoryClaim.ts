// One claim on one run of a journal in memory. Made by memory.ts; a claim that lost its run keeps rejecting, as one of a process
// that was only slow would.

import { encodeEvent, type EncodedEvent } from './codec.ts';
import type { AskResponse, AskRow, Response } from './ask.ts';
import type { AskId, Event, RunId } from './event.ts';
import type { Claim } from './journal.ts';
import { Break, Heard, runLost, runReleased, Wish } from './ownership.ts';

/** What a claim needs of its store. */
export interface MemoryHome {
  /** @throws AmdahlError when the journal is closed. */
  assertOpen(): void;
  write(event: Event, encoded: EncodedEvent): void;
  tell(): void;
  /** Responses that the run has not journaled, oldest first. */
  responded(): readonly AskRow[];
  /** The claim is given up. */
  leave(claim: MemoryClaim): void;
}

export class MemoryClaim implements Claim {
  readonly run: RunId;
  readonly epoch: number;
  readonly events: number;
  alive = true;
  readonly #home: MemoryHome;
  readonly #break = new Break();
  readonly #wish = new Wish();
  readonly #heard = new Heard();
  #released = false;

  constructor(home: MemoryHome, run: RunId, epoch: number, events: number) {
    this.run = run;
    this.epoch = epoch;
    this.events = events;
    this.#home = home;
  }

  note(event: Event): void {
    if (this.#break.error !== undefined || this.#released) return;
    try {
      this.#write([event]);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  async append(events: readonly Event[]): Promise<void> {
    if (this.#break.error !== undefined) throw this.#break.error;
    if (this.#released) throw runReleased(this.run);
    try {
      this.#write(events);
    } catch (thrown) {
      this.#fail(thrown);
      throw thrown;
    }
  }

  onCancel(listener: (reason: string) => void): void {
    this.#wish.onMade(listener);
  }

  cancel(reason: string): void {
    this.#wish.make(reason);
  }

  onResponse(listener: (ask: AskId, response: Response) => void): void {
    for (const row of this.#home.responded()) this.hear(row);
    this.#heard.onTold(listener);
  }

  hear({ ask, seq, response }: AskRow): void {
    if (this.alive && !this.#released && response !== undefined) this.#heard.tell(ask, seq, response);
  }

  async responses(): Promise<readonly AskResponse[]> {
    return this.#home.responded().flatMap(({ ask, response }) => (response === undefined ? [] : [{ ask, response }]));
  }

  onLost(listener: (error: Error) => void): void {
    this.#break.onBreak(listener);
  }

  async release(): Promise<void> {
    this.#released = true;
    this.#home.leave(this);
  }

  lose(): void {
    this.#break.break(runLost(this.run, this.epoch));
  }

  /** All or nothing: an event that cannot be encoded leaves none of its append behind. */
  #write(events: readonly Event[]): void {
    this.#home.assertOpen();
    const encoded = events.map(encodeEvent);
    events.forEach((event, index) => {
      const form = encoded[index];
      if (form !== undefined) this.#home.write(event, form);
    });
    this.#home.tell();
  }

  #fail(thrown: unknown): void {
    this.#break.break(thrown instanceof Error ? thrown : new Error(String(thrown)));
    this.alive = false;
  }
}
