import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, flow, map, pipe, type RunDelta } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { slowly } from '../support/slowly.ts';
import { Trial } from '../support/trial.ts';

/** What each turn said and did not take back, by 'call:attempt.turn'. */
function kept(deltas: readonly RunDelta[]): Readonly<Record<string, string>> {
  const said: Record<string, string> = {};
  for (const delta of deltas) {
    const key = `${delta.call}:${delta.attempt}.${delta.turn}`;
    if (delta.type === 'withdrawn') delete said[key];
    if (delta.type === 'text') said[key] = (said[key] ?? '') + delta.delta;
  }
  return said;
}

test('an observer hears every answer as it is written, and the run is the same without one', async () => {
  const say = agent({
    name: 'say',
    instructions: 'Say it.',
    model: scripted((request) => ({ text: `you said ${JSON.stringify(request.prompt.at(-1)?.content)}` })),
  });
  const deltas: RunDelta[] = [];
  const streamed = new Trial({ onDelta: (delta) => deltas.push(delta) });
  const { output } = await streamed.run(map(say), ['a', 'b']);
  expect(Object.values(kept(deltas))).toEqual(output);
  expect(deltas.length).toBeGreaterThan(5);
  const whole = new Trial();
  await whole.run(map(say), ['a', 'b']);
  expect(await streamed.events()).toEqual(await whole.events());
});

test('what a refused answer said is withdrawn, and so is what a sending said before it failed', async () => {
  const model = scripted([{ text: 'not JSON' }, { object: { ok: true } }]);
  const deltas: RunDelta[] = [];
  const judge = agent({ name: 'judge', instructions: 'Judge.', model, output: z.object({ ok: z.boolean() }) });
  await new Trial({ onDelta: (delta) => deltas.push(delta) }).run(judge, 'x');
  expect(kept(deltas)).toEqual({ 'judge:0.1': '{"ok":true}' });

  const broken: RunDelta[] = [];
  let sent = 0;
  const cut = {
    ...scripted([]),
    doStream: async (request: Parameters<typeof model.doStream>[0]) => {
      sent += 1;
      const { stream } = await scripted([{ text: 'all of it' }]).doStream(request);
      if (sent > 1) return { stream };
      const reader = stream.getReader();
      return {
        stream: new ReadableStream({
          pull: async (controller) => {
            const { value } = await reader.read();
            if (value?.type === 'text-end') controller.error(new AmdahlError('MODEL_UNAVAILABLE', 'gone', { retryable: 'yes' }));
            else controller.enqueue(value);
          },
        }),
      };
    },
  };
  const { output } = await new Trial({ onDelta: (delta) => broken.push(delta) }).run(
    agent({ name: 'say', instructions: 'x', model: cut }),
    'x',
  );
  expect(output).toBe('all of it');
  expect(broken.filter(({ type }) => type === 'withdrawn')).toHaveLength(1);
  expect(kept(broken)).toEqual({ 'say:0.0': 'all of it' });
});

test('an observer that throws interrupts the run', async () => {
  const say = agent({ name: 'say', instructions: 'x', model: scripted([{ text: 'a b' }]) });
  const trial = new Trial({
    onDelta: () => {
      throw new Error('broken pipe');
    },
  });
  expect(await trial.fails(say, 'x')).toMatchObject({ code: 'CODE_FAILED', message: expect.stringContaining('onDelta threw') as unknown });
});

test('an attempt that is rejected, and an answer that is withheld, are withdrawn', async () => {
  for (const [turns, attempts] of [
    [[{ text: 'no' }, { object: { ok: true } }], 2],
    [[{ text: 'I will not.', finish: 'content-filter' as const }], 1],
  ] as const) {
    const deltas: RunDelta[] = [];
    const judge = agent({
      name: 'judge',
      instructions: 'x',
      model: scripted(turns),
      output: z.object({ ok: z.boolean() }),
      repairs: 0,
      attempts,
    });
    await new Trial({ onDelta: (delta) => deltas.push(delta) }).run(judge, 'x').catch(() => {});
    expect(kept(deltas)).toEqual(attempts === 2 ? { 'judge:1.0': '{"ok":true}' } : {});
  }
});

test('an asynchronous observer that fails interrupts the run, whatever it observes', async () => {
  const say = agent({ name: 'say', instructions: 'x', model: scripted(() => ({ text: 'a b' })) });
  for (const name of ['onDelta', 'onEvent'] as const) {
    const failing = flow({ name: 'f', run: async (_, ctx) => [await ctx.call(say, '1'), await ctx.call(say, '2')] });
    const error = await new Trial({ [name]: () => Promise.reject(new Error('gone')) }).fails(failing, 'x');
    expect(error).toMatchObject({ code: 'CODE_FAILED', message: expect.stringContaining(`${name} threw`) as unknown });
  }
});

test('what the speaker says is journaled in pieces until its turn is recorded, and what others say is not', async () => {
  const trial: Trial = new Trial({ stream: 'provisional' });
  const draft = agent({ name: 'draft', instructions: 'x', model: scripted([{ text: 'nobody hears of this one' }]) });
  const words = Array.from({ length: 30 }, (_, index) => `word${index} `).join('');
  const answer = agent({ name: 'answer', instructions: 'x', model: slowly(scripted([{ text: words }]), () => trial.clock.sleep(20)) });
  await trial.run(pipe(draft, answer), 'x');
  const said = await trial.events('model.said');
  // 600 ms of words, 50 ms a piece: the first at once, and what is left at the end is in the record of the turn.
  expect(said.length).toBeGreaterThan(8);
  expect(said.length).toBeLessThan(14);
  expect(words.startsWith(said.map(({ delta }) => delta).join(''))).toBe(true);
  expect(await trial.events('run.started')).toMatchObject([{ stream: 'provisional', speaker: 'answer' }]);

  const silent = new Trial();
  await silent.run(agent({ name: 'answer', instructions: 'x', model: scripted([{ text: words }]) }), 'x');
  expect(await silent.events('model.said')).toEqual([]);
});
