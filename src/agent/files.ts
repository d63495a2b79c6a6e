// Attachments and the bytes behind them, as long as somebody in this process has one. Called by file() and by messages(),
// which make them, and by run/files.ts, which keeps the bytes of a run and journals them.
//
// F1 an attachment names its content by SHA-256: equal bytes are one content, whoever attached them.
// F2 contents do not change: bytes are copied once, when they are attached.

import { createHash } from 'node:crypto';
import { type Attachment, isAttachment } from './attachment.ts';
import { kindOf } from './contract.ts';
import { AmdahlError } from './errors.ts';
import { mediaTypeOf, typeOfName } from './mediaType.ts';

/** The bytes of a file. Private, so that who prints an attachment does not print them. */
class Content {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes);
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }
}

const CONTENT: unique symbol = Symbol.for('amdahl.content') as never;

/** By `$file`. Whoever holds an attachment holds its content, and a copy of it as JSON finds that here. */
const contents = new Map<string, WeakRef<Content>>();
const collected = new FinalizationRegistry<string>(($file) => {
  if (contents.get($file)?.deref() === undefined) contents.delete($file);
});

/** What can be attached: bytes, or where they are. */
export type FileSource = string | URL | Uint8Array | ArrayBuffer;

/** Reads a file of this machine, whole. Throws what the system throws. */
export type ReadFile = (path: string | URL) => { readonly bytes: Uint8Array; readonly name: string };

/**
 * The attachment of a source. Paths are read at once, addresses (http, https) later and only for models that do not take them.
 * @throws AmdahlError FILE_UNREADABLE for a path that cannot be read, MISCONFIGURED for what is no source or of no known kind.
 */
export function attachmentOf(source: FileSource, mediaType: string | undefined, read: ReadFile): Attachment {
  if (mediaType !== undefined && !/^[\w.+-]+\/[\w.+-]+$/.test(mediaType))
    throw new AmdahlError('MISCONFIGURED', `file() was given the media type ${JSON.stringify(mediaType)}. Write one like 'image/png'.`);
  if (source instanceof Uint8Array) return attach(source, mediaType);
  if (source instanceof ArrayBuffer) return attach(new Uint8Array(source), mediaType);
  if (typeof source !== 'string' && !(source instanceof URL))
    throw new AmdahlError('MISCONFIGURED', `file() was given ${kindOf(source)}. Give it a path, a URL or bytes.`);
  const text = String(source);
  if (/^https?:/i.test(text)) return addressOf(text, mediaType);
  if (/^data:/i.test(text)) return inlineOf(text, mediaType);
  let found: ReturnType<ReadFile>;
  try {
    found = read(source);
  } catch (cause) {
    throw new AmdahlError('FILE_UNREADABLE', `The file ${JSON.stringify(text)} cannot be read: ${reason(cause)}.`, { cause });
  }
  return attach(found.bytes, mediaType, found.name);
}

/** Bytes as an attachment. O(bytes). */
export function attach(bytes: Uint8Array, mediaType?: string, name?: string): Attachment {
  const type = mediaType ?? mediaTypeOf(bytes, name);
  if (type === undefined)
    throw new AmdahlError(
      'MISCONFIGURED',
      `file() cannot tell what kind of file ${name === undefined ? 'these bytes are' : `'${name}' is`}. Give its media type: file(source, 'image/png').`,
    );
  const $file = `sha256:${createHash('sha256').update(bytes).digest('base64url')}`;
  const content = contents.get($file)?.deref() ?? remember($file, bytes);
  const attachment = { $file, mediaType: type, bytes: bytes.byteLength, ...(name === undefined ? {} : { name }) };
  // A symbol, so that JSON has nothing of it.
  return Object.assign(attachment, { [CONTENT]: content });
}

function remember($file: string, bytes: Uint8Array): Content {
  const content = new Content(bytes);
  contents.set($file, new WeakRef(content));
  collected.register(content, $file);
  return content;
}

/** The address of a file, as an attachment that is fetched where a model does not take it. @throws AmdahlError MISCONFIGURED */
export function addressOf(address: string, mediaType?: string): Attachment {
  if (!URL.canParse(address)) throw new AmdahlError('MISCONFIGURED', `file() was given ${JSON.stringify(address)}, which is no URL.`);
  const url = new URL(address);
  if (url.username !== '' || url.password !== '')
    throw new AmdahlError(
      'MISCONFIGURED',
      `file() was given a URL with a password for ${url.host}, which the journal would keep. Leave it out.`,
    );
  const type = mediaType ?? typeOfName(url.pathname);
  return { $file: url.href, ...(type === undefined ? {} : { mediaType: type }) };
}

/** The content of a data: URL. @throws AmdahlError MISCONFIGURED */
export function inlineOf(text: string, mediaType?: string): Attachment {
  const [, type = '', base64, data = ''] = /^data:([^;,]*)(?:;[^;,=]*=[^;,]*)*(;base64)?,([^]*)$/i.exec(text) ?? [];
  if (base64 === undefined && !/^data:[^,]*,/i.test(text))
    throw new AmdahlError('MISCONFIGURED', `file() was given a data: URL without data: ${text.slice(0, 40)}…`);
  const bytes = base64 === undefined ? Buffer.from(unescaped(data)) : Buffer.from(data, 'base64');
  return attach(bytes, mediaType ?? (type === '' ? undefined : type));
}

function unescaped(data: string): string {
  try {
    return decodeURIComponent(data);
  } catch {
    throw new AmdahlError('MISCONFIGURED', `file() was given a data: URL whose data is not escaped as URLs are: ${data.slice(0, 40)}…`);
  }
}

/** What this process has of an attachment's content. */
export function contentOf(attachment: Attachment): Uint8Array | undefined {
  const own: unknown = Reflect.get(attachment, CONTENT);
  // One of another copy of this package has bytes, too.
  if (typeof own === 'object' && own !== null && 'bytes' in own && own.bytes instanceof Uint8Array) return own.bytes;
  return contents.get(attachment.$file)?.deref()?.bytes;
}

/** Whether this process has the content of any file: else there is nothing to look for. */
export function hasContents(): boolean {
  return contents.size > 0;
}

/** Whether JSON text may hold attachments. Pure; O(length), and quick. */
export function mayHoldAttachments(json: string): boolean {
  return json.includes('"$file":"');
}

/** The attachments in a value, in order. Pure, O(size). */
export function attachmentsIn(value: unknown): readonly Attachment[] {
  if (typeof value !== 'object' || value === null) return [];
  if (isAttachment(value)) return [value];
  return Object.values(value).flatMap(attachmentsIn);
}

function reason(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return 'there is none';
  return cause instanceof Error ? cause.message : String(cause);
}
