// Small folders of files for the sweep's tests, made on the real disk and removed when the test file is done.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

/** A path's content: text, bytes, or where a link leads. */
export type Planted = string | Uint8Array | { readonly link: string };

/** Makes a folder with these files in it and gives its real path. */
export function plant(files: Readonly<Record<string, Planted>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'sweep-')));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, full);
    else writeFileSync(full, content);
  }
  return root;
}

/** A package with a name and files. */
export function packageFiles(folder: string, files: Readonly<Record<string, Planted>>): Record<string, Planted> {
  const entries = Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content] as const);
  return { [`${folder}/package.json`]: JSON.stringify({ name: folder.split('node_modules/').pop() }), ...Object.fromEntries(entries) };
}
