// The contract of composites that declare none: they pass on what their parts, which have contracts, take and give.

import type { Contract } from './contract.ts';
import { AmdahlError } from './errors.ts';

/** Anything. Never shown to a model. */
export const open: Contract = {
  kind: 'open',
  validate: (value) => ({ ok: true, value }),
  jsonSchema: () => {
    throw new AmdahlError('NO_JSON_SCHEMA', 'An agent without an input schema cannot be a tool of a model. Give it one.');
  },
};
