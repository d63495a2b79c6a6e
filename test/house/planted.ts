// A small tree that follows every rule of the house, with whatever a test plants in it. Called by the tests beside it.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Outcome, STEPS } from '../../house/steps.ts';

const ROOT = join(import.meta.dirname, '../..');
const CONFIGS = ['.oxlintrc.json', '.oxfmtrc.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts', 'knip.json'];

export type Files = Readonly<Record<string, string>>;

/** One file per floor, each importing from below. */
const CLEAN: Files = {
  'package.json': `${JSON.stringify({ name: 'mini', type: 'module', dependencies: { zod: '1', picocolors: '1' } }, undefined, 2)}\n`,
  'src/agent/agent.ts': `// Lowest.\n\nexport const agent: string = 'agent';\n`,
  'src/journal/event.ts': `// Beside it.\n\nexport const event: string = 'event';\n`,
  'src/model/turn.ts': `// Above both.\n\nimport { agent } from '../agent/agent.ts';\n\nexport const turn: string = agent;\n`,
  'src/run/call.ts': `// Above it.\n\nimport { turn } from '../model/turn.ts';\n\nexport const call: string = turn;\n`,
  'src/cli/main.ts': `// On top.\n\nimport { call } from '../run/call.ts';\n\nconsole.log(call, Date.now());\n`,
  'src/index.ts': `// The public face.\n\nexport { call } from './run/call.ts';\n`,
};

/** The project without a line of code: its manifest, and what the tools read to know what to do. */
export const EMPTY: Files = {
  ...Object.fromEntries(Object.keys(CLEAN).map((file) => [file, ''])),
  'package.json': readFileSync(join(ROOT, 'package.json'), 'utf8'),
};

/** The clean tree as a package that can be built and packed: nothing in it is unused. */
export function packable(more: Readonly<Record<string, unknown>> = {}): Files {
  const exported = (name: string): object => ({ types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` });
  const manifest = {
    name: 'mini',
    version: '1.0.0',
    license: 'MIT',
    type: 'module',
    bin: { mini: './dist/cli/main.js' },
    types: './dist/index.d.ts',
    typesVersions: { '*': { testing: ['./dist/testing.d.ts'] } },
    exports: { '.': exported('index'), './testing': exported('testing') },
    files: ['dist'],
    scripts: { build: 'tsc -p tsconfig.build.json', test: 'vitest run' },
    devDependencies: { typescript: '1', vitest: '1' },
    ...more,
  };
  return {
    'package.json': `${JSON.stringify(manifest, undefined, 2)}\n`,
    'src/cli/main.ts': `#!/usr/bin/env node\n// On top.\n\nimport { call } from '../run/call.ts';\n\nconsole.log(call);\n`,
    'src/testing.ts': `// The other face.\n\nexport { event } from './journal/event.ts';\n`,
    'examples/one/one.ts': `// An example.\n\nimport { call } from '../../src/index.ts';\n\nconsole.log(call);\n`,
    'test/run/call.test.ts': `import { expect, test } from 'vitest';\nimport { call } from '../../src/index.ts';\n\ntest('is', () => expect(call).toBe('agent'));\n`,
  };
}

/** Runs steps of verify.ts over the clean tree with `files` put into it, and gives the last outcome. A file that is '' is left out. */
export async function runPlanted(steps: string, files: Files): Promise<Outcome> {
  const root = mkdtempSync(join(tmpdir(), 'amdahl-planted-'));
  try {
    for (const config of CONFIGS) copyFileSync(join(ROOT, config), join(root, config));
    linkModules(root);
    for (const [file, text] of Object.entries({ ...CLEAN, ...files })) {
      if (text === '') continue;
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return await runSteps(root, steps.split(' '));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function runSteps(root: string, [name, ...rest]: readonly string[]): Promise<Outcome> {
  const step = STEPS.find((each) => each.name === name);
  if (step === undefined) throw new Error(`there is no step '${name}'`);
  const outcome = await step.run(root);
  return rest.length === 0 ? outcome : runSteps(root, rest);
}

/** A real folder of links: a tool that is told to leave node_modules alone must recognise it. */
function linkModules(root: string): void {
  mkdirSync(join(root, 'node_modules'));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '.cache') symlinkSync(join(ROOT, 'node_modules', name), join(root, 'node_modules', name));
  }
}
