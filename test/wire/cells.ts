// One cell of a table: a run that asks the model server through a real provider package, over a socket, and what both
// say of it afterwards. Back-offs and time-outs are twenty times as short as they say, for run and server alike.

import { expect, vi } from 'vitest';
import type { ErrorCode, RunOptions } from '../../src/index.ts';
import type { Answers } from '../../src/modelServer/answers.ts';
import type { Fault } from '../../src/modelServer/faults.ts';
import type { ModelServerOptions } from '../../src/modelServer/options.ts';
import type { RequestRecord } from '../../src/modelServer/records.ts';
import type { Asked, Protocol } from '../../src/modelServer/wire.ts';
import { startModelServer } from '../../src/testing.ts';
import type { Clock } from '../../src/run/ports.ts';
import { hastyClock } from '../support/hastyClock.ts';
import type { Spoken } from './spoken.ts';
import { Trip, wires } from './wires.ts';

export interface Column {
  readonly wire: Protocol;
  readonly stream: boolean;
}

/** Every wire, whole and streamed. */
export const columns: readonly Column[] = Object.keys(wires).flatMap(
  (name) => [false, true].map((stream) => ({ wire: name as Protocol, stream })), // the keys of wires
);

/** What a cell comes to. */
export interface Ends {
  readonly output?: unknown;
  readonly code?: ErrorCode;
  /** As the server counts. */
  readonly requests: number;
  /** Sendings that failed, in the journal. */
  readonly failed?: readonly ErrorCode[];
  /** Answers that the model was asked to mend, in the journal. */
  readonly repaired?: number;
}

/** A run that is over, and the server's own record of it. */
export interface Cell extends Column {
  readonly trip: Trip;
  readonly requests: readonly RequestRecord[];
  /** What reached the model. */
  readonly asked: readonly Asked[];
}

export interface Case {
  readonly title: string;
  readonly agent: Spoken['agent'];
  readonly answers: Answers;
  /** What goes wrong with the nth request. */
  readonly fault?: (nth: number) => Fault | undefined;
  readonly server?: Omit<ModelServerOptions, 'faults' | 'answers' | 'clock'>;
  readonly options?: RunOptions;
  /** Of the run and the server. Default: one that goes twenty times as fast as the world's. */
  readonly clock?: Clock;
  readonly ends: Ends | ((column: Column) => Ends);
  readonly also?: (cell: Cell) => void;
}

const hasty = hastyClock(20);

/** A machine that is busy must not look like one that cannot be reached. */
export const limits = { connectMs: 400_000, idleMs: 400_000, requestMs: 400_000 };

/** Runs a case in a column, with a server of its own. */
export async function cellOf(
  { agent, answers, fault, server: given, options, clock = hasty }: Omit<Case, 'title' | 'ends' | 'also'>,
  column: Column,
): Promise<Cell> {
  const asked: Asked[] = [];
  const faults = (request: Asked, nth: number): Fault | undefined => (asked.push(request), fault?.(nth));
  const server = await startModelServer({ ...given, answers, faults, clock });
  try {
    const models = { '*': wires[column.wire](server.baseUrl()) };
    const trip = await Trip.make(agent, 'stone', column.stream, { clock, random: () => 0, models, limits, ...options });
    await vi.waitFor(() => expect(server.stats().inFlight).toBe(0), { interval: 2, timeout: 10_000 });
    return { ...column, trip, asked, requests: server.requests };
  } finally {
    await server.close();
  }
}
