// Which values are secrets, and in which forms they stand in texts. Called by run/secrets.ts for what models may not see
// and by cassetteRedact.ts for what may not be on a tape. Pure: what the environment holds is handed in.

import { Buffer } from 'node:buffer';

/** What a variable is called that holds a secret, or one of several. */
export const SECRET_VARIABLE: RegExp = /(?:(?:^|_)(?:KEY|TOKEN|SECRET|PASS|PAT)|_PWD|APIKEY|PASSWORD|PASSWD|PASSPHRASE)(?:_?\d{1,3})?$/i;

/** What a variable or a field is called that says how to connect: there a password may stand in the midst. */
const CONNECTION = /(?:URL|URI|DSN|PROXY|CONN(?:ECTION)?(?:_?STR(?:ING)?)?)(?:_?\d{1,3})?$/i;
/** user:password@ of an address, as far as the last @ before its path. */
const IN_ADDRESS = /:\/\/[^\s/@:?#]{0,200}:([^\s/?#]{1,200})@/g;
/** Server=…;Password=…; and host=… password=… */
const ASSIGNED = /(?:^|[;\s])(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*["']?([^;\s"']{1,400})/gi;
/** ?password=… of an address. */
const IN_QUERY = /[?&](?:password|token|secret|api_?key)=([^&\s#]{1,400})/gi;

/** What a field, a header or an assignment is called that holds a key: the source of a pattern in which case does not count. */
export const CREDENTIAL: string = String.raw`(?:x[_-])?(?:api|access|secret|private|auth|goog[_-]api)[ _-]?(?:key|token|secret)|(?:client|app)[ _-]?secret|(?:refresh|bearer|session|id)[ _-]?token`;
const FIELD = new RegExp(
  String.raw`(?:^|[_-])(?:${CREDENTIAL}|password|passwd|passphrase|(?:proxy-)?authorization)$|^(?:token|secret|cookie|pass|pwd|jwt)$`,
  'i',
);

/** Shorter values are words and switches: taking them out would spoil what everybody reads. */
export const SECRET_LENGTH_MIN = 8;
/** So are a few letters of one case alone (DB_PASSWORD=production). */
const WORD = /^(?:[a-z]{1,15}|[A-Z]{1,15})$/;
const NUMBER = /^[+-]?\d[\d.,_ ]*$/;
/** A file, said from somewhere: a KEY may be the path of one. */
const PATH = /^(?:~|\.{1,2})?\/|^[A-Za-z]:\\|^file:/;
/** A part of a path that is none: keys in base64 may begin with a slash, too. */
const DENSE = /(?=[^/\\]*\d)(?=[^/\\]*[a-z])(?=[^/\\]*[A-Z])[A-Za-z0-9+=_-]{20,}/;

/** Whether a variable of this name may hold a secret. What is called public does not. Pure. */
export function isSecretName(name: string): boolean {
  return SECRET_VARIABLE.test(name) && !/PUBLI[CS]/i.test(name);
}

/** The same for the fields of objects and for headers: apiKey, access_token, Authorization; never cacheKey or nextToken. Pure. */
export function isSecretField(name: string, value: string): boolean {
  return FIELD.test(name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')) && isSecretValue(value);
}

/** Whether a value is no word, no number and no path: long enough to be known again in a text without doubt. Pure. */
export function isSecretValue(value: string): boolean {
  if (value.length < SECRET_LENGTH_MIN || WORD.test(value) || NUMBER.test(value)) return false;
  return !PATH.test(value) || DENSE.test(value);
}

/** Whether a variable or a field of this name may say how to connect. Pure. */
export function isConnectionName(name: string): boolean {
  return CONNECTION.test(name);
}

/** The passwords in what says how to connect, as they stand there and as they were meant. Pure. */
export function passwordsIn(value: string): readonly string[] {
  const found = [IN_ADDRESS, ASSIGNED, IN_QUERY].flatMap((expression) =>
    [...value.matchAll(expression)].map(([, password = '']) => password),
  );
  return [...new Set(found.flatMap((password) => [password, decoded(password)]))].filter(isSecretValue);
}

/** A value as it stands in texts: as it is, in JSON and in JSON within that, in each part of a URL, in HTML. Pure. */
export function formsOf(value: string): readonly string[] {
  const json = escaped(value);
  const url = new URL('http://host');
  url.password = value;
  const component = encodeURIComponent(value);
  const strict = component.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = new URLSearchParams([['', value]]).toString().slice(1);
  return [
    value,
    json,
    escaped(json),
    component,
    strict,
    encodeURI(value),
    query,
    url.password,
    inHtml(value, '&#39;'),
    inHtml(value, '&#x27;'),
  ];
}

/**
 * What base64 of any text that holds the value has in it, for each of the three ways in which its bytes may fall; in both
 * alphabets. Pure.
 */
export function base64FormsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The characters that no neighbour has a part in: each carries six bits.
    const core = whole.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function inHtml(text: string, apostrophe: string): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return safe.replaceAll('"', '&quot;').replaceAll("'", apostrophe);
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
