// What is sent beside the input: an agent's instructions and tools, replies, results and repairs as messages and settings of
// one conversation. The input is opening.ts's.
// Pure and byte-stable: the same agent and input give the same bytes, so that provider caches hit and a resume
// sends what was sent before.

import type {
  JSONSchema7,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolCall,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import type { ModelBehaviour } from '../agent/agent.ts';
import type { ToolResult } from '../agent/checks.ts';
import type { Json } from '../agent/canonical.ts';
import { type Contract, wrapForModel } from '../agent/contract.ts';
import type { AnyAgent } from '../agent/definition.ts';
import type { Problem } from '../agent/errors.ts';
import { outputForm } from '../agent/jsonSchema.ts';
import { type ModelSettings, recordable } from '../agent/settings.ts';
import { takesText, TEXT_ARGUMENTS, type ToolSpec } from '../agent/tool.ts';
import type { Setup } from '../journal/event.ts';
import { estimateSetup } from './tokens.ts';

/** What stays the same over the turns of a conversation, and over all conversations of an agent in one entry. */
export interface Fixed {
  /** Every conversation's first message. */
  readonly instructions: LanguageModelV4Message;
  /** The same with the form of the answer spelled out, for models whose provider does not pass it on. */
  readonly instructionsWithForm: LanguageModelV4Message;
  readonly tools: LanguageModelV4FunctionTool[];
  readonly format: NonNullable<LanguageModelV4CallOptions['responseFormat']>;
  /** The input is nothing but text, and is rendered as it is. */
  readonly onlyText: boolean;
  /** The input is a conversation, and is sent as one. */
  readonly isConversation: boolean;
  /** Set when the answer comes wrapped because its contract is no object. */
  readonly unwrap: 'value' | undefined;
  /** Tools and format as journaled; frozen, so that it is hashed once. */
  readonly setup: Setup;
  /** What tools and format add to a request, estimated. */
  readonly tokens: number;
}

/** What was last made of an agent: agents do not change once made, and every run asks for it. */
const made = new WeakMap<
  ModelBehaviour,
  { readonly name: string; readonly output: Contract; readonly settings: ModelSettings; readonly fixed: Fixed }
>();

/** Tools and answer format of an agent. O(size of its schemas) the first time; again only where the model is another. */
export function fixedOf({ name, input, output }: Called, behaviour: ModelBehaviour, model: string, settings: ModelSettings): Fixed {
  const before = made.get(behaviour);
  if (
    before !== undefined &&
    before.fixed.setup.model === model &&
    before.settings === settings &&
    before.name === name &&
    before.output === output
  )
    return before.fixed;
  const fixed = makeFixed({ name, input, output }, behaviour, model, settings);
  made.set(behaviour, { name, output, settings, fixed });
  return fixed;
}

/** What of an agent its prompts are made of, beside what is behind it. */
type Called = Pick<AnyAgent, 'name' | 'input' | 'output'>;

function makeFixed({ name, input, output }: Called, behaviour: ModelBehaviour, model: string, settings: ModelSettings): Fixed {
  const tools = [...behaviour.tools.values()].map((tool): LanguageModelV4FunctionTool => ({
    type: 'function',
    name: tool.name,
    description: tool.description,
    inputSchema: toolSchema(tool),
  }));
  const { format, unwrap } = formatOf(name, output);
  const setup = Object.freeze({ model, tools: tools as never, format: format as never, settings: recordable(settings) as never }); // JSON: schemas and texts
  const tokens = estimateSetup({ tools, responseFormat: format });
  const instructions: LanguageModelV4Message = { role: 'system', content: behaviour.instructions };
  const instructionsWithForm =
    formOf(format) === undefined ? instructions : { ...instructions, content: `${behaviour.instructions}\n\n${formOf(format)}` };
  return {
    instructions,
    instructionsWithForm,
    tools,
    format,
    onlyText: isOnlyText(input),
    isConversation: input.raw !== undefined,
    unwrap,
    setup,
    tokens,
  };
}

function isOnlyText(input: Contract): boolean {
  if (input.schema === undefined) return input.kind === 'text';
  const form = outputForm(input.schema);
  return typeof form === 'object' && form !== null && 'type' in form && form.type === 'string';
}

/** The form of an answer in words; undefined for text. */
function formOf(format: Fixed['format']): string | undefined {
  return format.type === 'json'
    ? `Answer with JSON that fits this JSON Schema, and with nothing else:\n${JSON.stringify(format.schema)}`
    : undefined;
}

/** Messages without the form of the answer, where it is spelled out. `format` is as it was journaled. Pure. */
export function withoutForm(messages: readonly LanguageModelV4Message[], format: Json | undefined): readonly LanguageModelV4Message[] {
  const form = typeof format === 'object' && format !== null && 'type' in format ? formOf(format as Fixed['format']) : undefined; // as made below
  if (form === undefined) return messages;
  const end = `\n\n${form}`;
  const cut = (text: string): string => (text.endsWith(end) ? text.slice(0, -end.length) : text);
  return messages.map((message): LanguageModelV4Message => {
    if (message.role === 'system') return { ...message, content: cut(message.content) };
    if (message.role !== 'user') return message;
    return { ...message, content: message.content.map((part) => (part.type === 'text' ? { ...part, text: cut(part.text) } : part)) };
  });
}

function formatOf(name: string, output: Contract): Pick<Fixed, 'format' | 'unwrap'> {
  if (output.kind === 'text') return { format: { type: 'text' }, unwrap: undefined };
  const { schema, unwrap } = wrapForModel(output.jsonSchema());
  return { format: { type: 'json', schema, name: name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 64) }, unwrap };
}

function toolSchema(tool: ToolSpec): JSONSchema7 {
  if (takesText(tool)) return TEXT_ARGUMENTS as unknown as JSONSchema7; // the same shape, deeply readonly
  return argumentsForm(tool).schema;
}

/** Providers want objects as arguments. A foreign tool's own JSON Schema is passed on as it came. */
function argumentsForm({ input }: ToolSpec): ReturnType<typeof wrapForModel> {
  const schema = input.jsonSchema();
  return input.schema === undefined ? { schema, unwrap: undefined } : wrapForModel(schema);
}

/** What a model wrote for a tool, out of the object that was put around it for providers. Pure. */
export function unwrapArguments(tool: ToolSpec, args: Json): Json {
  const within = takesText(tool) ? 'input' : argumentsForm(tool).unwrap;
  if (within === undefined || typeof args !== 'object' || args === null) return args;
  return Object.entries(args).find(([key]) => key === within)?.[1] ?? args;
}

/** A reply as the next request repeats it, with what the provider wants back (signatures, item ids). */
export function assistantMessage(content: readonly LanguageModelV4Content[]): LanguageModelV4Message {
  const parts: Extract<LanguageModelV4Message, { role: 'assistant' }>['content'] = [];
  for (const part of content) {
    const options = 'providerMetadata' in part && part.providerMetadata !== undefined ? { providerOptions: part.providerMetadata } : {};
    switch (part.type) {
      case 'text':
        if (part.text !== '') parts.push({ type: 'text', text: part.text, ...options });
        break;
      case 'reasoning':
        parts.push({ type: 'reasoning', text: part.text, ...options });
        break;
      case 'tool-call':
        parts.push({
          type: 'tool-call',
          toolCallId: part.toolCallId,
          toolName: part.toolName,
          input: argumentsOf(part),
          ...(part.providerExecuted === true ? { providerExecuted: true } : {}),
          ...options,
        });
        break;
      case 'tool-result':
        parts.push({
          type: 'tool-result',
          toolCallId: part.toolCallId,
          toolName: part.toolName,
          output: { type: part.isError === true ? 'error-json' : 'json', value: part.result },
          ...options,
        });
        break;
      case 'file':
        if (typeof part.data === 'object') parts.push({ type: 'file', data: part.data, mediaType: part.mediaType, ...options });
        break;
      case 'reasoning-file':
        parts.push({ type: 'reasoning-file', data: part.data, mediaType: part.mediaType, ...options });
        break;
      case 'custom':
        parts.push({ type: 'custom', kind: part.kind, ...options });
        break;
      // Sources are told to people, and approvals of provider tools belong to no tool that is offered here.
      case 'source':
      case 'tool-approval-request':
        break;
    }
  }
  return { role: 'assistant', content: parts };
}

/** The arguments of a tool call as JSON; text that is none is passed on as it came. */
export function argumentsOf(call: LanguageModelV4ToolCall): unknown {
  if (call.input.trim() === '') return {};
  try {
    return JSON.parse(call.input) as unknown;
  } catch {
    return call.input;
  }
}

/** The message that asks for a better answer; with the form of the answer spelled out where `format` is given. `staged`: what still waits to be done. */
export function repairMessage(
  problems: readonly Problem[],
  json: boolean,
  format?: Fixed['format'],
  staged: readonly string[] = [],
): LanguageModelV4Message {
  const list = problems.map(({ path, message }) => (path === '' ? `- ${message}` : `- ${path}: ${message}`)).join('\n');
  const again = json
    ? 'Give the whole answer again, corrected, as JSON of the required form and nothing else.'
    : 'Give the whole answer again, corrected.';
  const form = format === undefined ? undefined : formOf(format);
  const kept =
    staged.length === 0 ? '' : ` Still staged, and done once your answer is accepted; do not call for it again: ${staged.join(', ')}.`;
  const text = `Your last answer was refused:\n${list}\n\n${again}${kept}${form === undefined ? '' : `\n\n${form}`}`;
  return { role: 'user', content: [{ type: 'text', text }] };
}

/** A tool's answer as the model gets it. */
export function toolPart(
  call: LanguageModelV4ToolCall,
  answer: { readonly result: unknown } | { readonly error: string },
): LanguageModelV4ToolResultPart {
  const { toolCallId, toolName } = call;
  if ('error' in answer) return { type: 'tool-result', toolCallId, toolName, output: { type: 'error-text', value: answer.error } };
  const { result } = answer;
  const output: LanguageModelV4ToolResultPart['output'] =
    typeof result === 'string' ? { type: 'text', value: result } : { type: 'json', value: result as never }; // JSON by toJson() at the tool's door
  return { type: 'tool-result', toolCallId, toolName, output };
}

/** What the tools of a conversation gave, in order: the evidence for checks. Errors are not evidence. */
export function resultsOf(prompt: LanguageModelV4Prompt): readonly ToolResult[] {
  const args = new Map<string, unknown>();
  const results: ToolResult[] = [];
  for (const message of prompt) {
    if (message.role !== 'assistant' && message.role !== 'tool') continue;
    for (const part of message.content) {
      if (part.type === 'tool-call') args.set(part.toolCallId, part.input);
      if (part.type !== 'tool-result') continue;
      const { output, toolName, toolCallId } = part;
      if (output.type === 'text' || output.type === 'json' || output.type === 'content') {
        results.push({ tool: toolName, args: args.get(toolCallId), result: output.value });
      }
    }
  }
  return results;
}
