// A model's name taken apart: whose model it is, which package speaks to it, and where it is. Called by the registry
// and by `doctor`. Nothing is loaded here.

import { AmdahlError } from '../agent/errors.ts';
import { nearest } from '../agent/nearest.ts';
import type { Environment, Provider } from './providers.ts';
import { compatible, PROVIDERS, valueOf } from './providers.ts';

export interface ModelName {
  /** As the name says: 'openai', 'openai.chat', 'http://localhost:8000/v1'. Together with `modelId` the model's identity. */
  readonly provider: string;
  readonly modelId: string;
  readonly entry: Provider;
  /** The provider's method that gives the model; undefined: the provider itself is called. */
  readonly method: string | undefined;
  /** Of a provider that amdahl does not know: the variable that says where it is. Asked for when the model is loaded. */
  readonly addressVariable?: string;
}

const FORMS =
  "Name it 'provider/modelId' ('openai/gpt-5', 'openai.chat/gpt-5' for one of its APIs, 'gateway:openai/gpt-5'), " +
  "'http://host/v1#modelId' for a server that speaks OpenAI's Chat Completions, or any 'name/modelId' with NAME_BASE_URL set.";

/**
 * Any provider may be named: whether one that amdahl does not know is set up here is another question (requireKnown), since
 * a run that has its answers asks nobody.
 * @throws AmdahlError MISCONFIGURED for what names no model on any machine. Pure.
 */
export function parseModelName(text: string): ModelName {
  const name = text.trim();
  if (/^https?:\/\//i.test(name)) return atAddress(name);
  const { provider, modelId } = split(name.startsWith('gateway:') ? name.replace(':', '/') : name);
  const [owner = '', ...rest] = provider.split('.');
  const known = Object.hasOwn(PROVIDERS, owner) ? PROVIDERS[owner] : undefined;
  const prefix = prefixOf(owner);
  const entry = known ?? compatible(owner, { prefix });
  const api = rest.join('.');
  const method = Object.hasOwn(entry.apis, api) ? entry.apis[api] : undefined;
  if (api !== '' && method === undefined) {
    if (known === undefined && likeOf(owner) !== undefined) throw unknownProvider(name, owner, modelId);
    throw unknownApi(name, owner, api, modelId, entry);
  }
  return { provider, modelId, entry, method, ...(known === undefined ? { addressVariable: `${prefix}_BASE_URL` } : {}) };
}

/** @throws AmdahlError MISCONFIGURED for a provider that neither amdahl nor the environment knows. Pure. */
export function requireKnown({ provider, modelId, addressVariable }: ModelName, env: Environment): void {
  if (addressVariable === undefined || valueOf(env, addressVariable) !== undefined) return;
  throw unknownProvider(`${provider}/${modelId}`, ownerOf(provider), modelId);
}

/**
 * The same for what looks like a slip of the pen on a provider that amdahl knows.
 * @throws AmdahlError MISCONFIGURED. Pure.
 */
export function refuseSlip(name: ModelName, env: Environment): void {
  if (likeOf(ownerOf(name.provider)) !== undefined) requireKnown(name, env);
}

/** A model's name as it may be shown: without the user, the password and the query that addresses hide secrets in. Pure. */
export function shownModelName(name: string): string {
  const safe = name.replace(/\/\/[^\s#]*@/g, '//').replace(/\?[^#]*/g, '');
  // An address whose scheme was forgotten; 'anthropic:claude@20250101' is none.
  return safe.replace(/^([^\s#/]+):[^\s#]*@/, (all, before: string) => (Object.hasOwn(PROVIDERS, before) ? all : ''));
}

/** How a model is called in messages, as it can be written again. */
export function textOf({ provider, modelId }: Pick<ModelName, 'provider' | 'modelId'>): string {
  return shownModelName(`${provider}${provider.includes('://') ? '#' : '/'}${modelId}`);
}

function ownerOf(provider: string): string {
  return provider.split('.')[0] ?? provider;
}

function likeOf(owner: string): string | undefined {
  return nearest(owner, Object.keys(PROVIDERS));
}

/** Names of providers, and of their APIs behind dots. */
const PROVIDER = /^[a-z0-9][\w-]*(?:\.[\w-]+)*$/i;

function split(name: string): { readonly provider: string; readonly modelId: string } {
  const at = name.indexOf('/');
  const provider = name.slice(0, Math.max(0, at));
  const modelId = name.slice(at + 1);
  if (PROVIDER.test(provider) && modelId !== '' && !/\s/.test(name)) return { provider, modelId };
  throw new AmdahlError('MISCONFIGURED', `'${shownModelName(name)}' is no name of a model${likely(name)}`);
}

/** What somebody meant who wrote no provider, or wrote it as other tools do; without an idea, all that can be written. */
function likely(name: string): string {
  const dotted = /^([\w-]+)\.+\/([^\s/?@]+)$/.exec(name);
  if (dotted !== null) return `: write '${dotted[1]}/${dotted[2]}'.`;
  const [before = '', ...after] = shownModelName(name).split(':');
  if (Object.hasOwn(PROVIDERS, before) && after.length > 0) return `: write '${before}/${after.join(':')}'.`;
  const owner = Object.entries(PROVIDERS).find(([, { begins = [] }]) => begins.some((start) => name.toLowerCase().startsWith(start)));
  return owner === undefined || /[\s/?@]/.test(name) ? `. ${FORMS}` : `: write '${owner[0]}/${name}'.`;
}

/** 'my-proxy' → 'MY_PROXY', as variables are written. */
function prefixOf(owner: string): string {
  return owner.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}

function atAddress(name: string): ModelName {
  const at = name.indexOf('#');
  const address = (at < 0 ? name : name.slice(0, at)).replace(/\/+$/, '');
  const modelId = at < 0 ? '' : name.slice(at + 1);
  const wrong = addressFlaw(address);
  // The name is journaled, and so is whatever is in it: it is not repeated here either.
  if (wrong !== undefined) throw new AmdahlError('MISCONFIGURED', `A model's address ${wrong}`);
  if (modelId === '') {
    throw new AmdahlError('MISCONFIGURED', `'${name}' says where a server is, not which of its models: write '${address}#modelId'.`);
  }
  return { provider: address, modelId, entry: compatible('openai-compatible', { baseUrl: address }), method: undefined };
}

/** What is wrong with an address in a name, as the rest of a sentence; undefined for nothing. */
function addressFlaw(address: string): string | undefined {
  if (!URL.canParse(address)) return 'is no URL: write http://host:port/v1#modelId.';
  const { username, password, search } = new URL(address);
  if (username === '' && password === '' && search === '') return undefined;
  return 'has a password or a query in it, and addresses are journaled. Set NAME_BASE_URL and NAME_API_KEY and call the model NAME/modelId.';
}

function unknownProvider(name: string, owner: string, modelId: string): AmdahlError {
  const like = likeOf(owner);
  const known = like === undefined ? `It knows ${Object.keys(PROVIDERS).join(', ')}.` : `Did you mean '${like}/${modelId}'?`;
  return new AmdahlError(
    'MISCONFIGURED',
    `'${shownModelName(name)}' names no provider that amdahl knows. ${known} ` +
      `For another one that speaks OpenAI's Chat Completions, set ${prefixOf(owner)}_BASE_URL (and ${prefixOf(owner)}_API_KEY), or name the model 'http://host/v1#${modelId}'.`,
  );
}

function unknownApi(name: string, owner: string, api: string, modelId: string, { apis }: Provider): AmdahlError {
  const names = Object.keys(apis);
  const like = nearest(api, names);
  const list = names.map((known) => `'${owner}.${known}/${modelId}'`);
  const hint = like === undefined ? '' : ` Did you mean '${owner}.${like}/${modelId}'?`;
  return new AmdahlError(
    'MISCONFIGURED',
    `'${shownModelName(name)}' picks an API '${api}' that ${owner} does not have here.${hint} Write '${owner}/${modelId}'${list.length === 0 ? '' : `, or ${list.join(', ')}`}.`,
  );
}
