// A question put to somebody at a terminal: what it is about, then yes or no, a choice, or its form field by field; and the whole
// once more before it is said. Called by answer.

import type { Json } from '../agent/canonical.ts';
import { misfits } from '../agent/form.ts';
import type { OpenAsk } from '../run/people.ts';
import type { Reply } from './answerCommand.ts';
import { type CardOptions, cardLines, outcomesIn, outcomesOf } from './askCard.ts';
import { type Dialogue, fillForm } from './formFill.ts';
import type { Output } from './terminal.ts';
import { valueLines } from './valueText.ts';

const LINES_MAX = 200;

/** `now` in epoch ms; `stands`: what receipts stand for. */
export type About = Pick<CardOptions, 'now' | 'stands'>;

/** What they say. Rejects as `dialogue.ask` does. */
export async function answerIn(dialogue: Dialogue, open: OpenAsk, { colors, width }: Output, about: About): Promise<Reply> {
  const options = { width: width(), colors, ...about, linesMax: LINES_MAX };
  for (const line of cardLines(open, { ...options, ways: false })) dialogue.say(line);
  if (open.of === 'approval') return approve(dialogue);
  dialogue.say(colors.dim('  Ctrl-C leaves the question open.'));
  for (;;) {
    const value = await fill(dialogue, open);
    if (isOneLine(value) || outcomesIn(open.form).length > 0) return { kind: 'answer', value };
    dialogue.say('');
    for (const line of valueLines(value, { room: options.width - 2, colors, linesMax: LINES_MAX })) dialogue.say(`  ${line}`);
    if (!/^n(?:o)?$/i.test((await dialogue.ask('Is that the answer? [Y/n] ')).trim())) return { kind: 'answer', value };
    dialogue.say('Once more, from the beginning.');
  }
}

/** A result is asked for only where something was done. */
async function fill(dialogue: Dialogue, open: OpenAsk): Promise<Json> {
  const { form } = open;
  const outcomes = outcomesIn(form);
  if (outcomes.length === 0) return await fillForm(form, dialogue);
  const outcome = await fillForm({ enum: outcomes }, dialogue, outcomesOf(open));
  if (outcome !== 'done' || misfits({ outcome, result: null }, form).length > 0) return { outcome };
  const given = await fillForm({ type: 'object', properties: { result: { description: RESULT } } }, dialogue);
  return { outcome, ...(given as { readonly result?: Json }) }; // the form just filled in
}

const RESULT = 'What it gave, as JSON: later effects may need a field of it.';

async function approve(dialogue: Dialogue): Promise<Reply> {
  for (;;) {
    const said = (await dialogue.ask('Do exactly this? [y/n] ')).trim();
    if (/^y(?:es)?$/i.test(said)) return { kind: 'answer', value: true };
    if (/^n(?:o)?$/i.test(said)) break;
    dialogue.say('  Type y or n; Ctrl-C leaves the question open.');
  }
  const reason = (await dialogue.ask('Why not? Whoever wanted it is told: ')).trim();
  return reason === '' ? { kind: 'answer', value: false } : { kind: 'refuse', reason };
}

/** What was typed in one line has just been seen whole. */
function isOneLine(value: Json): boolean {
  return typeof value !== 'object' || value === null;
}
