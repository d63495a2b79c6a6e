// Chance that a seed repeats. Every draw of the server comes from dice named after what they are for, so that the order
// in which requests arrive changes nothing about what any one of them meets.

import { hash } from '../agent/canonical.ts';

/** A number in [0, 1). */
export type Dice = () => number;

/**
 * Dice for one purpose: the same seed and names throw the same numbers. Pure.
 * Splitmix32: a Weyl sequence through the finalizer of MurmurHash3 (Steele, Lea, Flood: Fast Splittable Pseudorandom
 * Number Generators, OOPSLA 2014).
 */
export function dice(seed: number, ...names: readonly (string | number)[]): Dice {
  let state = Buffer.from(hash(`${seed}\n${names.join('\n')}`), 'base64url').readUInt32LE(0);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x85ebca6b);
    mixed ^= mixed >>> 13;
    mixed = Math.imul(mixed, 0xc2b2ae35);
    mixed ^= mixed >>> 16;
    return (mixed >>> 0) / 2 ** 32;
  };
}

/** A whole number between both, ends included. */
export function between(random: Dice, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** One of a list that is not empty. */
export function oneOf<T>(random: Dice, list: readonly [T, ...T[]] | readonly T[]): T {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined && list.length === 0) throw new RangeError('there is nothing to choose from');
  return one as T; // the index is within the list
}
