import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Agent, agent, follow, memoryJournal, recover, type RunOptions, sqliteJournal, start, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { slowly } from '../support/slowly.ts';
import { failure } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const clock = new VirtualClock();
const drive = <T>(work: Promise<T>): Promise<T> => clock.drive(work);

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

let asked = 0;
const say: Agent<string, string> = agent({
  name: 'say',
  instructions: 'x',
  model: slowly(
    scripted(() => {
      asked += 1;
      return { text: 'one two three' };
    }),
    () => clock.sleep(60),
  ),
});

test('started twice at once, it is one run: both handles tell all of it, and it is bought once', async () => {
  const options = { journal: memoryJournal(), clock, id: 'r' };
  asked = 0;
  const first = start(say, 'x', options);
  const atOnce = start(say, 'x', options);
  await drive(first.text[Symbol.asyncIterator]().next());
  const later = start(say, 'x', options);
  const outcomes = await drive(Promise.all([first, atOnce, later].map(async ({ outcome }) => await outcome)));
  expect(outcomes.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  expect(asked).toBe(1);
  const chunks = await all(first.toUIMessageStream());
  expect(await all(atOnce.toUIMessageStream())).toEqual(chunks);
  expect(await all(later.toUIMessageStream())).toEqual(chunks);
});

test('nothing is told of what another run with its id is doing', async () => {
  const journal = memoryJournal();
  const first = start(say, 'x', { journal, clock, id: 'r', scope: 'mine' });
  await drive(first.text[Symbol.asyncIterator]().next());
  const others: [Agent<string, string>, string, RunOptions][] = [
    [say, 'y', {}],
    [say, 'x', { scope: 'yours' }],
    [step({ name: 'another', execute: (text: string) => text }), 'x', {}],
  ];
  for (const [other, input, options] of others) {
    const handle = start(other, input, { journal, clock, id: 'r', ...options });
    expect(await drive(handle.outcome)).toMatchObject({ status: 'failed', error: { code: 'RUN_CONFLICT' } });
    expect((await failure(all(handle.text))).code).toBe('RUN_CONFLICT');
    expect((await failure(all(handle.events()))).code).toBe('RUN_CONFLICT');
  }
  expect(await drive(first.outcome)).toMatchObject({ status: 'succeeded' });
});

test('who started it second goes on with it when its first owner dies, and whoever reads has it whole', async () => {
  const journal = memoryJournal();
  const first = start(say, 'x', { journal, clock, id: 'r' });
  await drive(first.text[Symbol.asyncIterator]().next());
  const second = start(say, 'x', { journal, clock, id: 'r' });
  const texts = all(second.text);
  await drive(clock.sleep(50));
  journal.abandon();
  expect(await drive(second.outcome)).toMatchObject({ status: 'succeeded', output: 'one two three' });
  expect((await drive(texts)).slice(-4)).toEqual(['', 'one', 'one two', 'one two three']);
});

test('whoever started it may cancel it', async () => {
  const options = { journal: memoryJournal(), clock, id: 'r' };
  const first = start(say, 'x', options);
  await drive(first.text[Symbol.asyncIterator]().next());
  const second = start(say, 'x', options);
  await drive(second.text[Symbol.asyncIterator]().next());
  await drive(second.cancel('enough'));
  for (const { outcome } of [first, second]) {
    expect(await outcome).toMatchObject({ status: 'cancelled', error: { message: expect.stringContaining('enough') as string } });
  }
});

test('a run whose code meets a run that somebody owns has failed, and is not waited for', async () => {
  const journal = memoryJournal();
  const busy = start(say, 'x', { journal, clock, id: 'busy' });
  const outer = step({
    name: 'outer',
    execute: async () => {
      const claim = await journal.claim('busy' as never);
      return String(claim.epoch);
    },
  });
  expect(await drive(start(outer, 'x', { journal, clock, id: 'outer' }).outcome)).toMatchObject({ status: 'failed' });
  await drive(busy.outcome);
});

test('whoever took it over while this process was silent is followed, so that its readers have the answer', async () => {
  const journal = memoryJournal();
  const silent = start(say, 'x', { journal, clock, id: 'r' });
  const chunks = all(silent.toUIMessageStream());
  await drive(silent.text[Symbol.asyncIterator]().next());
  journal.abandon();
  const { runs } = await drive(recover([say], { journal, clock }));
  expect(runs).toMatchObject([{ status: 'succeeded' }]);
  expect(await drive(silent.outcome)).toMatchObject({ status: 'succeeded', output: 'one two three' });
  expect((await drive(chunks)).at(-1)).toEqual({ type: 'finish', finishReason: 'stop' });
  expect(await chunks).toEqual(await drive(all(start(say, 'x', { journal, clock, id: 'r' }).toUIMessageStream())));
});

test('whoever has any part of it can follow it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'amdahl-start-'));
  const journal = sqliteJournal({ dir });
  const handle = start(step({ name: 'echo', execute: (text: string) => text }), 'x', { journal, id: 'r' });
  expect(await handle.toUIMessageStream().getReader().read()).toMatchObject({ value: { type: 'start' } });
  expect((await follow('r', { journal })).id).toBe('r');
  await handle.outcome;
  await journal.close();
  rmSync(dir, { recursive: true, force: true });
});
