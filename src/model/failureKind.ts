// Which kind of failure the signs of a thrown thing show. Pure decisions, from the surest sign to the weakest: what a
// transport did, what a provider named by a code, what it said in words, and only then the bare status.
// Sources: the error references of OpenAI, Anthropic, Google (google.rpc.Code), Mistral, Groq, xAI, OpenRouter, vLLM,
// llama.cpp and Ollama, and their AI SDK packages. Read by failure.ts.

import type { Signs } from './failureSigns.ts';

export type FailureKind =
  | 'rateLimited'
  | 'quota'
  | 'tooLargeForLimit'
  | 'overloaded'
  | 'unavailable'
  | 'refusedConnection'
  | 'noHost'
  | 'lostConnection'
  | 'tls'
  | 'timeout'
  | 'cutOff'
  | 'badRequest'
  | 'badUrl'
  | 'badAddress'
  | 'unknownModel'
  | 'tooLarge'
  | 'overflow'
  | 'keyMissing'
  | 'unauthorized'
  | 'forbidden'
  | 'proxyLogin'
  | 'refused'
  | 'filtered'
  | 'webPage'
  | 'garbage'
  | 'brokeOff'
  | 'unknown';

/** What the kinds depend on beside the signs. */
export interface Situation {
  readonly answered: boolean | undefined;
  /** Whether the estimate of what was sent is more than the model can read. */
  readonly overfull: boolean;
}

/** Names of errors whose meaning needs no more signs. Of AI SDK 5 to 7. */
const BY_NAME: readonly (readonly [RegExp, FailureKind])[] = [
  [/^ai_loadapikeyerror$/, 'keyMissing'],
  [/^(ai_nosuchmodelerror|gatewaymodelnotfounderror)$/, 'unknownModel'],
  [/^ai_(decision|extraction)refusalerror$/, 'refused'],
  [
    /^ai_(loadsetting|invalidprompt|unsupportedfunctionality|invalidargument|unsupportedmodelversion|nosuchproviderreference)error$/,
    'badRequest',
  ],
  [/^ai_downloaderror$/, 'badRequest'],
];

/** Codes, types and reasons, whole. The first that fits wins. */
const BY_CODE: readonly (readonly [RegExp, FailureKind])[] = [
  [
    /^(context_length_exceeded|context_window_exceeded|model_context_window_exceeded|exceed_context_size_error|request_too_large|string_above_max_length|prompt_too_long|tokens_limit_reached)$/,
    'overflow',
  ],
  [/^(refusal|model_refused)$/, 'refused'],
  [
    /content_?(policy|filter)|responsibleaipolicyviolation|^(moderation|moderation_blocked|flagged_input|safety|prohibited_content|data_inspection_failed|sensitive_words_detected|image_content_policy_violation|blocked_reason)$/,
    'filtered',
  ],
  [
    /insufficient_(quota|credits|balance|funds)|^billing|_billing|credits?_(exhausted|depleted)|spending[-_]limit|quota_exceeded|^payment_required$|perday/,
    'quota',
  ],
  [
    /^(invalid_api_key|incorrect_api_key|api_key_invalid|authentication_error|invalid_authentication|unauthenticated|unauthorized|access_token_.*|account_deactivated)$/,
    'unauthorized',
  ],
  [
    /^(permission_error|permission_denied|permissiondenied|insufficient_permissions|forbidden|access_denied|unsupported_country_region_territory|model_permission_blocked.*|.*_blocked_.*)$/,
    'forbidden',
  ],
  [
    /^(model_not_found|model_not_available|invalid_model|unknown_model|model_decommissioned|model_not_active|deploymentnotfound|model_terms_required)$/,
    'unknownModel',
  ],
  [
    /^(rate_limit.*|ratelimit.*|too_many_requests|requests_limit_reached|resource_exhausted|throttling.*|tokens_per_.*|slow_down)$/,
    'rateLimited',
  ],
  [/overloaded|capacity_exceeded|^(engine_busy|server_busy|model_overloaded|vector_store_timeout)$/, 'overloaded'],
  [/^(timeout_error|timeout|request_timeout|deadline_exceeded)$/, 'timeout'],
  [
    /^(api_error|server_error|internal_error|internal_server_error|internal|unavailable|service_unavailable|service_unavailable_error|data_loss|internalservererror)$/,
    'unavailable',
  ],
  [/^(not_found_error|not_found)$/, 'unknownModel'],
  [
    /^(invalid_request_error|invalid_argument|failed_precondition|out_of_range|unimplemented|bad_request|bad_request_error|badrequesterror|invalid_request|unsupported_parameter|unsupported_value|json_validate_failed|tool_use_failed|failed_dependency|invalid_prompt)$/,
    'badRequest',
  ],
];

/** Words for too long a conversation: each provider has its own. */
const OVERFLOW =
  /maximum context length|context[ _-]length[ _-]exceeded|prompt is too long|input is too long|input length and `?max_tokens`? exceed|input token count|exceeds? (the )?(available |model'?s? |maximum |max )*context|context (window|size|length)[^.\n]{0,40}(exceed|limit|too)|greater than the context length|maximum prompt length|too many tokens|exceed(s|ed)? (the )?(model |maximum |max )*(token|number of tokens|input length)|reduce the length of (the|your) (messages|prompt|input)|longer than the model'?s context|range of input length|request (body )?too large|request exceeds the maximum size|prompt contains \d+ tokens|larger than (the )?max(imum)? (context|model|sequence)/;
const TOO_LARGE_FOR_LIMIT = /request too large for|must be reduced in order to run|single request is larger than/;
const FILTERED =
  /content (management|filter(ing)?|safety|usage) polic|content[- ]filter|flagged as potentially violating|usage polic(y|ies)|violat(es|ing|ed) [^.\n]{0,40}polic|safety (system|filter|reasons|settings|checks)|blocked (by|due to|because of) [^.\n]{0,30}(safety|content|filter|polic|prohibited)|flagged by|requires moderation|inappropriate content|prohibited (content|use)/;
const QUOTA =
  /credit balance is too low|insufficient (credits|balance|quota|funds)|exceeded your current quota|out of credits|used all available credits|spending limit|billing (hard )?limit|billing (is )?not (active|enabled)|requires more credits|specified api usage limits|payment required|add (more )?credits|purchase credits|never purchased credits/;
const UNAUTHORIZED =
  /(incorrect|invalid|missing|expired|no) (api|auth\w*|access|bearer)[ -]?(key|token|credentials?)|(invalid|no|missing) (auth|cookie auth|authentication) credentials|api key (not valid|not found|expired|is missing|is invalid|is required)|x-api-key|invalid bearer|didn't provide an api key|user not found/;
const FORBIDDEN =
  /user location is not supported|country, region, or territory not supported|does not have (access|permission)|not allowed to|access denied|permission/;
const UNKNOWN_MODEL =
  /model[^.\n]{0,120}(does not exist|not found|is not found|not exist|not supported|is not available|decommissioned|deprecated|no longer)|(unknown|invalid|no such|unsupported) model|not a valid model|no endpoints found|\bmodel: \S+$|try pulling it|is not found for api version/m;
const OVERLOADED =
  /overloaded|over capacity|at capacity|high demand|no available (model )?provider|server is busy|engine is currently|capacity exceeded/;
const RATE_LIMITED = /rate limit|too many requests|quota exceeded/;
const PROXY_LOGIN = /proxy authentication required|proxy response \(407\)/;

/** Certificates, and TLS spoken with what does not speak it. */
const TLS = /CERT|CRL|LEAF_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|^ERR_SSL|^ERR_TLS|^EPROTO$/;
const TIMED_OUT = /^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/;
const UNREADABLE = /^(HPE_|Z_|ERR_ENCODING|ERR_CONTENT_DECODING|UND_ERR_RES_|UND_ERR_RESPONSE|ERR_HTTP2)/;
const UNSENDABLE = /^(ERR_INVALID_|ERR_UNESCAPED|ERR_HTTP_INVALID|UND_ERR_INVALID_ARG|UND_ERR_NOT_SUPPORTED|UND_ERR_REQ_)/;
const BAD_URL = /invalid url|failed to parse url|unknown scheme|: bad port$|not implemented\.\.\. yet/m;

/** What went wrong. Total and pure. */
export function kindOf(signs: Signs, situation: Situation): FailureKind {
  const { status, network } = signs;
  const refusedByStatus = status !== undefined && status >= 300;
  if (status === 407 || PROXY_LOGIN.test(signs.words)) return 'proxyLogin';
  if (network !== undefined && !refusedByStatus) return ofNetwork(network, signs, situation);
  const [outermost = ''] = signs.names;
  if (/^(timeouterror|gatewaytimeouterror)$/.test(outermost)) return 'timeout';
  if (/^(aborterror|responseaborted)$/.test(outermost)) return 'cutOff';
  const named = first(BY_NAME, outermost);
  if (named !== undefined) return named;
  if (isWebPage(signs.body)) return ofWebPage(status);
  return ofCodes(signs, situation) ?? ofWords(signs, situation) ?? ofStatus(signs, situation) ?? ofShape(signs, situation);
}

/** Whether a text is an HTML page: what proxies, captive portals and wrong addresses answer. Pure. */
export function isWebPage(body: string | undefined): boolean {
  // Comments and XML declarations may stand before; that far nothing else begins with a bracket.
  const start = body?.slice(0, 2000).trimStart() ?? '';
  return start.startsWith('<') && /<(?:!doctype\s+html|html|head|body|title|center|h1)\b/i.test(start);
}

function ofNetwork(network: string, { status, words }: Signs, { answered }: Situation): FailureKind {
  if (TIMED_OUT.test(network)) return 'timeout';
  // A server that speaks no TLS hangs up in the middle of the greeting.
  if (TLS.test(network) || /before secure tls connection/.test(words)) return 'tls';
  if (network === 'ENOTFOUND') return 'noHost';
  if (UNREADABLE.test(network)) return 'garbage';
  if (network === 'ERR_INVALID_URL' || BAD_URL.test(words)) return 'badUrl';
  if (UNSENDABLE.test(network)) return 'badRequest';
  if (status !== undefined || answered === true) return 'brokeOff';
  return /^(ECONNREFUSED|ConnectionRefused)$/.test(network) ? 'refusedConnection' : 'lostConnection';
}

function ofWebPage(status: number | undefined): FailureKind {
  if (status === undefined || status < 300) return 'webPage';
  if (status === 401 || status === 403) return 'forbidden';
  if (status === 503) return 'unavailable';
  if (status === 404 || status === 405 || status === 410 || status < 400) return 'badAddress';
  return byStatus(status) ?? 'webPage';
}

function ofCodes(signs: Signs, situation: Situation): FailureKind | undefined {
  for (const code of signs.codes) {
    const kind = first(BY_CODE, code);
    // These say little: words may say more, and a status is surer of what is at fault.
    if (kind === undefined || kind === 'badRequest' || kind === 'unavailable') continue;
    return refined(kind, code, signs, situation);
  }
  return undefined;
}

/** What a code means by the words and the status beside it. */
function refined(kind: FailureKind, code: string, { words, status, codes }: Signs, { overfull }: Situation): FailureKind {
  switch (kind) {
    case 'rateLimited':
      if (TOO_LARGE_FOR_LIMIT.test(words)) return 'tooLargeForLimit';
      if (code === 'resource_exhausted')
        return codes.some((each) => each.includes('perday')) || /limit: 0\b/.test(words) ? 'quota' : 'rateLimited';
      return QUOTA.test(words) ? 'quota' : kind;
    case 'overflow':
      return kind;
    case 'forbidden':
    case 'unauthorized':
      return QUOTA.test(words) ? 'quota' : kind;
    case 'unknownModel':
      if (status === 403) return 'forbidden';
      return code.startsWith('not_found') && words !== '' && !/model/.test(words) ? 'badAddress' : kind;
    default:
      return overfull && kind === 'badRequest' ? 'overflow' : kind;
  }
}

function ofWords({ words, status, codes }: Signs, { overfull }: Situation): FailureKind | undefined {
  // An answer that came as it should cannot be judged by words: they may be the model's.
  if (words === '') return overfull && status !== undefined && [400, 413, 422].includes(status) ? 'overflow' : undefined;
  const refusing = status === undefined || status < 300 || (status >= 400 && status < 500) || status === 500;
  if (!refusing) return undefined;
  if (TOO_LARGE_FOR_LIMIT.test(words) && (status === 429 || status === 413)) return 'tooLargeForLimit';
  if (status !== 429 && OVERFLOW.test(words)) return 'overflow';
  if (status !== 429 && FILTERED.test(words)) return 'filtered';
  if (QUOTA.test(words) && !codes.includes('resource_exhausted')) return 'quota';
  if (status === undefined || status < 500) {
    if (UNAUTHORIZED.test(words) && status !== 404 && status !== 429) return 'unauthorized';
    if (status !== 429 && UNKNOWN_MODEL.test(words)) return status === 403 ? 'forbidden' : 'unknownModel';
    if ((status === undefined || status === 400) && FORBIDDEN.test(words)) return 'forbidden';
  }
  if ((status === undefined || status < 300 || status === 500) && OVERLOADED.test(words)) return 'overloaded';
  if ((status === undefined || status < 300) && RATE_LIMITED.test(words)) return 'rateLimited';
  return undefined;
}

function ofStatus({ status, codes }: Signs, { overfull }: Situation): FailureKind | undefined {
  const kind = status === undefined ? undefined : byStatus(status);
  if (kind === 'badRequest' || kind === 'tooLarge') return overfull || (kind === 'tooLarge' && status === 413) ? 'overflow' : kind;
  if (kind !== undefined) return kind;
  for (const code of codes) {
    const weak = first(BY_CODE, code);
    if (weak !== undefined) return weak === 'badRequest' && overfull ? 'overflow' : weak;
  }
  return undefined;
}

/** What a status means when nothing else speaks. Of those that no reference names, the class decides. */
function byStatus(status: number): FailureKind | undefined {
  if (status < 300) return undefined;
  if (status < 400) return 'badAddress';
  switch (status) {
    case 401:
      return 'unauthorized';
    case 402:
      return 'quota';
    case 403:
      return 'forbidden';
    case 404:
    case 405:
      return 'badAddress';
    case 408:
      return 'timeout';
    case 409:
    case 425:
    case 499:
      return 'unavailable';
    case 410:
      return 'unknownModel';
    case 413:
      return 'tooLarge';
    case 429:
      return 'rateLimited';
    case 498: // Groq: the flex tier has no capacity left
    case 503:
    case 529: // Anthropic: overloaded
      return 'overloaded';
    case 501:
    case 505:
      return 'badRequest';
    default:
      return status < 500 ? 'badRequest' : 'unavailable';
  }
}

/** What is left are errors of libraries and of the platform, told apart by name and by whether an answer had come. */
function ofShape({ names, words, status, own, unanswered }: Signs, { answered, overfull }: Situation): FailureKind {
  if (overfull && own) return 'overflow';
  if (BAD_URL.test(words)) return 'badUrl';
  if (/is an invalid header value|invalid header/.test(words)) return 'badRequest';
  const came = answered === true || (status !== undefined && status < 300);
  if (names.includes('aborterror')) return 'cutOff';
  if (names.includes('timeouterror')) return 'timeout';
  if (/\b(terminated|other side closed|socket hang up|premature close)\b/.test(words)) return came ? 'brokeOff' : 'lostConnection';
  if (unanswered && !came) return 'lostConnection';
  if (names.some((name) => UNREAD.test(name))) return answered === false ? 'badRequest' : 'garbage';
  if (came) return own ? 'unknown' : 'garbage';
  if (/fetch failed|failed to fetch|network ?error|load failed|cannot connect/.test(words)) return 'lostConnection';
  return 'unknown';
}

/** Errors that only an answer can cause. */
const UNREAD =
  /^(ai_(jsonparse|typevalidation|invalidresponsedata|emptyresponsebody|nocontentgenerated|noobjectgenerated)error|gatewayresponseerror|syntaxerror|zoderror)$/;

function first(table: readonly (readonly [RegExp, FailureKind])[], text: string): FailureKind | undefined {
  return table.find(([pattern]) => pattern.test(text))?.[1];
}
