import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../../src/agent/canonical.ts';
import { misfits } from '../../src/agent/form.ts';
import { fillForm } from '../../src/cli/formFill.ts';

/** A form, a value that fits it, and what somebody types who means that value. `lines` of what may be left out begin with whether it is. */
interface Meant {
  readonly form: Json;
  readonly value: Json;
  readonly lines: readonly string[];
  /** It takes more than one question: whether it is wanted is asked first. */
  readonly wide: boolean;
}

const word = fc.stringMatching(/^[a-z]{1,6}$/);
const leaf: fc.Arbitrary<Meant> = fc.oneof(
  fc.string().map((value): Meant => ({ form: { type: 'string' }, value, lines: [JSON.stringify(value)], wide: false })),
  fc.boolean().map((value): Meant => ({ form: { type: 'boolean' }, value, lines: [value ? 'y' : 'No'], wide: false })),
  fc.integer().map((value): Meant => ({ form: { type: 'integer', minimum: value - 1 }, value, lines: [String(value)], wide: false })),
  fc.tuple(fc.uniqueArray(word, { minLength: 1, maxLength: 5 }), fc.nat()).map(([choices, at]): Meant => ({
    form: { enum: choices },
    value: choices[at % choices.length] ?? '',
    lines: [String((at % choices.length) + 1)],
    wide: false,
  })),
  fc.jsonValue().map((value): Meant => {
    const text = JSON.stringify(value);
    return { form: {}, value: JSON.parse(text) as Json, lines: [text], wide: false }; // JSON just made
  }),
);

const meant: fc.Arbitrary<Meant> = fc.letrec<{ any: Meant }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    // A list of equal forms: one item, meant several times.
    fc.tuple(tie('any'), fc.nat(3)).map(([item, count]): Meant => {
      const again = item.wide ? ['y', ...item.lines] : item.lines;
      const lines = Array.from({ length: count }, () => again).flat();
      return {
        form: { type: 'array', items: item.form },
        value: Array(count).fill(item.value) as Json,
        lines: [...lines, item.wide ? 'n' : ''],
        wide: true,
      };
    }),
    fc
      .uniqueArray(fc.tuple(word, tie('any'), fc.constantFrom('needed', 'given', 'left out')), {
        selector: ([name]) => name,
        minLength: 1,
        maxLength: 4,
      })
      .map((parts): Meant => ({
        form: {
          type: 'object',
          properties: Object.fromEntries(parts.map(([name, { form }]) => [name, form])),
          required: parts.flatMap(([name, , how]) => (how === 'needed' ? [name] : [])),
        },
        value: Object.fromEntries(parts.flatMap(([name, { value }, how]) => (how === 'left out' ? [] : [[name, value]]))),
        lines: parts.flatMap(([, { lines, wide }, how]) => {
          if (how === 'left out') return [''];
          return how === 'given' && wide ? ['yes', ...lines] : [...lines];
        }),
        wide: true,
      })),
  ),
})).any;

it('what comes out is what was meant, and it takes exactly the lines that say so', async () => {
  await fc.assert(
    fc.asyncProperty(meant, async ({ form, value, lines }) => {
      const left = [...lines];
      const given = await fillForm(form, {
        say: () => {},
        ask: (prompt) =>
          left.length === 0 ? Promise.reject(new Error(`nothing to type at ${prompt}`)) : Promise.resolve(left.shift() ?? ''),
      });
      expect(given).toEqual(value);
      expect(left).toEqual([]);
      expect(misfits(given, form)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

it('whatever is typed, what comes out fits the form', async () => {
  await fc.assert(
    fc.asyncProperty(
      meant,
      fc.array(fc.oneof(fc.string(), fc.constantFrom('', 'y', 'n', '1', '2', '""', '{}', '7')), { maxLength: 60 }),
      async ({ form, lines }, typed) => {
        const left = [...typed, ...lines];
        const given = await fillForm(form, {
          say: () => {},
          ask: () => (left.length === 0 ? Promise.reject(new Error('left')) : Promise.resolve(left.shift() ?? '')),
        }).catch((error: unknown) => error);
        if (!(given instanceof Error)) expect(misfits(given as Json, form)).toEqual([]); // no error: an answer
      },
    ),
    { numRuns: 200 },
  );
});
