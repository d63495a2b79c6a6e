// A real Chromium without a screen, out of the npm package that ships with the Next app, driven by playwright.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { APP } from './nextApp.ts';

/** It is for machines without a display that nobody else uses; and it asks nobody for anything by itself. */
const FLAGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage';

interface Unpacked {
  readonly default: { executablePath(): Promise<string> };
}

/** Unpacks it beside the app's packages, once. */
export async function openBrowser(): Promise<Browser> {
  const { TMPDIR } = process.env;
  // The package unpacks into the folder for temporary files, and brings libraries along where it is told to.
  const unpackedAt = join(APP, 'node_modules/.chromium');
  mkdirSync(unpackedAt, { recursive: true });
  process.env['TMPDIR'] = unpackedAt;
  if (!hasLibraries()) process.env['AWS_LAMBDA_JS_RUNTIME'] = 'nodejs22.x';
  try {
    const entry = createRequire(join(APP, 'package.json')).resolve('@sparticuz/chromium');
    const packaged = (await import(pathToFileURL(entry).href)) as Unpacked; // what its declarations say
    const executablePath = await packaged.default.executablePath();
    return await chromium.launch({ executablePath, args: FLAGS.split(' '), env: { ...process.env, HOME: unpackedAt } });
  } finally {
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
}

/** Of what Chromium needs, only NSS is no part of every Debian. */
function hasLibraries(): boolean {
  try {
    return execFileSync('ldconfig', ['-p'], { encoding: 'utf8' }).includes('libnss3.so');
  } catch {
    return false;
  }
}
