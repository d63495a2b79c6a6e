// The secrets of one run, gathered from its options, its agents and this process. Called by run.ts and its like, before a
// run is claimed: an input that holds one leaves no trace.

import type { AnyAgent } from '../agent/definition.ts';
import { credentialsOf } from '../model/providerAccount.ts';
import { modelObjects } from './models.ts';
import type { RunOptions } from './runOptions.ts';
import { knownSecrets } from './secretOptions.ts';
import { Secrets } from './secrets.ts';
import { systemRegistry, systemSurroundings } from './surroundings.ts';

/** @throws AmdahlError MISCONFIGURED for models that are none. */
export function secretsOf(root: AnyAgent, { secrets = {}, models = {} }: RunOptions): Secrets {
  const credentials = modelObjects(root, models, systemRegistry).flatMap(credentialsOf);
  return new Secrets(knownSecrets(secrets, { env: systemSurroundings.env, credentials }));
}
