// How long an answer takes: a fixed time, or one drawn from a log-normal distribution, as the latency of providers
// looks. Pure; options.ts checks what is given, server.ts waits.

import type { Dice } from './dice.ts';

/** Milliseconds, or a log-normal distribution of them: `sigma` is that of the logarithm. */
export type Spread = number | { readonly medianMs: number; readonly sigma: number } | { readonly medianMs: number; readonly p99Ms: number };

/**
 * `firstMs` passes before the first byte. Then a stream takes `perTokenMs` for each token of its answer; an answer
 * that comes whole has them before its first byte.
 */
export type Delay = Spread | { readonly firstMs?: Spread; readonly perTokenMs?: number };

/** The standard normal quantile of 0.99. */
const Z99 = 2.3263478740408408;

export interface Pace {
  readonly firstMs: number;
  readonly perTokenMs: number;
}

/** The pace of one answer. Pure but for the dice. */
export function drawPace(delay: Delay, random: Dice): Pace {
  if (typeof delay === 'number' || 'medianMs' in delay) return { firstMs: drawMs(delay, random), perTokenMs: 0 };
  return { firstMs: drawMs(delay.firstMs ?? 0, random), perTokenMs: delay.perTokenMs ?? 0 };
}

function drawMs(spread: Spread, random: Dice): number {
  if (typeof spread === 'number') return spread;
  const sigma = 'sigma' in spread ? spread.sigma : Math.log(spread.p99Ms / spread.medianMs) / Z99;
  return Math.round(spread.medianMs * Math.exp(sigma * drawNormal(random)));
}

/** Box and Muller, 1958. */
function drawNormal(random: Dice): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
