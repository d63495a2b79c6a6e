// People who answer what a crashed run asks: entries one after the other, each given up where it is parked, and answers in
// between, until the run has ended. Called by tests of effects that nobody knows of.

import type { Event, EventOf, Json } from '../../src/journal/event.ts';
import type { Ending, Mortal, World } from './mortal.ts';

export type Asked = EventOf<'ask.opened'>;

const ENTRIES_MAX = 20;

/** Enters until the run ends; `person` gives an answer to each question, or undefined to stop there. */
export async function answered(world: World, mortal: Mortal, person: (asked: Asked) => Json | undefined): Promise<Ending> {
  for (let entry = 0; entry < ENTRIES_MAX; entry += 1) {
    const ending = await world.enter({ ...mortal, options: { ...mortal.options, onPark: 'return' } });
    if (ending.kind !== 'failed' || ending.code !== 'RUN_PARKED') return ending;
    for (const asked of await openAsks(world)) {
      const value = person(asked);
      if (value === undefined) return ending;
      await world.store.respond(asked.ask, { kind: 'answer', value, by: 'ann' }, asked.at + 1);
    }
  }
  throw new Error(`it does not end within ${ENTRIES_MAX} entries`);
}

/** Questions that nobody has answered yet, in the order in which they were asked. */
async function openAsks(world: World): Promise<readonly Asked[]> {
  const open = new Map<string, Asked>();
  for (const { event } of await world.entries()) {
    if (event.kind === 'ask.opened') open.set(event.ask, event);
    else if (isEnd(event)) open.delete(event.ask);
  }
  return [...open.values()];
}

/** All questions that were ever asked. */
export async function asksOf(world: World): Promise<readonly Asked[]> {
  return (await world.entries()).flatMap(({ event }) => (event.kind === 'ask.opened' ? [event] : []));
}

function isEnd(event: Event): event is EventOf<'ask.answered' | 'ask.refused' | 'ask.expired' | 'ask.withdrawn'> {
  return event.kind === 'ask.answered' || event.kind === 'ask.refused' || event.kind === 'ask.expired' || event.kind === 'ask.withdrawn';
}
