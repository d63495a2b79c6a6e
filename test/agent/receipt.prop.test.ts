import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical, hash, type Json } from '../../src/agent/canonical.ts';
import { field, fieldIn, mayHoldReceipts, type Receipt, receiptOf, receiptsIn, replaceReceipts, shortOf } from '../../src/agent/receipt.ts';
import { refusal } from '../support/trial.ts';

const keys = fc.string().map(hash);
const names = fc.array(fc.stringMatching(/^[^\s.[\]"\\]{1,8}$/u), { maxLength: 3 });
const receipts = fc
  .tuple(keys, names)
  .map(([key, of]) => ({ key, of, text: of.reduce<Receipt>((text, name) => field(text, name), receiptOf(key)) }));
/** Text that has no receipt in it, and none with another after it. */
const plain = fc.string().filter((text) => !text.includes('[') && !text.includes(']'));
const json = fc.jsonValue() as fc.Arbitrary<Json>;

describe('receipts', () => {
  test('are found wherever they stand in a value, with what they are of', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(plain, receipts)), plain, fc.string(), (parts, last, name) => {
        const text = parts.map(([before, { text }]) => before + text).join('') + last;
        const found = receiptsIn({ [name]: [1, text] });
        expect(found.map(({ short, field: of, text }) => ({ short, of, text }))).toEqual(
          parts.map(([, { key, of, text }]) => ({ short: shortOf(key), of, text })),
        );
        expect(found.every(({ path }) => path.endsWith('[1]'))).toBe(true);
        expect(mayHoldReceipts(canonical(text))).toBe(parts.length > 0);
      }),
    );
  });

  test('alone become the value they stand for, and in a longer text its text', () => {
    fc.assert(
      fc.property(receipts, json, plain, plain, ({ text }, value, before, after) => {
        expect(replaceReceipts({ a: [text] }, () => value)).toEqual({ a: [value] });
        fc.pre(before !== '' || after !== '');
        expect(replaceReceipts(before + text + after, () => value)).toBe(
          before + (typeof value === 'string' ? value : JSON.stringify(value)) + after,
        );
      }),
    );
  });

  test('of what has no value stay, and values without receipts stay as they are', () => {
    fc.assert(
      fc.property(receipts, json, plain, ({ text }, value, before) => {
        expect(replaceReceipts([text, before + text], () => undefined)).toEqual([text, before + text]);
        fc.pre(receiptsIn(value).length === 0);
        expect(replaceReceipts(value, () => 'x')).toEqual(value);
      }),
    );
  });

  test('what is put in for one is not looked into', () => {
    const [a, b] = [receiptOf(hash('a')), receiptOf(hash('b'))];
    expect(replaceReceipts([a, `${a} ${b}`], (short) => (short === shortOf(hash('a')) ? b : 'done'))).toEqual([b, `${b} done`]);
  });

  test('of fields lead to what stands there, in lists too', () => {
    const result = { ticket: { id: 7, tags: ['x', 'y'] } };
    expect(fieldIn(result, [])).toBe(result);
    expect(fieldIn(result, ['ticket', 'tags', '1'])).toBe('y');
    expect(fieldIn(result, ['ticket', 'no'])).toBeUndefined();
    expect(fieldIn(result, ['toString'])).toBeUndefined();
    expect(fieldIn('text', ['length'])).toBeUndefined();
    const [found] = receiptsIn(field(receiptOf(hash('a')), 'ticket.tags.1'));
    expect(fieldIn(result, found?.field ?? [])).toBe('y');
  });

  test('are made of receipts and names of fields alone', () => {
    expect(refusal(() => field('[receipt:no]', 'id')).message).toContain('field() takes a receipt first');
    expect(refusal(() => field(receiptOf(hash('a')), 'a]')).message).toContain("such as 'ticket.id'");
  });
});
