// `amdahl prompt`: what an agent would send for an input, without sending it.

import type { Rendered } from '../run/render.ts';
import { render } from '../run/render.ts';
import { makeContext, readSubject } from './contextOption.ts';
import { readInput } from './inputOption.ts';
import { loadProgram } from './program.ts';
import { renderRequest, type SentRequest } from './promptText.ts';
import { visible } from './quantities.ts';
import { EXIT } from './report.ts';
import type { Terminal } from './terminal.ts';

export interface PromptOptions {
  readonly input?: string;
  readonly subject?: string;
  readonly model?: string;
  readonly json?: boolean;
}

export async function renderCommand(file: string, options: PromptOptions, terminal: Terminal): Promise<number> {
  const program = await loadProgram(file);
  const { agent } = program;
  const input = await readInput(options.input, agent, terminal);
  const context = await makeContext(program, readSubject(options.subject));
  const models = { ...program.options.models, ...(options.model === undefined ? {} : { [agent.name]: options.model }) };
  const settings = program.options.settings ?? {};
  const rendered = await render(agent as never, input as never, { context, models: models as never, settings: settings as never }); // held against their rules there
  const request = requestOf(agent.name, rendered);
  const { out } = terminal;
  if (options.json === true) out.line(JSON.stringify(request));
  else for (const line of renderRequest(request, out.colors)) out.line(out.tty ? visible(line) : line);
  return EXIT.succeeded;
}

/** As `show --prompt` tells it of a run. */
function requestOf(agent: string, { model, messages, tools, format, settings }: Rendered): SentRequest {
  const setup = { model, tools: tools as never, format: format as never, settings: settings as never }; // JSON: schemas and texts
  return { path: agent, agent, attempt: 0, turn: 0, model, messages, added: messages, setup, again: false };
}
