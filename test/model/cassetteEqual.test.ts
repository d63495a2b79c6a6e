import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { agent, map, memoryJournal, run } from '../../src/index.ts';
import { cassette } from '../../src/model/cassette.ts';
import { scripted } from '../../src/testing.ts';
import { user } from '../support/olderModels.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cassette-'));
  file = join(folder, 'a.jsonl');
  vi.stubEnv('CI', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const hi = (text: string): LanguageModelV4CallOptions => user([{ type: 'text', text }]);
const echo = (): ReturnType<typeof scripted> => scripted((_, nth) => ({ text: `answer ${nth}` }), { modelId: 'echo' });
const refused = (): Promise<never> => Promise.reject(new Error('touched'));
const dead: LanguageModelV4 = { ...echo(), doGenerate: refused, doStream: refused };
const linesOf = (): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const textOf = ({ content }: LanguageModelV4GenerateResult): string =>
  content.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** A model whose answers come when they are told to, in any order. */
function held(): { readonly model: LanguageModelV4; readonly calls: PromiseWithResolvers<LanguageModelV4GenerateResult>[] } {
  const calls: PromiseWithResolvers<LanguageModelV4GenerateResult>[] = [];
  const doGenerate: LanguageModelV4['doGenerate'] = () => {
    const call = Promise.withResolvers<LanguageModelV4GenerateResult>();
    calls.push(call);
    return call.promise;
  };
  return { model: { ...echo(), doGenerate }, calls };
}
const saying = (text: string): LanguageModelV4GenerateResult => ({
  content: [{ type: 'text', text }],
  finishReason: { unified: 'stop', raw: 'stop' },
  usage: { inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 1, text: 1, reasoning: 0 } },
  warnings: [],
});
const texts = async (all: readonly PromiseLike<LanguageModelV4GenerateResult>[]): Promise<string[]> => (await Promise.all(all)).map(textOf);

test('equal requests at the same time are played to whom they were recorded for, whoever was answered first', async () => {
  const { model, calls } = held();
  const recording = cassette(file)(model);
  const asked = [0, 1, 2].map(() => recording.doGenerate(hi('a')));
  for (const nth of [2, 0, 1]) {
    calls[nth]?.resolve(saying(`answer ${nth}`));
    await asked[nth];
  }
  expect(linesOf().map(({ nth }) => nth)).toEqual([2, 0, 1]);
  const playing = cassette(file, { mode: 'replay' })(dead);
  expect(await texts([0, 1, 2].map(() => playing.doGenerate(hi('a'))))).toEqual(['answer 0', 'answer 1', 'answer 2']);
});

test('who is sent again takes the place of the sending that failed, or was aborted', async () => {
  const failed = (call: PromiseWithResolvers<LanguageModelV4GenerateResult> | undefined): void => call?.reject(new Error('500'));
  for (const fails of [failed, undefined]) {
    rmSync(file, { force: true });
    const { model, calls } = held();
    const recording = cassette(file)(model);
    const cut = new AbortController();
    const first = Promise.resolve(recording.doGenerate({ ...hi('a'), abortSignal: cut.signal }));
    const second = recording.doGenerate(hi('a'));
    const settled = Promise.allSettled([first]);
    if (fails === undefined) cut.abort();
    else {
      fails(calls[0]);
      await settled;
    }
    const again = recording.doGenerate(hi('a'));
    calls[1]?.resolve(saying('second'));
    calls[2]?.resolve(saying('first'));
    // What comes of a request that nobody waits for is not recorded.
    if (fails === undefined) calls[0]?.resolve(saying('too late'));
    expect(await texts([again, second])).toEqual(['first', 'second']);
    await settled;
    const playing = cassette(file, { mode: 'replay' })(dead);
    expect(await texts([0, 1].map(() => playing.doGenerate(hi('a'))))).toEqual(['first', 'second']);
    expect(linesOf()).toHaveLength(2);
  }
});

test('where the first of equal requests was never answered, the second is played', async () => {
  const { model, calls } = held();
  const recording = cassette(file)(model);
  void recording.doGenerate(hi('a'));
  const second = recording.doGenerate(hi('a'));
  calls[1]?.resolve(saying('second'));
  await second;
  expect(textOf(await cassette(file, { mode: 'replay' })(dead).doGenerate(hi('a')))).toBe('second');
  // And auto, which may ask, asks for the first again: nobody else's answer is given away.
  const auto = cassette(file)(scripted([{ text: 'first' }], { modelId: 'echo' }));
  expect(await texts([0, 1].map(() => auto.doGenerate(hi('a'))))).toEqual(['first', 'second']);
});

test('a recorded stream that is left on the way leaves its place to the next who asks', async () => {
  await cassette(file)(echo()).doGenerate(hi('a'));
  const playing = cassette(file, { mode: 'replay' })(dead);
  await (await playing.doStream(hi('a'))).stream.cancel();
  expect(textOf(await playing.doGenerate(hi('a')))).toBe('answer 0');
  await expect(playing.doGenerate(hi('a'))).rejects.toMatchObject({ code: 'SCRIPT_DRIFT' });
});

test('a take that has a name is gone on with by the next process that records under it; another begins anew', async () => {
  const record = (take: string | undefined, text: string): LanguageModelV4 =>
    cassette(file, { mode: 'record', ...(take === undefined ? {} : { take }) })(scripted(() => ({ text }), { modelId: 'echo' }));
  const played = async (): Promise<string[]> => {
    const playing = cassette(file, { mode: 'replay' })(dead);
    const answers: string[] = [];
    for (;;) {
      const answer = await Promise.resolve(playing.doGenerate(hi('a'))).catch(() => undefined);
      if (answer === undefined) return answers;
      answers.push(textOf(answer));
    }
  };
  await record('run-1', 'before').doGenerate(hi('a'));
  await record('run-1', 'after').doGenerate(hi('a'));
  expect(await played()).toEqual(['before', 'after']);
  await record('run-2', 'anew').doGenerate(hi('a'));
  expect(await played()).toEqual(['anew']);
  await record(undefined, 'nameless').doGenerate(hi('a'));
  expect(await played()).toEqual(['nameless']);
  await record('run-2', 'once more').doGenerate(hi('a'));
  expect(await played()).toEqual(['once more']);
});

test('a whole run over equal inputs is played as it was recorded', async () => {
  const { model, calls } = held();
  const guess = agent({ name: 'guess', instructions: 'Guess.' });
  const go = async (tape: LanguageModelV4): Promise<unknown> =>
    (await run(map(guess), ['same', 'same', 'same'], { journal: memoryJournal(), models: { '*': tape } })).output;
  const recording = go(cassette(file)(model));
  await vi.waitUntil(() => calls.length === 3);
  for (const nth of [2, 1, 0]) {
    calls[nth]?.resolve(saying(`guess ${nth}`));
    await vi.waitUntil(() => existsSync(file) && readFileSync(file, 'utf8').includes(`guess ${nth}`));
  }
  expect(await recording).toEqual(['guess 0', 'guess 1', 'guess 2']);
  expect(await go(cassette(file, { mode: 'replay' })(dead))).toEqual(['guess 0', 'guess 1', 'guess 2']);
});
