// Code of a run that asks models through `gate()`, in virtual time: what the journal, the bill and the tree say of it.

import { generateText, isStepCount, tool as aiTool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, billOf, flow, gate, memoryJournal, run, step, tool } from '../../src/index.ts';
import { requestsOf, type SentRequest } from '../../src/cli/promptText.ts';
import type { RunId } from '../../src/journal/event.ts';
import { scripted } from '../../src/testing.ts';
import { answer, type HandMade, made, through } from '../support/handMade.ts';
import { failure, Trial } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

describe('code of a run', () => {
  const look = aiTool({ inputSchema: z.object({ at: z.string() }), execute: ({ at }) => `seen ${at}` });
  const seeking = (): HandMade =>
    made({
      answer: ({ prompt }) =>
        prompt.at(-1)?.role === 'tool'
          ? answer('found')
          : {
              ...answer(''),
              content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'look', input: '{"at":"x"}' }],
              finishReason: { unified: 'tool-calls', raw: 'x' },
            },
    });

  it('that holds a conversation has it in the journal turn by turn, each message once', async () => {
    const model = seeking();
    const wrapped = through(gate(), model);
    const ask = async (prompt: string): Promise<string> =>
      (await generateText({ model: wrapped, prompt, tools: { look }, stopWhen: isStepCount(3) })).text;
    const loop = step({ name: 'loop', execute: ask });
    const pair = step({ name: 'pair', execute: async (prompt: string) => (await Promise.all([ask(prompt), ask(prompt)])).join() });
    const trial = new Trial();
    await trial.run(
      flow({ name: 'both', run: async (input: string, ctx) => [await ctx.call(loop, input), await ctx.call(pair, input)] }),
      'seek',
    );
    const requested = await trial.events('model.requested');
    expect(
      requested.map(({ agent: name, turn, why, adds, gated }) => [name, turn, why, adds.map(({ role }) => role).join(), gated]),
    ).toEqual([
      ['loop', 0, 'ask', 'user', true],
      ['loop', 1, 'tools', 'tool', true],
      ['pair', 0, 'ask', 'user', true],
      ['pair', 0, 'ask', 'user', true],
      ['pair', 1, 'tools', 'tool', true],
      ['pair', 1, 'tools', 'tool', true],
    ]);
    expect(new Set(requested.map(({ place }) => place)).size).toBe(3);
    const sent: SentRequest[] = [];
    for await (const one of requestsOf(trial.journal.read('r' as RunId))) sent.push(one);
    expect(sent[1]?.messages.map(({ role }) => role)).toEqual(model.requests[1]?.prompt.map(({ role }) => role));
    const { root } = await trial.tree();
    expect(root.children.map(({ attempts, own }) => [attempts.map(({ turns }) => turns.map(({ turn }) => turn)), own.calls])).toEqual([
      [[[0, 1]], 2],
      [[[0, 0, 1, 1]], 4],
    ]);
  });

  it('of a tool is no turn of the agent, but part of what it cost', async () => {
    const wrapped = through(gate(), made());
    const ask = tool({
      description: 'Ask.',
      effect: 'none',
      input: z.object({ what: z.string() }),
      execute: async ({ what }) => (await generateText({ model: wrapped, prompt: what })).text,
    });
    const model = scripted([{ tools: [['ask', { what: 'x' }]] }, { text: 'done' }]);
    const trial = new Trial();
    const { bill } = await trial.run(agent({ name: 'seek', instructions: 'Seek.', model, tools: { ask } }), 'go');
    const { root } = await trial.tree();
    expect([bill.calls, root.own.calls, root.attempts[0]?.turns.map(({ turn, sent, tools }) => [turn, sent, tools.length])]).toEqual([
      3,
      3,
      [
        [0, 1, 1],
        [1, 1, 0],
      ],
    ]);
  });

  it('that is cut off by a crash pays for what it had sent, and for what it sends again', async () => {
    const wrapped = through(gate(), made());
    const journal = memoryJournal();
    const abort = new AbortController();
    const stop = { now: true };
    const ask = step({
      name: 'ask',
      execute: async (prompt: string) => {
        const { text } = await generateText({ model: wrapped, prompt });
        if (stop.now) abort.abort();
        await Promise.resolve();
        return text;
      },
    });
    await failure(run(ask, 'x', { id: 'r', journal, signal: abort.signal, budget: { calls: 2 } }));
    stop.now = false;
    const { bill } = await run(ask, 'x', { id: 'r', journal });
    expect(bill).toMatchObject({ calls: 2, failed: 0, open: { requests: 0 } });
    expect(await billOf(journal.read('r' as RunId))).toMatchObject({ calls: 2 });
  });

  it('of a step with a budget has spent of it what an earlier entry sent', async () => {
    const model = made();
    const wrapped = through(gate(), model);
    const journal = memoryJournal();
    const abort = new AbortController();
    const ask = step({
      name: 'ask',
      budget: { calls: 2 },
      execute: async (prompt: string) => {
        for (const part of ['a', 'b']) {
          await generateText({ model: wrapped, prompt: `${prompt}${part}` });
          if (!abort.signal.aborted) abort.abort();
        }
        return 'done';
      },
    });
    const both = flow({ name: 'both', run: async (input: string, ctx) => await ctx.call(ask, input) });
    await failure(run(both, 'x', { id: 'r', journal, signal: abort.signal }));
    const error = await failure(run(both, 'x', { id: 'r', journal }));
    expect([error.code, error.data, model.requests.length]).toEqual([
      'BUDGET_EXCEEDED',
      { cap: 'calls', bound: 2, used: 2, of: 'both/ask' },
      2,
    ]);
  });

  it.each(['step', 'tool', 'flow'])(
    'of a %s that leaves a request open has it cancelled, and told of before what follows',
    async (kind) => {
      const asked = Promise.withResolvers<string>();
      const never = (): Promise<never> => {
        asked.resolve('left');
        return new Promise(() => {});
      };
      const wrapped = through(gate(), made({ answer: never }));
      const leave = async (): Promise<string> => {
        void generateText({ model: wrapped, prompt: 'x' }).catch(() => {});
        return await asked.promise;
      };
      const forget = tool({ description: 'Ask.', effect: 'none', input: z.object({}), execute: leave });
      const model = scripted([{ tools: [['forget', {}]] }, { text: 'done' }]);
      const programs: Readonly<Record<string, Agent<string, unknown>>> = {
        step: step({ name: 'code', execute: leave }),
        tool: agent({ name: 'code', instructions: 'Do.', model, tools: { forget } }),
        flow: flow({ name: 'code', run: leave }),
      };
      const trial = new Trial();
      const { bill } = await trial.run(programs[kind] ?? step({ name: 'none', execute: leave }), 'x');
      expect(bill).toMatchObject({ cancelled: 1, open: { requests: 0 } });
      const kinds = (await trial.events('model.failed', 'model.responded', 'call.succeeded')).map((event) => event.kind);
      expect(kinds).toEqual(
        kind === 'tool' ? ['model.responded', 'model.failed', 'model.responded', 'call.succeeded'] : ['model.failed', 'call.succeeded'],
      );
    },
  );

  it('that was cancelled, and goes on all the same, asks nobody any more', async () => {
    const model = made();
    const wrapped = through(gate(), model);
    const clock = new VirtualClock();
    let late: Promise<unknown> | undefined;
    const deaf = step({
      name: 'deaf',
      timeoutMs: 50,
      execute: async (prompt: string) => {
        late = clock.sleep(100).then(async () => await failure(generateText({ model: wrapped, prompt })));
        return String(await late);
      },
    });
    expect((await failure(clock.drive(run(deaf, 'x', { clock, journal: memoryJournal() })))).code).toBe('TIMEOUT');
    expect(await clock.drive(late ?? Promise.resolve())).toMatchObject({ code: 'TIMEOUT' });
    expect(model.requests).toHaveLength(0);
  });

  it('has attempts whose requests are tax when it throws', async () => {
    const wrapped = through(gate(), made());
    let tries = 0;
    const flaky = step({
      name: 'flaky',
      attempts: 2,
      execute: async (prompt: string) => {
        await generateText({ model: wrapped, prompt });
        if ((tries += 1) === 1) throw new Error('once');
        return 'fine';
      },
    });
    const { bill } = await new Trial().run(flaky, 'x');
    expect(bill).toMatchObject({ calls: 2, tax: { rejected: { attempts: 1, requests: 1 }, all: { requests: 1 } } });
  });
});
