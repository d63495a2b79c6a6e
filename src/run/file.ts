// file(): a file as part of an input. Programs call it; agent/files.ts makes the attachment, and the disk is the system's.

import type { Attachment } from '../agent/attachment.ts';
import { type FileSchema, fileSchema } from '../agent/fileSchema.ts';
import { attachmentOf, type FileSource } from '../agent/files.ts';
import { readWhole } from './surroundings.ts';

/**
 * A file for an input: `run(look, { picture: file('shot.png') })`. A path is read at once, and bytes are copied; an address
 * (http, https) goes to models that take addresses, and is fetched once per run for others. The media type is found out where
 * it is not given. `file.schema` is its contract, alone or among zod's types: `z.object({ picture: file.schema })`.
 * @throws AmdahlError FILE_UNREADABLE, MISCONFIGURED. O(bytes).
 */
export const file: {
  (source: FileSource, mediaType?: string): Attachment;
  readonly schema: FileSchema;
} = Object.assign((source: FileSource, mediaType?: string): Attachment => attachmentOf(source, mediaType, readWhole), {
  schema: fileSchema,
});
