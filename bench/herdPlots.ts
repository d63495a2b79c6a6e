// `node bench/herdPlots.ts`: draws what docs/herd.md shows, from herds in virtual time, and writes its table. The same
// seeds give the same files, to the byte; a test holds the committed ones to that.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fullJitter, likeGenerateText } from './herdPolicies.ts';
import type { HerdRecord } from './herdProvider.ts';
import { HERD, herdScene, type Outcome, play, playUnder, SEEDS, type Style } from './herdScenes.ts';
import { median, quantity, type Table } from './finding.ts';

export const PAGE = 'docs/herd.md';
const FOLDER = 'docs/herd';
/** A herd in the middle of all twenty: some are luckier. */
const SEED = 7;
/** The refusals of the plots say when to come again: all that a policy can go by. */
const STYLE: Style = 'retryAfter';

type Played = (style: Style, seed: number) => Promise<Outcome>;

interface Contender {
  readonly name: string;
  readonly played: Played;
  /** What refusals tell it, and in which style it meets that. Styles between which it sees no difference are one. */
  readonly told: readonly (readonly [what: string, style: Style])[];
  /** Where its plot is. */
  readonly file?: string;
}

const HEEDS_RETRY_AFTER = [
  ['Retry-After', 'retryAfter'],
  ['nothing it reads', 'bare'],
] as const;

const CONTENDERS: readonly Contender[] = [
  {
    name: 'Full jitter, for ever',
    played: (style, seed) => playUnder(fullJitter(500, 20_000), herdScene(style), seed),
    told: [['nothing it reads', STYLE]],
    file: 'fullJitter',
  },
  {
    name: 'generateText, 2 retries',
    played: (style, seed) => playUnder(likeGenerateText(2), herdScene(style), seed),
    told: HEEDS_RETRY_AFTER,
  },
  {
    name: 'generateText, 12 retries',
    played: (style, seed) => playUnder(likeGenerateText(12), herdScene(style), seed),
    told: HEEDS_RETRY_AFTER,
    file: 'generateText',
  },
  {
    name: 'The gate',
    played: (style, seed) => play(herdScene(style), seed),
    told: [
      ['its limits, on every answer', 'announced'],
      ['Retry-After', 'retryAfter'],
      ['nothing', 'bare'],
      ['nothing; limits configured', 'configured'],
    ],
    file: 'gate',
  },
];

/** The plots by their paths. */
export async function plots(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { file, name, played } of CONTENDERS)
    if (file !== undefined) files.set(`${FOLDER}/${file}.svg`, plot(name, await played(STYLE, SEED)));
  return files;
}

/** The page with its table as it is measured now. */
export async function withTable(page: string): Promise<string> {
  const rows: (readonly string[])[] = [['', 'refusals tell', 'answered', 'requests', 'refused', 'last answer, s']];
  for (const { name, played, told } of CONTENDERS) {
    for (const [what, style] of told) {
      const results: Outcome[] = [];
      for (const seed of SEEDS) results.push(await played(style, seed));
      const cell = (of: (outcome: Outcome) => number, digits = 0): string => cellOf(results.map(of), digits);
      rows.push([
        name,
        what,
        cell(({ answered }) => answered),
        cell(({ requests }) => requests),
        cell(({ refusals }) => refusals),
        cell(({ ms }) => ms / 1_000, 1),
      ]);
    }
  }
  return page.replace(BETWEEN, `$1\n\n${markdown(rows)}\n\n$2`);
}

const BETWEEN = /(<!-- measured -->)[\s\S]*?(<!-- until here -->)/;

/** The middle of all seeds, and from where to where they go if they differ. */
function cellOf(values: readonly number[], digits: number): string {
  const text = (value: number): string => value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [least, most] = [text(Math.min(...values)), text(Math.max(...values))];
  return least === most ? least : `${text(median(values))} (${least} to ${most})`;
}

function markdown([head = [], ...rows]: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, nth) => (nth < 2 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** Of a plot, in its own units: the ground on which bars stand, and what is around it. */
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 220, 44, 16, 46, 26];
/** The same for all, so that they can be laid upon each other. */
const [SECONDS, PER_BAR_MS, REQUESTS_MAX] = [22, 250, 300];
const BAR = ((WIDTH - LEFT - RIGHT) * PER_BAR_MS) / (SECONDS * 1_000);

const STYLES = [
  '<style>',
  '  text { font: 12px system-ui, sans-serif; fill: #59636e }',
  '  .title { font-size: 14px; fill: #1f2328 }',
  '  .grid { stroke: #d1d9e0 }',
  '  .limit { stroke: #1f2328; stroke-dasharray: 3 3 }',
  '  .in { fill: #0969da }',
  '  .no { fill: #e5534b }',
  '  @media (prefers-color-scheme: dark) {',
  '    text { fill: #9198a1 }',
  '    .title { fill: #f0f6fc }',
  '    .grid { stroke: #3d444d }',
  '    .limit { stroke: #f0f6fc }',
  '    .in { fill: #4493f8 }',
  '    .no { fill: #ff7b72 }',
  '  }',
  '</style>',
];

const KEY = [
  `<text x="${LEFT}" y="35">requests in ${PER_BAR_MS} ms:</text>`,
  '<rect class="in" x="170" y="25" width="11" height="11"/><text x="186" y="35">let in</text>',
  '<rect class="no" x="228" y="25" width="11" height="11"/><text x="244" y="35">refused</text>',
  '<path class="limit" d="M298 31H318"/><text x="324" y="35">what the limit lets in</text>',
];

/** Requests let in and refused, in bars of a quarter of a second. Pure. */
function plot(name: string, outcome: Outcome): string {
  const { requests, refusals, answered, ms } = outcome;
  const title = `${name}: ${quantity(requests)} requests, ${quantity(refusals)} refused, ${answered} of ${HERD.agents} answered after ${(ms / 1_000).toFixed(1)} s`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${title}">`,
    ...STYLES,
    `<text class="title" x="${LEFT}" y="16">${title}</text>`,
    ...KEY,
    ...axes(),
    ...bars(outcome.world.provider.records),
    limitLine(),
    '</svg>',
    '',
  ].join('\n');
}

function axes(): readonly string[] {
  const lines = [0, 100, 200, 300].map(
    (count) =>
      `<path class="grid" d="M${LEFT} ${y(count)}H${WIDTH - RIGHT}"/><text x="${LEFT - 6}" y="${y(count) + 4}" text-anchor="end">${count}</text>`,
  );
  const seconds = Array.from({ length: 1 + SECONDS / 2 }, (_, nth) => 2 * nth).map(
    (at) => `<text x="${x(at * 1_000)}" y="${HEIGHT - 8}" text-anchor="middle">${at}${at === SECONDS ? ' s' : ''}</text>`,
  );
  return [...lines, ...seconds];
}

function bars(records: readonly HerdRecord[]): readonly string[] {
  const columns = Array.from({ length: (SECONDS * 1_000) / PER_BAR_MS }, () => ({ accepted: 0, others: 0 }));
  for (const { atMs, fate } of records) {
    const column = columns[Math.floor(atMs / PER_BAR_MS)];
    if (column !== undefined) column[fate === 'accepted' ? 'accepted' : 'others'] += 1;
  }
  return columns.flatMap(({ accepted, others }, nth) => [...bar('in', nth, 0, accepted), ...bar('no', nth, accepted, accepted + others)]);
}

function bar(kind: 'in' | 'no', nth: number, from: number, to: number): readonly string[] {
  if (to === from) return [];
  const height = round(y(from) - y(to));
  return [`<rect class="${kind}" x="${round(x(nth * PER_BAR_MS) + 0.5)}" y="${y(to)}" width="${round(BAR - 1)}" height="${height}"/>`];
}

/** What the provider lets in of itself. */
function limitLine(): string {
  return `<path class="limit" d="M${LEFT} ${y((HERD.perSecond * PER_BAR_MS) / 1_000)}H${WIDTH - RIGHT}"/>`;
}

function x(ms: number): number {
  return round(LEFT + ((WIDTH - LEFT - RIGHT) * ms) / (SECONDS * 1_000));
}

function y(count: number): number {
  return round(HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * count) / REQUESTS_MAX);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

async function write(root: string): Promise<void> {
  for (const [path, text] of await plots()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const page = join(root, PAGE);
  writeFileSync(page, await withTable(readFileSync(page, 'utf8')));
}

if (import.meta.main) await write(join(import.meta.dirname, '..'));
