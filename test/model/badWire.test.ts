import { expect, test } from 'vitest';
import { agent, AmdahlError, type ErrorCode, type Event, memoryJournal, run } from '../../src/index.ts';
import { startModelServer } from '../../src/testing.ts';
import { page } from './failureTable.ts';
import { KEYS, loopback, MODELS } from './loopback.ts';

const KINDS = ['openai chat', 'openai responses', 'anthropic'] as const;
type Kind = (typeof KINDS)[number];
const cases = KINDS.flatMap((kind) => [false, true].map((streamed) => ({ kind, way: streamed ? 'streamed' : 'whole', streamed })));

interface Failure {
  readonly error: AmdahlError;
  /** Requests that were told as sent. */
  readonly sent: number;
  readonly journaled: string;
}

/** Runs one agent against an address and gives what it failed with. The dice fall on 0, so nothing waits between sendings. */
async function failureAt(origin: string, kind: Kind, streamed: boolean, input = 'hello'): Promise<Failure> {
  const events: Event[] = [];
  const greeter = agent({ name: 'greeter', model: MODELS[kind](origin), instructions: 'Greet.' });
  const error = await run(greeter, input, {
    journal: memoryJournal(),
    random: () => 0,
    onEvent: (event) => void events.push(event),
    ...(streamed ? { onDelta: () => {} } : {}),
  }).then(
    () => expect.fail('the run succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AmdahlError)) return expect.fail(`no AmdahlError: ${String(error)}`);
  return { error, sent: events.filter((event) => event.kind === 'model.requested').length, journaled: JSON.stringify(events) };
}

function expectFailure({ error, sent, journaled }: Failure, code: ErrorCode, sendings: number, ...says: readonly RegExp[]): void {
  expect({ code: error.code, sent, message: error.message }).toEqual({ code, sent: sendings, message: error.message });
  for (const words of says) expect(error.message).toMatch(words);
  for (const key of Object.values(KEYS)) {
    expect(`${error.message} ${error.stack}`).not.toContain(key);
    expect(journaled).not.toContain(key);
  }
}

test.each(cases)('a host at which nothing listens is named after all sendings, $kind, $way', async ({ kind, streamed }) => {
  const server = await loopback({});
  await server[Symbol.asyncDispose]();
  const failed = await failureAt(server.origin, kind, streamed);
  expectFailure(
    failed,
    'MODEL_UNAVAILABLE',
    4,
    /nothing listens there/,
    new RegExp(server.origin),
    /Check that the server runs/,
    /sent 4 times/,
  );
});

test.each(cases)('a certificate that nobody vouches for fails at once, $kind, $way', async ({ kind, streamed }) => {
  await using server = await loopback({ body: {} }, { tls: true });
  const failed = await failureAt(server.origin, kind, streamed);
  expectFailure(failed, 'MODEL_UNAVAILABLE', 1, /no secure connection/, /DEPTH_ZERO_SELF_SIGNED_CERT/, /certificate/);
  expect(server.asked).toBe(0);
});

test.each(cases)('a wrong key fails at once, $kind, $way', async ({ kind, streamed }) => {
  await using server = await serving({ keys: ['another'] });
  const failed = await failureAt(server.url, kind, streamed);
  expectFailure(failed, 'MODEL_UNAUTHORIZED', 1, /does not accept the API key/, /HTTP 401/, /Check the key/);
});

test.each(cases)('an unknown model fails at once, and is named, $kind, $way', async ({ kind, streamed }) => {
  await using server = await serving({ models: ['another'] });
  const failed = await failureAt(server.url, kind, streamed);
  expectFailure(
    failed,
    'MODEL_BAD_REQUEST',
    1,
    /(gpt|claude)-9 failed: the provider does not know this model/,
    /HTTP 404/,
    /Check the model id/,
  );
});

test.each(cases)('a conversation that is too long fails at once, $kind, $way', async ({ kind, streamed }) => {
  await using server = await serving({ contextTokens: 200 });
  const failed = await failureAt(server.url, kind, streamed, 'word '.repeat(2000));
  expectFailure(failed, 'MODEL_CONTEXT_OVERFLOW', 1, /longer than the model can read/, /split the input/);
});

test.each(cases)('a web page instead of an answer says that one came, and what to check, $kind, $way', async ({ kind, streamed }) => {
  await using server = await loopback({ status: 200, body: page('Sign in to the network') });
  const failed = await failureAt(server.origin, kind, streamed);
  // A stream without an event is known as no answer, but nobody has read the page.
  const says = streamed ? [] : [/a web page came back/, /base URL/, /login page/];
  expectFailure(failed, 'MODEL_GARBAGE', 4, ...says);
});

test.each(cases)('a proxy that answers for a dead server is told by its status, $kind, $way', async ({ kind, streamed }) => {
  await using server = await loopback({ status: 502, body: page('502 Bad Gateway') });
  const failed = await failureAt(server.origin, kind, streamed);
  expectFailure(failed, 'MODEL_UNAVAILABLE', 4, /HTTP 502/, /web page.*proxy/, new RegExp(server.origin));
  expect(server.asked).toBe(4);
});

async function serving(options: Parameters<typeof startModelServer>[0]): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = await startModelServer(options);
  return { url: server.url, [Symbol.asyncDispose]: () => server.close() };
}
