// `npm run bench [-- name …]`: the project's aims, measured on this machine. Starts each bench in a process of its
// own, so that none runs on what another left compiled or held, and prints what they found. Aims are told, not
// enforced: only a bench that could not measure makes it fail.

import { fork } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { besideProcess } from './besideProcess.ts';
import { cache } from './cache.ts';
import { callCost } from './callCost.ts';
import { chaos } from './chaos.ts';
import { findingTable, type Report, tableText } from './finding.ts';
import { grounded } from './grounded.ts';
import { herd } from './herd.ts';
import { herdVirtual } from './herdVirtual.ts';
import { importTime } from './importTime.ts';
import { inFlight } from './inFlight.ts';
import { install } from './install.ts';
import { journalGrowth } from './journalGrowth.ts';
import { journalThread } from './journalThread.ts';
import { resumeSpeed } from './resumeSpeed.ts';
import { socketCall } from './socketCall.ts';
import { socketCrowd } from './socketCrowd.ts';
import { socketPipes } from './socketPipes.ts';
import { socketSteps } from './socketSteps.ts';

interface Bench {
  readonly title: string;
  readonly measure: () => Promise<Report>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  call: { title: 'What a call costs', measure: callCost },
  beside: { title: 'What a call costs beside generateText', measure: besideProcess },
  cache: { title: 'What prompt caching saves', measure: cache },
  memory: { title: 'What a call in flight holds', measure: inFlight },
  journal: { title: 'How a journal grows with a conversation', measure: journalGrowth },
  thread: { title: 'Which thread should write the journal', measure: journalThread },
  resume: { title: 'How fast finished work answers', measure: resumeSpeed },
  socket: { title: 'What a call over a socket costs', measure: socketCall },
  crowd: { title: 'What many calls at once over sockets cost', measure: socketCrowd },
  pipes: { title: 'How long pipes at once take', measure: socketPipes },
  steps: { title: 'What a durable step costs', measure: socketSteps },
  herd: { title: 'What two hundred at once do to one rate limit', measure: herd },
  herdVirtual: { title: 'What herds do in virtual time, twenty seeds each', measure: herdVirtual },
  chaos: { title: 'Whether answers are right when the provider misbehaves', measure: chaos },
  grounded: { title: 'Whether checks tell true answers from made-up ones', measure: grounded },
  import: { title: 'How long an import takes', measure: importTime },
  install: { title: 'What an install brings', measure: install },
};

/** No bench needs half of it on a machine that does nothing else. */
const BENCH_MS_MAX = 180_000;
/** Says to a process of ours that it is one bench and hands its report back. */
const ALONE = '--alone';

async function main(args: readonly string[]): Promise<void> {
  const names = args.length === 0 ? Object.keys(BENCHES) : args;
  const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined) {
    console.error(`There is no bench '${unknown}'. The benches are ${Object.keys(BENCHES).join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  console.log(
    `Node ${process.versions.node}, ${availableParallelism()} x ${cpus()[0]?.model ?? process.arch}. Expect noise: other work on this machine changes every figure, ratios least.`,
  );
  const reports: Report[] = [];
  for (const name of names) {
    console.log(`\n${BENCHES[name]?.title} (${name})\n`);
    const report = await inProcess(name);
    if (typeof report === 'string') {
      console.log(`  Not measured: ${report}.`);
      process.exitCode = 1;
    } else {
      reports.push(report);
      console.log(indented(reportText(report)));
    }
  }
  if (reports.length > 1)
    console.log(
      `\nAll aims\n\n${indented(tableText(findingTable(reports.flatMap(({ findings }) => findings).filter(({ aimMax }) => aimMax !== undefined))))}`,
    );
}

function reportText({ findings, tables, notes }: Report): string {
  const texts = [...tables, ...(findings.length === 0 ? [] : [findingTable(findings)])].map(tableText);
  return [...texts, notes.join('\n')].join('\n\n');
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

/** The report of one bench, or why there is none. */
function inProcess(name: string): Promise<Report | string> {
  return new Promise((resolve) => {
    let report: Report | undefined;
    const child = fork(import.meta.filename, [ALONE, name], { execArgv: ['--expose-gc'], timeout: BENCH_MS_MAX });
    child.on('message', (message) => (report = message as Report)); // sent by alone(), below
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(report ?? `its process ended with ${signal === null ? `code ${String(code)}` : signal}`));
  });
}

async function alone(name: string): Promise<void> {
  const report = await BENCHES[name]?.measure();
  process.send?.(report);
}

const [first, second = '', ...rest] = process.argv.slice(2);
await (first === ALONE ? alone(second) : main(first === undefined ? [] : [first, ...(second === '' ? [] : [second]), ...rest]));
