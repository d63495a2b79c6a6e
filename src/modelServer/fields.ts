// Looking into a body that nobody has checked yet. Protocol files read requests with these; what is wrong leaves the
// reading at once and comes out of `understood` as the text that a provider would send.

import type { AskedPart, Marked } from './wire.ts';

/** A JSON object whose fields are not known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** How a reading ends early. Never leaves `understood`. */
class Wrong extends Error {}

/** What `read` makes of a body, or what `wrong` said on the way. Anything else that it throws is a defect and is thrown on. */
export function understood<T>(read: () => T): T | { readonly wrong: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof Wrong) return { wrong: error.message };
    throw error;
  }
}

export function wrong(text: string): never {
  throw new Wrong(text);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsAt(value: unknown, at: string): Fields {
  return isFields(value) ? value : mistyped(value, at, 'an object');
}

export function listAt(value: unknown, at: string): readonly unknown[] {
  return Array.isArray(value) ? value : mistyped(value, at, 'an array');
}

export function textAt(value: unknown, at: string): string {
  return typeof value === 'string' ? value : mistyped(value, at, 'a string');
}

/** A number, or nothing where the field is absent or null. */
export function numberAt(value: unknown, at: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'number' ? value : mistyped(value, at, 'a number');
}

function mistyped(value: unknown, at: string, wanted: string): never {
  if (value === undefined) wrong(`Missing required parameter: '${at}'.`);
  wrong(`Invalid type for '${at}': expected ${wanted}, but got ${kindOf(value)} instead.`);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The arguments of a call as a value; text that is no JSON stays as it is. */
export function argsFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const DATA_URL = /^data:([^;,]*)((?:;[^;,]*)*),/;

/** The file behind an address: its size where it is a data URL, and the address itself where it lies elsewhere. */
export function fileAt(url: string, mediaType: string, name?: string): AskedPart {
  const data = DATA_URL.exec(url);
  if (data === null) return { type: 'file', mediaType, url, ...(name !== undefined && { name }) };
  const content = url.slice(data[0].length);
  const bytes = (data[2] ?? '').endsWith(';base64') ? base64Bytes(content) : content.replaceAll(/%[0-9a-f]{2}/gi, '.').length;
  return { type: 'file', mediaType: data[1] || mediaType, bytes, ...(name !== undefined && { name }) };
}

/** The file that came inline: as a data URL, or as bare base64. */
export function inlineFile(data: string, mediaType: string, name?: string): AskedPart {
  if (data.startsWith('data:')) return fileAt(data, mediaType, name);
  return { type: 'file', mediaType, bytes: base64Bytes(data), ...(name !== undefined && { name }) };
}

/** How many bytes a base64 text stands for. */
export function base64Bytes(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return Math.floor((text.length * 3) / 4) - padding;
}

/** The content of a message as both of OpenAI's protocols have it: a text, or a list of parts, of which some are marked for the cache. */
export function contentAt(readPart: (part: Fields, at: string) => AskedPart, value: unknown, at: string): readonly AskedPart[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  return listAt(value, at).map((part, index) => {
    const fields = fieldsAt(part, `${at}[${index}]`);
    const read = readPart(fields, `${at}[${index}]`);
    return isFields(fields['prompt_cache_breakpoint']) ? { ...read, marked: true } : read;
  });
}

/** Whether the request leaves it to the provider to mark the end of what is asked; only models that know marks look at it. */
export function marksEnd({ prompt_cache_options: options }: Fields): { readonly marksEnd?: true } {
  return isFields(options) && options['mode'] === 'explicit' ? {} : { marksEnd: true };
}

/** The mark of a tool's answer whose parts become one. */
export function markOf(parts: readonly AskedPart[]): Marked {
  return parts.some(({ marked }) => marked === true) ? { marked: true } : {};
}
