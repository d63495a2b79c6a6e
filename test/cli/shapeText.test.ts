import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { shapeText } from '../../src/cli/shapeText.ts';

const shapeOf = (schema: z.ZodType): string => shapeText(z.toJSONSchema(schema, { io: 'input' }));

describe('the shape of an input', () => {
  it('looks like the type that a person would write', () => {
    expect(shapeOf(z.object({ repo: z.string(), depth: z.int().optional(), tags: z.array(z.string()) }))).toBe(
      '{ repo: string, depth?: whole number, tags: string[] }',
    );
    expect(shapeOf(z.array(z.enum(['a', 'b'])))).toBe('("a" | "b")[]');
    expect(shapeOf(z.union([z.string(), z.null()]))).toBe('string | null');
    expect(shapeOf(z.literal(3))).toBe('3');
    expect(shapeOf(z.record(z.string(), z.number()))).toBe('{ [name]: number }');
  });

  it('breaks what is long over lines', () => {
    const schema = z.object({ firstQuestion: z.string(), secondQuestion: z.string(), 'odd name': z.object({ deep: z.boolean() }) });
    expect(shapeOf(schema)).toBe('{\n  firstQuestion: string,\n  secondQuestion: string,\n  "odd name": { deep: boolean },\n}');
  });

  it('ends somewhere, however deep a schema goes', () => {
    const deep = Array.from({ length: 10 }).reduce<z.ZodType>((inner) => z.object({ a: inner }), z.string());
    expect(shapeOf(deep)).toContain('…');
    expect(shapeText(true)).toBe('anything');
  });
});
