// Incidents in a journal: what a tripped breaker leaves behind as evidence, read back. Called by grove.ts for a run's
// tree, and by the command line while a run goes on.

import type { EventOf, Json } from './event.ts';

/** A provider that failed for everybody at once, as a run has it on record. Times in epoch ms. */
export interface IncidentNode {
  /** The same in `data.incident` of every error that it caused. */
  readonly id: string;
  /** 'provider/modelId'. */
  readonly gate: string;
  readonly since: number;
  /** When it was answered again; absent while it was not. */
  readonly until?: number;
  /** Requests that failed. */
  readonly failures: number;
  /** What the first of them met. */
  readonly code: string;
  readonly message: string;
  /** When this was told. */
  readonly toldAt: number;
}

/** The incident that an event tells of, if it is one. What is not as it should be is none: it is only shown. Pure. */
export function incidentIn({ guard, evidence, at }: EventOf<'guard.tripped'>): IncidentNode | undefined {
  if (guard !== 'breaker' || !isRecord(evidence)) return undefined;
  const { id, gate, since, until, failures, code, message } = evidence;
  if (typeof id !== 'string' || typeof gate !== 'string' || typeof since !== 'number') return undefined;
  return {
    id,
    gate,
    since,
    ...(typeof until === 'number' ? { until } : {}),
    failures: typeof failures === 'number' ? failures : 0,
    code: typeof code === 'string' ? code : '',
    message: typeof message === 'string' ? message : '',
    toldAt: at,
  };
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
