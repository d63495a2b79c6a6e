// Attachments as data: a file in an input is a small JSON object that names its content, by hash or by URL, so that it can
// be part of a call's identity and be journaled wherever it stands. Made by file(); the bytes lie beside (files.ts).

/** A file in an input, as `file()` makes it. Plain JSON: it may stand anywhere in an input, be copied and be stored. */
export interface Attachment {
  /** 'sha256:' and the hash of its bytes (43 characters of base64url), or its address ('https://…'). */
  readonly $file: string;
  /** IANA media type. Absent where only who fetches the address will know. */
  readonly mediaType?: string;
  readonly bytes?: number;
  /** What the file is called, without its folder; some providers show it to the model. */
  readonly name?: string;
  /** A conversation names the address, which is often a page's: it is fetched from the public network alone. */
  readonly public?: true;
}

const HASH = /^sha256:[\w-]{43}$/;
const ADDRESS = /^https?:\/\/\S+$/;

/** What there may be beside `$file`, and of which type. */
const FIELDS: Readonly<Record<string, string>> = {
  $file: 'string',
  mediaType: 'string',
  bytes: 'number',
  name: 'string',
  public: 'boolean',
};

/** Whether a value is an attachment, as `file()` makes it. Pure. */
export function isAttachment(value: unknown): value is Attachment {
  if (typeof value !== 'object' || value === null || !('$file' in value) || typeof value.$file !== 'string') return false;
  if (!HASH.test(value.$file) && !ADDRESS.test(value.$file)) return false;
  return Object.entries(value).every(([key, field]) => FIELDS[key] === typeof field);
}

/** Whether its content is known by hash, and not only where it lies. Pure. */
export function isHashed({ $file }: Attachment): boolean {
  return $file.startsWith('sha256:');
}
