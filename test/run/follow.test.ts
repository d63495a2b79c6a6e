import { readUIMessageStream } from 'ai';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, flow, follow, type Handle, memoryJournal, run, start, step, type UiChunk } from '../../src/index.ts';
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

const say = (text: string, ms = 60): Agent<string, string> =>
  agent({
    name: 'say',
    instructions: 'x',
    model: slowly(
      scripted(() => ({ text })),
      () => clock.sleep(ms),
    ),
  });

async function lastMessage(handle: Handle<unknown>): Promise<readonly unknown[]> {
  const messages = await drive(all(readUIMessageStream({ stream: handle.toUIMessageStream() })));
  return messages.at(-1)?.parts ?? [];
}

test('an id that no run has is refused', async () => {
  const error = await failure(follow('nobody', { journal: memoryJournal() }));
  expect(error).toMatchObject({ code: 'RUN_UNKNOWN', message: expect.stringContaining("'nobody'") as string });
});

test('a run that has ended is told at once, with its outcome, its bill and its missing parts', async () => {
  const journal = memoryJournal();
  const { bill } = await drive(run(say('all of it'), 'x', { journal, clock, id: 'r' }));
  const handle = await follow('r', { journal });
  expect(await handle.outcome).toEqual({ status: 'succeeded', id: 'r', output: 'all of it', missing: [], effects: [], bill });
  expect(await all(handle.text)).toEqual(['all of it']);
});

test('with its agent the output is what its contract makes of it, without it the JSON', async () => {
  const journal = memoryJournal();
  const when = agent({
    name: 'when',
    instructions: 'x',
    output: z.object({ at: z.string().transform((at) => new Date(at)) }),
    model: scripted([{ object: { at: '2026-01-01' } }]),
  });
  await drive(run(when, 'x', { journal, clock, id: 'r' }));
  const outcomes = [await (await follow('r', { journal })).outcome, await (await follow('r', { journal, agent: when })).outcome];
  expect(outcomes.map((outcome) => outcome.status === 'succeeded' && outcome.output)).toEqual([
    { at: '2026-01-01T00:00:00.000Z' },
    { at: new Date('2026-01-01') },
  ]);
});

test('whoever follows from any chunk on gets every other chunk once, live or later', async () => {
  const journal = memoryJournal();
  const live = start(say('one two three four five'), 'x', { journal, clock, id: 'r' });
  const chunks: UiChunk[] = [];
  const tails: Promise<UiChunk[]>[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of live.toUIMessageStream()) {
      chunks.push(chunk);
      tails.push(all((await follow('r', { journal, clock })).toUIMessageStream({ after: chunks.length })));
    }
  };
  await drive(read());
  expect(chunks.length).toBeGreaterThan(9);
  for (const [index, tail] of (await drive(Promise.all(tails))).entries()) expect(tail).toEqual(chunks.slice(index + 1));
  for (let after = 0; after <= chunks.length; after += 1) {
    expect(await all((await follow('r', { journal })).toUIMessageStream({ after }))).toEqual(chunks.slice(after));
  }
});

test('when its owner dies in the middle of an answer, what it said is withdrawn by the next, and a follower goes on', async () => {
  const journal = memoryJournal();
  const NEVER = new Promise<never>(() => {});
  const dying = agent({
    name: 'say',
    instructions: 'x',
    model: slowly(
      scripted(() => ({ text: 'half of it' })),
      (piece) => (piece === ' it' ? NEVER : clock.sleep(60)),
    ),
  });
  start(dying, 'x', { journal, clock, id: 'r' });
  const handle = await drive(following());
  const texts: string[] = [];
  const reading = (async () => {
    for await (const text of handle.text) {
      texts.push(text);
      if (text !== 'half of') continue;
      journal.abandon();
      void start(say('the whole'), 'x', { journal, clock, id: 'r' }).outcome;
    }
  })();
  await drive(reading);
  expect(texts).toEqual(['half', 'half of', '', 'the', 'the whole']);
  expect(await lastMessage(handle)).toMatchObject([{ type: 'step-start' }, { type: 'text', text: 'the whole' }]);

  async function following(): Promise<Handle<unknown>> {
    for (;;) {
      const found = await follow('r', { journal, clock }).catch(() => undefined);
      if (found !== undefined) return found;
      await clock.sleep(1);
    }
  }
});

test('a run that nobody works on is waited for as long as it is said to be, and no longer', async () => {
  const journal = memoryJournal();
  const controller = new AbortController();
  const stopped = flow({
    name: 'stopped',
    run: async (_, ctx) => await ctx.call(step({ name: 'wait', execute: () => new Promise<string>(() => {}) }), 'x'),
  });
  start(stopped, 'x', { journal, clock, id: 'r', signal: controller.signal });
  await drive(clock.sleep(5));
  journal.abandon();
  const handle = await follow('r', { journal, clock, ownerlessMs: 10_000 });
  const before = clock.now();
  const error = await drive(failure(all(handle.text)));
  expect(error).toMatchObject({ code: 'RUN_ABANDONED', retryable: 'yes' });
  expect(clock.now() - before).toBeGreaterThanOrEqual(10_000);
  expect((await drive(all(handle.toUIMessageStream()))).at(-2)).toMatchObject({
    type: 'error',
    errorText: expect.stringContaining('RUN_ABANDONED') as string,
  });
});

test('a run that failed and goes on is told as if it had not failed, to whoever reads it from its start', async () => {
  const journal = memoryJournal();
  const failing = agent({
    name: 'say',
    instructions: 'x',
    checks: [(output: string) => (output === 'bad' ? 'no' : undefined)],
    repairs: 0,
    attempts: 1,
    model: scripted([{ text: 'bad' }, { text: 'good' }]),
  });
  expect(await drive(start(failing, 'x', { journal, clock, id: 'r' }).outcome)).toMatchObject({ status: 'failed' });
  expect(await drive(start(failing, 'x', { journal, clock, id: 'r' }).outcome)).toMatchObject({ status: 'succeeded', output: 'good' });
  const handle = await follow('r', { journal });
  expect((await all(handle.toUIMessageStream())).some(({ type }) => type === 'error')).toBe(false);
  expect(await lastMessage(handle)).toMatchObject([{ type: 'step-start' }, { type: 'text', text: 'good' }]);
  expect(await all(handle.text)).toEqual(['good']);
});

test('a response is server-sent events with the number of each chunk as its id, kept alive in silence, and its reader may leave', async () => {
  const journal = memoryJournal();
  const handle = start(say('one two', 40_000), 'x', { journal, clock, id: 'r' });
  const response = handle.toUIMessageStreamResponse({ after: 1, headers: { 'x-run': handle.id } });
  expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
  expect(response.headers.get('x-run')).toBe('r');
  const left = handle.toUIMessageStreamResponse();
  await left.body?.cancel();
  const lines = (await drive(response.text())).split('\n\n');
  expect(lines[0]).toBe('id: 2\ndata: {"type":"start-step"}');
  expect(lines.filter((line) => line === ': still there')).toHaveLength(4);
  expect(lines.slice(-2)).toEqual(['data: [DONE]', '']);
  expect(await handle.outcome).toMatchObject({ status: 'succeeded' });
});

test('a run is cancelled by whoever follows it', async () => {
  const journal = memoryJournal();
  const live = start(say('one two three'), 'x', { journal, clock, id: 'r' });
  await drive(live.text[Symbol.asyncIterator]().next());
  await drive((await follow('r', { journal, clock })).cancel('seen enough'));
  expect(await live.outcome).toMatchObject({ status: 'cancelled', error: { message: expect.stringContaining('seen enough') as string } });
});
