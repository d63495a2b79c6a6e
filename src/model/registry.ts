// Models by name. run/session.ts turns the strings in agents, runs and AMDAHL_MODEL into models here, and asks for
// them to be ready before the first request.
//
// R1 naming costs nothing: a package is loaded when a model is made ready or asked, and then once.
// R2 the same name is the same object, and its identity (provider, modelId) is what the name says, whatever the package
//    calls itself.
// R3 nothing between here and the socket sends twice, so the gate counts every request. In the AI SDK the only callers
//    of retryWithExponentialBackoff (@ai-sdk/provider-utils) are generateText and its like, in the package `ai`, around
//    doGenerate; no provider package calls it, @ai-sdk/gateway and @openrouter/ai-sdk-provider neither (read in openai
//    4.0.118, anthropic 4.0.105, google 4.0.121, mistral 4.0.87, groq 4.0.84, xai 5.0.12, openai-compatible 3.0.92,
//    gateway 4.0.146, openrouter 3.1.0; registry.test.ts counts what arrives at a server that only fails).

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { BEHIND } from './behind.ts';
import type { ModelName } from './modelName.ts';
import { parseModelName } from './modelName.ts';
import { loadModel } from './providerPackage.ts';
import type { Environment } from './providers.ts';
import { valueOf } from './providers.ts';

/** What the registry needs of the machine. run/surroundings.ts has the system's. */
export interface Surroundings {
  readonly env: Environment;
  /** Imports a package; rejects as import() does, with ERR_MODULE_NOT_FOUND where it is not installed. */
  readonly load: (specifier: string) => Promise<unknown>;
  /** The command that installs packages here, such as 'pnpm add @ai-sdk/openai'. */
  readonly installCommand: (packages: readonly string[]) => string;
}

export interface Registry {
  /** AMDAHL_MODEL: the name of the model of agents that were given none. */
  readonly usual: string | undefined;
  /**
   * The model of a name: the same object each time, and nothing is loaded, nor looked up in the environment.
   * @throws AmdahlError MISCONFIGURED for what names no model on any machine.
   */
  readonly model: (name: string) => LanguageModelV4;
  /**
   * Loads a named model's package and checks that it is set up. Undefined where nothing is to be waited for: the model is
   * loaded, or was not named here. Rejects with PACKAGE_MISSING, KEY_MISSING, MISCONFIGURED for a provider that nobody
   * knows and settings that cannot be right, and PROGRAM_BROKEN for a package that is installed and cannot be loaded.
   */
  readonly ready: (model: LanguageModelV4) => Promise<void> | undefined;
}

/** Models by name, whose packages, keys and addresses come from the surroundings. */
export function registry(surroundings: Surroundings): Registry {
  const byName = new Map<string, NamedModel>();
  return {
    get usual() {
      return valueOf(surroundings.env, 'AMDAHL_MODEL');
    },
    model: (name) => {
      const parsed = parseModelName(name);
      const key = JSON.stringify([parsed.provider, parsed.modelId]);
      const model = byName.get(key) ?? new NamedModel(parsed, surroundings);
      byName.set(key, model);
      return model;
    },
    ready: (model) => (model instanceof NamedModel && !model.loaded ? model.load().then(() => {}) : undefined),
  };
}

/** A model that is loaded when it is first needed. A failed load is tried again by whoever asks next. */
class NamedModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  readonly #name: ModelName;
  readonly #surroundings: Surroundings;
  #real: LanguageModelV4 | undefined;
  #loading: Promise<LanguageModelV4> | undefined;

  constructor(name: ModelName, surroundings: Surroundings) {
    this.provider = name.provider;
    this.modelId = name.modelId;
    this.#name = name;
    this.#surroundings = surroundings;
  }

  get loaded(): boolean {
    return this.#real !== undefined;
  }

  get [BEHIND](): LanguageModelV4 | undefined {
    return this.#real;
  }

  get supportedUrls(): LanguageModelV4['supportedUrls'] {
    if (this.#real !== undefined) return this.#real.supportedUrls;
    const urls = this.load().then((real) => real.supportedUrls);
    urls.catch(() => {}); // Whoever reads them is told; looking at a model must not end the process.
    return urls;
  }

  /** Whether the loaded model says that it keeps to a JSON Schema; undefined where it does not say, or is not loaded. */
  get supportsStructuredOutputs(): boolean | undefined {
    const real = this.#real;
    if (real === undefined || !('supportsStructuredOutputs' in real)) return undefined;
    return typeof real.supportsStructuredOutputs === 'boolean' ? real.supportsStructuredOutputs : undefined;
  }

  doGenerate(options: Parameters<LanguageModelV4['doGenerate']>[0]): ReturnType<LanguageModelV4['doGenerate']> {
    if (this.#real !== undefined) return this.#real.doGenerate(options);
    return this.load().then((real) => real.doGenerate(options));
  }

  doStream(options: Parameters<LanguageModelV4['doStream']>[0]): ReturnType<LanguageModelV4['doStream']> {
    if (this.#real !== undefined) return this.#real.doStream(options);
    return this.load().then((real) => real.doStream(options));
  }

  load(): Promise<LanguageModelV4> {
    this.#loading ??= loadModel(this.#name, this.#surroundings).then(
      (real) => (this.#real = real),
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }
}
