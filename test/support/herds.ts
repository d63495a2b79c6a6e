// What tests of herds share: every seed is played, and what is said of a failure names its seed.

import { expect } from 'vitest';

/** Each seed must lack nothing; `lacking` says what one does. */
export async function expectAll(seeds: readonly number[], lacking: (seed: number) => Promise<string | undefined>): Promise<void> {
  const found: string[] = [];
  for (const seed of seeds) {
    const what = await lacking(seed);
    if (what !== undefined) found.push(`seed ${seed}: ${what}`);
  }
  expect(found).toEqual([]);
}
