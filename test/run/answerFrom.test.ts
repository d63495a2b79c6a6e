import { expect, test } from 'vitest';
import { answer, answerFrom, type AnswerFromOptions, memoryJournal } from '../../src/index.ts';
import type { AskId, Happening, Json, Place, RunId } from '../../src/journal/event.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { AskKind } from '../../src/journal/worldEvent.ts';
import { failure } from '../support/trial.ts';

const NOW = 1_000_000;
const clock = { now: () => NOW, after: () => () => {} };
const place = 'p' as Place; // a test's own names stand in for hashes

interface Opened {
  readonly of?: AskKind;
  readonly form?: Json;
  readonly expiresAt?: number;
  readonly run?: string;
  readonly scope?: string;
}

async function journalWith(asks: Readonly<Record<string, Opened>>): Promise<Journal> {
  const journal = memoryJournal();
  for (const [ask, { of = 'human', run = 'r', scope, ...rest }] of Object.entries(asks)) {
    const claim = await journal.claim(run as RunId);
    const began: Happening = { kind: 'run.started', agent: 'desk', input: 'x', inputHash: 'h', ...(scope === undefined ? {} : { scope }) };
    const opened: Happening = {
      kind: 'ask.opened',
      place,
      ask: ask as AskId,
      of,
      calls: [],
      path: 'desk/editor',
      question: 'Publish?',
      about: null,
      ...rest,
    };
    await claim.append([...(claim.events === 0 ? [began] : []), opened].map((event) => ({ ...event, at: NOW })));
    await claim.release();
  }
  return journal;
}

/** What the run makes of what was said. */
async function journaled(journal: Journal, event: Happening): Promise<void> {
  const claim = await journal.claim('r' as RunId);
  await claim.append([{ ...event, at: NOW }]);
  await claim.release();
}

const approval = (id: string, approved: boolean, reason?: string): object => ({
  type: 'tool-send',
  toolCallId: `call-${id}`,
  state: 'approval-responded',
  approval: { id, approved, ...(reason === undefined ? {} : { reason }) },
});
const output = (ask: string, value: unknown): object => ({
  type: 'dynamic-tool',
  toolCallId: ask,
  toolMetadata: { amdahl: { ask, of: 'human' } },
  state: 'output-available',
  output: value,
});

async function post(journal: Journal, parts: readonly object[], options: AnswerFromOptions = {}) {
  const messages = [
    { role: 'user' as const, parts: [{ type: 'text', text: 'Publish it.' }] },
    { role: 'assistant' as const, parts: parts as { type: string }[] }, // as a page posts it
  ];
  const { said, runs, refused } = await answerFrom(messages, { journal, clock, ...options });
  return { said: said.map(({ ask }) => ask), runs, refused: refused.map(({ ask, error }) => [ask, error.code]) };
}

async function responseTo(journal: Journal, ask: string): Promise<unknown> {
  return (await journal.ask(ask))?.response;
}

const yesOrNo = { of: 'approval', form: { type: 'boolean' } } as const;

test('a yes is a yes, a no without a reason is a no, and one with a reason is refused with it', async () => {
  const journal = await journalWith({ 'a-yes-00': yesOrNo, 'a-no-000': yesOrNo, 'a-why-00': yesOrNo });
  const parts = [approval('a-yes-00', true, 'fine'), approval('a-no-000', false), approval('a-why-00', false, 'too early')];
  expect(await post(journal, parts, { by: 'ada' })).toEqual({ said: ['a-yes-00', 'a-no-000', 'a-why-00'], runs: ['r'], refused: [] });
  expect(await responseTo(journal, 'a-yes-00')).toEqual({ kind: 'answer', value: true, by: 'ada', at: NOW });
  expect(await responseTo(journal, 'a-no-000')).toEqual({ kind: 'answer', value: false, by: 'ada', at: NOW });
  expect(await responseTo(journal, 'a-why-00')).toEqual({ kind: 'refuse', reason: 'too early', by: 'ada', at: NOW });
});

test('what a person is asked is answered by a tool output, or by the reason of a yes where it fits: as JSON, text or outcome', async () => {
  const stars = { form: { type: 'object', properties: { stars: { type: 'integer' } }, required: ['stars'] } };
  const outcome = {
    form: {
      anyOf: ['go on', 'stop'].map((const_) => ({ type: 'object', properties: { outcome: { const: const_ } }, required: ['outcome'] })),
    },
  };
  const journal = await journalWith({ 'out-0000': stars, 'text-out': stars, 'json-000': stars, 'text-000': {}, 'bool-000': { form: { type: 'boolean' } }, 'out-come': outcome, 'goes-on0': { ...outcome, of: 'diverged' } }); // prettier-ignore
  const parts = [
    output('out-0000', { stars: 4 }),
    output('text-out', '{"stars":3}'),
    approval('json-000', true, '{"stars":5}'),
    approval('text-000', true, 'In green.'),
    approval('bool-000', false),
    approval('out-come', true, 'stop'),
    approval('goes-on0', true),
  ];
  expect((await post(journal, parts)).refused).toEqual([]);
  const values = await Promise.all(
    ['out-0000', 'text-out', 'json-000', 'text-000', 'bool-000', 'out-come', 'goes-on0'].map((ask) => responseTo(journal, ask)),
  );
  expect(values.map((response) => (response as { value: Json }).value)).toEqual([
    { stars: 4 },
    { stars: 3 },
    { stars: 5 },
    'In green.',
    false,
    { outcome: 'stop' },
    { outcome: 'go on' },
  ]);
});

test('what does not fit is told and answers nothing, and the rest is taken all the same', async () => {
  const journal = await journalWith({ 'misfit-0': { form: { type: 'integer' } }, 'bare-yes': {}, 'good-000': yesOrNo });
  const parts = [output('misfit-0', 'four'), approval('bare-yes', true), approval('good-000', true)];
  expect(await post(journal, parts)).toEqual({
    said: ['good-000'],
    runs: ['r'],
    refused: [
      ['misfit-0', 'CONTRACT_VIOLATION'],
      ['bare-yes', 'CONTRACT_VIOLATION'],
    ],
  });
  expect((await journal.ask('misfit-0'))?.state).toBe('open');
});

test('a page posts everything again: what was said is passed over, before and after its run has taken it; what differs is told', async () => {
  const journal = await journalWith({ 'a-yes-00': yesOrNo, 'a-why-00': yesOrNo, 'out-0000': {} });
  const parts = [approval('a-yes-00', true), approval('a-why-00', false, 'no'), output('out-0000', 'green')];
  const other = [approval('a-yes-00', false), approval('a-why-00', true), output('out-0000', 'red')];
  const nothing = { said: [], runs: [], refused: [] };
  const all = ['a-yes-00', 'a-why-00', 'out-0000'].map((ask) => [ask, 'ASK_CLOSED']);
  expect((await post(journal, parts)).said).toHaveLength(3);
  expect(await post(journal, parts)).toEqual(nothing);
  expect(await post(journal, other)).toEqual({ ...nothing, refused: all });
  await journaled(journal, { kind: 'ask.answered', place, ask: 'a-yes-00' as AskId, value: true });
  await journaled(journal, { kind: 'ask.refused', place, ask: 'a-why-00' as AskId, reason: 'no' });
  await journaled(journal, { kind: 'ask.answered', place, ask: 'out-0000' as AskId, value: 'green' });
  expect(await post(journal, parts)).toEqual(nothing);
  expect(await post(journal, other)).toEqual({ ...nothing, refused: all });
});

test('an error of a tool that says nothing refuses all the same', async () => {
  const journal = await journalWith({ 'blank-00': {} });
  const part = { ...output('blank-00', undefined), state: 'output-error', errorText: ' ' };
  expect(await post(journal, [part])).toMatchObject({ said: ['blank-00'], refused: [] });
  expect(await responseTo(journal, 'blank-00')).toMatchObject({ kind: 'refuse', reason: 'Refused without a reason.' });
});

test('what is unknown, of another scope or run, or past its time is refused with its code, and so is the beginning of an id', async () => {
  const journal = await journalWith({
    'of-acme-0': { ...yesOrNo, run: 'acme-1', scope: 'acme' },
    'of-r-0000': yesOrNo,
    'is-late-0': { ...yesOrNo, expiresAt: NOW },
  });
  const parts = ['nobodys-0', 'x', 'of-acm', 'of-acme-0', 'of-r-0000', 'is-late-0'].map((id) => approval(id, true));
  const here = { said: ['of-r-0000'], runs: ['r'] };
  const unknown = ['nobodys-0', 'x', 'of-acm', 'of-acme-0'].map((ask) => [ask, 'ASK_UNKNOWN']);
  expect(await post(journal, parts, { run: 'r' })).toEqual({ ...here, refused: [...unknown, ['is-late-0', 'ASK_CLOSED']] });
  const scoped = await post(journal, [approval('of-r-0000', false), approval('of-acme-0', true)], { scope: 'acme' });
  expect(scoped).toEqual({ said: ['of-acme-0'], runs: ['acme-1'], refused: [['of-r-0000', 'ASK_UNKNOWN']] });
});

test('what is no answer is left alone: parts that still wait, tools of the page, what the run told by itself, and odd things', async () => {
  const journal = await journalWith({ 'a-yes-00': yesOrNo });
  const waits = { ...approval('a-yes-00', true), state: 'approval-requested' };
  const automatic = { ...approval('a-yes-00', true), approval: { id: 'a-yes-00', approved: true, isAutomatic: true } };
  const foreign = { type: 'tool-map', toolCallId: 'm', state: 'output-available', output: 1 };
  const odd = [
    { type: 'x', state: 'approval-responded' },
    { type: 'x', state: 'approval-responded', approval: { id: 7 } },
    { type: 'text' },
  ];
  expect(await post(journal, [waits, automatic, foreign, ...odd])).toEqual({ said: [], runs: [], refused: [] });
  expect(await answerFrom([null, 7, {}] as never, { journal })).toEqual({ said: [], runs: [], refused: [] });
  expect((await failure(answerFrom('hello' as never, { journal }))).code).toBe('CONTRACT_VIOLATION');
  expect((await failure(answerFrom([], { jurnal: journal } as never))).code).toBe('MISCONFIGURED');
});

test('who was faster elsewhere is not overruled, and the page is told', async () => {
  const journal = await journalWith({ 'a-yes-00': yesOrNo });
  await answer('a-yes-00', false, { journal, clock, by: 'ben' });
  const { refused } = await answerFrom([{ role: 'assistant', parts: [approval('a-yes-00', true) as { type: string }] }], {
    journal,
    clock,
  });
  expect(refused).toMatchObject([{ ask: 'a-yes-00', error: { code: 'ASK_CLOSED', data: { by: 'ben' } } }]);
});
