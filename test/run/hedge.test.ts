import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, type AnyAgent, flow, map, mapReduce, pipe, readOnly, step, tool } from '../../src/index.ts';
import { mayAct } from '../../src/agent/effectful.ts';
import type { MapOptions } from '../../src/compose/map.ts';
import { scripted } from '../../src/testing.ts';
import { refusal, Trial } from '../support/trial.ts';
import { type Fate, type Tardy, tardy, withTail } from './tardyModel.ts';

const items = (count: number): string[] => Array.from({ length: count }, (_, index) => `item ${index}`);
const prices = { 'scripted/*': { in: 3, out: 15 } };
const say = (model: Tardy['model']): AnyAgent & ReturnType<typeof agent<'say'>> => agent({ name: 'say', instructions: 'Say.', model });

/** Answers in 100 ms but for the requests that are named. */
const butFor =
  (odd: Readonly<Record<number, Fate>>) =>
  (nth: number): Fate =>
    odd[nth] ?? { ms: 100 };

interface Ran {
  readonly trial: Trial;
  readonly tardy: Tardy;
  readonly bill: Awaited<ReturnType<Trial['run']>>['bill'];
  readonly output: unknown;
}

async function ran(fate: (nth: number) => Fate, count: number, options: MapOptions & { readonly atLeast?: undefined } = {}): Promise<Ran> {
  const trial = new Trial({ prices });
  const slow = tardy(trial.clock, fate);
  const { bill, output } = await trial.run(map(say(slow.model), { hedge: {}, ...options }), items(count));
  return { trial, tardy: slow, bill, output };
}

const quantile = (list: readonly number[], p: number): number => list.toSorted((a, b) => a - b)[Math.ceil(list.length * p) - 1] ?? NaN;

describe('a map that hedges', () => {
  test.each([1, 2, 3, 4, 5])('cuts the tail off for about one in twenty requests more (seed %i)', async (seed) => {
    const trial = new Trial({ prices });
    const plain = tardy(trial.clock, withTail(seed));
    await trial.run(map(say(plain.model)), items(600));
    const { tardy: hedged, bill } = await ran(withTail(seed), 600);
    expect(quantile(plain.heardMs, 0.99)).toBe(5_000);
    expect(quantile(hedged.heardMs, 0.99)).toBeLessThan(500);
    expect(hedged.heardMs).toHaveLength(600);
    expect(hedged.counted.requests).toBeGreaterThan(600);
    expect(hedged.counted.requests).toBeLessThanOrEqual(600 * 1.05 + 2);
    expect(bill.tax.hedges.requests).toBe(hedged.counted.requests - 600);
  });

  test('that sends all at once hedges the last, not the first that are slower than the fastest', async () => {
    const slowest = Object.fromEntries(items(100).map((_, nth) => [nth, { ms: nth < 97 ? 1_000 + nth : 60_000 }]));
    const { trial, tardy: hedged } = await ran(butFor(slowest), 100, { concurrency: 100 });
    const hedges = (await trial.events('model.requested')).filter(({ hedge }) => hedge === true);
    expect(hedges.map(({ path }) => path)).toEqual(['map(say)[96]/say', 'map(say)[97]/say', 'map(say)[98]/say', 'map(say)[99]/say']);
    expect(hedged.counted.aborted).toBe(4);
    expect(trial.clock.now()).toBeLessThan(1_002_000);
  });

  test('tells of both sendings, cuts off the loser, and bills it as tax', async () => {
    const { trial, tardy: hedged, bill, output } = await ran(butFor({ 25: { ms: 9_000 } }), 30, { concurrency: 1 });
    expect((output as string[])[25]).toBe('answer 26');
    const turn = (await trial.events('model.requested', 'model.responded', 'model.failed')).slice(50, 54);
    expect(turn).toMatchObject([
      { kind: 'model.requested' },
      { kind: 'model.requested', hedge: true },
      { kind: 'model.responded', hedge: true, ms: 100 },
      { kind: 'model.failed', lost: true, error: { code: 'CANCELLED' }, ms: 201 },
    ]);
    expect(turn[0]).not.toHaveProperty('hedge');
    expect(turn[3]).not.toHaveProperty('hedge');
    const { counted } = hedged;
    expect(counted).toMatchObject({ requests: 31, aborted: 1, answered: 30 });
    const lost = turn[3] as { usage: { tokensIn: number; tokensOut: number } };
    expect(bill).toMatchObject({ calls: 31, failed: 0, cancelled: 1, tokensIn: counted.tokensIn, tokensOut: counted.tokensOut });
    expect(bill.usdMicros).toBe(counted.tokensIn * 3 + counted.tokensOut * 15);
    expect(bill.tax.hedges).toEqual({ requests: 1, tokens: lost.usage.tokensIn, usdMicros: lost.usage.tokensIn * 3 });
    expect(bill.tax.all.requests).toBe(1);
    expect((await trial.tree()).root.children[25]?.attempts[0]?.turns).toMatchObject([{ status: 'answered', hedges: 1, hedgeWon: true }]);
  });

  test('keeps the answer of the first where that comes first after all', async () => {
    const { trial, output, bill } = await ran(butFor({ 25: { ms: 150 } }), 30, { concurrency: 1 });
    expect((output as string[])[25]).toBe('answer 25');
    expect(await trial.events('model.failed')).toMatchObject([{ hedge: true, lost: true, ms: 49 }]);
    expect(bill.tax.hedges.requests).toBe(1);
  });

  test('does not hedge what takes as long as usual, nor before twenty are answered', async () => {
    expect((await ran(butFor({}), 60)).bill.tax.hedges.requests).toBe(0);
    expect((await ran(butFor({ 19: { ms: 9_000 } }), 20, { concurrency: 1 })).bill.tax.hedges.requests).toBe(0);
    expect((await ran(butFor({ 20: { ms: 9_000 } }), 21, { concurrency: 1 })).bill.tax.hedges.requests).toBe(1);
  });

  test('waits with a hedge until its share allows one more', async () => {
    const slow = Object.fromEntries([20, 21, 22, 23, 24, 25].map((nth) => [nth, { ms: 60_000 }]));
    const { bill } = await ran(butFor(slow), 200, { concurrency: 8 });
    expect(bill.tax.hedges.requests).toBe(6);
    expect((await ran(butFor(slow), 200, { concurrency: 8, hedge: { extra: 0.001 } })).bill.tax.hedges.requests).toBe(2);
  });

  test('is asked for', async () => {
    const trial = new Trial();
    const slow = tardy(trial.clock, butFor({ 25: { ms: 9_000 } }));
    await trial.run(map(say(slow.model)), items(30));
    expect(slow.counted.requests).toBe(30);
  });

  test('hedges every call below its branches, and a mapReduce those of its items', async () => {
    const trial = new Trial();
    const slow = tardy(trial.clock, butFor({ 50: { ms: 9_000 } }));
    const twice = pipe(say(slow.model), step({ name: 'pass', execute: (text: string) => text }));
    const { bill } = await trial.run(
      mapReduce({ map: twice, reduce: step({ name: 'count', input: z.array(z.string()), execute: (all) => `${all.length}` }), hedge: {} }),
      items(60),
    );
    expect(bill.tax.hedges.requests).toBe(1);
  });

  test('knows each agent by itself: the slower one is not late', async () => {
    const trial = new Trial();
    const fast = tardy(trial.clock, () => ({ ms: 100 }));
    const slow = tardy(trial.clock, () => ({ ms: 5_000 }));
    const both = pipe(
      agent({ name: 'fast', instructions: 'x', model: fast.model }),
      agent({ name: 'slow', instructions: 'x', model: slow.model }),
    );
    expect((await trial.run(map(both, { hedge: {} }), items(60))).bill.tax.hedges.requests).toBe(0);
  });

  test('hedges nothing while somebody listens', async () => {
    const trial = new Trial();
    const slow = tardy(trial.clock, butFor({ 25: { ms: 9_000 } }));
    await trial.run(map(say(slow.model), { hedge: {} }), items(30), { onDelta: () => {} });
    expect(slow.counted.requests).toBe(30);
  });

  test('holds no timer once it is over', async () => {
    const { trial } = await ran(withTail(9), 60);
    const before = trial.clock.now();
    await expect(trial.clock.drive(new Promise(() => {}))).rejects.toThrow('no timer');
    // What the model of this test still sleeps for is its own.
    expect(trial.clock.now() - before).toBeLessThanOrEqual(5_000);
  });
});

describe('a hedged turn', () => {
  test('whose first sending fails is decided by the hedge', async () => {
    const { trial, bill, output } = await ran(butFor({ 25: { ms: 150, fails: true } }), 30, { concurrency: 1 });
    expect((output as string[])[25]).toBe('answer 26');
    const [failed] = await trial.events('model.failed');
    expect(failed).toMatchObject({ error: { code: 'MODEL_OVERLOADED' } });
    for (const field of ['lost', 'hedge', 'retryMs']) expect(failed).not.toHaveProperty(field);
    expect(bill).toMatchObject({ calls: 31, failed: 1, tax: { hedges: { requests: 1 }, retries: { requests: 0 } } });
  });

  test('whose hedge fails is decided by the first', async () => {
    const { trial, output } = await ran(butFor({ 25: { ms: 500 }, 26: { ms: 10, fails: true } }), 30, { concurrency: 1 });
    expect((output as string[])[25]).toBe('answer 25');
    expect(await trial.events('model.failed')).toMatchObject([{ hedge: true, error: { code: 'MODEL_OVERLOADED' } }]);
  });

  test.each([
    ['first', 150],
    ['last', 400],
  ])('of which both fail is sent again once, and the first failure came %s', async (_, ms) => {
    const { trial, bill, output } = await ran(butFor({ 25: { ms, fails: true }, 26: { ms: 200, fails: true } }), 30, { concurrency: 1 });
    expect((output as string[])[25]).toBe('answer 27');
    const failed = await trial.events('model.failed');
    expect(failed.map(({ retryMs }) => retryMs !== undefined)).toEqual([false, true]);
    expect((await trial.events('model.requested')).flatMap(({ again }) => again ?? [])).toEqual([1]);
    expect(bill).toMatchObject({ calls: 32, failed: 2, tax: { hedges: { requests: 1 }, retries: { requests: 1 }, all: { requests: 2 } } });
  });

  test('is one call and two requests of every budget above it', async () => {
    const slow = { 25: { ms: 9_000 } };
    const { trial } = await ran(butFor(slow), 30, { concurrency: 1, budget: { calls: 31 } });
    expect((await trial.events('model.requested')).filter(({ hedge }) => hedge === true)).toHaveLength(1);
    const tight = await ran(butFor({ 29: { ms: 9_000 } }), 30, { concurrency: 1, budget: { calls: 30 } });
    expect(tight.bill.tax.hedges.requests).toBe(0);
  });

  test('waits in no line of a budget: where there is no room at once it is not hedged', async () => {
    const trial = new Trial();
    const slow = tardy(trial.clock, butFor({ 25: { ms: 9_000 } }));
    // Room for one request at a time, and for what all of them take in the end.
    const one = agent({ name: 'say', instructions: 'Say.', model: slow.model, settings: { maxOutputTokens: 4_000 } });
    const { bill } = await trial.run(map(one, { hedge: {}, concurrency: 3, budget: { tokens: 7_000 } }), items(30));
    expect(bill.tax.hedges.requests).toBe(0);
    expect(bill.calls).toBe(30);
  });

  test('overtakes nobody who waits for room in a budget, and leaves nobody in that line', async () => {
    /** 25 in time, a late one, one that must wait until that is over, and one that needs all the room that is left. */
    const asked = async (tokens: number, room: number): Promise<{ trial: Trial; bill: Ran['bill'] }> => {
      const trial = new Trial({ limits: { outputTokensUseful: 600 } });
      const slow = tardy(trial.clock, butFor({ 25: { ms: 9_000 } }));
      const wants = (name: string, maxOutputTokens: number): Agent<string, string> =>
        agent({ name, instructions: 'Say.', model: slow.model, settings: { maxOutputTokens } });
      const [little, much, rest] = [wants('little', 40), wants('much', 600), wants('rest', room)];
      const each = flow({
        name: 'each',
        run: async (text, ctx) => await ctx.call(text === 'item 26' ? much : text === 'item 27' ? rest : little, text),
      });
      const sent = async (count: number, concurrency: number, budget: number): Promise<Ran['bill']> =>
        (await trial.run(map(each, { hedge: {}, concurrency, budget: { tokens: budget } }), items(count))).bill;
      return { trial, bill: await sent(28, 2, tokens) };
    };
    const free = await asked(1e6, 500);
    const used = (await free.trial.events('model.responded', 'model.failed')).filter(({ kind }) => kind === 'model.responded');
    const sum = used.reduce((total, { usage }) => total + usage.tokensIn + usage.tokensOut, 0);
    const each = sum / used.length;
    // All inputs are about as long as one another; what is left when all others are answered is what the last one wants.
    const tokens = Math.round(each * 27) + 600 + 5;
    const { bill } = await asked(tokens, tokens - Math.round(each * 27) - Math.round(each - 7) - 1);
    expect(free.bill.tax.hedges.requests).toBe(1);
    expect(bill.tax.hedges.requests).toBe(0);
    expect(bill.calls).toBe(28);
  });

  test('ends with its call, and both sendings are told', async () => {
    const trial = new Trial();
    const slow = tardy(trial.clock, butFor({ 25: { ms: 9_000 }, 26: { ms: 9_000 } }));
    const short = agent({ name: 'say', instructions: 'Say.', model: slow.model, timeoutMs: 1_000 });
    const { bill } = await trial.run(map(short, { hedge: {}, concurrency: 1, atLeast: 0 }), items(30));
    expect(await trial.events('model.failed')).toMatchObject([{ error: { code: 'TIMEOUT' } }, { error: { code: 'TIMEOUT' }, hedge: true }]);
    expect(bill).toMatchObject({ calls: 31, open: { requests: 0 } });
    expect(slow.counted.aborted).toBe(2);
  });
});

describe('what may act on the world', () => {
  const schema = z.object({});
  const acts = tool({ description: 'Act', effect: 'immediate', input: schema, execute: () => 1 });
  const looks = tool({ description: 'Look', effect: 'none', input: schema, execute: () => 1 });
  const foreign = { description: 'Foreign', inputSchema: schema, execute: () => 1 };
  const withTools = (tools: Parameters<typeof agent>[0]['tools']): AnyAgent =>
    agent({ name: 'say', instructions: 'x', model: scripted([]), tools: tools ?? {} });

  test.each([
    ['an agent without tools', withTools({}), false],
    ['a tool without effect', withTools({ looks }), false],
    ['a tool with an effect', withTools({ looks, acts }), true],
    ['a foreign tool', withTools({ foreign }), true],
    ['a foreign tool that only reads', withTools({ foreign: readOnly(foreign) }), false],
    ['an agent among the tools', withTools({ below: withTools({ looks }) as never }), false],
    ['an agent that acts among the tools', withTools({ below: withTools({ acts }) as never }), true],
    ['a map of what acts', map(withTools({ acts })), true],
    ['a step that acts', step({ name: 's', effect: 'immediate', execute: () => 'x' }), true],
    ['a step', step({ name: 's', execute: () => 'x' }), false],
    ['a flow, of which nobody knows', flow({ name: 'f', run: () => Promise.resolve('x') }), true],
  ])('%s', (_, one, expected) => {
    expect(mayAct(one)).toBe(expected);
  });

  test('is never hedged', async () => {
    const trial = new Trial();
    const slow = tardy(trial.clock, butFor({ 25: { ms: 9_000 } }));
    const acting = agent({ name: 'say', instructions: 'Say.', model: slow.model, tools: { acts } });
    await trial.run(map(acting, { hedge: {}, concurrency: 1 }), items(30));
    expect(slow.counted.requests).toBe(30);
  });
});

test.each([
  [{ p: 0 }, 'p: 0'],
  [{ p: 1 }, 'p: 1'],
  [{ p: NaN }, 'p: NaN'],
  [{ extra: 0 }, 'extra: 0'],
  [{ extra: 1.1 }, 'extra: 1.1'],
  [{ percent: 95 } as never, "'percent' that does not exist"],
  [true as never, 'takes an object'],
])('a hedge of %j is refused', (hedge, message) => {
  const one = agent({ name: 'say', instructions: 'x', model: scripted([]) });
  for (const define of [
    () => map(one, { hedge }),
    () => mapReduce({ map: one, reduce: flow({ name: 'f', input: z.array(z.string()), run: () => Promise.resolve('') }), hedge }),
  ])
    expect(refusal(define)).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringContaining(message) as unknown });
});
