// JSON that breaks a schema, close to a value that fits it, as models write it: a property is missing, or holds something
// of another type. Pure but for the dice.

import { conforms, isSchema } from './conforms.ts';
import type { Dice } from './dice.ts';
import type { Schema } from './wire.ts';

/** A value that does not fit, if there is one: where anything fits, a bare null. O(properties × size). */
export function misfit(schema: Schema, value: unknown, random: Dice): unknown {
  const near = isSchema(value) ? nearObjects(value) : [];
  const ranked = near.map((one) => ({ one, rank: random() })).toSorted((a, b) => a.rank - b.rank);
  const far: readonly unknown[] = [[value], { value }, 'something else', 0.5, -1, true, {}, []];
  return [...ranked.map(({ one }) => one), ...far].find((one) => !conforms(one, schema)) ?? null;
}

function nearObjects(value: Schema): readonly unknown[] {
  return Object.keys(value).flatMap((name) => {
    const { [name]: left, ...without } = value;
    return [without, { ...value, [name]: typeof left === 'string' ? 7 : JSON.stringify(left) }, { ...value, [name]: [left] }];
  });
}
