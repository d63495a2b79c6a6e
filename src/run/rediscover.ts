// Walking a confirmed composite over what is recorded, to learn who the agents below it are: what a flow asks stands in its code
// alone, and its confirmed effects need the code of theirs. Called by commit.ts and giveUp.ts in an entry that did not run it.
//
// W1 nothing is asked, spent, drawn or decided. What has no answer on record fails, and the walk goes on or ends as the code does
//    then; where that does not lead to the agent that is looked for (the code was edited since), it gives nothing instead, in a
//    second walk.

import type { AnyAgent } from '../agent/definition.ts';
import { canonical, hash, toJson } from '../agent/canonical.ts';
import { AmdahlError, reviveError } from '../agent/errors.ts';
import type { EffectRecord } from '../journal/effects.ts';
import type { EventOf, Place } from '../journal/event.ts';
import { Asker, type Frame } from './asker.ts';
import { findEffect, type KnownEffect, partsOf, startOf } from './effectCode.ts';
import { Life } from './life.ts';
import { askerPlace } from './place.ts';
import { foldCall } from './recorded.ts';
import { WalkScope } from './walkScope.ts';
import type { Session } from './session.ts';

/** How much without an answer a walk passes by: the code may ask until it hears something. */
const UNKNOWN_MAX = 100;

/** One walk. `unknown`: how much without an answer it still passes by. `seen`: whom it came by, by name. */
interface Walk {
  readonly session: Session;
  readonly life: Life;
  readonly seen: Map<string, AnyAgent>;
  unknown: number;
}

/** The code of an effect below a call, as the program is now: found along the calls that it serves, else by walking. */
export async function findOrWalk(frame: Frame, above: Life, effect: EffectRecord): Promise<KnownEffect | undefined> {
  const found = await findEffect(frame.session, effect);
  if (found !== undefined) return found;
  await rediscover(frame, above, effect.calls);
  return await findEffect(frame.session, effect);
}

/**
 * Fills `session.met` with the agents of calls below that are on record: of the call of the frame, and of the composites on the
 * way from it down to one of `calls`, which are an effect's. What user code throws meanwhile is nobody's affair.
 */
export async function rediscover(
  { session, agent, place, path }: Pick<Frame, 'session' | 'agent' | 'place' | 'path'>,
  above: Life,
  calls: readonly Place[] = [],
): Promise<void> {
  const { met } = session;
  met.set(place, agent);
  const top = calls.indexOf(place);
  if (top <= 0) await walkAlone(session, agent, place, path, above, 0);
  for (let at = top; at > 0; at -= 1) {
    const [below = place, here = place] = calls.slice(at - 1, at + 1);
    const asker = met.get(here);
    if (asker === undefined) return;
    const name = (await startOf(session, below))?.agent ?? '';
    for (const unknown of [0, UNKNOWN_MAX]) {
      if (met.has(below)) break;
      const seen = await walkAlone(session, asker, here, path, above, unknown);
      const part = seen.get(name) ?? partsOf(asker).find((one) => one.name === name);
      if (!met.has(below) && part !== undefined) met.set(below, part);
    }
  }
}

async function walkAlone(
  session: Session,
  agent: AnyAgent,
  place: Place,
  path: string,
  above: Life,
  unknown: number,
): Promise<ReadonlyMap<string, AnyAgent>> {
  const life = new Life(above);
  const one: Walk = { session, life, seen: new Map(), unknown };
  try {
    await life.race(walk(one, agent, place, path, true));
  } catch {
    session.check();
  } finally {
    life.end(new AmdahlError('CANCELLED', `'${path}' was walked for its agents alone.`));
  }
  return one.seen;
}

/** What the call gave, as far as that is on record. Who is below the first of a walk is known once its code ran, though it failed. */
async function walk(one: Walk, agent: AnyAgent, place: Place, path: string, isFirst = false): Promise<unknown> {
  const { session, life } = one;
  const entries = await session.lookUp(place);
  if (entries.length === 0) return nothingFrom(one, path);
  session.met.set(place, agent);
  const { outcome, last, confirmed, attempts } = foldCall(entries);
  const known = confirmed ?? outcome ?? last;
  const { behaviour } = agent;
  if (known !== undefined && 'error' in known && !(isFirst && behaviour.kind === 'composite')) throw reviveError(known.error);
  if (behaviour.kind === 'composite') {
    const started = entries.find(
      (entry): entry is typeof entry & { event: EventOf<'call.started'> } => entry.event.kind === 'call.started',
    );
    const input = await agent.input.validate(started?.event.input);
    if (!input.ok) return nothingFrom(one, path);
    const number = attempts.at(-1)?.number ?? 0;
    const asker = new Asker(session, askerPlace(place, 'attempt', number), path, undefined, life, (...given) => quiet(ask(one, ...given)));
    const context: unknown = agent.context === undefined ? undefined : await session.contexts.give(agent.context, `'${path}'`);
    return await behaviour.body(input.value, new WalkScope(asker, context));
  }
  if (known === undefined || 'error' in known || known.output === undefined) return nothingFrom(one, path);
  const checked = await agent.output.validate(known.output);
  return checked.ok ? checked.value : known.output;
}

function nothingFrom(one: Walk, path: string): undefined {
  one.unknown -= 1;
  if (one.unknown < 0) throw new AmdahlError('CANCELLED', `'${path}' has no answer on record.`);
  return undefined;
}

async function ask(one: Walk, asker: Asker, agent: AnyAgent, raw: unknown, options: { readonly key?: string } = {}): Promise<unknown> {
  const { session } = one;
  one.seen.set(agent.name, agent);
  const given = agent.input.raw === undefined ? raw : agent.input.raw(raw);
  const input = session.secrets.input(agent, toJson(given, `the input of '${agent.name}'`), agent.name);
  const { place, path } = asker.identify(agent.name, hash(canonical(input)), options.key);
  return await walk(one, agent, place, path);
}

/** The code may not have awaited it. */
function quiet<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {});
  return answer;
}
