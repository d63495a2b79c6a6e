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
import { folder } from './packed.ts';
import { endServers, type Server } from './server.ts';

/** Packages and a build, on a machine that does other things too. */
const PREPARE_MS = 600_000;
const TEST_MS = 120_000;

const { path: home, remove } = folder();
const journal = join(home, 'journal');
let models: ModelServer;
let browser: Browser;
let wire: CutWire;
let built = '';

beforeAll(async () => {
  models = await startModelServer({ answers: answer, delay: { firstMs: 30, perTokenMs: 12 }, pieceChars: 9 });
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

/** Of a chat a draft first, which a check of the app refuses, then the answer itself; of anything else a value of its schema. */
function answer({ messages, form }: Asked): Answer {
  if (form !== undefined) return { object: { capital: 'Paris' } };
  const said = JSON.stringify(messages);
  const topic = /about (\w+)/.exec(said)?.[1] ?? 'nothing';
  return said.includes('A draft') ? { text: letter(topic) } : { text: `A draft about ${topic}: ${'something or other, '.repeat(8)}` };
}

function letter(topic: string): string {
  return Array.from({ length: 90 }, (_, nth) => `${topic} ${nth}`).join(', ');
}

function served(): Promise<Server> {
  const server = { OPENAI_BASE_URL: models.baseUrl('openai'), OPENAI_API_KEY: 'any' };
  return serve({ AMDAHL_DIR: journal, CHATS_DIR: join(home, 'chats'), ...server });
}

describe('a Next app with the package in its bundle and no settings for it', () => {
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
  await page.goto(`${wire.url}/?chat=${topic}`);
  await page.evaluate(REMEMBER);
  await page.fill('input[name=text]', `about ${topic}`);
  await page.click('button[type=submit]');
  return page;
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
    .filter({ hasText: `${topic} 89` })
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

describe('a page with useChat', () => {
  it(
    'shows the text as it grows, over a wire that is cut again and again and comes back in other processes',
    { timeout: TEST_MS },
    async () => {
      const servers = await Promise.all([served(), served(), served()]);
      wire.to(servers.map(({ url }) => url));
      // Anywhere in a stream: near its beginning, in the draft, and in what replaced it.
      const cuts = Array.from({ length: 8 }, (_, nth) => 200 + Math.floor(Math.random() * 700 * (nth + 1)));
      wire.cutAfter(cuts);
      const before = wire.cuts();
      const page = await ask('rivers');
      await settled(page, 'rivers');

      expect(await answersOf(page), `cut after ${cuts.join(', ')} bytes`).toEqual([letter('rivers')]);
      expect(await outputOf('rivers')).toBe(letter('rivers'));
      expect(wire.cuts() - before, `cut after ${cuts.join(', ')} bytes`).toBeGreaterThanOrEqual(5);
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
    await page.locator('[data-role=assistant]').filter({ hasText: 'A draft' }).waitFor();
    await page.reload();
    await page.locator('[data-role=assistant]').filter({ hasText: 'lakes 20' }).waitFor();
    await page.reload();
    await settled(page, 'lakes');
    expect(await answersOf(page)).toEqual([letter('lakes')]);
    await page.reload();
    await settled(page, 'lakes');
    expect(await answersOf(page)).toEqual([letter('lakes')]);
    expect(await page.locator('[data-role=user]').allTextContents()).toEqual(['about lakes']);
    await page.close();
  });
});
