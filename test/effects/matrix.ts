// `node test/effects/matrix.ts [words …]`: the crash matrix as a table, of all cells or of those whose names have all the words,
// such as `staged plain`. Every position once, and again while it recovers. Ends with 1 where a law is broken.

import { CELLS, cellName } from './cells.ts';
import { Service } from './service.ts';
import { type Row, sweep } from './sweep.ts';
import { matrixText } from './table.ts';

const words = process.argv.slice(2);
const service = await Service.open();
const rows: Row[] = [];
for (const cell of CELLS.filter((one) => words.every((word) => cellName(one).includes(word))))
  rows.push(...(await sweep(cell, service, (cut) => (cut === 'crash' ? { stride: 1, each: true } : { stride: 3, again: 2 }))));
await service.close();
console.log(matrixText(rows));
const broken = rows.flatMap((row) => row.broken.slice(0, 1));
for (const one of broken.slice(0, 20)) console.log(`\n${one}`);
process.exitCode = broken.length === 0 && rows.length > 0 ? 0 : 1;
