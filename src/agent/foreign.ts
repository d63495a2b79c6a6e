// Schemas of foreign tools as contracts: a Standard Schema, or what the AI SDK calls a Schema (`jsonSchema` with an
// optional `validate`), also behind a function. Called for AI SDK and MCP tools.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Checked, type Contract, contractOf, type JsonSchema } from './contract.ts';
import { AmdahlError, describe, sentence } from './errors.ts';

interface SdkSchema {
  readonly jsonSchema: unknown;
  readonly validate?: unknown;
}

/** @throws AmdahlError NO_JSON_SCHEMA when a model could not be told of the arguments. */
export function foreignContract(schema: unknown, who: string): Contract {
  const found = typeof schema === 'function' && !('~standard' in schema) ? (schema as () => unknown)() : schema;
  if (isStandard(found)) return contractOf(found, who);
  if (!isSdkSchema(found)) {
    throw new AmdahlError(
      'NO_JSON_SCHEMA',
      sentence(
        `${who} has an inputSchema that is neither a Standard Schema nor an AI SDK schema. Give a zod, arktype or valibot schema, or jsonSchema({ … }).`,
      ),
    );
  }
  const form = jsonSchemaOf(found.jsonSchema, who);
  return { kind: 'schema', validate: (value) => validate(found, value), jsonSchema: () => form };
}

async function validate({ validate: check }: SdkSchema, value: unknown): Promise<Checked<unknown>> {
  if (typeof check !== 'function') return { ok: true, value };
  const result: unknown = await (check as (value: unknown) => unknown)(value);
  if (typeof result !== 'object' || result === null || !('success' in result)) return { ok: true, value };
  if (result.success === true) return { ok: true, value: 'value' in result ? result.value : value };
  return { ok: false, problems: [{ path: '', message: 'error' in result ? describe(result.error) : 'does not fit its schema' }] };
}

function jsonSchemaOf(form: unknown, who: string): JsonSchema {
  if (typeof form === 'object' && form !== null && !('then' in form)) return form as JsonSchema; // JSON by the AI SDK's own contract
  throw new AmdahlError(
    'NO_JSON_SCHEMA',
    sentence(`${who} makes its JSON Schema only later (a promise). Await it first and pass jsonSchema(await …).`),
  );
}

function isStandard(value: unknown): value is StandardSchemaV1 {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value;
}

function isSdkSchema(value: unknown): value is SdkSchema {
  return typeof value === 'object' && value !== null && 'jsonSchema' in value;
}
