// A secret planted wherever one may be is found nowhere in what a run leaves behind: every byte of every file is searched,
// and everything that is printed, as it is, as JSON writes it, in base64 and in URLs.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { linesOf, place, type Place } from './cli.ts';

const near = (path: string): string => pathToFileURL(fileURLToPath(new URL(`../../${path}`, import.meta.url))).href;

/** Each planted where its name says. With quotes and backslashes, which JSON writes in another way. */
const SECRETS = {
  env: 'sk-env-"4f9a"-\\u-planted',
  context: 'ctx/9b2e+planted=context',
  tool: 'tool-77ca-planted-in-results',
  header: 'hdr-1c6d-planted-in-headers',
  key: 'sk-model-5e5e-planted-key',
} as const;

const PROGRAM = `
import { writeSync } from 'node:fs';
import { agent, flow, step, tool } from 'amdahl';
import { cassette, startModelServer } from 'amdahl/testing';
import { createOpenAI } from '${near('node_modules/@ai-sdk/openai/dist/index.js')}';
import { z } from '${near('node_modules/zod/index.js')}';

const S = JSON.parse(Buffer.from(process.env.PLANTED, 'base64').toString());
const all = Object.values(S).join(' and ');
const forms = [all, JSON.stringify(all), Buffer.from('user:' + S.env).toString('base64'), encodeURIComponent(S.context)].join(' ; ');
let turn = 0;
const server = await startModelServer({
  answers: () => {
    turn += 1;
    if (turn % 2 === 1) return { reasoning: 'I saw ' + all, tools: [{ name: 'look', args: { for: all } }, { name: 'fail', args: {} }] };
    return 'Here you are: ' + forms;
  },
});
const openai = createOpenAI({ apiKey: S.key, baseURL: server.baseUrl('openai') });
const tape = cassette('tape.jsonl', { mode: 'record' });
const needs = z.object({ billing: z.object({ apiKey: z.string() }) });
const look = tool({ description: 'Looks.', effect: 'none', input: z.object({ for: z.string() }), context: needs,
  execute: (args, { context }) => ({ env: process.env.PLANTED_API_KEY, [context.billing.apiKey]: [args, S.tool], forms }) });
const fail = tool({ description: 'Fails.', effect: 'none', input: z.object({}), context: needs,
  execute: (_, { context }) => { throw new Error('cannot log in with ' + forms, { cause: new Error(context.billing.apiKey) }); } });
const ask = agent({ name: 'ask', model: tape(openai.chat('gpt-5')), instructions: 'Use ' + all, tools: { look, fail }, settings: { headers: { 'x-api-key': S.header } } });
const plain = agent({ name: 'plain', model: openai.chat('gpt-5'), instructions: 'Use ' + all, tools: { look, fail }, settings: { headers: { 'x-api-key': S.header } } });
const hold = step({ name: 'hold', input: z.object({}), execute: async () => {
  writeSync(2, 'HOLDING\\n');
  if (process.env.HOLD) await new Promise(() => {});
  throw new Error('it broke: ' + forms);
} });
export default flow({ name: 'leak', run: async (input, ctx) => { await ctx.call(plain, 'I say ' + input + ' ' + all); const said = await ctx.call(ask, 'I say ' + input + ' ' + all); await ctx.call(hold, {}); return said; } });
export const context = () => ({ billing: { apiKey: S.context } });
export const options = { secrets: { values: { tool: S.tool } } };
`;

const FORMS = Object.values(SECRETS).flatMap((secret) => {
  const json = JSON.stringify(secret).slice(1, -1);
  const base64 = [0, 1, 2].map((before) =>
    Buffer.from(' '.repeat(before) + secret)
      .toString('base64')
      .slice(4, -4),
  );
  return [secret, json, JSON.stringify(json).slice(1, -1), encodeURIComponent(secret), Buffer.from(secret).toString('hex'), ...base64];
});

function expectNone(bytes: string, where: string): void {
  for (const form of FORMS) expect(bytes.includes(form), `${form} in ${where}`).toBe(false);
  // Nor the part of one that a cut leaves.
  for (const secret of Object.values(SECRETS))
    expect(bytes.includes(secret.slice(0, 12)), `the beginning of ${secret} in ${where}`).toBe(false);
}

function filesOf({ dir }: Place): readonly (readonly [name: string, bytes: string])[] {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return names
    .map((entry) => [entry.name, join(entry.parentPath, entry.name)] as const)
    .filter(([name]) => name !== 'leak.ts' && name !== 'team.ts')
    .map(([name, path]) => [name, readFileSync(path, 'latin1')] as const);
}

test('no byte of a planted secret is left in a journal, its log, a tape or what is printed', { timeout: 60_000 }, async () => {
  const here = place();
  here.write('leak.ts', PROGRAM);
  const env = {
    PLANTED: Buffer.from(JSON.stringify(SECRETS)).toString('base64'),
    PLANTED_API_KEY: SECRETS.env,
    AMDAHL_DEBUG: '1',
  };
  const run = ['run', 'leak.ts', '--input', `look: ${SECRETS.env}`, '--id', 'r'] as const;
  // Killed while it works, so that the log and what SQLite keeps beside it are there.
  const running = here.start([...run, '--json'], { ...env, HOLD: '1' });
  await running.said('HOLDING');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const during = filesOf(here);
  running.child.kill('SIGKILL');
  const killed = await running.ended;
  expect(during.map(([name]) => name)).toEqual(
    expect.arrayContaining(['journal.sqlite', 'journal.sqlite-wal', 'journal.sqlite-shm', 'tape.jsonl']),
  );
  for (const [name, bytes] of [...during, ...filesOf(here)]) expectNone(bytes, name);
  expectNone(killed.out + killed.err, 'what the killed run printed');
  expect(during.map(([, bytes]) => bytes).join('')).toContain('[secret:PLANTED_API_KEY]');

  // To its end, and everything that shows it.
  const ended = await here.amdahl(run, { env });
  expect(ended.code).toBe(1);
  expectNone(ended.out + ended.err, 'what the run printed');
  expect(ended.err).toContain('[secret:');
  for (const show of [
    ['show', 'r', '--all'],
    ['show', 'r', '--json'],
    ['show', 'r', '--prompt', '--all'],
    ['show', 'r', '--prompt', '--all', '--json'],
    ['runs'],
    ['resume', 'r', '--json'],
  ]) {
    const { out, err } = await here.amdahl(show, { env });
    expectNone(out + err, show.join(' '));
  }
  for (const [name, bytes] of filesOf(here)) expectNone(bytes, name);
  const shown = linesOf((await here.amdahl(['show', 'r', '--prompt', '--all', '--json'], { env })).out);
  for (const name of ['PLANTED_API_KEY', 'apiKey', 'tool', 'x-api-key']) expect(JSON.stringify(shown)).toContain(`[secret:${name}]`);
});
