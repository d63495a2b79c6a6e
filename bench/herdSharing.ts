// Three who share one account: two runs that have more to ask than it lets in, and a third that comes later with less.
// Called by herdVirtual.ts and its test.

import { askAll, herdOf, openWorld } from './herdWorld.ts';
import { HERD, throttleOf } from './herdScenes.ts';

/** How a party fared while all three had something waiting. */
export interface Party {
  readonly name: string;
  readonly asked: number;
  readonly answered: number;
  /** Requests let in meanwhile, as a share of an even part. */
  readonly share: number;
}

const PARTIES = [
  { name: 'first', agents: 200, fromMs: 0 },
  { name: 'second', agents: 200, fromMs: 0 },
  { name: 'third', agents: 40, fromMs: 2_000 },
] as const;
/** What was on its way when the third came is not counted. */
const SETTLING_MS = 500;
const UNTIL_MS = 3_600_000;

/** Each party's share of what was let in from the coming of the third until the first of them had nothing left to ask. */
export async function shares(seed: number): Promise<readonly Party[]> {
  const { clock, provider, random } = openWorld({ seed, throttle: throttleOf('announced'), serviceMs: HERD.latencyMs });
  const asking = Promise.all(
    PARTIES.map(async ({ name, agents, fromMs }) => {
      await clock.sleep(fromMs);
      const { answered } = await askAll(provider.model(name), { items: herdOf(agents), id: name, clock, random });
      return { name, agents, fromMs, answered };
    }),
  );
  const parties = await clock.drive(asking, UNTIL_MS);
  const accepted = provider.records.filter(({ fate }) => fate === 'accepted');
  const lastOf = (name: string): number => Math.max(...accepted.filter(({ from }) => from === name).map(({ atMs }) => atMs));
  const from = Math.max(...PARTIES.map(({ fromMs }) => fromMs)) + SETTLING_MS;
  const to = Math.min(...PARTIES.map(({ name }) => lastOf(name)));
  const within = accepted.filter(({ atMs }) => from <= atMs && atMs <= to);
  return parties.map(({ name, agents, answered }) => ({
    name,
    asked: agents,
    answered,
    share: (within.filter((record) => record.from === name).length * parties.length) / within.length,
  }));
}
