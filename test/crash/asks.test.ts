// Questions to people among processes that are killed: real child processes on one SQLite file, real SIGKILL. What was said is
// held to the journal: each answer that was accepted is applied, once, whoever died meanwhile.

import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answer, asks, type Entry, type Journal, sqliteJournal } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { isWorkedOn } from '../../src/journal/rows.ts';

const [RUNS, QUESTIONS, ROUNDS] = [10, 50, 4];
const CHILD = fileURLToPath(new URL('asksChild.ts', import.meta.url));
let dir = '';
let journal: Journal;
let children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'amdahl-asks-'));
  journal = sqliteJournal({ dir, synchronous: 'normal' });
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  children = [];
  await journal.close();
  rmSync(dir, { recursive: true });
});

type Child = ChildProcessByStdio<Writable, Readable, null>;

function child(...args: readonly (string | number)[]): Child {
  const [task = '', ...rest] = args.map(String);
  const started = spawn(process.execPath, [CHILD, task, dir, ...rest], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(started);
  return started;
}

async function kill(started: ChildProcess): Promise<void> {
  if (started.exitCode !== null || started.signalCode !== null) return;
  started.kill('SIGKILL');
  await once(started, 'exit');
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10);
}

async function entriesOf(run: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of journal.read(run as RunId)) entries.push(entry); // the ids are the child's
  return entries;
}

/** Somebody who answers: what was accepted of it is told as it comes. */
class Person {
  readonly process: Child;
  readonly #said: AsyncIterator<string>;

  constructor(name: string, seed: number, many: number) {
    this.process = child('answer', name, seed, many);
    this.#said = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async ready(): Promise<this> {
    const { value } = await this.#said.next();
    if (value !== 'ready') throw new Error(`Somebody who should answer says ${value}.`);
    return this;
  }

  /** Lets it answer some more. `onAccepted` is told of each; ends when it has answered, or died. */
  async answerSome(onAccepted: (ask: string, word: string) => void): Promise<void> {
    this.process.stdin.write('\n');
    for (let line = await this.#said.next(); line.done !== true && line.value !== 'done'; line = await this.#said.next()) {
      const [ask = '', word] = line.value.split(' ');
      if (word !== undefined) onAccepted(ask, word);
    }
  }
}

test(
  '500 questions at once, answered by several processes while those that asked are killed: each is answered once, and that answer is applied once',
  { timeout: 120_000 },
  async () => {
    let owner = child('begin', RUNS, QUESTIONS);
    await until(async () => (await journal.asks()).length === RUNS * QUESTIONS);
    const accepted = new Map<string, string>();
    const accept = (ask: string, word: string): void => {
      expect(accepted.has(ask), ask).toBe(false);
      accepted.set(ask, word);
    };
    let people = await Promise.all(['ann', 'bob', 'cem'].map((name, nth) => new Person(name, 11 * (nth + 1), 50).ready()));
    let killedWith = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      // The owner dies in the middle of what is said, and in the second round somebody who answers does too.
      const victim = accepted.size + 10 + round * 9;
      const dying: Promise<void>[] = [];
      const answering = people.map((person, nth) =>
        person.answerSome((ask, word) => {
          accept(ask, word);
          if (accepted.size !== victim) return;
          dying.push(kill(owner));
          if (round === 1) dying.push(kill(people[nth]?.process ?? owner));
        }),
      );
      await Promise.all(answering);
      expect(dying.length, 'nobody was killed').toBeGreaterThan(0);
      await Promise.all(dying);
      people = people.filter(({ process: { signalCode } }) => signalCode === null);
      killedWith += await saidOnly();
      owner = child('recover');
      // Every other one dies before it has journaled all that was said.
      await until(async () => (await journal.unfinished()).every(isWorkedOn) && (round % 2 === 1 || (await saidOnly()) === 0));
    }
    while ((await journal.asks()).length > 0) await Promise.all(people.map((person) => person.answerSome(accept)));
    const recovered = await text(owner.stdout);
    console.info(`${accepted.size} acceptances were told of; ${killedWith} answers were not journaled yet when their run's process died`);
    expect(recovered).toContain('succeeded');
    expect(killedWith).toBeGreaterThan(0);
    await judge(accepted);
    for (const person of people) person.process.stdin.end();
  },
);

/** Every question was answered once, with what was accepted, and the runs gave just that. */
async function judge(accepted: ReadonlyMap<string, string>): Promise<void> {
  const untold = RUNS * QUESTIONS - accepted.size;
  expect(untold).toBeLessThanOrEqual(1); // the one who died may have been told of one more
  for (let nth = 0; nth < RUNS; nth += 1) {
    const entries = await entriesOf(`words-${nth}`);
    const opened = entries.flatMap(({ event }) => (event.kind === 'ask.opened' ? [event] : []));
    const answered = entries.flatMap(({ event }) => (event.kind === 'ask.answered' ? [event] : []));
    expect(opened.map(({ ask }) => ask).toSorted()).toEqual(answered.map(({ ask }) => ask).toSorted());
    expect(new Set(opened.map(({ ask }) => ask)).size).toBe(QUESTIONS);
    expect(opened).toHaveLength(QUESTIONS);
    for (const { ask, value } of answered) if (accepted.has(ask)) expect(value).toEqual({ word: accepted.get(ask) });
    const words = new Map(answered.map(({ ask, value }) => [ask, String(Object.values(value ?? {})[0]).toUpperCase()]));
    const inOrder = opened.toSorted((a, b) => numberIn(a.about) - numberIn(b.about)).map(({ ask }) => words.get(ask));
    const end = entries.at(-1)?.event;
    expect(end).toMatchObject({ kind: 'run.succeeded', output: inOrder });
    const kept = entries.filter(({ event }) => event.kind === 'call.started' && event.agent === 'keep');
    expect(kept.length).toBe(QUESTIONS);
  }
  expect((await journal.asks({ all: true })).every(({ state }) => state === 'answered')).toBe(true);
}

/** How many were answered, and the run does not know. */
async function saidOnly(): Promise<number> {
  return (await journal.asks({ all: true })).filter(({ state }) => state === 'responded').length;
}

function numberIn(about: unknown): number {
  return Number(Object.values(about ?? {})[0]);
}

test('a parked process ends, and nothing runs until somebody has answered', { timeout: 60_000 }, async () => {
  const parking = child('park');
  expect(await text(parking.stdout)).toBe('RUN_PARKED\n');
  expect(parking.signalCode).toBeNull();
  const parked = [await journal.row('parks' as RunId), await entriesOf('parks')];
  expect(parked).toMatchObject([{ status: 'parked', epoch: 1 }, expect.anything()]);
  expect(await journal.unfinished()).toMatchObject([{ ready: false }]);
  // Nobody takes it up, and who is told to run it again parks at once.
  expect(await text(child('recover', 'return').stdout)).toBe('[]\n');
  expect([await journal.row('parks' as RunId), await entriesOf('parks')]).toEqual(parked);
  const [open] = await asks({ journal });
  if (open === undefined) throw new Error('nothing is asked');
  expect(open).toMatchObject({ question: 'A word for 7?', run: 'parks' });
  expect(await answer(open, { word: 'seven' }, { journal, by: 'ann' })).not.toHaveProperty('owner');
  expect(await entriesOf('parks')).toEqual(parked[1]);
  expect(await text(child('recover', 'return').stdout)).toBe('[{"id":"parks","status":"succeeded"}]\n');
  expect(await text(child('park').stdout)).toBe('over SEVEN\n');
  const answers = (await entriesOf('parks')).filter(({ event }) => event.kind === 'ask.answered');
  expect(answers.map(({ event }) => event)).toMatchObject([{ value: { word: 'seven' }, by: 'ann' }]);
});
