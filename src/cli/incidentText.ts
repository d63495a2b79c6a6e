// Incidents in words: a provider that failed for everybody at once is one line, not one per call. Pure; called by
// report, drive and show. Tools that were held back are told in the same way.

import type { Gap } from '../journal/event.ts';
import type { IncidentNode } from '../journal/incident.ts';
import { type Hit, hitOf, nameOf } from '../compose/incidents.ts';
import { clockText, many, timeText, visible } from './quantities.ts';
import type { HeldBack } from './turnedAway.ts';

/** What ran into incidents, and how many items there were: 12 of 50. */
export interface Losses {
  readonly hits: readonly Hit[];
  readonly of?: number | undefined;
}

/**
 * '1 incident: openai/gpt-5 was unavailable for 12 s (37 requests failed): 12 of 50 items are missing because of it'. Also
 * of incidents that cost nothing, and of those that only the failures know.
 */
export function incidentLines(known: readonly IncidentNode[], { hits, of }: Losses = { hits: [] }): string[] {
  const unknown = hits.filter(({ id }) => known.every((one) => one.id !== id));
  const told = [
    ...known.map((incident) => lossText(incidentText(incident), missingOf(hits, incident), of)),
    ...unknown.map((hit) => lossText(`${visible(nameOf(hit))} was unavailable`, hit.missing, of)),
  ];
  const [only] = told;
  if (only === undefined) return [];
  return told.length === 1 ? [`1 incident: ${only}`] : [`${told.length} incidents:`, ...told.map((text) => `  ${text}`)];
}

/** 'openai/gpt-5 was unavailable for 12 s (37 requests failed)'. */
function incidentText({ gate, since, until, failures }: IncidentNode): string {
  const when = until === undefined ? `from ${clockText(since)} on` : `for ${timeText(until - since)}`;
  // While it goes on nobody knows how many there will be.
  const failed = `${until === undefined ? 'at least ' : ''}${many(failures, 'request')} failed`;
  return `${visible(gate)} was unavailable ${when} (${failed})`;
}

/** "tool 'look' was held back: 10 failures in a row since 14:05:09, 50 calls were told so". */
export function heldBackLines(tools: readonly HeldBack[]): string[] {
  return tools.map((tool) => {
    const told = tool.calls === 0 ? '' : `, ${many(tool.calls, 'call')} ${tool.calls === 1 ? 'was' : 'were'} told so`;
    return `${heldBackText(tool)}${told}`;
  });
}

export function heldBackText({ tool, failures, since }: Pick<HeldBack, 'tool' | 'failures' | 'since'>): string {
  return `tool '${visible(tool)}' was held back: ${many(failures, 'failure')} in a row since ${clockText(since)}`;
}

/** The holes that fell to no incident: those are told one by one. */
export function othersIn(missing: readonly Gap[]): readonly Gap[] {
  return missing.filter(({ error }) => hitOf(error) === undefined);
}

function missingOf(hits: readonly Hit[], { id }: IncidentNode): number {
  return hits.find((hit) => hit.id === id)?.missing ?? 0;
}

function lossText(incident: string, missing: number, of: number | undefined): string {
  if (missing === 0) return incident;
  const items = of === undefined ? many(missing, 'item') : `${missing} of ${many(of, 'item')}`;
  return `${incident}: ${items} ${missing === 1 ? 'is' : 'are'} missing because of it`;
}
