// An answer that is cut off is no answer, wherever the cut falls: sent again, whole, or right because all of it was there.

import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/modelServer/answers.ts';
import { cellOf, type Column, columns } from './cells.ts';
import { look, weigh, WEIGHED } from './spoken.ts';

const HOWS = ['cut', 'cutReset', 'cutClean'] as const;
/** Places at which an answer is cut, spread over its length: a stream has more of them that differ. */
const CUTS = { whole: 5, streamed: 12 };

const tools: Answer = {
  text: 'Let me look.',
  tools: [
    { name: 'weather', args: { city: 'Oslo' } },
    { name: 'time', args: { city: 'São Paulo' } },
  ],
};

describe.each(columns)('$wire, streamed: $stream', (column) => {
  test.each(HOWS)('an object is right and complete, whichever byte it is cut at (%s)', async (how) => {
    const whole = await cellOf({ agent: weigh, answers: () => ({ object: WEIGHED }) }, column);
    const length = whole.requests[0]?.bytesOut ?? 0;
    expect(length).toBeGreaterThan(100);
    const cells = await Promise.all(
      cutsOf(length, column).map(async (atByte) => {
        const fault = (nth: number) => (nth === 0 ? ({ fault: how, atByte } as const) : undefined);
        return await cellOf({ agent: weigh, answers: () => ({ object: WEIGHED }), fault }, column);
      }),
    );
    for (const { trip, requests } of cells) {
      expect(trip.output).toEqual(WEIGHED);
      expect(trip.of('model.responded')).toHaveLength(1);
      const failed = trip.of('model.failed').map(({ error }) => error.code);
      expect(failed).toEqual(requests.slice(1).map(() => 'MODEL_GARBAGE'));
    }
    expect(cells.filter(({ requests }) => requests.length === 2).length).toBeGreaterThan(cells.length / 2);
  });

  test.each(HOWS)('no tool is called twice, or with half of its arguments (%s)', async (how) => {
    const whole = await cellOf({ agent: look, answers: [tools, 'done'] }, column);
    const length = whole.requests[0]?.bytesOut ?? 0;
    const cells = await Promise.all(
      cutsOf(length, column).map(async (atByte) => {
        const fault = (nth: number) => (nth === 0 ? ({ fault: how, atByte } as const) : undefined);
        const answers = (asked: { readonly messages: readonly { readonly role: string }[] }) =>
          asked.messages.some(({ role }) => role === 'tool') ? 'done' : tools;
        return await cellOf({ agent: look, answers, fault }, column);
      }),
    );
    for (const { trip } of cells) {
      expect(trip.output).toBe('done');
      expect(trip.of('tool.called').map(({ tool, args }) => ({ name: tool, args }))).toEqual(tools.tools);
    }
  });
});

function cutsOf(length: number, { stream }: Column): readonly number[] {
  const cuts = stream ? CUTS.streamed : CUTS.whole;
  return Array.from({ length: cuts }, (_, nth) => Math.floor((nth * length) / cuts));
}
