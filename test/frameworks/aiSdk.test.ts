// An AI SDK program before and after: three ways to write it, each a process that asks the model server over sockets.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Answer, type Asked, type ModelServer, type ModelServerOptions, startModelServer } from '../../src/testing.ts';
import { environment, folder, ROOT } from './packed.ts';

const PROGRAMS = join(ROOT, 'test/fixtures/aiSdk');
const Looked = z.object({ order: z.int(), state: z.string() });

const { path: home, remove } = folder();
let models: ModelServer;
beforeEach(async () => await serve());
afterEach(async () => await models.close());
afterAll(remove);

async function serve(options: ModelServerOptions = {}): Promise<void> {
  models = await startModelServer({ answers: answer, ...options });
}

/** Looks the order up, then answers with what the tool said; without a tool some words about the ticket. */
function answer({ messages, tools }: Asked): Answer {
  const order = Number(/order (\d+)/i.exec(JSON.stringify(messages))?.[1]);
  if (tools.length === 0) return { text: `About order ${order}: we are on it. Thank you.` };
  const results = messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'toolResult' ? [part.text] : [])));
  const [result] = results;
  if (result === undefined) return { tools: [{ name: 'orderState', args: { order } }] };
  return { object: { ...Looked.parse(JSON.parse(result)), urgent: order === 8 } };
}

async function program(name: string, ...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const env = environment({ OPENAI_BASE_URL: models.baseUrl('openai'), OPENAI_API_KEY: 'any', AMDAHL_DIR: home });
  return await promisify(execFile)(process.execPath, [join(PROGRAMS, `${name}.ts`), ...args], { env, timeout: 60_000 });
}

const TOLD = [
  '{"order":7,"state":"on its way","urgent":false}',
  'About order 7: we are on it. Thank you.',
  '{"order":8,"state":"delivered","urgent":true}',
  'About order 8: we are on it. Thank you.',
  '{"order":9,"state":"on its way","urgent":false}',
  'About order 9: we are on it. Thank you.',
  '',
].join('\n');

describe('a program of the AI SDK', () => {
  it('tells the same before and after, with as many requests; and the second time none', async () => {
    expect((await program('before')).stdout).toBe(TOLD);
    const before = models.stats().requests;
    models.reset();
    expect((await program('after', 'same')).stdout).toBe(TOLD);
    expect(models.stats().requests).toBe(before);
    models.reset();
    expect((await program('after', 'same')).stdout).toBe(TOLD);
    expect(models.stats().requests).toBe(0);
  });

  it('tells the same as it is behind a gate, which counts what the server counts', async () => {
    const { stdout, stderr } = await program('gated');
    expect(stdout).toBe(TOLD);
    expect(JSON.parse(stderr)).toEqual({ calls: models.stats().requests });
  });

  it('differs behind a gate by nothing but its model', () => {
    const [before, gated] = ['before', 'gated'].map((name) => readFileSync(join(PROGRAMS, `${name}.ts`), 'utf8').split('\n'));
    const gone = (before ?? []).filter((line) => !line.startsWith('//') && !line.startsWith('import') && !(gated ?? []).includes(line));
    expect(gone).toEqual([]);
  });
});
