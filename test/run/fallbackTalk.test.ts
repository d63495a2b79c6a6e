import type { LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4Message } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow } from '../../src/index.ts';
import type { EventOf } from '../../src/journal/event.ts';
import { foldTurns } from '../../src/run/recorded.ts';
import type { ScriptedTurn } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';
import { calls, down, formless, look, named, say, seek, showsWhatWasSent } from './fallbackModels.ts';

describe('a conversation', () => {
  it('stays with the model that answered it last, and the next call begins with the first again', async () => {
    const one = named('one', calls('a'), down(), { text: 'first' });
    const two = named('two', calls('b'), { text: 'second' });
    const seeker = seek(one, two);
    const twice = flow({
      name: 'twice',
      input: z.string(),
      run: async (at, ctx) => [await ctx.call(seeker, at), await ctx.call(seeker, `${at} again`)],
    });
    const trial = new Trial();
    expect((await trial.run(twice, 'go')).output).toEqual(['second', 'first']);
    expect((await trial.events('model.requested')).map(({ model, turn, setup }) => [`${model}:${turn}`, setup?.model])).toEqual([
      ['scripted/one:0', 'scripted/one'],
      ['scripted/one:1', undefined],
      ['scripted/two:1', 'scripted/two'],
      ['scripted/two:2', undefined],
      ['scripted/one:0', 'scripted/one'],
    ]);
  });

  it('goes back to the first where the second fails later', async () => {
    const one = named('one', down(), { text: 'back' });
    const trial = new Trial();
    expect((await trial.run(seek(one, named('two', calls('a'), down())), 'go')).output).toBe('back');
    expect((await trial.events('decision')).map(({ choice, reason }) => [choice, reason])).toEqual([
      ['scripted/two', 'scripted/one failed: MODEL_UNAVAILABLE'],
      ['scripted/one', 'scripted/two failed: MODEL_UNAVAILABLE'],
    ]);
  });

  it('begins with the first again in a fresh attempt', async () => {
    const five = { name: 'five', instructions: 'Say 5.', output: z.object({ n: z.literal(5) }), repairs: 0 };
    const one = named('one', down(), { object: { n: 5 } });
    const trial = new Trial();
    expect((await trial.run(agent({ ...five, model: [one, named('two', { object: { n: 4 } })] }), 'go')).output).toEqual({ n: 5 });
    expect((await trial.events('model.requested')).map(({ model, attempt }) => [model, attempt])).toEqual([
      ['scripted/one', 0],
      ['scripted/two', 0],
      ['scripted/one', 1],
    ]);
  });

  it('is told to the next model without what only the one before understands', async () => {
    const thought: readonly LanguageModelV4Content[] = [
      { type: 'reasoning', text: 'Where?', providerMetadata: { one: { signature: 's' } } },
      { type: 'text', text: 'Let me look.', providerMetadata: { one: { itemId: 'm-1' } } },
      { type: 'tool-call', toolCallId: 'x.look:0', toolName: 'look', input: '{"at":"a"}', providerMetadata: { one: { itemId: 'f-1' } } },
    ];
    const own: readonly LanguageModelV4Content[] = [
      { type: 'reasoning', text: 'Again.', providerMetadata: { two: { signature: 't' } } },
      { type: 'tool-call', toolCallId: 'y.look:0', toolName: 'look', input: '{"at":"b"}' },
    ];
    const one = named('one', { content: thought, finish: 'tool-calls' }, down(), { text: 'found' });
    const two = named('two', { content: own, finish: 'tool-calls' }, down());
    const trial = new Trial();
    await trial.run(seek(one, two), 'go');
    const [, , assistant, results] = two.requests[0]?.prompt ?? [];
    const id = expect.stringMatching(/^[A-Za-z0-9]{9}$/) as string;
    expect(assistant).toEqual({
      role: 'assistant',
      content: [
        { type: 'text', text: 'Let me look.' },
        { type: 'tool-call', toolCallId: id, toolName: 'look', input: { at: 'a' } },
      ],
    });
    expect(results).toMatchObject({ role: 'tool', content: [{ toolCallId: id, output: { value: 'seen a' } }] });
    expect(idsIn(two.requests[0])).toEqual([idsIn(two.requests[0])[0], idsIn(two.requests[0])[0]]);
    // Each finds its own part as it was, the other's without its marks.
    const last = one.requests.at(-1);
    expect(last?.prompt[2]).toMatchObject({ content: [{ type: 'reasoning' }, { type: 'text' }, { toolCallId: 'x.look:0' }] });
    expect(last?.prompt[4]).toEqual({
      role: 'assistant',
      content: [{ type: 'tool-call', toolCallId: id, toolName: 'look', input: { at: 'b' } }],
    });
    expect(two.requests[1]?.prompt[4]).toMatchObject({ content: [{ type: 'reasoning' }, { toolCallId: 'y.look:0' }] });
    await showsWhatWasSent(trial, one, two);
  });

  it('leaves out an answer of which nothing is left', async () => {
    const thought: ScriptedTurn = { content: [{ type: 'reasoning', text: 'Hm.' }] };
    const two = named('two', { text: 'fine' });
    await new Trial().run(say(named('one', thought, down()), two), 'go');
    expect(two.requests[0]?.prompt.map(({ role }) => role)).toEqual(['system', 'user', 'user']);
  });

  it('spells the form of the answer out for who needs that, and for nobody else', async () => {
    const form = z.object({ n: z.number() });
    const one = named('one', calls('a'), down(), { object: { n: 3 } });
    const two = formless(named('two', calls('b'), down()));
    const trial = new Trial();
    const count = agent({ name: 'count', instructions: 'Count.', output: form, tools: { look }, model: [one, two] });
    expect((await trial.run(count, 'go')).output).toEqual({ n: 3 });
    const systems = (requests: readonly LanguageModelV4CallOptions[]): readonly unknown[] =>
      requests.map(({ prompt }) => prompt[0]?.content);
    expect(systems(one.requests)).toEqual(['Count.', 'Count.', 'Count.']);
    expect(systems(two.requests)).toEqual([expect.stringContaining('JSON Schema'), expect.stringContaining('JSON Schema')]);
    await showsWhatWasSent(trial, one, two);
  });

  it('shows what the second was sent where the first gave no answer at all', async () => {
    const one = named('one', down());
    const two = formless(named('two', calls('b'), { object: { n: 3 } }));
    const trial = new Trial();
    await trial.run(
      agent({ name: 'count', instructions: 'Count.', output: z.object({ n: z.number() }), tools: { look }, model: [one, two] }),
      'go',
    );
    const sent = await showsWhatWasSent(trial, one, two);
    expect(sent.map(({ model, setup, instead }) => [model, setup?.model, instead])).toEqual([
      ['scripted/one', 'scripted/one', undefined],
      ['scripted/two', 'scripted/two', 'scripted/one'],
      ['scripted/two', 'scripted/two', undefined],
    ]);
  });
});

describe('a resume', () => {
  it('buys nothing again where a fall-back is added, exchanged or taken away, and all where the first is another', async () => {
    const trial = new Trial();
    await trial.run(say(named('one', down()), named('two', { text: 'fine' })), 'hi');
    for (const models of [[named('one')], [named('one'), named('three')], [named('one'), named('two'), named('three')]]) {
      const { output, resume } = await trial.run(say(...models), 'hi');
      expect([output, resume?.bought]).toEqual(['fine', []]);
    }
    const { resume } = await trial.run(say(named('two', { text: 'anew' }), named('one')), 'hi');
    expect(resume?.bought).toHaveLength(1);
  });

  it('after a failure of all begins with who answered last, and tells so', async () => {
    const trial = new Trial();
    await trial.fails(seek(named('one', calls('a'), down()), named('two', down())), 'go');
    const one = named('one', { text: 'found' });
    expect((await trial.run(seek(one, named('two')), 'go')).output).toBe('found');
    expect(one.requests).toHaveLength(1);
    expect((await trial.events('decision')).map(({ choice, reason }) => [choice, reason])).toEqual([
      ['scripted/two', 'scripted/one failed: MODEL_UNAVAILABLE'],
      ['scripted/one', 'the failure for which it was left is forgotten'],
    ]);
  });

  it('goes on with the fall-back that had answered, also where it was exchanged since', async () => {
    for (const [second, third] of [
      ['two', 'never'],
      ['other', 'found'],
    ]) {
      const trial = new Trial();
      await trial.fails(seek(named('one', down(), down()), named('two', calls('a'), down('MODEL_REFUSED'))), 'go');
      const one = named('one', { text: 'found' });
      const next = named(second ?? '', { text: 'found' });
      await trial.run(seek(one, next), 'go');
      expect([one.requests.length, next.requests.length]).toEqual(third === 'never' ? [0, 1] : [1, 0]);
    }
  });
});

it('a resume holds nobody for formless because one was that is no longer in the list', async () => {
  const form = { name: 'count', instructions: 'Count.', output: z.object({ n: z.number() }), repairs: 1, tools: { look } };
  const two = named('two', calls('a'), down());
  const warning = { type: 'unsupported', feature: 'responseFormat' } as const;
  const warned = Object.assign(Object.create(two) as typeof two, {
    doGenerate: async (options: LanguageModelV4CallOptions) => ({ ...(await two.doGenerate(options)), warnings: [warning] }),
  });
  const trial = new Trial();
  await trial.fails(agent({ ...form, model: [named('one', down(), down()), warned] }), 'go');
  expect(await trial.events('model.responded')).toMatchObject([{ formless: true }]);
  const one = named('one', { text: 'three' }, { object: { n: 3 } });
  expect((await trial.run(agent({ ...form, model: [one, named('three')] }), 'go')).output).toEqual({ n: 3 });
  const [, repair] = one.requests;
  expect(JSON.stringify(repair?.prompt.at(-1))).not.toContain('JSON Schema');
});

it('a conversation is read back without the beginning that a later model was given', () => {
  const adds = (...messages: readonly LanguageModelV4Message[]): Pick<EventOf<'model.requested'>, 'adds'> => ({ adds: messages });
  const common = { kind: 'model.requested', why: 'ask', model: 'm' } as EventOf<'model.requested'>; // nothing else is read of it
  const [plain, formed]: readonly LanguageModelV4Message[] = ['Do.', 'Do. Thus.'].map((content) => ({ role: 'system', content }));
  const results: LanguageModelV4Message = { role: 'tool', content: [] };
  if (plain === undefined || formed === undefined) throw new Error('there are two');
  const turns = foldTurns([
    { seq: 1, event: { ...common, turn: 0, ...adds(plain) } },
    { seq: 2, event: { ...common, turn: 0, ...adds(formed) } },
    { seq: 3, event: { ...common, turn: 1, ...adds(formed, results) } },
  ]);
  expect(turns.map((turn) => turn.adds)).toEqual([[plain], [results]]);
});

function idsIn(request: LanguageModelV4CallOptions | undefined): readonly string[] {
  return (request?.prompt ?? []).flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.flatMap((part) => ('toolCallId' in part ? [part.toolCallId] : [])),
  );
}
