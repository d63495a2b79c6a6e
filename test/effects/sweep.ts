// Cuts one cell of the matrix at every position there is, in one way, and counts. Called by the tests, and by matrix.ts, which
// prints what comes of it.

import type { Entry } from '../../src/index.ts';
import type { Mortality } from '../crash/mortal.ts';
import { type Cell, cellName, type Program, programOf } from './cells.ts';
import { type Calm, calmRun, type Count, crashed } from './law.ts';
import type { Mishap } from './ledger.ts';
import type { Service } from './service.ts';

/** What is cut: the process, once or again while it recovers; or the way to the service, with or without the process. */
export const CUTS = ['crash', 'crash again', 'answer lost', 'refused', 'not arrived'] as const;
export type Cut = (typeof CUTS)[number];

/** What throws out of an immediate effect is its result: a model is told, and may do as it likes. */
function cutsOf({ kind }: Cell): readonly Cut[] {
  return kind === 'immediate' ? ['crash', 'crash again'] : CUTS;
}

/** One cell, cut in one way. */
export interface Row extends Count {
  readonly cell: Cell;
  readonly cut: Cut;
  readonly positions: number;
  /** What broke a law, with how to see it again. */
  readonly broken: readonly string[];
}

/** How much of a cut is tried. */
export interface Effort {
  /** One of so many positions, which begin elsewhere for each cell. */
  readonly stride: number;
  /** Of crashes while it recovers: how many for each first one. */
  readonly again?: number;
  /** Each position as it dies in the act of writing, and at two moments after. */
  readonly each?: boolean;
}

/** So many positions are all that a recovery of a small program has. */
export const EVERY = 16;

/** Cuts a cell in every way that an effort is given for. */
export async function sweep(cell: Cell, service: Service, effortOf: (cut: Cut) => Effort): Promise<readonly Row[]> {
  const program = programOf(cell);
  let calm: Calm;
  try {
    calm = await calmRun(program, cell, service);
  } catch (thrown) {
    return [{ cell, cut: 'crash', positions: 0, ...NOTHING, broken: [`${cellName(cell)}, undisturbed: ${messageOf(thrown)}`] }];
  }
  const rows: Row[] = [];
  for (const cut of cutsOf(cell)) rows.push(await cutIn(cut, { cell, program, service, calm, effort: effortOf(cut) }));
  return rows;
}

const NOTHING: Count = { asked: 0, applied: 0, lost: 0, twice: 0 };

interface Sweep {
  readonly cell: Cell;
  readonly program: Program;
  readonly service: Service;
  readonly calm: Calm;
  readonly effort: Effort;
}

async function cutIn(cut: Cut, { cell, program, service, calm, effort }: Sweep): Promise<Row> {
  const sum = { ...NOTHING };
  const broken: string[] = [];
  let positions = 0;
  for (const crashes of plans(cut, calm, effort, cell)) {
    positions += 1;
    try {
      const count = await crashed(program, cell, service, crashes, calm, mishaps(cut, cell));
      for (const name of ['asked', 'applied', 'lost', 'twice'] as const) sum[name] += count[name];
    } catch (thrown) {
      broken.push(`${cellName(cell)}, ${cut}, ${JSON.stringify(crashes)}: ${messageOf(thrown)}`);
    }
  }
  return { cell, cut, positions, ...sum, broken };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function mishaps(cut: Cut, { kind }: Cell): Parameters<typeof crashed>[5] {
  if (cut === 'crash' || cut === 'crash again') return {};
  const mishap: Mishap = cut;
  return { before: (stage) => stage.ledger.expect(kind === 'chained' ? 'comment' : 'note', mishap) };
}

/** Where the processes die, one after the other. */
function* plans(cut: Cut, calm: Calm, effort: Effort, cell: Cell): Generator<readonly Mortality[]> {
  const { length } = calm.entries;
  const from = cut === 'crash' || cut === 'crash again' ? 0 : 1;
  if (from === 1) yield []; // nobody dies
  const { stride, again = 1 } = effort;
  // Every position of the recovery, or some: of each first one they begin elsewhere.
  const step = again >= EVERY ? 1 : 3;
  for (let events = from + (seedOf(cell) % stride); events <= length; events += stride) {
    for (const lingerMs of lingers(calm.entries, events, effort, seedOf(cell))) {
      const first = { events, lingerMs };
      if (cut !== 'crash again') yield [first];
      else for (let more = 1; more <= again; more += 1) yield [first, { events: events + more * step, lingerMs: (events + more) % 6 }];
    }
  }
}

/** A process dies in the act of writing, or a moment later, when a request is on its way or its answer is. */
function lingers(entries: readonly Entry[], events: number, { each = false }: Effort, seed: number): readonly number[] {
  const begins = entries[events - 1]?.event.kind === 'effect.committing';
  if (each || begins) return [0, 4, 6];
  return [(events + seed) % 2 === 0 ? 0 : 1 + ((events + seed) % 4) * 2];
}

function seedOf(cell: Cell): number {
  return [...cellName(cell)].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
}
