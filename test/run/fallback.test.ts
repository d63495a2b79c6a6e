import { APICallError, type LanguageModelV4 } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, deny, type ErrorCode, flow, map, memoryJournal, run } from '../../src/index.ts';
import { failureOf } from '../../src/model/failure.ts';
import { type ScriptedTurn, scripted } from '../../src/testing.ts';
import { answer, made } from '../support/handMade.ts';
import { refusal, Trial } from '../support/trial.ts';
import { down, named, say, showsWhatWasSent } from './fallbackModels.ts';

describe('a list of models', () => {
  it.each<[string, unknown, string]>([
    ['nothing', [], "The list of models of 'say' is empty. Name at least one, or leave the list out."],
    ['a list', ['openai/gpt-5', ['xai/grok-4']], "The list of models of 'say' has a list in it."],
    ['a name twice', ['openai/gpt-5', 'xai/grok-4', 'openai/gpt-5'], "The list of models of 'say' has 'openai/gpt-5' twice."],
  ])('with %s in it is refused, in an agent and in a run', async (_, model, message) => {
    const made = refusal(() => agent({ name: 'say', instructions: 'Say it.', model: model as readonly string[] }));
    expect([made.code, made.message]).toEqual(['MISCONFIGURED', expect.stringContaining(message)]);
    const error = await new Trial().fails(agent({ name: 'say', instructions: 'Say it.' }), 'hi', {
      models: { say: model as readonly string[] },
    });
    expect([error.code, error.message]).toEqual(['MISCONFIGURED', expect.stringContaining(message)]);
  });

  it('with the same model twice is refused, and with what is no model', async () => {
    const model = named('one', { text: 'fine' });
    expect(refusal(() => say(model, model)).message).toContain('has the same model twice');
    const trial = new Trial();
    const error = await trial.fails(agent({ name: 'say', instructions: 'Say it.' }), 'hi', { models: { '*': [model, deny as never] } });
    expect([error.code, error.message]).toEqual(['MISCONFIGURED', expect.stringContaining("The model of 'say' is an object")]);
    expect(model.requests).toHaveLength(0);
  });

  it('is as it was when the agent was made', async () => {
    const list = [named('one', down()), named('two', { text: 'fine' })];
    const one = agent({ name: 'say', instructions: 'Say it.', model: list });
    list.pop();
    expect((await new Trial().run(one, 'hi')).output).toBe('fine');
  });

  it('may be given by the run, names and models mixed, for one agent or for all', async () => {
    const two = named('two', { text: 'fine' }, { text: 'fine too' });
    const ask = agent({ name: 'say', instructions: 'Say it.' });
    // In the world's time: the package of what is named is loaded from the disk.
    for (const models of [{ say: [named('one', down()), two] }, { '*': [named('one', down()), two, 'http://localhost:1/v1#never'] }])
      expect((await run(ask, 'hi', { models, journal: memoryJournal() })).output).toMatch(/^fine/);
  });
});

describe('the next model is asked', () => {
  it.each<ErrorCode>([
    'MODEL_RATE_LIMITED',
    'MODEL_OVERLOADED',
    'MODEL_UNAVAILABLE',
    'MODEL_TIMEOUT',
    'MODEL_GARBAGE',
    'MODEL_UNAUTHORIZED',
  ])('where the one before fails with %s', async (code) => {
    const trial = new Trial();
    const { output, bill } = await trial.run(
      say(named('one', down(code)), named('two', { text: 'fine', tokensIn: 7, tokensOut: 1 })),
      'hi',
    );
    expect(output).toBe('fine');
    expect(bill.models).toMatchObject({
      'scripted/one': { calls: 1, failed: 1, tokensOut: 0 },
      'scripted/two': { calls: 1, failed: 0, tokensIn: 7, tokensOut: 1 },
    });
    expect(bill).toMatchObject({ calls: 2, failed: 1 });
    const [attempt] = await trial.events('model.requested');
    expect(await trial.events('decision')).toMatchObject([
      { place: attempt?.place, question: 'model', choice: 'scripted/two', reason: `scripted/one failed: ${code}` },
    ]);
    const told = await trial.events('model.requested', 'model.failed', 'decision', 'model.responded');
    expect(told.map(({ kind }) => kind)).toEqual(['model.requested', 'model.failed', 'decision', 'model.requested', 'model.responded']);
    expect((await trial.events('model.requested')).map(({ model, turn, setup }) => [model, turn, setup?.model])).toEqual([
      ['scripted/one', 0, 'scripted/one'],
      ['scripted/two', 0, 'scripted/two'],
    ]);
  });

  it.each<ErrorCode>([
    'MODEL_BAD_REQUEST',
    'MODEL_CONTEXT_OVERFLOW',
    'MODEL_REFUSED',
    'MODEL_FILTERED',
    'MODEL_FAILED',
    'KEY_MISSING',
    'BUDGET_EXCEEDED',
    'CANCELLED',
  ])('but not where it fails with %s', async (code) => {
    const two = named('two', { text: 'fine' });
    const error = await new Trial().fails(say(named('one', down(code)), two), 'hi');
    expect([error.code, error.message]).toEqual([code, 'Not now.']);
    expect(two.requests).toHaveLength(0);
  });

  it('only after the sendings again that the first may have', async () => {
    const busy: ScriptedTurn = { error: new AmdahlError('MODEL_OVERLOADED', 'Not now.', { retryable: 'yes' }) };
    const one = named('one', busy, busy, busy);
    const trial = new Trial({ limits: { retries: 2 } });
    await trial.run(say(one, named('two', { text: 'fine' })), 'hi');
    expect(one.requests).toHaveLength(3);
    expect((await trial.events('model.requested')).map(({ model, again }) => [model, again])).toEqual([
      ['scripted/one', undefined],
      ['scripted/one', 1],
      ['scripted/one', 2],
      ['scripted/two', undefined],
    ]);
  });

  it('with the incident in the reason, where the failure is one of many', async () => {
    const trial = new Trial();
    const hit = new AmdahlError('MODEL_UNAVAILABLE', 'It is down.', { data: { incident: 'i-7' } });
    await trial.run(say(named('one', { error: hit }), named('two', { text: 'fine' })), 'hi');
    expect(await trial.events('decision')).toMatchObject([{ reason: 'scripted/one failed: MODEL_UNAVAILABLE (incident i-7)' }]);
  });

  it('at once while the first is known to be down, and not any more when it is back', async () => {
    const script = [...Array.from({ length: 5 }, () => down()), { text: 'back' }, { text: 'back' }];
    const one = named('one', ...script);
    const two = scripted(() => ({ text: 'fine' }), { modelId: 'two' });
    const trial = new Trial({ limits: { retries: 0 } });
    const models = { '*': [{ ...one }, { ...two }] }; // no scripts any more: there is a gate in front of each
    const ask = agent({ name: 'say', instructions: 'Say it.' });
    const said = async (id: string): Promise<string> => (await trial.run(ask, 'hi', { id, models })).output;
    for (let nth = 0; nth < 5; nth += 1) expect(await said(`early${nth}`)).toBe('fine');
    const now = trial.clock.now();
    expect([await said('r'), trial.clock.now() - now, one.requests.length]).toEqual(['fine', 0, 5]);
    expect((await trial.events('model.requested')).map(({ model, setup }) => [model, setup?.model])).toEqual([
      ['scripted/two', 'scripted/two'],
    ]);
    expect(await trial.events('decision')).toMatchObject([
      { choice: 'scripted/two', reason: expect.stringContaining('(incident ') as string },
    ]);
    const sent = await showsWhatWasSent(trial, { modelId: 'two', requests: two.requests.slice(-1) });
    expect(sent).toMatchObject([{ turn: 0, again: false }]);
    await trial.clock.drive(trial.clock.sleep(5_000));
    expect([await said('later'), await said('latest')]).toEqual(['back', 'back']);
  });

  it('not for an answer that is refused: that is mended by who gave it', async () => {
    const even = agent({
      name: 'even',
      instructions: 'Say an even number.',
      output: z.object({ n: z.number().refine((n) => n % 2 === 0) }),
      model: [named('one', { object: { n: 1 } }, { object: { n: 2 } }), named('two')],
    });
    expect((await new Trial().run(even, 'go')).output).toEqual({ n: 2 });
  });

  it('not for a call whose time is over, nor for a run that is cancelled', async () => {
    const two = named('two', { text: 'late' });
    const silent = scripted(() => new Promise(() => {}), { modelId: 'silent' });
    const short = agent({ name: 'short', instructions: 'Say it.', timeoutMs: 50, model: [silent, two] });
    expect((await new Trial().fails(short, 'hi')).code).toBe('TIMEOUT');
    const abort = new AbortController();
    const model = scripted(() => (abort.abort(), new Promise(() => {})), { modelId: 'silent' });
    expect((await new Trial().fails(say(model, two), 'hi', { signal: abort.signal })).code).toBe('CANCELLED');
    expect(two.requests).toHaveLength(0);
  });

  it('and what the first had begun to say is taken back', async () => {
    const heard: string[] = [];
    const first = named('one', { text: 'not this' });
    const breaking: LanguageModelV4 = {
      ...first,
      doStream: async (options) => {
        const { stream } = await first.doStream(options);
        const broken = stream.pipeThrough(
          new TransformStream({
            transform: (part, control) =>
              part.type === 'finish' ? control.error(new AmdahlError('MODEL_GARBAGE', 'It broke off.')) : control.enqueue(part),
          }),
        );
        return { stream: broken };
      },
    };
    const { output } = await new Trial().run(say(breaking, named('two', { text: 'fine' })), 'hi', {
      onDelta: (delta) => void heard.push(delta.type === 'text' ? delta.delta : delta.type),
    });
    expect(output).toBe('fine');
    expect(heard).toEqual(['not', ' this', 'withdrawn', 'fine']);
  });
});

describe('when all fail', () => {
  it('the failure is the last one, and names all of them', async () => {
    const error = await new Trial().fails(
      say(named('one', down()), named('two', down('MODEL_TIMEOUT')), named('three', down('MODEL_REFUSED'))),
      'hi',
    );
    expect(error.code).toBe('MODEL_REFUSED');
    expect(error.message).toBe(
      "None of its models answered 'say': scripted/one (MODEL_UNAVAILABLE), then scripted/two (MODEL_TIMEOUT), then scripted/three (MODEL_REFUSED). The last: Not now.",
    );
    expect(error.data['models']).toEqual([
      { model: 'scripted/one', code: 'MODEL_UNAVAILABLE', message: 'Not now.' },
      { model: 'scripted/two', code: 'MODEL_TIMEOUT', message: 'Not now.' },
      { model: 'scripted/three', code: 'MODEL_REFUSED', message: 'Not now.' },
    ]);
  });

  it('two of one name are told apart by their number', async () => {
    const trial = new Trial();
    const error = await trial.fails(say(named('one', down()), named('one', down())), 'hi');
    expect(error.message).toContain('scripted/one (MODEL_UNAVAILABLE), then scripted/one (2) (MODEL_UNAVAILABLE)');
    expect(await trial.events('decision')).toMatchObject([{ choice: 'scripted/one (2)' }]);
  });

  it('a price that is missing is told when that model is to be asked, and the first is named', async () => {
    const prices = { 'scripted/one': { in: 1, out: 1 } };
    const two = named('two', { text: 'fine' });
    const fine = await new Trial({ prices, budget: { usd: 1 } }).run(say(named('one', { text: 'fine' }), two), 'hi');
    expect(fine.output).toBe('fine');
    const error = await new Trial({ prices, budget: { usd: 1 } }).fails(say(named('one', down()), two), 'hi');
    expect(error.code).toBe('PRICE_UNKNOWN');
    expect(error.message).toContain('scripted/one (MODEL_UNAVAILABLE), then scripted/two (PRICE_UNKNOWN)');
    expect(two.requests).toHaveLength(0);
  });
});

describe('each request has its own price', () => {
  it('and the cap holds over both', async () => {
    const prices = { 'scripted/one': { in: 1, out: 1 }, 'scripted/two': { in: 10, out: 100 } };
    const trial = new Trial({ prices });
    const { bill } = await trial.run(say(named('one', down()), named('two', { text: 'fine', tokensIn: 5, tokensOut: 3 })), 'hi');
    expect(bill.models['scripted/two']?.usdMicros).toBe(350);
    expect(bill.models['scripted/one']?.usdMicros).toBe(0);
    const dear = await new Trial({ prices, budget: { usd: 0.01 } }).fails(say(named('one', down()), named('two', { text: 'fine' })), 'hi');
    expect(dear.code).toBe('BUDGET_EXCEEDED');
    expect(dear.message).toContain('scripted/one (MODEL_UNAVAILABLE)');
  });
});

describe('who was left because its provider was down', () => {
  const hit: ScriptedTurn = { error: new AmdahlError('MODEL_UNAVAILABLE', 'It is down.', { data: { incident: 'i-7' } }) };

  it.each<ErrorCode>(['MODEL_UNAUTHORIZED', 'MODEL_UNAVAILABLE', 'MODEL_BAD_REQUEST', 'BUDGET_EXCEEDED'])(
    'is asked once more where the others fail, the last with %s',
    async (code) => {
      const one = named('one', hit, { text: 'back' });
      const two = named('two', down(code));
      const trial = new Trial();
      const { output, bill } = await trial.run(say(one, two), 'hi');
      expect([output, bill.calls, bill.failed]).toEqual(['back', 3, 2]);
      expect((await trial.events('decision')).map(({ choice, reason }) => [choice, reason])).toEqual([
        ['scripted/two', 'scripted/one failed: MODEL_UNAVAILABLE (incident i-7)'],
        ['scripted/one', `scripted/two failed: ${code}`],
      ]);
      await showsWhatWasSent(trial, one, two);
    },
  );

  it('is asked only once more, and then all are named', async () => {
    const one = named('one', hit, hit);
    const error = await new Trial().fails(say(one, named('two', down())), 'hi');
    expect([error.code, one.requests.length]).toEqual(['MODEL_UNAVAILABLE', 2]);
    expect(error.message).toContain(
      'scripted/one (MODEL_UNAVAILABLE), then scripted/two (MODEL_UNAVAILABLE), then scripted/one (MODEL_UNAVAILABLE). The last: It is down.',
    );
  });

  it('is not asked once more by a call whose time is over', async () => {
    const one = named('one', hit, { text: 'late' });
    const silent = scripted(() => new Promise(() => {}), { modelId: 'silent' });
    const short = agent({ name: 'short', instructions: 'Say it.', timeoutMs: 50, model: [one, silent] });
    expect((await new Trial().fails(short, 'hi')).code).toBe('TIMEOUT');
    expect(one.requests).toHaveLength(1);
  });

  it.each([401, 503])('is waited for as if it were alone, where the second answers %i: no call is lost', async (statusCode) => {
    const trial = new Trial();
    const failing = (code: number): APICallError =>
      new APICallError({ message: 'no', url: 'http://x', requestBodyValues: {}, statusCode: code, isRetryable: code === 503 });
    const isDown = (): boolean => trial.clock.now() > 1_000_300 && trial.clock.now() < 1_004_000;
    const first = made({
      modelId: 'first',
      answer: () => trial.clock.sleep(50).then(() => (isDown() ? Promise.reject(failing(503)) : answer('said'))),
    });
    const second = made({ modelId: 'second', answer: () => trial.clock.sleep(50).then(() => Promise.reject(failing(statusCode))) });
    const { output } = await trial.run(
      map(say(first, second), { concurrency: 10 }),
      Array.from({ length: 200 }, (_, nth) => `item ${nth}`),
    );
    expect(output).toHaveLength(200);
  });
});

describe('a model whose key or quota is good for nothing', () => {
  const refused = {
    message: 'no',
    url: 'http://x',
    requestBodyValues: {},
    statusCode: 429,
    responseBody: '{"error":{"code":"insufficient_quota"}}',
  };
  const quota = failureOf(new APICallError(refused), { model: 'scripted/one', answered: undefined, now: 0, tokensIn: 1 });
  const ask = (...model: readonly LanguageModelV4[]) =>
    flow({
      name: 'twice',
      run: async (text: string, ctx) => {
        const one = say(...model);
        return [await ctx.call(one, `${text} 1`), await ctx.call(one, `${text} 2`)].join();
      },
    });

  it.each([
    ['MODEL_UNAUTHORIZED', down('MODEL_UNAUTHORIZED')],
    ['MODEL_RATE_LIMITED', { error: quota }],
  ])('is asked once in an entry where another stands behind it, and the journal says why (%s)', async (code, fails) => {
    const one = named('one', fails);
    const trial = new Trial();
    expect((await trial.run(ask(one, named('two', { text: 'a' }, { text: 'b' })), 'hi')).output).toBe('a,b');
    expect(one.requests).toHaveLength(1);
    expect((await trial.events('decision')).map(({ choice, reason }) => [choice, reason])).toEqual([
      ['scripted/two', `scripted/one failed: ${code}`],
      ['scripted/two', `scripted/one is not asked any more in this run: ${code}`],
    ]);
  });

  it.each([
    ['what one request is too large for', { error: new AmdahlError('MODEL_RATE_LIMITED', 'Too large.', { retryable: 'no' }) }],
    ['what somebody on the way forbids', { error: new AmdahlError('MODEL_UNAUTHORIZED', 'No.', { data: { status: 403 } }) }],
    ['an outage', down()],
  ])('is told from %s: then it is asked again', async (_, fails) => {
    const one = named('one', fails, { text: 'b' });
    expect((await new Trial().run(ask(one, named('two', { text: 'a' })), 'hi')).output).toBe('a,b');
  });

  it('is asked where there is nobody else, and named where the others fail', async () => {
    const one = named('one', down('MODEL_UNAUTHORIZED'));
    const two = named('two', { text: 'a' }, down());
    const error = await new Trial().fails(ask(one, two), 'hi');
    expect(error.message).toContain('scripted/one (MODEL_UNAUTHORIZED), then scripted/two (MODEL_UNAVAILABLE)');
    const alone = named('alone', down('MODEL_UNAUTHORIZED'), { text: 'c' });
    const both = named('both', down('MODEL_UNAUTHORIZED'), { text: 'd' });
    const pair = flow({
      name: 'pair',
      run: async (text: string, ctx) => {
        await ctx.call(say(alone), text).catch(() => {});
        await ctx.call(say(both, named('last', down('MODEL_UNAUTHORIZED'))), text).catch(() => {});
        return [await ctx.call(say(alone), text), await ctx.call(say(both), text)].join();
      },
    });
    expect((await new Trial().run(pair, 'hi')).output).toBe('c,d');
  });

  it('is asked again by a resume', async () => {
    const trial = new Trial();
    await trial.fails(say(named('one', down('MODEL_UNAUTHORIZED')), named('two', down())), 'hi');
    expect((await trial.run(say(named('one', { text: 'mended' }), named('two')), 'hi')).output).toBe('mended');
  });
});
