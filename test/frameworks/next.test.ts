// A Next app, bundled by its own tools, in front of the model server: what a bundler does to the package is seen here, and
// what `useChat` of the AI SDK shows in a real browser of a run whose stream is cut, whose page is reloaded and whose
// server is killed.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { follow, sqliteJournal } from '../../src/index.ts';
import { type Answer, type Asked, type ModelServer, startModelServer } from '../../src/testing.ts';
import { openBrowser } from './browser.ts';
import { type CutWire, openWire } from './cutWire.ts';
import { build, install, serve } from './nextApp.ts';
import { folder, hasRegistry } from './packed.ts';
import { endServers, type Server } from './server.ts';

/** Packages and a build, on a machine that does other things too. */
const PREPARE_MS = 600_000;
const TEST_MS = 120_000;

const canInstall = await hasRegistry();
const { path: home, remove } = folder();
const journal = join(home, 'journal');
let models: ModelServer;
let browser: Browser;
let wire: CutWire;
let built = '';

beforeAll(async () => {
  models = await startModelServer({ answers: answer, delay: { firstMs: 30, perTokenMs: 12 }, pieceChars: 9 });
  if (!canInstall) return;
  await install(home);
  built = await build();
  browser = await openBrowser();
  wire = await openWire();
}, PREPARE_MS);
afterEach(endServers);
afterAll(async () => {
  await browser?.close();
  await wire?.close();
  await models.close();
  remove();
});

/** Of a chat a draft first, which a check of the app refuses, then the answer itself; asked again, what was said so far. */
function answer({ messages, form }: Asked): Answer {
  if (form !== undefined) return { object: { capital: 'Paris' } };
  const [topics, answers] = (['user', 'assistant'] as const).map((role) => messages.filter((one) => one.role === role).map(textOf));
  const topic = /about (\w+)/.exec(topics?.[0] ?? '')?.[1] ?? 'nothing';
  if (topics?.includes('What did you say?') === true) return { text: `You asked ${topics.length} times, and I said: ${answers?.join()}` };
  if (answers?.length === 0) return { text: `A draft about ${topic}: ${'something or other, '.repeat(8)}` };
  return { text: letter(topic) };
}

function textOf({ parts }: Asked['messages'][number]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Long where it must outlast fifty cuts. */
function letter(topic: string): string {
  return Array.from({ length: topic === 'rivers' ? 500 : 90 }, (_, nth) => `${topic} ${nth}`).join(', ');
}

function served(): Promise<Server> {
  const server = { OPENAI_BASE_URL: models.baseUrl('openai'), OPENAI_API_KEY: 'any' };
  return serve({ AMDAHL_DIR: journal, CHATS_DIR: join(home, 'chats'), ...server });
}

describe.skipIf(!canInstall)('a Next app with the package in its bundle and no settings for it', () => {
  it('is built without a warning that names the package', () => {
    expect(built).toMatch(/\/api\/answer/);
    expect(built).not.toMatch(/amdahl|node:sqlite|too dynamic|can't resolve/i);
  });

  it('loads models by name and keeps its journal on disk, also under load, for any process', { timeout: TEST_MS }, async () => {
    const server = await served();
    const ask = async ({ url, output }: Server, id: string): Promise<unknown> => {
      const response = await fetch(`${url}/api/answer`, { method: 'POST', body: JSON.stringify({ id, country: 'France' }) });
      return response.ok ? await response.json() : { status: response.status, output: output() };
    };
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(server, `load-${index}`)));
    for (const one of answers) expect(one).toEqual({ capital: 'Paris', calls: 1 });
    expect(existsSync(join(journal, 'journal.sqlite'))).toBe(true);
    const asked = models.stats().requests;
    await server.end('SIGTERM');

    expect(await ask(await served(), 'load-7')).toEqual(answers[7]);
    expect(models.stats().requests).toBe(asked);
  });
});

/** Opens a page that remembers every text that its answer had, and asks about a topic. */
async function ask(topic: string): Promise<Page> {
  const page = await browser.newPage();
  // What a page asks first says that it is alive.
  await Promise.all([page.waitForResponse((response) => response.url().endsWith('/stream')), page.goto(`${wire.url}/?chat=${topic}`)]);
  await page.evaluate(REMEMBER);
  await send(page, `about ${topic}`);
  return page;
}

async function send(page: Page, text: string): Promise<void> {
  await page.fill('input[name=text]', text);
  await page.click('button[type=submit]');
}

/** Runs in the page. */
const REMEMBER = `
  window.seen = [];
  const look = () => {
    const text = document.querySelector('[data-role=assistant]')?.textContent ?? '';
    if (text !== window.seen.at(-1)) window.seen.push(text);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
`;

async function settled(page: Page, topic: string): Promise<void> {
  await page
    .locator('main[data-status=ready] [data-role=assistant]')
    .filter({ hasText: letter(topic).slice(-9) })
    .waitFor({ timeout: 60_000 });
}

async function answersOf(page: Page): Promise<readonly string[]> {
  return await page.locator('[data-role=assistant]').allTextContents();
}

async function seenBy(page: Page): Promise<readonly string[]> {
  return await page.evaluate<string[]>('window.seen');
}

/** What the journal says that the run of the page's only message put out. */
async function outputOf(topic: string): Promise<unknown> {
  const store = sqliteJournal({ dir: journal });
  const [row] = (await store.rows()).filter(({ run }) => run.startsWith(`chat-${topic}-`));
  const outcome = await (await follow(row?.run ?? 'none', { journal: store })).outcome;
  await store.close();
  return outcome.status === 'succeeded' ? outcome.output : outcome;
}

describe.skipIf(!canInstall)('a page with useChat', () => {
  it(
    'shows the text as it grows, over a wire that is cut again and again and comes back in other processes',
    { timeout: TEST_MS },
    async () => {
      const servers = await Promise.all([served(), served(), served()]);
      wire.to(servers.map(({ url }) => url));
      // Anywhere in a response: in its head, in the draft, and in what replaced it.
      const cuts = Array.from({ length: 50 }, (_, nth) => 1 + Math.floor(Math.random() * 160 * (nth + 1)));
      wire.cutAfter(cuts);
      const before = wire.cuts();
      const page = await ask('rivers');
      await settled(page, 'rivers');

      expect(await answersOf(page), `cut after ${cuts.join(', ')} bytes`).toEqual([letter('rivers')]);
      expect(await outputOf('rivers')).toBe(letter('rivers'));
      expect(wire.cuts() - before, `cut after ${cuts.join(', ')} bytes`).toBeGreaterThanOrEqual(40);
      const seen = await seenBy(page);
      expect(seen.some((text) => text.startsWith('A draft'))).toBe(true);
      expect(seen.filter((text) => letter('rivers').startsWith(text)).length).toBeGreaterThan(20);
      // Nothing but the draft and the letter, each as far as it was written.
      expect(seen.filter((text) => !text.startsWith('A draft') && !letter('rivers').startsWith(text))).toEqual([]);
      await page.close();
    },
  );

  it('goes on after a reload, in the middle and at the end', { timeout: TEST_MS }, async () => {
    const servers = await Promise.all([served(), served()]);
    wire.to(servers.map(({ url }) => url));
    wire.cutAfter([]);
    const page = await ask('lakes');
    await page.waitForFunction("window.seen.some((text) => text.startsWith('A draft'))");
    await page.reload();
    await page.locator('[data-role=assistant]').filter({ hasText: 'lakes 20' }).waitFor();
    await page.reload();
    await settled(page, 'lakes');
    expect(await answersOf(page)).toEqual([letter('lakes')]);
    await page.reload();
    await settled(page, 'lakes');
    expect(await answersOf(page)).toEqual([letter('lakes')]);
    expect(await page.locator('[data-role=user]').allTextContents()).toEqual(['about lakes']);

    // The next message is asked with all that was said before, and the page is whole after it.
    await send(page, 'What did you say?');
    await page.locator('main[data-status=ready] [data-role=assistant]').nth(1).filter({ hasText: 'You asked 2 times' }).waitFor();
    await page.reload();
    await page.locator('[data-role=assistant]').nth(1).filter({ hasText: 'You asked 2 times' }).waitFor();
    expect(await answersOf(page)).toEqual([letter('lakes'), `You asked 2 times, and I said: ${letter('lakes')}`]);
    await page.close();
  });

  it('goes on in another process when the one that asks the model is killed', { timeout: TEST_MS }, async () => {
    const [first, second] = await Promise.all([served(), served()]);
    wire.to([first.url]);
    wire.cutAfter([]);
    const page = await ask('hills');
    await page.locator('[data-role=assistant]').filter({ hasText: 'hills 20' }).waitFor();
    wire.to([second.url]);
    await first.end('SIGKILL');
    await settled(page, 'hills');
    expect(await answersOf(page)).toEqual([letter('hills')]);
    expect(await outputOf('hills')).toBe(letter('hills'));
    await page.close();
  });
});
