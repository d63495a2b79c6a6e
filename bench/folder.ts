// Temporary folders of the benches, and what stands in them.

import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `work` in a folder of its own, which is gone afterwards. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'amdahl-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How many bytes a file has; 0 when there is none. */
export function bytesOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** What everything below a folder takes on disk, in bytes: whole blocks, as `du` counts. */
export function bytesOnDisk(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    bytes += lstatSync(join(entry.parentPath, entry.name)).blocks * 512;
  }
  return bytes;
}

/** A warning when a folder is kept in memory, where flushing costs nothing; undefined on a disk. */
export function notOnDisk(folder: string): string | undefined {
  const TMPFS = 0x01021994; // linux/magic.h
  return statfsSync(folder).type === TMPFS
    ? `${folder} is a tmpfs: what is said to be on disk was in memory. Set TMPDIR to a folder on a disk.`
    : undefined;
}
