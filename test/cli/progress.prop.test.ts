import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/cli/progress.ts';
import { addToProgress, noProgress } from '../../src/cli/progress.ts';
import type { Happening } from '../../src/journal/event.ts';
import {
  callFailed,
  callStarted,
  callSucceeded,
  journalOf,
  placeOf,
  requested,
  responded,
  runResumed,
  runStarted,
} from '../journal/story.ts';

const WIDTH = 6;

/** What happens to each item, and in which order the items take turns. */
const stories = fc.record({
  ends: fc.array(fc.constantFrom('done', 'failed', 'open'), { minLength: WIDTH, maxLength: WIDTH }),
  order: fc.array(fc.nat(WIDTH - 1), { maxLength: 40 }),
});

function stepsOf(path: string, end: 'done' | 'failed' | 'open'): Happening[] {
  const steps = [callStarted(path), requested(path), responded(path)];
  return end === 'open' ? steps : [...steps, end === 'done' ? callSucceeded(path) : callFailed(path)];
}

/** Items interleaved as `order` says, each in its own order; whatever is left over comes last. */
function interleave(ends: readonly ('done' | 'failed' | 'open')[], order: readonly number[]): Happening[] {
  const queues = ends.map((end, index) => stepsOf(`sweep[${index}]/review`, end));
  const told = order.flatMap((index) => queues[index]?.splice(0, 1) ?? []);
  return [runStarted, callStarted('sweep', { of: 'map', width: WIDTH }), ...told, ...queues.flat()];
}

function after(happenings: readonly Happening[]): Progress {
  const progress = noProgress();
  for (const { event } of journalOf(...happenings)) addToProgress(progress, event);
  return progress;
}

describe('progress, whatever the order of arrival', () => {
  it('counts what is done, failed and running, each item once', () => {
    fc.assert(
      fc.property(stories, ({ ends, order }) => {
        const progress = after(interleave(ends, order));
        const countOf = (end: string): number => ends.filter((one) => one === end).length;
        expect(progress.fan).toMatchObject({ done: countOf('done'), failed: countOf('failed') });
        // The fan-out itself runs, too.
        expect(progress.running.size).toBe(countOf('open') + 1);
      }),
    );
  });

  it('is the same after a resume that forgets all failures as if they had never ended', () => {
    fc.assert(
      fc.property(stories, ({ ends, order }) => {
        const retracted = ends.flatMap((end, index): Happening[] =>
          end === 'failed' ? [{ kind: 'call.retracted', place: placeOf(`sweep[${index}]/review`), why: 'resumed' }] : [],
        );
        const progress = after([...interleave(ends, order), runResumed(1, 10), ...retracted]);
        expect(progress.fan).toMatchObject({ done: ends.filter((end) => end === 'done').length, failed: 0 });
        expect(progress.running.size).toBe(0);
        expect(progress.overBefore).toBe(progress.fan?.done);
      }),
    );
  });
});
