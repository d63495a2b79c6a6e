// The package.json of a project, as `amdahl init` finds and leaves it: what is there stays. Pure.

import { AmdahlError, describe } from '../agent/errors.ts';

type Texts = Readonly<Record<string, string>>;

/** What is read of a package.json. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly type?: string;
  readonly scripts?: Texts;
  readonly dependencies?: Texts;
  readonly devDependencies?: Texts;
  readonly peerDependencies?: Texts;
}

/** A package.json as it stands. */
export interface Present {
  readonly text: string;
  readonly json: Manifest;
}

/** @throws AmdahlError MISCONFIGURED where it is no JSON object: what cannot be read is not written either. */
export function manifestIn(text: string | undefined): Present | undefined {
  if (text === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { text, json };
    throw new Error('it is no object');
  } catch (cause) {
    throw new AmdahlError('MISCONFIGURED', `package.json cannot be read: ${describe(cause)}. Mend it first; nothing was written.`, {
      cause,
    });
  }
}

/** Whether npm made it while it installed something, and nobody wrote anything into it: it says nothing of modules yet. */
export function isFresh({ json }: Present): boolean {
  return Object.keys(json).every((key) => ['name', 'version', 'private', 'dependencies', 'devDependencies', 'allowScripts'].includes(key));
}

/** What `npm init` writes as a test fails, and is nobody's test. */
export function ownTest(present: Present | undefined): string | undefined {
  const test = present?.json.scripts?.['test'];
  return test === undefined || test.includes('no test specified') ? undefined : test;
}

/** What is added to a package.json. */
export interface Additions {
  readonly scripts: Texts;
  readonly dependencies: Texts;
  readonly devDependencies: Texts;
}

/** The package.json with what it lacks, and the names of that. Its indentation and order stay. */
export function added(
  present: Present | undefined,
  name: string,
  wanted: Additions,
): { readonly text: string; readonly added: readonly string[] } {
  const before = present?.json ?? {};
  const [, indent = '  '] = /^\{\s*\n([ \t]+)"/.exec(present?.text ?? '') ?? [];
  const has = (dependency: string): boolean =>
    [before.dependencies, before.devDependencies, before.peerDependencies].some((all) => all?.[dependency] !== undefined);
  const lacking = (all: Texts, known: (key: string) => boolean): Texts =>
    Object.fromEntries(Object.entries(all).filter(([key]) => !known(key)));
  const scripts = lacking(
    wanted.scripts,
    (key) => before.scripts?.[key] !== undefined && !(key === 'test' && ownTest(present) === undefined),
  );
  const dependencies = lacking(wanted.dependencies, has);
  const devDependencies = lacking(wanted.devDependencies, has);
  const isModule = present === undefined || isFresh(present);
  const base = present === undefined ? { name, version: '0.0.0', private: true } : before;
  const after = {
    ...base,
    ...(isModule ? { type: 'module' } : {}),
    ...merged('scripts', before.scripts, scripts),
    ...merged('dependencies', before.dependencies, dependencies),
    ...merged('devDependencies', before.devDependencies, devDependencies),
  };
  const names = [
    ...Object.keys(scripts).map((script) => `script ${script}`),
    ...Object.keys(dependencies),
    ...Object.keys(devDependencies),
  ];
  return { text: `${JSON.stringify(after, undefined, indent)}\n`, added: names };
}

function merged(key: string, before: Texts | undefined, more: Texts): Readonly<Record<string, Texts>> {
  return Object.keys(more).length === 0 ? {} : { [key]: { ...before, ...more } };
}
