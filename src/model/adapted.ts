// Models of older AI SDK versions, spoken to as V4: everything above knows V4 alone. Called by run/ where a model
// enters. A request goes down (adaptedRequest.ts), a reply comes up (adaptedReply.ts); what the older version has no
// word for is an error, never left out in silence.

import type { LanguageModelV2, LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';
import { replyFromV2, replyFromV3, streamFromV2, streamFromV3 } from './adaptedReply.ts';
import { requestForV2, requestForV3 } from './adaptedRequest.ts';
import { BEHIND } from './behind.ts';

/** A language model of any AI SDK version that is understood: V4 of AI SDK 7, V3 of 6, V2 of 5. */
export type AnyLanguageModel = LanguageModelV4 | LanguageModelV3 | LanguageModelV2;

const VERSIONS: ReadonlySet<unknown> = new Set(['v2', 'v3', 'v4']);

/** Whether a value is a language model of AI SDK 5, 6 or 7. Pure. */
export function isLanguageModel(value: unknown): value is AnyLanguageModel {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const of = (name: string): unknown => Reflect.get(value, name);
  return (
    VERSIONS.has(of('specificationVersion')) &&
    typeof of('provider') === 'string' &&
    typeof of('modelId') === 'string' &&
    typeof of('doGenerate') === 'function' &&
    typeof of('doStream') === 'function'
  );
}

const known = new WeakMap<AnyLanguageModel, LanguageModelV4>();

/**
 * The model as a V4 one: itself, or the same adapter each time. Its requests reject with MODEL_BAD_REQUEST, before
 * anything is sent, where they hold what the model's version cannot say: reasoning effort, a provider's file reference.
 */
export function adapted(model: AnyLanguageModel): LanguageModelV4 {
  if (model.specificationVersion === 'v4') return model;
  let made = known.get(model);
  if (made === undefined) {
    made = model.specificationVersion === 'v3' ? fromV3(model) : fromV2(model);
    known.set(model, made);
  }
  return made;
}

function fromV3(model: LanguageModelV3): LanguageModelV4 {
  return {
    ...face(model),
    doGenerate: async (request) => replyFromV3(await model.doGenerate(requestForV3(request, model))),
    doStream: async (request) => {
      const { stream, ...rest } = await model.doStream(requestForV3(request, model));
      return { ...rest, stream: streamFromV3(stream) };
    },
  };
}

function fromV2(model: LanguageModelV2): LanguageModelV4 {
  return {
    ...face(model),
    doGenerate: async (request) => replyFromV2(await model.doGenerate(requestForV2(request, model)), model.provider),
    doStream: async (request) => {
      const { stream, ...rest } = await model.doStream(requestForV2(request, model));
      return { ...rest, stream: streamFromV2(stream, model.provider) };
    },
  };
}

function face(
  model: LanguageModelV3 | LanguageModelV2,
): Pick<LanguageModelV4, 'specificationVersion' | 'provider' | 'modelId' | 'supportedUrls'> & { readonly [BEHIND]: object } {
  const { provider, modelId, supportedUrls } = model;
  // Whether a model keeps to a JSON Schema is in no specification, and some providers tell it.
  const told = 'supportsStructuredOutputs' in model ? { supportsStructuredOutputs: model.supportsStructuredOutputs } : {};
  return { specificationVersion: 'v4', provider, modelId, supportedUrls, [BEHIND]: model, ...told };
}
