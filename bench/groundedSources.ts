// The real files that the answers of the grounding evaluation are written from: sources, READMEs, changelogs, licences
// and package.json files of the installed packages (the lockfile pins what is in them), and two files beside this one.
// Called by grounded*.ts. Every file is read once; a fixed list, so that a seed means the same answers everywhere.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Dice } from '../src/modelServer/dice.ts';
import { between, oneOf } from '../src/modelServer/dice.ts';
import { ROOT } from './built.ts';

const INSTALLED = join(ROOT, 'node_modules');
const BESIDE = join(import.meta.dirname, 'groundedData');

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const texts = new Map<string, string>();

const CODE = `ai/src/types/usage.ts ai/src/generate-text/parse-tool-call.ts ai/src/ui-message-stream/to-ui-message-chunk.ts
@ai-sdk/openai/src/openai-provider.ts @ai-sdk/openai-compatible/src/chat/openai-compatible-chat-language-model.ts
@andrewbranch/untar.js/lib/bytestream.js @bcoe/v8-coverage/src/lib/range-tree.js @fastify/busboy/lib/types/multipart.js
@types/node/timers.d.ts @types/node/wasi.d.ts @vitest/mocker/dist/node.js canonicalize/lib/canonicalize.js commander/lib/help.js
commander/lib/option.js picomatch/lib/scan.js picomatch/lib/utils.js semver/classes/range.js undici/lib/api/readable.js
undici/lib/core/connect.js`.split(/\s+/);

const PROSE = `cli-progress/README.md commander/Readme.md es-module-lexer/README.md fast-check/README.md fdir/README.md
fflate/README.md jsonrepair/README.md lru-cache/README.md magic-string/README.md marked/README.md nanoid/README.md picomatch/README.md
pure-rand/README.md semver/README.md smol-toml/README.md std-env/README.md tinybench/README.md tinyexec/README.md unbash/README.md
undici/docs/docs/api/CacheStore.md undici/docs/docs/api/Pool.md undici/docs/docs/api/RetryHandler.md yaml/README.md zod/README.md`.split(
  /\s+/,
);

const CHANGES = `@ai-sdk/openai-compatible/CHANGELOG.md @babel/parser/CHANGELOG.md @copilotkit/aimock/CHANGELOG.md ai/CHANGELOG.md
fflate/CHANGELOG.md openai-v2/CHANGELOG.md yargs-parser/CHANGELOG.md yargs/CHANGELOG.md`.split(/\s+/);

const LICENCES = `ai/LICENSE arktype/LICENSE chai/LICENSE cli-highlight/LICENSE.txt cli-progress/LICENSE.md commander/LICENSE
emoji-regex/LICENSE-MIT.txt fflate/LICENSE jsonrepair/LICENSE.md undici/LICENSE yaml/LICENSE zod/LICENSE`.split(/\s+/);

const MANIFESTS =
  `ai arktype commander fast-check fflate jsonrepair knip magic-string nanoid semver tinybench undici valibot vite vitest yaml
yargs zod`.split(/\s+/);

/** Files with marks of unfinished work in them, for questions after those. */
const UNFINISHED = CODE.filter((path) => /\b(?:TODO|FIXME|XXX)\b/.test(textOf(path)));

const LISTS = { code: CODE, prose: PROSE, changes: CHANGES, licences: LICENCES, unfinished: UNFINISHED } as const;

function textOf(path: string): string {
  const known = texts.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(INSTALLED, path), 'utf8').replaceAll('\r\n', '\n');
  texts.set(path, text);
  return text;
}

/** One of the files of a kind, whole. */
export function anyFile(random: Dice, kind: keyof typeof LISTS): SourceFile {
  const path = oneOf(random, LISTS[kind]);
  return { path: `node_modules/${path}`, text: textOf(path) };
}

/** Some files of a kind, none twice. */
export function someFiles(random: Dice, kind: keyof typeof LISTS, count: number): readonly SourceFile[] {
  const chosen = new Map<string, SourceFile>();
  for (let tries = 0; chosen.size < count && tries < 50; tries += 1) {
    const file = anyFile(random, kind);
    chosen.set(file.path, file);
  }
  return [...chosen.values()];
}

/** A stretch of whole lines of a file, from its beginning or, where `anywhere`, from any line on. */
export function excerptOf(random: Dice, file: SourceFile, linesMax: number, anywhere = true): SourceFile {
  const lines = file.text.split('\n');
  const start = anywhere ? between(random, 0, Math.max(0, lines.length - linesMax)) : 0;
  return { path: file.path, text: lines.slice(start, start + linesMax).join('\n') };
}

export interface Sized {
  readonly path: string;
  readonly bytes: number;
}

/** Some files with their sizes on disk, as a tool that lists a folder would say them. */
export function sizes(random: Dice, count: number): readonly Sized[] {
  const all = [...CODE, ...PROSE, ...CHANGES, ...LICENCES];
  const chosen = new Map<string, Sized>();
  while (chosen.size < count) {
    const path = oneOf(random, all);
    chosen.set(path, { path, bytes: statSync(join(INSTALLED, path)).size });
  }
  return [...chosen.values()];
}

export interface Manifest {
  readonly path: string;
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Some package.json files. */
export function manifests(random: Dice, count: number): readonly Manifest[] {
  const chosen = new Map<string, Manifest>();
  while (chosen.size < count) {
    const path = `${oneOf(random, MANIFESTS)}/package.json`;
    const text = textOf(path);
    chosen.set(path, { path: `node_modules/${path}`, text, value: JSON.parse(text) as Manifest['value'] }); // npm refuses any that is no object
  }
  return [...chosen.values()];
}

/** The log of a run of this project's tests, as the runner printed it. */
export function testLog(): string {
  return readFileSync(join(BESIDE, 'testRun.log'), 'utf8');
}

/** Prices of models in USD per million tokens, and how many tokens they read (@pydantic/genai-prices 0.1.8). */
export function priceTable(): string {
  return readFileSync(join(BESIDE, 'prices.csv'), 'utf8');
}
