// Answering from the journal: whether what stands at a place still counts, and what to say where it does not.
// The funnel calls this once per call of a re-entered run (design §2, "Resume by place").

import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError, type ErrorRecord, reviveError } from '../agent/errors.ts';
import type { Gap, Json, Origin, Place } from '../journal/event.ts';
import { assistantMessage, resultsOf } from '../model/render.ts';
import type { Frame } from './asker.ts';
import { whatChanged } from './changed.ts';
import { judge } from './judge.ts';
import { askerPlace } from './place.ts';
import { type Confirmed, foldCall, foldTurns, type Outcome, type RecordedCall } from './recorded.ts';

/** Failures that were answered from the journal, with the call at whose place they are on record. */
export const ANSWERED: WeakMap<AmdahlError, Place> = new WeakMap();

/** An answer, or that the call must be asked, with what is recorded of it by then. */
export type Answered =
  | { readonly kind: 'given'; readonly value: unknown; readonly gaps: readonly Gap[]; readonly staged: readonly string[] | undefined }
  /** It is past its commit point: its effects are committed, or go on being committed now. */
  | { readonly kind: 'confirmed'; readonly value: unknown; readonly confirmed: Confirmed }
  | { readonly kind: 'ask'; readonly recorded: RecordedCall };

/**
 * The recorded answer, or that the call must be asked (again). A kept failure is thrown.
 * Leaves answer when fingerprint, contract and checks still fit; composites run again unless they failed.
 */
export async function answerFromJournal(frame: Frame, recorded: RecordedCall, input: Json): Promise<Answered> {
  const { outcome } = recorded;
  const { session, agent, place, path } = frame;
  const { findings } = session;
  if (recorded.confirmed !== undefined) {
    session.divergence.answered(place);
    return await answerConfirmed(frame, recorded.confirmed);
  }
  if (outcome === undefined) {
    const leaf = agent.behaviour.kind !== 'composite';
    if (leaf && findings !== undefined && recorded.startedAt === undefined) findings.fresh += 1;
    if (
      leaf &&
      recorded.last !== undefined &&
      recorded.retracted !== undefined &&
      recorded.retracted.seq > (session.inherited?.lastSeq ?? 0)
    ) {
      findings?.bought.push({
        path,
        why:
          recorded.retracted.why === 'retried'
            ? 'it was to be retried'
            : `it had failed: ${recorded.last.kind === 'failed' ? recorded.last.error.message : ''}`,
      });
    }
    return { kind: 'ask', recorded };
  }
  const same = outcome.fingerprint === session.roster.fingerprintOf(agent);
  if (outcome.kind === 'failed') {
    if (!same && !isWord(agent, outcome.error)) return forget(frame, recorded, 'program', 'it failed before, and the program has changed');
    const error = reviveError(outcome.error);
    ANSWERED.set(error, place);
    session.divergence.answered(place);
    if (error.where.place === place) findings?.kept.push({ path, code: error.code });
    throw error;
  }
  if (agent.behaviour.kind === 'composite') return { kind: 'ask', recorded };
  // A person's answer is not bought again, and what was done to the world is not done again.
  const acted = agent.kind === 'human' || session.effects.stand(place);
  if (!same && !acted) return forget(frame, recorded, 'program', await whatChanged(frame, recorded));
  const judged = await judgeAgain(frame, recorded, outcome, input);
  if (!judged.ok && !acted) {
    const first = judged.problems[0];
    return forget(
      frame,
      recorded,
      judged.why === 'contract' ? 'contract' : 'check',
      `its recorded answer does not pass any more: ${first === undefined ? judged.why : `${first.path} ${first.message}`.trim()}`,
    );
  }
  if (!same || !judged.ok) findings?.changed.push(path);
  if (agent.kind === 'step' && agent.version === undefined) findings?.unversioned.add(agent.name);
  if (findings !== undefined) findings.answered += 1;
  return { kind: 'given', value: judged.ok ? judged.value : outcome.output, gaps: outcome.gaps, staged: outcome.staged };
}

/** Whatever has changed since: nothing of it runs again, a composite either. Its contract makes a value of what is recorded. */
async function answerConfirmed(frame: Frame, confirmed: Confirmed): Promise<Answered> {
  const { session, agent, place, path } = frame;
  const { findings } = session;
  if (findings !== undefined) {
    findings.answered += 1;
    if (agent.behaviour.kind === 'composite') findings.whole.push(path);
    if (confirmed.fingerprint !== session.roster.fingerprintOf(agent)) findings.changed.push(path);
  }
  session.met.set(place, agent);
  const judged = await judge(frame, confirmed.output, undefined);
  return { kind: 'confirmed', value: judged.ok ? judged.value : confirmed.output, confirmed };
}

/** Whether a failure is what a person said, or that none said anything: it stands whatever the program says now. */
function isWord({ kind }: AnyAgent, { code }: ErrorRecord): boolean {
  return kind === 'human' && (code === 'ASK_REFUSED' || code === 'ASK_EXPIRED');
}

/** Retracts what stands, so that the call is asked anew with its bounds full. */
function forget(frame: Frame, recorded: RecordedCall, why: 'program' | 'contract' | 'check', note: string): Answered {
  const { session, place, path } = frame;
  session.findings?.bought.push({ path, why: note });
  session.note({ kind: 'call.retracted', place, why, note });
  if (frame.account?.place === place) frame.account.renew();
  const at = session.clock.now();
  return { kind: 'ask', recorded: { ...recorded, outcome: undefined, retracted: { why, seq: Infinity, at } } };
}

async function judgeAgain(
  frame: Frame,
  recorded: RecordedCall,
  outcome: Extract<Outcome, { kind: 'succeeded' }>,
  input: Json,
): Promise<Awaited<ReturnType<typeof judge>>> {
  const evidence =
    frame.agent.checks.length === 0 ? NO_EVIDENCE : await evidenceOf(frame, outcome.from ?? { place: frame.place }, input, recorded);
  try {
    // With the run that it came from, its evidence was pruned: what was judged by it stands.
    return await judge(frame, outcome.output, evidence === undefined ? undefined : () => evidence);
  } catch (error) {
    // Code that broke has not judged: what was paid for stands, and the run waits until the code is mended.
    if (error instanceof AmdahlError && error.code === 'CODE_FAILED') frame.session.interrupt(error);
    throw error;
  }
}
const NO_EVIDENCE = { input: undefined, results: [] };

/**
 * What the checks saw when the answer was new: the contracted input, and the tool results of its last attempt. Undefined where
 * another run bought it, which is gone.
 */
export async function evidenceOf(
  frame: Frame,
  { run, place }: Pick<Origin, 'run' | 'place'>,
  input: Json,
  known?: RecordedCall,
): Promise<{ input: unknown; results: ReturnType<typeof resultsOf> } | undefined> {
  const { session } = frame;
  const checked = await frame.life.race(Promise.resolve(frame.agent.input.validate(input)));
  const recorded = known !== undefined && place === frame.place ? known : foldCall(await session.lookUp(place, run));
  if (recorded.startedAt === undefined && run !== undefined) return undefined;
  const last = recorded.attempts.at(-1);
  const value: unknown = checked.ok ? checked.value : input;
  if (last === undefined || frame.agent.behaviour.kind !== 'model') return { input: value, results: [] };
  const turns = foldTurns(await session.lookUp(askerPlace(place, 'attempt', last.number), run));
  const prompt = turns.flatMap((turn) =>
    turn.reply === undefined ? [...turn.adds] : [...turn.adds, assistantMessage(turn.reply.content)],
  );
  return { input: value, results: resultsOf(prompt) };
}
