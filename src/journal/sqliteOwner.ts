// Whether the process that owns a run still works on it. Called by the SQLite store when a run is claimed
// or listed. A wrong guess costs a take-over, never a journal: the epoch fences the old owner off.

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { kill, pid } from 'node:process';
import type { Owner } from './journal.ts';

/** An owner as a store keeps it. `start` tells a process from a later one with its pid; '' where it is unknown. */
export interface StoredOwner extends Owner {
  readonly start: string;
}

/** The start of a living process of this machine, '' when it lives and its start is unknown, undefined when it is gone. */
export type StartOf = (pid: number) => string | undefined;

/** This process as an owner, under an id of its own. */
export function newOwner(process: { readonly pid: number; readonly startOf: StartOf } = { pid, startOf: startOfProcess }): StoredOwner {
  return { id: randomUUID(), pid: process.pid, host: hostname(), start: process.startOf(process.pid) ?? '' };
}

/** Whether an owner last seen `seenMsAgo` may still be at work. A process that is gone is known at once on its own machine. */
export function mayLive(
  owner: StoredOwner,
  seenMsAgo: number,
  ttlMs: number,
  here: { readonly host: string; readonly startOf: StartOf },
): boolean {
  if (seenMsAgo > ttlMs) return false;
  if (owner.host !== here.host) return true;
  const start = here.startOf(owner.pid);
  if (start === undefined) return false;
  return start === '' || owner.start === '' || start === owner.start;
}

/**
 * Asks the system. Where /proc tells (Linux), a pid that was given to another process and a dead one that its
 * parent has not collected count as gone too: in a container that restarts, every process has the same pid.
 */
export function startOfProcess(of: number): string | undefined {
  if (!Number.isInteger(of) || of <= 0) return undefined;
  try {
    kill(of, 0);
  } catch (thrown) {
    const denied = thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
    if (!denied) return undefined;
  }
  try {
    // proc(5): after the name in parentheses come the state (field 3) and, 19 fields on, the start time (field 22).
    const stat = readFileSync(`/proc/${of}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : (fields[19] ?? '');
  } catch {
    return '';
  }
}
