import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agent, all, type Agent, AmdahlError, type Budget, flow, map, type OpenAsk, pipe } from '../../src/index.ts';
import { type Cap, type More, raised } from '../../src/agent/budget.ts';
import { costUsdMicros } from '../../src/model/prices.ts';
import { scripted } from '../../src/testing.ts';
import { Person, refusal } from '../support/answering.ts';
import { Trial } from '../support/trial.ts';

// A tree of agents, each with caps of its own or none, over models that take as long and cost as much as the numbers say.
interface Leaf {
  readonly kind: 'leaf';
  readonly ms: number;
  readonly share: number;
  readonly maxOutput: number;
  readonly fails: boolean;
  /** Every second request is refused for its rate. */
  readonly limited: boolean;
  readonly budget: Budget | undefined;
}
interface Branch {
  readonly kind: 'all' | 'map' | 'pipe';
  readonly budget: Budget | undefined;
  readonly parts: readonly Program[];
}
type Program = Leaf | Branch;

const price = { in: 3, out: 15 };
const caps: fc.Arbitrary<Budget | undefined> = fc.option(
  fc.record(
    {
      calls: fc.nat(12),
      tokens: fc.nat(3_000),
      usd: fc.nat(30_000).map((micros) => micros / 1e6),
      onLimit: fc.constantFrom('fail', 'ask'),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined },
);
const { program } = fc.letrec<{ program: Program; leaf: Leaf; branch: Branch }>((tie) => ({
  program: fc.oneof({ depthSize: 'small', withCrossShrink: true }, tie('leaf'), tie('branch')),
  leaf: fc.record({
    kind: fc.constant('leaf' as const),
    ms: fc.integer({ min: 1, max: 50 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    maxOutput: fc.integer({ min: 1, max: 600 }),
    fails: fc.boolean(),
    limited: fc.boolean(),
    budget: caps,
  }),
  branch: fc.record({
    kind: fc.constantFrom('all', 'map', 'pipe'),
    budget: caps,
    parts: fc.array(tie('program'), { minLength: 1, maxLength: 4 }),
  }),
}));

function built(trial: Trial, one: Program, name: string): Agent<never, unknown> {
  const budget = one.budget === undefined ? {} : { budget: one.budget };
  if (one.kind === 'leaf') {
    const model = scripted(async ({ maxOutputTokens = 0, prompt }, nth) => {
      await trial.clock.sleep(one.ms);
      if (one.limited && nth % 2 === 0) return { error: new AmdahlError('MODEL_RATE_LIMITED', 'slow down', { retryable: 'yes' }) };
      // Never more than it was allowed, and its input as estimated: what estimates miss is another law's affair.
      const tokensOut = Math.floor(maxOutputTokens * one.share);
      return one.fails && prompt.length < 4 ? { text: ' ', tokensOut } : { text: 'ok', tokensOut };
    });
    return agent({ name, model, instructions: 'x', settings: { maxOutputTokens: one.maxOutput }, ...budget });
  }
  const parts = one.parts.map((part, index) => built(trial, part, `${name}${index}`));
  const [first] = parts;
  if (first === undefined) throw new Error('a branch has parts');
  const body: Agent<never, unknown> =
    one.kind === 'map'
      ? map(first, { concurrency: 3, atLeast: 0 })
      : one.kind === 'all' || parts.length < 2
        ? all(Object.fromEntries(parts.map((part, index) => [`p${index}`, part])))
        : (pipe as (...stages: readonly Agent<never, unknown>[]) => Agent<never, unknown>)(...parts.map((part) => textual(part)));
  return flow({
    name: `${name}f`,
    ...budget,
    run: async (_, ctx) => JSON.stringify(await ctx.call(body as never, (one.kind === 'map' ? ['a', 'b', 'c', 'd', 'e'] : 'a') as never)),
  });
}

/** Whatever came before: what is asked next is text. */
function textual(part: Agent<never, unknown>): Agent<never, unknown> {
  return flow({ name: `${part.name}t`, run: async (_, ctx) => String(await ctx.call(part as never, 'a')) });
}

test('no cap of any call is ever passed, whoever asks how much at once', async () => {
  await fc.assert(
    fc.asyncProperty(program, caps, said, async (tree, budget, says) => {
      const trial = new Trial({ prices: { 'scripted/*': price }, limits: { outputTokensUseful: 50 } });
      const root = built(trial, tree, 'p');
      const person = new Person(trial, (ask, nth) => answerTo(ask, says[nth]), 70);
      await trial.run(root, 'a' as never, { ...person.options, ...(budget === undefined ? {} : { budget }) }).catch(() => {});
      expect(person.failures).toEqual([]);
      asked += person.asked.length;
      given += (await trial.events('ask.answered')).length;
      await expectWithin(trial, budget);
    }),
    { numRuns: 200 },
  );
  // Both happened: of 200 programs some eighty and some fifty times, now more, now less.
  expect(given).toBeGreaterThan(5);
  expect(asked - given).toBeGreaterThan(5);
});

/** What a person gives to the nth question: so much more, or none. Nothing after the last. */
const said = fc.array(fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: undefined }), { maxLength: 6 });
let [asked, given] = [0, 0];

function answerTo({ about }: OpenAsk, more: number | undefined): unknown {
  const { cap } = about as { readonly cap: Cap };
  if (more === undefined) return refusal('no more');
  return { [cap]: cap === 'usd' ? (more * 10) / 1e6 : cap === 'calls' ? (more % 5) + 1 : more };
}

/** What each account has settled and reserved, replayed from the journal, is at no moment over its cap. */
async function expectWithin(trial: Trial, whole: Budget | undefined): Promise<void> {
  const caps = new Map<string, Budget>();
  const sums = new Map<string, { calls: number; tokens: number; usdMicros: number }>();
  const raises = new Map<string, string>();
  const open = new Map<string, { readonly accounts: readonly string[]; readonly tokens: number; readonly usdMicros: number }>();
  for (const event of await trial.events()) {
    if (event.kind === 'call.started' && event.budget !== undefined) caps.set(event.place, event.budget);
    if (event.kind === 'ask.opened' && event.of === 'budget') raises.set(event.ask, event.place);
    if (event.kind === 'ask.answered') {
      const place = raises.get(event.ask) ?? '';
      caps.set(place, raised(caps.get(place) ?? whole ?? {}, event.value as More));
    }
    if (event.kind === 'model.requested') {
      const tokens = event.reservedTokensIn + event.reservedTokensOut;
      open.set(event.place, { accounts: event.accounts, tokens, usdMicros: event.reservedUsdMicros ?? 0 });
      for (const place of event.accounts) add(place, 1, tokens, event.reservedUsdMicros ?? 0);
    }
    if (event.kind === 'model.responded' || event.kind === 'model.failed') {
      const reserved = open.get(event.place);
      if (reserved === undefined) throw new Error('an answer to no request');
      const { usage } = event;
      // What is refused for its rate, and served nothing, is no call: only the bill has it.
      const calls = event.kind === 'model.failed' && event.error.code === 'MODEL_RATE_LIMITED' && usage.tokensIn === 0 ? -1 : 0;
      for (const place of reserved.accounts)
        add(place, calls, usage.tokensIn + usage.tokensOut - reserved.tokens, costUsdMicros(usage, price) - reserved.usdMicros);
    }
    for (const [place, sum] of sums) {
      const cap = caps.get(place) ?? whole ?? {};
      expect(sum.calls).toBeLessThanOrEqual(cap.calls ?? Infinity);
      expect(sum.tokens).toBeLessThanOrEqual(cap.tokens ?? Infinity);
      expect(sum.usdMicros).toBeLessThanOrEqual(Math.round((cap.usd ?? Infinity) * 1e6));
    }
  }

  function add(place: string, calls: number, tokens: number, usdMicros: number): void {
    const sum = sums.get(place) ?? { calls: 0, tokens: 0, usdMicros: 0 };
    sums.set(place, { calls: sum.calls + calls, tokens: sum.tokens + tokens, usdMicros: sum.usdMicros + usdMicros });
  }
}
