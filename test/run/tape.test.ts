import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { agent, memoryJournal, run } from '../../src/index.ts';
import { cassette, scripted } from '../../src/testing.ts';
import { providerServer } from '../model/providerServer.ts';
import { failure, refusal } from '../support/trial.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tape-'));
  file = join(folder, 'a.jsonl');
  vi.stubEnv('CI', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (tape: ReturnType<typeof cassette>, name: string): Promise<unknown> => {
  const { output } = await run(agent({ name: 'hello', instructions: 'Say hello.', model: tape(name) }), 'hi', { journal: memoryJournal() });
  return output;
};

test('a model that is named is recorded through its package, and played without its key, its address and its package', async () => {
  const { url, asked } = await providerServer();
  vi.stubEnv('TAPED_PROXY_BASE_URL', url);
  vi.stubEnv('TAPED_PROXY_API_KEY', 'the-key-of-the-proxy');
  expect(await ask(cassette(file), 'taped-proxy/m')).toBe('fine');
  expect(asked).toHaveLength(1);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ request: { model: 'taped-proxy/m' } });
  vi.unstubAllEnvs();
  expect(await ask(cassette(file, { mode: 'replay' }), 'taped-proxy/m')).toBe('fine');
  expect(asked).toHaveLength(1);
});

test('a named model is asked alike before and after it is loaded', async () => {
  const { url } = await providerServer();
  vi.stubEnv('OPENAI_API_KEY', 'k');
  vi.stubEnv('OPENAI_BASE_URL', url);
  const made = cassette(file)('openai.chat/gpt-4o');
  expect(made).toMatchObject({ provider: 'openai.chat', modelId: 'gpt-4o' });
  expect('supportsStructuredOutputs' in made).toBe(false);
});

test('what a named model lacks is said when it is to be sent', async () => {
  vi.stubEnv('GROQ_API_KEY', undefined);
  const error = await failure(ask(cassette(file), 'groq/some-model'));
  expect(error).toMatchObject({ code: 'KEY_MISSING' });
  const unknown = await failure(ask(cassette(file), 'not-set-up-here/m'));
  expect(unknown.message).toContain('set NOT_SET_UP_HERE_BASE_URL');
});

test('models are still given as they are, and what names none is refused', async () => {
  const reply = await cassette(file)(scripted([{ text: 'mine' }])).doGenerate({ prompt: [] });
  expect(reply.content).toMatchObject([{ text: 'mine' }]);
  expect(refusal(() => cassette(file)('gpt-5'))).toMatchObject({
    code: 'MISCONFIGURED',
    message: "'gpt-5' is no name of a model: write 'openai/gpt-5'.",
  });
});
