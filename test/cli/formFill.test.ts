import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Json } from '../../src/agent/canonical.ts';
import { fillForm } from '../../src/cli/formFill.ts';

/** What a person types, line by line; `said` is what they see. */
async function filled(form: Json | undefined, typed: readonly string[]): Promise<{ value: Json; said: string[]; left: string[] }> {
  const left = [...typed];
  const said: string[] = [];
  const value = await fillForm(form, {
    say: (line) => void said.push(line),
    ask: (prompt) => {
      said.push(prompt);
      const line = left.shift();
      return line === undefined ? Promise.reject(new Error(`nothing to type at: ${prompt}`)) : Promise.resolve(line);
    },
  });
  return { value, said, left };
}

const formOf = (schema: z.ZodType): Json => z.toJSONSchema(schema, { target: 'draft-07' }) as Json; // JSON by its own word

describe('a form on a terminal', () => {
  it('asks for text where there is none, and takes a JSON string for what cannot be typed', async () => {
    expect((await filled(undefined, ['ship it'])).value).toBe('ship it');
    expect((await filled(undefined, ['', '"two\\nlines"'])).value).toBe('two\nlines');
    expect((await filled(undefined, ['""'])).value).toBe('');
    expect(await filled(undefined, ['"unfinished'])).toMatchObject({ value: '"unfinished', left: [] });
  });

  it('lists choices, and takes one by its number or its name', async () => {
    const form = formOf(z.enum(['ship', 'hold']));
    const { value, said } = await filled(form, ['3', 'HOLD']);
    expect(value).toBe('hold');
    expect(said.slice(0, 3)).toEqual(['  1  ship', '  2  hold', 'answer (1-2): ']);
    expect(said).toContain('  Type a number from 1 to 2, or one of them.');
    expect((await filled(form, ['1'])).value).toBe('ship');
  });

  it('holds a number against its bounds when it is typed', async () => {
    const { value, said } = await filled(formOf(z.object({ score: z.int().min(1).max(5) })), ['six', '6', '2.5', '4']);
    expect(value).toEqual({ score: 4 });
    expect(said.filter((line) => line.startsWith('score'))).toHaveLength(4);
    expect(said[0]).toBe('score (whole number, 1 to 5): ');
    expect(said).toContain('  That is no number.');
  });

  it('goes through objects, lists and what may be left out', async () => {
    const form = formOf(
      z.object({
        title: z.string().describe('What the ticket is called'),
        urgent: z.boolean(),
        note: z.string().optional(),
        labels: z.array(z.string()),
        steps: z.array(z.object({ what: z.string() })).min(1),
        owner: z.object({ name: z.string() }).optional(),
        parent: z.number().nullable(),
      }),
    );
    const { value, said, left } = await filled(form, ['Lamp', 'y', '', 'bug', 'light', '', 'open the door', 'y', 'look', 'n', '', '']);
    expect(value).toEqual({
      title: 'Lamp',
      urgent: true,
      labels: ['bug', 'light'],
      steps: [{ what: 'open the door' }, { what: 'look' }],
      parent: null,
    });
    expect(left).toEqual([]);
    expect(said).toContain('What the ticket is called');
    expect(said).toContain('note (text, Enter leaves it out): ');
    expect(said).toContain('labels[2] (text, Enter ends the list): ');
    expect(said).toContain('steps[0].what (text): ');
    expect(said).toContain('steps[1]: one more? [y/N] ');
    expect(said).toContain('parent (number, Enter for none): ');
  });

  it('lets alternatives be chosen by what tells them apart, and asks for no fixed value', async () => {
    const form = formOf(
      z.discriminatedUnion('outcome', [
        z.object({ outcome: z.literal('done'), result: z.string().optional() }),
        z.object({ outcome: z.literal('not done') }),
      ]),
    );
    expect(await filled(form, ['not done'])).toMatchObject({
      value: { outcome: 'not done' },
      said: ['  1  done', '  2  not done', 'answer (1-2): '],
    });
    expect((await filled(form, ['1', 'sent'])).value).toEqual({ outcome: 'done', result: 'sent' });
  });

  it('follows references, and takes as JSON what is no question', async () => {
    const form: Json = {
      type: 'object',
      properties: { to: { $ref: '#/definitions/who' }, more: {} },
      required: ['to', 'more'],
      definitions: { who: { type: 'string', minLength: 2 } },
    };
    const { value, said } = await filled(form, ['a', 'ana', '{no', '{"any":[1]}']);
    expect(value).toEqual({ to: 'ana', more: { any: [1] } });
    expect(said.some((line) => line.startsWith('  That is no JSON'))).toBe(true);
  });

  it('begins again where the whole does not fit', async () => {
    const form: Json = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, minProperties: 1 };
    const { value, said } = await filled(form, ['', '', 'x', '']);
    expect(value).toEqual({ a: 'x' });
    expect(said.some((line) => line.includes('Once more, from the beginning.'))).toBe(true);
  });

  it('ends with whoever answers', async () => {
    await expect(filled(formOf(z.object({ a: z.string(), b: z.string() })), ['one'])).rejects.toThrow('nothing to type at: b');
  });
});
