// Two hundred at once on one rate limit, and a thousand at once on none, over sockets: amdahl for each way to know of the
// limit, and beside it what others do.

import { quantity, type Finding, median, type Report } from './finding.ts';
import { meet, type Met, type Pairing } from './herdArena.ts';
import type { ContenderName, HerdTask } from './herdClient.ts';
import { AIMS, HERD, herdScene, type Style, STYLES } from './herdScenes.ts';
import { herdFindings, type HerdResult, type HerdRow, herdTable } from './herdTable.ts';

const OTHERS: readonly (readonly [ContenderName, string])[] = [
  ['generateText', 'generateText'],
  ['generateText12', 'generateText, 12 retries'],
  ['fullJitter', 'full jitter for ever'],
];
const NAMES: Readonly<Record<Style, string>> = {
  announced: 'announced',
  retryAfter: 'Retry-After only',
  bare: 'bare 429',
  configured: 'configured',
};
/** Whoever is not done by then was left behind long ago. */
const CUT_MS = 20_000;
const OWN_CUT_MS = 30_000;
/** So that eighteen hundred requests do not come at once to one small machine. */
const STAGGER_MS = 400;
const { idealMs } = herdScene('bare');

export async function herd(): Promise<Report> {
  const own: HerdRow[] = [];
  for (const style of STYLES) {
    const [met] = await meet([pairing('amdahl', style, 0, OWN_CUT_MS)]);
    own.push({ name: `amdahl, ${NAMES[style]}`, results: met === undefined ? [] : [resultOf(met)] });
  }
  const thousand = await thousandAtOnce();
  return {
    findings: [...own.flatMap((row, nth) => herdFindings(row, AIMS[STYLES[nth] ?? 'bare'])), ...thousand.findings],
    tables: [herdTable(`${HERD.agents} at once`, [...own, ...(await others())]), ...thousand.tables],
    notes: [
      `${HERD.perSecond} requests a second, ${HERD.burst} at once, answers after ${HERD.latencyMs} ms: at best ${HERD.agents} requests in ${quantity(idealMs / 1_000, 's')}, and every share is of that. Retry-After is in whole seconds. One round; the others are given up after ${quantity(CUT_MS / 1_000, 's')} and run at the same time, each on a server of its own.`,
      ...thousand.notes,
    ],
  };
}

function pairing(contender: ContenderName, style: Style, startMs: number, cutMs: number): Pairing {
  const { provider, known } = herdScene(style);
  const task: Omit<HerdTask, 'baseUrl'> = { contender, agents: HERD.agents, startMs, cutMs, ...(known && { known }) };
  return { server: { delay: HERD.latencyMs, ...(provider.throttle && { throttle: provider.throttle }) }, task };
}

async function others(): Promise<readonly HerdRow[]> {
  const styles = STYLES.filter((style) => style !== 'configured');
  const all = OTHERS.flatMap(([contender, name]) => styles.map((style) => ({ contender, style, name: `${name}, ${NAMES[style]}` })));
  const met = await meet(all.map(({ contender, style }, nth) => pairing(contender, style, nth * STAGGER_MS, CUT_MS)));
  return all.map(({ name }, nth) => ({ name, results: met.slice(nth, nth + 1).map(resultOf) }));
}

function resultOf({ answered, requests, refusals, ms, cut }: Met): HerdResult {
  return { asked: HERD.agents, answered, requests, refusals, ms, idealMs, cut };
}

const [THOUSAND, THOUSAND_LATENCY_MS, ROUNDS] = [1_000, 200, 3];
const FAR = { requestsPerMinute: 6_000_000, burstRequests: 100_000 };

/** How a thousand ask: who, what it was told, what the server tells, and the most it may take. */
const CROWDS = [
  { name: 'amdahl, announced', contender: 'amdahl', known: undefined, announced: true, aimMs: 1_100 },
  { name: 'amdahl, configured', contender: 'amdahl', known: FAR, announced: false, aimMs: 1_100 },
  { name: 'amdahl, cold', contender: 'amdahl', known: undefined, announced: false, aimMs: 1_600 },
  { name: 'generateText', contender: 'generateText', known: undefined, announced: false, aimMs: undefined },
] as const;

async function thousandAtOnce(): Promise<Report> {
  const rounds: (readonly number[])[] = [];
  let lost = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const times: number[] = [];
    for (const { contender, known, announced } of CROWDS) {
      const task = { contender, agents: THOUSAND, startMs: 0, cutMs: OWN_CUT_MS, ...(known && { known }) };
      const [met] = await meet([
        { server: { delay: THOUSAND_LATENCY_MS, ...(announced && { throttle: { ...FAR, headers: 'announced' } }) }, task },
      ]);
      lost += THOUSAND - (met?.answered ?? 0);
      times.push(met?.ms ?? NaN);
    }
    rounds.push(times);
  }
  const last = CROWDS.length - 1;
  const rows = CROWDS.map(({ name, aimMs }, nth) => ({
    name,
    aimMs,
    ms: median(rounds.map((times) => times[nth] ?? NaN)),
    ratio: median(rounds.map((times) => (times[nth] ?? NaN) / (times[last] ?? NaN))),
  }));
  const findings = rows.map(({ name, aimMs, ms }): Finding => ({
    what: `${quantity(THOUSAND)} at once, ${name}`,
    measured: ms,
    unit: 'ms',
    ...(aimMs !== undefined && { aimMax: aimMs }),
  }));
  return {
    findings: [...findings, { what: `${quantity(THOUSAND)} at once, not answered`, measured: lost, unit: '', aimMax: 0 }],
    tables: [
      [
        [`${quantity(THOUSAND)} at once`, 'time', 'to generateText'],
        ...rows.map(({ name, ms, ratio }) => [name, quantity(ms, 'ms'), `${ratio.toFixed(2)} x`]),
      ],
    ],
    notes: [
      `A thousand: answers after ${THOUSAND_LATENCY_MS} ms and no limit that anybody meets; medians of ${ROUNDS} fresh processes each, in turn, each warmed by twenty calls to another model. Journal in memory; amdahl runs from its sources.`,
    ],
  };
}
