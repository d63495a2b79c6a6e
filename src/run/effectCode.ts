// The code behind an effect: what takes it back or tells what became of it, found for an effect that the ledger knows. Called
// where an effect is settled or undone by somebody else than the call that it serves: by then that call may be over, or of an
// earlier entry.

import type { Contract } from '../agent/contract.ts';
import type { AnyAgent } from '../agent/definition.ts';
import type { EffectOptions, EffectRules } from '../agent/effect.ts';
import type { AmdahlError } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import type { EventOf, Place } from '../journal/event.ts';
import type { Frame } from './asker.ts';
import type { Session } from './session.ts';
import type { StandIn, StandIns } from './standIns.ts';

/** What an agent says of one of its effects. */
export interface EffectCode {
  readonly rules: EffectRules;
  /** Of its arguments. */
  readonly args: Contract;
  readonly context: Contract | undefined;
  readonly who: string;
  /** Of what its code gives, where that has one of its own. */
  readonly result?: Contract;
  readonly timeoutMs?: number;
  readonly run: (about: EffectOptions<unknown, unknown, unknown>) => unknown;
  /** What a test has in its place. */
  readonly standIn: (standIns: StandIns, effect: EffectRecord) => StandIn | AmdahlError | undefined;
}

/** An effect with all that its code is told. */
export interface KnownEffect {
  readonly code: EffectCode;
  readonly about: (signal: AbortSignal) => EffectOptions<unknown, unknown, unknown>;
}

/** Undefined where the agent has no such tool, or none that acts. Pure. */
function effectCodeOf(agent: AnyAgent, tool: string): EffectCode | undefined {
  const { behaviour, name } = agent;
  if (behaviour.kind === 'step') {
    const { rules } = behaviour;
    if (rules.effect === 'none') return undefined;
    const { execute, result } = behaviour;
    return {
      rules,
      args: agent.input,
      context: agent.context,
      who: `the step '${name}'`,
      ...(result === undefined ? {} : { result }),
      run: ({ args, signal, context, key }) => execute(args, { signal, context, key }),
      standIn: (standIns, { args, place }) => standIns.step(agent, args, place),
    };
  }
  const spec = behaviour.kind === 'model' ? behaviour.tools.get(tool) : undefined;
  if (spec?.kind !== 'code' || spec.effect === 'none') return undefined;
  const { rules, timeoutMs } = spec;
  return {
    rules,
    args: spec.input,
    context: spec.context,
    who: `the tool '${tool}' of '${name}'`,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    run: ({ args, input, signal, context, key }) => spec.execute(args, { input, signal, context, key, id: '' }),
    standIn: (standIns, effect) => standIns.tool(agent, spec, effect.args, effect.place),
  };
}

/** Remembers who the calls of a frame and above are, so that what they do can be found again. */
export function meet(frame: Frame): void {
  frame.asker.noteActing(frame.place);
  for (let one: Frame | undefined = frame; one !== undefined; one = one.asker.frame) one.session.met.set(one.place, one.agent);
}

/**
 * Finds the code of an effect below a call that was asked in this entry. Undefined where its agent is not known: a flow asked it
 * in an earlier entry and has not since.
 */
export async function findEffect(session: Session, effect: EffectRecord): Promise<KnownEffect | undefined> {
  const [call] = effect.calls;
  const agent = await agentOf(session, effect.calls);
  const code = agent === undefined ? undefined : effectCodeOf(agent, effect.tool);
  if (call === undefined || agent === undefined || code === undefined) return undefined;
  const begun = await startOf(session, call);
  const input = begun === undefined ? undefined : await agent.input.validate(begun.input);
  const args = await code.args.validate(effect.sent ?? effect.args);
  const context: unknown = await session.contexts.give(code.context, code.who);
  const { key } = effect;
  const given = {
    key,
    args: args.ok ? args.value : (effect.sent ?? effect.args),
    input: input?.ok === true ? input.value : begun?.input,
    context,
  };
  return { code, about: (signal) => ({ ...given, signal }) };
}

/** From the innermost call that is known down to the one that acted, by the names of their agents. */
async function agentOf(session: Session, calls: readonly Place[]): Promise<AnyAgent | undefined> {
  let agent: AnyAgent | undefined;
  const from = calls.findIndex((place) => (agent = session.met.get(place)) !== undefined);
  for (const place of calls.slice(0, Math.max(0, from)).toReversed()) {
    const name = (await startOf(session, place))?.agent;
    agent = agent === undefined ? undefined : partsOf(agent).find((part) => part.name === name);
  }
  return agent;
}

/** Agents that an agent may ask, as far as that is known without running it. Pure. */
export function partsOf({ behaviour, children }: AnyAgent): readonly AnyAgent[] {
  if (behaviour.kind !== 'model') return children;
  return [...behaviour.tools.values()].flatMap((tool) => (tool.kind === 'agent' ? [tool.agent] : []));
}

/** How a call began. */
export async function startOf(session: Session, call: Place): Promise<EventOf<'call.started'> | undefined> {
  for (const { event } of await session.lookUp(call)) if (event.kind === 'call.started') return event;
  return undefined;
}
