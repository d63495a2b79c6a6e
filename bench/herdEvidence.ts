// What others do with a herd, in numbers that were known before this world was built: two hundred at once, ten requests
// a second, answers of one second. Whoever gets them here may trust what it says of other herds. Called by herdVirtual.ts
// and its test.

import { median } from './finding.ts';
import { decorrelatedJitter, every, fullJitter, type Policy, sharedAimd, throttledJitter } from './herdPolicies.ts';
import { playUnder, type Scene, SEEDS } from './herdScenes.ts';
import { herdOf } from './herdWorld.ts';

export interface KnownFigure {
  readonly name: string;
  readonly policy: Policy;
  /** The medians of twenty seeds that are known. */
  readonly requests: number;
  readonly seconds: number;
}

/**
 * Base 1 s and cap 32 s, a bucket of ten and no network were found by looking for what gives the known figures; so
 * were what the throttle does with what it holds back (2 s, a try like any other) and the least of the shared limit.
 */
export const KNOWN: readonly KnownFigure[] = [
  { name: 'again each second', policy: every(1_000), requests: 2_100, seconds: 20 },
  { name: 'full jitter', policy: fullJitter(1_000, 32_000), requests: 982, seconds: 41.6 },
  { name: 'decorrelated jitter', policy: decorrelatedJitter(1_000, 32_000), requests: 730, seconds: 33 },
  { name: 'jitter and throttle, K = 2', policy: throttledJitter(1_000, 32_000, 2, 2_000), requests: 294, seconds: 52.3 },
  { name: 'one shared AIMD limit', policy: sharedAimd({ start: 20, least: 10, ratio: 0.9, backMs: 1_000 }), requests: 221, seconds: 20 },
];

const SCENE: Scene = {
  items: herdOf(200),
  provider: { throttle: { requestsPerMinute: 600, burstRequests: 10, headers: 'bare' }, serviceMs: 1_000, networkMs: [0, 0] },
  idealMs: 20_000,
};

/** The medians of a policy in this world. */
export async function measured({
  policy,
}: KnownFigure): Promise<{ readonly requests: number; readonly seconds: number; readonly answered: number }> {
  const outcomes = [];
  for (const seed of SEEDS) outcomes.push(await playUnder(policy, SCENE, seed));
  return {
    requests: median(outcomes.map(({ world }) => world.provider.count())),
    seconds: median(outcomes.map(({ ms }) => ms)) / 1_000,
    answered: Math.min(...outcomes.map(({ answered }) => answered)),
  };
}
