// The documentation site as it is built: every link leads somewhere, nothing is asked of other hosts, and the search that
// comes along finds what readers look for.

import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, posix, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import MiniSearch from 'minisearch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTENTS } from '../../house/contents.ts';
import { ERROR_CODES } from '../../src/index.ts';

/** A path that the site is served under. */
const BASE = '/some/where/';
const BUILD_MS = 90_000;

let site = '';
let pages = new Map<string, string>();

beforeAll(() => {
  site = mkdtempSync(join(tmpdir(), 'amdahl-site-'));
  const vitepress = resolve('node_modules/vitepress/bin/vitepress.js');
  execFileSync(process.execPath, [vitepress, 'build', 'docs', '--outDir', site, '--base', BASE], { timeout: BUILD_MS, stdio: 'pipe' });
  pages = new Map(globSync('**/*.html', { cwd: site }).map((file) => [file.replaceAll('\\', '/'), readFileSync(join(site, file), 'utf8')]));
}, BUILD_MS);
afterAll(() => rmSync(site, { recursive: true, force: true }));

describe('the site', () => {
  it('has every page of docs/ in its contents, and a page for each', () => {
    const written = globSync('docs/*.md').map((file) => basename(file, '.md'));
    const named = CONTENTS.flatMap(({ pages: chapter }) => chapter.map(({ name }) => name));
    expect(written.filter((name) => name !== 'index').toSorted()).toEqual(named.toSorted());
    for (const name of written) expect([...pages.keys()]).toContain(`${name}.html`);
    expect(pages.get('project/changelog.html')).toContain('Changelog');
    expect(pages.get('project/architecture.html')).toContain('The funnel');
  });

  it('links to pages and headings that exist', () => {
    const lost: string[] = [];
    let followed = 0;
    for (const [page, html] of pages) {
      for (const href of attributes(html, 'href').filter((one) => one.startsWith('#') || one.startsWith(BASE) || one.startsWith('.'))) {
        followed++;
        if (!leadsSomewhere(page, href)) lost.push(`${page}: ${href}`);
      }
    }
    expect(lost).toEqual([]);
    expect(followed).toBeGreaterThan(pages.size * 5);
  });

  it('asks nothing of other hosts', () => {
    const asked = [...pages].flatMap(([page, html]) =>
      [...html.matchAll(/<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="([^"]*)"/g)].map(([, to = '']) => `${page}: ${to}`),
    );
    expect(asked.length).toBeGreaterThan(pages.size);
    expect(asked.filter((line) => /: (https?:)?\/\//.test(line))).toEqual([]);
    const styles = globSync('assets/*.css', { cwd: site }).map((file) => readFileSync(join(site, file), 'utf8'));
    expect(styles.join('\n')).not.toMatch(/url\("?https?:|@import/);
  });

  it('finds an error code, an option and a command', async () => {
    const search = await openSearch();
    for (const [asked, found] of [
      ['CONTRACT_VIOLATION', '/errors.html#contract-violation'],
      ['timeoutMs', '/budgets.html'],
      ['amdahl show', '/cli.html#amdahl-show'],
    ] as const) {
      const results = search(asked);
      expect(
        results.slice(0, 3).some((id) => id.includes(found)),
        `${asked}: ${results.slice(0, 5).join(', ')}`,
      ).toBe(true);
    }
    // That the page has all of them is another test's to say.
    const told = Object.keys(ERROR_CODES).filter((code) => pages.get('errors.html')?.includes(code));
    for (const code of told) expect(search(code)[0]).toMatch(new RegExp(`/errors\\.html#${code.toLowerCase().replaceAll('_', '-')}$`));
  });
});

function attributes(html: string, name: string): readonly string[] {
  return [...html.matchAll(new RegExp(`<a\\b[^>]*?\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value.replaceAll('&amp;', '&'));
}

function leadsSomewhere(page: string, href: string): boolean {
  const [path = '', anchor = ''] = href.split('#');
  const below = path === '' ? page : path.startsWith(BASE) ? path.slice(BASE.length) : posix.join(posix.dirname(page), path);
  const html = pages.get(below === '' || below.endsWith('/') ? `${below}index.html` : below);
  return html !== undefined && (anchor === '' || html.includes(`id="${decodeURIComponent(anchor)}"`));
}

/** The search of the site's own page: its index, with the options that VitePress gives it. Gives addresses, best first. */
async function openSearch(): Promise<(asked: string) => readonly string[]> {
  const [file = ''] = globSync('assets/chunks/@localSearchIndexroot*.js', { cwd: site });
  const index = (await import(pathToFileURL(join(site, file)).href)) as { readonly default: string }; // the JSON that MiniSearch wrote
  const search = MiniSearch.loadJSON<unknown>(index.default, { fields: ['title', 'titles', 'text'], storeFields: ['title', 'titles'] });
  const options = { fuzzy: 0.2, prefix: true, boost: { title: 4, text: 2, titles: 1 } };
  return (asked) => search.search(asked, options).map(({ id }) => String(id));
}
