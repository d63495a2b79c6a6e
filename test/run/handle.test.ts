import { readUIMessageStream } from 'ai';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import {
  type Agent,
  agent,
  AmdahlError,
  type DeepPartial,
  flow,
  follow,
  type Handle,
  memoryJournal,
  pipe,
  type RunOptions,
  start,
  tool,
} from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { slowly } from '../support/slowly.ts';
import { failure } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const clock = new VirtualClock();
const pause = (): Promise<void> => clock.sleep(60); // every word is a piece of its own
const drive = <T>(work: Promise<T>): Promise<T> => clock.drive(work);
const options = (more: RunOptions = {}): RunOptions => ({ journal: memoryJournal(), clock, ...more });

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

const lookUp = tool({ description: 'x', effect: 'none', input: z.object({ of: z.string() }), execute: ({ of }) => `${of} is 4` });
const thinking = (): Agent<string, string> =>
  agent({
    name: 'think',
    instructions: 'x',
    tools: { lookUp },
    checks: [(output: string) => (output.includes('five') ? 'It is not five.' : undefined)],
    model: slowly(
      scripted([{ text: 'let me see', tools: [['lookUp', { of: 'it' }]] }, { text: 'it is five' }, { text: 'it is four' }]),
      pause,
    ),
  });

test('text is the answer so far: it grows, shrinks when it is withdrawn, and ends as the output, whenever it is taken', async () => {
  const handle = start(thinking(), 'x', options());
  const told = await drive(all(handle.text));
  expect(told).toEqual(['let', 'let me', 'let me see', '', 'it', 'it is', 'it is five', '', 'it', 'it is', 'it is four']);
  expect(await handle.outcome).toMatchObject({ status: 'succeeded', output: 'it is four', bill: { calls: 3 } });
  expect((await all(handle.text)).at(-1)).toBe('it is four');
});

test('a handle that nobody looks at, or only at the first word of, does not hold its run up', async () => {
  const handle = start(thinking(), 'x', options());
  const reader = handle.text[Symbol.asyncIterator]();
  expect(await drive(reader.next())).toMatchObject({ value: 'let' });
  expect(await drive(handle.outcome)).toMatchObject({ status: 'succeeded' });
  expect((await all({ [Symbol.asyncIterator]: () => reader })).at(-1)).toBe('it is four');
});

test('partial tells a typed output while it is written, and at last the output itself', async () => {
  const Report = z.object({
    title: z.string(),
    points: z.array(z.object({ text: z.string() })),
    at: z.string().transform((at) => new Date(at)),
  });
  const report = agent({
    name: 'report',
    instructions: 'x',
    output: Report,
    model: slowly(scripted([{ object: { title: 'A day', points: [{ text: 'so it' }], at: '2026-01-01' } }]), pause),
  });
  const handle = start(report, 'x', options());
  expectTypeOf(handle).toEqualTypeOf<Handle<z.output<typeof Report>, undefined>>();
  expectTypeOf<DeepPartial<{ a: { b: string }[] }>>().toEqualTypeOf<{ readonly a?: readonly { readonly b?: string }[] }>();
  const told = await drive(all(handle.partial));
  expect(told.slice(0, 2)).toEqual([{ title: 'A' }, { title: 'A day', points: [{ text: 'so' }] }]);
  expect(told.at(-1)).toEqual({ title: 'A day', points: [{ text: 'so it' }], at: new Date('2026-01-01') });

  const list = agent({
    name: 'list',
    instructions: 'x',
    output: z.array(z.string()),
    model: slowly(scripted([{ object: { value: ['a b', 'c'] } }]), pause),
  });
  expect(await drive(all(start(list, 'x', options()).partial))).toEqual([['a'], ['a b', 'c'], ['a b', 'c']]);
});

test('a run that fails is a value in its outcome, an error in its text, and an error chunk without what it says inside', async () => {
  const failing = agent({
    name: 'failing',
    instructions: 'x',
    model: scripted([{ text: 'no' }, { text: 'no' }]),
    checks: [() => 'never'],
    attempts: 1,
    repairs: 1,
  });
  const handle = start(failing, 'x', options());
  expect(await drive(handle.outcome)).toMatchObject({
    status: 'failed',
    id: handle.id,
    error: { code: 'CHECK_FAILED' },
    bill: { calls: 2 },
  });
  expect((await failure(all(handle.text))).code).toBe('CHECK_FAILED');
  expect((await failure(all(handle.partial))).code).toBe('CHECK_FAILED');
  expect((await all(handle.events())).at(-1)?.event.kind).toBe('run.failed');
  expect(await all(handle.toUIMessageStream({ onError: ({ code }) => `sorry: ${code}` }))).toContainEqual({
    type: 'error',
    errorText: 'sorry: CHECK_FAILED',
  });
  const chunks = await all(handle.toUIMessageStream());
  expect(chunks.slice(-4)).toEqual([
    { type: 'reset-step' },
    { type: 'finish-step' },
    {
      type: 'error',
      errorText: 'CHECK_FAILED: an output fits its contract but a check refuses it',
    },
    { type: 'finish', finishReason: 'error' },
  ]);
});

test('what keeps a run from beginning is an outcome as well, and nothing is told of another run with its id', async () => {
  const say = agent({ name: 'say', instructions: 'x', model: scripted(() => ({ text: 'secret of another' })) });
  const journal = memoryJournal();
  await drive(start(say, 'one', options({ journal, id: 'r' })).outcome);
  const conflict = start(say, 'two', options({ journal, id: 'r' }));
  expect(await drive(conflict.outcome)).toMatchObject({ status: 'failed', error: { code: 'RUN_CONFLICT' } });
  expect((await failure(all(conflict.text))).code).toBe('RUN_CONFLICT');
  expect(JSON.stringify(await all(conflict.toUIMessageStream()))).not.toContain('secret');

  for (const [wrong, code] of [
    [{ id: 'two words' }, 'MISCONFIGURED'],
    [{ stream: 'loud' as never }, 'MISCONFIGURED'],
    [{ signal: AbortSignal.abort() }, 'CANCELLED'],
  ] as const) {
    const handle = start(say, 'x', options(wrong));
    expect(await drive(handle.outcome)).toMatchObject({ status: code === 'CANCELLED' ? 'cancelled' : 'failed', error: { code } });
    expect((await failure(all(handle.events()))).code).toBe(code);
  }
});

test('a run that is cancelled keeps what it had said, says so, and goes on with the same id', async () => {
  const journal = memoryJournal();
  const say = agent({
    name: 'say',
    instructions: 'x',
    model: slowly(
      scripted(() => ({ text: 'one two three' })),
      pause,
    ),
  });
  const handle = start(say, 'x', options({ journal }));
  const chunks = handle.toUIMessageStream();
  const text = handle.text[Symbol.asyncIterator]();
  await drive(text.next());
  await drive(handle.cancel('enough'));
  expect(await handle.outcome).toMatchObject({
    status: 'cancelled',
    error: { code: 'CANCELLED', message: expect.stringContaining('enough') as string },
  });
  expect((await all(chunks)).at(-1)).toMatchObject({ type: 'abort', reason: expect.stringContaining('enough') as string });
  const again = start(say, 'x', options({ journal, id: handle.id }));
  expect(await drive(again.outcome)).toMatchObject({ status: 'succeeded', output: 'one two three' });
});

test("with stream: 'confirmed' text comes once it stands, in one piece, and models are not asked to stream", async () => {
  const handle = start(thinking(), 'x', options({ stream: 'confirmed' }));
  expect(await drive(all(handle.text))).toEqual(['it is four']);
  const chunks = await all(handle.toUIMessageStream());
  expect(JSON.stringify(chunks)).not.toContain('five');
  expect(chunks.findIndex(({ type }) => type === 'tool-output-available')).toBeLessThan(
    chunks.findIndex(({ type }) => type === 'text-start'),
  );
  expect((await all(handle.events())).some(({ event }) => event.kind === 'model.said')).toBe(false);
});

test('the last stage speaks for a pipe, a named agent for a flow, and without one the output is told at the end', async () => {
  const say = (name: string, text: string): Agent<string, string> =>
    agent({
      name,
      instructions: 'x',
      model: slowly(
        scripted(() => ({ text })),
        pause,
      ),
    });
  const piped = start(pipe(say('draft', 'not this'), say('polish', 'but this')), 'x', options());
  expect(await drive(all(piped.text))).toEqual(['but', 'but this']);
  const loop = flow({
    name: 'loop',
    run: async (_, ctx) => `${await ctx.call(say('ask', 'which one'), 'a')} / ${await ctx.call(say('answer', 'that one'), 'b')}`,
  });
  expect(await drive(all(start(loop, 'x', options()).text))).toEqual(['which one / that one']);
  expect(await drive(all(start(loop, 'x', options({ speaker: 'answer' })).text))).toEqual(['that', 'that one', 'which one / that one']);
});

test("the message that the AI SDK reads has the steps, tools and texts of the AI SDK's own streams, and nothing that was refused", async () => {
  const handle = start(thinking(), 'x', options());
  const messages = await drive(all(readUIMessageStream({ stream: handle.toUIMessageStream() })));
  expect(JSON.stringify(messages)).toContain('five');
  expect(messages.at(-1)).toMatchObject({
    id: handle.id,
    role: 'assistant',
    parts: [
      { type: 'step-start' },
      { type: 'text', text: 'let me see', state: 'done' },
      { type: 'tool-lookUp', state: 'output-available', input: { of: 'it' }, output: 'it is 4' },
      { type: 'step-start' },
      { type: 'text', text: 'it is four', state: 'done' },
    ],
  });
  const flat = JSON.stringify(messages.at(-1));
  expect(flat).not.toContain('five');
});

test('what a sending said before it broke off is withdrawn before the next says anything', async () => {
  let sent = 0;
  const breaking = slowly(
    scripted(() => ({ text: (sent += 1) === 1 ? 'half of it' : 'the whole' })),
    async (piece) => {
      await pause();
      if (piece === ' it') throw new AmdahlError('MODEL_UNAVAILABLE', 'gone', { retryable: 'yes' });
    },
  );
  const handle = start(agent({ name: 'say', instructions: 'x', model: breaking }), 'x', options());
  expect(await drive(all(handle.text))).toEqual(['half', 'half of', '', 'the', 'the whole']);
});

test('onError says what is told of a tool that failed, once, and without it that is what the model is told', async () => {
  const broken = tool({
    description: 'x',
    effect: 'none',
    input: z.object({}),
    execute: () => {
      throw new Error('no route to db-7.internal');
    },
  });
  const model = slowly(scripted([{ tools: [['broken', {}]] }, { text: 'it does not work' }]), pause);
  const handle = start(agent({ name: 'look', instructions: 'x', tools: { broken }, model }), 'x', options());
  const heard: AmdahlError[] = [];
  const onError = (error: AmdahlError): string => `sorry ${heard.push(error)}`;
  const chunks = JSON.stringify(await drive(all(handle.toUIMessageStream({ onError }))));
  expect(heard).toMatchObject([{ code: 'CODE_FAILED', message: expect.stringContaining('db-7') as string }]);
  expect(chunks).toContain('"errorText":"sorry 1"');
  expect(chunks).not.toContain('db-7');
  expect(JSON.stringify(await all(handle.toUIMessageStream()))).toContain('db-7');
});

test('events are told after a seq, of which there may be none yet; what is no seq is refused', async () => {
  const journal = memoryJournal();
  const handle = start(thinking(), 'x', options({ journal, id: 'r' }));
  await drive(handle.outcome);
  for (const one of [handle, await follow('r', { journal, clock })]) {
    expect((await drive(all(one.events({ after: -1 })))).map(({ seq }) => seq)).toEqual(
      (await drive(all(one.events()))).map(({ seq }) => seq),
    );
    expect(await drive(all(one.events({ after: 1_000 })))).toEqual([]);
    for (const after of [-2, 1.5, NaN]) expect(() => one.events({ after })).toThrow(/seq of an entry/);
  }
});

test('a reader that leaves in the middle, waiting or not, is forgotten, and the run goes on', async () => {
  const journal = memoryJournal();
  const watch = journal.watch.bind(journal);
  let watching = 0;
  journal.watch = (run, listener) => {
    watching += 1;
    const stop = watch(run, listener);
    return () => {
      watching -= 1;
      stop();
    };
  };
  const handle = start(thinking(), 'x', options({ journal }));
  const streams: (ReadableStream<unknown> | null)[] = [
    handle.toUIMessageStream(),
    handle.toUIMessageStream(),
    handle.toUIMessageStreamResponse().body,
  ];
  const readers = streams.map((stream) => stream?.getReader());
  for (const reader of readers) for (let nth = 0; nth < 4; nth += 1) await drive(Promise.resolve(reader?.read()));
  const waits = readers[1]?.read();
  expect(watching).toBe(readers.length);
  await Promise.all(readers.map(async (reader) => await reader?.cancel()));
  await waits;
  expect(watching).toBe(0);
  expect(await drive(handle.outcome)).toMatchObject({ status: 'succeeded' });
});
