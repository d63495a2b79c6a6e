// Do imports point downward only, and do the files stand where the plan (layout.ts) puts them? Called by the
// step `floors` of verify.ts. What oxlint can tell is left to oxlint: circles, lengths, bans (.oxlintrc.json).

import { globSync, readFileSync } from 'node:fs';
import { basename, posix } from 'node:path';
import { type Import, readSource } from './imports.ts';
import {
  ATTIC,
  CLOSED_TO_ENTRIES,
  COMPUTED_IMPORTS,
  ENTRIES,
  FILE_NAME,
  FIXTURES,
  FLOORS,
  INTRODUCED,
  NEIGHBOURS,
  SHARED_TYPES,
} from './layout.ts';

export interface Report {
  /** How many files were read. */
  readonly files: number;
  /** One line each: `file:line: what is wrong`. */
  readonly findings: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly runtime: ReadonlySet<string>;
}

/** Checks the tree under `root`. Reads every source file once. */
export function checkFloors(root: string): Report {
  const files = globSync('{src,test,house,examples,bench}/**/*.{ts,tsx,mts,cts}', { cwd: root })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.includes('node_modules/') && !FIXTURES.some((place) => file.startsWith(place)))
    .toSorted();
  const manifest = readManifest(root);
  const findings: string[] = [];
  const owners = new Map<string, Map<string, string>>();

  for (const file of files) {
    const source = readSource(file, readFileSync(`${root}/${file}`, 'utf8'));
    findings.push(...source.errors.map((error) => `${file}:1: cannot be parsed: ${error}`), ...nameFindings(file));
    if (INTRODUCED.includes(top(file)) && !source.introduced) {
      findings.push(`${file}:1: opens without a sentence that says what lives here, who calls it and what always holds`);
    }
    for (const found of source.imports) {
      const wrong = judge(file, found, manifest);
      if (wrong !== undefined) findings.push(`${file}:${found.line}: ${wrong}`);
      noteOwner(owners, file, found, manifest);
    }
  }
  return { files: files.length, findings: [...findings, ...ownerFindings(owners)] };
}

function readManifest(root: string): Manifest {
  const parsed: unknown = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  const field = (name: string): unknown => (isRecord(parsed) ? parsed[name] : undefined);
  const runtime = ['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((name) => {
    const value = field(name);
    return isRecord(value) ? Object.keys(value) : [];
  });
  return { name: String(field('name')), runtime: new Set(runtime) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** What is wrong with one import of `file`, or undefined. */
function judge(file: string, found: Import, manifest: Manifest): string | undefined {
  const { specifier, typeOnly } = found;
  if (specifier === undefined) {
    const allowed = top(file) !== 'src' || folderOf(file) in COMPUTED_IMPORTS;
    return allowed ? undefined : `import() of something computed; only ${Object.keys(COMPUTED_IMPORTS).join(', ')} may`;
  }
  if (specifier.startsWith('node:')) return undefined;
  if (isLocal(specifier)) return judgeLocal(file, posix.join(posix.dirname(file), specifier));
  if (specifier.startsWith('/') || specifier.startsWith('#')) return `'${specifier}' is neither relative nor a package`;
  const name = packageOf(specifier);
  if (name === manifest.name) return judgeLocal(file, 'src/index.ts');
  if (top(file) !== 'src' || manifest.runtime.has(name)) return undefined;
  return `'${name}' is not among the dependencies in package.json${typeOnly ? ', and users need its types too' : ''}`;
}

/** `target` is a path from the root. */
function judgeLocal(file: string, target: string): string | undefined {
  if (top(file) !== top(target)) {
    const allowed = NEIGHBOURS[top(file)] ?? [];
    return allowed.some((place) => isIn(target, place)) ? undefined : `${top(file)}/ may not import ${target}`;
  }
  if (top(file) !== 'src') return undefined;
  const from = folderOf(file);
  const inside = target.slice('src/'.length);
  if (from === '') {
    return CLOSED_TO_ENTRIES.includes(folderOf(target)) ? `the public face may not import ${target}` : undefined;
  }
  if (from === folderOf(target)) return undefined;
  const floor = FLOORS[from];
  if (floor === undefined) return `src/${from}/ has no floor; give it one in house/layout.ts`;
  if (floor.some((place) => isIn(inside, place))) return undefined;
  return `${from} may not import ${inside}: imports point downward only (${from} sees ${floor.join(', ') || 'nothing'})`;
}

function nameFindings(file: string): readonly string[] {
  const name = basename(file);
  const findings: string[] = [];
  if (ATTIC.test(name.split('.')[0] ?? '')) findings.push(`${file}:1: is an attic by name; call it after the noun that lives in it`);
  if (!FILE_NAME.test(name)) findings.push(`${file}:1: is not a lowerCamelCase .ts name`);
  const [, beside] = file.split('/');
  if (top(file) === 'src' && beside === name && !ENTRIES.includes(name)) {
    findings.push(`${file}:1: stands beside the folders; only ${ENTRIES.join(', ')} may`);
  }
  return findings;
}

/** Remembers which folder of src/ imports a package, with the first place that does. */
function noteOwner(owners: Map<string, Map<string, string>>, file: string, found: Import, manifest: Manifest): void {
  const { specifier, typeOnly, line } = found;
  if (top(file) !== 'src' || specifier === undefined || specifier.startsWith('node:') || isLocal(specifier)) return;
  const name = packageOf(specifier);
  if (name === manifest.name || (typeOnly && name in SHARED_TYPES)) return;
  const folders = owners.get(name) ?? new Map<string, string>();
  owners.set(name, folders);
  if (!folders.has(folderOf(file))) folders.set(folderOf(file), `${file}:${line}`);
}

function ownerFindings(owners: ReadonlyMap<string, ReadonlyMap<string, string>>): readonly string[] {
  return [...owners].flatMap(([name, folders]) => {
    if (folders.size < 2) return [];
    const names = [...folders.keys()].map((folder) => folder || 'the public face');
    return [...folders.values()].map((place) => `${place}: '${name}' is imported by ${names.join(' and ')}; one folder owns a package`);
  });
}

function isLocal(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../');
}

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`);
}

function top(file: string): string {
  return file.split('/')[0] ?? '';
}

/** The folder of src/ a file is in; '' beside the folders. */
function folderOf(file: string): string {
  const [, folder, ...rest] = file.split('/');
  return folder === undefined || rest.length === 0 ? '' : folder;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
