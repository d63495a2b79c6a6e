// Walking a confirmed composite over what is recorded, to learn who the agents below it are: what a flow asks stands in its code
// alone, and its confirmed effects need the code of theirs. Called by commit.ts and giveUp.ts in an entry that did not run it.
//
// W1 nothing is asked, spent or decided: what has no answer on record fails, and the walk goes on or ends as the code does then.

import type { AnyAgent } from '../agent/definition.ts';
import { canonical, hash, toJson } from '../agent/canonical.ts';
import { AmdahlError, reviveError } from '../agent/errors.ts';
import type { EventOf, Place } from '../journal/event.ts';
import { Asker, type Frame } from './asker.ts';
import { partsOf, startOf } from './effectCode.ts';
import { Life } from './life.ts';
import { askerPlace } from './place.ts';
import { foldCall } from './recorded.ts';
import { CallScope } from './scope.ts';
import type { Session } from './session.ts';

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
  await walkAlone(session, agent, place, path, above);
  for (let at = calls.indexOf(place); at > 0; at -= 1) {
    const [below = place, here = place] = calls.slice(at - 1, at + 1);
    const asker = met.get(here);
    if (asker === undefined) return;
    if (!met.has(below) && here !== place) await walkAlone(session, asker, here, path, above);
    if (met.has(below)) continue;
    const name = (await startOf(session, below))?.agent;
    const part = partsOf(asker).find((one) => one.name === name);
    if (part !== undefined) met.set(below, part);
  }
}

async function walkAlone(session: Session, agent: AnyAgent, place: Place, path: string, above: Life): Promise<void> {
  const life = new Life(above);
  try {
    await life.race(walk(session, agent, place, path, life));
  } catch {
    session.check();
  } finally {
    life.end(new AmdahlError('CANCELLED', `'${path}' was walked for its agents alone.`));
  }
}

/** What the call gave, as far as that is on record. */
async function walk(session: Session, agent: AnyAgent, place: Place, path: string, life: Life): Promise<unknown> {
  session.met.set(place, agent);
  const entries = await session.lookUp(place);
  const { outcome, last, confirmed, attempts } = foldCall(entries);
  const known = confirmed ?? outcome ?? last;
  if (known !== undefined && 'error' in known) throw reviveError(known.error);
  const { behaviour } = agent;
  if (behaviour.kind === 'composite') {
    const started = entries.find((one): one is typeof one & { event: EventOf<'call.started'> } => one.event.kind === 'call.started');
    const input = await agent.input.validate(started?.event.input);
    if (!input.ok) throw notRecorded(path);
    const number = attempts.at(-1)?.number ?? 0;
    const asker = new Asker(session, askerPlace(place, 'attempt', number), path, undefined, life, (...given) =>
      quiet(ask(session, life, ...given)),
    );
    const context: unknown = agent.context === undefined ? undefined : await session.contexts.give(agent.context, `'${path}'`);
    return await behaviour.body(input.value, new CallScope(asker, context));
  }
  if (known?.output === undefined) throw notRecorded(path);
  const checked = await agent.output.validate(known.output);
  return checked.ok ? checked.value : known.output;
}

async function ask(
  session: Session,
  life: Life,
  asker: Asker,
  agent: AnyAgent,
  raw: unknown,
  options: { readonly key?: string } = {},
): Promise<unknown> {
  const given = agent.input.raw === undefined ? raw : agent.input.raw(raw);
  const input = session.secrets.input(agent, toJson(given, `the input of '${agent.name}'`), agent.name);
  const { place, path } = asker.identify(agent.name, hash(canonical(input)), options.key);
  return await walk(session, agent, place, path, life);
}

/** The code may not have awaited it. */
function quiet<T>(answer: Promise<T>): Promise<T> {
  answer.catch(() => {});
  return answer;
}

function notRecorded(path: string): AmdahlError {
  return new AmdahlError('CANCELLED', `'${path}' has no answer on record.`);
}
