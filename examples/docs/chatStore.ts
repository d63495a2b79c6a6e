// What the app itself keeps of its chats: which run answers each of them. Here a file per chat, that all processes of the
// server see; in yours a column beside the chat's messages.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = process.env['CHATS_DIR'] ?? 'chats';
const fileOf = (chat: string): string => join(folder, encodeURIComponent(chat));

export async function setRun(chat: string, run: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(fileOf(chat), run);
}

export async function runOf(chat: string): Promise<string | undefined> {
  return await readFile(fileOf(chat), 'utf8').catch(() => undefined);
}
