// What a call holds while it waits: memory per call of a map with all of its 10,000 items in flight.

import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { map } from '../src/compose/map.ts';
import type { Claim, Journal } from '../src/journal/journal.ts';
import { memoryJournal } from '../src/journal/memory.ts';
import { sqliteJournal } from '../src/journal/sqlite.ts';
import { run } from '../src/run/run.ts';
import { quantity, type Report } from './finding.ts';
import { inFolder } from './folder.ts';
import { ANSWER, inputs, modelOf, reply, review } from './instantModel.ts';

const CALLS = 10_000;
const CALLS_WARMING = 500;

export async function inFlight(): Promise<Report> {
  return inFolder(async (folder) => {
    const disk = sqliteJournal({ dir: folder });
    for (const journal of [nullJournal(), memoryJournal(), disk]) await heldPerCall(CALLS_WARMING, journal);
    const bare = await heldBare();
    const runtime = await heldPerCall(CALLS, nullJournal());
    const memory = await heldPerCall(CALLS, memoryJournal());
    const sqlite = await heldPerCall(CALLS, disk);
    await disk.close();
    const row = (what: string, kb: number): readonly string[] => [what, quantity(kb, 'KB')];
    return {
      findings: [{ what: 'memory per call in flight', measured: runtime, unit: 'KB', aimMax: 10 }],
      tables: [
        [
          ['per call in flight', 'heap + external'],
          row('the bare model: a promise and a prompt', bare),
          row('call, events thrown away', runtime),
          row('call, journal in memory', memory),
          row('  of which its stored events', memory - runtime),
          row('call, SQLite journal', sqlite),
        ],
      ],
      notes: [
        `A map over ${quantity(CALLS)} items, concurrency ${quantity(CALLS)}; the model holds all answers until all are in flight. KB are 1,024 bytes; what is held before the run (inputs, agent) is not counted, the journal's own store is counted apart.`,
      ],
    };
  });
}

/** KB per call that a run holds when all its calls wait for their model. */
async function heldPerCall(calls: number, journal: Journal): Promise<number> {
  const list = inputs(calls);
  const before = held();
  let during = 0;
  const waiting: ((result: LanguageModelV4GenerateResult) => void)[] = [];
  const model = modelOf(() => {
    const answer = new Promise<LanguageModelV4GenerateResult>((resolve) => waiting.push(resolve));
    if (waiting.length === calls) setTimeout(measure, 50); // a flush of the journal later
    return answer;
  });
  const measure = (): void => {
    during = held();
    for (const resolve of waiting.splice(0)) resolve(reply([{ type: 'text', text: ANSWER }], 'stop'));
  };
  await run(map(review, { concurrency: calls }), list, {
    models: { review: model },
    journal,
    rateLimits: { 'bench/*': { concurrency: calls } },
  });
  return (during - before) / 1_024 / calls;
}

/** The floor: as many open promises with a prompt each. */
async function heldBare(): Promise<number> {
  const list = inputs(CALLS);
  const before = held();
  const waiting: (() => void)[] = [];
  const calls = list.map(async (text) => {
    const prompt = [{ role: 'user', content: [{ type: 'text', text }] }];
    await new Promise<void>((resolve) => waiting.push(resolve));
    return prompt.length;
  });
  const during = held();
  for (const resolve of waiting) resolve();
  await Promise.all(calls);
  return (during - before) / 1_024 / CALLS;
}

/** Bytes in use after a full collection. */
function held(): number {
  if (globalThis.gc === undefined) throw new Error('this bench needs node --expose-gc; bench/main.ts starts it so');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A journal that keeps nothing, so that what the runtime holds can be told from what is stored. */
function nullJournal(): Journal {
  const memory = memoryJournal();
  return {
    claim: async (run): Promise<Claim> => ({
      run,
      epoch: 1,
      events: 0,
      note: () => {},
      append: async () => {},
      onLost: () => {},
      onCancel: () => {},
      onResponse: () => {},
      responses: async () => [],
      release: async () => {},
    }),
    at: (run, place) => memory.at(run, place),
    read: (run, options) => memory.read(run, options),
    row: (run) => memory.row(run),
    rows: (limit) => memory.rows(limit),
    answers: (key) => memory.answers(key),
    unfinished: (now) => memory.unfinished(now),
    asks: (options) => memory.asks(options),
    ask: (id) => memory.ask(id),
    respond: (ask, reply, now) => memory.respond(ask, reply, now),
    watch: (run, listener) => memory.watch(run, listener),
    cancel: (run, options) => memory.cancel(run, options),
    prune: (options) => memory.prune(options),
    close: () => memory.close(),
  };
}
