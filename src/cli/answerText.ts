// What somebody typed behind `amdahl answer ASK`, as the answer that it means. Pure; called by answer.

import { AmdahlError, describe, problemList } from '../agent/errors.ts';
import type { Json } from '../agent/canonical.ts';
import { misfits } from '../agent/form.ts';
import type { Asked } from './askCard.ts';
import { outcomesIn } from './askCard.ts';
import { shapeText } from './shapeText.ts';

/**
 * JSON where it fits, else the text itself where that fits; yes and no for an approval, and the bare word of an outcome.
 * @throws AmdahlError CONTRACT_VIOLATION naming what fits
 */
export function meantBy(text: string, { ask, of, form }: Pick<Asked, 'ask' | 'of' | 'form'>): Json {
  const word = text.trim();
  if (of === 'approval') {
    if (/^(?:y|yes|true)$/i.test(word)) return true;
    if (/^(?:n|no|false)$/i.test(word)) return false;
    throw new AmdahlError('CONTRACT_VIOLATION', `Say yes or no to '${ask}': '${word}' is neither. Nothing was answered.`);
  }
  if (outcomesIn(form).includes(word)) return { outcome: word };
  const parsed = parse(text);
  const candidates = [...(parsed.ok ? [parsed.value] : []), text.replace(/\r?\n$/, '')];
  const fitting = candidates.find((value) => misfits(value, form).length === 0);
  if (fitting !== undefined) return fitting;
  const problems = misfits(candidates[0] ?? '', form);
  const why = parsed.ok ? problemList(problems) : `it is no JSON (${parsed.why})`;
  throw new AmdahlError(
    'CONTRACT_VIOLATION',
    `The answer to '${ask}' does not fit: ${why}. It takes ${shapeText(form ?? { type: 'string' })}. Nothing was answered.`,
    parsed.ok ? { problems } : {},
  );
}

function parse(text: string): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: string } {
  try {
    return { ok: true, value: JSON.parse(text) as Json }; // as JSON.parse gives it
  } catch (error) {
    return { ok: false, why: describe(error) };
  }
}
