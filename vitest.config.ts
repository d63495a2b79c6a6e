// How the tests run: no focused test slips through, none is retried, and finding none is a failure.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    allowOnly: false,
    passWithNoTests: false,
    retry: 0,
    // Many tests wait for processes and sockets. The default would leave one of two cores to them.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
