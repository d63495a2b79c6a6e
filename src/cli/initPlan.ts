// What `amdahl init` writes into a folder, and what it leaves as it is. Decided here and written by initCommand.ts.
//
// P1 what is there is never overwritten: package.json and .gitignore get what they lack, everything else is left and named.

import { basename } from 'node:path';
import { added, isFresh, type Manifest, ownTest, type Present } from './initManifest.ts';

export type { Manifest };

export const TEMPLATES = ['script', 'chat', 'sweep'] as const;
export type Template = (typeof TEMPLATES)[number];

/** A file of this package's folder templates/. */
export type Asset = string;

/** What is there. */
export interface Found {
  readonly folder: string;
  /** A file's text; undefined where there is none. */
  readonly read: (path: string) => string | undefined;
  readonly manifest: Present | undefined;
  /** The package.json of amdahl. */
  readonly own: Manifest;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Plan {
  readonly files: readonly { readonly path: string; readonly text: string; readonly what?: string }[];
  readonly left: readonly { readonly path: string; readonly why: string }[];
  /** How the test and the agent are started. */
  readonly scripts: { readonly test: string; readonly run: string; readonly says: string };
}

interface Kind {
  /** Files of the template, as they are called in the project's folder agents/. */
  readonly files: readonly string[];
  readonly script: string;
  readonly command: (extension: string) => string;
  readonly says: string;
}

const KINDS: Readonly<Record<Template, Kind>> = {
  script: {
    files: ['triage.ts', 'triage.test.ts', 'letter.json'],
    script: 'agent',
    command: (extension) => `amdahl run agents/triage${extension} --input @agents/letter.json`,
    says: 'ask the agent about agents/letter.json',
  },
  sweep: {
    files: ['sweep.ts', 'sweep.test.ts', 'files.json'],
    script: 'agent',
    command: (extension) => `amdahl run agents/sweep${extension} --input @agents/files.json`,
    says: 'review the files that agents/files.json names',
  },
  chat: {
    files: ['chat.ts', 'chat.test.ts', 'route.ts', 'server.ts', 'page.html'],
    script: 'chat',
    command: (extension) => `node --env-file-if-exists=.env agents/server${extension}`,
    says: 'serve a chat at http://localhost:3000',
  },
};

/** The providers whose keys a program of the templates looks for, with the package of each. */
const PROVIDERS = {
  ANTHROPIC_API_KEY: '@ai-sdk/anthropic',
  OPENAI_API_KEY: '@ai-sdk/openai',
  GOOGLE_GENERATIVE_AI_API_KEY: '@ai-sdk/google',
} as const;

/** Lines of .gitignore: packages, runs, keys. */
const IGNORED = ['node_modules/', '.amdahl/', '.env'];

/** `asset` gives the text of a file of templates/. */
export function planOf(template: Template, found: Found, asset: (path: Asset) => string): Plan {
  const kind = KINDS[template];
  // Node and TypeScript take .ts files of a package that does not say so for CommonJS.
  const { manifest: present } = found;
  const extension = present === undefined || present.json.type === 'module' || isFresh(present) ? '.ts' : '.mts';
  const files: Plan['files'][number][] = [];
  const left: Plan['left'][number][] = [];
  const add = (path: string, text: string): void => {
    if (found.read(path) === undefined) files.push({ path, text });
    else left.push({ path, why: 'it is there already' });
  };
  const vitest = dependsOn(found, 'vitest');
  for (const file of [...kind.files, 'model.ts']) {
    const text = asset(file === 'model.ts' ? 'project/model.ts' : `${template}/${file}`);
    add(`agents/${file.replace(/\.ts$/, extension)}`, fitted(text, extension, vitest));
  }
  add('.env.example', asset('project/env.example'));
  const tsconfig = found.read('tsconfig.json');
  if (tsconfig === undefined)
    add('tsconfig.json', asset('project/tsconfig.json').replace('**/*.ts', extension === '.ts' ? '**/*.ts' : '**/*.mts'));
  else left.push({ path: 'tsconfig.json', why: tsconfigHint(tsconfig) });
  const test = testScript(found, extension);
  const command = kind.command(extension);
  const taken = found.manifest?.json.scripts?.[kind.script];
  const run = taken === undefined || taken === command ? kind.script : `${kind.script}:${template}`;
  const manifest = added(found.manifest, packageName(found.folder), {
    scripts: { ...test.scripts, [run]: command, typecheck: 'tsc --noEmit' },
    ...dependencies(found),
  });
  if (manifest.added.length > 0)
    files.push({
      path: 'package.json',
      text: manifest.text,
      ...(found.manifest === undefined ? {} : { what: `added ${manifest.added.join(', ')}` }),
    });
  files.push(...gitignore(found));
  return { files, left, scripts: { test: test.name, run, says: kind.says } };
}

function dependsOn({ manifest }: Found, name: string): boolean {
  return manifest?.json.devDependencies?.[name] !== undefined || manifest?.json.dependencies?.[name] !== undefined;
}

/** A file of a template with the extension of its siblings, and the test runner of the project. */
function fitted(text: string, extension: string, vitest: boolean): string {
  const named = extension === '.ts' ? text : text.replace(/\.ts\b/g, extension);
  return vitest ? named.replace("from 'node:test'", "from 'vitest'") : named;
}

/** A project's own tests stay what `test` runs. */
function testScript(found: Found, extension: string): { readonly name: string; readonly scripts: Readonly<Record<string, string>> } {
  if (dependsOn(found, 'vitest')) return { name: 'test', scripts: { test: 'vitest run' } };
  const command = `node --test "agents/*.test${extension}"`;
  const own = ownTest(found.manifest);
  const isFree = own === undefined || own === command;
  return isFree ? { name: 'test', scripts: { test: command } } : { name: 'test:agents', scripts: { 'test:agents': command } };
}

function dependencies({ own, env }: Found): {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
} {
  const known = (name: string): Readonly<Record<string, string>> => ({ [name]: `^${own.devDependencies?.[name] ?? '0'}` });
  const keyed = Object.entries(PROVIDERS).filter(
    ([key, name]) => (env[key] ?? '') !== '' || (env['AMDAHL_MODEL'] ?? '').startsWith(name.replace('@ai-sdk/', '')),
  );
  return {
    dependencies: Object.assign({ amdahl: `^${own.version ?? '0'}` }, known('zod'), ...keyed.map(([, name]) => known(name))) as Readonly<
      Record<string, string>
    >, // of texts alone
    devDependencies: { ...known('typescript'), ...known('@types/node') },
  };
}

function tsconfigHint(text: string): string {
  const fine = /"(?:allowImportingTsExtensions|rewriteRelativeImportExtensions)"\s*:\s*true/.test(text);
  return fine
    ? 'it is there already'
    : 'it is there already; to check agents/ it needs "allowImportingTsExtensions": true with "noEmit": true';
}

function gitignore({ read }: Found): Plan['files'] {
  const before = read('.gitignore');
  const lines = (before ?? '').split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, ''));
  const lacking = IGNORED.filter((line) => !lines.includes(line.replace(/\/$/, '')));
  if (lacking.length === 0) return [];
  const start = before === undefined || before === '' || before.endsWith('\n') ? (before ?? '') : `${before}\n`;
  return [
    {
      path: '.gitignore',
      text: `${start}${lacking.join('\n')}\n`,
      ...(before === undefined ? {} : { what: `added ${lacking.join(', ')}` }),
    },
  ];
}

/** What npm takes for a name. */
function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  return name === '' ? 'agents' : name.slice(0, 200);
}
