// What a call costs beyond its model: CPU and wall time per typed call at 100 in flight, with the journal in memory
// and on disk, beside the bare model call in the same loop.

import { join } from 'node:path';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { map } from '../src/compose/map.ts';
import type { Journal } from '../src/journal/journal.ts';
import { memoryJournal } from '../src/journal/memory.ts';
import { sqliteJournal } from '../src/journal/sqlite.ts';
import { run } from '../src/run/run.ts';
import { median, quantity, type Report } from './finding.ts';
import { inFolder, notOnDisk } from './folder.ts';
import { inputs, instantModel, review } from './instantModel.ts';

const CALLS = 2_000;
const IN_FLIGHT = 100;
const ROUNDS = 15;
const ROUNDS_WARMING = 5;

/** None of them is said by anybody. */
const SECRETS = Array.from({ length: 20 }, (_, nth) => `sk-planted-${nth}-0123456789abcdef`);

/** Milliseconds per call. */
interface Cost {
  readonly cpu: number;
  readonly wall: number;
}

export async function callCost(): Promise<Report> {
  return inFolder(async (folder) => {
    const model = instantModel();
    const bare = await cost(() => askBare(model));
    const memory = await cost(() => askAll(model, memoryJournal()));
    const watched = await cost(() => askAll(model, memoryJournal(), SECRETS));
    const journal = sqliteJournal({ dir: folder });
    const disk = await cost(() => askAll(model, journal));
    await journal.close();
    const locked = sqliteJournal({ file: join(folder, 'locked.sqlite'), encrypt: { key: 'a'.repeat(64) } });
    const sealed = await cost(() => askAll(model, locked));
    await locked.close();
    const row = (what: string, { cpu, wall }: Cost): readonly string[] => [
      what,
      quantity(cpu, 'ms'),
      quantity(wall, 'ms'),
      `${quantity(cpu / bare.cpu)} x`,
    ];
    const warning = notOnDisk(folder);
    return {
      findings: [
        { what: 'CPU per call, journal in memory', measured: memory.cpu, unit: 'ms', aimMax: 0.1 },
        { what: 'CPU per call, journal on disk', measured: disk.cpu, unit: 'ms', aimMax: 0.2 },
      ],
      tables: [
        [
          ['per call', 'CPU', 'wall', 'CPU to bare'],
          row('the bare model', bare),
          row('typed call, journal in memory', memory),
          row('the same, with 20 secrets to look for', watched),
          row('typed call, SQLite (synchronous=FULL)', disk),
          row('the same, encrypted', sealed),
        ],
      ],
      notes: [
        `${quantity(CALLS)} calls with a zod object as output, one turn each, ${IN_FLIGHT} in flight; medians of ${ROUNDS} rounds after ${ROUNDS_WARMING} to warm up; CPU of the whole process, system and garbage collection included.`,
        ...(warning === undefined ? [] : [warning]),
      ],
    };
  });
}

async function cost(round: () => Promise<void>): Promise<Cost> {
  const cpu: number[] = [];
  const wall: number[] = [];
  for (let index = -ROUNDS_WARMING; index < ROUNDS; index += 1) {
    const used = process.cpuUsage();
    const from = performance.now();
    await round();
    const { user, system } = process.cpuUsage(used);
    if (index < 0) continue;
    wall.push((performance.now() - from) / CALLS);
    cpu.push((user + system) / 1_000 / CALLS);
  }
  return { cpu: median(cpu), wall: median(wall) };
}

/** The floor: the same requests from the same number of workers, and nothing around them. */
async function askBare(model: LanguageModelV4): Promise<void> {
  const list = inputs(CALLS);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let input = list[next++]; input !== undefined; input = list[next++]) {
      await model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: input }] }] });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

async function askAll(model: LanguageModelV4, journal: Journal, values: readonly string[] = []): Promise<void> {
  const secrets = { values, environment: false };
  const { output } = await run(map(review, { concurrency: IN_FLIGHT }), inputs(CALLS), { models: { review: model }, journal, secrets });
  if (output.length !== CALLS) throw new Error(`${output.length} of ${CALLS} calls were answered`);
}
