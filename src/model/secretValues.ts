// Which values are secrets, and in which forms they stand in texts. Called by run/secrets.ts for what models may not see
// and by cassetteRedact.ts for what may not be on a tape. Pure: what the environment holds is handed in.

import { Buffer } from 'node:buffer';

/** What a variable is called that holds a secret. */
export const SECRET_VARIABLE: RegExp = /(?:(?:^|_)(?:KEY|TOKEN|SECRET|PASS|PAT)|APIKEY|PASSWORD|PASSWD|PASSPHRASE)$/i;

/** What a field, a header or an assignment is called that holds a key: the source of a pattern in which case does not count. */
export const CREDENTIAL: string = String.raw`(?:x[_-])?(?:api|access|secret|private|auth|goog[_-]api)[ _-]?(?:key|token|secret)|(?:client|app)[ _-]?secret|(?:refresh|bearer|session|id)[ _-]?token`;
const FIELD = new RegExp(
  String.raw`(?:^|[_-])(?:${CREDENTIAL}|password|passwd|passphrase|(?:proxy-)?authorization)$|^(?:token|secret|cookie)$`,
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

/** A value as it stands in texts: as it is, in JSON and in JSON within that, in URLs. Pure. */
export function formsOf(value: string): readonly string[] {
  const json = escaped(value);
  return [value, json, escaped(json), encodeURIComponent(value), encodeURI(value), new URLSearchParams([['', value]]).toString().slice(1)];
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

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
