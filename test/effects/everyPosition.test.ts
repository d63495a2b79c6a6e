// The crash matrix: what effects of every kind, below every holder, come to when the process dies at any position of the journal,
// or the way to the service is cut. All of it, as a table: npm run test:crash, or node test/effects/matrix.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cell, CELLS, HOLDERS, KINDS, MANNERS } from './cells.ts';
import { Service } from './service.ts';
import { type Cut, type Effort, EVERY, type Row, sweep } from './sweep.ts';
import { matrixText } from './table.ts';

const THOROUGH = process.env['AMDAHL_CRASH'] !== undefined;

let service: Service;
const rows: Row[] = [];
beforeAll(async () => {
  service = await Service.open();
});
afterAll(async () => {
  await service.close();
  if (THOROUGH || rows.some(({ broken }) => broken.length > 0)) console.info(matrixText(rows));
});

/** Each kind below each holder is crashed at every position once, by a tool or a step, on a service of one manner. */
function isWhole({ kind, manner, as, holder }: Cell): boolean {
  const [nth, below] = [KINDS.indexOf(kind), HOLDERS.indexOf(holder)];
  const hasStep = CELLS.some((one) => one.holder === holder && one.as === 'step');
  return MANNERS.indexOf(manner) === (nth + below) % MANNERS.length && as === (hasStep && (nth + below) % 2 === 1 ? 'step' : 'tool');
}

function effort(cell: Cell, cut: Cut): Effort {
  // Small programs are crashed again at every position of their recovery.
  const isSmall = cell.holder === 'none' && cell.as === 'tool';
  if (cut === 'crash again' && isSmall) return { stride: THOROUGH ? 1 : 9, again: EVERY };
  if (THOROUGH) return cut === 'crash' ? { stride: 1, each: true } : { stride: 3, again: 2 };
  if (cut === 'crash') return { stride: isWhole(cell) ? 1 : 12 };
  return { stride: isWhole(cell) ? 9 : 50 };
}

describe.each(KINDS)('an effect that is %s', (kind) => {
  it.each(MANNERS)('on a service that is %s is done once, wherever the run is cut', { timeout: 600_000 }, async (manner) => {
    const own: Row[] = [];
    for (const cell of CELLS.filter((one) => one.kind === kind && one.manner === manner))
      own.push(...(await sweep(cell, service, (cut) => effort(cell, cut))));
    rows.push(...own);
    expect(own.flatMap(({ broken }) => broken)).toEqual([]);
    expect(own.every(({ cut, positions }) => positions > 0 || cut === 'crash again')).toBe(true);
  });
});
