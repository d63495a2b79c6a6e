import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, type Agent, AmdahlError, flow, pipe, step, tool } from '../../src/index.ts';
import { scripted, type ScriptedTurn } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

/** A mailbox, and a tool that sends to it. */
function mailbox(fate: (nth: number) => unknown = () => 'sent'): { readonly sent: string[]; readonly send: ReturnType<typeof sendTool> } {
  const sent: string[] = [];
  return { sent, send: sendTool(sent, fate) };
}
function sendTool(sent: string[], fate: (nth: number) => unknown) {
  return tool({
    description: 'Send an e-mail',
    effect: 'immediate',
    input: z.object({ to: z.string() }),
    execute: ({ to }) => {
      sent.push(to);
      return fate(sent.length);
    },
  });
}

const sendThen = (text: string): ScriptedTurn[] => [{ tools: [['send', { to: 'ada' }]] }, { text }];
const refuses =
  (word: string) =>
  (text: string): string | undefined =>
    text === word ? 'say it better' : undefined;

test('an act is on disk before it starts and after it came back', async () => {
  const { sent, send } = mailbox();
  const trial = new Trial();
  await trial.run(agent({ name: 'mail', model: scripted(sendThen('done')), instructions: 'x', tools: { send } }), 'go');
  const events = await trial.events('tool.called', 'effect.committing', 'effect.committed', 'tool.returned');
  expect(events.map(({ kind }) => kind)).toEqual(['tool.called', 'effect.committing', 'effect.committed', 'tool.returned']);
  expect(events[1]).toMatchObject({ tool: 'send', args: { to: 'ada' }, path: 'mail', calls: [expect.any(String)] });
  expect(sent).toEqual(['ada']);
  expect((await trial.tree()).root.effects).toMatchObject([{ tool: 'send', state: 'committed' }]);
});

test('the same act asked for twice has two keys: both are done', async () => {
  const { sent, send } = mailbox();
  const trial = new Trial();
  const call = ['send', { to: 'ada' }] as const;
  await trial.run(
    agent({
      name: 'mail',
      model: scripted([{ tools: [call, call] }, { tools: [call] }, { text: 'done' }]),
      instructions: 'x',
      tools: { send },
    }),
    'go',
  );
  expect(sent).toEqual(['ada', 'ada', 'ada']);
  expect(new Set((await trial.events('effect.committing')).map(({ key }) => key)).size).toBe(3);
});

describe('after an act', () => {
  test('an answer is still mended in the conversation', async () => {
    const { sent, send } = mailbox();
    const model = scripted([...sendThen('no'), { expect: 'say it better', text: 'yes' }]);
    expect(
      (await new Trial().run(agent({ name: 'mail', model, instructions: 'x', tools: { send }, checks: [refuses('no')] }), 'go')).output,
    ).toBe('yes');
    expect(sent).toEqual(['ada']);
  });

  test('its call gets no fresh attempt, and the error says why', async () => {
    const { sent, send } = mailbox();
    const model = scripted(sendThen('no'));
    const error = await new Trial().fails(
      agent({ name: 'mail', model, instructions: 'x', tools: { send }, checks: [refuses('no')], repairs: 0, attempts: 5 }),
      'go',
    );
    expect(error).toMatchObject({
      code: 'CHECK_FAILED',
      message: expect.stringContaining('It has acted on the world, so it gets no fresh attempt') as string,
    });
    expect(sent).toEqual(['ada']);
    model.assertComplete();
  });

  test('a call that has not acted keeps its attempts', async () => {
    const { sent, send } = mailbox();
    const model = scripted([{ text: 'no' }, ...sendThen('yes')]);
    expect(
      (
        await new Trial().run(
          agent({ name: 'mail', model, instructions: 'x', tools: { send }, checks: [refuses('no')], repairs: 0, attempts: 5 }),
          'go',
        )
      ).output,
    ).toBe('yes');
    expect(sent).toEqual(['ada']);
  });

  test('no composite above that would try again lets it begin where nothing takes it back', async () => {
    const { sent, send } = mailbox();
    const mail = agent({ name: 'mail', model: scripted(sendThen('done')), instructions: 'x', tools: { send } });
    let runs = 0;
    const outer = flow({
      name: 'outer',
      attempts: 3,
      run: async (_, ctx) => {
        runs += 1;
        await ctx.call(pipe(mail, step({ name: 'echo', execute: (text) => text })), 'go');
        throw new Error('and then it broke');
      },
    });
    const error = await new Trial().fails(outer, 'x');
    expect(error).toMatchObject({
      code: 'EFFECT_REFUSED',
      message: expect.stringContaining("'outer' above it may still refuse") as string,
    });
    expect([sent, runs]).toEqual([[], 1]);
  });

  test('no agent that has the acting one as a tool gets a fresh attempt', async () => {
    const { sent, send } = mailbox();
    const mail = agent({ name: 'mail', model: scripted(sendThen('done')), instructions: 'x', tools: { send } });
    const model = scripted([{ tools: [['mail', { input: 'go' }]] }, { text: 'no' }]);
    const lead = agent({ name: 'lead', model, instructions: 'x', tools: { mail }, checks: [refuses('no')], repairs: 0, attempts: 3 });
    expect((await new Trial().fails(lead, 'x')).code).toBe('CHECK_FAILED');
    expect(sent).toEqual(['ada']);
  });

  test('a composite beside it does', async () => {
    const { send } = mailbox();
    const mail = agent({ name: 'mail', model: scripted(sendThen('done')), instructions: 'x', tools: { send } });
    let runs = 0;
    const flaky = flow({
      name: 'flaky',
      attempts: 2,
      run: async () => {
        runs += 1;
        return runs === 1 ? Promise.reject(new Error('once')) : Promise.resolve('ok');
      },
    });
    const outer = flow({ name: 'outer', run: async (_, ctx) => [await ctx.call(mail, 'go'), await ctx.call(flaky, 'x')] });
    expect((await new Trial().run(outer, 'x')).output).toEqual(['done', 'ok']);
  });

  test('a resume of the failed run does not act again, and mends in the same conversation', async () => {
    const { sent, send } = mailbox();
    const trial = new Trial();
    const mail = (turns: ScriptedTurn[]): Agent<string, string> =>
      agent({ name: 'mail', model: scripted(turns), instructions: 'x', tools: { send }, checks: [refuses('no')], repairs: 1, attempts: 5 });
    await trial.fails(mail([...sendThen('no'), { text: 'no' }]), 'go');
    const { output } = await trial.run(mail([{ expect: 'say it better', text: 'yes' }]), 'go');
    expect(output).toBe('yes');
    expect(sent).toEqual(['ada']);
  });

  test('a run that ended well answers without acting, whatever has changed', async () => {
    const { sent, send } = mailbox();
    const trial = new Trial();
    await trial.run(agent({ name: 'mail', model: scripted(sendThen('done')), instructions: 'x', tools: { send } }), 'go');
    const changed = agent({ name: 'mail', model: scripted([]), instructions: 'quite different', tools: { send }, checks: [() => 'never'] });
    const { output, resume } = await trial.run(changed, 'go');
    expect([output, sent]).toEqual(['done', ['ada']]);
    expect(resume).toMatchObject({ answered: 1, bought: [], changed: ['mail'] });
  });
});

describe('an act that throws', () => {
  test('has acted all the same: the model is told, and there is no fresh attempt', async () => {
    const { sent, send } = mailbox(() => {
      throw new Error('connection reset');
    });
    const model = scripted(sendThen('no'));
    const trial = new Trial();
    await trial.fails(
      agent({ name: 'mail', model, instructions: 'x', tools: { send }, checks: [refuses('no')], repairs: 0, attempts: 3 }),
      'go',
    );
    expect(toolAnswers(model, 1)).toEqual(['connection reset']);
    expect(sent).toEqual(['ada']);
    expect(await trial.events('effect.committed')).toHaveLength(1);
  });

  test('as a step fails its call with its error and is never started again', async () => {
    let runs = 0;
    const sends = step({
      name: 'sends',
      effect: 'immediate',
      attempts: 5,
      execute: () => {
        runs += 1;
        throw new Error('connection reset');
      },
    });
    const trial = new Trial();
    const first = await trial.fails(sends, 'x');
    expect(first).toMatchObject({ code: 'CODE_FAILED', message: expect.stringContaining('connection reset') as string });
    const again = await trial.fails(sends, 'x');
    expect(again).toMatchObject({ code: 'CODE_FAILED', message: expect.stringContaining('connection reset') as string });
    expect(runs).toBe(1);
  });
});

test('a result that is not JSON or too large is told to the model, and what the act gave is not lost on a resume', async () => {
  const { sent, send } = mailbox((nth) => (nth === 1 ? { at: new Date(0) } : 'x'.repeat(500)));
  const model = scripted([{ tools: [['send', { to: 'ada' }]] }, { tools: [['send', { to: 'bob' }]] }, { text: 'done' }]);
  await new Trial({ limits: { toolResultBytes: 100 } }).run(agent({ name: 'mail', model, instructions: 'x', tools: { send } }), 'go');
  expect(toolAnswers(model, 1)).toEqual([expect.stringContaining("'send' was done, but its result is not JSON at at: found a Date")]);
  expect(toolAnswers(model, 2)).toEqual([
    expect.stringMatching(/has 500 bytes: the limit 'toolResultBytes' is 100\. It was done all the same/),
  ]);
  expect(sent).toEqual(['ada', 'bob']);
});

test('what an act gave is told to the model in the same words when the run goes on', async () => {
  const { sent, send } = mailbox(() => 'x'.repeat(500));
  const trial = new Trial({ limits: { toolResultBytes: 100 } });
  const controller = new AbortController();
  const model = scripted([{ tools: [['send', { to: 'ada' }]] }, { text: 'done' }]);
  const mail = agent({ name: 'mail', model, instructions: 'x', tools: { send } });
  const onEvent = ({ kind }: { readonly kind: string }): void => {
    if (kind === 'tool.returned') controller.abort();
  };
  expect((await trial.fails(mail, 'go', { signal: controller.signal, onEvent })).code).toBe('CANCELLED');
  expect((await trial.run(mail, 'go')).output).toBe('done');
  expect(toolAnswers(model, 1)).toEqual([expect.stringContaining("has 500 bytes: the limit 'toolResultBytes' is 100")]);
  expect(sent).toEqual(['ada']);
});

describe('an act that is told to stop', () => {
  const slow = (trial: Trial, ms: number): Agent<string, string> =>
    agent({
      name: 'mail',
      model: scripted((request) => (request.prompt.at(-1)?.role === 'tool' ? { text: 'done' } : { tools: [['send', {}]] })),
      instructions: 'x',
      tools: {
        send: tool({
          description: 'Send',
          effect: 'immediate',
          input: z.object({}),
          execute: async (_, { signal }) => {
            await trial.clock.sleep(ms);
            return `sent, ${signal.aborted ? 'told to stop' : 'in peace'}`;
          },
        }),
      },
    });

  test('is waited for, and what it gave is on record before the run is', async () => {
    const trial = new Trial();
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    await trial.fails(slow(trial, 2_000), 'go', { signal: controller.signal });
    expect((await trial.events('effect.committed', 'tool.returned', 'run.cancelled')).map(({ kind }) => kind)).toEqual([
      'effect.committed',
      'tool.returned',
      'run.cancelled',
    ]);
    expect((await trial.run(slow(trial, 2_000), 'go')).output).toBe('done');
    expect(await trial.events('effect.committing')).toHaveLength(1);
  });

  test('and never comes back, is uncertain: no resume goes on, only a retry does', async () => {
    const trial = new Trial({ limits: { actGraceMs: 1_000 } });
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    const error = await trial.fails(slow(trial, 60_000), 'go', { signal: controller.signal });
    expect(error.code).toBe('EFFECT_UNCERTAIN');
    expect(error.message).toContain("'send' was called by 'mail' and never came back: it may or may not have acted on the world.");
    expect(error.message).toContain("--retry 'mail'");
    expect(trial.clock.now()).toBe(1_001_100);
    for (let resume = 0; resume < 3; resume += 1) {
      expect((await trial.fails(slow(trial, 10), 'go')).code).toBe('EFFECT_UNCERTAIN');
    }
    expect(await trial.events('effect.committing')).toHaveLength(1);
    const { output } = await trial.run(slow(trial, 10), 'go', { retry: ['mail'] });
    expect(output).toBe('done');
    expect(await trial.events('effect.committing')).toHaveLength(2);
    expect((await trial.run(slow(trial, 10), 'go')).output).toBe('done');
  });

  test('by its own time-out is waited for no longer than the grace, and then a person is asked', async () => {
    const trial = new Trial({ limits: { actGraceMs: 1_000, askMs: 5_000 } });
    let reason: unknown;
    const mail = agent({
      name: 'mail',
      model: scripted(sendThen('done')),
      instructions: 'x',
      tools: {
        send: tool({
          description: 'Send',
          effect: 'immediate',
          timeoutMs: 50,
          input: z.object({ to: z.string() }),
          execute: async (_, { signal }) => {
            signal.addEventListener('abort', () => (reason = signal.reason));
            await trial.clock.sleep(60_000);
            return null;
          },
        }),
      },
    });
    expect((await trial.fails(mail, 'go')).code).toBe('EFFECT_UNCERTAIN');
    expect(reason).toBeInstanceOf(AmdahlError);
    expect(trial.clock.now()).toBe(1_006_050);
    expect(await trial.events('ask.opened')).toMatchObject([
      { of: 'effect', path: 'mail', about: { tool: 'send', args: { to: 'ada' }, key: expect.any(String) as string }, at: 1_001_050 },
    ]);
  });
});
