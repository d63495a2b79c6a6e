// Failures that share one incident: a provider that was down for everybody at once is told once, not once per call.
// Called by map.ts for its message, and by the command line for the holes of a result.

import type { ErrorCode } from '../agent/errors.ts';

/** A failure as it was thrown or as it is on record. */
export interface Failed {
  readonly code: ErrorCode;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** One incident, and how many of some failures fell to it. */
export interface Hit {
  readonly id: string;
  /** 'provider/modelId', where the failures say it. */
  readonly gate: string;
  readonly missing: number;
  /** What the first of them met. */
  readonly code?: ErrorCode;
}

/** The incidents among failures, in the order in which they come first. Pure. */
export function hitsIn(failures: readonly Failed[]): readonly Hit[] {
  const hits = new Map<string, Hit>();
  for (const failure of failures) {
    const hit = hitOf(failure);
    if (hit === undefined) continue;
    const known = hits.get(hit.id);
    hits.set(hit.id, { ...(known ?? hit), missing: (known?.missing ?? 0) + 1 });
  }
  return [...hits.values()];
}

/** The incident that a failure fell to: its own, or the only one of all that a fan-out lost. Pure. */
export function hitOf({ code, data = {} }: Failed): Omit<Hit, 'missing'> | undefined {
  const { incident, model } = data;
  if (typeof incident === 'string') return { id: incident, gate: typeof model === 'string' ? model : '', code };
  if (code !== 'TOO_MANY_MISSING') return undefined;
  const [only, ...more] = hitsOf(data);
  if (only === undefined || more.length > 0 || only.missing !== data['failed']) return undefined;
  const { missing: _missing, ...hit } = only;
  return hit;
}

/** The incidents in the data of TOO_MANY_MISSING. What is not one is left out. Pure. */
export function hitsOf({ incidents }: Readonly<Record<string, unknown>>): readonly Hit[] {
  return Array.isArray(incidents) ? incidents.filter(isHit) : [];
}

function isHit(value: unknown): value is Hit {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'gate' in value &&
    typeof value.gate === 'string' &&
    'missing' in value &&
    typeof value.missing === 'number'
  );
}

/** 'openai/gpt-5', or what stands for it where failures do not name it. Pure. */
export function nameOf({ gate }: Pick<Hit, 'gate'>): string {
  return gate === '' ? 'a provider' : gate;
}
