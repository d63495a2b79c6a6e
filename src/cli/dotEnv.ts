// The file .env of the folder that a command is started in: keys, AMDAHL_MODEL, AMDAHL_DIR. Read before any command.

import { existsSync } from 'node:fs';
import process from 'node:process';
import { AmdahlError, describe } from '../agent/errors.ts';

/**
 * Sets what .env has and the environment has not, as `node --env-file-if-exists=.env` does.
 * @throws AmdahlError MISCONFIGURED where it is there and cannot be read.
 */
export function loadDotEnv(): void {
  if (!existsSync('.env')) return;
  try {
    process.loadEnvFile('.env');
  } catch (cause) {
    throw new AmdahlError('MISCONFIGURED', `.env cannot be read: ${describe(cause)}. Mend it, or remove it.`, { cause });
  }
}
