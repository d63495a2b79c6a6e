// The scenes in which herds are measured in virtual time: how many ask, what the provider allows and what happens to
// it, and what the best possible herd would need. Called by herdVirtual.ts, herdPlots.ts and the tests of herds.

import type { Event } from '../src/index.ts';
import type { RateLimit } from '../src/model/limiter.ts';
import type { LimitHeaders, Throttle } from '../src/modelServer/throttle.ts';
import type { HerdFault, HerdProviderOptions } from './herdProvider.ts';
import { HERD_MODEL } from './herdProvider.ts';
import type { Policy } from './herdPolicies.ts';
import type { HerdResult } from './herdTable.ts';
import { askAll, type Asked, askUnder, herdOf, type HerdWorld, openWorld } from './herdWorld.ts';

/** How a herd learns of the limits: headers of every answer, of refusals, nothing at all, or it was told before. */
export type Style = 'announced' | 'retryAfter' | 'bare' | 'configured';

export const STYLES: readonly Style[] = ['announced', 'retryAfter', 'bare', 'configured'];

export const SEEDS: readonly number[] = Array.from({ length: 20 }, (_, index) => index + 1);

/** What a herd may need at most, as shares of the least possible; and refusals where those are counted. */
export interface Aims {
  readonly requests: number;
  readonly time: number;
  readonly refusals?: number;
}

export const AIMS: Readonly<Record<Style, Aims>> = {
  announced: { requests: 1.05, time: 1.1 },
  retryAfter: { requests: 1.15, time: 1.15 },
  bare: { requests: 1.3, time: 1.3 },
  configured: { requests: 1.05, time: 1.1, refusals: 0 },
};

/**
 * Of prompts of every size on an account that counts tokens. Where nothing says what is left of them, refusals teach how many
 * requests fit, and no two are alike: there the aim is that nobody is lost, at no more than this.
 */
export const TOKEN_AIMS: Readonly<Record<Style, Aims>> = {
  ...AIMS,
  retryAfter: { requests: 1.3, time: 1.45 },
  bare: { requests: 1.3, time: 1.45 },
};

/** A place for a herd. Times in ms since it was let go. */
export interface Scene {
  readonly items: readonly string[];
  readonly provider: Omit<HerdProviderOptions, 'seed'>;
  /** The run's clock is set by so much, then. */
  readonly jumps?: readonly { readonly atMs: number; readonly byMs: number }[];
  /** What `rateLimits` says of the model. */
  readonly known?: RateLimit;
  readonly limits?: Parameters<typeof askAll>[1]['limits'];
  /** The soonest that all can be answered. */
  readonly idealMs: number;
}

/** What came of a herd. `ms`: when the last answer came. */
export interface Outcome extends HerdResult, Asked {
  readonly world: HerdWorld;
  /** When the breaker opened first; Infinity where it never did. */
  readonly openedMs: number;
}

/**
 * Requests that a dead provider met after the breaker had opened, but for those that were on their way. Where none opened,
 * because everybody paused, those after the first failure was heard.
 */
export function probesOf({ world, openedMs }: Outcome): number {
  const from = (openedMs === Infinity ? world.provider.foundDeadMs : openedMs) + NETWORK_MS;
  return world.provider.records.filter(({ fate, atMs }) => fate === 'dead' && atMs > from).length;
}

/** The herd of the aims: so many at once, requests per second, burst, and latency in ms. */
export const HERD = { agents: 200, perSecond: 20, burst: 20, latencyMs: 100 } as const;
/** Network there and back takes 6 ms in the middle. */
const NETWORK_MS = 6;
/** Nobody waits longer for a herd, in virtual time. */
const UNTIL_MS = 4 * 3_600_000;

/** The limits of the herd's provider, as it tells of them. */
export function throttleOf(style: Style, perSecond: number = HERD.perSecond, burst: number = HERD.burst): Throttle {
  return { requestsPerMinute: 60 * perSecond, burstRequests: burst, headers: headersOf(style) };
}

function headersOf(style: Style): LimitHeaders {
  return style === 'configured' ? 'bare' : style;
}

/** Two hundred at once, twenty a second. */
export function herdScene(style: Style, faults: readonly HerdFault[] = [], idealMs: number = idealOf(HERD.agents)): Scene {
  return {
    items: herdOf(HERD.agents),
    provider: { throttle: throttleOf(style), serviceMs: HERD.latencyMs - NETWORK_MS, faults },
    ...(style === 'configured' && { known: { requestsPerMinute: 60 * HERD.perSecond, burstRequests: HERD.burst } }),
    idealMs,
  };
}

/** The soonest that so many can be answered. */
function idealOf(agents: number): number {
  return ((agents - HERD.burst) / HERD.perSecond) * 1_000 + HERD.latencyMs;
}

/** The provider is down for ten seconds; whoever waits for nothing else goes on after that. */
export function deadScene(style: Style, dead: 'refused' | '503' | 'silent'): Scene {
  const [fromMs, toMs] = [2_000, 12_000];
  const scene = herdScene(style, [{ fromMs, toMs, dead }], idealOf(HERD.agents) + (toMs - fromMs) - 1_000);
  // A process that only hears nothing must give up by itself.
  return dead === 'silent' ? { ...scene, limits: { requestMs: 2_000 } } : scene;
}

/** For six seconds every answer takes ten times as long: a limit of requests a second need not hold anybody back for that. */
export function slowScene(style: Style): Scene {
  return herdScene(style, [{ fromMs: 2_000, toMs: 8_000, slower: 10 }]);
}

/** After three seconds the limit is another one: so many times of what it was. */
export function changedScene(style: Style, times: number): Scene {
  const fromMs = 3_000;
  const left = HERD.agents - HERD.burst - (fromMs / 1_000) * HERD.perSecond;
  const idealMs = fromMs + (left / (times * HERD.perSecond)) * 1_000 + HERD.latencyMs;
  return herdScene(style, [{ fromMs, throttle: throttleOf(style, times * HERD.perSecond) }], idealMs);
}

/** The clock goes back an hour, and later forward again: what it fills of a bucket was never there. */
export function jumpScene(style: Style): Scene {
  return {
    ...herdScene(style),
    jumps: [
      { atMs: 2_000, byMs: -3_600_000 },
      { atMs: 5_000, byMs: 3_600_000 },
    ],
  };
}

/** Tokens per second and at once of an account that counts tokens. */
const TOKENS = { perSecond: 10_000, burst: 20_000, agents: 200, least: 10, most: 10_000, out: 10 } as const;

/**
 * Prompts of 10 to 10,000 tokens, evenly over their logarithms, on an account that counts tokens. Its count and the
 * estimate differ by at most 10 %.
 */
export function tokenScene(style: Style, seed: number): Scene {
  const items = prompts(seed);
  const { perSecond, burst, out } = TOKENS;
  const provider = {
    throttle: { tokensPerMinute: 60 * perSecond, burstTokens: burst, headers: headersOf(style) },
    serviceMs: HERD.latencyMs - NETWORK_MS,
    countsOff: 0.1,
    tokensOut: out,
  };
  const counting = openWorld({ ...provider, seed }).provider;
  const tokens = items.reduce((sum, item) => sum + counting.countedTokens(item) + out, 0);
  return {
    items,
    provider,
    ...(style === 'configured' && { known: { tokensPerMinute: 60 * perSecond, burstTokens: burst } }),
    idealMs: (Math.max(0, tokens - burst) / perSecond) * 1_000 + HERD.latencyMs,
  };
}

const WORDS = ['change', 'the list', 'that is kept', 'in order', 'by name', 'when nobody', 'waits for it'];

function prompts(seed: number): readonly string[] {
  const { random } = openWorld({ seed, serviceMs: 0 });
  return Array.from({ length: TOKENS.agents }, (_, index) => {
    const tokens = TOKENS.least * (TOKENS.most / TOKENS.least) ** random();
    // A phrase has some two tokens.
    return `${index}: ${Array.from({ length: Math.ceil(tokens / 2) }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')}`;
  });
}

/** A thousand at once, of a provider that takes them all: announced far above, told before, or not a word. */
export function thousandScene(style: 'announced' | 'configured' | 'bare'): Scene {
  const far = { requestsPerMinute: 6_000_000, burstRequests: 100_000 };
  return {
    items: herdOf(1_000),
    provider: { serviceMs: 200 - NETWORK_MS, ...(style === 'announced' && { throttle: { ...far, headers: 'announced' } }) },
    ...(style === 'configured' && { known: far }),
    idealMs: 200,
  };
}

/** Lets a run of agents loose on a scene. */
export async function play(scene: Scene, seed: number): Promise<Outcome> {
  const world = worldOf(scene, seed);
  const { clock, random } = world;
  const { items, known, limits } = scene;
  let openedMs = Infinity;
  const onEvent = (event: Event): void => {
    if (event.kind === 'guard.tripped' && event.guard === 'breaker') openedMs = Math.min(openedMs, clock.elapsedMs);
  };
  const told = { ...(known && { rateLimits: { [HERD_MODEL]: known } }), ...(limits && { limits }), onEvent };
  const asked = await clock.drive(askAll(world.provider.model(), { items, clock, random, ...told }), UNTIL_MS);
  return outcomeOf(scene, world, asked, openedMs);
}

/** Lets agents loose that keep to a policy. */
export async function playUnder(policy: Policy, scene: Scene, seed: number): Promise<Outcome> {
  const world = worldOf(scene, seed);
  return outcomeOf(scene, world, await world.clock.drive(askUnder(policy, world, scene.items), UNTIL_MS));
}

function worldOf({ provider, jumps = [] }: Scene, seed: number): HerdWorld {
  const world = openWorld({ ...provider, seed });
  for (const { atMs, byMs } of jumps) world.clock.after(atMs, () => world.clock.jump(byMs));
  return world;
}

function outcomeOf({ items, idealMs }: Scene, world: HerdWorld, asked: Asked, openedMs: number = Infinity): Outcome {
  const { provider } = world;
  return {
    ...asked,
    world,
    openedMs,
    asked: items.length,
    requests: provider.count(),
    refusals: provider.count('refused'),
    ms: provider.answeredMs,
    idealMs,
  };
}
