// The input of a call as text for a model, field by field, with its attachments where they stand. Called by opening.ts.
//
// Injective: two inputs of one contract that differ as JSON never read the same, so that nothing inside a value can pass
// for another field. A field is its opening tag, a line break, the value, a line break and its closing tag, and no value
// holds its own closing tag: where one would, the tag gets a number that makes it another. What is written as JSON is never
// mistaken for text, because text that could be JSON says type="text".

import { type Attachment, isAttachment } from '../agent/attachment.ts';
import { AmdahlError } from '../agent/errors.ts';

/** Text, an attachment, or text with which the part ends that many calls share. */
export type Piece = { readonly text: string; readonly isShared?: true } | { readonly attachment: Attachment };

/** How an input is laid out. */
export interface Layout {
  /** Fields that come first, in this order: they are the shared part. */
  readonly first: readonly string[];
  /** The contract lets through nothing but text, which then stands as it is. */
  readonly onlyText: boolean;
}

/**
 * Text as it is; an object field by field, strings verbatim in `<name>` tags and the rest as JSON in them; anything else as
 * JSON. Attachments follow where they are a field, else behind the JSON that numbers them. Pure, O(size).
 * @throws AmdahlError NOT_JSON for what a transform made that a model cannot be shown.
 */
export function inputPieces(input: unknown, { first, onlyText }: Layout): readonly Piece[] {
  const pages = new Pages();
  if (typeof input === 'string') {
    if (onlyText || !(couldBeJson(input) || couldBeField(input))) pages.write(input);
    else pages.write(`${TEXT_ALONE}${input}\n</field>`);
  } else if (isAttachment(input)) {
    pages.attach(input);
  } else if (hasFields(input)) {
    writeFields(pages, input, first);
  } else {
    pages.write(pages.json(input));
    pages.writeNumbered();
  }
  return pages.pieces();
}

/** A tag that no field has: theirs always have a name. */
const TEXT_ALONE = '<field type="text">\n';

function hasFields(input: unknown): input is Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null || Array.isArray(input) || 'toJSON' in input) return false;
  if (input instanceof Map || input instanceof Set) return false;
  return Object.values(input).some((value) => value !== undefined);
}

function writeFields(pages: Pages, input: Readonly<Record<string, unknown>>, first: readonly string[]): void {
  const given = (name: string): boolean => Object.hasOwn(input, name) && input[name] !== undefined;
  const leading = first.filter(given);
  const rest = Object.keys(input).filter((name) => given(name) && !first.includes(name));
  let between = '';
  for (const name of leading) {
    pages.write(between);
    writeField(pages, name, input[name]);
    between = '\n\n';
  }
  if (leading.length > 0) pages.endShared();
  for (const name of rest) {
    pages.write(between);
    writeField(pages, name, input[name]);
    between = '\n\n';
  }
}

function writeField(pages: Pages, name: string, value: unknown): void {
  const isText = typeof value === 'string';
  const inside = isAttachment(value) ? undefined : isText ? value : pages.json(value);
  const { open, close } = tagsOf(name, inside ?? '', isText && couldBeJson(value));
  pages.write(`${open}\n${inside ?? ''}`);
  if (isAttachment(value)) pages.attach(value);
  pages.write(`\n${close}`);
  pages.writeNumbered();
}

/** Names that stand in a tag as they are. Others, and those that look like what is written here, stand in quotes. */
const PLAIN = /^(?!field$|attachment$)[A-Za-z_][\w.-]*$/;
const NUMBERED = /-\d+$/;

function tagsOf(name: string, inside: string, isText: boolean): { readonly open: string; readonly close: string } {
  const isPlain = PLAIN.test(name) && !NUMBERED.test(name);
  const word = isPlain ? name : 'field';
  let tag = word;
  for (let nth = 1; inside.includes(`</${tag}>`); nth += 1) tag = `${word}-${nth}`;
  return { open: `<${tag}${isPlain ? '' : ` name=${JSON.stringify(name)}`}${isText ? ' type="text"' : ''}>`, close: `</${tag}>` };
}

/** Text that JSON might read as: it then says that it is none. More than need be, so that nothing long is parsed. */
function couldBeJson(text: string): boolean {
  const ends = `${text[0] ?? ''}${text.at(-1) ?? ''}`;
  if (ends === '{}' || ends === '[]' || ends === '""') return true;
  return text.length <= 32 && /^(?:true|false|null|-?\d[\d.eE+-]*)$/.test(text);
}

/** Text that begins as a field does. */
function couldBeField(text: string): boolean {
  return /^<[A-Za-z_][^\n]*>\n/.test(text);
}

/** What is written so far, in pieces. */
class Pages {
  readonly #pieces: Piece[] = [];
  #text = '';
  /** Attachments inside JSON, which stand behind it. */
  #numbered: Attachment[] = [];
  #count = 0;

  write(text: string): void {
    this.#text += text;
  }

  attach(attachment: Attachment): void {
    this.#flush();
    this.#pieces.push({ attachment });
  }

  endShared(): void {
    this.#pieces.push({ text: this.#text, isShared: true });
    this.#text = '';
  }

  pieces(): readonly Piece[] {
    if (this.#text !== '' || this.#pieces.length === 0) this.#pieces.push({ text: this.#text });
    this.#text = '';
    return this.#pieces;
  }

  #flush(): void {
    if (this.#text !== '') this.#pieces.push({ text: this.#text });
    this.#text = '';
  }

  /** JSON for the model. A transform may have made what JSON would show as nothing: that is an error, never an empty prompt. */
  json(value: unknown): string {
    const text = JSON.stringify(value, (_, inner: unknown) => {
      const lost = inner instanceof Map || inner instanceof Set ? inner.constructor.name : typeof inner;
      if (['Map', 'Set', 'bigint', 'function', 'symbol'].includes(lost)) {
        throw new AmdahlError(
          'NOT_JSON',
          `The contract of the input makes a ${lost}, which a model cannot be shown. Let its transform give plain JSON.`,
        );
      }
      return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? this.#shown(inner) : inner;
    });
    return text ?? 'null';
  }

  /** An attachment in JSON is its number. What only looks like one gets one more $ in front. */
  #shown(inner: object): unknown {
    if (isAttachment(inner)) {
      this.#numbered.push(inner);
      return { $file: this.#count + this.#numbered.length };
    }
    if (!Object.keys(inner).some((key) => NUMBER_KEY.test(key))) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, value]) => [NUMBER_KEY.test(key) ? `$${key}` : key, value]));
  }

  /** The attachments of the JSON before, by their numbers. */
  writeNumbered(): void {
    for (const attachment of this.#numbered) {
      this.#count += 1;
      this.write(`\n\n<attachment n="${this.#count}">\n`);
      this.attach(attachment);
      this.write('\n</attachment>');
    }
    this.#numbered = [];
  }
}

const NUMBER_KEY = /^\$+file$/;
