// Herds on limits that are small or strange, and gates that come back after a day. Virtual time.

import { describe, expect, it } from 'vitest';
import type { HerdProviderOptions } from '../../bench/herdProvider.ts';
import { HERD_MODEL } from '../../bench/herdProvider.ts';
import { HERD, herdScene, type Outcome, play, SEEDS, type Style, STYLES, throttleOf } from '../../bench/herdScenes.ts';
import { askAll, herdOf, openWorld } from '../../bench/herdWorld.ts';
import type { RateLimit } from '../../src/model/limiter.ts';
import { expectAll } from '../support/herds.ts';

const TIMEOUT_MS = 120_000;
const DAY_MS = 86_400_000;
const FEW = SEEDS.slice(0, 5);

/** So many on a limit of so many a minute. */
async function small(perMinute: number, burst: number, style: Style, agents: number, seed: number): Promise<Outcome> {
  const provider = { throttle: throttleOf(style, perMinute / 60, burst), serviceMs: 1_000 };
  return await play({ items: herdOf(agents), provider, idealMs: ((agents - burst) / perMinute) * 60_000 + 1_000 }, seed);
}

function missed({ asked, answered, refusals, ms, idealMs, failed }: Outcome, refusalsMax: number, timeMax: number): string | undefined {
  if (answered < asked) return `${answered} of ${asked} answered: ${JSON.stringify(failed)}`;
  if (refusals > refusalsMax) return `${refusals} refused`;
  return ms > timeMax * idealMs ? `${(ms / idealMs).toFixed(2)} of the least` : undefined;
}

/** What is in flight before anything is known, where that is soon, and where the first answer takes a second. */
const FIRST = 20;
const FIRST_SECOND = 80;

describe('the smallest accounts', () => {
  it('of five or fifty requests a minute refuse a herd only before they have said so', async () => {
    await expectAll(FEW, async (seed) => missed(await small(5, 5, 'announced', 20, seed), FIRST - 5, 1.15));
    await expectAll(FEW, async (seed) => missed(await small(5, 1, 'announced', 20, seed), FIRST - 1, 1.25));
    await expectAll(FEW, async (seed) => missed(await small(50, 50, 'announced', 200, seed), FIRST_SECOND - 50, 1.1));
  });

  it('that say nothing answer everybody too, with more to find out by', async () => {
    await expectAll(FEW, async (seed) => missed(await small(5, 5, 'bare', 20, seed), 80, 1.5));
    await expectAll(FEW, async (seed) => missed(await small(50, 5, 'bare', 200, seed), FIRST_SECOND, 1.3));
    await expectAll(FEW, async (seed) => missed(await small(50, 50, 'retryAfter', 200, seed), FIRST_SECOND, 1.2));
  });

  it('never refuse one request a minute of three, nor let it wait', async () => {
    for (const style of ['announced', 'bare'] as const) {
      const { clock, provider, random } = openWorld({ seed: 1, serviceMs: 500, throttle: throttleOf(style, 3 / 60, 3) });
      const asking = async (): Promise<void> => {
        for (let nth = 0; nth < 30; nth += 1) {
          await askAll(provider.model(), { items: [`${nth}`], id: `run-${nth}`, clock, random });
          await clock.sleep(60_000);
        }
      };
      await clock.drive(asking(), DAY_MS);
      expect(provider.count('refused')).toBe(0);
      expect(clock.elapsedMs).toBeLessThan(30 * 60_550);
    }
  });
});

for (const style of STYLES) {
  it(
    `a gate that was idle for a day knows what it knew: five hundred at once, ${style}`,
    async () => {
      await expectAll(FEW, async (seed) => {
        const { provider: options, known } = herdScene(style);
        const { clock, provider, random } = openWorld({ ...options, seed });
        const told = { clock, random, ...(known && { rateLimits: { [HERD_MODEL]: known } }) };
        let [before, from, answered] = [0, 0, 0];
        const asking = async (): Promise<void> => {
          await askAll(provider.model(), { items: herdOf(HERD.agents), id: 'first', ...told });
          before = provider.count('refused');
          await clock.sleep(DAY_MS);
          from = clock.elapsedMs;
          ({ answered } = await askAll(provider.model(), { items: herdOf(500), id: 'second', ...told }));
        };
        await clock.drive(asking(), 2 * DAY_MS);
        const refusals = provider.count('refused') - before;
        const times = (provider.answeredMs - from) / (((500 - HERD.burst) / HERD.perSecond) * 1_000 + HERD.latencyMs);
        return answered === 500 && refusals <= 20 && times <= 1.15 ? undefined : `${answered}, ${refusals} refused, ${times.toFixed(2)} x`;
      });
    },
    TIMEOUT_MS,
  );
}

/** So many of a provider, of which the user has said something. */
async function told(agents: number, provider: Omit<HerdProviderOptions, 'seed'>, known: RateLimit | undefined, seed = 1): Promise<Outcome> {
  return await play({ items: herdOf(agents), provider, idealMs: NaN, ...(known && { known }) }, seed);
}

describe('what a user configured', () => {
  it('and is ten times too much is found out, announced or not', async () => {
    for (const headers of ['announced', 'bare'] as const) {
      await expectAll(FEW, async (seed) => {
        const provider = { throttle: { requestsPerMinute: 600, burstRequests: 10, headers }, serviceMs: 100 };
        const { answered, refusals, ms } = await told(200, provider, { requestsPerMinute: 6_000 }, seed);
        return answered === 200 && refusals <= 100 && ms <= 1.15 * 19_000 ? undefined : `${answered}, ${refusals} refused, ${ms} ms`;
      });
    }
  });

  it('and is a hundredth of what is announced is kept to', async () => {
    const provider = { throttle: throttleOf('announced', 100, 100), serviceMs: 100 };
    const { answered, refusals, ms } = await told(50, provider, { requestsPerMinute: 60 });
    expect([answered, refusals]).toEqual([50, 0]);
    expect(ms).toBeGreaterThanOrEqual(49_000);
  });

  it('and is less than one request takes lets one go whenever it is full', async () => {
    const { answered, refusals, ms } = await told(3, { serviceMs: 100 }, { tokensPerMinute: 10 });
    expect([answered, refusals]).toEqual([3, 0]);
    expect(ms).toBeGreaterThanOrEqual(60_000);
  });

  it('or did not, of a provider that takes one or five at once', async () => {
    for (const concurrency of [1, 5]) {
      await expectAll(FEW, async (seed) => {
        const { answered, refusals, ms } = await told(50, { serviceMs: 1_000, concurrency }, undefined, seed);
        const most = (2 * 50_000) / concurrency;
        return answered === 50 && refusals <= 50 && ms <= most ? undefined : `${answered}, ${refusals} refused, ${Math.round(ms)} ms`;
      });
    }
  });
});

it('a provider that refuses for ever is given up in minutes, by one and by a hundred', async () => {
  for (const agents of [1, 100]) {
    const { answered, failed, requests, world } = await told(agents, { serviceMs: 1, concurrency: 0 }, undefined);
    expect([answered, failed]).toEqual([0, { MODEL_RATE_LIMITED: agents }]);
    expect(requests).toBeLessThanOrEqual(FIRST + 20);
    expect(world.clock.elapsedMs).toBeLessThan(6 * 60_000);
  }
});
