// A question put to somebody at a terminal: what it is about, then yes or no, a choice, or its form field by field; and the whole
// once more before it is said. Called by answer.

import type { Json } from '../agent/canonical.ts';
import type { OpenAsk } from '../run/people.ts';
import type { Reply } from './answerCommand.ts';
import { cardLines, OUTCOMES } from './askCard.ts';
import { type Dialogue, fillForm } from './formFill.ts';
import type { Output } from './terminal.ts';
import { valueLines } from './valueText.ts';

const LINES_MAX = 200;

/** What they say. Rejects as `dialogue.ask` does. `now` in epoch ms. */
export async function answerIn(dialogue: Dialogue, open: OpenAsk, { colors, width }: Output, now: number): Promise<Reply> {
  const options = { width: width(), colors, now, linesMax: LINES_MAX };
  for (const line of cardLines(open, { ...options, ways: false })) dialogue.say(line);
  if (open.of === 'approval') return approve(dialogue);
  dialogue.say(colors.dim('  Ctrl-C leaves the question open.'));
  for (;;) {
    const value = await fillForm(open.form, dialogue, OUTCOMES);
    if (isOneLine(value)) return { kind: 'answer', value };
    dialogue.say('');
    for (const line of valueLines(value, { room: options.width - 2, colors, linesMax: LINES_MAX })) dialogue.say(`  ${line}`);
    if (!/^n(?:o)?$/i.test((await dialogue.ask('Is that the answer? [Y/n] ')).trim())) return { kind: 'answer', value };
    dialogue.say('Once more, from the beginning.');
  }
}

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
