#!/usr/bin/env node
// The executable. It checks the version of Node before anything else is loaded, for older ones could not even read
// the rest.

import module from 'node:module';
import process from 'node:process';

const NODE_LEAST = [22, 18] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1])) {
  process.stderr.write(
    `amdahl needs Node ${NODE_LEAST.join('.')} or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'Install a newer one from https://nodejs.org, or put one beside amdahl: npm i -D node@24, then npx amdahl …\n',
  );
  process.exitCode = 2;
} else {
  // Starting takes a third of the time once Node has seen these files.
  module.enableCompileCache();
  const { main } = await import('./commands.ts');
  await main(process.argv);
}
