// What all protocols make of a model's words in the same way: where a refusal stands, what arguments look like, and
// the ids and times of an answer, which follow from its serial number alone.

import type { Said } from './wire.ts';

/** Second in which every server's time begins: answers must be the same in every run. */
const EPOCH_SECONDS = 1_767_225_600;

/** Serial numbers may be large; all times are within some days. */
const SECONDS_MAX = 1_000_000;

/** The time of an answer, in seconds. */
export function createdSeconds(serial: number): number {
  return EPOCH_SECONDS + (serial % SECONDS_MAX);
}

/** An id with the provider's prefix: `part` tells the things of one answer apart. */
export function idOf(prefix: string, serial: number, part?: number): string {
  const body = serial.toString(36).padStart(16, '0');
  return part === undefined ? `${prefix}${body}` : `${prefix}${body}${part.toString(36).padStart(4, '0')}`;
}

/** The text and the refusal of an answer. One that ends as a refusal and has only text refuses with that text. */
export function wordsOf(said: Said): { readonly text?: string; readonly refusal?: string } {
  if (said.finish === 'refusal' && said.refusal === undefined) return { refusal: said.text ?? '' };
  return {
    ...(said.text !== undefined && { text: said.text }),
    ...(said.refusal !== undefined && { refusal: said.refusal }),
  };
}

/** Arguments of a call as they are written into an answer. */
export function argsText(args: unknown): string {
  return typeof args === 'string' ? args : (JSON.stringify(args) ?? '{}');
}

/** What OpenAI tells of tokens that went into its cache: nothing, where writing is free. */
export function writtenUsage(tokens: number | undefined): { readonly cache_write_tokens?: number } {
  return tokens === undefined ? {} : { cache_write_tokens: tokens };
}
