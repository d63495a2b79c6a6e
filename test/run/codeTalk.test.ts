// What the journal tells of the prompts that code of a run sent through `gate()`: exactly those.

import type { LanguageModelV4Content, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { generateText, isStepCount, type ModelMessage, tool as aiTool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, flow, gate, step } from '../../src/index.ts';
import { requestsOf, type SentRequest } from '../../src/cli/promptText.ts';
import type { RunId } from '../../src/journal/event.ts';
import { answer, type HandMade, made, through } from '../support/handMade.ts';
import { Trial } from '../support/trial.ts';

const user = (content: string): ModelMessage => ({ role: 'user', content });
const assistant = (content: string): ModelMessage => ({ role: 'assistant', content });

async function told(trial: Trial): Promise<readonly SentRequest[]> {
  const sent: SentRequest[] = [];
  for await (const one of requestsOf(trial.journal.read('r' as RunId))) sent.push(one);
  return sent;
}

const plain = (prompt: LanguageModelV4Prompt | SentRequest['messages']): unknown => JSON.parse(JSON.stringify(prompt));

/** In the order in which they were sent, of each model. */
async function expectTold(trial: Trial, ...models: readonly HandMade[]): Promise<void> {
  const all = await told(trial);
  expect(all).toHaveLength(models.reduce((sum, { requests }) => sum + requests.length, 0));
  for (const { modelId, requests } of models) {
    const ofModel = all.filter(({ model }) => model === `hand/${modelId}`);
    expect(ofModel.map(({ messages }) => plain(messages))).toEqual(requests.map(({ prompt }) => plain(prompt)));
  }
}

/** A step that asks in turn. */
function asking(model: HandMade, ...prompts: readonly (readonly ModelMessage[])[]): Agent<string, string> {
  const wrapped = through(gate(), model);
  return step({
    name: 'ask',
    execute: async () => {
      for (const messages of prompts) await generateText({ model: wrapped, messages: [...messages] });
      return 'done';
    },
  });
}

const counting = (): HandMade => made({ answer: (_, nth) => answer(`answer ${nth}`) });

describe('a conversation of code', () => {
  it('goes on only behind the answer that was given', async () => {
    const model = counting();
    const trial = new Trial();
    await trial.run(
      asking(
        model,
        [user('q')],
        [user('q'), assistant('answer 0'), user('more')],
        [user('q'), assistant('answer 0'), user('more'), assistant('edited'), user('and now?')],
        [user('q'), assistant('answer 0'), user('something else')],
      ),
      'x',
    );
    expect((await told(trial)).map(({ turn }) => turn)).toEqual([0, 1, 0, 0]);
    expect(new Set((await trial.events('model.requested')).map(({ place }) => place)).size).toBe(3);
    await expectTold(trial, model);
  });

  it('that began like another goes on as its own', async () => {
    const model = counting();
    const wrapped = through(gate(), model);
    const pair = step({
      name: 'pair',
      execute: async () => {
        const both = await Promise.all(['a', 'b'].map(async () => (await generateText({ model: wrapped, messages: [user('v')] })).text));
        for (const said of both) await generateText({ model: wrapped, messages: [user('v'), assistant(said), user('go on')] });
        return 'done';
      },
    });
    const trial = new Trial();
    await trial.run(pair, 'x');
    expect((await told(trial)).map(({ turn }) => turn)).toEqual([0, 0, 1, 1]);
    await expectTold(trial, model);
  });

  it('whose answer is not there yet is not gone on with', async () => {
    const first = Promise.withResolvers<void>();
    const model = made({
      answer: async (_, nth) => {
        if (nth === 0) await first.promise;
        return answer('same');
      },
    });
    const wrapped = through(gate(), model);
    const hasty = step({
      name: 'hasty',
      execute: async () => {
        const slow = generateText({ model: wrapped, messages: [user('q')] });
        await generateText({ model: wrapped, messages: [user('q'), assistant('same'), user('go on')] });
        first.resolve();
        await slow;
        const [begun, said] = [user('p'), assistant('same')];
        await generateText({ model: wrapped, messages: [begun] });
        const second = generateText({ model: wrapped, messages: [begun, said, user('more')] });
        await generateText({ model: wrapped, messages: [begun, said, user('more'), said, user('go on')] });
        await second;
        return 'done';
      },
    });
    const trial = new Trial();
    await trial.run(hasty, 'x');
    expect((await told(trial)).map(({ turn }) => turn)).toEqual([0, 0, 0, 1, 0]);
    await expectTold(trial, model);
  });

  it('in which other instructions come later begins anew, and so does one with another model', async () => {
    const [model, other] = [counting(), made({ modelId: 'other', answer: () => answer('other') })];
    const [wrapped, wrappedOther] = [through(gate(), model), through(gate(), other)];
    const signed: ModelMessage = {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: 'hm', providerOptions: { hand: { signature: 's' } } },
        { type: 'text', text: 'answer 0' },
      ],
    };
    const turns = step({
      name: 'turns',
      execute: async () => {
        await generateText({ model: wrapped, messages: [user('q')] });
        await generateText({
          model: wrapped,
          messages: [user('q'), assistant('answer 0'), { role: 'system', content: 'Be brief.' }, user('go on')],
          allowSystemInMessages: true,
        });
        await generateText({ model: wrapped, messages: [user('p'), signed, user('go on')] });
        await generateText({ model: wrappedOther, messages: [user('p'), signed, user('go on'), assistant('answer 2'), user('and you?')] });
        return 'done';
      },
    });
    const trial = new Trial();
    await trial.run(turns, 'x');
    expect((await told(trial)).map(({ turn }) => turn)).toEqual([0, 0, 0, 0]);
    await expectTold(trial, model, other);
  });

  it('of reasoning, text and calls is one conversation, as the AI SDK sends it back', async () => {
    const content: readonly LanguageModelV4Content[] = [
      { type: 'reasoning', text: 'hm', providerMetadata: { hand: { signature: 's' } } },
      { type: 'text', text: 'I look.' },
      { type: 'tool-call', toolCallId: 'c', toolName: 'look', input: '{"where":{"y":1,"x":2}}', providerMetadata: { hand: { id: 'i' } } },
    ];
    const model = made({
      answer: (_, nth) =>
        nth === 2 ? answer('found') : { ...answer(''), content: [...content], finishReason: { unified: 'tool-calls', raw: 'x' } },
    });
    const look = aiTool({ inputSchema: z.object({ where: z.object({ x: z.number(), y: z.number() }) }), execute: () => ({ seen: true }) });
    const wrapped = through(gate(), model);
    const loop = step({
      name: 'loop',
      execute: async (prompt: string) =>
        (await generateText({ model: wrapped, prompt, instructions: 'Look.', tools: { look }, stopWhen: isStepCount(3) })).text,
    });
    const trial = new Trial();
    await trial.run(loop, 'x');
    expect((await told(trial)).map(({ turn }) => turn)).toEqual([0, 1, 2]);
    await expectTold(trial, model);
  });

  it('has places of its own in every entry', async () => {
    const model = counting();
    const wrapped = through(gate(), model);
    let entry = 0;
    const talk = flow({
      name: 'talk',
      run: async () => {
        entry += 1;
        const { text } = await generateText({ model: wrapped, messages: [user('q')] });
        await generateText({ model: wrapped, messages: [user('q'), assistant(text), user(`more ${entry}`)] });
        if (entry < 3) throw new Error('not yet');
        return 'ok';
      },
    });
    const trial = new Trial();
    for (const _ of [1, 2]) await trial.fails(talk, 'x');
    await trial.run(talk, 'x');
    expect((await told(trial)).map(({ turn, again }) => [turn, again])).toEqual(
      [1, 2, 3].flatMap(() => [
        [0, false],
        [1, false],
      ]),
    );
    await expectTold(trial, model);
  });
});
