import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { widthOf } from '../../src/cli/quantities.ts';
import { renderTree } from '../../src/cli/treeText.ts';
import type { Happening } from '../../src/journal/event.ts';
import { treeOf } from '../../src/journal/tree.ts';
import {
  askAnswered,
  askOpened,
  askRefused,
  callConfirmed,
  callStarted,
  callSucceeded,
  committed,
  committing,
  discarded,
  journalOf,
  runStarted,
  staged,
  uncertain,
} from '../journal/story.ts';

async function shown(happenings: readonly Happening[], { width = 120, all = false, colors = false } = {}): Promise<string[]> {
  const { root } = await treeOf(journalOf(runStarted, ...happenings));
  if (root === undefined) throw new Error('the story has no call');
  return renderTree(root, { width, colors: createColors(colors), all });
}

const done = (call: string, key: string): Happening[] => [staged(call, key), committing(call, key), committed(call, key, { id: 7 })];

describe('effects in a terminal', () => {
  it('say what was done and with which result, and what was not and why', async () => {
    const lines = await shown([
      callStarted('a'),
      staged('a', 'k0', { title: 'Lmap' }),
      discarded('a', 'k0', 'attempt 1 was rejected.'),
      staged('a', 'k1', { on: '[receipt:k9]' }),
      committing('a', 'k1', { on: 9 }),
      committed('a', 'k1', { id: 7 }, 'person'),
      callSucceeded('a'),
    ]);
    expect(lines.slice(1)).toEqual([
      '   discarded  send {"title":"Lmap"} (attempt 1 was rejected)',
      '   committed  send {"on":9} → {"id":7} (a person says so)',
    ]);
  });

  it('stand out where nobody knows whether they happened, with the key that their service knows', async () => {
    const lines = await shown(
      [callStarted('a'), committing('a', 'k1', { to: 'ana' }, 'immediate'), uncertain('a', 'k1', 'socket hang up')],
      {
        colors: true,
      },
    );
    expect(lines[1]).toContain('\u001b[31m\u001b[1muncertain');
    expect(lines.slice(2).join('\n')).toMatch(/nobody knows whether it happened: socket hang up\n.*key k1/);
  });

  it('are folded where many went well, but never the others', async () => {
    const many = Array.from({ length: 9 }, (_, index) => done('a', `k${index}`)).flat();
    const story = [callStarted('a'), ...many, staged('a', 'x'), discarded('a', 'x', 'no'), callSucceeded('a')];
    expect((await shown(story)).slice(6)).toEqual(['   discarded  send {} (no)', '   … more: 4 committed (--all)']);
    expect(await shown(story, { all: true })).toHaveLength(11);
  });

  it('are counted for calls of a fan-out that are not shown, and show calls that have uncertain ones', async () => {
    const items = Array.from({ length: 12 }, (_, index) => `sweep[${index}]/a`);
    const story = items.flatMap((path, index) => [
      callStarted(path),
      ...(index === 11 ? [committing(path, 'u'), uncertain(path, 'u')] : done(path, `k${index}`)),
      callSucceeded(path),
    ]);
    const lines = await shown([callStarted('sweep', { of: 'map', width: 12 }), ...story]);
    expect(lines.join('\n')).toMatch(/\[11\]\/a[\s\S]*uncertain {2}send/);
    expect(lines.at(-1)).toBe('└ … 6 more succeeded, 6 effects (6 committed) (--all)');
  });

  it('tell how far a confirmed call has come', async () => {
    const lines = await shown([callStarted('a'), ...done('a', 'k1'), staged('a', 'k2'), callConfirmed('a', ['k1', 'k2'])]);
    expect(lines[1]).toBe('   confirmed, committing 2 of 2');
  });
});

describe('asks in a terminal', () => {
  it('say how an open one is answered, and of the others who said what', async () => {
    const lines = await shown([
      callStarted('a'),
      askOpened('a', 'Qx81kzPo99aaQx81kzPo99', 'May this be posted?', { of: 'approval' }),
      askOpened('a', 'q2', 'Which one?'),
      askAnswered('q2', 'this', 'ana'),
      askOpened('a', 'q3', 'And now?'),
      askRefused('q3', 'ask Bob', 'ana'),
    ]);
    expect(lines[0]).toMatch(/^\? a /);
    expect(lines[1]).toBe('   asks   May this be posted?');
    expect(lines[2]).toMatch(/^ {10}\S.* answer Qx81kzPo {2}since \d{4}-/);
    expect(lines.slice(3)).toEqual([
      '   asked  Which one? → "this" by ana after 10 ms',
      '   asked  And now? → refused by ana after 10 ms: ask Bob',
    ]);
  });

  it('offer no answer where somebody has answered and the run has not heard of it', async () => {
    const story = [callStarted('a'), askOpened('a', 'q1', 'Which one?'), askOpened('a', 'q2', 'And now?')];
    const { root } = await treeOf(journalOf(runStarted, ...story));
    if (root === undefined) throw new Error('the story has no call');
    const said = new Set(root.asks.slice(0, 1).map(({ ask }) => ask));
    const lines = renderTree(root, { width: 120, colors: createColors(false), all: false, said });
    expect(lines[1]).toBe('   asked  Which one? → somebody has said something, which the run takes when it goes on');
    expect(lines[2]).toBe('   asks   And now?');
  });

  it('fit the width of a terminal', async () => {
    const long = 'A question that goes on and on, because there is much to be said about it before anybody can answer. '.repeat(8);
    const lines = await shown(
      [
        callStarted('a'),
        askOpened('a', 'Qx81kzPo99aa', long),
        askOpened('a', 'q2', long),
        askRefused('q2', long),
        staged('a', 'k1', { long }),
        discarded('a', 'k1', long),
        committing('a', 'k2', { long }),
        uncertain('a', 'k2', long),
      ],
      { width: 80 },
    );
    for (const line of lines.filter((one) => !one.includes(' answer '))) expect(widthOf(line)).toBeLessThanOrEqual(80);
    expect(lines.length).toBeLessThan(30);
  });
});
