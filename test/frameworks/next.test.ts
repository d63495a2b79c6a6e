// A Next app, bundled by its own tools, in front of the model server: what a bundler does to the package is seen here.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ModelServer, startModelServer } from '../../src/testing.ts';
import { build, install, serve } from './nextApp.ts';
import { folder } from './packed.ts';
import { endServers, type Server } from './server.ts';

/** Packages and a build, on a machine that does other things too. */
const PREPARE_MS = 600_000;

const { path: home, remove } = folder();
let models: ModelServer;
let built = '';

beforeAll(async () => {
  models = await startModelServer();
  await install(home);
  built = await build();
}, PREPARE_MS);
afterAll(async () => {
  await endServers();
  await models.close();
  remove();
});

function served(): Promise<Server> {
  return serve({ AMDAHL_DIR: join(home, 'journal'), OPENAI_BASE_URL: models.baseUrl('openai'), OPENAI_API_KEY: 'any' });
}

describe('a Next app with the package in its bundle and no settings for it', () => {
  it('is built without a warning that names the package', () => {
    expect(built).toMatch(/\/api\/answer/);
    expect(built).not.toMatch(/amdahl|node:sqlite|too dynamic|can't resolve/i);
  });

  it('loads models by name and keeps its journal on disk, in the journal’s thread under load', async () => {
    const server = await served();
    const ask = async (id: string): Promise<unknown> => {
      const response = await fetch(`${server.url}/api/answer`, { method: 'POST', body: JSON.stringify({ id, country: 'France' }) });
      return response.ok ? await response.json() : { status: response.status, output: server.output() };
    };
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`load-${index}`)));
    for (const answer of answers) expect(answer).toEqual({ capital: expect.any(String), calls: 1 });
    expect(existsSync(join(home, 'journal/journal.sqlite'))).toBe(true);
    const asked = models.stats().requests;
    await server.end('SIGTERM');

    // Another process answers from the journal of the first.
    const second = await served();
    const again = await fetch(`${second.url}/api/answer`, { method: 'POST', body: JSON.stringify({ id: 'load-7', country: 'France' }) });
    expect(await again.json()).toEqual(answers[7]);
    expect(models.stats().requests).toBe(asked);
    await second.end('SIGTERM');
  });
});
