// V4 requests in the words of V3 and V2, for adapted.ts. Pure. A part, a setting or a tool that the older version
// has no word for is refused with MODEL_BAD_REQUEST before anything is sent.

import { Buffer } from 'node:buffer';
import type {
  LanguageModelV2CallOptions,
  LanguageModelV2Message,
  LanguageModelV2ToolResultPart,
  LanguageModelV3CallOptions,
  LanguageModelV3Message,
  LanguageModelV3ToolResultPart,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';

/** Whose request it is: named in errors. */
export interface Older {
  readonly specificationVersion: 'v2' | 'v3';
  readonly provider: string;
  readonly modelId: string;
}

type AssistantPart = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];
type AssistantPartV3 = Extract<LanguageModelV3Message, { role: 'assistant' }>['content'][number];
type ToolPart = Extract<LanguageModelV4Message, { role: 'tool' }>['content'][number];
type ResultOutput = LanguageModelV4ToolResultPart['output'];
type OutputPart = Extract<ResultOutput, { type: 'content' }>['value'][number];
type OutputPartV3 = Extract<LanguageModelV3ToolResultPart['output'], { type: 'content' }>['value'][number];
type OutputPartV2 = Extract<LanguageModelV2ToolResultPart['output'], { type: 'content' }>['value'][number];

/** @throws AmdahlError MODEL_BAD_REQUEST for what V3 cannot say. O(size of the prompt). */
export function requestForV3(request: LanguageModelV4CallOptions, model: Older): LanguageModelV3CallOptions {
  const { prompt, reasoning, ...rest } = request;
  checkEffort(reasoning, model);
  return { ...rest, prompt: prompt.map((message) => messageForV3(message, model)) };
}

/** @throws AmdahlError MODEL_BAD_REQUEST for what V2 cannot say. O(size of the prompt). */
export function requestForV2(request: LanguageModelV4CallOptions, model: Older): LanguageModelV2CallOptions {
  const { prompt, reasoning, tools, ...rest } = request;
  checkEffort(reasoning, model);
  const older = tools?.map((tool) => toolForV2(tool, model));
  return optionsForV2({
    ...rest,
    ...(older === undefined ? {} : { tools: older }),
    prompt: prompt.map((message) => messageForV2(message, model)),
  });
}

/** What a provider is told or wants back is JSON in all versions; V2's types alone do not know that a field may be absent. */
function optionsForV2(request: object): LanguageModelV2CallOptions {
  return request as LanguageModelV2CallOptions; // differs in the type of providerOptions only
}

function checkEffort(reasoning: LanguageModelV4CallOptions['reasoning'], model: Older): void {
  if (reasoning === undefined || reasoning === 'provider-default') return;
  throw unsayable(`the setting reasoning: '${reasoning}'`, model, 'Set it in providerOptions as that provider names it');
}

function unsayable(what: string, model: Older, advice: string): AmdahlError {
  const { specificationVersion, provider, modelId } = model;
  return new AmdahlError(
    'MODEL_BAD_REQUEST',
    `The request to ${provider}/${modelId} holds ${what}, which language models of version ${specificationVersion} have no word for. ${advice}, or update the provider package to one that makes V4 models (AI SDK 7).`,
    { data: { model: `${provider}/${modelId}`, version: specificationVersion, what } },
  );
}

function messageForV3(message: LanguageModelV4Message, model: Older): LanguageModelV3Message {
  switch (message.role) {
    case 'system':
      return message;
    case 'user':
      return {
        ...message,
        content: message.content.map((part) => (part.type === 'file' ? { ...part, ...fileForOlder(part, model) } : part)),
      };
    case 'assistant':
      return { ...message, content: message.content.map((part) => assistantForV3(part, model)) };
    case 'tool':
      return { ...message, content: message.content.map((part) => (part.type === 'tool-result' ? resultForV3(part) : part)) };
  }
}

function assistantForV3(part: AssistantPart, model: Older): AssistantPartV3 {
  switch (part.type) {
    case 'text':
    case 'reasoning':
    case 'tool-call':
      return part;
    case 'file':
      return { ...part, ...fileForOlder(part, model) };
    case 'tool-result':
      return resultForV3(part);
    case 'custom':
    case 'reasoning-file':
      throw unsayable(`a '${part.type}' part of an earlier answer`, model, 'Start the conversation anew with this model');
  }
}

/** V4 says what kind of data a file is; before, that was told from its JavaScript type. */
function fileForOlder({ data, mediaType }: LanguageModelV4FilePart, model: Older): { data: Uint8Array | string | URL; mediaType: string } {
  const type = mediaType.includes('/') ? mediaType : `${mediaType}/*`;
  switch (data.type) {
    case 'data':
      return { data: data.data, mediaType: type };
    case 'url':
      return { data: data.url, mediaType: type };
    case 'text':
      // A guess would be wrong here: the older versions want to know what kind of text it is.
      return { data: new TextEncoder().encode(data.text), mediaType: mediaType === 'text' ? 'text/plain' : type };
    case 'reference':
      throw unsayable('a file that only the provider has (a reference)', model, 'Send the file itself or its URL');
  }
}

function resultForV3(part: LanguageModelV4ToolResultPart): LanguageModelV3ToolResultPart {
  const { output } = part;
  if (output.type !== 'content') return { ...part, output };
  return { ...part, output: { type: 'content', value: output.value.map(outputPartForV3) } };
}

function outputPartForV3(part: OutputPart): OutputPartV3 {
  if (part.type !== 'file') return part;
  const { data, mediaType, filename, providerOptions } = part;
  const options = providerOptions === undefined ? {} : { providerOptions };
  const image = mediaType === 'image' || mediaType.startsWith('image/');
  switch (data.type) {
    case 'data':
    case 'text': {
      const [base64, type] = [
        base64Of(data.type === 'text' ? data.text : data.data, data.type),
        mediaType === 'text' ? 'text/plain' : mediaType,
      ];
      if (image) return { type: 'image-data', data: base64, mediaType: type, ...options };
      return { type: 'file-data', data: base64, mediaType: type, ...(filename === undefined ? {} : { filename }), ...options };
    }
    case 'url':
      return { type: image ? 'image-url' : 'file-url', url: data.url.href, ...options };
    case 'reference':
      return { type: image ? 'image-file-id' : 'file-id', fileId: data.reference, ...options };
  }
}

function base64Of(data: string | Uint8Array, kind: 'data' | 'text'): string {
  return typeof data === 'string' && kind === 'data' ? data : Buffer.from(data).toString('base64');
}

function toolForV2(
  tool: NonNullable<LanguageModelV4CallOptions['tools']>[number],
  model: Older,
): NonNullable<LanguageModelV2CallOptions['tools']>[number] {
  if (tool.type === 'provider') return { ...tool, type: 'provider-defined' };
  const { strict, inputExamples, ...rest } = tool;
  if (strict === true) throw unsayable(`the strict tool '${tool.name}'`, model, 'Leave strict out');
  if (inputExamples !== undefined && inputExamples.length > 0) {
    throw unsayable(`examples of input for the tool '${tool.name}'`, model, 'Put them into its description');
  }
  return rest as NonNullable<LanguageModelV2CallOptions['tools']>[number]; // see optionsForV2
}

function messageForV2(message: LanguageModelV4Message, model: Older): LanguageModelV2Message {
  switch (message.role) {
    case 'tool':
      return messageOfV2({ ...message, content: message.content.map((part) => toolPartForV2(part, model)) });
    case 'assistant':
      return messageOfV2({
        ...message,
        content: message.content.map((part) => (part.type === 'tool-result' ? resultForV2(part, model) : assistantForV3(part, model))),
      });
    case 'system':
    case 'user':
      return messageOfV2(messageForV3(message, model));
  }
}

function messageOfV2(message: object): LanguageModelV2Message {
  return message as LanguageModelV2Message; // see optionsForV2
}

function toolPartForV2(part: ToolPart, model: Older): LanguageModelV2ToolResultPart {
  if (part.type === 'tool-result') return resultForV2(part, model);
  throw unsayable("the answer to a provider's question whether its tool may run", model, 'Do not let the provider ask');
}

function resultForV2(part: LanguageModelV4ToolResultPart, model: Older): LanguageModelV2ToolResultPart {
  return { ...part, output: outputForV2(part.output, model) } as LanguageModelV2ToolResultPart; // see optionsForV2
}

function outputForV2(output: ResultOutput, model: Older): LanguageModelV2ToolResultPart['output'] {
  if (output.type === 'content') return { type: 'content', value: output.value.map((part) => outputPartForV2(part, model)) };
  refuseOptions(output.providerOptions, model);
  switch (output.type) {
    case 'text':
    case 'error-text':
      return { type: output.type, value: output.value };
    case 'json':
    case 'error-json':
      return { type: output.type, value: output.value };
    case 'execution-denied':
      return { type: 'error-text', value: output.reason ?? 'The tool was not allowed to run.' };
  }
}

function outputPartForV2(part: OutputPart, model: Older): OutputPartV2 {
  refuseOptions(part.providerOptions, model);
  if (part.type === 'text') return { type: 'text', text: part.text };
  if (part.type === 'custom') throw unsayable("a 'custom' part in a tool's result", model, 'Give text or files');
  const { data, mediaType } = part;
  if (data.type === 'data') return { type: 'media', data: base64Of(data.data, 'data'), mediaType };
  if (data.type === 'text') return { type: 'text', text: data.text };
  throw unsayable(`a file as a ${data.type === 'url' ? 'URL' : 'reference'} in a tool's result`, model, 'Give the file itself');
}

function refuseOptions(options: object | undefined, model: Older): void {
  if (options === undefined || Object.keys(options).length === 0) return;
  throw unsayable("providerOptions on a tool's output", model, 'Put them on the tool result itself');
}
