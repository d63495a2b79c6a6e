// Herds in virtual time, twenty seeds each: what was known before, the herd of the aims beside what others do, and what
// else happens to providers and clocks.

import { type Finding, type Report, quantity, type Table } from './finding.ts';
import { KNOWN, measured } from './herdEvidence.ts';
import { fullJitter, likeGenerateText, type Policy } from './herdPolicies.ts';
import {
  AIMS,
  changedScene,
  deadScene,
  HERD,
  herdScene,
  jumpScene,
  type Outcome,
  play,
  playUnder,
  probesOf,
  type Scene,
  SEEDS,
  slowScene,
  type Style,
  STYLES,
  thousandScene,
  TOKEN_AIMS,
  tokenScene,
} from './herdScenes.ts';
import { shares } from './herdSharing.ts';
import { herdFindings, type HerdRow, herdTable } from './herdTable.ts';

interface Row extends HerdRow {
  readonly results: readonly Outcome[];
}

const POLICIES: readonly (readonly [string, Policy])[] = [
  ['generateText', likeGenerateText(2)],
  ['generateText, 12 retries', likeGenerateText(12)],
  ['full jitter for ever', fullJitter(500, 20_000)],
];
const PROBES_MAX = 5;
const UNEVEN_MAX = 0.1;

export async function herdVirtual(): Promise<Report> {
  const parts = [await known(), await herds(), await tokens(), await troubles(), await dead(), await sharing(), await thousands()];
  return {
    findings: parts.flatMap(({ findings }) => findings),
    tables: parts.flatMap(({ tables }) => tables),
    notes: [
      `Virtual time, seeds ${SEEDS[0]} to ${SEEDS.at(-1)}: the middle and the worst of them; aims hold for the worst. A network of 1 to 5 ms each way. Shares are of the fewest requests and the least time in which all can be answered. generateText is a model of what it does: its own timers cannot live in virtual time.`,
    ],
  };
}

async function over(name: string, played: (seed: number) => Promise<Outcome>): Promise<Row> {
  const results: Outcome[] = [];
  for (const seed of SEEDS) results.push(await played(seed));
  return { name, results };
}

/** A row for each style. */
async function perStyle(name: string, sceneOf: (style: Style, seed: number) => Scene): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const style of STYLES) rows.push(await over(`${name}, ${style}`, (seed) => play(sceneOf(style, seed), seed)));
  return rows;
}

function aimed(rows: readonly Row[], aims: typeof AIMS = AIMS): readonly Finding[] {
  return rows.flatMap((row, nth) => herdFindings(row, aims[STYLES[nth] ?? 'bare']));
}

/** All must be answered, however the herd knows of limits; what that takes is only told. */
function lost(name: string, rows: readonly HerdRow[]): Finding {
  const counts = rows.flatMap(({ results }) => results.map(({ asked, answered }) => asked - answered));
  return { what: `${name}: not answered`, measured: Math.max(...counts), unit: '', aimMax: 0 };
}

async function known(): Promise<Report> {
  const table: (readonly string[])[] = [['known before, and here', 'calls', 'here', 'time', 'here']];
  for (const one of KNOWN) {
    const here = await measured(one);
    table.push([one.name, quantity(one.requests), quantity(here.requests), quantity(one.seconds, 's'), quantity(here.seconds, 's')]);
  }
  return { findings: [], tables: [table], notes: [] };
}

async function herds(): Promise<Report> {
  const rows = await perStyle('amdahl', (style) => herdScene(style));
  const others: Row[] = [];
  for (const [name, policy] of POLICIES) {
    for (const style of STYLES) {
      if (style !== 'configured') others.push(await over(`${name}, ${style}`, (seed) => playUnder(policy, herdScene(style), seed)));
    }
  }
  return { findings: aimed(rows), tables: [herdTable(`${HERD.agents} at once`, [...rows, ...others])], notes: [] };
}

async function tokens(): Promise<Report> {
  const rows = await perStyle('tokens', (style, seed) => tokenScene(style, seed));
  return { findings: aimed(rows, TOKEN_AIMS), tables: [herdTable('10 to 10,000 tokens each', rows)], notes: [] };
}

async function troubles(): Promise<Report> {
  const tables: Table[] = [];
  const findings: Finding[] = [];
  const scenes: readonly (readonly [string, (style: Style) => Scene])[] = [
    ['ten times slower', slowScene],
    ['limit to a quarter', (style) => changedScene(style, 1 / 4)],
    ['limit fourfold', (style) => changedScene(style, 4)],
    ['clock jumps', jumpScene],
  ];
  for (const [name, sceneOf] of scenes) {
    const rows = await perStyle(name, sceneOf);
    tables.push(herdTable(name, rows));
    findings.push(lost(name, rows));
  }
  return { findings, tables, notes: [] };
}

async function dead(): Promise<Report> {
  const rows: Row[] = [];
  for (const how of ['refused', '503', 'silent'] as const)
    rows.push(await over(`dead for 10 s, ${how}`, (seed) => play(deadScene('announced', how), seed)));
  const probes = rows.map(({ name, results }): Finding => ({
    what: `${name}: requests after the breaker opened`,
    measured: Math.max(...results.map(probesOf)),
    unit: '',
    aimMax: PROBES_MAX,
  }));
  return { findings: [lost('dead for 10 s', rows), ...probes], tables: [herdTable('dead for 10 s', rows)], notes: [] };
}

async function sharing(): Promise<Report> {
  const all = [];
  for (const seed of SEEDS) all.push(...(await shares(seed)));
  return {
    findings: [
      {
        what: 'three at one account: not answered',
        measured: Math.max(...all.map(({ asked, answered }) => asked - answered)),
        unit: '',
        aimMax: 0,
      },
      {
        what: 'three at one account: furthest from an even part',
        measured: Math.max(...all.map(({ share }) => Math.abs(1 - share))),
        unit: '',
        aimMax: UNEVEN_MAX,
      },
    ],
    tables: [],
    notes: [],
  };
}

async function thousands(): Promise<Report> {
  const findings: Finding[] = [];
  for (const [style, aimMax] of [
    ['announced', 1_100],
    ['configured', 1_100],
    ['bare', 1_600],
  ] as const) {
    const row = await over(`1,000 at once, ${style === 'bare' ? 'cold' : style}`, (seed) => play(thousandScene(style), seed));
    findings.push({ what: row.name, measured: Math.max(...row.results.map(({ ms }) => ms)), unit: 'ms', aimMax }, lost(row.name, [row]));
  }
  return { findings, tables: [], notes: [] };
}
