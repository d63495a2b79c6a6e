// Every step of verify.ts, in the order in which it runs them. test/house/ runs the same steps over planted trees.
//
// I1 A step that checked nothing has failed, whatever its tool says.
// I2 A step leaves nothing behind but dist/.

import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join, relative } from 'node:path';
import { z } from 'zod';
import { command, type Ended } from './command.ts';
import { checkFloors } from './floors.ts';

export interface Outcome extends Ended {
  /** What was checked, in a few words. */
  readonly note: string;
  /** What this step counts as in the last line of verify.ts. */
  readonly passed: number;
  readonly failed: number;
}

export interface Step {
  readonly name: string;
  readonly run: (root: string) => Promise<Outcome>;
}

export const STEPS: readonly Step[] = [
  { name: 'format', run: (root) => counted(root, ['oxfmt', '--check', '.'], /on (\d+) files?/) },
  { name: 'lint', run: (root) => counted(root, ['oxlint', '.'], /on (\d+) files? with [1-9]\d* rules/) },
  { name: 'floors', run: floors },
  { name: 'types', run: types },
  { name: 'tests', run: tests },
  { name: 'unused', run: unused },
  { name: 'build', run: build },
  { name: 'package', run: lintPackage },
  { name: 'examples', run: examples },
];

/** The outcome of a tool that says how many files it read, where `files` captures the number: all of src/ at least. */
async function counted(root: string, argv: readonly string[], files: RegExp): Promise<Outcome> {
  const { ok, output } = await command(root, argv);
  const count = Number(files.exec(output)?.[1] ?? 0);
  const least = sourcesOf(root).length;
  if (ok && (least === 0 || count < least)) return outcome(false, `${output}\nIt checked ${count} files; src/ has ${least}.`, '');
  return outcome(ok, output, `${count} files`);
}

function sourcesOf(root: string): readonly string[] {
  return globSync('src/**/*.ts', { cwd: root }).map((file) => join(root, file));
}

function outcome(ok: boolean, output: string, note: string): Outcome {
  return { ok, output, note, passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
}

/** tsc lists every file it read; those outside node_modules are ours. */
async function types(root: string): Promise<Outcome> {
  const { ok, output } = await command(root, ['tsc', '-p', '.', '--pretty', 'false', '--listFiles']);
  const lines = output.split('\n');
  const listed = lines.filter((line) => isAbsolute(line));
  const ours = listed.filter((file) => !file.includes('node_modules'));
  const sources = sourcesOf(root);
  const unread = sources.filter((file) => !ours.some((read) => read.endsWith(file.slice(root.length))));
  const said = lines.filter((line) => !listed.includes(line)).join('\n');
  if (ok && (sources.length === 0 || unread.length > 0))
    return outcome(false, `${said}\nIt left out ${unread.join(', ') || 'everything'}.`, '');
  return outcome(ok, said, `${ours.length} files`);
}

async function floors(root: string): Promise<Outcome> {
  const { files, findings } = checkFloors(root);
  if (files === 0) return outcome(false, 'It checked no file.', '');
  return outcome(findings.length === 0, findings.join('\n'), `${files} files`);
}

/** What the step reads of vitest's JSON report. */
const Report = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(''),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()).nullish() })),
    }),
  ),
});

async function tests(root: string): Promise<Outcome> {
  return inTemporaryFolder(async (folder) => {
    const file = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { ok, output } = await command(root, ['vitest', 'run', ...reporters]);
    if (!existsSync(file)) return outcome(false, output, '');
    const report = Report.parse(JSON.parse(readFileSync(file, 'utf8')));
    // A file that could not be loaded has no test that failed, and counts as one.
    const broken = report.testResults.filter(
      (result) => result.status === 'failed' && !result.assertionResults.some((test) => test.status === 'failed'),
    );
    const { numPassedTests: passed, numPendingTests: skipped } = report;
    const failed = report.numFailedTests + broken.length;
    const good = ok && report.success && failed === 0 && passed > 0;
    const note = `${passed} tests in ${report.testResults.length} files${skipped === 0 ? '' : `, ${skipped} skipped`}`;
    return { ok: good, output: `${failuresOf(report, root)}\n${output}`, note, passed, failed: good ? 0 : Math.max(failed, 1) };
  });
}

/** What failed and why, each in a few lines: it comes before all else, because whoever reads a log may get its beginning only. */
function failuresOf({ testResults }: z.infer<typeof Report>, root: string): string {
  const few = (text: string): string => text.split('\n').slice(0, 12).join('\n');
  return testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name, message, assertionResults }) => {
      const file = relative(root, name);
      const tests = assertionResults.filter((test) => test.status === 'failed');
      if (tests.length === 0) return [`FAILED ${file}\n${few(message)}`];
      return tests.map(({ fullName, failureMessages }) => `FAILED ${file} > ${fullName}\n${few(failureMessages?.join('\n') ?? '')}`);
    })
    .join('\n\n');
}

/** knip is silent when it looked at nothing, so its entries must exist (hints are errors in knip.json). */
async function unused(root: string): Promise<Outcome> {
  const { ok, output } = await command(root, ['knip', '--no-progress', '--tsConfig', 'tsconfig.build.json']);
  const sources = sourcesOf(root).length;
  return sources === 0 ? outcome(false, 'It checked no file.', '') : outcome(ok, output, `${sources} files of src/`);
}

/** Where package.json points: what users import and what they start. */
const Manifest = z.object({
  bin: z.record(z.string(), z.string()),
  exports: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])),
});

/** Builds, and then really imports what was built. */
async function build(root: string): Promise<Outcome> {
  const built = await command(root, ['npm', 'run', '--silent', 'build']);
  if (!built.ok) return outcome(false, built.output, '');
  const { bin, exports } = Manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  const targets = [...Object.values(bin), ...Object.values(exports).flatMap((to) => (typeof to === 'string' ? [to] : Object.values(to)))];
  const absent = targets.filter((target) => !existsSync(join(root, target)));
  if (targets.length === 0 || absent.length > 0)
    return outcome(false, `package.json points at what was not built: ${absent.join(', ')}`, '');
  const modules = Object.values(exports).flatMap((to) => (typeof to === 'string' ? [] : [to['default'] ?? '']));
  const script = modules.map((module) => `await import(${JSON.stringify(module)});`).join('\n');
  const imported = await command(root, ['node', '--input-type=module', '--eval', script]);
  return outcome(imported.ok, imported.output, `${globSync('dist/**/*.js', { cwd: root }).length} modules`);
}

/** Packs what `build` left and looks at the package as its users will get it. */
async function lintPackage(root: string): Promise<Outcome> {
  return inTemporaryFolder(async (folder) => {
    const packed = await command(root, ['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder]);
    const [tarball] = globSync('*.tgz', { cwd: folder });
    if (!packed.ok || tarball === undefined) return outcome(false, packed.output, '');
    const file = join(folder, tarball);
    const content = await command(folder, ['tar', '-tzf', file]);
    const modules = content.output.split('\n').filter((line) => line.startsWith('package/dist/') && line.endsWith('.js'));
    if (modules.length === 0) return outcome(false, `The package has no modules:\n${content.output}`, '');
    const ends = [
      await command(root, ['publint', 'run', file, '--strict']),
      // CommonJS gets a module, which Node's require() takes since 22.12.
      await command(root, ['attw', file, '--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji', '--format', 'ascii']),
      await compileDeclarations(root),
    ];
    return outcome(
      ends.every((end) => end.ok),
      ends.map((end) => end.output).join('\n'),
      `${modules.length} modules`,
    );
  });
}

/** Compiles the public declarations and all they reach as a program without Node's types does. */
async function compileDeclarations(root: string): Promise<Ended> {
  const { exports } = Manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  const files = Object.values(exports).flatMap((to) => (typeof to === 'string' || to['types'] === undefined ? [] : [to['types']]));
  const lean = '--ignoreConfig --noEmit --strict --module nodenext --target es2024 --lib es2024,dom --skipLibCheck false --pretty false';
  return command(root, ['tsc', ...lean.split(' '), '--types', '', ...files]);
}

/** The tests run the examples; here only that none is left out. */
async function examples(root: string): Promise<Outcome> {
  const names = globSync('examples/*/', { cwd: root }).map((path) => path.replaceAll('\\', '/').replace(/\/$/, ''));
  const texts = globSync('test/**/*.test.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));
  const untold = names.filter((name) => !texts.some((text) => text.includes(`${name}/`)));
  if (names.length === 0) return outcome(false, 'There is no example.', '');
  return outcome(untold.length === 0, untold.map((name) => `${name}: no test runs it`).join('\n'), `${names.length} in the tests`);
}

async function inTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'amdahl-house-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
