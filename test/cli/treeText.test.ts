import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { renderTree } from '../../src/cli/treeText.ts';
import type { ErrorCode } from '../../src/agent/errors.ts';
import type { Happening } from '../../src/journal/event.ts';
import { treeOf } from '../../src/journal/tree.ts';
import { widthOf } from '../../src/cli/quantities.ts';
import {
  attemptOf,
  callFailed,
  callStarted,
  callSucceeded,
  journalOf,
  modelFailed,
  placeOf,
  requested,
  responded,
  runResumed,
  runStarted,
  waited,
} from '../journal/story.ts';

async function shown(
  happenings: readonly Happening[],
  options: { width?: number; all?: boolean; colors?: boolean } = {},
): Promise<string[]> {
  const { root } = await treeOf(journalOf(...happenings));
  if (root === undefined) throw new Error('the story has no call');
  return renderTree(root, { width: options.width ?? 200, colors: createColors(options.colors ?? false), all: options.all ?? false });
}

function fan(width: number): Happening[] {
  const items = Array.from({ length: width }, (_, index) => `sweep[${index}]/review`);
  return [runStarted, callStarted('sweep', { of: 'map', width }), ...items.flatMap((path) => [callStarted(path), callSucceeded(path)])];
}

describe('a tree in a terminal', () => {
  it('draws who asked whom, with time, tokens and money in columns', async () => {
    const lines = await shown([
      runStarted,
      callStarted('top', { of: 'flow' }),
      callStarted('top/a'),
      requested('top/a', { reservedUsd: 30 }),
      responded('top/a', { usd: 1_200 }),
      callStarted('top/a:1.1/lookup', { of: 'step' }),
      callSucceeded('top/a:1.1/lookup'),
      callSucceeded('top/a'),
      callStarted('top/b'),
    ]);
    expect(lines).toEqual([
      '▸ top              flow    70 ms  110 tokens  $0.0012',
      '├ ✓ a              1 turn  50 ms  110 tokens  $0.0012',
      '│ └ ✓ :1.1/lookup  step    10 ms',
      '└ ▸ b                       0 ms',
    ]);
  });

  it('shows few siblings or all of them, and never hides what did not succeed', async () => {
    expect(await shown(fan(7))).toHaveLength(8);
    const folded = await shown(fan(30));
    expect(folded).toHaveLength(7);
    expect(folded.at(-1)).toMatch(/^└ … 25 more succeeded \(--all\)/);
    expect(await shown(fan(30), { all: true })).toHaveLength(31);
    const failing = await shown([...fan(30), callStarted('sweep[30]/review'), callFailed('sweep[30]/review')]);
    expect(failing.some((line) => line.includes('✗ [30]/review'))).toBe(true);
    expect(failing.some((line) => line.includes('CONTRACT_VIOLATION: sweep[30]/review does not fit'))).toBe(true);
  });

  it('says what was forgotten, and whose failure was passed on', async () => {
    const lines = await shown([
      runStarted,
      callStarted('top', { of: 'flow' }),
      callStarted('top/a'),
      callFailed('top/a'),
      callFailed('top', ['top/a']),
      runResumed(1, 50),
      { kind: 'call.retracted', place: placeOf('top'), why: 'resumed' },
      { kind: 'call.retracted', place: placeOf('top/a'), why: 'program', note: 'its instructions changed' },
    ]);
    expect(lines.join('\n')).toContain('forgotten at entry 2: the program changed (its instructions changed)');
    const before = await shown([
      runStarted,
      callStarted('top', { of: 'flow' }),
      callStarted('top/a'),
      callFailed('top/a'),
      callFailed('top', ['top/a']),
    ]);
    expect(before.join('\n')).toContain('passed on from top/a');
  });

  it('says what a call waited for, if it was long enough to notice', async () => {
    const lines = await shown([
      runStarted,
      callStarted('a'),
      waited('a', 'gate', 3_200, 'openai/gpt-5'),
      waited('a', 'gate', 99, 'acme/small'),
      waited('a', 'budget', 1_000),
    ]);
    expect(lines.slice(1)).toEqual(['   waited 3.2 s at the gate of openai/gpt-5', '   waited 1.0 s for room in a budget']);
  });

  it('says which model a call was moved to and why, and what was hedged', async () => {
    const move: Happening = {
      kind: 'decision',
      place: attemptOf('a'),
      question: 'model',
      choice: 'anthropic/claude-sonnet-4-5',
      reason: 'openai/gpt-5 failed: MODEL_UNAVAILABLE.',
    };
    const moved = await shown([
      runStarted,
      callStarted('a'),
      move,
      requested('a', { model: 'anthropic/claude-sonnet-4-5' }),
      responded('a'),
    ]);
    expect(moved.slice(1, 3)).toEqual([
      '   moved to anthropic/claude-sonnet-4-5 because openai/gpt-5 failed: MODEL_UNAVAILABLE',
      '   turn 1: 5 ms, 90 in, 20 out',
    ]);
    const hedged = [runStarted, callStarted('a'), requested('a'), requested('a', { hedge: true })];
    const first = await shown([...hedged, responded('a'), modelFailed('a', { hedge: true, lost: true })]);
    expect(first[1]).toBe('   turn 1: hedged, 5 ms, 90 in, 20 out');
    const second = await shown([...hedged, responded('a', { hedge: true }), modelFailed('a', { lost: true })]);
    expect(second[1]).toBe('   turn 1: hedged, and the hedge was answered first, 5 ms, 90 in, 20 out');
  });

  it('shows one call of those that fell to one incident, in one line', async () => {
    const fell = (path: string): Happening => ({
      kind: 'call.failed',
      place: placeOf(path),
      error: { code: 'MODEL_UNAVAILABLE', message: 'no answer '.repeat(60), data: { incident: 'i1', model: 'acme/small' } },
      causes: [],
    });
    const paths = Array.from({ length: 20 }, (_, index) => `sweep[${index + 8}]/review`);
    const story = [...fan(8), ...paths.flatMap((path) => [callStarted(path), fell(path)])];
    const lines = await shown(story);
    expect(lines.filter((line) => line.includes('✗'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('MODEL_UNAVAILABLE: no answer'))).toHaveLength(1);
    expect(lines.slice(-2)).toEqual(['├ … 19 more fell to an incident (--all)', '└ … 3 more succeeded (--all)']);
    expect((await shown(story, { all: true })).filter((line) => line.includes('✗'))).toHaveLength(20);
  });

  it('counts failures of one turn that were the same', async () => {
    const failed = (code: ErrorCode): Happening[] => [requested('a'), modelFailed('a', { retryMs: 1, error: { code, message: 'no' } })];
    const codes = ['MODEL_TIMEOUT', 'MODEL_OVERLOADED', 'MODEL_TIMEOUT'] as const;
    const lines = await shown([runStarted, callStarted('a'), ...codes.flatMap(failed), requested('a'), responded('a')]);
    expect(lines[1]).toBe('   turn 1: sent 4 times, after 2 × MODEL_TIMEOUT, MODEL_OVERLOADED, 5 ms, 90 in, 20 out');
  });

  it('fits a narrow terminal with names of any length', async () => {
    const long = `top/${'a-very-long-name-'.repeat(8)}`;
    const story = [
      runStarted,
      callStarted('top', { of: 'flow' }),
      callStarted(long),
      requested(long),
      responded(long),
      callSucceeded(long),
    ];
    for (const width of [50, 80, 120]) for (const line of await shown(story, { width })) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it('keeps its columns when it is coloured', async () => {
    const plain = await shown(fan(3));
    const colored = await shown(fan(3), { colors: true });
    expect(colored.map((line) => stripVTControlCharacters(line))).toEqual(plain);
    expect(colored[0]).toContain('\u001b[');
  });

  it('shows nothing of what a model said that could steer the terminal', async () => {
    const lines = await shown([runStarted, callStarted('a'), requested('a'), responded('a', { text: '\u001b[2Jgone' }), callFailed('a')], {
      all: true,
    });
    expect(lines.join('\n')).toContain('[2Jgone');
    expect(lines.join('\n')).not.toContain('\u001b');
  });
});
