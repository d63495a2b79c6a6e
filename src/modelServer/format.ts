// Texts of the formats that JSON Schema names (RFC 3339, 5321, 3986, 4122 and others): how one is made, and whether a
// text is of one. Pure but for the dice; formats that are not known here fit anything and are made of nothing.

import { between, type Dice, oneOf } from './dice.ts';
import { phrase } from './phrase.ts';

interface Format {
  readonly make: (random: Dice) => string;
  readonly fits: RegExp;
}

const TIME = /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const HOST = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;

const FORMATS: Readonly<Record<string, Format>> = {
  'date-time': {
    make: (random) => `${date(random)}T${time(random)}Z`,
    fits: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d/i,
  },
  date: { make: date, fits: DATE },
  time: { make: (random) => `${time(random)}Z`, fits: TIME },
  duration: { make: (random) => `PT${between(random, 1, 59)}M`, fits: /^P(?=.)/ },
  email: { make: (random) => `${word(random)}.${word(random)}@${host(random)}`, fits: /^[^\s@]+@[^\s@]+\.[^\s@]+$/ },
  hostname: { make: host, fits: HOST },
  ipv4: { make: (random) => Array.from({ length: 4 }, () => between(random, 1, 254)).join('.'), fits: /^(\d{1,3}\.){3}\d{1,3}$/ },
  ipv6: {
    make: (random) => Array.from({ length: 8 }, () => hex(random, 4).replace(/^0+(?=.)/, '')).join(':'),
    fits: /^[0-9a-f:.]*:[0-9a-f:.]*$/i,
  },
  uri: { make: uri, fits: /^[a-z][a-z0-9+.-]*:\S+$/i },
  url: { make: uri, fits: /^[a-z][a-z0-9+.-]*:\S+$/i },
  iri: { make: uri, fits: /^[a-z][a-z0-9+.-]*:\S+$/i },
  'uri-reference': { make: (random) => `/${word(random)}/${word(random)}`, fits: /^\S*$/ },
  uuid: {
    make: (random) =>
      `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-${oneOf(random, ['8', '9', 'a', 'b'])}${hex(random, 3)}-${hex(random, 12)}`,
    fits: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  },
  'json-pointer': { make: (random) => `/${word(random)}/${between(random, 0, 9)}`, fits: /^(\/.*)?$/ },
  regex: { make: (random) => `^${word(random)}$`, fits: /^/ },
  byte: { make: base64, fits: /^[A-Za-z0-9+/]*={0,2}$/ },
  base64: { make: base64, fits: /^[A-Za-z0-9+/]*={0,2}$/ },
  password: { make: word, fits: /^/ },
  binary: { make: word, fits: /^/ },
  jwt: {
    make: (random) => `${urlJson({ alg: 'HS256', typ: 'JWT' })}.${urlJson({ sub: word(random) })}.${hex(random, 43)}`,
    fits: /^[\w-]+\.[\w-]+\.[\w-]*$/,
  },
  base64url: { make: (random) => base64(random).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_'), fits: /^[\w-]*$/ },
};

/** A text of a format; undefined where the format is not known. */
export function ofFormat(format: string, random: Dice): string | undefined {
  return Object.hasOwn(FORMATS, format) ? FORMATS[format]?.make(random) : undefined;
}

export function fitsFormat(text: string, format: string): boolean {
  return !Object.hasOwn(FORMATS, format) || FORMATS[format]?.fits.test(text) !== false;
}

function word(random: Dice): string {
  return phrase(random, 1);
}

function host(random: Dice): string {
  return `${word(random)}.example.com`;
}

function uri(random: Dice): string {
  return `https://${host(random)}/${word(random)}`;
}

/** Days that every month has. */
function date(random: Dice): string {
  return `${between(random, 2000, 2029)}-${two(between(random, 1, 12))}-${two(between(random, 1, 28))}`;
}

function time(random: Dice): string {
  return `${two(between(random, 0, 23))}:${two(between(random, 0, 59))}:${two(between(random, 0, 59))}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function hex(random: Dice, digits: number): string {
  return Array.from({ length: digits }, () => between(random, 0, 15).toString(16)).join('');
}

function base64(random: Dice): string {
  return Buffer.from(phrase(random, 2)).toString('base64');
}

function urlJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
