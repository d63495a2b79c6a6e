// What about an agent has changed since an answer of it was recorded, in words. Called when a fingerprint differs.

import { canonical } from '../agent/canonical.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { modelName } from '../agent/fingerprint.ts';
import type { EventOf } from '../journal/event.ts';
import type { Frame } from './asker.ts';
import { askerPlace } from './place.ts';
import type { RecordedCall } from './recorded.ts';
import type { Roster } from './roster.ts';

/** The parts of the definition that differ from what was sent then: "its instructions and tools changed". */
export async function whatChanged(frame: Frame, recorded: RecordedCall): Promise<string> {
  const { agent, session, place } = frame;
  const last = recorded.attempts.at(-1);
  const first = last === undefined ? undefined : await firstRequest(frame, askerPlace(place, 'attempt', last.number));
  return changedParts(session.roster, agent, first);
}

/** The same, from the first request that was sent. */
export function changedParts(roster: Roster, agent: AnyAgent, first: EventOf<'model.requested'> | undefined): string {
  if (agent.behaviour.kind !== 'model') return 'its version changed';
  if (first?.setup === undefined) return 'its definition changed';
  const { instructions, instructionsWithForm, setup } = roster.fixedOf(agent);
  const parts = [
    roster.candidatesOf(agent).some(({ model }) => modelName(model) === first.setup?.model) ? [] : ['model'],
    same(first.adds[0], instructions) || same(first.adds[0], instructionsWithForm) ? [] : ['instructions'],
    same(first.setup.tools, setup.tools) ? [] : ['tools'],
    same(first.setup.format, setup.format) ? [] : ['output contract'],
    same(first.setup.settings ?? {}, setup.settings ?? {}) ? [] : ['settings'],
  ].flat();
  if (parts.length === 0) return 'its input contract, prompt, cache, version or the inside of a tool changed';
  return `its ${parts.join(' and ')} changed`;
}

async function firstRequest(
  { session }: Frame,
  attempt: EventOf<'model.requested'>['place'],
): Promise<EventOf<'model.requested'> | undefined> {
  for (const { event } of await session.recall(attempt)) if (event.kind === 'model.requested') return event;
  return undefined;
}

function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}
