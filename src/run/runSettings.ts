// Settings that a run gives its agents, over their own. Called by runOptions.ts, which checks them, and by roster.ts.

import type { AnyAgent } from '../agent/definition.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import { type ModelSettings, settingsOf, settingsOver } from '../agent/settings.ts';

/** Settings by agent name; those of '*' are for all. Each replaces the setting of the same name that the agent has. */
export type Settings = Readonly<Record<string, ModelSettings>>;

/** @throws AmdahlError MISCONFIGURED */
export function checkSettings(settings: unknown): void {
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings))
    throw new AmdahlError(
      'MISCONFIGURED',
      `run() was given ${kindOf(settings)} as settings. Give them by agent: { review: { temperature: 0 } }.`,
    );
  for (const [name, own] of Object.entries(settings)) {
    if (typeof own !== 'object')
      throw new AmdahlError(
        'MISCONFIGURED',
        `settings of the run has ${kindOf(own)} as '${name}'. Give settings by agent, '*' for all: { '*': { ${name}: … } }.`,
      );
    settingsOf(own as ModelSettings, `settings['${name}'] of the run`, undefined); // looked at there
  }
}

/** An agent's settings in a run. @throws AmdahlError MISCONFIGURED for a choice of a tool that it does not have */
export function settingsIn(settings: Settings, agent: AnyAgent): ModelSettings {
  const { behaviour, name } = agent;
  if (behaviour.kind !== 'model') return {};
  const own = Object.hasOwn(settings, name) ? settings[name] : undefined;
  if (own?.toolChoice !== undefined) settingsOf(own, `settings['${name}'] of the run`, [...behaviour.tools.keys()]);
  return settingsOver(behaviour.settings, settings['*'], own);
}
