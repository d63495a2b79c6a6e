// One herd in virtual time: a provider, a clock, dice, and whoever asks. Called by the benches of herds, their plots and
// their tests. The same seed gives the same world.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { type Agent, agent, map, type MapResult, memoryJournal, run, type RunOptions } from '../src/index.ts';
import { dice, type Dice } from '../src/modelServer/dice.ts';
import { HerdClock } from './herdClock.ts';
import type { Policy } from './herdPolicies.ts';
import { HerdProvider, type HerdProviderOptions } from './herdProvider.ts';

/** Everything that asks in a world is given these. */
export interface HerdWorld {
  readonly clock: HerdClock;
  readonly provider: HerdProvider;
  readonly random: Dice;
}

/** What came of asking for many items: which were answered, and what the others met. */
export interface Asked {
  readonly answered: number;
  /** Codes of what was not, and how many of each. */
  readonly failed: Readonly<Record<string, number>>;
  /** The message of the first that failed. */
  readonly first?: string;
}

export interface AskOptions extends Pick<RunOptions, 'rateLimits' | 'limits' | 'clock' | 'random' | 'onEvent'> {
  readonly items: readonly string[];
  readonly id?: string;
}

export function openWorld(options: HerdProviderOptions): HerdWorld {
  const clock = new HerdClock();
  return { clock, provider: new HerdProvider(options, clock), random: dice(options.seed, 'herd') };
}

/** Inputs of a herd; no two are equal. */
export function herdOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `agent ${index}`);
}

/** All items at once, by agents of one run. A run that fails as a whole has answered none. */
export async function askAll(model: LanguageModelV4, options: AskOptions): Promise<Asked> {
  const { items, id = 'herd', ...settings } = options;
  const answers: Agent<readonly string[], MapResult<string>> = map(agent({ name: 'one', model, instructions: 'Answer.' }), {
    concurrency: items.length,
    atLeast: 0,
  });
  const { output } = await run(answers, items, { id, journal: memoryJournal(), ...settings });
  const failed: Record<string, number> = {};
  for (const { error } of output.missing) failed[error.code] = (failed[error.code] ?? 0) + 1;
  const [first] = output.missing;
  return { answered: output.done.length, failed, ...(first && { first: first.error.message }) };
}

/** All items at once under a policy; each agent starts in a turn of its own, as in the order of their list. */
export async function askUnder(policy: Policy, world: HerdWorld, items: readonly string[]): Promise<Asked> {
  const ask = policy(world, world.provider.model());
  const answers = await Promise.all(
    items.map(async (item) => {
      await world.clock.sleep(0);
      return await ask(item);
    }),
  );
  const answered = answers.filter(Boolean).length;
  return { answered, failed: answered === items.length ? {} : { gaveUp: items.length - answered } };
}
