import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, type AnyAgent, flow, map, type Tool, tool } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { scripted, type ScriptedModel, type ScriptedTurn } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

const NOW = 1_000_000;
const DOWN = 'connect ECONNREFUSED 10.0.0.7:80';

/** A search that keeps count of its calls and fails as it is told. */
function searching(
  fate: (calls: number, words: string) => unknown,
  options: { readonly effect?: 'none' | 'immediate'; readonly timeoutMs?: number } = {},
): { readonly calls: string[]; readonly search: Tool<{ words: string }> } {
  const calls: string[] = [];
  const search = tool({
    description: 'Search',
    effect: options.effect ?? 'none',
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    input: z.object({ words: z.string() }),
    execute: ({ words }) => {
      calls.push(words);
      return fate(calls.length, words);
    },
  });
  return { calls, search };
}

const fails =
  (message = DOWN) =>
  (): never => {
    throw new Error(message);
  };

const call = (words: string): ScriptedTurn => ({ tools: [['search', { words }]] });

/** Calls the tool once per turn, with these words one after the other. */
const oneByOne = (...words: readonly string[]): ScriptedTurn[] => [...words.map(call), { text: 'done' }];

const numbered = (count: number, from = 1): readonly string[] => Array.from({ length: count }, (_, nth) => `w${nth + from}`);

function asking(model: ScriptedModel, search: Tool<{ words: string }>, name = 'ask'): Agent<string, string> {
  return agent({ name, model, instructions: 'x', tools: { search } });
}

/** Fails ten times, for two runs. */
async function opened(trial: Trial, search: Tool<{ words: string }>, id = 'r'): Promise<void> {
  await trial.run(asking(scripted(oneByOne(...numbered(5))), search), 'go', { id: `${id}0` });
  await trial.run(asking(scripted(oneByOne(...numbered(5, 6))), search), 'go', { id });
}

/** Between runs: time is free. */
const later = async (trial: Trial, ms: number): Promise<void> => await trial.clock.drive(trial.clock.sleep(ms));

async function evidence(trial: Trial, run: string): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const { event } of trial.journal.read(run as RunId, { kinds: ['guard.tripped'] })) {
    if (event.kind === 'guard.tripped' && event.guard === 'toolBreaker') found.push(event.evidence);
  }
  return found;
}

describe('a tool that fails ten times in a row in the same way', () => {
  test('is called on where limits.toolFailures is 0, and held back sooner where it is lower', async () => {
    for (const [toolFailures, expected] of [
      [0, 15],
      [3, 3],
    ] as const) {
      const { calls, search } = searching(fails());
      await new Trial({ limits: { toolFailures } }).run(asking(scripted(oneByOne(...numbered(15))), search), 'go');
      expect(calls).toHaveLength(expected);
    }
  });

  test('is not called the eleventh time, and the model is told what it keeps saying, since when, and for how long', async () => {
    const trial = new Trial();
    const { calls, search } = searching(fails());
    const model = scripted(oneByOne(...numbered(12)));
    expect((await trial.run(asking(model, search), 'go')).output).toBe('done');
    expect(calls).toEqual(numbered(10));
    expect(toolAnswers(model, 10)).toEqual([DOWN]);
    const told = `The tool 'search' is not called for another 2 s: it has failed 10 times in a row in the last 1 s, always with "connect ECONNREFUSED 10.0.0.7:80". Go on without it.`;
    expect([toolAnswers(model, 11), toolAnswers(model, 12)]).toEqual([[told], [told]]);
    expect((await trial.events('tool.returned')).at(-1)).toMatchObject({
      error: {
        code: 'TOOL_UNAVAILABLE',
        retryable: { afterMs: expect.any(Number) as number },
        data: { tool: 'search', since: NOW, failures: 10 },
      },
    });
    expect(await evidence(trial, 'r')).toEqual([{ tool: 'search', since: NOW, failures: 10, message: DOWN }]);
  });

  test('is not called by other agents and other runs either, and each run notes it once', async () => {
    const trial = new Trial();
    const { calls, search } = searching(fails());
    await opened(trial, search);
    expect(await evidence(trial, 'r')).toEqual([]);
    const other = asking(scripted(oneByOne('a', 'b')), search, 'other');
    expect((await trial.run(other, 'go', { id: 's' })).output).toBe('done');
    expect(calls).toHaveLength(10);
    expect(await evidence(trial, 's')).toHaveLength(1);
  });

  test('for one run alone is called by others, and not any more when it fails for them too', async () => {
    const trial = new Trial();
    const { calls, search } = searching((_, words) => (words === 'here' ? 'found' : fails()()));
    const one = asking(scripted(oneByOne(...numbered(10))), search);
    await trial.run(one, 'go');
    const other = scripted(oneByOne('a', 'b'));
    await trial.run(asking(other, search), 'go', { id: 's' });
    expect([calls.slice(10), toolAnswers(other, 1)]).toEqual([['a'], [DOWN]]);
    expect(toolAnswers(other, 2)).toEqual([
      expect.stringContaining("The tool 'search' is not called for another 2 s: it has failed 11 times"),
    ]);
    const third = scripted(oneByOne('here'));
    await trial.run(asking(third, search), 'go', { id: 't' });
    expect(calls).toHaveLength(11);
  });

  test('is told without its words to those to whom it did not say them, in their journal neither', async () => {
    const trial = new Trial();
    const { search } = searching(fails('401 for the key of tenant A'));
    await opened(trial, search);
    const model = scripted(oneByOne('a'));
    await trial.run(asking(model, search), 'go', { id: 's' });
    expect(toolAnswers(model, 1)).toEqual([
      "The tool 'search' is not called for another 2 s: it has failed 10 times in a row in the last 1 s. Go on without it.",
    ]);
    for await (const { event } of trial.journal.read('s' as RunId)) expect(JSON.stringify(event)).not.toContain('tenant A');
    expect(await evidence(trial, 's')).toEqual([{ tool: 'search', since: NOW, failures: 10 }]);
  });

  test('stays callable for runs on another clock', async () => {
    const { calls, search } = searching(fails());
    for (const trial of [new Trial(), new Trial()]) await trial.run(asking(scripted(oneByOne(...numbered(11))), search), 'go');
    expect(calls).toHaveLength(20);
  });

  test('is not called by most of two hundred agents', async () => {
    const trial = new Trial();
    const { calls, search } = searching(fails());
    const model = scripted(({ prompt }) =>
      prompt.at(-1)?.role === 'tool' ? { text: 'without' } : { tools: [['search', { words: JSON.stringify(prompt.at(-1)?.content) }]] },
    );
    const { output } = await trial.run(map(asking(model, search)), numbered(200));
    expect(output).toHaveLength(200);
    expect(calls).toHaveLength(10);
    expect(await evidence(trial, 'r')).toHaveLength(1);
  });

  test('by time-out counts as well, whatever its time', async () => {
    const trial = new Trial();
    const never = (): Promise<never> => new Promise(() => {});
    const { calls, search } = searching(never, { timeoutMs: 100 });
    const model = scripted(oneByOne(...numbered(11)));
    await trial.run(asking(model, search), 'go');
    expect(calls).toHaveLength(10);
    expect(toolAnswers(model, 11)).toEqual([expect.stringContaining('in the last 1 s, always with "it did not end in its time". Go on')]);
  });

  test('with something that is no Error counts as well, and a long text is told cut off', async () => {
    const trial = new Trial();
    const long: unknown = 'x'.repeat(1_000);
    const { search } = searching(() => {
      throw long;
    });
    const model = scripted(oneByOne(...numbered(11)));
    await trial.run(asking(model, search), 'go');
    expect(toolAnswers(model, 11)).toEqual([expect.stringContaining(`always with "${'x'.repeat(300)}…". Go on`)]);
    expect(await evidence(trial, 'r')).toMatchObject([{ message: `${'x'.repeat(300)}…` }]);
  });

  test('always for the same arguments is not called with those, and with others it is', async () => {
    const trial = new Trial();
    const { calls, search } = searching((_, words) => (words === 'gone' ? fails('no such file')() : 'found'));
    const model = scripted(oneByOne(...Array.from({ length: 12 }, () => 'gone'), 'here', 'gone'));
    await trial.run(asking(model, search), 'go');
    expect(calls).toEqual([...Array.from({ length: 10 }, () => 'gone'), 'here', 'gone']);
    expect(toolAnswers(model, 11)).toEqual([
      expect.stringMatching(
        /^The tool 'search' is not called with these arguments for another 2 s: .* Go on without it, or ask for something else\.$/,
      ),
    ]);
  });

  test('is not called again although arguments that do not fit stood between: they never reached it', async () => {
    const trial = new Trial();
    const { calls, search } = searching(fails());
    const wrong: ScriptedTurn = { tools: [['search', { word: 'x' }]] };
    await trial.run(asking(scripted([...numbered(5).map(call), wrong, ...numbered(6, 6).map(call), { text: 'done' }]), search), 'go');
    expect(calls).toEqual(numbered(10));
    expect(await evidence(trial, 'r')).toHaveLength(1);
  });

  test('as an act has not begun when it is refused: no effect is noted, and the call keeps its attempts', async () => {
    const trial = new Trial();
    const { calls, search } = searching(fails(), { effect: 'immediate' });
    await opened(trial, search);
    const model = scripted([{ tools: [['search', { words: 'x' }]] }, { text: 'no' }, { text: 'yes' }]);
    const careful = agent({
      name: 'careful',
      model,
      instructions: 'x',
      tools: { search },
      checks: [(text) => (text === 'no' ? 'say yes' : undefined)],
      repairs: 0,
      attempts: 2,
    });
    expect((await trial.run(careful, 'go', { id: 's' })).output).toBe('yes');
    expect(calls).toHaveLength(10);
    const kinds: string[] = [];
    for await (const { event } of trial.journal.read('s' as RunId)) kinds.push(event.kind);
    expect(kinds.filter((kind) => kind.startsWith('effect.'))).toEqual([]);
    expect(kinds.filter((kind) => kind.startsWith('tool.'))).toEqual(['tool.called', 'tool.returned']);
  });

  test('answers from the record on a resume, refusals included', async () => {
    const trial = new Trial();
    const { calls, search } = searching(fails());
    const turns = oneByOne(...numbered(11));
    const cut = scripted([...turns.slice(0, -1), { error: new Error('gone') }]);
    await trial.fails(asking(cut, search), 'go');
    await later(trial, 5_000);
    const model = scripted([{ text: 'done' }]);
    expect((await trial.run(asking(model, search), 'go')).output).toBe('done');
    expect(calls).toHaveLength(10);
    expect(toolAnswers(model, 0)).toEqual([expect.stringContaining("The tool 'search' is not called")]);
  });
});

describe('a tool whose breaker is open', () => {
  test('is probed by one call when it is due, and called by all when that succeeds', async () => {
    const trial = new Trial();
    const { calls, search } = searching((nth) => (nth <= 10 ? fails()() : 'found'));
    await opened(trial, search);
    await later(trial, 1_200);
    const model = scripted(oneByOne('a', 'b', 'c'));
    await trial.run(asking(model, search), 'go', { id: 's' });
    expect(calls.slice(10)).toEqual(['a', 'b', 'c']);
    expect(toolAnswers(model, 1)).toEqual(['found']);
    expect(await evidence(trial, 's')).toEqual([]);
  });

  test('is held back for everybody else while the probe is out, and twice as long when it fails', async () => {
    const trial = new Trial();
    const { calls, search } = searching(async (nth) => {
      if (nth > 10) await trial.clock.sleep(500);
      throw new Error(DOWN);
    });
    await opened(trial, search);
    await later(trial, 1_200);
    const models = [scripted(oneByOne('a')), scripted(oneByOne('b'))];
    const [probe, other] = models.map((model, nth) => asking(model, search, `ask${nth}`));
    const both = flow({
      name: 'both',
      run: async (_: string, ctx) => await Promise.all([probe, other].map((one) => ctx.call(one as Agent<string, string>, 'go'))),
    });
    await trial.run(both, 'go', { id: 's' });
    expect(calls.slice(10)).toEqual(['a']);
    expect(toolAnswers(models[1] as ScriptedModel, 1)).toEqual([
      expect.stringContaining("The tool 'search' is not called while another call is trying it out: it has failed 10 times in a row"),
    ]);
    const refusals: unknown[] = [];
    for await (const { event } of trial.journal.read('s' as RunId, { kinds: ['tool.returned'] })) {
      if (event.kind === 'tool.returned' && 'error' in event && event.error.code === 'TOOL_UNAVAILABLE')
        refusals.push(event.error.retryable);
    }
    expect(refusals).toEqual(['yes']);
    const [soon, due] = [scripted(oneByOne('c')), scripted(oneByOne('d'))];
    await later(trial, 1_500);
    await trial.run(asking(soon, search), 'go', { id: 't' });
    await later(trial, 1_000);
    await trial.run(asking(due, search), 'go', { id: 'u' });
    expect(calls.slice(10)).toEqual(['a', 'd']);
    expect(toolAnswers(soon, 1)).toEqual([expect.stringContaining('it has failed 11 times in a row')]);
    expect(await evidence(trial, 't')).toHaveLength(1);
  });

  test('is probed by the next call at once when the prober was cancelled', async () => {
    const trial = new Trial();
    const { calls, search } = searching((nth) => (nth <= 10 ? fails()() : nth === 11 ? new Promise(() => {}) : 'found'));
    await opened(trial, search);
    await later(trial, 1_200);
    const hasty = agent({ name: 'hasty', model: scripted([call('a')]), instructions: 'x', tools: { search }, timeoutMs: 100 });
    expect((await trial.fails(hasty, 'go', { id: 's' })).code).toBe('TIMEOUT');
    await trial.run(asking(scripted(oneByOne('b', 'c')), search), 'go', { id: 't' });
    expect(calls.slice(10)).toEqual(['a', 'b', 'c']);
  });

  test('is probed again when a probe has not come back for half a minute', async () => {
    const trial = new Trial();
    const { calls, search } = searching((nth) => (nth <= 10 ? fails()() : nth === 11 ? trial.clock.sleep(40_000) : 'found'));
    await opened(trial, search);
    await later(trial, 1_200);
    const hangs = asking(scripted(oneByOne('hangs')), search, 'hangs');
    const others = flow({
      name: 'others',
      run: async (_: string, ctx) => {
        await trial.clock.sleep(29_000);
        await ctx.call(asking(scripted(oneByOne('refused')), search, 'second'), 'go');
        await trial.clock.sleep(1_000);
        await ctx.call(asking(scripted(oneByOne('b', 'c')), search, 'third'), 'go');
        return 'done';
      },
    });
    const both = flow({ name: 'both', run: async (_: string, ctx) => await Promise.all([ctx.call(hangs, 'go'), ctx.call(others, 'go')]) });
    await trial.run(both, 'go', { id: 's' });
    expect(calls.slice(10)).toEqual(['hangs', 'b', 'c']);
  });
});

describe('what does not open the breaker of a tool', () => {
  const called = async (
    turns: readonly ScriptedTurn[],
    fate: (calls: number, words: string) => unknown,
    options: { readonly tools?: Readonly<Record<string, AnyAgent>> } = {},
  ): Promise<readonly string[]> => {
    const trial = new Trial({ limits: { toolResultBytes: 100 } });
    const { calls, search } = searching(fate);
    await trial.run(agent({ name: 'ask', model: scripted(turns), instructions: 'x', tools: { search, ...options.tools } }), 'go');
    expect(await evidence(trial, 'r')).toEqual([]);
    return calls;
  };

  test('failures that differ', async () => {
    expect(await called(oneByOne(...numbered(25)), (_, words) => fails(`no such file: ${words}`)())).toHaveLength(25);
  });

  test('nine failures, a success, and nine more', async () => {
    expect(await called(oneByOne(...numbered(19)), (nth) => (nth === 10 ? 'found' : fails()()))).toHaveLength(19);
  });

  test('arguments that do not fit, and tools that there are not', async () => {
    const wrong = Array.from({ length: 12 }, (_, nth): ScriptedTurn => ({
      tools: [
        ['search', { word: nth }],
        ['find', {}],
      ],
    }));
    expect(await called([...wrong, ...oneByOne('a')], () => 'found')).toEqual(['a']);
  });

  test('results that are too large', async () => {
    expect(await called(oneByOne(...numbered(15)), () => 'x'.repeat(200))).toHaveLength(15);
  });

  test('an agent as a tool that fails', async () => {
    let asked = 0;
    const model = scripted(() => {
      asked += 1;
      return { error: new Error('gone') };
    });
    const sub = agent({ name: 'sub', model, instructions: 'x' });
    const turns = numbered(12).map((word): ScriptedTurn => ({ tools: [['sub', { input: word }]] }));
    await called([...turns, { text: 'done' }], () => 'found', { tools: { sub } });
    expect(asked).toBe(12);
  });
});
