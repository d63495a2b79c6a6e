// The asks of a journal in memory: what the tables of the others are. Called by memory.ts alone, which says who works on what.

import {
  type AskRow,
  type AsksOptions,
  canGoOn,
  checkPrefix,
  isInTime,
  notAccepted,
  onlyOne,
  type Reply,
  type Responded,
  type Response,
  stateAfter,
  textOf,
} from './ask.ts';
import type { AskId, RunId } from './ids.ts';
import type { AskEvent } from './worldEvent.ts';

type Kept = Omit<AskRow, 'response' | 'scope'> & { readonly text?: string };

export class MemoryAsks {
  readonly #asks = new Map<AskId, Kept>();
  readonly #byRun = new Map<RunId, Set<AskId>>();
  readonly #scopeOf: (run: RunId) => string | undefined;

  constructor(scopeOf: (run: RunId) => string | undefined) {
    this.#scopeOf = scopeOf;
  }

  take(run: RunId, seq: number, event: AskEvent & { readonly at: number }): void {
    const { ask, at } = event;
    const before = this.#asks.get(ask);
    if (event.kind === 'ask.opened') {
      this.#byRun.set(run, (this.#byRun.get(run) ?? new Set()).add(ask));
      const { of, expiresAt } = event;
      const opened = { ask, run, of, seq, openedAt: at, ...(expiresAt === undefined ? {} : { expiresAt }) };
      const { state, since, text } = before?.state === 'responded' ? before : { state: 'open' as const, since: at, text: undefined };
      this.#asks.set(ask, { ...opened, state, since, ...(text === undefined ? {} : { text }) });
    } else if (before !== undefined) {
      const { text: _, ...rest } = before;
      this.#asks.set(ask, { ...rest, state: stateAfter(event.kind), since: at });
    }
  }

  list({ scope, run, all }: AsksOptions): readonly AskRow[] {
    return this.#rows(run)
      .filter((row) => (all === true || row.state === 'open') && (scope === undefined || row.scope === scope))
      .sort((a, b) => a.openedAt - b.openedAt || (a.ask < b.ask ? -1 : 1));
  }

  /** @throws AmdahlError ASK_UNKNOWN */
  find(idOrPrefix: string): AskRow | undefined {
    checkPrefix(idOrPrefix);
    return onlyOne(
      idOrPrefix,
      this.#rows().filter(({ ask }) => ask.startsWith(idOrPrefix)),
    );
  }

  respond(ask: AskId, reply: Reply, now: number): Responded {
    const text = textOf(reply, now);
    const kept = this.#asks.get(ask);
    if (kept?.state !== 'open' || !isInTime(kept.expiresAt, now))
      return notAccepted(kept === undefined ? undefined : this.#shown(kept), now);
    const responded: Kept = { ...kept, state: 'responded', since: now, text };
    this.#asks.set(ask, responded);
    return { kind: 'accepted', row: this.#shown(responded) };
  }

  /** Those of a run that it has not journaled, oldest first. */
  responded(run: RunId): readonly AskRow[] {
    return this.#rows(run)
      .filter(({ state }) => state === 'responded')
      .sort((a, b) => a.since - b.since);
  }

  canGoOn(run: RunId, now: number): boolean {
    return canGoOn(this.#rows(run), now);
  }

  drop(run: RunId): void {
    for (const ask of this.#byRun.get(run) ?? []) this.#asks.delete(ask);
    this.#byRun.delete(run);
  }

  #rows(run?: RunId): AskRow[] {
    const ids = run === undefined ? this.#asks.keys() : (this.#byRun.get(run) ?? []);
    return [...ids].flatMap((ask) => this.#asks.get(ask) ?? []).map((kept) => this.#shown(kept));
  }

  #shown({ text, ...row }: Kept): AskRow {
    const scope = this.#scopeOf(row.run);
    const response = text === undefined ? {} : { response: JSON.parse(text) as Response }; // as textOf wrote it
    return { ...row, ...(scope === undefined ? {} : { scope }), ...response };
  }
}
