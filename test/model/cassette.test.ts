import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { agent, run } from '../../src/index.ts';
import { cassette } from '../../src/model/cassette.ts';
import { scripted } from '../../src/testing.ts';
import { drain, OlderV2, user } from '../support/olderModels.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cassette-'));
  file = join(folder, 'tapes', 'a.jsonl');
  vi.stubEnv('CI', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const hi = (text: string): LanguageModelV4CallOptions => user([{ type: 'text', text }]);
const echo = (): ReturnType<typeof scripted> => scripted((_, nth) => ({ text: `answer ${nth}` }), { modelId: 'echo' });
/** A model that nobody may touch: its package or its key is missing. */
const dead: LanguageModelV4 = untouchable('echo');
function untouchable(modelId: string): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'scripted',
    modelId,
    get supportedUrls(): never {
      throw new Error('touched');
    },
    doGenerate: () => Promise.reject(new Error('touched')),
    doStream: () => Promise.reject(new Error('touched')),
  };
}
const linesOf = (): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const textOf = ({ content }: LanguageModelV4GenerateResult): string =>
  content.map((part) => (part.type === 'text' ? part.text : '')).join('');

test('what is recorded once is played again without the model, across instances', async () => {
  const live = echo();
  const first = await cassette(file)(live).doGenerate(hi('a'));
  expect(live.requests).toHaveLength(1);
  expect(await cassette(file)(dead).doGenerate(hi('a'))).toMatchObject({ content: first.content, finishReason: { unified: 'stop' } });
  expect(await cassette(file, { mode: 'replay' })(dead).doGenerate(hi('a'))).toMatchObject({ content: first.content });
});

test('the recorded model keeps its face', () => {
  const made = cassette(file)(Object.assign(echo(), { supportedUrls: { 'a/b': [/x/] }, supportsStructuredOutputs: false }));
  expect(made).toMatchObject({
    specificationVersion: 'v4',
    provider: 'scripted',
    modelId: 'echo',
    supportedUrls: { 'a/b': [/x/] },
    supportsStructuredOutputs: false,
  });
  expect(cassette(file)(echo())).not.toHaveProperty('supportsStructuredOutputs');
});

test('equal requests are played in the order in which they were recorded; one more is sent and recorded by auto', async () => {
  const recording = cassette(file)(echo());
  for (const _ of [0, 1]) await recording.doGenerate(hi('a'));
  const live = echo();
  const playing = cassette(file)(live);
  const answers = [];
  for (const _ of [0, 1, 2]) answers.push(textOf(await playing.doGenerate(hi('a'))));
  expect(answers).toEqual(['answer 0', 'answer 1', 'answer 0']);
  expect(live.requests).toHaveLength(1);
  expect(linesOf()).toHaveLength(3);
  await expect(
    (async () => {
      const again = cassette(file, { mode: 'replay' })(dead);
      for (const _ of [0, 1, 2, 3]) await again.doGenerate(hi('a'));
    })(),
  ).rejects.toThrow(/it is recorded 3 times and asked once more/);
});

test('recording anew asks again and is played from then on, and the file only grows', async () => {
  const old = cassette(file)(echo());
  for (const _ of [0, 1]) await old.doGenerate(hi('a'));
  await old.doGenerate(hi('b'));
  const before = readFileSync(file, 'utf8');
  await cassette(file, { mode: 'record' })(scripted([{ text: 'new' }], { modelId: 'echo' })).doGenerate(hi('a'));
  expect(readFileSync(file, 'utf8').startsWith(before)).toBe(true);
  const playing = cassette(file, { mode: 'replay' })(dead);
  expect(textOf(await playing.doGenerate(hi('a')))).toBe('new');
  expect(textOf(await playing.doGenerate(hi('b')))).toBe('answer 2');
  await expect(playing.doGenerate(hi('a'))).rejects.toMatchObject({ code: 'SCRIPT_DRIFT' });
});

test('where CI is set, auto only plays, unless it is said not to be CI', async () => {
  vi.stubEnv('CI', 'true');
  await expect(cassette(file)(echo()).doGenerate(hi('a'))).rejects.toMatchObject({
    code: 'SCRIPT_DRIFT',
    message: `The cassette '${file}' has no answer to this request of scripted/echo: nothing is recorded there. In CI (the variable CI is set) the mode 'auto' only plays. To record it anew, run once with cassette('${file}', { mode: 'record' }), or delete the file.`,
  });
  expect(existsSync(file)).toBe(false);
  vi.stubEnv('CI', 'false');
  expect(textOf(await cassette(file)(echo()).doGenerate(hi('a')))).toBe('answer 0');
  vi.stubEnv('CI', '1');
  expect(textOf(await cassette(file, { mode: 'record' })(echo()).doGenerate(hi('b')))).toBe('answer 0');
});

const conversation = (text: string, temperature = 0): LanguageModelV4CallOptions => ({
  temperature,
  prompt: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: [{ type: 'text', text }] },
  ],
});

test('drift names the first place where the nearest recorded request differs', async () => {
  const recording = cassette(file)(echo());
  await recording.doGenerate(hi('something else'));
  await recording.doGenerate(conversation('review the file'));
  const playing = cassette(file, { mode: 'replay' })(dead);
  await expect(playing.doGenerate(conversation('review the files'))).rejects.toMatchObject({
    code: 'SCRIPT_DRIFT',
    message: `The cassette '${file}' has no answer to this request of scripted/echo: the nearest one, in line 2, differs at prompt[1].content[0].text: recorded "review the file", asked "review the files". To record it anew, run once with cassette('${file}', { mode: 'record' }), or delete the file.`,
    data: { file, line: 2, path: 'prompt[1].content[0].text' },
  });
  const differs = async (request: LanguageModelV4CallOptions, words: string): Promise<void> => {
    await expect(playing.doGenerate(request)).rejects.toThrow(`differs at ${words}. To record`);
  };
  await differs(conversation('review the file', 1), 'temperature: recorded 0, asked 1');
  await differs({ ...conversation('review the file'), maxOutputTokens: 9 }, 'maxOutputTokens: recorded nothing, asked 9');
  await differs(
    { ...conversation('review the file'), tools: [{ type: 'function', name: 't', inputSchema: {} }] },
    'tools: recorded nothing, asked [{"type":"function","name":"t","inputSchema":{}}]',
  );
  await differs(
    { ...conversation('review the file'), responseFormat: { type: 'json' } },
    'responseFormat: recorded nothing, asked {"type":"json"}',
  );
  await differs(
    { temperature: 0, prompt: conversation('').prompt.slice(0, 1) },
    'prompt[1]: recorded {"role":"user","content":[{"type":"text","text":"review the file"}]}, asked nothing',
  );
  const other = cassette(file, { mode: 'replay' })(untouchable('other'));
  await expect(other.doGenerate(conversation('review the file'))).rejects.toThrow(
    'differs at model: recorded "scripted/echo", asked "scripted/other".',
  );
});

test('long texts are shown from a little before they differ', async () => {
  const long = 'x'.repeat(500);
  await cassette(file)(echo()).doGenerate(hi(`${long}one${long}`));
  const asked = cassette(file, { mode: 'replay' })(dead).doGenerate(hi(`${long}two${long}`));
  await expect(asked).rejects.toThrow(
    `recorded "…${'x'.repeat(20)}one${'x'.repeat(57)}…", asked "…${'x'.repeat(20)}two${'x'.repeat(57)}…"`,
  );
});

test('headers, the signal and raw chunks are no part of a request', async () => {
  await cassette(file)(echo()).doGenerate({ ...hi('a'), headers: { 'x-turn': '1' }, abortSignal: new AbortController().signal });
  const played = await cassette(file)(dead).doGenerate({ ...hi('a'), headers: { 'x-turn': '2' }, includeRawChunks: true });
  expect(textOf(played)).toBe('answer 0');
  expect(readFileSync(file, 'utf8')).not.toContain('x-turn');
});

test('options of no provider are none', async () => {
  await cassette(file)(echo()).doGenerate(hi('a'));
  expect(textOf(await cassette(file, { mode: 'replay' })(dead).doGenerate({ ...hi('a'), providerOptions: {} }))).toBe('answer 0');
  await cassette(file)(echo()).doGenerate({ ...hi('b'), providerOptions: {} });
  expect(textOf(await cassette(file, { mode: 'replay' })(dead).doGenerate(hi('b')))).toBe('answer 0');
});

test('a cancelled request is not played', async () => {
  await cassette(file)(echo()).doGenerate(hi('a'));
  await expect(cassette(file)(dead).doGenerate({ ...hi('a'), abortSignal: AbortSignal.abort(new Error('over')) })).rejects.toThrow('over');
});

test('files are compared by their bytes, however they are given', async () => {
  const png = (data: Uint8Array | string): LanguageModelV4CallOptions =>
    user([{ type: 'file', mediaType: 'image/png', data: { type: 'data', data } }]);
  await cassette(file)(echo()).doGenerate(png(Uint8Array.of(104, 105)));
  const playing = cassette(file, { mode: 'replay' })(dead);
  expect(textOf(await playing.doGenerate(png('aGk=')))).toBe('answer 0');
  await expect(playing.doGenerate(png('aGo='))).rejects.toThrow('prompt[0].content[0].data.data: recorded "aGk=", asked "aGo="');
});

const providerMetadata = { acme: { signature: 'c2ln', itemId: 'msg_1' } };
const usage = { inputTokens: { total: 5, noCache: 3, cacheRead: 2, cacheWrite: 0 }, outputTokens: { total: 7, text: 4, reasoning: 3 } };
const rich: LanguageModelV4GenerateResult = {
  content: [
    { type: 'reasoning', text: 'hm', providerMetadata },
    { type: 'text', text: 'hello there', providerMetadata },
    { type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: '{"q":1}', providerMetadata },
    { type: 'file', mediaType: 'image/png', data: { type: 'url', url: new URL('https://example.com/a.png') } },
    { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'aGk=' } },
    { type: 'source', sourceType: 'url', id: 's', url: 'https://example.com' },
    { type: 'tool-result', toolCallId: 'c0', toolName: 'search', result: { n: 1 } },
  ],
  finishReason: { unified: 'tool-calls', raw: 'tool_use' },
  usage,
  warnings: [{ type: 'unsupported', feature: 'seed' }],
  providerMetadata,
};
const richModel = (parts: readonly LanguageModelV4StreamPart[] = []): LanguageModelV4 => ({
  ...echo(),
  doGenerate: () =>
    Promise.resolve({
      ...rich,
      usage: { ...usage, raw: { wire: 'the usage body' } },
      request: { body: 'the request body' },
      response: { id: 'r1', modelId: 'echo-1', timestamp: new Date(0), headers: { 'set-cookie': 'crumbs' }, body: 'the response body' },
    }),
  doStream: () => Promise.resolve({ stream: ReadableStream.from(parts), request: { body: 'the request body' } }),
});

test('an answer is played as it was, and headers and bodies are never written', async () => {
  await cassette(file)(richModel()).doGenerate(hi('a'));
  expect(await cassette(file)(dead).doGenerate(hi('a'))).toEqual({ ...rich, response: { id: 'r1', modelId: 'echo-1' } });
  expect(readFileSync(file, 'utf8')).not.toMatch(/crumbs|body/);
});

const parts: LanguageModelV4StreamPart[] = [
  { type: 'stream-start', warnings: [{ type: 'unsupported', feature: 'seed' }] },
  { type: 'response-metadata', id: 'r1', modelId: 'echo-1' },
  { type: 'reasoning-start', id: '0' },
  { type: 'reasoning-delta', id: '0', delta: 'hm' },
  { type: 'reasoning-end', id: '0', providerMetadata },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'hello ' },
  { type: 'text-delta', id: '1', delta: 'there' },
  { type: 'text-end', id: '1', providerMetadata },
  { type: 'tool-input-start', id: 'c1', toolName: 'look' },
  { type: 'tool-input-delta', id: 'c1', delta: '{"q":1}' },
  { type: 'tool-input-end', id: 'c1' },
  ...rich.content.slice(2).flatMap((part) => (part.type === 'text' || part.type === 'reasoning' ? [] : [part])),
  { type: 'finish', finishReason: rich.finishReason, usage, providerMetadata },
];

test('a stream is played as its parts, and answers a whole request too', async () => {
  const live = await cassette(file)(
    richModel([...parts.slice(0, 3), { type: 'raw', rawValue: 'wire' }, { type: 'ping' }, ...parts.slice(3)]),
  ).doStream(hi('a'));
  expect(await drain(live.stream)).toHaveLength(parts.length + 2);
  const played = await cassette(file)(dead).doStream(hi('a'));
  expect(await drain(played.stream)).toEqual(parts);
  expect(await cassette(file)(dead).doGenerate(hi('a'))).toEqual({ ...rich, response: { id: 'r1', modelId: 'echo-1' } });
  expect(linesOf()[0]).not.toHaveProperty('reply');
});

test('an answer recorded whole is played as a stream', async () => {
  await cassette(file)(richModel()).doGenerate(hi('a'));
  const { stream } = await cassette(file)(dead).doStream(hi('a'));
  const played = await drain(stream);
  expect(played.flatMap((part) => (part.type === 'text-delta' ? [part.delta] : [])).join('')).toBe('hello there');
  expect(played.filter(({ type }) => ['tool-call', 'file', 'source', 'tool-result'].includes(type))).toEqual(rich.content.slice(2));
  expect(played.at(-1)).toEqual({ type: 'finish', finishReason: rich.finishReason, usage, providerMetadata });
});

test('failures are not recorded: a thrown one, a stream that breaks, carries an error, never finishes or is left', async () => {
  const failing = scripted([{ error: new Error('429') }, { text: 'fine' }], { modelId: 'echo' });
  const tape = cassette(file)(failing);
  await expect(tape.doGenerate(hi('a'))).rejects.toThrow('429');
  const streamed = (stream: ReadableStream<LanguageModelV4StreamPart>) =>
    cassette(file)({ ...echo(), doStream: () => Promise.resolve({ stream }) }).doStream(hi('b'));
  const broken = await streamed(
    ReadableStream.from(
      (async function* () {
        yield* parts;
        throw new Error('reset');
      })(),
    ),
  );
  await expect(drain(broken.stream)).rejects.toThrow('reset');
  await drain((await streamed(ReadableStream.from([{ type: 'error', error: 'overloaded' }, ...parts] as const))).stream);
  await drain((await streamed(ReadableStream.from(parts.slice(0, -1)))).stream);
  await (await streamed(ReadableStream.from(parts))).stream.cancel();
  expect(readFileSync(file, 'utf8')).toBe('');
  expect(textOf(await tape.doGenerate(hi('a')))).toBe('fine');
  expect(linesOf()).toHaveLength(1);
});

test('older models are recorded through their adapters', async () => {
  await cassette(file)(new OlderV2()).doGenerate(hi('a'));
  expect(textOf(await cassette(file, { mode: 'replay' })(new OlderV2()).doGenerate(hi('a')))).toBe('hi');
});

test('a whole run is recorded and played', async () => {
  const ask = async (model: LanguageModelV4): Promise<unknown> => {
    const { output } = await run(agent({ name: 'review', instructions: 'Review.', model: cassette(file)(model) }), 'the text');
    return output;
  };
  expect(await ask(echo())).toBe('answer 0');
  expect(await ask(dead)).toBe('answer 0');
});

test('lines are read from the top: version, take, number, request in order, answer', async () => {
  await cassette(file)(echo()).doGenerate({ ...conversation('a'), seed: 1, toolChoice: { type: 'auto' }, tools: [] });
  const [line] = linesOf();
  expect(Object.keys(line ?? {})).toEqual(['v', 'take', 'nth', 'request', 'reply']);
  expect(Object.keys(line?.['request'] ?? {})).toEqual(['model', 'prompt', 'tools', 'toolChoice', 'temperature', 'seed']);
  expect(Object.keys(line?.['reply'] ?? {})).toEqual(['content', 'finishReason', 'usage', 'warnings']);
});

test('a torn last line is left out and said, by a warning and in drift; what is appended below it is read', async () => {
  await cassette(file)(echo()).doGenerate(hi('a'));
  const [whole = ''] = readFileSync(file, 'utf8').split('\n');
  appendFileSync(file, whole.slice(0, 40));
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const playing = cassette(file, { mode: 'replay' })(dead);
  expect(textOf(await playing.doGenerate(hi('a')))).toBe('answer 0');
  expect(warned).toHaveBeenCalledExactlyOnceWith(
    `The cassette '${file}': a line that was not finished (its writer was killed) is left out.`,
    { code: 'AMDAHL_CASSETTE_TORN' },
  );
  await expect(playing.doGenerate(hi('b'))).rejects.toThrow(
    'Of the file, a line that was not finished (its writer was killed) is left out.',
  );
  await cassette(file)(echo()).doGenerate(hi('b'));
  expect(textOf(await cassette(file, { mode: 'replay' })(dead).doGenerate(hi('b')))).toBe('answer 0');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\n', '\r\n'));
  expect(textOf(await cassette(file, { mode: 'replay' })(dead).doGenerate(hi('b')))).toBe('answer 0');
  warned.mockRestore();
});

test.each([
  ['no JSON in the middle', 'not json\n', 'is damaged: line 2 is no interaction'],
  ['JSON that is no interaction', '{"a":1}\n', 'is damaged: line 2 is no interaction'],
  ['JSON that is no object', '7\n', 'is damaged: line 2 is no interaction'],
  ['an interaction without an answer', '{"v":1,"take":1,"nth":0,"request":{}}\n', 'is damaged: line 2 is no interaction'],
  ['an answer without its end', '{"v":1,"take":1,"nth":0,"request":{},"parts":[]}\n', 'is damaged: line 2 is no interaction'],
  ['a later version', '{"v":2}\n', 'has version 2 in line 2; version 1 is understood'],
])('%s is an error that says where', async (_, damage, words) => {
  await cassette(file)(echo()).doGenerate(hi('a'));
  appendFileSync(file, `${damage}${readFileSync(file, 'utf8')}`);
  for (const mode of ['auto', 'record', 'replay'] as const) {
    const live = echo();
    await expect(cassette(file, { mode })(live).doGenerate(hi('a'))).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining(`The cassette '${file}' ${words}`) as string,
    });
    expect(live.requests).toEqual([]);
  }
});

test('a file that cannot be written is said before the model is asked', async () => {
  mkdirSync(join(folder, 'tapes'));
  writeFileSync(join(folder, 'plain'), '');
  for (const path of [join(folder, 'tapes'), join(folder, 'plain', 'a.jsonl')]) {
    const live = echo();
    await expect(cassette(path)(live).doGenerate(hi('a'))).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringMatching(/cannot be (read|written): E/) as string,
    });
    expect(live.requests).toEqual([]);
  }
});

test.skipIf(process.getuid?.() === 0 ? 'root may write everywhere' : false)(
  'a file without permission is said before the model is asked',
  async () => {
    await cassette(file)(echo()).doGenerate(hi('a'));
    chmodSync(file, 0o400);
    const live = echo();
    await expect(cassette(file)(live).doGenerate(hi('b'))).rejects.toThrow('cannot be written: EACCES');
    expect(live.requests).toEqual([]);
  },
);

test.each([
  [() => cassette(file, { mode: 'play' as never }), "cassette() has no mode \"play\". The modes are 'auto', 'record' and 'replay'."],
  [() => cassette(file, { modes: 'auto' } as never), "did you mean 'mode'?"],
  [() => cassette(''), 'cassette() takes a file and was given no name.'],
  [() => cassette(7 as never), 'cassette() takes a file and was given a number.'],
  [() => cassette(file)(7 as never), 'A cassette records a language model and was given a number.'],
  [() => cassette(file, { take: '' }), 'The take of cassette() is an empty text.'],
  [() => cassette(file, { take: 7 as never }), 'The take of cassette() is a number.'],
  [() => cassette(file)({} as never), 'A cassette records a language model and was given an object.'],
])('what cannot be is refused (%#)', (make, words) => {
  expect(make).toThrow(expect.objectContaining({ code: 'MISCONFIGURED', message: expect.stringContaining(words) as string }) as Error);
});

test('auto says once what it sends beside a tape that has other requests', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await cassette(file)(echo()).doGenerate(conversation('a'));
  expect(warned).not.toHaveBeenCalled();
  const again = cassette(file)(echo());
  await again.doGenerate(conversation('a'));
  await again.doGenerate(conversation('b'));
  await again.doGenerate(conversation('c'));
  expect(warned).toHaveBeenCalledOnce();
  expect(warned.mock.calls[0]?.[0]).toMatch(/has no answer to a request of scripted\/echo: .*It is asked and recorded/);
});
