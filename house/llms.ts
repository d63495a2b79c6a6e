// Writes llms.txt and llms-full.txt (llmstxt.org) beside package.json: what there is to read for a model that helps
// somebody with amdahl, as it lies in the package. `npm run build` calls it; test/docs/llms.test.ts holds it to the pages.

import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import process from 'node:process';
import { CONTENTS, type Page } from './contents.ts';

/** What stands beside the pages of docs/. */
const BESIDE = [
  { file: 'ARCHITECTURE.md', title: 'Architecture', about: 'how it is built: the nouns and their states, the floors, the guarantees' },
  { file: 'CHANGELOG.md', title: 'Changelog', about: 'what came with which version' },
] as const;

export interface LlmsTexts {
  /** The list: a link and a line for each page. */
  readonly list: string;
  /** Every page in whole, one after the other. */
  readonly full: string;
}

/** Both files for the tree under `root`. */
export function llmsTexts(root: string): LlmsTexts {
  const index = readFileSync(join(root, 'docs/index.md'), 'utf8');
  const [title = '', , sentence = ''] = index.split('\n');
  const list = [
    `${title}\n\n> ${sentence}\n\nEverything at once: [llms-full.txt](llms-full.txt).`,
    ...CONTENTS.map((chapter) => `## ${chapter.title}\n\n${chapter.pages.map((page) => entry(fileOf(page), page)).join('\n')}`),
    `## Optional\n\n${BESIDE.map((beside) => entry(beside.file, beside)).join('\n')}`,
  ];
  const files = ['docs/index.md', ...CONTENTS.flatMap(({ pages }) => pages.map(fileOf))];
  const full = files.map((file) => `<!-- ${file} -->\n\n${fromRoot(readFileSync(join(root, file), 'utf8'), file).trim()}`);
  return { list: `${list.join('\n\n')}\n`, full: `${full.join('\n\n')}\n` };
}

function fileOf({ name }: Page): string {
  return `docs/${name}.md`;
}

function entry(file: string, { title, about }: { readonly title: string; readonly about: string }): string {
  return `- [${title}](${file}): ${about}`;
}

/** The links of a page as they are from the package's root, outside of its code. */
function fromRoot(text: string, file: string): string {
  return text
    .split(/^(```[\s\S]*?^```$)/m)
    .map((part) =>
      part.startsWith('```')
        ? part
        : part.replaceAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, href: string) => `](${posix.join(posix.dirname(file), href)})`),
    )
    .join('');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { list, full } = llmsTexts(process.cwd());
  writeFileSync('llms.txt', list);
  writeFileSync('llms-full.txt', full);
}
