// Receipts: what stands for the result of a staged effect until there is one. A model or a flow puts them into the arguments of
// later staged effects, alone or within a text, and run/ replaces them when those are done. All of it pure.

import type { Json } from './canonical.ts';
import { AmdahlError } from './errors.ts';
import { childPath } from './path.ts';

/** Stands for what a staged effect will give: `[receipt:KEY]`, or for a field of it: `[receipt:KEY.ticket.id]`. */
export type Receipt = `[receipt:${string}]`;

/** Characters of an effect's key that a receipt shows: 72 bits. */
const SHOWN = 12;
const RECEIPT = /\[receipt:([A-Za-z0-9_-]{12})((?:\.[^\s.[\]"\\]+)*)\]/g;
const FIELD = /^[^\s.[\]"\\]+(?:\.[^\s.[\]"\\]+)*$/;

/** A receipt in a value: where, of which effect, and which field of its result. */
export interface ReceiptFound {
  /** Where in the value, as in problems: 'comment.ticket', 'ids[0]'; '' for the whole. */
  readonly path: string;
  readonly text: Receipt;
  /** The beginning of the effect's key. */
  readonly short: string;
  readonly field: readonly string[];
}

/** The receipt of the effect with this key. */
export function receiptOf(key: string): Receipt {
  return `[receipt:${shortOf(key)}]`;
}

/** What a receipt shows of a key. */
export function shortOf(key: string): string {
  return key.slice(0, SHOWN);
}

/**
 * The receipt of a field of what an effect will give: `field(receipt, 'ticket.id')`. A number is the index of a list.
 * @throws AmdahlError MISCONFIGURED unless it is a receipt and names of fields with dots between them. Pure.
 */
export function field(receipt: Receipt, path: string): Receipt {
  if (typeof receipt !== 'string' || !isReceipt(receipt))
    throw new AmdahlError('MISCONFIGURED', `field() takes a receipt first: what a staged step gives. It got ${JSON.stringify(receipt)}.`);
  if (typeof path !== 'string' || !FIELD.test(path))
    throw new AmdahlError(
      'MISCONFIGURED',
      `field() takes the names of fields with dots between them, such as 'ticket.id'; it got ${JSON.stringify(path)}.`,
    );
  return `${receipt.slice(0, -1)}.${path}]` as Receipt; // what was before its last bracket is a receipt's beginning
}

function isReceipt(text: string): boolean {
  return [...text.matchAll(RECEIPT)].some(([whole]) => whole === text);
}

/** Whether a value may have a receipt in it: cheap, and never wrong when it says no. */
export function mayHoldReceipts(canonicalText: string): boolean {
  return canonicalText.includes('[receipt:');
}

/** Every receipt in a value's texts, in order; names of properties are none. O(size). */
export function receiptsIn(value: Json): readonly ReceiptFound[] {
  const found: ReceiptFound[] = [];
  walk(value, '', (text, path) => {
    for (const [whole, short = '', of = ''] of text.matchAll(RECEIPT))
      found.push({ path, text: whole as Receipt, short, field: fieldOf(of) }); // the pattern is that of a receipt
    return text;
  });
  return found;
}

/** Names of properties that have a receipt in them: what stands there is never replaced. O(size). */
export function receiptNames(value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((one: Json) => receiptNames(one));
  return Object.entries(value).flatMap(([name, one]) => [...(name.search(RECEIPT) < 0 ? [] : [name]), ...receiptNames(one)]);
}

/**
 * The value with its receipts replaced: a text that is nothing but a receipt becomes the value, one within a longer text
 * becomes its text. What `valueOf` has no value for stays. O(size).
 */
export function replaceReceipts(value: Json, valueOf: (short: string, field: readonly string[]) => Json | undefined): Json {
  return walk(value, '', (text) => {
    const [first] = text.matchAll(RECEIPT);
    if (first === undefined) return text;
    if (first[0] === text) {
      const put = valueOf(first[1] ?? '', fieldOf(first[2] ?? ''));
      return put === undefined ? text : put;
    }
    return text.replaceAll(RECEIPT, (whole: string, short: string, of: string) => {
      const put = valueOf(short, fieldOf(of));
      return put === undefined ? whole : typeof put === 'string' ? put : JSON.stringify(put);
    });
  });
}

/** What stands at a field of a result; undefined where nothing does. */
export function fieldIn(result: Json, names: readonly string[]): Json | undefined {
  let at: Json | undefined = result;
  for (const name of names) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, Json>>)[name]; // a list's indexes are its own names too
  }
  return at;
}

function fieldOf(text: string): readonly string[] {
  return text === '' ? [] : text.slice(1).split('.');
}

function walk(value: Json, path: string, each: (text: string, path: string) => Json): Json {
  if (typeof value === 'string') return each(value, path);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one: Json, index) => walk(one, childPath(path, index), each));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, childPath(path, name), each)]));
}
