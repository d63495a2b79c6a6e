// Answers that are made up, for programs that are tried without a key. They fit what was asked for, and mean nothing.

import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { canonical, hash } from '../agent/canonical.ts';
import type { ScriptedTurn } from '../model/scripted.ts';
import { between, dice } from '../modelServer/dice.ts';
import { generate } from '../modelServer/generate.ts';
import { phrase } from '../modelServer/phrase.ts';
import type { Schema } from '../modelServer/wire.ts';

const WORDS_LEAST = 12;
const WORDS_MOST = 30;

/**
 * A turn for `scripted` that fits a request: a value of the schema that is asked for, or words. The same request gives the same
 * turn. It calls no tools. Pure; O(size of the request and the value).
 * @throws AmdahlError MISCONFIGURED where no value of the schema can be made.
 */
export function madeUp({ prompt, responseFormat }: LanguageModelV4CallOptions): ScriptedTurn {
  const random = dice(0, hash(canonical(JSON.parse(JSON.stringify(prompt)))));
  if (responseFormat?.type === 'json')
    return { object: responseFormat.schema === undefined ? {} : generate(responseFormat.schema as Schema, random) }; // a schema is one to both
  return { text: `This is made up: ${phrase(random, between(random, WORDS_LEAST, WORDS_MOST))}.` };
}
