// A form filled in by a person, field by field: the JSON Schema of an answer as questions, one per value. Called by answer, on a
// terminal. What it asks is decided here; who answers is behind `Dialogue`.
//
// F1 A value is held against its part of the form when it is typed, and the whole at the end: what comes out fits the form.
// F2 What may be left out is left out by Enter. What Enter cannot say, such as empty text, is typed as JSON: "".
// F3 A part of the form that is no question for a person (any value, several conditions at once) is typed as JSON.

import type { Json } from '../agent/canonical.ts';
import { describe, problemList } from '../agent/errors.ts';
import { misfits, pointedAt } from '../agent/form.ts';
import { childPath } from '../agent/path.ts';
import { clipLine, visible, widthOf } from './quantities.ts';
import { shapeText } from './shapeText.ts';

/** Whoever fills it in. `ask` rejects when they leave. */
export interface Dialogue {
  say(line: string): void;
  ask(prompt: string): Promise<string>;
}

type Schema = Readonly<Record<string, Json>>;

/** Enter, where it says something. */
type Empty = 'needed' | 'leaves it out' | 'is null' | 'ends the list';

const DEPTH_MAX = 20;
const ITEMS_MAX = 1_000;
const LABEL_COLUMNS_MAX = 100;

/** What choices do, by their names. */
export type Hints = Readonly<Record<string, string>>;

/** An answer that fits the form; of a form that is missing, a text. Rejects as `dialogue.ask` does. */
export async function fillForm(form: Json | undefined, dialogue: Dialogue, hints: Hints = {}): Promise<Json> {
  const filler = new Filler(form ?? { type: 'string' }, dialogue, hints);
  for (;;) {
    const value = (await filler.fill(form ?? { type: 'string' }, '', 'needed', 0)) ?? null;
    const problems = misfits(value, form);
    if (problems.length === 0) return value;
    dialogue.say(`That does not fit: ${problemList(problems)}. Once more, from the beginning.`);
  }
}

class Filler {
  readonly #root: Json;
  readonly #dialogue: Dialogue;
  readonly #hints: Hints;

  constructor(root: Json, dialogue: Dialogue, hints: Hints) {
    this.#root = root;
    this.#dialogue = dialogue;
    this.#hints = hints;
  }

  /** Undefined where it was left out. */
  async fill(part: Json | undefined, path: string, empty: Empty, depth: number): Promise<Json | undefined> {
    const schema = this.#resolved(part);
    if (depth > DEPTH_MAX || schema === undefined) return this.#json({}, path, empty);
    const { description } = schema;
    if (typeof description === 'string' && description !== '') this.#dialogue.say(clipLine(description, LABEL_COLUMNS_MAX));
    const options = optionsOf(schema);
    if (options !== undefined) return this.#alternatives(options, path, empty, depth);
    if ('const' in schema) return empty === 'needed' ? schema['const'] : this.#choose([schema['const'] ?? null], path, empty);
    if (Array.isArray(schema['enum'])) return this.#choose(schema['enum'] as readonly Json[], path, empty); // a list of JSON
    switch (schema['type']) {
      case 'boolean':
        return this.#boolean(path, empty);
      case 'integer':
      case 'number':
        return this.#number(schema, path, empty);
      case 'string':
        return this.#text(schema, path, empty);
      case 'null':
        return null;
      case 'array':
        return this.#list(schema, path, empty, depth);
      case 'object':
        return this.#object(schema, path, empty, depth);
      default:
        return this.#json(schema, path, empty);
    }
  }

  /** What a reference points at; undefined for what is no object, which anything fits. */
  #resolved(part: Json | undefined): Schema | undefined {
    let at: Json | undefined = part;
    for (let hops = 0; hops < DEPTH_MAX && isObject(at); hops += 1) {
      const all: Json | undefined = at['allOf'];
      const only: Json | undefined =
        Array.isArray(all) && all.length === 1 && at['properties'] === undefined ? (all[0] as Json) : undefined; // of JSON
      if (typeof at['$ref'] === 'string') at = pointedAt(at['$ref'], this.#root);
      else if (only !== undefined) at = only;
      else return at;
    }
    return undefined;
  }

  /** Asks until what is typed can be read and fits. `read` throws what is said. */
  async #until(schema: Schema, path: string, what: string, empty: Empty, read: (typed: string) => Json): Promise<Json | undefined> {
    for (;;) {
      const typed = (await this.#dialogue.ask(`${labelOf(path)} (${what}${EMPTY[empty]}): `)).trim();
      if (typed === '' && empty !== 'needed') return empty === 'is null' ? null : undefined;
      if (typed === '') {
        this.#dialogue.say('  An answer is needed here.');
        continue;
      }
      try {
        const value = read(typed);
        const problems = this.#misfits(value, schema);
        if (problems.length === 0) return value;
        this.#dialogue.say(`  ${visible(problemList(problems))}.`);
      } catch (error) {
        this.#dialogue.say(`  ${describe(error)}`);
      }
    }
  }

  /** With the definitions that its references point at. */
  #misfits(value: Json, schema: Schema): ReturnType<typeof misfits> {
    const root = isObject(this.#root) ? this.#root : {};
    const { definitions, $defs } = root;
    return misfits(value, {
      ...schema,
      ...(definitions === undefined ? {} : { definitions }),
      ...($defs === undefined ? {} : { $defs }),
    });
  }

  #boolean(path: string, empty: Empty): Promise<Json | undefined> {
    return this.#until({}, path, 'y/n', empty, (typed) => {
      if (/^(?:y|yes|true)$/i.test(typed)) return true;
      if (/^(?:n|no|false)$/i.test(typed)) return false;
      throw new Error('Type y or n.');
    });
  }

  #number(schema: Schema, path: string, empty: Empty): Promise<Json | undefined> {
    return this.#until(schema, path, `${schema['type'] === 'integer' ? 'whole number' : 'number'}${boundsOf(schema)}`, empty, (typed) => {
      const value = Number(typed.replace(/^(-?\d+),(\d+)$/, '$1.$2'));
      if (Number.isFinite(value)) return value;
      throw new Error('That is no number.');
    });
  }

  #text(schema: Schema, path: string, empty: Empty): Promise<Json | undefined> {
    const { format } = schema;
    return this.#until(schema, path, typeof format === 'string' ? format : 'text', empty, unquoted);
  }

  #json(schema: Schema, path: string, empty: Empty): Promise<Json | undefined> {
    return this.#until(schema, path, `JSON: ${clipLine(shapeText(schema), LABEL_COLUMNS_MAX)}`, empty, (typed) => {
      try {
        return JSON.parse(typed) as Json; // as JSON.parse gives it
      } catch (error) {
        throw new Error(`That is no JSON: ${describe(error)}`, { cause: error });
      }
    });
  }

  /** One of a few values, by its number or as it is. */
  async #choose(choices: readonly Json[], path: string, empty: Empty): Promise<Json | undefined> {
    const texts = choices.map(textOf);
    const at = await this.#pick(texts, path, empty);
    return at === undefined ? (empty === 'is null' ? null : undefined) : choices[at];
  }

  async #pick(texts: readonly string[], path: string, empty: Empty): Promise<number | undefined> {
    const columns = Math.max(...texts.map(widthOf));
    for (const [index, text] of texts.entries()) {
      const label = clipLine(text, LABEL_COLUMNS_MAX);
      const hint = Object.hasOwn(this.#hints, text) ? `${' '.repeat(columns - widthOf(text))}  ${this.#hints[text] ?? ''}` : '';
      this.#dialogue.say(`  ${index + 1}  ${label}${hint}`);
    }
    const what = texts.length === 1 ? '1' : `1-${texts.length}`;
    const picked = await this.#until({}, path, what, empty, (typed) => {
      const said = texts.findIndex((text) => text.toLowerCase() === typed.toLowerCase());
      const index = said >= 0 ? said : Number(typed) - 1;
      if (Number.isInteger(index) && index >= 0 && index < texts.length) return index;
      throw new Error(`Type a number from 1 to ${texts.length}, or one of them.`);
    });
    return typeof picked === 'number' ? picked : undefined;
  }

  async #alternatives(options: readonly Json[], path: string, empty: Empty, depth: number): Promise<Json | undefined> {
    const some = options.filter((option) => !isNull(this.#resolved(option)));
    const whenEmpty: Empty = some.length < options.length && empty === 'needed' ? 'is null' : empty;
    const [only] = some;
    if (some.length <= 1) return this.fill(only ?? { type: 'null' }, path, whenEmpty, depth + 1);
    const at = await this.#pick(
      some.map((option) => alternativeText(this.#resolved(option))),
      path,
      whenEmpty,
    );
    if (at === undefined) return whenEmpty === 'is null' ? null : undefined;
    return this.fill(some[at], path, 'needed', depth + 1);
  }

  /** Whether a part that is more than one line to type is filled in at all. */
  async #wanted(path: string, empty: Empty): Promise<boolean> {
    if (empty === 'needed') return true;
    const typed = await this.#dialogue.ask(`${labelOf(path)}: ${empty === 'ends the list' ? 'one more' : 'fill it in'}? [y/N] `);
    return /^y(?:es)?$/i.test(typed.trim());
  }

  async #list(schema: Schema, path: string, empty: Empty, depth: number): Promise<Json | undefined> {
    const { items, minItems, maxItems } = schema;
    if (Array.isArray(items) || schema['prefixItems'] !== undefined) return this.#json(schema, path, empty);
    if (!(await this.#wanted(path, empty))) return empty === 'is null' ? null : undefined;
    const [least, most] = [typeof minItems === 'number' ? minItems : 0, typeof maxItems === 'number' ? maxItems : ITEMS_MAX];
    for (;;) {
      this.#dialogue.say(`${labelOf(path)}: a list${least > 0 ? ` of ${least} or more` : ''}, item by item`);
      const list: Json[] = [];
      while (list.length < most) {
        const item = await this.fill(items, childPath(path, list.length), list.length < least ? 'needed' : 'ends the list', depth + 1);
        if (item === undefined) break;
        list.push(item);
      }
      const problems = this.#misfits(list, schema);
      if (problems.length === 0) return list;
      this.#dialogue.say(`  ${visible(problemList(problems))}. Once more:`);
    }
  }

  async #object(schema: Schema, path: string, empty: Empty, depth: number): Promise<Json | undefined> {
    const { properties, required, additionalProperties } = schema;
    const known = isObject(properties) ? Object.entries(properties) : [];
    if (known.length === 0 && !isObject(additionalProperties)) return this.#json(schema, path, empty);
    if (!(await this.#wanted(path, empty))) return empty === 'is null' ? null : undefined;
    const needed = new Set<unknown>(Array.isArray(required) ? required : []);
    const entries: [name: string, value: Json][] = [];
    for (const [name, part] of known) {
      const given = await this.fill(part, childPath(path, name), needed.has(name) ? 'needed' : 'leaves it out', depth + 1);
      if (given !== undefined) entries.push([name, given]);
    }
    if (isObject(additionalProperties))
      for (;;) {
        const name = await this.#until({ type: 'string' }, path, 'a name', 'ends the list', unquoted);
        if (typeof name !== 'string') break;
        entries.push([name, (await this.fill(additionalProperties, childPath(path, name), 'needed', depth + 1)) ?? null]);
      }
    return Object.fromEntries(entries);
  }
}

const EMPTY: Readonly<Record<Empty, string>> = {
  needed: '',
  'leaves it out': ', Enter leaves it out',
  'is null': ', Enter for none',
  'ends the list': ', Enter ends the list',
};

function isObject(value: Json | undefined): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The alternatives of a choice between whole forms. */
function optionsOf(schema: Schema): readonly Json[] | undefined {
  for (const key of ['anyOf', 'oneOf'] as const) {
    const options = schema[key];
    if (Array.isArray(options) && schema['properties'] === undefined) return options as readonly Json[]; // of JSON
  }
  const { type } = schema;
  return Array.isArray(type) ? type.map((one): Json => ({ ...schema, type: one as Json })) : undefined; // of JSON
}

function isNull(schema: Schema | undefined): boolean {
  return schema !== undefined && (schema['type'] === 'null' || schema['const'] === null);
}

/** An alternative by what it is called, else by what tells it apart: its own fixed value, else its shape. */
function alternativeText(schema: Schema | undefined): string {
  if (schema === undefined) return 'anything';
  const { title, description, properties } = schema;
  const fixed = isObject(properties) ? Object.values(properties).find((part) => isObject(part) && 'const' in part) : undefined;
  const name = typeof title === 'string' ? title : isObject(fixed) ? textOf(fixed['const'] ?? null) : shapeText(schema);
  return typeof description === 'string' ? `${name}: ${description}` : name;
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function boundsOf({ minimum, maximum }: Schema): string {
  // What schema libraries write for 'a safe integer' is no bound.
  const [least, most] = [minimum, maximum].map((one) =>
    typeof one === 'number' && Math.abs(one) < Number.MAX_SAFE_INTEGER ? one : undefined,
  );
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}`;
  return least !== undefined ? `, ${least} or more` : most !== undefined ? `, ${most} or less` : '';
}

/** A JSON string stands for its text: with line breaks, or empty. */
function unquoted(typed: string): string {
  if (!/^".*"$/.test(typed)) return typed;
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === 'string' ? value : typed;
  } catch {
    return typed;
  }
}

function labelOf(path: string): string {
  return path === '' ? 'answer' : visible(path);
}
