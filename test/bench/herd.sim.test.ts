// Herds in virtual time, twenty seeds each: two hundred at once on one limit, in whichever way they know of it, prompts of
// every size, three parties on one account, a thousand at once. The aims hold for every seed.

import { describe, expect, it } from 'vitest';
import {
  AIMS,
  type Aims,
  herdScene,
  type Outcome,
  play,
  type Scene,
  SEEDS,
  STYLES,
  thousandScene,
  TOKEN_AIMS,
  tokenScene,
} from '../../bench/herdScenes.ts';
import { shares } from '../../bench/herdSharing.ts';
import { expectAll } from '../support/herds.ts';

const TIMEOUT_MS = 120_000;

/** What an outcome lacks of its aims. */
function missed({ asked, answered, requests, refusals, ms, idealMs, failed, first }: Outcome, aims: Aims): string | undefined {
  if (answered < asked) return `${answered} of ${asked} answered: ${JSON.stringify(failed)} ${first?.slice(-120) ?? ''}`;
  if (requests > aims.requests * asked) return `${requests} requests`;
  if (ms > aims.time * idealMs) return `${Math.round(ms)} ms, ${(ms / idealMs).toFixed(3)} of the least`;
  if (refusals > (aims.refusals ?? Infinity)) return `${refusals} refusals`;
  return undefined;
}

for (const style of STYLES) {
  describe(`limits that are ${style}`, () => {
    it(
      'hold two hundred at once to few refusals and little waiting',
      async () => {
        await expectAll(SEEDS, async (seed) => missed(await play(herdScene(style), seed), AIMS[style]));
      },
      TIMEOUT_MS,
    );

    it(
      'of tokens hold prompts of 10 to 10,000 tokens',
      async () => {
        await expectAll(SEEDS, async (seed) => missed(await play(tokenScene(style, seed), seed), TOKEN_AIMS[style]));
      },
      TIMEOUT_MS,
    );
  });
}

it('the same seed gives the same herd', async () => {
  const told = async (): Promise<string> => JSON.stringify((await play(herdScene('bare'), 3)).world.provider.records);
  expect(await told()).toBe(await told());
});

it('a known concurrency is never passed', async () => {
  const scene: Scene = { ...herdScene('bare'), provider: { serviceMs: 50, concurrency: 7 }, known: { concurrency: 7 } };
  await expectAll(SEEDS, async (seed) => {
    const { answered, refusals, world } = await play(scene, seed);
    return answered === 200 && refusals === 0 && world.provider.inFlightMax === 7
      ? undefined
      : `${answered} answered, ${refusals} refused, ${world.provider.inFlightMax} in flight`;
  });
});

it(
  'three who share an account get even parts while all of them wait',
  async () => {
    await expectAll(SEEDS, async (seed) => {
      const parties = await shares(seed);
      const uneven = parties.find(({ share, asked, answered }) => Math.abs(1 - share) > 0.1 || answered < asked);
      return uneven && `${uneven.name} got ${uneven.share.toFixed(2)} of an even part, ${uneven.answered} of ${uneven.asked} answered`;
    });
  },
  TIMEOUT_MS,
);

for (const [style, most] of [
  ['announced', 1_100],
  ['configured', 1_100],
  ['bare', 1_600],
] as const) {
  it(
    `a thousand at once on no limit that bites, ${style}, are answered within ${most} ms`,
    async () => {
      await expectAll(SEEDS.slice(0, 5), async (seed) => {
        const { answered, ms } = await play(thousandScene(style), seed);
        return answered === 1_000 && ms <= most ? undefined : `${answered} answered, ${Math.round(ms)} ms`;
      });
    },
    TIMEOUT_MS,
  );
}
