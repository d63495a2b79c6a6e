// What is publicly known of models: prices and context windows, from @pydantic/genai-prices, a data package that
// follows the providers' price pages. Called by run/ once per model of a run, beneath the user's own prices. The package
// is loaded once, when a model of a provider that it covers is first asked; a model that it does not know has no
// price, never a price of zero.

import type { ModelInfo, ModelPrice, PriceCalculation } from '@pydantic/genai-prices';
import { AmdahlError, describe } from '../agent/errors.ts';
import type { Price, Rate } from './prices.ts';

/** What is known of a model. `contextTokens` is how many tokens fit into one request, prompt and answer together. */
export interface Facts {
  readonly price?: Price;
  readonly contextTokens?: number;
}

type Source = Pick<typeof import('@pydantic/genai-prices'), 'calcPrice'>;

/**
 * The package's providers by AI SDK provider name, up to its first dot: 'openai.responses' is 'openai'. Left out are
 * those whose model ids are names that users give (Azure's deployments) and servers of the user's own.
 */
const PROVIDERS: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'google',
  vertex: 'google',
  'google-vertex': 'google',
  mistral: 'mistral',
  groq: 'groq',
  xai: 'x-ai',
  openrouter: 'openrouter',
  'amazon-bedrock': 'aws',
  cerebras: 'cerebras',
  cohere: 'cohere',
  deepseek: 'deepseek',
  fireworks: 'fireworks',
  moonshotai: 'moonshotai',
  perplexity: 'perplexity',
  togetherai: 'together',
};

const NOTHING: Facts = Object.freeze({});

let source: Source | undefined;
let loading: Promise<Source> | undefined;

/**
 * What is known of a model ('provider/modelId', as journals name it) at a time in epoch ms: prices change by date.
 * One that depends on the time of day is the dearest of that day, so that no cap is overrun. Nothing where the
 * provider or the model is not known. A promise only for the first model of a provider that is covered: loading takes
 * about 40 ms and 25 MB; O(the provider's models), so callers keep it.
 * @throws AmdahlError PACKAGE_MISSING when an installation is broken.
 */
export function factsOf(model: string, now: number): Facts | Promise<Facts> {
  const entry = entryOf(model);
  if (entry === undefined) return NOTHING;
  const day = Math.floor(now / DAY_MS);
  const known = looked.get(model);
  if (known?.day === day) return known.facts;
  if (source !== undefined) return keep(model, day, lookUp(source, entry, now));
  loading ??= load();
  return loading.then((loaded) => keep(model, day, lookUp(loaded, entry, now)));
}

/** What was looked up, on which day: prices change by date. Runs ask for the same few models over and over. */
const looked = new Map<string, { readonly day: number; readonly facts: Facts }>();
const LOOKED_MAX = 1_000;

function keep(model: string, day: number, facts: Facts): Facts {
  if (looked.size >= LOOKED_MAX) looked.clear();
  looked.set(model, { day, facts });
  return facts;
}

interface Entry {
  readonly providerId: string;
  readonly modelId: string;
}

/** Where the package would keep a model. A gateway's models cost what their makers' do, and are named after them. */
function entryOf(model: string): Entry | undefined {
  const [first = '', ...rest] = model.split('/');
  const modelId = rest.join('/');
  if (modelId === '') return undefined;
  if (first === 'gateway') return entryOf(modelId);
  const name = first.split('.')[0] ?? first;
  const providerId = Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name] : undefined;
  return providerId === undefined ? undefined : { providerId, modelId };
}

async function load(): Promise<Source> {
  try {
    source = await import('@pydantic/genai-prices');
    return source;
  } catch (cause) {
    loading = undefined;
    throw new AmdahlError(
      'PACKAGE_MISSING',
      `The prices of models cannot be loaded: ${describe(cause)}. The package @pydantic/genai-prices comes with amdahl; install anew.`,
      { cause },
    );
  }
}

function lookUp(from: Source, entry: Entry, now: number): Facts {
  const found = ask(from, entry, now);
  if (found === null) return NOTHING;
  const contextTokens = found.model.context_window;
  const price = dearest(timesOf(found.model, now).map((time) => priceFrom((ask(from, entry, time) ?? found).model_price)));
  return { ...(price === undefined ? {} : { price }), ...(contextTokens === undefined ? {} : { contextTokens }) };
}

function ask(from: Source, { providerId, modelId }: Entry, time: number): PriceCalculation | null {
  // oxlint-disable-next-line eslint/no-restricted-globals -- a given time in the form that the package takes, not the clock
  return from.calcPrice({}, modelId, { providerId, timestamp: new Date(time) });
}

const DAY_MS = 86_400_000;

/** The times at which a day's prices of a model begin. */
function timesOf({ prices }: ModelInfo, now: number): readonly number[] {
  const times = [now];
  if (!Array.isArray(prices)) return times;
  const midnight = Math.floor(now / DAY_MS) * DAY_MS;
  for (const { constraint } of prices) {
    if (constraint?.type !== 'time_of_date') continue;
    for (const clock of [constraint.start_time, constraint.end_time]) times.push(midnight + msOfDay(clock));
  }
  return times;
}

/** '16:30:00Z', or with an offset in place of the Z, in ms since midnight UTC. */
function msOfDay(clock: string): number {
  const [, hours, minutes, seconds, sign, ahead = 0, more = 0] = /^(\d\d):(\d\d):([\d.]+)(?:Z|([+-])(\d\d):(\d\d))$/.exec(clock) ?? [];
  const offset = (Number(ahead) * 60 + Number(more)) * (sign === '-' ? -1 : 1);
  const ms = ((Number(hours) * 60 + Number(minutes) - offset) * 60 + Number(seconds)) * 1000;
  return (ms + DAY_MS) % DAY_MS;
}

function dearest(prices: readonly (Price | undefined)[]): Price | undefined {
  let most: Price | undefined;
  for (const price of prices) {
    if (price === undefined) return undefined;
    if (most === undefined || price.in + price.out > most.in + most.out) most = price;
  }
  return most;
}

/** What is paid beside tokens, or for kinds of tokens that are not counted here: a price without it would be too low. */
const UNSAID = ['requests_kcount', 'output_reasoning_mtok', 'output_citation_mtok'];

/** Nothing in it is the package's way to say that a model is free. */
function priceFrom(set: ModelPrice): Price | undefined {
  const keys = Object.keys(set);
  if (keys.length === 0) return { in: 0, out: 0 };
  if (set['input_mtok'] === undefined || set['output_mtok'] === undefined) return undefined;
  if (keys.some((key) => UNSAID.includes(key))) return undefined;
  const starts = new Set(keys.flatMap((key) => stepsOf(set[key]).map(({ start }) => start)));
  const over = [...starts].toSorted((a, b) => a - b).map((tokensIn) => ({ tokensIn, ...rateFrom(set, tokensIn + 1) }));
  return { ...rateFrom(set, 0), ...(over.length === 0 ? {} : { over }) };
}

function rateFrom(set: ModelPrice, tokensIn: number): Rate {
  const at = (key: string): number | undefined => {
    const value = set[key];
    if (typeof value !== 'object') return value;
    return stepsOf(value).findLast(({ start }) => tokensIn > start)?.price ?? value.base;
  };
  const [cached, written] = [at('cache_read_mtok'), at('cache_write_mtok')];
  return {
    in: at('input_mtok') ?? 0,
    out: at('output_mtok') ?? 0,
    ...(cached === undefined ? {} : { cached }),
    ...(written === undefined ? {} : { written }),
  };
}

function stepsOf(value: ModelPrice[string]): readonly { readonly start: number; readonly price: number }[] {
  return typeof value === 'object' ? value.tiers.toSorted((a, b) => a.start - b.start) : [];
}
