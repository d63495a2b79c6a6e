// The provider packages under test, each with the protocol that it speaks, and a run through one of them: what came of
// it, what an observer heard, and what the journal says about how.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import {
  type Agent,
  type Bill,
  type Event,
  type EventKind,
  type EventOf,
  memoryJournal,
  run,
  type RunDelta,
  RunError,
  type RunOptions,
} from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import type { Protocol } from '../../src/modelServer/wire.ts';

/** A real provider's model that asks a server on this machine; `baseURL` ends in /v1. */
export type Wire = (baseURL: string) => LanguageModelV4;

export const wires: Readonly<Record<Protocol, Wire>> = {
  'openai.chat': (baseURL) => createOpenAI({ baseURL, apiKey: 'k' }).chat('gpt-4o'),
  'openai.responses': (baseURL) => createOpenAI({ baseURL, apiKey: 'k' }).responses('gpt-5'),
  'anthropic.messages': (baseURL) => createAnthropic({ baseURL, apiKey: 'k' })('claude-sonnet-4-5'),
};

/** A run that is over. */
export class Trip {
  readonly events: readonly Event[];
  readonly deltas: readonly RunDelta[];
  readonly bill: Bill;
  readonly output: unknown;
  readonly error: RunError | undefined;

  private constructor(
    events: readonly Event[],
    deltas: readonly RunDelta[],
    came: { readonly output: unknown; readonly bill: Bill } | RunError,
  ) {
    this.events = events;
    this.deltas = deltas;
    this.bill = came.bill;
    this.error = came instanceof RunError ? came : undefined;
    this.output = came instanceof RunError ? undefined : came.output;
  }

  /** Runs an agent, streamed where somebody is to listen. */
  static async make(agent: Agent<string, unknown>, input: string, stream: boolean, options: RunOptions): Promise<Trip> {
    const journal = memoryJournal();
    const deltas: RunDelta[] = [];
    const listening = stream ? { onDelta: (delta: RunDelta) => void deltas.push(delta) } : {};
    const came = await run(agent, input, { id: 'r', journal, ...listening, ...options }).catch((error: unknown) => {
      if (error instanceof RunError) return error;
      throw error;
    });
    const events: Event[] = [];
    for await (const { event } of journal.read('r' as RunId)) events.push(event);
    return new Trip(events, deltas, came);
  }

  of<K extends EventKind>(kind: K): readonly EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.kind === kind);
  }

  /** What an observer heard of the last turn and was not told to forget. */
  get heard(): string {
    let said = '';
    let turn = '';
    for (const delta of this.deltas) {
      const now = `${delta.call}:${delta.attempt}.${delta.turn}`;
      if (now !== turn || delta.type === 'withdrawn') said = '';
      turn = now;
      if (delta.type === 'text') said += delta.delta;
    }
    return said;
  }
}
