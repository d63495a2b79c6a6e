// An agent that is a person: asked through session.asks, judged like any other answer, asked again where it does not stand. Called
// by attempts.ts for agents of the kind 'human'.
//
// P1 what a person answered is asked for once: a resume gets it again, whatever the program says by then.
// P2 a refusal is the person's last word: nobody and nothing answers in its place.

import { toJson } from '../agent/canonical.ts';
import type { HumanBehaviour, Otherwise } from '../agent/definition.ts';
import { AmdahlError, type Problem, problemList } from '../agent/errors.ts';
import type { AskId, Json } from '../journal/event.ts';
import type { Judged } from '../model/loop.ts';
import { chainOf, type Frame } from './asker.ts';
import type { Question, Replied } from './asks.ts';
import type { Attempt, Input } from './attempts.ts';
import { CodeAsker } from './codeAsker.ts';
import { checkSize, judge, oversize } from './judge.ts';
import { askerPlace } from './place.ts';

/** What the person says, or whoever answers in their place. Rejects with ASK_REFUSED or ASK_EXPIRED. */
export async function askPerson(frame: Frame, behaviour: HumanBehaviour, input: Input, attempt: Attempt): Promise<Judged> {
  const { session, agent, place, life } = frame;
  const standIn = session.standIn((standIns) => standIns.person(agent, input.raw, place));
  if (standIn !== undefined) {
    const said: unknown = await life.lend((signal) => standIn({ value: input.value, input: input.value, signal }));
    if (said === undefined) return await unanswered(frame, behaviour, input, attempt);
    return await judgeAnswer(frame, input, session.secrets.clean(toJson(said, `the answer of '${frame.path}'`)));
  }
  const question = questionOf(frame, behaviour, input);
  const bound = behaviour.repairs + (await refusedBefore(frame));
  let wrong: readonly Problem[] = [];
  for (let round = 0; ; round += 1) {
    const again = wrong.length === 0 ? '' : `\n\nThe answer before was not taken: ${session.secrets.text(problemList(wrong))}.`;
    const replied = await session.asks.ask({ ...question, question: question.question + again, nth: round }, life);
    if (replied.kind === 'refused') throw refused(frame, replied);
    if (replied.kind === 'expired') return await unanswered(frame, behaviour, input, attempt);
    const judged = await judgeSaid(frame, input, replied.value);
    if (judged.ok || round >= bound) return judged;
    wrong = judged.problems;
  }
}

function questionOf(frame: Frame, { question, expiresMs }: HumanBehaviour, input: Input): Question {
  const { session, agent, place, path } = frame;
  const text: unknown = question(input.value);
  if (typeof text !== 'string' || text.trim() === '')
    throw new AmdahlError('MISCONFIGURED', `The question of '${path}' is no text. Let its function return the question.`);
  return {
    of: 'human',
    place,
    calls: chainOf(frame),
    path,
    question: session.secrets.text(text),
    about: input.raw,
    ...(agent.output.kind === 'text' ? {} : { form: agent.output.jsonSchema() }),
    ...(expiresMs === undefined ? {} : { expiresMs }),
  };
}

/** How many answers did not stand before the call's failure was forgotten: the bound on asking again does not count them. */
async function refusedBefore({ session, place }: Frame): Promise<number> {
  const own = new Set<AskId>();
  let answered = 0;
  let before = 0;
  for (const { event } of await session.recall(place)) {
    if (event.kind === 'ask.opened' && event.of === 'human') own.add(event.ask);
    if (event.kind === 'ask.answered' && own.has(event.ask)) answered += 1;
    if (event.kind !== 'call.retracted') continue;
    if (event.why === 'retried') answered = 0; // its answers are forgotten too
    before = answered;
  }
  return before;
}

/** What a person said stands for good: an answer that is too large would fail every later entry too, and is asked for again. */
async function judgeSaid(frame: Frame, input: Input, raw: Json): Promise<Judged> {
  const tooLarge = oversize(frame, raw);
  if (tooLarge !== undefined) return { ok: false, why: 'contract', problems: [{ path: '', message: tooLarge.message.replace(/\.$/, '') }] };
  return await judgeAnswer(frame, input, raw);
}

async function judgeAnswer(frame: Frame, input: Input, raw: Json): Promise<Judged> {
  checkSize(frame, raw);
  return await judge(frame, raw, () => ({ input: input.value, results: [] }));
}

async function unanswered(frame: Frame, { otherwise }: HumanBehaviour, input: Input, attempt: Attempt): Promise<Judged> {
  if (otherwise === undefined) throw expired(frame);
  return await judgeAnswer(frame, input, await answerOtherwise(frame, otherwise, input, attempt));
}

/** What counts where nobody answered in time. */
async function answerOtherwise(frame: Frame, otherwise: Otherwise, input: Input, { number }: Attempt): Promise<Json> {
  const { agent, life, path, place, session } = frame;
  let made: unknown;
  switch (otherwise.kind) {
    case 'value':
      made = otherwise.value;
      break;
    case 'agent': {
      const asker = frame.asker.attempt(frame, number);
      try {
        made = await asker.ask(otherwise.agent, input.raw);
      } finally {
        await asker.finish();
      }
      break;
    }
    case 'code': {
      const code = new CodeAsker(frame, askerPlace(place, 'attempt', number), number);
      try {
        made = await life.lend(() => code.run(() => otherwise.code(input.value)));
      } finally {
        await code.finish();
      }
    }
  }
  return session.secrets.output(agent, toJson(made, `what '${path}' gives otherwise`), path);
}

function refused({ path }: Frame, { reason, by }: Extract<Replied, { kind: 'refused' }>): AmdahlError {
  const who = by === undefined ? '' : ` by ${by}`;
  return new AmdahlError('ASK_REFUSED', `The question of '${path}' was refused${who}: ${reason.replace(/\.+$/, '')}.`, {
    data: { reason, ...(by === undefined ? {} : { by }) },
  });
}

function expired({ path, session }: Frame): AmdahlError {
  return new AmdahlError(
    'ASK_EXPIRED',
    `Nobody answered the question of '${path}' in its time. Resume the run to ask again (amdahl resume ${session.run}), give it more time (expires), or say who answers then (otherwise).`,
  );
}
