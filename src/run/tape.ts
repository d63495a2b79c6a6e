// cassette() as tests get it, from amdahl/testing: for models and for names of models, which are looked up here as runs
// look them up. Playing needs neither the package nor the key of a model that is named.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyLanguageModel } from '../model/adapted.ts';
import { BEHIND } from '../model/behind.ts';
import { cassette as recorder } from '../model/cassette.ts';
import type { CassetteOptions } from '../model/cassette.ts';
import { presentSecrets } from './codeAsker.ts';
import { systemRegistry } from './surroundings.ts';

/**
 * Gives models a memory in a file: `const tape = cassette('tapes/review.jsonl'); agent({ model: tape('openai/gpt-5') })`.
 * A model is known by its name: tape('openai/gpt-5') and tape(openai('gpt-5')), which calls itself openai.responses/gpt-5,
 * do not play each other's answers. Played answers never touch the model. Failures are not recorded. Of equal requests the
 * answers are played in the order in which they were asked.
 * @throws AmdahlError MISCONFIGURED for a mode that does not exist, what names no model and, when asked, for a file that
 * cannot be read or written; SCRIPT_DRIFT, when asked, for a request that is not recorded and may not be sent; and when it is
 * sent, PACKAGE_MISSING and KEY_MISSING.
 */
export function cassette(file: string, options: CassetteOptions = {}): (model: AnyLanguageModel | string) => LanguageModelV4 {
  // What a run holds secret is for no tape either, whoever says it.
  const tape = recorder(file, options, () => {
    const secrets = presentSecrets();
    return secrets === undefined || secrets.none ? undefined : (text) => secrets.json(text);
  });
  return (model) => tape(typeof model === 'string' ? named(model) : model);
}

/** What its package says of itself is not told: it would be known while recording, and not while playing. */
function named(name: string): LanguageModelV4 & { readonly [BEHIND]: object } {
  const model = systemRegistry.model(name);
  return {
    specificationVersion: 'v4',
    provider: model.provider,
    modelId: model.modelId,
    [BEHIND]: model,
    get supportedUrls() {
      return model.supportedUrls;
    },
    doGenerate: (options) => model.doGenerate(options),
    doStream: (options) => model.doStream(options),
  };
}
