// How a journal grows with a conversation: bytes on disk per turn over 200 turns with tools. What a turn adds must
// not depend on how many there were before.

import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { z } from 'zod';
import { agent } from '../src/agent/agent.ts';
import { tool } from '../src/agent/tool.ts';
import { sqliteJournal } from '../src/journal/sqlite.ts';
import { run } from '../src/run/run.ts';
import { quantity, type Report } from './finding.ts';
import { bytesOf, inFolder } from './folder.ts';
import { modelOf, reply } from './instantModel.ts';

const TURNS = 200;
const SAMPLES: readonly number[] = [0, 50, 100, 150, TURNS];
const RESULT_BYTES = 1_024;
/** Longer than the journal keeps a note back. */
const FLUSH_MS = 40;

interface Sample {
  readonly turn: number;
  readonly bytes: number;
  readonly cpuMs: number;
}

export async function journalGrowth(): Promise<Report> {
  const samples = await inFolder(async (folder) => converse(join(folder, 'journal.sqlite')));
  const spans = samples.slice(1).map((sample, index) => spanOf(samples[index] ?? sample, sample));
  const first = spans[0]?.bytesPerTurn ?? NaN;
  const last = spans.at(-1)?.bytesPerTurn ?? NaN;
  return {
    findings: [
      { what: 'journal bytes per turn, last 50 to first 50 of 200', measured: last / first, unit: 'x', aimMax: 1.1 },
      { what: 'journal bytes per turn, first 50 turns', measured: first, unit: 'B' },
      { what: 'journal bytes per turn, last 50 turns', measured: last, unit: 'B' },
    ],
    tables: [
      [
        ['turns', 'file + WAL at the end', 'bytes per turn', 'CPU per turn'],
        ...spans.map(({ from, to, bytes, bytesPerTurn, cpuMsPerTurn }) => [
          `${from + 1} to ${to}`,
          quantity(bytes, 'B'),
          quantity(bytesPerTurn, 'B'),
          quantity(cpuMsPerTurn, 'ms'),
        ]),
      ],
    ],
    notes: [
      `One conversation of ${TURNS} turns, each with one tool call whose result has ${quantity(RESULT_BYTES)} bytes; sizes after a checkpoint, in whole pages of 4,096 bytes.`,
    ],
  };
}

function spanOf(from: Sample, to: Sample): { from: number; to: number; bytes: number; bytesPerTurn: number; cpuMsPerTurn: number } {
  const turns = to.turn - from.turn;
  return {
    from: from.turn,
    to: to.turn,
    bytes: to.bytes,
    bytesPerTurn: (to.bytes - from.bytes) / turns,
    cpuMsPerTurn: (to.cpuMs - from.cpuMs) / turns,
  };
}

async function converse(file: string): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const sample = async (turn: number): Promise<void> => {
    const cpu = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
    samples.push({ turn, bytes: checkpointed(file), cpuMs: (cpu.user + cpu.system) / 1_000 });
  };
  let turn = 0;
  const model = modelOf(async () => {
    if (SAMPLES.includes(turn) && turn < TURNS) await sample(turn);
    turn += 1;
    if (turn === TURNS) return reply([{ type: 'text', text: 'Read all of it.' }], 'stop');
    return reply(
      [{ type: 'tool-call', toolCallId: `call-${turn}`, toolName: 'read', input: JSON.stringify({ part: turn }) }],
      'tool-calls',
    );
  });
  const journal = sqliteJournal({ file });
  await run(reader, 'Read the file part by part.', { models: { reader: model }, journal });
  await sample(turn);
  await journal.close();
  return samples;
}

const read = tool({
  description: 'One part of the file.',
  input: z.object({ part: z.int() }),
  effect: 'none',
  execute: ({ part }) => `${part}: ${'lorem ipsum '.repeat(RESULT_BYTES)}`.slice(0, RESULT_BYTES),
});

const reader = agent({ name: 'reader', instructions: 'Read, then answer.', tools: { read }, turns: TURNS });

/** The bytes of the journal when all of it is in the file. */
function checkpointed(file: string): number {
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  return bytesOf(file) + bytesOf(`${file}-wal`);
}
