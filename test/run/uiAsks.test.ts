import { safeValidateUIMessages } from 'ai';
import { expect, test } from 'vitest';
import { CONVERSATION } from '../../src/agent/contract.ts';
import { messages } from '../../src/index.ts';
import type { Happening } from '../../src/journal/event.ts';
import {
  askAnswered,
  askExpired,
  askOpened,
  askRefused,
  askWithdrawn,
  callStarted,
  committed,
  committing,
  discarded,
  journalOf,
  runParked,
  staged,
} from '../journal/story.ts';
import { begun, called, chunksOf, Page, repaired, returned, says, succeeded } from './uiStory.ts';

const approval = (key: string): Happening =>
  askOpened('chat', `ask-${key}`, `May ${key} be sent?`, { of: 'approval', about: { tool: 'send', args: {}, key } });

/** The agent has staged what needs a yes, has answered, and the run waits. */
const waits: readonly Happening[] = [
  ...begun,
  ...called('I send it.', ['mail']),
  staged('chat', 'mail', {}, { approve: true }),
  returned('mail'),
  ...says('It is sent.'),
  approval('mail'),
  runParked('ask-mail'),
];

test('a staged tool that needs a yes is the approval of its part; its output is the result, once it is done', async () => {
  const page = new Page();
  const parked = await chunksOf(journalOf(...waits));
  expect(parked.slice(-3)).toEqual([
    { type: 'tool-approval-request', approvalId: 'ask-mail', toolCallId: 'mail', reason: 'May mail be sent?' },
    { type: 'finish-step' },
    { type: 'finish', finishReason: 'tool-calls' },
  ]);
  expect(parked.some(({ type }) => type === 'tool-output-available')).toBe(false);
  expect((await page.read(parked)).parts).toMatchObject([
    { type: 'step-start' },
    { type: 'text', text: 'I send it.' },
    { type: 'tool-send', state: 'approval-requested', approval: { id: 'ask-mail', requestReason: 'May mail be sent?' } },
    { type: 'text', text: 'It is sent.' },
  ]);
  expect(page.sends).toBe(false);
  page.approve('ask-mail', true);
  expect(page.sends).toBe(true);

  const whole = journalOf(
    ...waits,
    askAnswered('ask-mail', true, 'ada'),
    committing('chat', 'mail'),
    committed('chat', 'mail', { id: 7 }),
    ...succeeded,
  );
  const rest = await chunksOf(whole, { after: parked.length });
  expect(rest.slice(0, 2)).toEqual([{ type: 'start', messageId: 'r' }, { type: 'reset-step' }]);
  const { id, parts } = await page.read(rest);
  expect(id).toBe('r');
  expect(parts).toMatchObject([
    { type: 'step-start' },
    { type: 'text', text: 'I send it.' },
    { type: 'tool-send', state: 'output-available', output: { id: 7 }, approval: { id: 'ask-mail', approved: true } },
    { type: 'step-start' },
    { type: 'text', text: 'It is sent.' },
  ]);
  expect(page.sends).toBe(false);
  expect(await safeValidateUIMessages({ messages: [page.message] })).toMatchObject({ success: true });
});

test('refused, it is denied, what was said of it is withdrawn, and what the agent says instead stands', async () => {
  const page = new Page();
  await page.read(await chunksOf(journalOf(...waits)));
  page.approve('ask-mail', false, 'not today');
  const whole = journalOf(
    ...waits,
    askRefused('ask-mail', 'not today'),
    discarded('chat', 'mail', 'not today'),
    repaired(2),
    ...says('Then not.', 3),
    ...succeeded,
  );
  await page.read(await chunksOf(whole, { after: 'park' }));
  expect(page.message?.parts).toMatchObject([
    { type: 'step-start' },
    { type: 'text', text: 'I send it.' },
    { type: 'tool-send', state: 'output-denied', approval: { approved: false, reason: 'not today' } },
    { type: 'step-start' },
    { type: 'text', text: 'Then not.' },
  ]);
  expect(page.sends).toBe(false);
  expect(await safeValidateUIMessages({ messages: [page.message] })).toMatchObject({ success: true });
});

test('a staged tool that needs nobody is answered with its receipt, and with its result once it is done', async () => {
  const chunks = await chunksOf(
    journalOf(
      ...begun,
      ...called('', ['note']),
      staged('chat', 'note'),
      returned('note'),
      ...says('Noted.'),
      committing('chat', 'note'),
      committed('chat', 'note', 'kept'),
      ...succeeded,
    ),
  );
  const outputs = chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? [chunk.output] : []));
  expect(outputs).toEqual([{ receipt: '[receipt:note]' }, 'kept', 'kept']); // told once more with its step, at the end
  expect(chunks.filter(({ type }) => type === 'reset-step')).toHaveLength(1);
});

test('what belongs to no tool call of the speaker is a dynamic tool: a person by name, the rest by kind', async () => {
  const asked: readonly Happening[] = [
    ...begun,
    ...called('', ['inner']),
    callStarted('chat/boss', { of: 'step' }),
    askOpened('chat/boss#1', 'ask-1', 'Which colour?', { about: { of: 'door' }, form: { type: 'string' }, expiresAt: 9 }),
    askOpened('chat/mailer', 'ask-2', 'Send it?', { of: 'approval', about: { tool: 'send', args: {}, key: 'below' } }),
    runParked('ask-1', 'ask-2'),
  ];
  const page = new Page();
  await page.read(await chunksOf(journalOf(...asked)));
  const input = { question: 'Which colour?', about: { of: 'door' }, form: { type: 'string' }, expiresAt: 9 };
  expect(page.tools).toMatchObject([
    { type: 'tool-send', toolCallId: 'inner', state: 'approval-responded', approval: { isAutomatic: true } },
    { type: 'dynamic-tool', toolName: 'boss', toolCallId: 'ask-1', state: 'approval-requested', input },
    { type: 'dynamic-tool', toolName: 'approval', toolCallId: 'ask-2', toolMetadata: { amdahl: { ask: 'ask-2', of: 'approval' } } },
  ]);
  page.output('ask-1', 'green');
  expect(page.sends).toBe(false);
  page.approve('ask-2', true);
  expect(page.sends).toBe(true); // although the speaker's own tool is still at work
  const whole = journalOf(
    ...asked,
    askAnswered('ask-1', 'green'),
    askAnswered('ask-2', true),
    committing('chat/mailer', 'below'),
    committed('chat/mailer', 'below', 'sent'),
    returned('inner'),
    ...says('Done.'),
    ...succeeded,
  );
  await page.read(await chunksOf(whole, { after: 'park' }));
  expect(page.tools).toMatchObject([
    { toolCallId: 'inner', state: 'output-available' },
    { toolCallId: 'ask-1', state: 'output-available', output: 'green' },
    { toolCallId: 'ask-2', state: 'output-available', output: 'sent' },
  ]);
  expect(page.message?.parts.at(-1)).toMatchObject({ type: 'text', text: 'Done.' });
  expect(await safeValidateUIMessages({ messages: [page.message] })).toMatchObject({ success: true });
});

test('what nobody answered in time, or needs no answer any more, is denied and says why', async () => {
  const page = new Page();
  const asked = ['a', 'b'].map((ask) => askOpened('boss', ask, 'Yes?'));
  const story = journalOf(...begun, ...asked, runParked('a', 'b'), askExpired('a'), askWithdrawn('b', 'The run ended.'), ...succeeded);
  await page.read(await chunksOf(story));
  expect(page.tools).toMatchObject([
    { state: 'output-denied', approval: { approved: false, reason: 'Nobody answered in time.' } },
    { state: 'output-denied', approval: { approved: false, reason: 'No answer is needed any more: The run ended.' } },
  ]);
  expect(page.message?.parts.at(-1)).toMatchObject({ type: 'text', text: 'done' });
});

test('a reader who may not answer is not shown what is asked, and its stream ends all the same', async () => {
  const chunks = await chunksOf(journalOf(...waits), { sendAsks: false });
  expect(chunks.some(({ type }) => type.startsWith('tool-approval'))).toBe(false);
  expect(chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'tool-calls' });
});

test('a stream from the newest park on holds what the run waits for now, or waits for what comes where it was answered', async () => {
  const twice = [...waits, askAnswered('ask-mail', true), askOpened('chat', 'ask-2', 'And now?', { of: 'effect' }), runParked('ask-2')];
  const parked = journalOf(...twice);
  const all = await chunksOf(parked);
  const newest = await chunksOf(parked, { after: 'park' });
  expect(newest[0]).toEqual({ type: 'start', messageId: 'r' });
  expect(all.slice(-newest.length)).toEqual(newest);
  expect(newest.filter(({ type }) => type === 'finish')).toHaveLength(1);
  expect(await chunksOf(parked, { after: 'park' }, { answered: true })).toEqual([]);
  const then = journalOf(...twice, askRefused('ask-2', 'no')).slice(parked.length);
  expect((await chunksOf(parked, { after: 'park' }, { answered: true, then }))[0]).toEqual({ type: 'start', messageId: 'r' });
});

test('a run that is cancelled while it waits says so in a way that no page takes for an answer to send', async () => {
  const page = new Page();
  await page.read(await chunksOf(journalOf(...waits)));
  page.approve('ask-mail', true);
  const chunks = await chunksOf(journalOf(...waits, { kind: 'run.cancelled', reason: 'enough' }), { after: 'park' });
  expect(chunks.slice(-2)).toEqual([
    { type: 'finish', finishReason: 'interrupted' },
    { type: 'abort', reason: 'enough' },
  ]);
  await page.read(chunks);
  expect(page.message?.parts).toMatchObject([{}, { text: 'I send it.' }, { state: 'approval-requested' }, { text: 'It is sent.' }]);
});

test('a conversation that goes on tells its model nothing of what a run asked people: it never called them', async () => {
  const page = new Page();
  const asked = askOpened('boss', 'a', 'Yes?');
  await page.read(await chunksOf(journalOf(...begun, asked, runParked('a'), askAnswered('a', 'yes'), ...succeeded)));
  expect(page.tools).toMatchObject([{ state: 'output-available', output: 'yes' }]);
  const made = messages()[CONVERSATION]([page.message]);
  expect(made).toEqual([{ role: 'assistant', content: [{ type: 'text', text: 'done' }] }]);
});

test('an immediate tool waits for its yes before anything is known of its effect: its part is found by tool and arguments', async () => {
  const waiting = [...begun, ...called('', ['one', 'two']), approval('one'), approval('two'), runParked('ask-one', 'ask-two')];
  const page = new Page();
  await page.read(await chunksOf(journalOf(...waiting)));
  expect(page.tools).toMatchObject([
    { toolCallId: 'one', state: 'approval-requested', approval: { id: 'ask-one' } },
    { toolCallId: 'two', state: 'approval-requested', approval: { id: 'ask-two' } },
  ]);
  const answers = [askAnswered('ask-one', true), askAnswered('ask-two', false), committing('chat', 'one', {}, 'immediate')];
  await page.read(await chunksOf(journalOf(...waiting, ...answers, committed('chat', 'one'), returned('one')), { after: 'park' }));
  expect(page.tools).toMatchObject([
    { toolCallId: 'one', state: 'output-available', approval: { id: 'ask-one', approved: true } },
    { toolCallId: 'two', state: 'output-denied', approval: { id: 'ask-two', approved: false } },
  ]);
});
