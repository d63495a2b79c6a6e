// Everything CI runs: `npm run verify`, which is `npm test`. Names as arguments run single steps:
// `npm run verify -- lint floors`. Goes on after a failure, ends non-zero, and its last line counts.

import { dirname } from 'node:path';
import { STEPS } from './steps.ts';

const root = dirname(import.meta.dirname);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`No such step: ${unknown.join(', ')}. There are ${STEPS.map((step) => step.name).join(', ')}.`);
  process.exit(2);
}

// Leaving through process.exit stops the tool that is running (command.ts).
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

let passed = 0;
let failed = 0;
for (const step of STEPS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const startedAt = performance.now();
  const outcome = await step.run(root);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${outcome.ok ? 'ok  ' : 'FAIL'}  ${step.name.padEnd(9)}${seconds.padStart(7)} s   ${outcome.note}`.trimEnd());
  if (!outcome.ok) console.log(`\n${outcome.output.trim()}\n`);
  passed += outcome.passed;
  failed += outcome.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
