// The secrets of one run, gathered from its options, its agents and this process. Called by run.ts and its like, before a
// run is claimed: an input that holds one leaves no trace.

import type { AnyAgent } from '../agent/definition.ts';
import { credentialsOf } from '../model/providerAccount.ts';
import { modelObjects } from './models.ts';
import type { RunOptions } from './runOptions.ts';
import { type Known, knownSecrets } from './secretOptions.ts';
import { Secrets } from './secrets.ts';
import { systemRegistry, systemSurroundings } from './surroundings.ts';

/** @throws AmdahlError MISCONFIGURED for models that are none; SECRET_IN_CONTRACT for a subject or a scope that holds a secret. */
export function secretsOf(root: AnyAgent, options: RunOptions): Secrets {
  const { secrets = {}, models = {}, settings = {}, context, subject, scope } = options;
  const credentials = new Set(modelObjects(root, models, systemRegistry).flatMap(credentialsOf));
  // Headers are the run's settings', or the agents' own.
  const objects = new Set<unknown>([context, settings, ...settingsBelow(root)]);
  const known = (): Known => knownSecrets(secrets, { env: systemSurroundings.env, credentials: [...credentials], objects: [...objects] });
  const learn = (more: unknown, asked: readonly object[]): Known | undefined => {
    const before = credentials.size + objects.size;
    for (const credential of asked.flatMap(credentialsOf)) credentials.add(credential);
    if (typeof more === 'object' && more !== null && 'headers' in more) objects.add(more);
    return credentials.size + objects.size === before ? undefined : known();
  };
  const found = new Secrets(known(), learn);
  // Both are journaled as they are: a placeholder would be another subject, and another tenant.
  found.refuse(subject, 'The subject of the run');
  found.refuse(scope, 'The scope of the run');
  return found;
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
