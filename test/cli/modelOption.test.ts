import { describe, expect, it } from 'vitest';
import { agent, flow, map, step } from '../../src/index.ts';
import { checkAgents, parseModels } from '../../src/cli/modelOption.ts';
import { providerServer } from '../model/providerServer.ts';
import { linesOf, place } from './cli.ts';

describe('--model', () => {
  it('names the model of all agents, or of one', () => {
    expect(parseModels(['openai/gpt-5', 'review=ollama/qwen3'], {})).toEqual({ '*': 'openai/gpt-5', review: 'ollama/qwen3' });
    expect(parseModels(['my agent=openrouter/a/b:free'], {})).toEqual({ 'my agent': 'openrouter/a/b:free' });
    expect(parseModels(['http://localhost:1/v1#a=b'], {})).toEqual({ '*': 'http://localhost:1/v1#a=b' });
    expect(parseModels(['review=http://localhost:1/v1#a=b'], {})).toEqual({ review: 'http://localhost:1/v1#a=b' });
    expect(parseModels(['a=b=openai/x'], {})).toEqual({ 'a=b': 'openai/x' });
    expect(parseModels([], {})).toEqual({});
  });

  it('names the next to ask, where it is given again for the same', () => {
    expect(parseModels(['openai/gpt-5', 'review=ollama/qwen3', 'anthropic/x', 'review=openai/gpt-5', 'xai/y'], {})).toEqual({
      '*': ['openai/gpt-5', 'anthropic/x', 'xai/y'],
      review: ['ollama/qwen3', 'openai/gpt-5'],
    });
  });

  it.each([
    [['gpt-5'], "'gpt-5' is no name of a model: write 'openai/gpt-5'."],
    [['review=gpt-5'], "'gpt-5' is no name of a model: write 'openai/gpt-5'."],
    [['review='], "'' is no name of a model"],
    [['=openai/gpt-5'], "'=openai/gpt-5' names no agent before '='"],
    [['openai/gpt-5', 'review=openai/gpt-5', 'openai/gpt-5'], "'openai/gpt-5' is given twice for all agents."],
    [['review=openai/a', 'review=openai/a'], "'openai/a' is given twice for 'review'."],
    [['http://me:LEAK@host/v1?key=LEAK'], "A model's address has a password or a query in it"],
    [['=ftp://me:LEAK@host/v1'], "'=ftp://host/v1' names no agent before '='"],
    [['opnai/gpt-5'], "'opnai/gpt-5' names no provider that amdahl knows. Did you mean 'openai/gpt-5'?"],
  ])('says what is wrong with %j', (texts, message) => {
    expect(() => parseModels(texts, {})).toThrow(`--model: ${message}`);
  });

  it('refuses agents that would never ask it', () => {
    const review = agent({ name: 'review', instructions: 'Review it.' });
    const sweep = map(review, { name: 'sweep' });
    checkAgents({ review: 'openai/gpt-5', '*': 'openai/gpt-5' }, sweep);
    expect(() => checkAgents({ reveiw: 'openai/gpt-5' }, sweep)).toThrow(
      "--model: there is no agent 'reveiw' in 'sweep'; did you mean 'review'? The agents that ask models are review.",
    );
    expect(() => checkAgents({ sweep: 'openai/gpt-5' }, sweep)).toThrow(
      "'sweep' asks no model itself. The agents that ask models are review.",
    );
    const count = step({ name: 'count', execute: (input) => input });
    expect(() => checkAgents({ count: 'openai/gpt-5' }, count)).toThrow("'count' asks no model itself. None of its agents does.");
  });

  it('leaves a provider that only another machine knows to the run, which may never ask it', () => {
    expect(parseModels(['my-proxy/m'], {})).toEqual({ '*': 'my-proxy/m' });
    expect(parseModels(['opnai/m'], { OPNAI_BASE_URL: 'http://localhost:1' })).toEqual({ '*': 'opnai/m' });
  });

  it('refuses a program that asks no model at all', () => {
    const count = step({ name: 'count', execute: (input) => input });
    for (const root of [count, map(count, { name: 'counts' })]) {
      expect(() => checkAgents({ '*': 'openai/gpt-5' }, root)).toThrow(
        `--model: '${root.name}' asks no model, nor does any agent in it. Leave --model out.`,
      );
      checkAgents({}, root);
    }
    const free = flow({ name: 'free', run: (input) => Promise.resolve(input) });
    checkAgents({ '*': 'openai/gpt-5' }, free);
  });

  it('takes any agent where a flow does not list what it asks', () => {
    const free = flow({ name: 'free', run: (input) => Promise.resolve(input) });
    checkAgents({ review: 'openai/gpt-5' }, free);
    const review = agent({ name: 'review', instructions: 'Review it.' });
    const listed = flow({ name: 'listed', uses: [review], run: (input, ctx) => ctx.call(review, input) });
    expect(() => checkAgents({ reveiw: 'openai/gpt-5' }, listed)).toThrow("did you mean 'review'?");
  });
});

describe('a run with --model', () => {
  it("asks that model instead of the program's", async () => {
    const { amdahl } = place();
    const { url, asked } = await providerServer();
    const env = { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: url };
    const { out } = await amdahl(['run', 'team.ts#hello', '--input', 'hi', '--json', '--model', 'openai.chat/gpt-5'], { env });
    expect(linesOf(out).at(-1)).toMatchObject({ result: { status: 'succeeded', output: 'fine' } });
    expect(linesOf(out).find(({ kind }) => kind === 'model.requested')).toMatchObject({ model: 'openai.chat/gpt-5' });
    expect(asked).toMatchObject([{ path: '/chat/completions', body: { model: 'gpt-5' } }]);
  });

  it('leaves agents that are not named their own, also when it goes on', async () => {
    const { amdahl } = place();
    const args = ['--model', 'hello=openai/gpt-5'];
    const first = await amdahl(['run', 'team.ts#hello', '--id', 'h1', '--input', 'hi', ...args]);
    expect(first.err).toContain('KEY_MISSING');
    expect(first.err).toContain('set OPENAI_API_KEY');
    const run = await amdahl(['run', 'team.ts#hello', '--id', 'h2', '--input', 'hi']);
    expect(run.code).toBe(0);
    const again = await amdahl(['resume', 'h2', '--retry', 'hello', ...args]);
    expect(again.err).toContain('KEY_MISSING');
  });

  it('of a provider that is not set up here is told before a new run begins, and not when a finished one is read again', async () => {
    const { amdahl } = place();
    const { url } = await providerServer();
    const args = ['run', 'team.ts#hello', '--id', 'p1', '--input', 'hi', '--model', 'my-proxy/m'];
    const early = await amdahl(args);
    expect(early.err).toContain("'my-proxy/m' names no provider that amdahl knows.");
    expect(early.err).toContain('set MY_PROXY_BASE_URL');
    expect((await amdahl(['runs'])).err).toContain('There are no runs');
    expect(await amdahl(args, { env: { MY_PROXY_BASE_URL: url } })).toMatchObject({ code: 0 });
    const again = await amdahl(['resume', 'p1', '--model', 'my-proxy/m']);
    expect(again).toMatchObject({ code: 0 });
    expect(again.out).toContain('fine');
  });

  it('asks the second where the first cannot be had, and loads both before a new run begins', async () => {
    const { amdahl } = place();
    const [down, fine] = [await providerServer(401), await providerServer()];
    const args = ['run', 'team.ts#hello', '--id', 'f1', '--input', 'hi', '--model', 'openai.chat/gpt-5', '--model', 'my-proxy/m'];
    const env = { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: down.url };
    const early = await amdahl(args, { env });
    expect(early.err).toContain('set MY_PROXY_BASE_URL');
    expect(down.asked).toHaveLength(0);
    expect((await amdahl(['runs'])).err).toContain('There are no runs');
    const run = await amdahl(args, { env: { ...env, MY_PROXY_BASE_URL: fine.url } });
    expect(run).toMatchObject({ code: 0 });
    expect(run.out).toContain('fine');
    expect([down.asked.length, fine.asked.length]).toEqual([1, 1]);
    const shown = await amdahl(['show', 'f1', '--prompt', '--all']);
    expect(shown.out).toContain('in place of openai.chat/gpt-5');
  });

  it('is refused before anything runs when it names no model or no agent', async () => {
    const { amdahl } = place();
    const wrong = await amdahl(['run', 'team.ts#hello', '--input', 'hi', '--model', 'gpt-5']);
    expect(wrong).toMatchObject({ code: 2, out: '' });
    expect(wrong.err).toContain("MISCONFIGURED --model: 'gpt-5' is no name of a model: write 'openai/gpt-5'.");
    const unknown = await amdahl(['run', 'team.ts#hello', '--input', 'hi', '--model', 'helo=openai/gpt-5']);
    expect(unknown).toMatchObject({ code: 2, out: '' });
    expect(unknown.err).toContain("there is no agent 'helo' in 'hello'; did you mean 'hello'?");
  });
});
