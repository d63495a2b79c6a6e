// The agents of one entry of a run: which models each may ask, what is the same for all its calls, what its models cost
// and the gates in front of them. Session has one; the funnel asks it.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import { fingerprint, modelName } from '../agent/fingerprint.ts';
import type { Setup } from '../journal/event.ts';
import { type Facts, factsOf } from '../model/facts.ts';
import type { Gate } from '../model/gate.ts';
import { gatesOf } from '../model/gates.ts';
import { priceOf, type PriceTable } from '../model/prices.ts';
import type { RateLimits } from '../model/rateLimits.ts';
import type { Registry } from '../model/registry.ts';
import { type Fixed, fixedOf } from '../model/render.ts';
import type { ModelSettings } from '../agent/settings.ts';
import { type Candidates, type Models, pickModels } from './models.ts';
import type { Clock } from './ports.ts';
import { type Settings, settingsIn } from './runSettings.ts';
import type { Secrets } from './secrets.ts';

export interface RosterOptions {
  readonly clock: Clock;
  readonly prices: PriceTable;
  readonly rateLimits: RateLimits;
  readonly models: Models;
  readonly settings: Settings;
  readonly registry: Registry;
  readonly secrets: Secrets;
}

/** What is the same for every call of an agent in one entry. */
interface Known {
  readonly candidates: Candidates | undefined;
  readonly fingerprint: string | undefined;
  readonly settings: ModelSettings;
  fixed: Fixed | undefined;
  /** Of the models behind the first: only its model's name is another. */
  readonly setups: Map<LanguageModelV4, Setup>;
}

export class Roster {
  readonly #options: RosterOptions;
  readonly #known = new Map<AnyAgent, Known>();
  readonly #facts = new Map<LanguageModelV4, Facts | Promise<Facts>>();
  readonly #gates = new Map<LanguageModelV4, Gate | undefined>();
  /** Models whose provider said that it does not pass on the form of an answer. */
  readonly #formless = new WeakSet<LanguageModelV4>();
  readonly #givenUp = new WeakMap<LanguageModelV4, AmdahlError>();

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** An agent is about to be asked: what it holds is secret before anything of the question is kept. */
  meet(agent: AnyAgent): void {
    this.#knownOf(agent);
  }

  /**
   * The models of an agent, in the order in which they are asked.
   * @throws AmdahlError MODEL_MISSING, MODEL_DENIED, MISCONFIGURED
   */
  candidatesOf(agent: AnyAgent): Candidates {
    return this.#knownOf(agent).candidates ?? pickModels(this.#options.models, agent, this.#options.registry);
  }

  fingerprintOf(agent: AnyAgent): string | undefined {
    return this.#knownOf(agent).fingerprint;
  }

  settingsOf(agent: AnyAgent): ModelSettings {
    return this.#knownOf(agent).settings;
  }

  fixedOf(agent: AnyAgent): Fixed {
    const known = this.#knownOf(agent);
    if (agent.behaviour.kind !== 'model') throw new AmdahlError('MISCONFIGURED', `'${agent.name}' is not answered by a model.`);
    const [{ model }] = this.candidatesOf(agent);
    return (known.fixed ??= this.#options.secrets.fixed(fixedOf(agent, agent.behaviour, modelName(model), known.settings)));
  }

  /** What is journaled of `fixedOf` where one of its models is asked. The same object each time: it is hashed once. */
  setupOf(agent: AnyAgent, model: LanguageModelV4): Setup {
    const { setup } = this.fixedOf(agent);
    const name = modelName(model);
    if (setup.model === name) return setup;
    const { setups } = this.#knownOf(agent);
    const own = setups.get(model) ?? Object.freeze({ ...setup, model: name });
    setups.set(model, own);
    return own;
  }

  /**
   * Makes a model ready to be asked, once per entry: a named one is loaded, and what it costs is looked up.
   * @throws AmdahlError PACKAGE_MISSING, KEY_MISSING, PROGRAM_BROKEN
   */
  prepare(model: LanguageModelV4): Facts | Promise<Facts> {
    const known = this.#facts.get(model);
    if (known !== undefined) return known;
    const facts = this.#lookUpFacts(model);
    this.#facts.set(model, facts);
    if (facts instanceof Promise)
      facts.then(
        (found) => this.#facts.set(model, found),
        () => this.#facts.delete(model),
      );
    return facts;
  }

  #lookUpFacts(model: LanguageModelV4): Facts | Promise<Facts> {
    const name = modelName(model);
    const ready = this.#options.registry.ready(model);
    const facts = factsOf(name, this.#options.clock.now());
    const own = priceOf(this.#options.prices, name);
    const merged = (found: Facts): Facts => (own === undefined ? found : { ...found, price: own });
    if (ready === undefined && !(facts instanceof Promise)) return merged(facts);
    return Promise.all([facts, ready]).then(([found]) => merged(found));
  }

  /** The gate in front of a model that is ready to be asked. */
  gateOf(model: LanguageModelV4): Gate | undefined {
    if (this.#gates.has(model)) return this.#gates.get(model);
    const gate = gatesOf(this.#options.clock).of(model, this.#options.rateLimits);
    this.#gates.set(model, gate);
    return gate;
  }

  /** The gates that this entry came to, each once. */
  gates(): readonly Gate[] {
    return [...new Set(this.#gates.values())].filter((gate) => gate !== undefined);
  }

  /** Whether the form of an answer must be spelled out for this model. */
  isFormless(model: LanguageModelV4): boolean {
    return this.#formless.has(model) || ('supportsStructuredOutputs' in model && model.supportsStructuredOutputs === false);
  }

  noteFormless(model: LanguageModelV4): void {
    this.#formless.add(model);
  }

  /** Why a model is not asked any more in this entry where another can be: its provider takes nothing from this account. */
  givenUp(model: LanguageModelV4): AmdahlError | undefined {
    return this.#givenUp.get(model);
  }

  giveUp(model: LanguageModelV4, why: AmdahlError): void {
    this.#givenUp.set(model, why);
  }

  #knownOf(agent: AnyAgent): Known {
    let known = this.#known.get(agent);
    if (known === undefined) {
      const pick = (one: AnyAgent): Candidates | undefined => {
        try {
          return pickModels(this.#options.models, one, this.#options.registry);
        } catch {
          return undefined; // said when it is asked, not when its fingerprint is taken
        }
      };
      const candidates = agent.behaviour.kind === 'model' ? pick(agent) : undefined;
      const settings = settingsIn(this.#options.settings, agent);
      const settingsOf = (one: AnyAgent): ModelSettings => (one === agent ? settings : settingsIn(this.#options.settings, one));
      const print = fingerprint(agent, (one) => pick(one)?.[0].model, settingsOf);
      known = { candidates, settings, fingerprint: print, fixed: undefined, setups: new Map() };
      this.#known.set(agent, known);
      if (candidates !== undefined)
        this.#options.secrets.meet(
          settings,
          candidates.map(({ model }) => model),
        );
    }
    return known;
  }
}
