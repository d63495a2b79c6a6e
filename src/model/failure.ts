// What a model threw, in this family: one code of the closed set, whether sending again may help, and a message that
// says what was wrong, where and what to do. Called by sending.ts for every failed one, and by whoever asks a provider
// something else. Total: whatever was thrown, an AmdahlError comes back, without keys and without query strings.

import { AmdahlError, type ErrorCode, type Retryable, sentence } from '../agent/errors.ts';
import { type FailureKind, isWebPage, kindOf } from './failureKind.ts';
import { type Signs, signsOf } from './failureSigns.ts';
import { durationMs, retryAfterMs, retryAfterWords } from './retryAfter.ts';
import { withoutSecrets } from './secrets.ts';

/** What is known of the request that failed. */
export interface FailureContext {
  /** 'provider/modelId', for the message. */
  readonly model: string;
  /** Whether the headers of an answer came; undefined where nobody could see. */
  readonly answered: boolean | undefined;
  /** Epoch ms. */
  readonly now: number;
  /** Estimated. */
  readonly tokensIn: number;
  readonly contextTokens?: number;
}

/** For each kind: its code, whether to send again, what was wrong, and what to do. */
const KINDS: Readonly<Record<FailureKind, readonly [code: ErrorCode, again: 'no' | 'yes', what: string, advice: string]>> = {
  rateLimited: [
    'MODEL_RATE_LIMITED',
    'yes',
    'the provider takes no more requests for now',
    'Send less at once, or ask the provider for higher limits.',
  ],
  quota: [
    'MODEL_RATE_LIMITED',
    'no',
    'the quota or the credit of the account is used up',
    "Check plan, billing and spending limits in the provider's console.",
  ],
  tooLargeForLimit: [
    'MODEL_RATE_LIMITED',
    'no',
    "this one request is larger than the account's tokens per minute",
    'Send less text, or ask the provider for a higher limit.',
  ],
  overloaded: ['MODEL_OVERLOADED', 'yes', 'the provider is overloaded', 'Try later, or name another model.'],
  unavailable: ['MODEL_UNAVAILABLE', 'yes', 'the provider failed', "Try later; the provider's status page may say more."],
  refusedConnection: ['MODEL_UNAVAILABLE', 'yes', 'nothing listens there', 'Check that the server runs, and the base URL with its port.'],
  noHost: ['MODEL_UNAVAILABLE', 'no', 'there is no such host', 'Check the base URL, and the network.'],
  lostConnection: [
    'MODEL_UNAVAILABLE',
    'yes',
    'the connection could not be made, or was lost before an answer came',
    'Check the network, proxies and the base URL.',
  ],
  tls: [
    'MODEL_UNAVAILABLE',
    'no',
    'no secure connection could be made',
    'Check the base URL (https or http), the certificate of the server, and NODE_EXTRA_CA_CERTS where a proxy or a private authority signs.',
  ],
  timeout: ['MODEL_TIMEOUT', 'yes', 'it did not end in its time', 'Try later, or raise the time-outs.'],
  cutOff: [
    'MODEL_TIMEOUT',
    'yes',
    'it was cut off before it ended, not by the run',
    "Check the signals and time-outs of the provider's own settings and of its fetch.",
  ],
  badRequest: [
    'MODEL_BAD_REQUEST',
    'no',
    'the provider does not take this request',
    'Check settings, tools and the parts of the messages against what this model takes.',
  ],
  badUrl: ['MODEL_BAD_REQUEST', 'no', 'the base URL is none that can be asked', 'Give it whole, such as https://host/v1.'],
  badAddress: [
    'MODEL_BAD_REQUEST',
    'no',
    'there is no such model or no API at this address',
    'Check the base URL (with its version, such as /v1) and the model id.',
  ],
  unknownModel: [
    'MODEL_BAD_REQUEST',
    'no',
    'the provider does not know this model, or no longer',
    'Check the model id for typos, and that the account may use it.',
  ],
  tooLarge: [
    'MODEL_BAD_REQUEST',
    'no',
    'the request has too many bytes for the server or a proxy before it',
    'Send less, or raise the limit of the proxy.',
  ],
  overflow: [
    'MODEL_CONTEXT_OVERFLOW',
    'no',
    'the conversation is longer than the model can read',
    'Send less, split the input, or name a model with a larger context window.',
  ],
  keyMissing: ['KEY_MISSING', 'no', 'the API key is not set', 'Set the variable, or pass the key to the provider.'],
  unauthorized: [
    'MODEL_UNAUTHORIZED',
    'no',
    'the provider does not accept the API key',
    'Check the key, that it is for this provider, and that it is not revoked.',
  ],
  forbidden: [
    'MODEL_UNAUTHORIZED',
    'no',
    'the account may not do this',
    'Check what key, project and region may use, and what stands between: a firewall or a proxy.',
  ],
  proxyLogin: [
    'MODEL_UNAUTHORIZED',
    'no',
    'a proxy on the way wants a login',
    'Check the credentials of the proxy (HTTPS_PROXY), or go around it (NO_PROXY).',
  ],
  refused: ['MODEL_REFUSED', 'no', 'the model refused to answer', 'Ask in another way, or name another model.'],
  filtered: [
    'MODEL_FILTERED',
    'no',
    'a content filter of the provider refused it',
    "Check input and instructions against the provider's usage policy, or name another model.",
  ],
  webPage: [
    'MODEL_GARBAGE',
    'yes',
    'a web page came back instead of an answer',
    'Check the base URL (with its version, such as /v1), and what stands between: a proxy, a login page of the network, a firewall.',
  ],
  garbage: [
    'MODEL_GARBAGE',
    'yes',
    'what came back is not what the protocol says',
    'Check that the base URL belongs to this kind of provider; if it does, try again.',
  ],
  brokeOff: [
    'MODEL_GARBAGE',
    'yes',
    'the answer broke off before its end',
    'Try again; if it persists, look at proxies on the way and their time-outs.',
  ],
  unknown: ['MODEL_FAILED', 'no', 'it failed in a way that is not known', "What was thrown is this error's cause."],
};

/** The provider's words in a message are cut here. */
const SAID_CHARS_MAX = 300;
/** What is thrown may quote a whole answer; a cause longer than this is replaced by its beginning. */
const CAUSE_CHARS_MAX = 1000;

/**
 * What a `LanguageModel` threw, or put into its stream as an error, as an AmdahlError. One that lies beneath, such as
 * the reason of an abort, comes back itself. `data`: model, where known status, providerCode, requestId, and `quota` where that is used up.
 * Never throws; O(what was thrown), bounded.
 *
 * @returns one of the MODEL_ codes, or KEY_MISSING; retryable `afterMs` where the provider says when.
 */
export function failureOf(thrown: unknown, context: FailureContext): AmdahlError {
  const signs = signsOf(thrown);
  if (signs.amdahl !== undefined) return signs.amdahl;
  const { contextTokens, tokensIn, answered } = context;
  const kind = kindOf(signs, { answered, overfull: contextTokens !== undefined && tokensIn > contextTokens });
  const [code] = KINDS[kind];
  const providerCode = signs.codes.map(withoutSecrets)[0] ?? signs.network;
  return new AmdahlError(code, messageOf(kind, signs, context), {
    retryable: retryableOf(kind, signs, context),
    data: {
      model: context.model,
      ...(signs.status === undefined ? {} : { status: signs.status }),
      ...(providerCode === undefined ? {} : { providerCode }),
      ...(signs.requestId === undefined ? {} : { requestId: withoutSecrets(signs.requestId) }),
      ...(kind === 'quota' ? { quota: true } : {}),
    },
    cause: causeOf(thrown),
  });
}

function retryableOf(kind: FailureKind, signs: Signs, { now, tokensIn }: FailureContext): Retryable {
  const [, again] = KINDS[kind];
  // The header by which OpenAI and Anthropic tell their own clients not to.
  if (again === 'no' || signs.headers['x-should-retry'] === 'false') return 'no';
  const afterMs =
    retryAfterMs(signs.headers, now, tokensIn) ??
    (signs.delay === undefined ? undefined : durationMs(signs.delay)) ??
    retryAfterWords(signs.words);
  return afterMs === undefined ? 'yes' : { afterMs };
}

function messageOf(kind: FailureKind, signs: Signs, { model, tokensIn, contextTokens }: FailureContext): string {
  const [, , what, advice] = KINDS[kind];
  const { status, origin, network } = signs;
  const http = status === undefined ? network : `HTTP ${status}`;
  const where = [http, origin === undefined ? undefined : `${status === undefined ? 'at' : 'from'} ${origin}`]
    .filter((part) => part !== undefined)
    .join(' ');
  const size =
    kind === 'overflow' ? ` (about ${tokensIn} tokens${contextTokens === undefined ? '' : `, the model reads ${contextTokens}`})` : '';
  const said = saidOf(signs, kind);
  return [`The request to ${model} failed: ${what}${size}${where === '' ? '' : ` (${where})`}.`, said, advice]
    .filter((part) => part !== '')
    .join(' ');
}

/** The provider's or the library's own words, short and without secrets; the beginning of an answer nobody could read. */
function saidOf({ said, own, body, network }: Signs, kind: FailureKind): string {
  if (kind === 'webPage') return '';
  if (isWebPage(body)) return 'A web page came back: a proxy or a firewall may have answered, and not the provider.';
  if (kind === 'garbage' && !own && body !== undefined) return `It begins with: ${short(body, 80)}.`;
  const text = short(said);
  if (text !== '' && !(network !== undefined && text === network))
    return sentence(`${own ? 'The provider says' : 'The error says'}: ${text}`);
  return '';
}

/** One line of a foreign text. Cut first and wide: a key that the cut divides is no longer known as one. */
function short(text: string, max = SAID_CHARS_MAX): string {
  const line = withoutSecrets(text.slice(0, 4 * max))
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}

/** The original, unless it shows a key or its message quotes at length: then what may be kept of it. Total. */
function causeOf(thrown: unknown): unknown {
  const [first = '', ...rest] = textsOf(thrown);
  if (isReadable(thrown) && first.length <= CAUSE_CHARS_MAX && [first, ...rest].every((text) => withoutSecrets(text) === text))
    return thrown;
  const cause = new Error(short(first, CAUSE_CHARS_MAX));
  // Its own stack would point here, where nothing failed.
  delete cause.stack;
  return cause;
}

/** Whether those who keep errors may look at it: a proxy can throw at the question what it is. */
function isReadable(thrown: unknown): boolean {
  try {
    return !(thrown instanceof AmdahlError);
  } catch {
    return false;
  }
}

/** The texts that printing a thrown thing shows: messages first, then addresses and bodies, through causes. Total. */
function textsOf(thrown: unknown): readonly string[] {
  const texts: string[] = [];
  let current = thrown;
  for (let depth = 0; depth < 12; depth++) {
    if (typeof current === 'string') texts.push(current.slice(0, 20 * CAUSE_CHARS_MAX));
    if (typeof current !== 'object' || current === null) break;
    for (const key of ['message', 'stack', 'url', 'responseBody', 'text']) {
      const text = valueOf(current, key);
      if (typeof text === 'string') texts.push(text.slice(0, 20 * CAUSE_CHARS_MAX));
    }
    current = valueOf(current, 'cause');
  }
  return texts;
}

function valueOf(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key) as unknown;
  } catch {
    return undefined;
  }
}
