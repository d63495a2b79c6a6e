import { describe, expect, it } from 'vitest';
import { heldBackLines, incidentLines, othersIn } from '../../src/cli/incidentText.ts';
import { clockText } from '../../src/cli/quantities.ts';
import { hitsIn } from '../../src/compose/incidents.ts';
import type { Gap } from '../../src/journal/event.ts';
import type { IncidentNode } from '../../src/journal/incident.ts';
import { placeOf } from '../journal/story.ts';

const OVER: IncidentNode = {
  id: 'i1',
  gate: 'openai/gpt-5',
  since: 1_000,
  until: 13_000,
  failures: 37,
  code: 'MODEL_UNAVAILABLE',
  message: 'no answer',
  toldAt: 2_000,
};
const { until: _until, ...OPEN } = OVER;

function gap(index: number, incident?: string): Gap {
  const data = incident === undefined ? {} : { data: { incident, model: 'openai/gpt-5' } };
  return { call: `sweep[${index}]/review`, place: placeOf('p'), index, error: { code: 'MODEL_UNAVAILABLE', message: 'no', ...data } };
}

describe('incidents in a report', () => {
  it('are one line instead of as many failures as they caused', () => {
    const missing = [gap(0, 'i1'), gap(1), gap(2, 'i1')];
    const hits = hitsIn(missing.map(({ error }) => error));
    expect(incidentLines([OVER], { hits, of: 50 })).toEqual([
      '1 incident: openai/gpt-5 was unavailable for 12 s (37 requests failed): 2 of 50 items are missing because of it',
    ]);
    expect(othersIn(missing)).toEqual([gap(1)]);
  });

  it('say that they cost nothing, do not end yet, or are known by their failures alone', () => {
    expect(incidentLines([OVER])).toEqual(['1 incident: openai/gpt-5 was unavailable for 12 s (37 requests failed)']);
    expect(incidentLines([OPEN])).toEqual([
      `1 incident: openai/gpt-5 was unavailable from ${clockText(1_000)} on (at least 37 requests failed)`,
    ]);
    expect(incidentLines([], { hits: [{ id: 'i2', gate: '', missing: 1 }] })).toEqual([
      '1 incident: a provider was unavailable: 1 item is missing because of it',
    ]);
    expect(incidentLines([])).toEqual([]);
  });

  it('are listed where there are several', () => {
    const other = { ...OVER, id: 'i2', gate: 'acme/small', failures: 1 };
    expect(incidentLines([OVER, other], { hits: [{ id: 'i2', gate: 'acme/small', missing: 3 }] })).toEqual([
      '2 incidents:',
      '  openai/gpt-5 was unavailable for 12 s (37 requests failed)',
      '  acme/small was unavailable for 12 s (1 request failed): 3 items are missing because of it',
    ]);
  });
});

describe('tools that were held back', () => {
  it('are told with how often they failed, and how many calls heard of it', () => {
    const look = { tool: 'look', since: 1_000, failures: 10, calls: 50, toldAt: 2_000 };
    const held = `tool 'look' was held back: 10 failures in a row since ${clockText(1_000)}`;
    expect(heldBackLines([look, { ...look, calls: 1 }, { ...look, calls: 0 }])).toEqual([
      `${held}, 50 calls were told so`,
      `${held}, 1 call was told so`,
      held,
    ]);
  });
});
