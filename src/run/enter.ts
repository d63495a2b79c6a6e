// Entering a run: its first time or once more. Conflicts and what is to be forgotten are settled here, before
// its root is asked. Called by run.ts, with the claim in hand.

import type { Budget } from '../agent/budget.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { canonical, hash, toJson } from '../agent/canonical.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { EventOf, Happening, Json, Place, RunId } from '../journal/event.ts';
import type { Claim, Journal } from '../journal/journal.ts';
import { reuseRule } from '../agent/reuse.ts';
import { programPrint } from '../agent/programPrint.ts';
import { AnswerIndex, takenFrom } from './answerIndex.ts';
import type { Contexts } from './contexts.ts';
import type { Limits } from './limits.ts';
import { callPlace, rootAsker } from './place.ts';
import { type Random, systemClock } from './ports.ts';
import { accountOf, letRaise } from './raise.ts';
import { forgotten, type Past, readPast } from './reentry.ts';
import { noFindings } from './report.ts';
import { isOfSubject, refuseWithoutScope, type Source, sourceOf } from './rerun.ts';
import { Reuse } from './reuse.ts';
import { retried } from './retry.ts';
import type { RunOptions } from './runOptions.ts';
import { PLACEHOLDER } from './secretTexts.ts';
import type { Secrets } from './secrets.ts';
import { Session } from './session.ts';
import { standInsOf } from './standIns.ts';
import { speakerOf } from './speaker.ts';
import { systemDownload } from './download.ts';
import { systemRegistry } from './surroundings.ts';

export interface Entering extends Omit<RunOptions, 'context' | 'limits' | 'random' | 'journal'> {
  readonly id: RunId;
  readonly random: Random;
  readonly limits: Limits;
  readonly journal: Journal;
  readonly claim: Claim;
  readonly knownSecrets: Secrets;
  readonly contexts: Contexts;
  /** The input as it was given, which alone may have the contents of its files. */
  readonly given: unknown;
}

/** An entry that has begun: the next thing is to ask the root. */
export interface Driving {
  readonly session: Session;
  readonly root: AnyAgent;
  readonly raw: Json;
  readonly past: Past | undefined;
  readonly options: Entering;
}

/** Begins a run, or enters it again: conflicts and what is to be forgotten are settled here. */
export async function enter(root: AnyAgent, raw: Json, options: Entering): Promise<Driving> {
  const { id, journal, claim, clock = systemClock } = options;
  const inputHash = hash(canonical(raw));
  const past = claim.events === 0 ? undefined : await readPast(journal, id);
  if (past !== undefined) {
    refuseNewSecret(past, root.name, raw, options);
    refuseConflict(id, past, root.name, inputHash, options);
  }
  const findings = past === undefined ? undefined : noFindings();
  const standIns = standInsOf(options);
  const telling = tellingOf(root, past, options);
  const session = new Session({
    run: id,
    journal,
    claim,
    clock,
    random: options.random,
    limits: options.limits,
    secrets: options.knownSecrets,
    prices: options.prices ?? {},
    rateLimits: options.rateLimits ?? {},
    models: options.models ?? {},
    settings: options.settings ?? {},
    registry: standIns?.registry ?? systemRegistry,
    download: standIns?.download ?? systemDownload,
    standIns,
    onEvent: options.onEvent,
    onDelta: options.onDelta,
    speaker: telling.stream === 'provisional' ? telling.speaker : undefined,
    bill: past?.bill,
    inherited: past?.inherited,
    findings,
    contexts: options.contexts,
  });
  const program = programPrint(root, (agent) => session.roster.fingerprintOf(agent));
  session.reuse = await reuseOf(root, past, options, program);
  const budget = budgetOf(past, options);
  if (budget !== undefined) {
    if (options.budget !== undefined) past?.inherited.raises.setAnew(options.budget);
    session.account = accountOf({ session, place: rootAsker(id), path: id, budget, above: undefined });
    if (budget.onLimit === 'ask') letRaise(session, session.account, () => [], session.life);
  }
  const about = {
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(options.program === undefined ? {} : { program: options.program }),
    fingerprint: program,
    ...telling,
  };
  const whose = await whoseOf(options);
  if (past === undefined) {
    if (options.retry !== undefined && options.retry.length > 0)
      throw new AmdahlError('RUN_UNKNOWN', `There is no run '${id}' yet, so there is nothing to retry in it.`);
    session.note({ kind: 'run.started', agent: root.name, input: raw, inputHash, ...about, ...whose });
  } else {
    await reenter(session, root, past, options, about);
  }
  session.files.hold(options.given);
  return { session, root, raw, past, options };
}

/** Whose a new run is, as it is journaled: a run that is run again stays in its scope and with its subject. */
async function whoseOf(options: Entering): Promise<Pick<EventOf<'run.started'>, 'scope' | 'subject' | 'rerun'>> {
  const { scope, subject } = options;
  const source = await sourceOfNew(options);
  const [own, of] = [scope ?? source?.scope, subject ?? source?.subject];
  return {
    ...(own === undefined ? {} : { scope: own }),
    ...(of === undefined ? {} : { subject: of }),
    ...(source === undefined ? {} : { rerun: source.run }),
  };
}

/** Where answers may come from that were bought elsewhere; undefined where from nowhere. */
async function reuseOf(root: AnyAgent, past: Past | undefined, options: Entering, program: string): Promise<Reuse | undefined> {
  const { id, journal } = options;
  const rule = options.reuse === undefined ? undefined : reuseRule(options.reuse, 'the run');
  if (rule?.from === 'off') return undefined;
  const source = await (past === undefined ? sourceOfNew(options) : sourceLeft(journal, past));
  const scope = options.scope ?? past?.scope ?? source?.scope;
  const subject = options.subject ?? past?.subject ?? source?.subject;
  // What stand-ins say is for nobody else.
  const shared = standInsOf(options) === undefined ? scope : undefined;
  if (scope === undefined && standInsOf(options) === undefined) refuseWithoutScope(root, rule);
  const own = past === undefined ? undefined : new AnswerIndex({ journal, run: id, lastSeq: past.inherited.lastSeq, program });
  if (own === undefined && source === undefined && shared === undefined) return undefined;
  return new Reuse({
    rule,
    scope: shared,
    subject,
    own,
    source:
      source === undefined
        ? undefined
        : {
            answers: new AnswerIndex({
              journal,
              run: source.run,
              ...(past === undefined ? {} : { taken: await takenFrom(journal, id, source.run) }),
            }),
            sameSubject: isOfSubject(source, subject),
          },
  });
}

async function sourceOfNew({ journal, rerun, scope }: Entering): Promise<Source | undefined> {
  return rerun === undefined ? undefined : await sourceOf(journal, rerun, scope);
}

/** Of a run that goes on: what it was to be answered by may be pruned since, and then it buys. */
async function sourceLeft(journal: Journal, { rerun }: Past): Promise<Source | undefined> {
  const began = rerun === undefined ? undefined : await beginningOf(journal, rerun);
  return rerun === undefined || began === undefined ? undefined : { run: rerun, ...began };
}

/** How this entry tells what is said: as it was asked to, else as the entry before. */
function tellingOf(
  root: AnyAgent,
  past: Past | undefined,
  { stream = past?.stream, speaker = past?.speaker ?? speakerOf(root)?.name }: Entering,
): Pick<EventOf<'run.started'>, 'stream' | 'speaker'> {
  if (stream === undefined) return {};
  return { stream, ...(speaker === undefined ? {} : { speaker }) };
}

async function reenter(
  session: Session,
  root: AnyAgent,
  past: Past,
  options: Entering,
  about: Pick<EventOf<'run.resumed'>, 'budget' | 'program' | 'fingerprint' | 'stream' | 'speaker'>,
): Promise<void> {
  const { id, journal } = options;
  const retry = await retried(journal, id, options.retry ?? [], past.inherited.effects);
  const calls = new Set(retry.calls);
  const resumed: Happening = { kind: 'run.resumed', entry: past.inherited.entries, activeMs: past.activeMs, ...about };
  const chain = await forgotten(journal, id, rootPlace(id, root, past.inputHash), past, retry.calls);
  const forget = new Set([...chain, ...retry.above].filter((place) => !calls.has(place)));
  for (const place of calls) past.inherited.raises.forget(place);
  // A forgotten call starts with its own budget full, as in every later entry; those above it go on.
  for (const place of [...calls, ...forget]) past.inherited.spent.delete(place);
  await session.append(
    ...[...calls].map((place): Happening => ({ kind: 'call.retracted', place, why: 'retried' })),
    ...[...forget].map((place): Happening => ({ kind: 'call.retracted', place, why: 'resumed' })),
    resumed,
  );
}

/** Caps once set stay until they are set again: a resume raises what it names. */
function budgetOf(past: Past | undefined, { budget }: Entering): Budget | undefined {
  return past?.budget === undefined ? budget : { ...past.budget, ...budget };
}

/** @throws AmdahlError RUN_CONFLICT when the run that is there is not the one that is meant. Scope and subject may be left out of a resume. */
export function refuseConflict(
  id: RunId,
  past: Pick<EventOf<'run.started'>, 'agent' | 'inputHash'> & Partial<Pick<Past, 'scope' | 'subject' | 'rerun'>>,
  agent: string,
  inputHash: string,
  { scope, subject, rerun }: Pick<RunOptions, 'scope' | 'subject' | 'rerun'>,
): void {
  const conflict = (what: string, same: string): AmdahlError =>
    new AmdahlError(
      'RUN_CONFLICT',
      `There is a run '${id}' already, ${what}. Use another id, or ${same} to go on with it (amdahl show ${id}).`,
      {
        data: { run: id, agent: past.agent },
      },
    );
  if (past.agent !== agent) throw conflict(`of the agent '${past.agent}', not '${agent}'`, 'the same agent');
  if (past.inputHash !== inputHash) throw conflict('with another input', 'the same input');
  if (scope !== undefined && scope !== past.scope)
    throw conflict(`${past.scope === undefined ? 'without a scope' : `in the scope '${past.scope}'`}, not '${scope}'`, 'the same scope');
  if (rerun !== undefined && rerun !== past.rerun) throw conflict(`that does not run '${rerun}' again`, 'leave rerun out');
  if (subject !== undefined && canonical(subject) !== canonical(past.subject ?? null))
    throw conflict('with another subject', 'the same subject');
}

/** The input is the run's own, but for what is known as secret now and was not when the run began. @throws AmdahlError RUN_CONFLICT */
function refuseNewSecret(past: Past, agent: string, raw: Json, { id, given, knownSecrets }: Entering): void {
  if (knownSecrets.none || past.agent !== agent || past.inputHash === hash(canonical(raw))) return;
  if (past.inputHash !== hash(canonical(toJson(given, `the input of '${agent}'`)))) return;
  const names = [...new Set([...canonical(raw).matchAll(PLACEHOLDER)].map(([found]) => found))];
  throw new AmdahlError(
    'RUN_CONFLICT',
    `The run '${id}' began with this input, in which there was no secret then, and now there is: ${names.join(', ')}. ` +
      "To go on with it, leave that out: secrets: { environment: { except: ['THE_VARIABLE'] } }. Or use another id.",
    { data: { run: id, agent } },
  );
}

/** How a run began; undefined where that is not stored yet. */
export async function beginningOf(journal: Journal, run: RunId): Promise<EventOf<'run.started'> | undefined> {
  for await (const { event } of journal.read(run, { kinds: ['run.started'] })) if (event.kind === 'run.started') return event;
  return undefined;
}

/** The place of a run's root. */
export function rootPlace(id: RunId, root: AnyAgent, inputHash: string): Place {
  return callPlace(rootAsker(id), root.name, inputHash, 0);
}
