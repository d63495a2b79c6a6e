// The model of generateText's sending again does what the package does: the package runs here, under timers that are
// moved by hand.

import { APICallError, type LanguageModelV4 } from '@ai-sdk/provider';
import { generateText } from 'ai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { likeGenerateText } from '../../bench/herdPolicies.ts';
import { openWorld } from '../../bench/herdWorld.ts';

/** A model that refuses always, and notes when it was asked, from the first time. */
function refusing(
  now: () => number,
  responseHeaders: Record<string, string>,
  statusCode: number,
): { readonly model: LanguageModelV4; readonly times: () => readonly number[] } {
  const asked: number[] = [];
  const doGenerate = (): Promise<never> => {
    asked.push(now());
    return Promise.reject(
      new APICallError({ message: 'no', url: 'https://herd.invalid', requestBodyValues: {}, statusCode, responseHeaders }),
    );
  };
  const model: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'herd',
    modelId: 'refusing',
    supportedUrls: {},
    doGenerate,
    doStream: () => Promise.reject(new Error('not streamed')),
  };
  return { model, times: () => asked.map((at) => at - (asked[0] ?? 0)) };
}

async function real(headers: Record<string, string>, statusCode: number, maxRetries: number | undefined): Promise<readonly number[]> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const { model, times } = refusing(() => Date.now(), headers, statusCode);
  const asked = generateText({ model, prompt: 'hello', ...(maxRetries !== undefined && { maxRetries }) }).catch(() => {});
  await vi.runAllTimersAsync();
  await asked;
  return times();
}

async function modelled(headers: Record<string, string>, statusCode: number, maxRetries: number): Promise<readonly number[]> {
  const world = openWorld({ seed: 1, serviceMs: 1 });
  const { model, times } = refusing(() => world.clock.elapsedMs, headers, statusCode);
  expect(await world.clock.drive(likeGenerateText(maxRetries)(world, model)('hello'), 10 * 3_600_000)).toBe(false);
  return times();
}

afterEach(() => void vi.useRealTimers());

describe('the model of generateText', () => {
  it('waits as the package does by itself', async () => {
    expect(await modelled({}, 429, 2)).toEqual([0, 2_000, 6_000]);
    expect(await real({}, 429, undefined)).toEqual([0, 2_000, 6_000]);
    expect(await modelled({}, 429, 12)).toEqual(await real({}, 429, 12));
  });

  it('heeds the headers that the package heeds', async () => {
    for (const headers of [
      { 'retry-after': '3' },
      { 'retry-after-ms': '250' },
      { 'retry-after-ms': '250', 'retry-after': '3' },
      { 'retry-after': '0' },
      { 'retry-after': '61' },
      { 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-remaining-requests': '0' },
    ]) {
      expect(await modelled(headers, 429, 7), JSON.stringify(headers)).toEqual(await real(headers, 429, 7));
    }
  });

  it('gives up where the package does', async () => {
    expect(await modelled({}, 400, 7)).toEqual([0]);
    expect(await real({}, 400, 7)).toEqual([0]);
  });
});
