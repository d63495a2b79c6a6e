// render(): what an agent would send for an input, without sending it. Programs, tests and `amdahl prompt` call it; it takes
// the same way as a run: contract, context, settings, the form of the answer, files.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import type { Agent, AnyAgent } from '../agent/definition.ts';
import { toJson } from '../agent/canonical.ts';
import { AmdahlError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import { checkOptions } from '../agent/options.ts';
import { type ModelSettings, recordable } from '../agent/settings.ts';
import type { RunId } from '../journal/event.ts';
import { draft, opening } from '../model/opening.ts';
import { inputRefused } from './call.ts';
import { Contexts } from './contexts.ts';
import { Files } from './files.ts';
import { limitsOf } from './limits.ts';
import type { Models } from './models.ts';
import { rootAsker } from './place.ts';
import { systemClock } from './ports.ts';
import { Roster } from './roster.ts';
import { checkSettings, type Settings } from './runSettings.ts';
import { secretsOf } from './runSecrets.ts';
import { systemDownload } from './download.ts';
import { systemRegistry } from './surroundings.ts';

export interface RenderOptions {
  /** As `run` takes it. */
  readonly context?: unknown;
  readonly models?: Models;
  readonly settings?: Settings;
}

/** The first request of a call, as a model is given it. */
export interface Rendered {
  /** 'provider/modelId'. */
  readonly model: string;
  readonly messages: readonly LanguageModelV4Message[];
  readonly tools: Exclude<LanguageModelV4CallOptions['tools'], undefined>;
  readonly format: Exclude<LanguageModelV4CallOptions['responseFormat'], undefined>;
  /** Without headers. */
  readonly settings: Omit<ModelSettings, 'headers'>;
}

/**
 * What `agent` would send for `input`: exactly the messages, tools and answer format of its first request. Asks no model and
 * records nothing; an address that its model does not take is fetched.
 * @throws AmdahlError as the call would, before anything is sent
 */
export async function render<I, N extends string, C>(
  agent: Agent<I, unknown, N, C>,
  input: NoInfer<I>,
  options: RenderOptions = {},
): Promise<Rendered> {
  checkOptions(options, { context: true, models: true, settings: true }, 'render()');
  if (options.settings !== undefined) checkSettings(options.settings);
  const asked = agent as unknown as AnyAgent; // the funnel knows agents by their contracts
  const { behaviour, name } = asked;
  if (behaviour.kind !== 'model')
    throw new AmdahlError('MISCONFIGURED', `'${name}' is answered by no model: render takes an agent of agent().`);
  const { models = {}, settings = {} } = options;
  const secrets = secretsOf(asked, { models });
  const given: unknown = asked.input.raw === undefined ? input : asked.input.raw(input);
  const checked = await asked.input.validate(secrets.input(asked, toJson(given, `the input of '${name}'`), name));
  if (!checked.ok) throw inputRefused(name, checked.problems);
  const context = await (await Contexts.of(asked, options.context)).give(asked.context, `'${name}'`);
  const roster = new Roster({ clock: systemClock, prices: {}, rateLimits: {}, models, settings, registry: systemRegistry, secrets });
  const [{ model }] = roster.candidatesOf(asked);
  const formless = await isFormless(roster, model);
  const fixed = roster.fixedOf(asked);
  const outline = draft(fixed, behaviour, { agent: name, input: checked.value, context, formless });
  const files = filesAlone((text) => secrets.text(text));
  files.hold(given);
  await files.admit(outline.attachments, name, true);
  const parts = new Map(await Promise.all(outline.attachments.map(async (one) => [one, await files.part(one, [model])] as const)));
  const messages = opening(outline, (one) => parts.get(one) ?? { type: 'text', text: '' });
  const { tools, format } = fixed;
  return { model: modelName(model), messages: secrets.messages(messages), tools, format, settings: recordable(roster.settingsOf(asked)) };
}

/** A model that cannot be loaded here (its key is not set, say) is taken to pass on the form of an answer: most do. */
async function isFormless(roster: Roster, model: LanguageModelV4): Promise<boolean> {
  try {
    await roster.prepare(model);
    return roster.isFormless(model);
  } catch {
    return false;
  }
}

/** Files of no run: nothing is recorded, and nothing was before. */
function filesAlone(safe: (text: string) => string): Files {
  const place = rootAsker('render' as RunId);
  return new Files({ limits: limitsOf(), download: systemDownload, safe, note: () => {}, recorded: () => Promise.resolve([]), place });
}
