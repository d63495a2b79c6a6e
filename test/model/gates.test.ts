import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { Gates, gatesOf } from '../../src/model/gates.ts';
import { scripted } from '../../src/model/scripted.ts';
import { cancelled, visitor } from './gateWorld.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const openai = (apiKey: string, modelId = 'gpt-5-mini'): LanguageModelV4 => createOpenAI({ apiKey }).chat(modelId);
const models = (count: number): readonly LanguageModelV4[] => Array.from({ length: count }, (_, nth) => openai('key', `model-${nth}`));

test('one account and model has one gate, through however many objects it is asked', () => {
  const gates = new Gates(new VirtualClock());
  expect(gates.of(openai('key'), {})).toBe(gates.of(openai('key'), {}));
  expect(gates.views()).toHaveLength(1);
});

test('another account, another model and another clock have gates of their own', () => {
  const gates = new Gates(new VirtualClock());
  const gate = gates.of(openai('key'), {});
  expect(gates.of(openai('another key'), {})).not.toBe(gate);
  expect(gates.of(openai('key', 'gpt-5'), {})).not.toBe(gate);
  expect(new Gates(new VirtualClock()).of(openai('key'), {})).not.toBe(gate);
});

test('a script stands in for a model and has no limits', () => {
  const gates = new Gates(new VirtualClock());
  expect(gates.of(scripted([{ text: 'Yes.' }]), {})).toBeUndefined();
  expect(gates.views()).toEqual([]);
});

test('all that go by one clock share their gates', () => {
  const clock = new VirtualClock();
  expect(gatesOf(clock)).toBe(gatesOf(clock));
  expect(gatesOf(new VirtualClock())).not.toBe(gatesOf(clock));
});

test('what a gate shows tells accounts apart and gives no key away', () => {
  const gates = new Gates(new VirtualClock());
  gates.of(openai('first secret'), {});
  gates.of(openai('second secret'), {});
  expect(new Set(gates.views().map(({ account }) => account)).size).toBe(2);
  expect(JSON.stringify(gates.views())).not.toContain('secret');
});

describe('limits that are given', () => {
  const limitsOf = (gates: Gates): unknown => gates.views()[0]?.limits;

  test('hold from the first request, by name or by pattern', () => {
    const gates = new Gates(new VirtualClock());
    gates.of(openai('key'), { 'openai/*': { requestsPerMinute: 60 } });
    expect(limitsOf(gates)).toMatchObject({ source: 'config', requestsPerMinute: 60 });
  });

  test('count from the last who gives any, and who gives none changes nothing', () => {
    const gates = new Gates(new VirtualClock());
    gates.of(openai('key'), { 'openai/*': { concurrency: 3 } });
    gates.of(openai('key'), { 'openai/*': { concurrency: 5 } });
    gates.of(openai('key'), {});
    expect(limitsOf(gates)).toMatchObject({ concurrency: 5 });
  });
});

describe('beyond a thousand', () => {
  test('the gate that was longest unused is forgotten, and no more than one for each that comes', () => {
    const gates = new Gates(new VirtualClock());
    const [first, second, ...rest] = models(1_001);
    if (first === undefined || second === undefined) throw new Error('there are more');
    const [one, two] = [gates.of(first, {}), gates.of(second, {})];
    for (const model of rest.slice(0, -1)) gates.of(model, {});
    // It was the oldest, and is used again.
    expect(gates.of(first, {})).toBe(one);
    expect(gates.views()).toHaveLength(1_000);
    gates.of(rest.at(-1) ?? first, {});
    expect(gates.views()).toHaveLength(1_000);
    expect(gates.of(first, {})).toBe(one);
    expect(gates.of(second, {})).not.toBe(two);
  });

  test('no gate is forgotten where somebody is', async () => {
    const gates = new Gates(new VirtualClock());
    const [first, ...rest] = models(1_001);
    if (first === undefined) throw new Error('there are more');
    const gate = gates.of(first, {});
    const permit = await gate?.enter(visitor());
    for (const model of rest) gates.of(model, {});
    expect(gates.of(first, {})).toBe(gate);
    permit?.done(cancelled);
  });
});
