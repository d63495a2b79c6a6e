// Files in inputs: what models are sent, what the journal keeps, and what a resume sends again.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type } from 'arktype';
import { z } from 'zod';
import { agent, type Attachment, file, map, pipe, step } from '../../src/index.ts';
import { type ScriptedModel, scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const PDF = Buffer.from('%PDF-1.7 …');

function sentTo(model: ScriptedModel, nth = 0): readonly unknown[] {
  const [, user] = model.requests[nth]?.prompt ?? [];
  return user?.role === 'user' ? user.content : [];
}

describe('a file in an input', () => {
  const Look = z.object({ question: z.string(), picture: file.schema });

  test('is sent as a part of its own, and is journaled once however often it is asked about', async () => {
    const model = scripted([{ text: 'a' }, { text: 'b' }]);
    const look = agent({ name: 'look', model, instructions: 'Look.', input: Look });
    const trial = new Trial();
    const picture = file(PNG);
    await trial.run(pipe(step({ name: 'twice', input: Look, output: Look, execute: (one) => one }), look), { question: 'what?', picture });
    expect(sentTo(model)).toEqual([
      { type: 'text', text: '<question>\nwhat?\n</question>\n\n<picture>\n' },
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: PNG } },
      { type: 'text', text: '\n</picture>' },
    ]);
    const kept = await trial.events('file.kept');
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatchObject({ file: picture.$file, mediaType: 'image/png', data: PNG });
    const [started] = await trial.events('run.started');
    expect(started?.input).toEqual({ question: 'what?', picture: JSON.parse(JSON.stringify(picture)) as unknown });
  });

  test('has a contract that stands alone, among the types of zod and in arktype', async () => {
    const model = scripted([{ text: 'a' }, { text: 'b' }, { text: 'c' }]);
    const options = { model, instructions: 'Look.' } as const;
    const trial = new Trial();
    await trial.run(agent({ ...options, name: 'alone', input: file.schema }), file(PNG), { id: '1' });
    const many = z.object({ pictures: z.array(file.schema), note: z.optional(file.schema) });
    await trial.run(agent({ ...options, name: 'many', input: many }), { pictures: [file(PNG), file(PDF)] }, { id: '2' });
    await trial.run(agent({ ...options, name: 'ark', input: type({ picture: file.schema }) }), { picture: file(PDF) }, { id: '3' });
    expect(sentTo(model)).toHaveLength(1);
    expect(sentTo(model, 1).filter((part) => JSON.stringify(part).includes('"file"'))).toHaveLength(2);
    const error = await trial.fails(
      agent({ ...options, name: 'look', input: Look }),
      { question: 'q', picture: 'a.png' as never },
      { id: '4' },
    );
    expect(error).toMatchObject({ code: 'CONTRACT_VIOLATION', problems: [{ path: 'picture' }] });
    expect(error.message).toContain('expected a file, as file(…) makes it, and got text');
  });

  test('may come from a step', async () => {
    const model = scripted([{ text: 'a cat' }]);
    const fetch = step({ name: 'fetch', output: file.schema, execute: () => file(PNG) });
    await new Trial().run(pipe(fetch, agent({ name: 'look', model, instructions: 'Look.', input: file.schema })), 'x');
    expect(sentTo(model)).toEqual([{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: PNG } }]);
  });

  test('may come from a prompt', async () => {
    const model = scripted([{ text: 'a cat' }]);
    await new Trial().run(agent({ name: 'look', model, instructions: 'Look.', prompt: (text) => [text, file(PNG)] }), 'x');
    expect(sentTo(model)).toMatchObject([{ text: 'x' }, { type: 'file', mediaType: 'image/png' }]);
  });

  test.each<[string, Record<string, number>, string]>([
    ['one that is too large', { fileBytes: 6 }, "has 7 bytes: the limit 'fileBytes' is 6"],
    ['too much together', { filesBytes: 6 }, "have 7 bytes: the limit 'filesBytes' is 6"],
  ])('is refused before anything is sent: %s', async (_, limits, message) => {
    const model = scripted([]);
    const error = await new Trial().fails(
      agent({ name: 'look', model, instructions: 'x', input: Look }),
      { question: '', picture: file(PNG) },
      { limits },
    );
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(error.message).toContain(message);
    expect(model.requests).toHaveLength(0);
  });

  test('may be in many calls of a fan-out: the limit of all together is that of one request', async () => {
    const model = scripted(Array.from({ length: 9 }, () => ({ text: 'ok' })));
    const look = agent({ name: 'look', model, instructions: 'x', input: Look });
    const asked = Array.from({ length: 9 }, (_, nth) => ({ question: String(nth), picture: file(PNG) }));
    const trial = new Trial({ limits: { filesBytes: 7 } });
    await trial.run(map(look), asked);
    expect(model.requests).toHaveLength(9);
    expect(await trial.events('file.kept')).toHaveLength(1);
  });

  test('that is refused is in no journal', async () => {
    const trial = new Trial({ limits: { fileBytes: 6 } });
    await trial.fails(agent({ name: 'look', model: scripted([]), instructions: 'x', input: file.schema }), file(PNG));
    expect(await trial.events('file.kept')).toEqual([]);
  });

  test('whose content nobody has is refused before anything is sent', async () => {
    const model = scripted([]);
    const lost: Attachment = { $file: `sha256:${'A'.repeat(43)}`, mediaType: 'image/png', bytes: 7 };
    const error = await new Trial().fails(agent({ name: 'look', model, instructions: 'x', input: file.schema }), lost);
    expect(error).toMatchObject({ code: 'FILE_UNREADABLE' });
    expect(model.requests).toHaveLength(0);
  });
});

describe('the kind of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'amdahl-file-'));
  afterEach(() => rmSync(join(folder, 'x'), { force: true }));
  const on = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  test.each<[string, () => Attachment, Partial<Attachment>]>([
    ['its beginning', () => file(PNG), { mediaType: 'image/png', bytes: 7 }],
    ['its beginning, whatever it is called', () => file(on('a.txt', PDF)), { mediaType: 'application/pdf', name: 'a.txt' }],
    ['its name', () => file(on('a.csv', 'a,b')), { mediaType: 'text/csv', name: 'a.csv' }],
    ['being text', () => file(on('NOTES', 'plain')), { mediaType: 'text/plain' }],
    ['what is said', () => file(Uint8Array.from([0, 255]), 'audio/pcm'), { mediaType: 'audio/pcm' }],
    ['a data: URL', () => file('data:image/gif;base64,R0lGODlhAQ=='), { mediaType: 'image/gif', bytes: 7 }],
    [
      'the path of an address',
      () => file(new URL('https://a.example/b.jpg?x=1')),
      { $file: 'https://a.example/b.jpg?x=1', mediaType: 'image/jpeg' },
    ],
    ['nobody, of an address', () => file('https://a.example/b'), { $file: 'https://a.example/b' }],
  ])('is known by %s', (_, make, expected) => {
    expect(make()).toMatchObject(expected);
  });

  test.each<[string, () => Attachment, string, string]>([
    ['a path without file', () => file('/none/such.png'), 'FILE_UNREADABLE', '"/none/such.png" cannot be read: there is none'],
    ['bytes of no known kind', () => file(Uint8Array.from([0, 255])), 'MISCONFIGURED', 'cannot tell what kind of file these bytes are'],
    ['no source', () => file(3 as never), 'MISCONFIGURED', 'was given a number'],
    ['no media type', () => file(PNG, 'png'), 'MISCONFIGURED', "Write one like 'image/png'"],
    ['an address with a password', () => file('https://a:b@c.example/d.png'), 'MISCONFIGURED', 'with a password for c.example'],
  ])('%s is an error at once', (_, make, code, message) => {
    expect(make).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) as string }));
  });

  test('text is sent as text: few providers take it as a file', async () => {
    const model = scripted([{ text: 'ok' }]);
    await new Trial().run(agent({ name: 'read', model, instructions: 'x', input: file.schema }), file(on('a.md', '# Größe')));
    expect(sentTo(model)).toEqual([{ type: 'text', text: '# Größe' }]);
  });

  test('equal bytes are one content, and later changes of the bytes do not reach it', () => {
    const bytes = Uint8Array.from(PNG);
    const first = file(bytes);
    expect(file(on('b.png', bytes)).$file).toBe(first.$file);
    bytes[6] = 9;
    expect(file(bytes).$file).not.toBe(first.$file);
  });
});

describe('an address', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());
  async function serve(answer: () => { status: number; body: Uint8Array; type?: string }): Promise<{ url: string; asked: () => number }> {
    let asked = 0;
    server = createServer((_, response) => {
      asked += 1;
      const { status, body, type: kind } = answer();
      response.writeHead(status, kind === undefined ? {} : { 'content-type': kind }).end(body);
    });
    await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/picture`, asked: () => asked };
  }

  test('goes to models that take it, and nobody fetches it', async () => {
    const supportedUrls = { 'image/*': [/^https:\/\/a\.example\//g] };
    const model = Object.assign(scripted([{ text: 'ok' }]), { supportedUrls });
    const look = agent({ name: 'look', model, instructions: 'x', input: file.schema });
    await new Trial().run(look, file('https://a.example/b.png'));
    expect(sentTo(model)).toEqual([
      { type: 'file', mediaType: 'image/png', data: { type: 'url', url: new URL('https://a.example/b.png') } },
    ]);
  });

  test('is fetched once per run for others, and a resume sends what was fetched then', async () => {
    let body = PNG;
    const { url, asked } = await serve(() => ({ status: 200, body }));
    const model = scripted([{ text: 'a' }, { error: new Error('down') }, { text: 'b' }]);
    const look = (name: string) => agent({ name, model, instructions: 'x', input: file.schema, attempts: 1 });
    const both = pipe(look('one'), step({ name: 'again', output: file.schema, execute: () => file(url) }), look('two'));
    const options = { limits: { retries: 0 } };
    const trial = new Trial(options);
    await trial.fails(both, file(url));
    body = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 9, 9, 9]);
    await trial.run(both, file(url));
    expect(asked()).toBe(1);
    expect(model.requests.map((_, nth) => sentTo(model, nth))).toEqual(
      Array(3).fill([{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: expect.anything() as unknown } }]),
    );
    for (const { prompt } of model.requests) expect(JSON.stringify(prompt)).toContain('"6":3');
  });

  test.each<[string, () => { status: number; body: Uint8Array; type?: string }, string]>([
    ['one that its server does not give', () => ({ status: 404, body: PNG }), 'its server answered 404'],
    ['one that is too large', () => ({ status: 200, body: new Uint8Array(100) }), 'more than the 50 bytes of limits.fileBytes'],
    ['one of no known kind', () => ({ status: 200, body: Uint8Array.from([0, 255]) }), 'Nobody says what kind of file'],
  ])('fails its call before anything is sent: %s', async (_, answer, message) => {
    const { url } = await serve(answer);
    const model = scripted([]);
    const look = agent({ name: 'look', model, instructions: 'x', input: file.schema });
    const error = await new Trial().fails(look, file(url), { limits: { fileBytes: 50 } });
    expect(error).toMatchObject({ code: 'FILE_UNREADABLE' });
    expect(error.message).toContain(message);
    expect(model.requests).toHaveLength(0);
  });
});
