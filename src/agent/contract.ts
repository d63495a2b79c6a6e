// Contracts: what an agent takes and gives, made from any Standard Schema or plain text. The funnel validates with
// them at both sides of every handoff; the tool loop shows models their JSON Schema.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { AmdahlError, describe, type Problem, sentence } from './errors.ts';
import { convert, type JsonSchema, wrapForModel } from './jsonSchema.ts';
import { pathText } from './path.ts';

export { type JsonSchema, wrapForModel };

/** Marks the schema of conversations, which turns what it is given into JSON before anything is recorded. */
export const CONVERSATION: unique symbol = Symbol.for('amdahl.conversation') as never;

/** The outcome of holding a value against a contract. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

export interface Contract<In = unknown, Out = unknown> {
  readonly kind: 'text' | 'schema' | 'open';
  readonly schema?: StandardSchemaV1<In, Out>;
  /** Set for conversations: what is given, as it is recorded and sent. Nothing is thrown: what is wrong with it is told by validate(). */
  readonly raw?: (value: unknown) => unknown;
  /**
   * Raw value -> contracted value or at most PROBLEMS_MAX problems. Sync when the schema is sync.
   * @throws AmdahlError CODE_FAILED when the schema's own code throws.
   */
  validate(value: unknown): Checked<Out> | Promise<Checked<Out>>;
  /**
   * The draft-07 JSON Schema of the input side (what a model must write). Computed once, when first asked for.
   * @throws AmdahlError NO_JSON_SCHEMA when the schema has none, with what to do.
   */
  jsonSchema(): JsonSchema;
}

/** What a caller gives where a schema, or none, stands: none is text. */
export type RawOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : string;
/** What a caller gets where a schema, or none, stands: none is text. */
export type ParsedOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : string;

/** How many problems one validation reports; the last one then says how many there are beyond. */
export const PROBLEMS_MAX = 20;

/** The contract of agents that declare none. */
export const text: Contract<string, string> = {
  kind: 'text',
  validate: (value) =>
    typeof value === 'string'
      ? { ok: true, value }
      : { ok: false, problems: [{ path: '', message: `expected text, got ${kindOf(value)}` }] },
  jsonSchema: () => ({ type: 'string' }),
};

/**
 * The contract of a Standard Schema, or `text` for none. `who` names it in errors ('the output of review').
 * @throws AmdahlError MISCONFIGURED when it is no Standard Schema.
 */
export function contractOf<In, Out>(schema: StandardSchemaV1<In, Out>, who: string): Contract<In, Out>;
export function contractOf(schema: undefined, who: string): Contract<string, string>;
export function contractOf(schema: StandardSchemaV1 | undefined, who: string): Contract;
export function contractOf(schema: StandardSchemaV1 | undefined, who: string): Contract {
  if (schema === undefined) return text; // text takes any value and says what is wrong with it
  if (!isStandard(schema)) {
    throw new AmdahlError(
      'MISCONFIGURED',
      sentence(
        `${who} is not a Standard Schema but ${kindOf(schema)}: give a schema of zod 4, valibot 1, arktype 2 or another library of standardschema.dev`,
      ),
    );
  }
  const standard = schema['~standard'];
  let converted: JsonSchema | undefined;
  const raw = CONVERSATION in schema ? { raw: schema[CONVERSATION] as (value: unknown) => unknown } : {}; // messages() puts it there
  return {
    kind: 'schema',
    schema,
    ...raw,
    validate(value) {
      try {
        const result = standard.validate(value);
        return 'then' in result ? settle(Promise.resolve(result), who) : checked(result);
      } catch (cause) {
        throw threw(who, cause);
      }
    },
    jsonSchema: () => (converted ??= convert(schema, who)),
  };
}

function isStandard(schema: unknown): boolean {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return false;
  const standard: unknown = Reflect.get(schema, '~standard');
  return typeof standard === 'object' && standard !== null && 'validate' in standard && typeof standard.validate === 'function';
}

async function settle<T>(result: Promise<StandardSchemaV1.Result<T>>, who: string): Promise<Checked<T>> {
  let settled: StandardSchemaV1.Result<T>;
  try {
    settled = await result;
  } catch (cause) {
    throw threw(who, cause);
  }
  return checked(settled);
}

function threw(who: string, cause: unknown): AmdahlError {
  return new AmdahlError(
    'CODE_FAILED',
    `The schema of ${who} threw: ${describe(cause).replace(/\.+$/, '')}. A refinement or transform should report an issue instead of throwing.`,
    { cause },
  );
}

function checked<T>(result: StandardSchemaV1.Result<T>): Checked<T> {
  return result.issues === undefined ? { ok: true, value: result.value } : { ok: false, problems: atMost(result.issues.map(problemOf)) };
}

/** The first problems, and how many more there are. Pure. */
export function atMost(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= PROBLEMS_MAX) return problems;
  const kept = problems.slice(0, PROBLEMS_MAX - 1);
  return [...kept, { path: '', message: `and ${problems.length - kept.length} more problems` }];
}

function problemOf(issue: StandardSchemaV1.Issue): Problem {
  return { path: pathText(keysOf(issue)), message: issue.message + alternatives(issue) };
}

function keysOf(issue: StandardSchemaV1.Issue): readonly PropertyKey[] {
  // Not `.map`: arktype's path is an Array subclass whose constructor takes items, so mapping an empty one gives [0].
  return Array.from(issue.path ?? [], (segment) => (typeof segment === 'object' ? segment.key : segment));
}

/** zod says only "Invalid input" of a union and keeps why each alternative was refused: a model needs that to repair. */
function alternatives(issue: StandardSchemaV1.Issue): string {
  if (!('errors' in issue) || !Array.isArray(issue.errors)) return '';
  const options = issue.errors.slice(0, 5).map((branch: readonly StandardSchemaV1.Issue[]) =>
    branch
      .slice(0, 3)
      .map((inner) => [pathText(keysOf(inner)), inner.message].filter((part) => part !== '').join(': '))
      .join('; '),
  );
  return options.length === 0 ? '' : ` (${options.join(' | or: ')})`;
}

/** What a value is, in a word or two, for messages. Pure. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'object':
      return 'an object';
    case 'string':
      return 'text';
    default:
      return `a ${typeof value}`;
  }
}
