// The secrets of one run, gathered from its options, its agents and this process. Called by run.ts and its like, before a
// run is claimed: an input that holds one leaves no trace.

import type { AnyAgent } from '../agent/definition.ts';
import { credentialsOf } from '../model/providerAccount.ts';
import { modelObjects } from './models.ts';
import type { RunOptions } from './runOptions.ts';
import { knownSecrets } from './secretOptions.ts';
import { Secrets } from './secrets.ts';
import { systemRegistry, systemSurroundings } from './surroundings.ts';

/** @throws AmdahlError MISCONFIGURED for models that are none; SECRET_IN_CONTRACT for a subject or a scope that holds a secret. */
export function secretsOf(root: AnyAgent, options: RunOptions): Secrets {
  const { secrets = {}, models = {}, context, subject, scope } = options;
  const credentials = modelObjects(root, models, systemRegistry).flatMap(credentialsOf);
  // Headers are the run's settings', or the agents' own.
  const objects = [context, 'settings' in options ? options.settings : undefined, ...settingsBelow(root)];
  const known = new Secrets(knownSecrets(secrets, { env: systemSurroundings.env, credentials, objects }));
  // Both are journaled as they are: a placeholder would be another subject, and another tenant.
  known.refuse(subject, 'The subject of the run');
  known.refuse(scope, 'The scope of the run');
  return known;
}

/** Of all agents that are known without running them. */
function settingsBelow(root: AnyAgent): readonly unknown[] {
  const seen = new Set<AnyAgent>();
  const visit = (agent: AnyAgent): void => {
    if (seen.has(agent)) return;
    seen.add(agent);
    agent.children.forEach(visit);
  };
  visit(root);
  return [...seen].flatMap(({ behaviour }) => (behaviour.kind === 'model' ? [behaviour.settings] : []));
}
