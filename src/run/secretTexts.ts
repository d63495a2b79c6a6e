// Secrets in one text: where they are, and the text with placeholders in their stead. Called by secrets.ts alone.

import type { Needles } from '../model/needles.ts';
import type { Known, Pattern } from './secretOptions.ts';

/** What stands where a secret was. It is no secret itself, whatever patterns say. */
export const PLACEHOLDER: RegExp = /\[secret(?::[^\]\s]{1,200})?\]/g;
/** A secret in a value: where, and which. */
export interface Exposed {
  readonly path: string;
  readonly name: string | undefined;
}

/** Of a stream, so much is held back where patterns are looked for: a longer match may show its beginning. */
const PATTERN_CHARS_HELD = 256;
export class SecretTexts {
  /** There are none to look for. */
  readonly none: boolean;
  readonly #needles: Needles;
  readonly #patterns: readonly Pattern[];

  constructor({ values, patterns }: Known) {
    this.#needles = values;
    this.#patterns = patterns;
    this.none = values.size === 0 && patterns.length === 0;
  }

  /** The text without secrets. O(length); `opaque`: only known values are looked for. */
  safe(text: string, opaque: boolean): string {
    const hit = this.#needles.find(text);
    const safe = hit === undefined ? text : this.#withoutValues(text);
    return opaque || this.#patterns.length === 0 ? safe : this.#withoutPatterns(safe);
  }

  /** Where a text ends in what may be a secret, or become one: what stands from there on must not be told yet. O(length). */
  open(text: string): number {
    let open = this.#needles.open(text);
    if (this.#patterns.length > 0) open = Math.min(open, Math.max(0, text.length - PATTERN_CHARS_HELD));
    for (let hit = this.#needles.find(text); hit !== undefined && hit.from < open; hit = this.#needles.find(text, hit.to))
      if (hit.to > open) open = hit.from;
    for (const { expression } of this.#patterns)
      for (const { index, 0: found } of text.matchAll(expression)) if (index < open && index + found.length > open) open = index;
    return open;
  }

  /** Which secret a text holds, if any. */
  exposed(text: string, path: string): Exposed | undefined {
    const hit = this.#needles.find(text);
    if (hit !== undefined) return { path, name: hit.name === '' ? undefined : hit.name };
    const pattern =
      this.#patterns.length === 0 || this.#withoutPatterns(text) === text ? undefined : this.#patterns.find((one) => matches(one, text));
    return pattern === undefined ? undefined : { path, name: pattern.name };
  }

  #withoutValues(text: string): string {
    let safe = '';
    let from = 0;
    for (let hit = this.#needles.find(text); hit !== undefined; hit = this.#needles.find(text, from)) {
      safe += `${text.slice(from, hit.from)}${placeholder(hit.name)}`;
      from = hit.to;
    }
    return safe + text.slice(from);
  }

  #withoutPatterns(text: string): string {
    let safe = text;
    for (const { expression, name } of this.#patterns) {
      if (!expression.test(safe)) continue;
      expression.lastIndex = 0;
      const between = safe.split(PLACEHOLDER);
      const kept = safe.match(PLACEHOLDER) ?? [];
      const put = between.map((part) => part.replace(expression, (found) => (found === '' ? '' : placeholder(name))));
      safe = put.map((part, nth) => `${part}${kept[nth] ?? ''}`).join('');
    }
    return safe;
  }
}

function placeholder(name: string | undefined): string {
  return name === undefined || name === '' ? '[secret]' : `[secret:${name}]`;
}

function matches({ expression }: Pattern, text: string): boolean {
  expression.lastIndex = 0;
  return expression.test(text);
}
