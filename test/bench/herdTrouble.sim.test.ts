// Herds whose provider dies, slows down or changes its limits, and whose clock jumps. Virtual time, twenty seeds each.

import { describe, it } from 'vitest';
import {
  AIMS,
  changedScene,
  deadScene,
  HERD,
  herdScene,
  jumpScene,
  type Outcome,
  play,
  probesOf,
  SEEDS,
  slowScene,
  STYLES,
} from '../../bench/herdScenes.ts';
import { expectAll } from '../support/herds.ts';

const TIMEOUT_MS = 120_000;
const PROBES_MAX = 5;

/** Who was not answered, and why. */
function lost({ asked, answered, failed, first }: Outcome): string | undefined {
  return answered === asked ? undefined : `${answered} of ${asked} answered: ${JSON.stringify(failed)} ${first?.slice(-120) ?? ''}`;
}

function tooLate({ ms }: Outcome, most: number): string | undefined {
  return ms <= most ? undefined : `${Math.round(ms)} ms, not ${Math.round(most)}`;
}

function tooMany({ requests, refusals }: Outcome, most: number): string | undefined {
  return requests <= most ? undefined : `${requests} requests (${refusals} refused), not ${Math.round(most)}`;
}

describe('a provider that is dead for ten seconds', () => {
  for (const how of ['refused', '503', 'silent'] as const) {
    it(
      `is probed a few times and then answers everybody: ${how}`,
      async () => {
        await expectAll(SEEDS, async (seed) => {
          const outcome = await play(deadScene('announced', how), seed);
          const probes = probesOf(outcome);
          // Who pauses before a breaker has to open has sent the fewer.
          return lost(outcome) ?? (probes <= PROBES_MAX ? undefined : `${probes} requests while it was known to be dead`);
        });
      },
      TIMEOUT_MS,
    );
  }
});

for (const style of STYLES) {
  describe(`limits that are ${style}`, () => {
    it(
      'are kept while answers take ten times as long, and nobody is lost',
      async () => {
        const scene = slowScene(style);
        await expectAll(SEEDS, async (seed) => {
          const outcome = await play(scene, seed);
          return lost(outcome) ?? tooMany(outcome, AIMS[style].requests * HERD.agents);
        });
      },
      TIMEOUT_MS,
    );

    it(
      'are kept when they fall to a quarter',
      async () => {
        const scene = changedScene(style, 1 / 4);
        await expectAll(SEEDS, async (seed) => {
          const outcome = await play(scene, seed);
          return lost(outcome) ?? tooLate(outcome, AIMS.bare.time * scene.idealMs) ?? tooMany(outcome, AIMS.bare.requests * HERD.agents);
        });
      },
      TIMEOUT_MS,
    );

    it(
      'hold nobody back for longer than before when they rise fourfold',
      async () => {
        const scene = changedScene(style, 4);
        const before = AIMS[style].time * herdScene(style).idealMs;
        await expectAll(SEEDS, async (seed) => {
          const outcome = await play(scene, seed);
          const most = style === 'announced' ? Math.min(before, AIMS.bare.time * scene.idealMs) : before;
          return lost(outcome) ?? tooLate(outcome, most) ?? tooMany(outcome, AIMS[style].requests * HERD.agents);
        });
      },
      TIMEOUT_MS,
    );

    it(
      'are passed by no more than one burst when the clock goes back an hour and forward again',
      async () => {
        const scene = jumpScene(style);
        await expectAll(SEEDS, async (seed) => {
          const outcome = await play(scene, seed);
          return (
            lost(outcome) ??
            tooLate(outcome, AIMS.bare.time * scene.idealMs) ??
            tooMany(outcome, AIMS[style].requests * HERD.agents + HERD.burst)
          );
        });
      },
      TIMEOUT_MS,
    );
  });
}
