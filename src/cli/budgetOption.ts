// What `--budget` says, as a budget. Pure; called by run and resume.

import { AmdahlError } from '../agent/errors.ts';
import type { Budget } from '../agent/budget.ts';

type Cap = Exclude<keyof Budget, 'onLimit'>;

const EXAMPLE = 'Write it like --budget calls=8,tokens=1M,usd=0.5,time=10m.';
const SCALES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
const TIMES: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3, '': 1e3 };

/** @throws AmdahlError MISCONFIGURED naming the part that is wrong. */
export function parseBudget(text: string): Budget {
  const budget: Partial<Record<Cap, number>> = {};
  for (const part of text.split(',')) {
    const [, name, number, unit] = /^\s*([a-z]+)\s*=\s*\$?(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(part) ?? [];
    if (name === undefined || number === undefined || unit === undefined) {
      throw new AmdahlError('MISCONFIGURED', `--budget: '${part.trim()}' is not a cap. ${EXAMPLE}`);
    }
    const cap = capOf(name.toLowerCase());
    const scale = (cap === 'ms' ? TIMES : cap === 'usd' ? { '': 1 } : SCALES)[unit.toLowerCase()];
    if (scale === undefined) throw new AmdahlError('MISCONFIGURED', `--budget: '${unit}' is no unit for ${name}. ${EXAMPLE}`);
    if (budget[cap] !== undefined) throw new AmdahlError('MISCONFIGURED', `--budget: ${name} is given twice.`);
    const value = Number(number) * scale;
    if (cap !== 'usd' && !Number.isInteger(value))
      throw new AmdahlError('MISCONFIGURED', `--budget: ${name}=${number}${unit} is no whole number. ${EXAMPLE}`);
    budget[cap] = value;
  }
  return budget;
}

function capOf(name: string): Cap {
  if (name === 'time') return 'ms';
  if (name === 'calls' || name === 'tokens' || name === 'usd') return name;
  throw new AmdahlError('MISCONFIGURED', `--budget: there is no cap '${name}'; the caps are calls, tokens, usd and time. ${EXAMPLE}`);
}
