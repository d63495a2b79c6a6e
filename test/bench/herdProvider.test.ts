// The provider of herds: what it lets in, what it refuses and with which words, and how it is dead, slow or changed.

import { APICallError } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import type { HerdProviderOptions } from '../../bench/herdProvider.ts';
import { openWorld, type HerdWorld } from '../../bench/herdWorld.ts';

const UNTIL_MS = 600_000;
const STILL = { seed: 1, networkMs: [0, 0], serviceMs: 100 } as const;

/** What came of so many requests, sent at these times: when, and how. */
async function sent(
  options: Partial<HerdProviderOptions>,
  times: readonly number[],
): Promise<{ readonly came: readonly string[]; readonly world: HerdWorld }> {
  const world = openWorld({ ...STILL, ...options });
  const came = await world.clock.drive(
    Promise.all(
      times.map(async (ms) => {
        await world.clock.sleep(ms);
        return await fateOf(world);
      }),
    ),
    UNTIL_MS,
  );
  return { came, world };
}

async function fateOf({ clock, provider }: HerdWorld, abortSignal?: AbortSignal): Promise<string> {
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }];
  try {
    await provider.model().doGenerate({ prompt, ...(abortSignal && { abortSignal }) });
    return `answered at ${clock.elapsedMs}`;
  } catch (error) {
    const what = APICallError.isInstance(error) ? (error.statusCode ?? error.message) : String(error);
    return `${what} at ${clock.elapsedMs}`;
  }
}

async function refusal(headers: 'announced' | 'retryAfter' | 'retryAfterMs' | 'bare'): Promise<unknown> {
  const { provider, clock } = openWorld({ ...STILL, throttle: { requestsPerMinute: 60, burstRequests: 1, headers } });
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }];
  const asked = Promise.allSettled([1, 2].map(() => provider.model().doGenerate({ prompt })));
  const [, second] = await clock.drive(asked, UNTIL_MS);
  const reason: unknown = second?.status === 'rejected' ? second.reason : undefined;
  if (!APICallError.isInstance(reason)) throw new Error('nothing was refused');
  expect(`${reason.message} ${reason.responseBody ?? ''}`, 'words must not tell what headers do not').not.toMatch(/\d ?m?s\b/);
  return [reason.statusCode, reason.isRetryable, reason.responseHeaders];
}

describe('the provider of a herd', () => {
  it('lets in what its bucket holds, refuses the rest at once, and counts both', async () => {
    const { came, world } = await sent({ throttle: { requestsPerMinute: 600, burstRequests: 2 } }, [0, 0, 0, 99, 100]);
    expect(came).toEqual(['answered at 100', 'answered at 100', '429 at 0', '429 at 99', 'answered at 200']);
    expect([world.provider.count(), world.provider.count('accepted'), world.provider.count('refused')]).toEqual([5, 3, 2]);
    expect(world.provider.records.map(({ atMs, fate }) => `${fate} ${atMs}`)).toContain('refused 99');
    expect(world.provider.inFlightMax).toBe(3);
  });

  it('tells of its limits as its style is', async () => {
    const announced = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' };
    expect(await refusal('announced')).toEqual([429, true, announced]);
    expect(await refusal('retryAfter')).toEqual([429, true, { 'retry-after': '1' }]);
    expect(await refusal('retryAfterMs')).toEqual([429, true, { 'retry-after-ms': '1000' }]);
    expect(await refusal('bare')).toEqual([429, true, {}]);
  });

  it('counts tokens of prompts when they come and of answers when they go', async () => {
    const { came } = await sent({ throttle: { tokensPerMinute: 60_000, burstTokens: 3 }, tokensOut: 1_000 }, [0, 101, 1_097, 1_110]);
    expect(came).toEqual(['answered at 100', '429 at 101', '429 at 1097', 'answered at 1210']);
  });

  it('refuses more at once than it serves', async () => {
    expect((await sent({ concurrency: 2 }, [0, 0, 50, 101])).came).toEqual([
      'answered at 100',
      'answered at 100',
      '429 at 50',
      'answered at 201',
    ]);
  });

  it('is dead for its time, with those it was at work on', async () => {
    const dead = { fromMs: 50, toMs: 150 } as const;
    expect((await sent({ faults: [{ ...dead, dead: 'refused' }] }, [0, 60, 150])).came).toEqual([
      'Cannot connect to API: ECONNRESET at 100',
      'Cannot connect to API: ECONNREFUSED at 60',
      'answered at 250',
    ]);
    expect((await sent({ faults: [{ ...dead, dead: '503' }] }, [60])).came).toEqual(['503 at 60']);
  });

  it('says nothing while it is silent, until who waits gives up', async () => {
    const world = openWorld({ ...STILL, faults: [{ fromMs: 0, toMs: 100, dead: 'silent' }] });
    const patience = new AbortController();
    world.clock.after(2_000, () => patience.abort(new Error('enough')));
    expect(await world.clock.drive(fateOf(world, patience.signal), UNTIL_MS)).toBe('Error: enough at 2000');
    expect(world.provider.inFlight).toBe(0);
  });

  it('is slower for its time, and keeps to other limits from theirs', async () => {
    expect((await sent({ faults: [{ fromMs: 50, toMs: 150, slower: 10 }] }, [0, 60, 150])).came).toEqual([
      'answered at 100',
      'answered at 1060',
      'answered at 250',
    ]);
    const changed = {
      throttle: { requestsPerMinute: 6_000, burstRequests: 1 },
      faults: [{ fromMs: 100, throttle: { requestsPerMinute: 600, burstRequests: 1 } }],
    };
    expect((await sent(changed, [0, 10, 100, 110, 200])).came.map((one) => one.split(' ')[0])).toEqual([
      'answered',
      'answered',
      'answered',
      '429',
      'answered',
    ]);
  });

  it('draws its network from its seed', async () => {
    const times = async (seed: number): Promise<readonly string[]> => (await sent({ seed, networkMs: [1, 5] }, [0, 0, 0])).came;
    const first = await times(1);
    expect(await times(1)).toEqual(first);
    expect(await times(2)).not.toEqual(first);
    for (const one of first) {
      const ms = Number(one.split(' at ')[1]);
      expect(ms).toBeGreaterThanOrEqual(102);
      expect(ms).toBeLessThanOrEqual(110);
    }
  });
});
