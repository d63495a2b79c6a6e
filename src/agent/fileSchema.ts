// The contract of attachments: `file.schema`, a Standard Schema with a JSON Schema that may also stand among zod's and
// arktype's own types. Nothing of those libraries is loaded: what they look at is there.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Attachment, isAttachment } from './attachment.ts';
import { kindOf } from './contract.ts';

/** As zod looks at a type: it asks for the trait, runs it, and takes its JSON Schema (read in zod 4.6.7, core/schemas.js). */
interface AmongZod {
  readonly input: Attachment;
  readonly output: Attachment;
  /** What zod's own types want to see. `never` fits all of it, and nobody is to touch it. */
  readonly version: never;
  readonly def: never;
  readonly deferred: never;
  readonly run: never;
  readonly parse: never;
  readonly traits: never;
  readonly bag: never;
  readonly isst: never;
  readonly constr: never;
  readonly pattern: never;
}

export interface FileSchema extends StandardSchemaV1<Attachment, Attachment> {
  /** For zod alone. */
  readonly _zod: AmongZod;
}

interface Payload {
  readonly value: unknown;
  readonly issues: unknown[];
}

const FORM = {
  type: 'object',
  description: 'a file',
  properties: { $file: { type: 'string' }, mediaType: { type: 'string' }, bytes: { type: 'integer' }, name: { type: 'string' } },
  required: ['$file'],
} as const;

function problemOf(value: unknown): string | undefined {
  return isAttachment(value) ? undefined : `expected a file, as file(…) makes it, and got ${kindOf(value)}`;
}

function run<P extends Payload>(payload: P): P {
  const message = problemOf(payload.value);
  if (message !== undefined) payload.issues.push({ code: 'custom', message, input: payload.value, path: [] });
  return payload;
}

const form = (): object => structuredClone(FORM);

const zod = {
  def: { type: 'custom' },
  traits: new Set(['$ZodType']),
  version: { major: 4, minor: 0, patch: 0 },
  bag: {},
  deferred: [],
  constr: Object,
  parse: run,
  run,
  toJSONSchema: form,
};

export const fileSchema: FileSchema = Object.freeze({
  '~standard': {
    version: 1 as const,
    vendor: 'amdahl',
    validate: (value: unknown) => {
      const message = problemOf(value);
      return message === undefined ? { value: value as Attachment } : { issues: [{ message }] }; // just looked at
    },
    jsonSchema: { input: form, output: form },
  },
  _zod: zod as unknown as AmongZod, // zod reads its types here, and they are never looked at
});
