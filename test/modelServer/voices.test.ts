import { expect, test } from 'vitest';
import { StoredItems } from '../../src/modelServer/storedItems.ts';
import { listingVoice, voiceAt, voices } from '../../src/modelServer/voices.ts';
import type { Asked, Said } from '../../src/modelServer/wire.ts';

const SAID: Said = {
  reasoning: 'Hm.',
  text: 'Yes.',
  tools: [{ name: 'add', args: { a: 1 } }],
  finish: 'tools',
  usage: { tokensIn: 10, tokensOut: 5, tokensCached: 4, tokensReasoning: 2 },
};

function asked(protocol: Asked['protocol'], body: object = {}): Asked {
  const request = { model: 'm', stream: true, max_tokens: 9, input: 'x', messages: [{ role: 'user', content: 'x' }], ...body };
  const read = voices[protocol].read(request, {});
  if ('wrong' in read) throw new Error(read.wrong);
  return read;
}

/** Events by the names on their lines, where they have some, and by their data. */
function parsed(events: readonly string[]): readonly { readonly name?: string; readonly data: Record<string, unknown> }[] {
  return events.map((event) => {
    const [, name, data] = /^(?:event: (.*)\n)?data: (.*)\n\n$/.exec(event) ?? [];
    if (data === undefined) throw new Error(`no event: ${event}`);
    // What the voices write is an object, or chat's end mark.
    return { ...(name !== undefined && { name }), data: data === '[DONE]' ? {} : (JSON.parse(data) as Record<string, unknown>) };
  });
}

test('paths lead to protocols with /v1 and without, and nowhere else', () => {
  for (const prefix of ['/v1', '']) {
    expect(voiceAt(`${prefix}/chat/completions`)).toBe(voices['openai.chat']);
    expect(voiceAt(`${prefix}/responses`)).toBe(voices['openai.responses']);
    expect(voiceAt(`${prefix}/messages/`)).toBe(voices['anthropic.messages']);
  }
  for (const path of ['/v2/messages', '/v1/v1/messages', '/v1', '/', '/constructor', '/v1/messages/batches'])
    expect(voiceAt(path)).toBeUndefined();
});

test('models are listed in the form of who asks', () => {
  expect(listingVoice({}).models(['a', 'b'])).toMatchObject({ object: 'list', data: [{ id: 'a', object: 'model' }, { id: 'b' }] });
  const listing = listingVoice({ 'anthropic-version': '2023-06-01' });
  expect(listing.models(['a', 'b'])).toMatchObject({
    data: [{ id: 'a', type: 'model' }, {}],
    has_more: false,
    first_id: 'a',
    last_id: 'b',
  });
  expect(listing.models([])).toMatchObject({ data: [], first_id: null, last_id: null });
});

test('chat tells usage at the end of a stream to those who want it, and ends with its mark', () => {
  const say = (body: object): readonly string[] => voices['openai.chat'].events(asked('openai.chat', body), SAID, 1, 100);
  const silent = say({});
  expect(silent.at(-1)).toBe('data: [DONE]\n\n');
  expect(silent.join('')).not.toContain('usage');
  const counted = parsed(say({ stream_options: { include_usage: true } }));
  expect(counted.map(({ data }) => data['usage'])).toEqual([
    ...Array.from({ length: counted.length - 2 }, () => null),
    expect.objectContaining({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }),
    undefined,
  ]);
  expect(counted.at(-2)?.data['choices']).toEqual([]);
});

test('Responses numbers its events, and opens and closes every item and every part', () => {
  const events = parsed(voices['openai.responses'].events(asked('openai.responses'), SAID, 1, 2));
  expect(events.map(({ data }) => data['sequence_number'])).toEqual(events.map((_, index) => index));
  expect(events.every(({ name, data }) => name === data['type'])).toBe(true);
  expect(events.map(({ name }) => name?.replace('response.', '')).filter((name, index, all) => name !== all[index - 1])).toEqual(
    `created in_progress
    output_item.added reasoning_summary_part.added reasoning_summary_text.delta
    reasoning_summary_text.done reasoning_summary_part.done output_item.done
    output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done
    output_item.added function_call_arguments.delta function_call_arguments.done output_item.done
    completed`.split(/\s+/),
  );
});

test('Anthropic opens and closes every block between the start and the stop of a message', () => {
  const events = parsed(voices['anthropic.messages'].events(asked('anthropic.messages'), SAID, 1, 100));
  expect(events.every(({ name, data }) => name === data['type'])).toBe(true);
  const block = ['content_block_start', 'content_block_delta', 'content_block_delta', 'content_block_stop'];
  const text = ['content_block_start', 'content_block_delta', 'content_block_stop'];
  expect(events.map(({ name }) => name)).toEqual(['message_start', 'ping', ...block, ...text, ...block, 'message_delta', 'message_stop']);
  expect(events.at(-2)?.data).toMatchObject({ usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 5 } });
});

test.each(Object.values(voices))('$protocol ends its stream with what it says whole', (voice) => {
  const request = asked(voice.protocol, { stream_options: { include_usage: true } });
  const whole = JSON.stringify(voice.whole(request, SAID, 7));
  const ids = (text: string): readonly string[] =>
    [...new Set(text.match(/"(?:chatcmpl-|resp_|msg_|rs_|fc_|call_|toolu_)0\w+"/g))].toSorted();
  expect(ids(voice.events(request, SAID, 7, 3).join(''))).toEqual(ids(whole));
  expect(ids(JSON.stringify(voice.whole(request, SAID, 8))).some((id) => whole.includes(id))).toBe(false);
  expect(JSON.stringify(voice.whole(request, SAID, 7))).toBe(whole);
});

test('arguments that are text are sent as they are', () => {
  for (const voice of Object.values(voices)) {
    const broken = { ...SAID, tools: [{ name: 'add', args: '{"a":' }] };
    expect(JSON.stringify(voice.whole(asked(voice.protocol), broken, 1))).toContain('"{\\"a\\":"');
    expect(voice.events(asked(voice.protocol), broken, 1, 100).join('')).toContain('"{\\"a\\":"');
  }
});

test('chat opens a text only where one is next', () => {
  const { tools, finish, usage } = SAID;
  const opens = (said: Partial<Said>): unknown =>
    parsed(voices['openai.chat'].events(asked('openai.chat'), { tools, finish, usage, ...said }, 1, 100))[0]?.data['choices'];
  const opening = (content: string | null): unknown => [expect.objectContaining({ delta: { role: 'assistant', content, refusal: null } })];
  expect(opens({ text: 'x' })).toEqual(opening(''));
  expect(opens({})).toEqual(opening(null));
  expect(opens({ reasoning: 'Hm.', text: 'x' })).toEqual(opening(null));
});

test('Anthropic names a category where a classifier stepped in, and none where a model declined', () => {
  const stop = (said: Partial<Said>): unknown => voices['anthropic.messages'].whole(asked('anthropic.messages'), { ...SAID, ...said }, 1);
  const details = (category: string | null, explanation: unknown): object => ({
    stop_reason: 'refusal',
    stop_details: { type: 'refusal', category, explanation },
  });
  expect(stop({ finish: 'filter' })).toMatchObject(details('cyber', expect.any(String)));
  expect(stop({ finish: 'refusal', refusal: 'No.' })).toMatchObject(details(null, 'No.'));
  expect(stop({ finish: 'stop' })).toMatchObject({ stop_details: null });
});

test('instructions of Responses are the first words of the system', () => {
  expect(asked('openai.responses', { instructions: 'Count.' }).messages).toEqual([
    { role: 'system', parts: [{ type: 'text', text: 'Count.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'x' }] },
  ]);
});

test('of stored items the oldest go first', () => {
  const stored = new StoredItems();
  for (let at = 0; at < 10; at++) {
    stored.keep(new Map(Array.from({ length: 10_001 }, (_, index) => [`${at}.${index}`, []])));
  }
  expect(['0.9', '0.10', '9.10000'].map((id) => stored.find(id))).toEqual([undefined, [], []]);
});
