// What models say when nothing goes wrong, as cases that every server must pass which claims to speak the protocols:
// the model server of this project, and one that others wrote. Each has the turns of a model and what a run makes of them.

import { expect } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, tool } from '../../src/index.ts';
import type { Answer } from '../../src/modelServer/answers.ts';
import type { Protocol } from '../../src/modelServer/wire.ts';
import type { Trip } from './wires.ts';

/** A model's turn, with what it costs: both servers count what they are told. */
type Turn = Pick<Answer, 'text' | 'reasoning' | 'tools'> & { readonly usage: { readonly tokensIn: number; readonly tokensOut: number } };

export interface Spoken {
  readonly title: string;
  readonly agent: Agent<string, unknown>;
  readonly turns: readonly Turn[];
  readonly output: unknown;
  /** What the tools were given, in order of the calls. */
  readonly args?: readonly unknown[];
  /** What the model thought aloud, where the protocol has words for it: OpenAI's Chat Completions has none. */
  readonly thought?: string;
}

/** Answers in words. */
export const say: Agent<string, string> = agent({ name: 'say', instructions: 'Say it.' });

/** Answers with an object. */
export const weigh: Agent<string, unknown> = agent({
  name: 'weigh',
  instructions: 'Weigh it.',
  output: z.object({ name: z.string(), grams: z.number().int(), of: z.array(z.object({ part: z.string(), share: z.number() })) }),
});
export const WEIGHED = {
  name: 'Grüße "quoted" \\ 👋🏽\n',
  grams: 1200,
  of: [
    { part: 'stone', share: 0.75 },
    { part: 'water', share: 0.25 },
  ],
};

const Place = z.object({ city: z.string() });
const weather = tool({
  description: 'The weather.',
  effect: 'none',
  version: '1',
  input: Place,
  execute: ({ city }) => ({ city, sun: city.length }),
});
const time = tool({ description: 'The time.', effect: 'none', version: '1', input: Place, execute: ({ city }) => `noon in ${city}` });

/** Uses tools and answers in words. */
export const look: Agent<string, string> = agent({ name: 'look', instructions: 'Look it up.', tools: { weather, time } });

const usage = { tokensIn: 210, tokensOut: 34 };
const asked = [
  { name: 'weather', args: { city: 'Oslo' } },
  { name: 'time', args: { city: 'Oslo' } },
  { name: 'weather', args: { city: 'São Paulo' } },
];

export const spoken: readonly Spoken[] = [
  {
    title: 'text',
    agent: say,
    turns: [{ text: 'Grüße 👋🏽 an alle,\n\nund "Tschüs".', usage }],
    output: 'Grüße 👋🏽 an alle,\n\nund "Tschüs".',
  },
  { title: 'an object', agent: weigh, turns: [{ text: JSON.stringify(WEIGHED), usage }], output: WEIGHED },
  {
    title: 'several tools at once, and their results',
    agent: look,
    turns: [
      { text: 'Let me look.', tools: asked, usage },
      { text: 'Sun in both.', usage },
    ],
    output: 'Sun in both.',
    args: asked.map(({ args }) => args),
  },
  {
    title: 'tools in turn after turn',
    agent: look,
    turns: [
      { tools: asked.slice(0, 1), usage },
      { tools: asked.slice(1), usage },
      { text: 'Sun in both.', usage },
    ],
    output: 'Sun in both.',
    args: asked.map(({ args }) => args),
  },
  {
    title: 'what it thinks, before tools and after',
    agent: look,
    turns: [
      { reasoning: 'Two places, three questions.', tools: asked, usage },
      { reasoning: 'I know enough.', text: 'Sun in both.', usage },
    ],
    output: 'Sun in both.',
    args: asked.map(({ args }) => args),
    thought: 'Two places, three questions. I know enough.',
  },
];

/** Holds what a run did to its case, whoever served it; `told` are the results of tools in the last request, as texts. */
export function agrees({ turns, args = [], thought }: Spoken, trip: Trip, wire: Protocol, told: readonly string[]): void {
  expect(trip.bill).toMatchObject({ calls: turns.length, failed: 0, tokensIn: 210 * turns.length, tokensOut: 34 * turns.length });
  expect(trip.of('tool.called').map((event) => event.args)).toEqual(args);
  const results = turns.flatMap(({ tools = [] }) => tools).map(lookedUp);
  expect(told).toEqual(results.map((result) => (typeof result === 'string' ? result : JSON.stringify(result))));
  const thoughts = trip
    .of('model.responded')
    .flatMap(({ content }) => content.flatMap((part) => (part.type === 'reasoning' ? [part.text] : [])));
  expect(thoughts.join(' ')).toBe(wire === 'openai.chat' ? '' : (thought ?? ''));
}

/** What the tools of `look` give for one of their calls. */
function lookedUp({ name, args }: { readonly name: string; readonly args: unknown }): unknown {
  const { city } = Place.parse(args);
  return name === 'weather' ? { city, sun: city.length } : `noon in ${city}`;
}
