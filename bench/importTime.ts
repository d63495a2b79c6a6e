// How long a program waits for its first import: the package in a fresh process, beside a process that does nothing.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildInto, lendDependencies, ROOT } from './built.ts';
import { type Finding, median, quantity, type Report } from './finding.ts';
import { inFolder } from './folder.ts';

const PROCESSES = 15;

/** Milliseconds. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

export async function importTime(): Promise<Report> {
  return inFolder(async (folder) => {
    const built = buildInto(folder);
    if (built.ok) lendDependencies(folder);
    const files = new Map([['src/index.ts, types stripped', join(ROOT, 'src', 'index.ts')]]);
    if (built.ok) files.set('the built package', join(folder, 'dist', 'index.js'));
    const empty: Cost[] = [];
    const costs = new Map([...files.keys()].map((name) => [name, [] as Cost[]]));
    for (let index = 0; index < PROCESSES; index += 1) {
      empty.push(started(''));
      for (const [name, file] of files) costs.get(name)?.push(started(`await import(${JSON.stringify(pathToFileURL(file).href)})`));
    }
    const floor = middle(empty);
    const own = [...costs].map(([name, all]) => ({ name, cost: middle(all) }));
    return {
      findings: own.map(({ name, cost }): Finding => ({
        what: `import of ${name}`,
        measured: cost.wall - floor.wall,
        unit: 'ms',
        ...(name === 'the built package' ? { aimMax: 150 } : {}),
      })),
      tables: [
        [
          ['a process that imports', 'from start to end', 'beyond an empty one', 'CPU beyond an empty one'],
          ['nothing', quantity(floor.wall, 'ms'), '', ''],
          ...own.map(({ name, cost: { wall, cpu } }) => [
            name,
            quantity(wall, 'ms'),
            quantity(wall - floor.wall, 'ms'),
            quantity(cpu - floor.cpu, 'ms'),
          ]),
        ],
      ],
      notes: [
        `Medians of ${PROCESSES} fresh processes each, in turn; no schema library is loaded.`,
        ...(built.ok ? [] : [`The built package was left out: the build fails (${built.why}).`]),
      ],
    };
  });
}

/** Runs `code` in a fresh process, which says at its end how much CPU it had. */
function started(code: string): Cost {
  const from = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', `${code}\n${SAY_CPU}`], {
    encoding: 'utf8',
  });
  const wall = performance.now() - from;
  if (status !== 0) throw new Error(`A fresh process could not run ${code}:\n${stderr}`);
  return { wall, cpu: Number(stdout) / 1_000 };
}

const SAY_CPU = 'const { user, system } = process.cpuUsage(); process.stdout.write(String(user + system));';

function middle(all: readonly Cost[]): Cost {
  return { wall: median(all.map(({ wall }) => wall)), cpu: median(all.map(({ cpu }) => cpu)) };
}
