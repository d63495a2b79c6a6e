import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { human, map, type OnAsk, type OpenAsk, run } from '../../src/index.ts';
import { Person } from '../support/answering.ts';
import { failure, Trial } from '../support/trial.ts';

const HOUR = 3_600_000;
const editor = human({ name: 'editor', question: 'Publish?', expires: HOUR, otherwise: 'no' });

/** A web hook that remembers what it was sent, and answers with these codes in turn, then with 200. */
class Hook {
  readonly posts: { readonly headers: IncomingHttpHeaders; readonly body: unknown }[] = [];
  readonly #server: Server;

  constructor(...codes: readonly number[]) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.posts.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown });
        response.writeHead(codes[this.posts.length - 1] ?? 200).end();
      });
    });
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/asks?token=hush`;
  }

  close(): void {
    this.#server.close();
  }
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'amdahl-onAsk-'));
  folders.push(made);
  return made;
}

describe('a function', () => {
  test('is told of each question once, with all that an answer needs', async () => {
    const trial = new Trial();
    const told: OpenAsk[] = [];
    await trial.run(map(editor), ['a', 'b'], { onAsk: (ask) => told.push(ask), scope: 'acme' });
    expect(new Set(told.map(({ about }) => about))).toEqual(new Set(['a', 'b']));
    expect(told[0]).toMatchObject({
      run: 'r',
      scope: 'acme',
      agent: 'map(editor)',
      of: 'human',
      question: 'Publish?',
      openedAt: 1_000_000,
    });
    const known = (await trial.events('ask.told')).map(({ ask }) => ask).toSorted();
    expect(known).toEqual(told.map(({ ask }) => ask).toSorted());
  });

  test('that fails is tried again five times, later and later, and then the journal says so and the run goes on', async () => {
    const trial = new Trial();
    const tries: number[] = [];
    const onAsk = (): Promise<never> => {
      tries.push(trial.clock.now() - 1_000_000);
      return Promise.reject(new Error('nobody at the desk'));
    };
    expect((await trial.run(editor, 'a', { onAsk, random: () => 0.999 })).output).toBe('no');
    expect(tries).toEqual([0, 999, 2_997, 6_993, 14_985, 30_969]);
    expect(await trial.events('guard.tripped')).toMatchObject([
      { guard: 'onAsk', call: 'editor', evidence: { tries: 6, error: 'nobody at the desk' } },
    ]);
    expect(await trial.events('ask.told')).toEqual([]);
    // Parked once the tries are used up, not before.
    expect((await trial.events('run.parked')).map(({ at }) => at)).toEqual([1_000_000 + 30_969]);
  });

  test('that does not come back is given up after a while; one that is answered meanwhile is told no more', async () => {
    const slow = new Trial();
    await slow.run(editor, 'a', { onAsk: () => new Promise(() => {}) });
    expect((await slow.events('guard.tripped'))[0]?.evidence).toMatchObject({
      tries: 6,
      error: expect.stringContaining('did not end within'),
    });

    const quick = new Trial();
    let tries = 0;
    const person = new Person(quick, () => 'yes', 1_500);
    const onAsk = (): never => {
      tries += 1;
      throw new Error('busy');
    };
    expect((await quick.run(editor, 'a', { ...person.options, onAsk, random: () => 0.999 })).output).toBe('yes');
    expect(tries).toBe(2);
    expect(await quick.events('guard.tripped')).toEqual([]);
  });

  test('is not told again by a later entry, unless the process that told it did not live to say so', async () => {
    const trial = new Trial();
    const told: string[] = [];
    const onAsk = ({ ask }: OpenAsk): void => void told.push(ask);
    expect((await trial.fails(editor, 'a', { onAsk, onPark: 'return' })).code).toBe('RUN_PARKED');
    expect((await trial.fails(editor, 'a', { onAsk, onPark: 'return' })).code).toBe('RUN_PARKED');
    expect(told).toHaveLength(1);

    const unsaid = new Trial();
    await unsaid.fails(editor, 'a', { onPark: 'return' });
    await unsaid.fails(editor, 'a', { onAsk, onPark: 'return' });
    expect(told).toHaveLength(2);
  });

  test('gets no secret that the question holds', async () => {
    const trial = new Trial();
    const told: OpenAsk[] = [];
    const loud = human({ name: 'loud', question: (text) => `Send ${text}?`, expires: HOUR, otherwise: 'no' });
    await trial.run(loud, 'sk-very-secret-0123456789', {
      onAsk: (ask) => told.push(ask),
      secrets: { values: { DESK_KEY: 'sk-very-secret-0123456789' } },
    });
    expect(JSON.stringify(told)).not.toContain('very-secret');
    expect(told[0]?.question).toBe('Send [secret:DESK_KEY]?');
  });
});

/** In real time, until it was told and the run is given up: the tries are over by then. */
async function asked({ journal }: Trial, onAsk: OnAsk, random = 0): Promise<void> {
  expect((await failure(run(editor, 'a', { id: 'r', journal, random: () => random, onAsk, onPark: 'return' }))).code).toBe('RUN_PARKED');
}

describe('an address', () => {
  test('is posted the question as JSON, under the same idempotency key each time', async () => {
    const hook = new Hook(503, 302);
    const url = await hook.open();
    const trial = new Trial();
    await asked(trial, { url }, 0.05);
    hook.close();
    expect(hook.posts).toHaveLength(3);
    const [opened] = await trial.events('ask.opened');
    for (const { headers, body } of hook.posts) {
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': opened?.ask });
      expect(body).toMatchObject({ ask: opened?.ask, run: 'r', question: 'Publish?', about: 'a' });
    }
    expect(await trial.events('ask.told')).toHaveLength(1);
  });

  test('that nobody listens at is in the journal without its address, which may hold a token', async () => {
    const hook = new Hook();
    const url = await hook.open();
    hook.close();
    const trial = new Trial();
    await asked(trial, { url });
    const [tripped] = await trial.events('guard.tripped');
    expect(tripped).toMatchObject({ guard: 'onAsk', evidence: { tries: 6, error: expect.stringContaining('ECONNREFUSED') } });
    expect(JSON.stringify(await trial.events())).not.toContain('hush');
  });
});

describe('a command', () => {
  test('gets the question as JSON on its standard input', async () => {
    const file = join(folder(), 'told.json');
    const trial = new Trial();
    await asked(trial, { command: `cat > '${file}'` });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ run: 'r', path: 'editor', question: 'Publish?', about: 'a' });
    expect(await trial.events('ask.told')).toHaveLength(1);
  });

  test('that fails is told of with what it complained of', async () => {
    const trial = new Trial();
    await asked(trial, { command: 'echo no such desk >&2; exit 3' });
    expect(await trial.events('guard.tripped')).toMatchObject([
      { evidence: { tries: 6, error: 'the command ended with 3: no such desk' } },
    ]);
  });
});

test('what is nobody to tell is refused before the run begins', async () => {
  const given = async (onAsk: unknown): Promise<string> => (await failure(run(editor, 'a', { onAsk } as never))).message;
  expect(await given('x')).toContain('onAsk is text');
  expect(await given({})).toContain('takes one of command and url');
  expect(await given({ url: 'x', command: 'y' })).toContain('takes one of command and url');
  expect(await given({ url: 'ftp://x' })).toContain('no address of the web');
  expect(await given({ webhook: 'x' })).toContain("an option 'webhook' that does not exist");
});
