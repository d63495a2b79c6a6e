// llms.txt and llms-full.txt: what is written at the build is what the pages say, and its links work in the package.

import { globSync, readFileSync, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { llmsTexts } from '../../house/llms.ts';

const { list, full } = llmsTexts('.');
const manifest = z
  .object({ files: z.array(z.string()), scripts: z.object({ build: z.string() }) })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));

describe('llms.txt', () => {
  it('has the form of llmstxt.org: a title, a sentence, and lists of links', () => {
    expect(list).toMatch(/^# amdahl\n\n> [^\n]+\.\n\n[^#]*## /);
    const entries = list.split('\n').filter((line) => line.startsWith('- '));
    expect(entries.length).toBeGreaterThanOrEqual(3);
    for (const entry of entries) expect(entry).toMatch(/^- \[[^\]]+\]\([\w./-]+\.md\): \S.*$/);
  });

  it('names every page', () => {
    for (const file of globSync('docs/*.md').filter((one) => basename(one) !== 'index.md')) expect(list).toContain(`(${file})`);
  });

  it('links, like the whole text, to what the package has', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['docs', 'llms.txt', 'llms-full.txt']));
    expect(manifest.scripts.build).toContain('house/llms.ts');
    const links = [...`${list}\n${full}`.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/\]\((?![a-z]+:|#)([^)\s#]+)(?:#[^)\s]*)?\)/g)].map(
      ([, to = '']) => to,
    );
    expect(links.length).toBeGreaterThan(10);
    const shipped = (to: string): boolean => manifest.files.some((entry) => to === entry || to.startsWith(`${entry}/`));
    expect([...new Set(links)].filter((to) => !(shipped(to) && (existsSync(to) || to.startsWith('llms'))))).toEqual([]);
  });

  it('tells every page in whole', () => {
    for (const file of globSync('docs/*.md')) expect(full).toContain(`<!-- ${join(file)} -->`);
    expect(full).toContain('![The gate: after the first few, as many requests as the limit lets in](docs/herd/gate.svg)');
  });
});
