// Code of a run that is over and goes on all the same: it asks nobody through `gate()` any more.

import { generateText } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow, gate, type GateMiddleware, run, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { answer, type HandMade, made, through } from '../support/handMade.ts';
import { failure, Trial } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

interface Scene {
  readonly clock: VirtualClock;
  readonly trial: Trial;
  readonly model: HandMade;
  readonly gated: GateMiddleware;
  readonly ask: (prompt: string) => Promise<string>;
}

/** A model that takes 20 ms. */
function scene(): Scene {
  const clock = new VirtualClock();
  const model = made({
    answer: async () => {
      await clock.sleep(20);
      return answer('said');
    },
  });
  const gated = gate({ clock });
  const wrapped = through(gated, model);
  const ask = async (prompt: string): Promise<string> => (await generateText({ model: wrapped, prompt })).text;
  return { clock, trial: new Trial({ clock }), model, gated, ask };
}

describe('a tool that outlives its timeoutMs', () => {
  it.each(['none', 'immediate'] as const)(
    'and has the effect %s is refused what it asks from then on, also when the run is over',
    async (effect) => {
      const { clock, trial, model, gated, ask } = scene();
      const heard: unknown[] = [];
      let over: Promise<void> | undefined;
      const loop = async (): Promise<string> => {
        for (let nth = 0; nth < 20; nth += 1) {
          heard.push(await ask(`${nth}`).catch((thrown: unknown) => thrown));
          if (nth > 5) await clock.sleep(100);
        }
        return 'ok';
      };
      const deaf = tool({
        effect,
        description: 'Loop.',
        input: z.object({}),
        timeoutMs: 50,
        execute: async () => {
          const work = loop();
          over = work.then(() => {});
          return await (effect === 'none' ? work : Promise.race([work, clock.sleep(70)]).then(() => 'told to stop'));
        },
      });
      const script = scripted(async (_, nth) => {
        if (nth === 0) return { tools: [['deaf', {}]] };
        await clock.sleep(200);
        return { text: 'done' };
      });
      const { bill } = await clock.drive(trial.run(agent({ name: 'say', instructions: 'Say.', model: script, tools: { deaf } }), 'x'));
      await clock.drive(over ?? Promise.resolve());
      expect([model.requests.length, gated.bill().calls, bill.calls]).toEqual([3, 3, 5]);
      expect(heard.slice(0, 2)).toEqual(['said', 'said']);
      expect(heard.slice(2)).toHaveLength(18);
      for (const one of heard.slice(2)) expect(one).toMatchObject({ code: 'TIMEOUT' });
    },
  );
});

describe('code that its step did not wait for', () => {
  it('is refused, while the run goes on and after', async () => {
    const { clock, trial, model, gated, ask } = scene();
    let late: Promise<readonly unknown[]> | undefined;
    const begin = step({
      name: 'begin',
      execute: (prompt: string) => {
        const again = async (ms: number): Promise<unknown> => await clock.sleep(ms).then(async () => await failure(ask(prompt)));
        late = Promise.all([again(10), again(500)]);
        return 'begun';
      },
    });
    const hold = flow({
      name: 'hold',
      run: async (input: string, ctx) => {
        await ctx.call(begin, input);
        await clock.sleep(100);
        return await ask('flow');
      },
    });
    const { bill } = await clock.drive(trial.run(hold, 'x'));
    expect(await clock.drive(late ?? Promise.resolve([]))).toMatchObject([{ code: 'CANCELLED' }, { code: 'CANCELLED' }]);
    expect([model.requests.length, gated.bill().calls, bill.calls]).toEqual([1, 1, 1]);
  });

  it('hears what to do about it', async () => {
    const { clock, trial, ask } = scene();
    let late: Promise<unknown> | undefined;
    const begin = step({
      name: 'begin',
      execute: (prompt: string) => {
        late = clock.sleep(10).then(async () => await failure(ask(prompt)));
        return 'begun';
      },
    });
    await trial.run(begin, 'x');
    expect(await clock.drive(late ?? Promise.resolve())).toMatchObject({
      message:
        "The code of 'begin' is over and asks no more models: await every request. If a queue that others share runs it, bind what is put in: AsyncResource.bind(work) of node:async_hooks.",
    });
  });

  it('of a flow that failed is refused too', async () => {
    const { clock, model, ask } = scene();
    let late: Promise<unknown> | undefined;
    const fails = flow({
      name: 'fails',
      run: async (prompt: string) => {
        late = clock.sleep(10).then(async () => await failure(ask(prompt)));
        return await Promise.reject<string>(new Error('no'));
      },
    });
    await failure(run(fails, 'x', { clock, journal: new Trial().journal }));
    expect(await clock.drive(late ?? Promise.resolve())).toMatchObject({ code: 'CANCELLED' });
    expect(model.requests).toHaveLength(0);
  });
});

describe('a branch of a flow', () => {
  it('that lost a race is cut off, and asks no more', async () => {
    const { clock, trial, model, ask } = scene();
    const heard: unknown[] = [];
    let slow: Promise<unknown> | undefined;
    const both = flow({
      name: 'both',
      run: async (_: string, ctx) => {
        const won = await ctx.race([
          async () => {
            slow = (async () => {
              await clock.sleep(10);
              for (const prompt of ['a', 'b', 'c']) await ask(prompt).catch((thrown: unknown) => heard.push(thrown));
            })();
            await slow;
            return 'slow';
          },
          async () => await ask('fast'),
        ]);
        await clock.sleep(500);
        return won;
      },
    });
    const { output, bill } = await clock.drive(trial.run(both, 'x'));
    expect(output).toBe('said');
    await slow;
    const first = { code: 'CANCELLED', message: "Another branch of the race in 'both' was first." };
    expect(heard).toMatchObject([first, first, first]);
    expect([model.requests.length, bill.calls, bill.cancelled]).toEqual([2, 2, 1]);
  });

  it('that ended while a model was answering has that cancelled', async () => {
    const { clock, trial, ask } = scene();
    const leave = flow({
      name: 'leave',
      run: async (_: string, ctx) => {
        const [left] = await ctx.all([
          async () => {
            void ask('left').catch(() => {});
            await clock.sleep(5);
            return 'left';
          },
        ]);
        await clock.sleep(500);
        return left;
      },
    });
    const { bill } = await clock.drive(trial.run(leave, 'x'));
    expect(bill).toMatchObject({ calls: 1, cancelled: 1 });
  });

  it('that goes on after its end is refused, though the flow goes on too', async () => {
    const { clock, trial, model, ask } = scene();
    let late: Promise<unknown> | undefined;
    const leave = flow({
      name: 'leave',
      run: async (prompt: string, ctx) => {
        await ctx.all([
          async () => {
            late = clock.sleep(10).then(async () => await failure(ask(prompt)));
            return await Promise.resolve('left');
          },
        ]);
        await clock.sleep(100);
        return await ask('flow');
      },
    });
    const { bill } = await clock.drive(trial.run(leave, 'x'));
    expect(await late).toMatchObject({ code: 'CANCELLED' });
    expect([model.requests.length, bill.calls]).toEqual([1, 1]);
  });

  it('holds conversations of its own, at places that do not depend on who asks first', async () => {
    const placesOf = async (order: readonly [number, number]): Promise<readonly string[]> => {
      const { clock, trial, ask } = scene();
      const both = flow({
        name: 'both',
        run: async (_: string, ctx) =>
          await ctx.all(
            order.map((ms, index) => async () => {
              await clock.sleep(ms);
              return await ask(`${index}`);
            }),
          ),
      });
      await clock.drive(trial.run(both, 'x'));
      const asked = await trial.events('model.requested');
      return asked.map(({ adds, place }) => `${JSON.stringify(adds)} ${place}`).toSorted();
    };
    expect(await placesOf([10, 20])).toEqual(await placesOf([20, 10]));
  });
});
