// Telling somebody that a run waits for them (`onAsk`): a function of the program, a command, an address. run.ts starts it with an
// entry and stops it with its end.
//
// T1 each question is told at least once, and not again by later entries once that is on record.
// T2 a run is parked, and a process that does not wait for the answer gives it up, after it was told or the tries are used up.
// T3 whoever cannot be told is no failure of the run: the question stands, and the journal says so.

import { kindOf } from '../agent/contract.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { checkOptions } from '../agent/options.ts';
import type { Json } from '../journal/event.ts';
import type { RunRow } from '../journal/journal.ts';
import type { Opened } from './asks.ts';
import { Life } from './life.ts';
import type { Messenger } from './messenger.ts';
import { type OpenAsk, openAsk } from './people.ts';
import type { Session } from './session.ts';

/**
 * Who is told when a question is asked: a function; a command of the shell, which gets the question as JSON on its standard
 * input; or an address, to which it is posted as JSON with the ask's id as `idempotency-key`.
 */
export type OnAsk = ((ask: OpenAsk) => unknown) | { readonly command: string } | { readonly url: string };

/** Sendings again of one question. */
const RETRIES = 5;
/** Full jitter, as in model/resend.ts: a wait between 0 and base · 2ⁿ. */
const BASE_MS = 1_000;
const CAP_MS = 30_000;
/** How long one telling may take. */
const TELL_MS = 20_000;
/** Tellings at once. */
const AT_ONCE = 8;

/** @throws AmdahlError MISCONFIGURED */
export function checkOnAsk(onAsk: unknown): void {
  if (typeof onAsk === 'function') return;
  const how = "Give a function, { command: 'notify-send …' } or { url: 'https://…' }";
  if (typeof onAsk !== 'object' || onAsk === null) throw new AmdahlError('MISCONFIGURED', `onAsk is ${kindOf(onAsk)}. ${how}.`);
  checkOptions(onAsk, { command: true, url: true }, 'onAsk');
  const { command, url } = onAsk as { readonly command?: unknown; readonly url?: unknown }; // its options were just looked at
  if ((command === undefined) === (url === undefined))
    throw new AmdahlError('MISCONFIGURED', `onAsk takes one of command and url. ${how}.`);
  if (url !== undefined && (typeof url !== 'string' || !/^https?:$/.test(URL.parse(url)?.protocol ?? '')))
    throw new AmdahlError('MISCONFIGURED', `The url of onAsk is no address of the web: ${JSON.stringify(url)}. ${how}.`);
  if (command !== undefined && (typeof command !== 'string' || command.trim() === ''))
    throw new AmdahlError('MISCONFIGURED', `The command of onAsk is ${kindOf(command)}. ${how}.`);
}

/** Tells of every question of this entry. Returns what stops that. */
export function tellOfAsks(session: Session, onAsk: OnAsk, messenger: Messenger): () => void {
  const telling = new Telling(session, onAsk, messenger);
  const off = session.asks.onOpened((opened) => telling.hear(opened));
  return () => {
    off();
    telling.stop();
  };
}

/** A question to tell of, and what lets the run be parked as far as this one is concerned. */
interface Due {
  readonly opened: Opened;
  readonly done: () => void;
}

class Telling {
  readonly #session: Session;
  readonly #onAsk: OnAsk;
  readonly #messenger: Messenger;
  readonly #life: Life;
  readonly #line: Due[] = [];
  #active = 0;
  #row: Promise<RunRow | undefined> | undefined;

  constructor(session: Session, onAsk: OnAsk, messenger: Messenger) {
    this.#session = session;
    this.#onAsk = onAsk;
    this.#messenger = messenger;
    this.#life = new Life(session.life);
  }

  hear(opened: Opened): void {
    this.#line.push({ opened, done: this.#session.busy.work() });
    if (this.#active < AT_ONCE) void this.#work();
  }

  stop(): void {
    this.#life.end(new AmdahlError('CANCELLED', 'The run is over.'));
  }

  async #work(): Promise<void> {
    this.#active += 1;
    for (let due = this.#line.shift(); due !== undefined; due = this.#line.shift()) {
      // The run is over, or its journal failed: whoever drives it hears of that.
      await this.#tell(due.opened).catch(() => {});
      due.done();
    }
    this.#active -= 1;
  }

  async #tell({ ask: opened, again }: Opened): Promise<void> {
    const { clock, random, secrets } = this.#session;
    const { ask: id, place, path } = opened;
    if (again && (await this.#wasTold(opened))) return;
    this.#row ??= this.#session.journal.row(this.#session.run);
    const row = await this.#row;
    if (row === undefined) return;
    const ask = secrets.clean(openAsk(opened, row, row.agent));
    for (let tries = 1; this.#isOpen(opened); tries += 1) {
      try {
        await this.#once(ask);
        this.#life.check();
        this.#session.note({ kind: 'ask.told', place, ask: id });
        return;
      } catch (thrown) {
        this.#life.check();
        if (tries > RETRIES) {
          const evidence: Json = { ask: id, tries, error: describe(thrown) };
          this.#session.note({ kind: 'guard.tripped', place, guard: 'onAsk', call: path, evidence });
          return;
        }
      }
      await this.#life.pause(clock, Math.round(random() * Math.min(CAP_MS, BASE_MS * 2 ** (tries - 1))));
    }
  }

  #isOpen({ ask }: Opened['ask']): boolean {
    return this.#life.error === undefined && this.#session.asks.open.some((one) => one.ask === ask);
  }

  /** Since it was last opened. */
  async #wasTold({ ask, place }: Opened['ask']): Promise<boolean> {
    let told = false;
    for (const { event } of await this.#session.recall(place)) {
      if (event.kind === 'ask.opened' && event.ask === ask) told = false;
      if (event.kind === 'ask.told' && event.ask === ask) told = true;
    }
    return told;
  }

  async #once(ask: OpenAsk): Promise<void> {
    const own = new Life(this.#life);
    const disarm = this.#session.clock.after(TELL_MS, () =>
      own.end(new AmdahlError('TIMEOUT', `Telling of a question did not end within ${TELL_MS} ms.`)),
    );
    try {
      await own.lend(async (signal) => this.#send(ask, signal));
    } finally {
      disarm();
      own.close();
    }
  }

  async #send(ask: OpenAsk, signal: AbortSignal): Promise<void> {
    const onAsk = this.#onAsk;
    if (typeof onAsk === 'function') await onAsk(ask);
    else if ('url' in onAsk && onAsk.url !== undefined) await this.#messenger.post(onAsk.url, JSON.stringify(ask), ask.ask, signal);
    else if ('command' in onAsk) await this.#messenger.command(onAsk.command, JSON.stringify(ask), signal);
  }
}
