// What turns of earlier entries staged: a conversation that goes on does not call their tools again, so that their effects are
// looked up, those of agents among the tools included. Called by conversation.ts before tools are called, and before an answer is
// judged.

import type { LanguageModelV4ToolCall } from '@ai-sdk/provider';
import { canonical, hash, toJson } from '../agent/canonical.ts';
import type { ToolSpec } from '../agent/tool.ts';
import type { Place } from '../journal/event.ts';
import type { Asker, Frame } from './asker.ts';
import { restageUndone, withResults } from './outbox.ts';
import { askerPlace, callPlace } from './place.ts';
import { foldCall } from './recorded.ts';
import { argumentsFor } from './tools.ts';

/** A turn whose tools were called by an earlier entry. */
export interface PassedTurn {
  readonly turn: number;
  readonly calls: readonly LanguageModelV4ToolCall[];
}

/** Raises what they staged, in the order of turns and calls. O(effects below the call), and one look-up per agent that was called. */
export async function raisePassed(
  frame: Frame,
  attempt: Asker,
  tools: ReadonlyMap<string, ToolSpec>,
  passed: readonly PassedTurn[],
): Promise<void> {
  const { session } = frame;
  const below = passed.length === 0 ? [] : session.effects.below(frame.place);
  if (below.length === 0) return;
  for (const { turn, calls } of passed) {
    for (const [index, call] of calls.entries()) {
      const spec = tools.get(call.toolName);
      const place = askerPlace(askerPlace(attempt.place, 'turn', turn), 'tool', index);
      const keys =
        spec?.kind === 'agent'
          ? await stagedBelow(frame, spec, place, call)
          : below.filter((effect) => effect.effect === 'staged' && effect.place === place).map(({ key }) => key);
      if (keys.length === 0) continue;
      const waiting = [...new Set(keys.map((key) => restageUndone(session, key)))];
      attempt.below('turn', turn, '').below('tool', index, '').raise(0, waiting);
    }
  }
}

/** Of an agent that was asked as a tool: what its answer had staged. */
async function stagedBelow(
  { session }: Frame,
  spec: Extract<ToolSpec, { kind: 'agent' }>,
  asker: Place,
  call: LanguageModelV4ToolCall,
): Promise<readonly string[]> {
  const { agent } = spec;
  try {
    const args = withResults(session, argumentsFor(spec, call));
    const given = agent.input.raw === undefined ? args : agent.input.raw(args);
    const input = session.secrets.input(agent, toJson(given, `the input of '${agent.name}'`), agent.name);
    const place = callPlace(asker, agent.name, hash(canonical(input)), 0);
    const { outcome, last, retracted } = foldCall(await session.recall(place));
    // What its answer had staged may have been undone: the conversation has its answer all the same.
    const answer = outcome ?? (retracted?.why === 'undone' ? last : undefined);
    if (answer?.kind !== 'succeeded') return [];
    session.met.set(place, agent);
    return answer.staged ?? [];
  } catch {
    session.check();
    return []; // what cannot be asked has staged nothing
  }
}
