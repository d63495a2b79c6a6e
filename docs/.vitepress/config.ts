// The documentation site: `npm run docs` builds it, `npm run docs:dev` serves it while pages are written. It asks nobody
// for anything: fonts are the system's, the search is an index that comes along.

import { posix } from 'node:path';
import { defineConfig, type MarkdownOptions } from 'vitepress';
import { CONTENTS } from '../../house/contents.ts';

type Markdown = Parameters<NonNullable<MarkdownOptions['config']>>[0];

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 14 8 2l6 12" fill="none" stroke="#0969da" stroke-width="2.5"/></svg>`;

/** Files of the repository's root that the site shows, and the page that includes each. */
const OUTSIDE: Readonly<Record<string, string>> = {
  'ARCHITECTURE.md': 'project/architecture.md',
  'CHANGELOG.md': 'project/changelog.md',
  'README.md': 'index.md',
};

export default defineConfig({
  title: 'amdahl',
  description: 'A TypeScript runtime for LLM agents, alone or in teams: typed calls, resumable runs, one journal, and the bill.',
  cleanUrls: false,
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(ICON)}` }]],
  markdown: { config: linkAsOnDisk, theme: { light: 'github-light', dark: 'github-dark' } },
  themeConfig: {
    search: { provider: 'local', options: { detailedView: true } },
    outline: [2, 3],
    sidebar: [
      ...CONTENTS.map(({ title, pages }) => ({
        text: title,
        items: pages.map(({ name, title: text }) => ({ text, link: `/${name}` })),
      })),
      {
        text: 'Project',
        items: [
          { text: 'Architecture', link: '/project/architecture' },
          { text: 'Changelog', link: '/project/changelog' },
        ],
      },
    ],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Errors', link: '/errors' },
      { text: 'Command line', link: '/cli' },
    ],
    docFooter: { prev: 'Before', next: 'Next' },
  },
});

/** Pages link as files lie in the repository and in the package; on the site some lie elsewhere. */
function linkAsOnDisk(md: Markdown): void {
  md.core.ruler.push('link-as-on-disk', ({ tokens, env }) => {
    const { relativePath } = env as { readonly relativePath: string }; // VitePress names the page there
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href !== null && !/^([a-z]+:|#|\/)/.test(href)) token.attrSet('href', onSite(href, relativePath));
    }
  });
}

/** A link as it stands in a file, as the site's page of that file needs it. */
function onSite(href: string, page: string): string {
  const [path = '', anchor] = href.split('#');
  const [file = `docs/${page}`] = Object.entries(OUTSIDE).find(([, at]) => at === page && at.startsWith('project/')) ?? [];
  const onDisk = posix.join(posix.dirname(file), path);
  const target = OUTSIDE[onDisk] ?? posix.relative('docs', onDisk);
  const relative = posix.relative(posix.dirname(page), target);
  return (relative.startsWith('.') ? relative : `./${relative}`) + (anchor === undefined ? '' : `#${anchor}`);
}
