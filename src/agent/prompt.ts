// What an agent says of how its input becomes a prompt: a function of its own, or which fields come first because many
// calls share them. Checked when the agent is made; model/inputPieces.ts renders by it.

import type { Attachment } from './attachment.ts';
import { type Contract, kindOf, type ParsedOf } from './contract.ts';
import { AmdahlError } from './errors.ts';
import { outputForm } from './jsonSchema.ts';
import { nearest } from './nearest.ts';

/** Text that, with all before it, many calls of the agent share: providers may cache up to here. */
export interface CachedText {
  readonly text: string;
  readonly cache: true;
}

/** A piece of a prompt: text as it is, an attachment, or text at which the shared beginning ends. */
export type Part = string | Attachment | CachedText;

/** Makes the prompt of an input, in place of the rendering field by field. Its own text is part of the fingerprint. */
export type Prompt<I, C> = (input: I, context: C) => string | readonly Part[];

/** The names of an input's fields; none where it is no object. */
export type FieldOf<IS> =
  ParsedOf<IS> extends readonly unknown[] ? never : ParsedOf<IS> extends object ? Extract<keyof ParsedOf<IS>, string> : never;

/** `auto` marks what may be cached as the provider wants it; a list does too, and names the fields that are rendered first. */
export type Cache<IS> = 'auto' | 'off' | readonly FieldOf<IS>[];

/** How an input is rendered. */
export interface Rendering {
  readonly prompt?: Prompt<unknown, unknown>;
  /** Whether what may be cached is marked for providers that want to be told. */
  readonly cache: 'auto' | 'off';
  /** Fields that are rendered first, in this order. */
  readonly first: readonly string[];
}

/** @throws AmdahlError MISCONFIGURED for a cache that is no choice, names what is no field, or goes with a prompt. Pure. */
export function renderingOf(given: { readonly prompt?: unknown; readonly cache?: unknown }, who: string): Rendering {
  const { prompt, cache = 'auto' } = given;
  if (prompt !== undefined && typeof prompt !== 'function')
    throw new AmdahlError('MISCONFIGURED', `${who} has ${kindOf(prompt)} as prompt. Give it a function of the input.`);
  const own = prompt === undefined ? {} : { prompt: prompt as Prompt<unknown, unknown> }; // called with what its contract let through
  if (cache === 'auto' || cache === 'off') return { ...own, cache, first: [] };
  if (!Array.isArray(cache) || !cache.every((name) => typeof name === 'string'))
    throw new AmdahlError('MISCONFIGURED', `${who} has a cache that is neither 'auto' nor 'off' nor a list of fields of its input.`);
  if (prompt !== undefined)
    throw new AmdahlError(
      'MISCONFIGURED',
      `${who} has a prompt of its own, which decides what comes first: mark it there, { text, cache: true }, and leave the list of fields out.`,
    );
  const twice = cache.find((name, nth) => cache.indexOf(name) < nth);
  if (twice !== undefined) throw new AmdahlError('MISCONFIGURED', `${who} names '${twice}' twice in cache.`);
  return { cache: 'auto', first: Object.freeze([...cache]) };
}

/** @throws AmdahlError MISCONFIGURED where a field that is to come first is none of the input. A schema without form is not asked. Pure. */
export function checkFirst({ first }: Rendering, input: Contract, who: string): void {
  if (first.length === 0) return;
  const form = input.schema === undefined ? { type: 'string' } : outputForm(input.schema);
  const fields = fieldsIn(form);
  if (fields === undefined) return;
  const odd = first.find((name) => !fields.includes(name));
  if (odd === undefined) return;
  const like = nearest(odd, fields);
  throw new AmdahlError(
    'MISCONFIGURED',
    fields.length === 0
      ? `${who} names '${odd}' in cache, but its input has no fields. Give it an object as input, or leave the list out.`
      : `${who} names '${odd}' in cache, which is no field of its input${like === undefined ? '.' : `; did you mean '${like}'?`} The fields are ${fields.join(', ')}.`,
  );
}

/** The fields of an object's JSON Schema; undefined where it does not list them. */
function fieldsIn(form: unknown): readonly string[] | undefined {
  if (typeof form !== 'object' || form === null) return undefined;
  if ('properties' in form && typeof form.properties === 'object' && form.properties !== null) {
    const open = 'additionalProperties' in form && form.additionalProperties !== false;
    return open ? undefined : Object.keys(form.properties);
  }
  return 'type' in form && form.type !== 'object' ? [] : undefined;
}
