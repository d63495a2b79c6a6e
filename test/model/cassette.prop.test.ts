import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cassette } from '../../src/model/cassette.ts';
import { redacted, redactor } from '../../src/model/cassetteRedact.ts';
import { firstDifference, nearestRequest } from '../../src/model/cassetteRequest.ts';
import { scripted } from '../../src/testing.ts';
import { drain, user } from '../support/olderModels.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cassette-'));
  vi.stubEnv('CI', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as never);
const request = (value: never) => ({ model: 'a/b', prompt: value });

test('two requests differ exactly where they are not equal, at a place that holds what is said', () => {
  fc.assert(
    fc.property(json, json, (one, other) => {
      expect(firstDifference(one, one)).toBeUndefined();
      const difference = firstDifference(one, other);
      expect(difference === undefined).toBe(JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)));
    }),
  );
});

test('the nearest request is an equal one, if there is one', () => {
  fc.assert(
    fc.property(fc.array(json, { maxLength: 6 }), json, (others, asked) => {
      const tape = [...others, asked].map((value) => ({ request: request(value) }));
      const nearest = nearestRequest(tape, request(asked));
      expect(firstDifference(nearest?.request, request(asked))).toBeUndefined();
    }),
  );
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

test('redacting twice is redacting once, and what holds no key stays as it is', () => {
  const redact = redactor({ A_KEY: 'correct horse', B_TOKEN: 'battery+staple' });
  const pieces = fc.constantFrom(
    'sk-',
    'a1B2c3D4e5F6g7',
    'Bearer ',
    'eyJhbGciOiJ',
    '.',
    'AKIA',
    'ABCDEFGH12345678',
    'correct horse',
    'battery+staple',
    ' ',
    '\n',
    '"',
  );
  fc.assert(
    fc.property(
      fc.array(pieces).map((list) => list.join('')),
      (text) => {
        const once = redact(text);
        expect(redact(once)).toBe(once);
        expect(once).not.toMatch(/correct horse|battery\+staple/);
      },
    ),
  );
  fc.assert(
    fc.property(json, (value) => {
      expect(redacted(value, redact)).toEqual(value);
    }),
  );
});

const metadata = fc.dictionary(
  fc.constantFrom('acme', 'other'),
  fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
);
const word = fc.string({ unit: 'grapheme' }).map((text) => text.toWellFormed());
const content = fc.array(
  fc.oneof(
    fc.record({ type: fc.constantFrom('text' as const, 'reasoning' as const), text: word, providerMetadata: metadata }),
    fc.record({ type: fc.constant('tool-call' as const), toolCallId: word, toolName: word, input: word }),
    fc.record({
      type: fc.constant('tool-result' as const),
      toolCallId: word,
      toolName: word,
      result: fc.constantFrom<string | number>('a', 1),
    }),
    fc.record({
      type: fc.constant('file' as const),
      mediaType: word,
      data: fc.record({ type: fc.constant('url' as const), url: fc.webUrl().map((url) => new URL(url)) }),
    }),
  ),
);

test('any answer is played as it was recorded, and its stream puts together the same', async () => {
  let nth = 0;
  await fc.assert(
    fc.asyncProperty(content, async (parts) => {
      const file = join(folder, `${(nth += 1)}.jsonl`);
      const usage = {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      };
      const result: LanguageModelV4GenerateResult = {
        content: parts,
        finishReason: { unified: 'stop', raw: 'end' },
        usage,
        warnings: [],
      };
      const model = { ...scripted([]), doGenerate: () => Promise.resolve(result) };
      await cassette(file)(model).doGenerate(user([]));
      expect(await cassette(file, { mode: 'replay' })(scripted([])).doGenerate(user([]))).toEqual(result);
      const { stream } = await cassette(file, { mode: 'replay' })(scripted([])).doStream(user([]));
      const streamed = await drain(stream);
      // Recorded once more, as that stream, it still answers whole.
      const second = join(folder, `${nth}-stream.jsonl`);
      await drain(
        (
          await cassette(second)({ ...model, doStream: () => Promise.resolve({ stream: ReadableStream.from(streamed) }) }).doStream(
            user([]),
          )
        ).stream,
      );
      expect(await cassette(second, { mode: 'replay' })(scripted([])).doGenerate(user([]))).toEqual(result);
    }),
    { numRuns: 50 },
  );
});

const WRITER = `
  const { cassette } = await import(${JSON.stringify(new URL('../../src/model/cassette.ts', import.meta.url).href)});
  const { scripted } = await import(${JSON.stringify(new URL('../../src/testing.ts', import.meta.url).href)});
  const [file, who, count] = process.argv.slice(1);
  const model = cassette(file, { mode: 'record' })(scripted(() => ({ text: 'answer of ' + who + 'x'.repeat(20_000) })));
  console.log('ready');
  for (let nth = 0; nth < Number(count); nth += 1) {
    await model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: who + ' ' + nth }] }] });
  }
`;

function writer(file: string, who: string, count: number): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '--no-warnings', '--eval', WRITER, file, who, String(count)], {
    env: { ...process.env, CI: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.on('exit', resolve));

test('processes that append at once do not mix their lines', async () => {
  const file = join(folder, 'shared.jsonl');
  expect(await Promise.all(['a', 'b', 'c'].map((who) => ended(writer(file, who, 40))))).toEqual([0, 0, 0]);
  const playing = cassette(file, { mode: 'replay' })(scripted([]));
  for (const who of ['a', 'b', 'c']) {
    for (let nth = 0; nth < 40; nth += 1) {
      const { content: said } = await playing.doGenerate(user([{ type: 'text', text: `${who} ${nth}` }]));
      expect(said).toEqual([{ type: 'text', text: `answer of ${who}${'x'.repeat(20_000)}` }]);
    }
  }
});

test('a process killed while it records leaves a tape that plays all that was finished', async () => {
  const file = join(folder, 'killed.jsonl');
  const child = writer(file, 'k', 100_000);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  await vi.waitUntil(() => {
    try {
      return readFileSync(file, 'utf8').split('\n').length > 20;
    } catch {
      return false;
    }
  });
  child.kill('SIGKILL');
  await ended(child);
  const finished = readFileSync(file, 'utf8').split('\n').length - 1;
  const playing = cassette(file, { mode: 'replay' })(scripted([]));
  for (let nth = 0; nth < finished; nth += 1) await playing.doGenerate(user([{ type: 'text', text: `k ${nth}` }]));
  await expect(playing.doGenerate(user([{ type: 'text', text: `k ${finished}` }]))).rejects.toMatchObject({ code: 'SCRIPT_DRIFT' });
});
