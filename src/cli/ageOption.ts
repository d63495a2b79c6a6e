// What `--older-than` says, in milliseconds. Pure; called by prune.

import { AmdahlError } from '../agent/errors.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3, w: 7 * 86_400e3 };

/** @throws AmdahlError MISCONFIGURED */
export function parseAge(text: string): number {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/i.exec(text) ?? [];
  const scale = UNITS[unit.toLowerCase()];
  if (number !== undefined && scale !== undefined) return Number(number) * scale;
  throw new AmdahlError('MISCONFIGURED', `--older-than: '${text}' is no age. Write it like 30d, 12h, 90m, 2w.`);
}
