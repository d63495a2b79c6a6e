// What kind of file some bytes are: by how they begin, else by the file's name, else text or nothing known. Called by file().

type Beginning = readonly (number | undefined)[];

const ascii = (text: string): Beginning => [...text].map((char) => (char === '?' ? undefined : char.charCodeAt(0)));

/** How files of a kind begin (the signatures that providers' packages go by, and those of audio and video containers). */
const BEGINNINGS: readonly (readonly [type: string, beginning: Beginning])[] = [
  ['image/png', [0x89, ...ascii('PNG')]],
  ['image/jpeg', [0xff, 0xd8, 0xff]],
  ['image/gif', ascii('GIF8')],
  ['image/webp', ascii('RIFF????WEBP')],
  ['image/avif', ascii('????ftypavif')],
  ['image/heic', ascii('????ftypheic')],
  ['image/tiff', [0x49, 0x49, 0x2a, 0x00]],
  ['image/tiff', [0x4d, 0x4d, 0x00, 0x2a]],
  ['application/pdf', ascii('%PDF')],
  ['audio/wav', ascii('RIFF????WAVE')],
  ['audio/mpeg', ascii('ID3')],
  ['audio/mpeg', [0xff, 0xfb]],
  ['audio/ogg', ascii('OggS')],
  ['audio/flac', ascii('fLaC')],
  ['audio/mp4', ascii('????ftypM4A')],
  ['video/mp4', ascii('????ftyp')],
  ['video/webm', [0x1a, 0x45, 0xdf, 0xa3]],
  ['application/zip', [...ascii('PK'), 3, 4]],
];

const ENDINGS: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  heic: 'image/heic',
  bmp: 'image/bmp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  m4a: 'audio/mp4',
  mp4: 'video/mp4',
  webm: 'video/webm',
  json: 'application/json',
  xml: 'application/xml',
  csv: 'text/csv',
  md: 'text/markdown',
  html: 'text/html',
  htm: 'text/html',
  txt: 'text/plain',
  zip: 'application/zip',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
};

/** The IANA media type of bytes, or undefined. Office files begin as archives do: their name knows better. Pure, O(bytes) for text. */
export function mediaTypeOf(bytes: Uint8Array, name: string | undefined): string | undefined {
  const named = name === undefined ? undefined : typeOfName(name);
  const [found] = BEGINNINGS.find(([, beginning]) => beginning.every((byte, at) => byte === undefined || bytes[at] === byte)) ?? [];
  if (found !== undefined) return found === 'application/zip' ? (named ?? found) : found;
  return named ?? (isText(bytes) ? 'text/plain' : undefined);
}

/** By the ending of a name or of the path of an address. Pure. */
export function typeOfName(name: string): string | undefined {
  const ending = /\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1]?.toLowerCase();
  return ending !== undefined && Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
}

/** Whether files of a kind are text, which every model reads as it is. Pure. */
export function isTextual(mediaType: string): boolean {
  return /^text\/|^application\/(?:json|xml|yaml|x-yaml|javascript)$|\+json$/.test(mediaType);
}

/** What is more than the text that stands in it: a change of that would spoil it. */
const OWN_FORM = /^(?:audio|font|video)\/|^image\/(?!svg)|^application\/pdf$/i;

/** Whether a file is text to whoever opens it, whatever it is called (.env, .sql, .sh: application/octet-stream). O(n). */
export function isReadable(mediaType: string | undefined, bytes: Uint8Array): boolean {
  if (mediaType !== undefined && isTextual(mediaType)) return true;
  return (mediaType === undefined || !OWN_FORM.test(mediaType)) && isText(bytes);
}

function isText(bytes: Uint8Array): boolean {
  try {
    return !new TextDecoder('utf-8', { fatal: true }).decode(bytes).includes('\0');
  } catch {
    return false;
  }
}
