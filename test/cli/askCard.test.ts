import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { type Asked, cardLines, standsOf } from '../../src/cli/askCard.ts';
import { meantBy } from '../../src/cli/answerText.ts';
import { widthOf } from '../../src/cli/quantities.ts';
import type { AskId, Json, RunId } from '../../src/journal/event.ts';

const HOUR = 3_600_000;
const OUTCOMES: Json = {
  anyOf: [
    { type: 'object', properties: { outcome: { const: 'done' }, result: {} }, required: ['outcome'] },
    { type: 'object', properties: { outcome: { const: 'not done' } }, required: ['outcome'] },
    { type: 'object', properties: { outcome: { enum: ['give up'] } }, required: ['outcome'] },
  ],
};

/** What somebody is asked; ids of tests stand in for hashes. */
function asked(options: Partial<Asked>): Asked {
  return {
    ask: 'Qx81kzPo99aa' as AskId,
    run: 'sweep-7' as RunId,
    of: 'human',
    path: 'sweep/review',
    question: 'Which one?',
    about: null,
    openedAt: 0,
    ...options,
  };
}

function card(options: Partial<Asked>, { width = 300, linesMax = 40, colors = false } = {}): string[] {
  return cardLines(asked(options), { width, linesMax, now: 2 * HOUR, colors: createColors(colors) }).map((line) =>
    line.replace(/\S* ?\S* ?\S+ (?=(?:answer|refuse) Q)/, 'amdahl '),
  );
}

describe('a question as it stands in the inbox', () => {
  it('says who asks, since when and until when, and how it is answered', () => {
    const lines = card({ expiresAt: 26 * HOUR });
    expect(lines).toEqual([
      'Qx81kzPo  question of sweep-7, sweep/review  2 h ago, expires in 24h 00m',
      '  Which one?',
      '',
      expect.stringMatching(/^ {2}amdahl answer Qx81kzPo 'your answer' +any text$/),
      expect.stringMatching(/^ {2}amdahl refuse Qx81kzPo --reason '…' +nobody answers: what asked fails$/),
    ]);
  });

  it('lets nothing that it shows look like a line of its own, steer the terminal or turn around what is read', () => {
    const evil = 'x\nQx81kzPp  approval of other';
    const about = { [evil]: 1, ['to\u202e']: 'gro.\u202eelsewhere\u009b2J', 'a b': { "it's": true } };
    const form = { enum: ['a\u009b2J', 'b'] };
    const lines = card({ path: `sweep/${evil}`, run: evil as RunId, question: '\u001b[2JWhich?\u2066', about, form });
    for (const control of ['\u001b', '\u009b', '\u202e', '\u2066']) expect(lines.join('\n')).not.toContain(control);
    expect(lines.slice(1).every((line) => line === '' || line.startsWith('  '))).toBe(true);
    expect(lines.filter((line) => line.includes('\n'))).toEqual([]);
    expect(lines).toContain(`  "x\\nQx81kzPp  approval of other": 1`);
    expect(lines).toContain('  "to\uFFFD": "gro.\uFFFDelsewhere\uFFFD2J"');
    expect(lines).toContain(`  a b: {"it's":true}`);
  });

  it('shows exactly what is approved of, with texts as they are and receipts marked', () => {
    const about = {
      tool: 'post',
      args: { to: 'all', text: 'Version 2\n\nThe lamp is mended.', ticket: '[receipt:h5N0qk3dP1x0.id]' },
      key: 'k1',
    };
    const lines = card({ of: 'approval', about, form: { type: 'boolean' } }, { colors: true }).join('\n');
    expect(lines).toContain(
      '  tool: "post"\n  args:\n    to: "all"\n    text:\n      │ Version 2\n      │ \n      │ The lamp is mended.\n    ticket: ',
    );
    expect(lines).toContain('\u001b[36m[receipt:h5N0qk3dP1x0.id]');
    expect(lines).toMatch(/answer Qx81kzPo yes.*exactly this is done/);
    expect(lines).toMatch(/answer Qx81kzPo no.*it is not done/);
  });

  it('says what a receipt stands for, where that is known', () => {
    const about = { tool: 'post', args: { ticket: '[receipt:h5N0qk3dP1x0.id]' }, key: 'k1' };
    const stands = standsOf([{ key: 'h5N0qk3dP1x0zzzzzzzzzz', tool: 'createTicket', args: { title: 'Lamp' } }]);
    const lines = cardLines(asked({ of: 'approval', about }), { width: 120, linesMax: 40, now: 0, colors: createColors(false), stands });
    expect(lines).toContain('  [receipt:h5N0qk3dP1x0…] stands for what this gives, done before: createTicket {"title":"Lamp"}');
  });

  it('says of an effect that nobody knows of what each answer does', () => {
    const lines = card({ of: 'effect', form: OUTCOMES }).join('\n');
    expect(lines).toMatch(/answer Qx81kzPo done +it happened/);
    expect(lines).toMatch(/answer Qx81kzPo 'not done' +it did not happen; it is done now/);
    expect(lines).toMatch(/answer Qx81kzPo 'give up' +what can be is taken back/);
  });

  it('says what an answer looks like where it has a form', () => {
    expect(card({ form: { type: 'object', properties: { score: { type: 'integer' } }, required: ['score'] } })).toContain(
      '  an answer is { score: whole number }',
    );
  });

  it('fits a narrow terminal, and counts what would be too long', () => {
    const about = Array.from({ length: 60 }, (_, index) => ({
      index,
      text: 'a long text that has to be wrapped somewhere, because it does not fit into a line of 60 columns',
    }));
    const lines = card({ about, question: 'A question that goes on for a while. '.repeat(5) }, { width: 60, linesMax: 20 });
    for (const line of lines.filter((one) => !one.includes('amdahl'))) expect(widthOf(line)).toBeLessThanOrEqual(60);
    expect(lines.filter((line) => /… \d+ more lines/.test(line))).toHaveLength(1);
  });

  it('lets nothing steer the terminal that asks', () => {
    const lines = card({ question: 'Sure?\u001b[2J', about: { text: 'a\n\u001b[31mb', '\u009bkey': 1 } });
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});

describe('what is typed behind amdahl answer', () => {
  const meant = (text: string, options: Partial<Asked>): Json => meantBy(text, asked(options));

  it('is the text itself where any text will do, and JSON where that fits', () => {
    expect(meant('the second one', {})).toBe('the second one');
    expect(meant('42', {})).toBe('42');
    expect(meant('"quoted"', {})).toBe('quoted');
    expect(meant('42', { form: { type: 'number' } })).toBe(42);
    expect(meant('ship\n', { form: { enum: ['ship', 'hold'] } })).toBe('ship');
  });

  it('is yes or no to an approval, and nothing else', () => {
    expect(['y', 'YES', 'true', 'n', 'no', 'false'].map((text) => meant(text, { of: 'approval' }))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(() => meant('maybe', { of: 'approval' })).toThrow('neither');
  });

  it('may be the bare word of an outcome', () => {
    expect(meant('not done', { of: 'effect', form: OUTCOMES })).toEqual({ outcome: 'not done' });
    expect(meant('{"outcome":"done","result":7}', { of: 'effect', form: OUTCOMES })).toEqual({ outcome: 'done', result: 7 });
  });

  it('is refused with what would fit', () => {
    const form: Json = { type: 'object', properties: { score: { type: 'integer', maximum: 5 } }, required: ['score'] };
    expect(() => meant('{"score":6}', { form })).toThrow(
      /score: expected 5 or less, got 6\. It takes \{ score: whole number \}\. Nothing was answered/,
    );
    expect(() => meant('six', { form })).toThrow(/it is no JSON/);
  });
});
