// The files of one entry of a run: from an attachment in an input to the part that a model is sent. Called by call.ts, which
// lets inputs in, and by conversation.ts, which opens with them.
//
// F3 the content of every file that a call of the run was given is in its journal before the call, by hash, so that a resume
//    in another process sends the same bytes. What was fetched once is not fetched again in that run.

import type { LanguageModelV4, LanguageModelV4FilePart, LanguageModelV4TextPart } from '@ai-sdk/provider';
import { type Attachment, isHashed } from '../agent/attachment.ts';
import { AmdahlError } from '../agent/errors.ts';
import { attachmentsIn, contentOf, hasContents } from '../agent/files.ts';
import { isReadable, isTextual, mediaTypeOf, typeOfName } from '../agent/mediaType.ts';
import type { EventOf, Happening } from '../journal/event.ts';
import { urlTaken } from '../model/urls.ts';
import { limitError, type Limits } from './limits.ts';

/** What a file is fetched with; `isPublic`: from the public network alone. Rejects with an AmdahlError. */
export type Download = (
  url: URL,
  how: { readonly bytesMax: number; readonly isPublic: boolean },
) => Promise<{ readonly bytes: Uint8Array; readonly mediaType: string | undefined }>;

/** What is known of a file's content. */
interface Held {
  readonly bytes: Uint8Array;
  readonly mediaType: string | undefined;
}

export interface FilesPorts {
  readonly limits: Limits;
  readonly download: Download;
  /** Text without its secrets: what is read as text is kept as it may be sent. */
  safe(text: string): string;
  note(kept: Extract<Happening, { kind: 'file.kept' }>): void;
  /** The files that the journal of the run has; none in its first entry. */
  recorded(): Promise<readonly EventOf<'file.kept'>[]>;
  readonly place: EventOf<'file.kept'>['place'];
}

export type FileOrText = LanguageModelV4FilePart | LanguageModelV4TextPart;

export class Files {
  readonly #ports: FilesPorts;
  readonly #held = new Map<string, Held>();
  readonly #fetching = new Map<string, Promise<Held>>();
  #recorded: Promise<ReadonlyMap<string, Held>> | undefined;

  constructor(ports: FilesPorts) {
    this.#ports = ports;
  }

  /** Keeps the contents that this process has of the attachments in a value, as it was given. */
  hold(value: unknown): void {
    if (!hasContents()) return;
    for (const attachment of attachmentsIn(value)) {
      const { $file, mediaType } = attachment;
      if (!isHashed(attachment) || this.#held.has($file)) continue;
      const content = contentOf(attachment);
      if (content !== undefined) this.#keep($file, { bytes: content, mediaType });
    }
  }

  /**
   * Lets an input in: before anything is sent, its files must be there and each within its limit; all together where one
   * model `isSent` them. What a fan-out takes is sent in many requests.
   * @throws AmdahlError LIMIT_EXCEEDED, FILE_UNREADABLE
   */
  async admit(input: unknown, path: string, isSent: boolean): Promise<void> {
    const { fileBytes, filesBytes } = this.#ports.limits;
    let sum = 0;
    for (const attachment of attachmentsIn(input)) {
      if (!isHashed(attachment)) continue;
      const { bytes } = await this.#find(attachment);
      sum += bytes.byteLength;
      if (bytes.byteLength > fileBytes)
        throw limitError(
          'fileBytes',
          fileBytes,
          `The file ${named(attachment)} of the input of '${path}' has ${bytes.byteLength} bytes`,
          'Send a smaller one, or raise limits.fileBytes.',
        );
    }
    if (isSent && sum > filesBytes)
      throw limitError(
        'filesBytes',
        filesBytes,
        `The files of the input of '${path}' have ${sum} bytes`,
        'Send fewer or smaller ones, or raise limits.filesBytes.',
      );
  }

  /** An attachment as its models are sent it: by address where all of them take that, else its bytes, text as text. */
  async part(attachment: Attachment, models: readonly LanguageModelV4[]): Promise<FileOrText> {
    const { $file, name } = attachment;
    if (!isHashed(attachment)) {
      const url = new URL($file);
      const mediaType = attachment.mediaType ?? typeOfName(url.pathname);
      if (mediaType !== undefined && (await urlTaken(models, mediaType, url.href)))
        return { type: 'file', mediaType, data: { type: 'url', url }, ...filename(name) };
    }
    const held = isHashed(attachment) ? await this.#find(attachment) : await this.#fetched(attachment);
    const mediaType = attachment.mediaType ?? held.mediaType ?? mediaTypeOf(held.bytes, name);
    if (mediaType === undefined)
      throw new AmdahlError(
        'FILE_UNREADABLE',
        `Nobody says what kind of file ${named(attachment)} is. Give its media type: file(source, 'image/png').`,
      );
    if (isTextual(mediaType)) return { type: 'text', text: new TextDecoder().decode(held.bytes) };
    return { type: 'file', mediaType, data: { type: 'data', data: held.bytes }, ...filename(name) };
  }

  async #find(attachment: Attachment): Promise<Held> {
    const held = this.#held.get(attachment.$file) ?? (await this.#recall()).get(attachment.$file);
    if (held !== undefined) return held;
    const content = contentOf(attachment);
    if (content !== undefined) return this.#keep(attachment.$file, { bytes: content, mediaType: attachment.mediaType });
    throw new AmdahlError(
      'FILE_UNREADABLE',
      `The content of the file ${named(attachment)} is neither in this process nor in the journal of its run. Make the attachment again with file(…).`,
    );
  }

  #keep($file: string, found: Held): Held {
    const held = this.#safe(found);
    this.#held.set($file, held);
    // What will be refused is not kept for later.
    if (held.bytes.byteLength > this.#ports.limits.fileBytes) return held;
    const { bytes: data, mediaType } = held;
    this.#ports.note({ kind: 'file.kept', place: this.#ports.place, file: $file, data, ...(mediaType === undefined ? {} : { mediaType }) });
    return held;
  }

  #safe({ bytes, mediaType }: Held): Held {
    if (!isReadable(mediaType, bytes)) return { bytes, mediaType };
    const text = new TextDecoder().decode(bytes);
    const safe = this.#ports.safe(text);
    return { bytes: safe === text ? bytes : new TextEncoder().encode(safe), mediaType };
  }

  /** Once per run: who asks meanwhile waits for the same answer, and a failure is not kept. */
  #fetched({ $file, public: isPublic }: Attachment): Promise<Held> {
    const known = this.#fetching.get($file);
    if (known !== undefined) return known;
    const fetching = this.#recall().then(async (recorded) => {
      const before = recorded.get($file);
      if (before !== undefined) return before;
      const { bytes, mediaType } = await this.#ports.download(new URL($file), {
        bytesMax: this.#ports.limits.fileBytes,
        isPublic: isPublic === true,
      });
      return this.#keep($file, { bytes, mediaType: mediaTypeOf(bytes, undefined) ?? mediaType });
    });
    this.#fetching.set($file, fetching);
    fetching.catch(() => this.#fetching.delete($file));
    return fetching;
  }

  #recall(): Promise<ReadonlyMap<string, Held>> {
    return (this.#recorded ??= this.#ports
      .recorded()
      .then((events) => new Map(events.map(({ file, data, mediaType }) => [file, { bytes: data, mediaType }]))));
  }
}

function named({ $file, name }: Attachment): string {
  return `'${name ?? ($file.startsWith('sha256:') ? `${$file.slice(0, 15)}…` : $file)}'`;
}

function filename(name: string | undefined): { readonly filename?: string } {
  return name === undefined ? {} : { filename: name };
}
