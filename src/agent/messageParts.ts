// The parts of model messages as JSON: checked one by one, files made attachments, what is empty left out, as AI SDK does
// before it asks a provider (convertToLanguageModelPrompt, read in ai 7.0.173). Called by messages.ts.

import { type Attachment, isAttachment, isHashed } from './attachment.ts';
import { kindOf } from './contract.ts';
import { describe } from './errors.ts';
import { addressOf, attach, inlineOf } from './files.ts';
import { mediaTypeOf } from './mediaType.ts';
import { isPrivateHost } from './privateHost.ts';

/** What is wrong with a message. Told with the message's number. */
export class PartError extends Error {
  override readonly name = 'PartError';
}

type Fields = Readonly<Record<string, unknown>>;

/** A part as JSON. A file's `data` is an attachment, a provider's reference, or text. */
export type Drafted = Fields & { readonly type: string };

/** Which parts a message may have. Approvals belong to tools that a provider runs. */
const PARTS: Readonly<Record<'user' | 'assistant' | 'tool', readonly string[]>> = {
  user: ['text', 'image', 'file'],
  assistant: ['text', 'reasoning', 'file', 'reasoning-file', 'custom', 'tool-call', 'tool-result', 'tool-approval-request'],
  tool: ['tool-result', 'tool-approval-response'],
};

/** The part as JSON; none where it says nothing. @throws PartError */
export function partOf(part: unknown, role: 'user' | 'assistant' | 'tool', at: string): readonly Drafted[] {
  const given = fieldsOf(part, at);
  const { type } = given;
  if (typeof type !== 'string' || !PARTS[role].includes(type))
    throw new PartError(`has a part of type ${JSON.stringify(type)} (${at}); a message of role ${role} takes ${PARTS[role].join(', ')}`);
  const options = optionsOf(given['providerOptions'], at);
  switch (type) {
    case 'text': {
      const text = textOf(given, 'text', at);
      const saysNothing = text === '' && (role === 'user' || given['providerOptions'] === undefined);
      return saysNothing ? [] : [{ type, text, ...options }];
    }
    case 'reasoning':
      return [{ type, text: textOf(given, 'text', at), ...options }];
    case 'image':
      return [{ ...filePart(given['image'], given['mediaType'] ?? 'image', at), ...options }];
    case 'file':
    case 'reasoning-file': {
      const { filename } = given;
      const name = typeof filename === 'string' ? { filename } : {};
      return [{ ...filePart(given['data'], given['mediaType'], at), type, ...name, ...options }];
    }
    case 'custom':
      return [{ type, kind: textOf(given, 'kind', at), ...options }];
    case 'tool-call': {
      const executed = given['providerExecuted'] === undefined ? {} : { providerExecuted: given['providerExecuted'] };
      return [
        {
          type,
          toolCallId: textOf(given, 'toolCallId', at),
          toolName: textOf(given, 'toolName', at),
          ...(given['input'] === undefined ? {} : { input: json(given['input']) }),
          ...executed,
          ...options,
        },
      ];
    }
    case 'tool-result':
      return [
        {
          type,
          toolCallId: textOf(given, 'toolCallId', at),
          toolName: textOf(given, 'toolName', at),
          output: outputOf(given['output'], at),
          ...options,
        },
      ];
    case 'tool-approval-response': {
      if (given['providerExecuted'] !== true) return [];
      const { approvalId, approved, reason } = given;
      return [{ type, approvalId, approved, ...(reason === undefined ? {} : { reason }), providerExecuted: true }];
    }
    default:
      return []; // a request for an approval is for people
  }
}

function outputOf(output: unknown, at: string): Fields {
  const given = fieldsOf(output, `${at}.output`);
  const { type, value } = given;
  const options = optionsOf(given['providerOptions'], at);
  switch (type) {
    case 'text':
    case 'error-text':
      return { type, value: textOf(given, 'value', `${at}.output`), ...options };
    case 'json':
    case 'error-json':
      return { type, value: json(value), ...options };
    case 'execution-denied':
      return { type, ...(typeof given['reason'] === 'string' ? { reason: given['reason'] } : {}), ...options };
    case 'content':
      if (!Array.isArray(value)) throw new PartError(`has ${kindOf(value)} as the content of a tool's result (${at}.output.value)`);
      return { type, value: value.map((item: unknown, nth) => contentItem(item, `${at}.output.value[${nth}]`)) };
    default:
      throw new PartError(`has a tool's result of type ${JSON.stringify(type)} (${at}.output)`);
  }
}

/** Also in the words of earlier versions. */
function contentItem(item: unknown, at: string): Drafted {
  const given = fieldsOf(item, at);
  const { type, data, url, mediaType, filename } = given;
  const options = optionsOf(given['providerOptions'], at);
  const name = typeof filename === 'string' ? { filename } : {};
  switch (type) {
    case 'text':
      return { type, text: textOf(given, 'text', at), ...options };
    case 'custom':
      return { type, ...options };
    case 'file':
    case 'file-data':
    case 'image-data':
    case 'media':
      return { ...filePart(data, mediaType ?? (type === 'image-data' ? 'image' : undefined), at), ...name, ...options };
    case 'file-url':
    case 'image-url':
      return { ...filePart(url, mediaType ?? (type === 'image-url' ? 'image' : undefined), at), ...options };
    default:
      throw new PartError(`has a tool's result with a part of type ${JSON.stringify(type)} (${at})`);
  }
}

/** A file with its content as an attachment: bytes, base64, data: URLs and addresses, bare or tagged. */
function filePart(data: unknown, mediaType: unknown, at: string): Drafted {
  if (mediaType !== undefined && typeof mediaType !== 'string')
    throw new PartError(`has a file with ${kindOf(mediaType)} as mediaType (${at})`);
  const type = { type: 'file', ...(mediaType === undefined ? {} : { mediaType }) };
  // A page may write one as JSON: an address in it is no better than one without.
  if (isAttachment(data)) return { ...type, data: isHashed(data) ? data : publicAddress(data.$file, data.mediaType, at) };
  if (typeof data === 'object' && data !== null && 'type' in data && !(data instanceof Uint8Array)) {
    if (data.type === 'data' && 'data' in data) return { ...type, data: inline(data.data, mediaType, at) };
    if (data.type === 'url' && 'url' in data) return { ...type, data: inline(data.url, mediaType, at) };
    if (data.type === 'reference' && 'reference' in data) return { ...type, data: { type: 'reference', reference: json(data.reference) } };
    if (data.type === 'text' && 'text' in data) return { ...type, data: { type: 'text', text: String(data.text) } };
  }
  return { ...type, data: inline(data, mediaType, at) };
}

function inline(data: unknown, mediaType: string | undefined, at: string): Attachment {
  if (data instanceof Uint8Array) return bytesOf(data, mediaType, at);
  if (data instanceof ArrayBuffer) return bytesOf(new Uint8Array(data), mediaType, at);
  if (typeof data !== 'string' && !(data instanceof URL)) throw new PartError(`has a file whose data is ${kindOf(data)} (${at})`);
  const text = String(data);
  if (/^data:/i.test(text)) return inlineOf(text);
  if (/^https?:/i.test(text)) return publicAddress(text, mediaType, at);
  if (/^[A-Za-z][\w+.-]*:/.test(text))
    throw new PartError(`has a file at ${JSON.stringify(text.slice(0, 60))} (${at}); it takes http, https and data`);
  return bytesOf(Buffer.from(text, 'base64'), mediaType, at);
}

/** The bytes themselves know better what picture they are. */
function bytesOf(bytes: Uint8Array, mediaType: string | undefined, at: string): Attachment {
  const found = mediaTypeOf(bytes, undefined);
  const isPicture = found?.startsWith('image/') === true;
  const type = isPicture || mediaType === undefined || !mediaType.includes('/') || mediaType.endsWith('/*') ? found : mediaType;
  if (type === undefined && mediaType === undefined) throw new PartError(`has a file of no known kind (${at}); give its mediaType`);
  return attach(bytes, type ?? mediaType);
}

/** Who writes a conversation is often a page: it must not make the server fetch from its own network. */
function publicAddress(text: string, mediaType: string | undefined, at: string): Attachment {
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address === undefined || isPrivateHost(address.hostname))
    throw new PartError(
      `has a file at ${JSON.stringify(text.slice(0, 60))} (${at}), which is no public address; read it in the program and attach its bytes instead`,
    );
  return { ...addressOf(text, mediaType), public: true };
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null) throw new PartError(`has ${kindOf(value)} where a part belongs (${at})`);
  return { ...value };
}

function textOf(given: Fields, name: string, at: string): string {
  const text = given[name];
  if (typeof text !== 'string') throw new PartError(`has a part (${at}) whose ${name} is ${kindOf(text)}, not text`);
  return text;
}

/** Options of providers, by their names: whoever reads them looks into each. @throws PartError */
export function optionsOf(given: unknown, at: string): { readonly providerOptions?: Fields } {
  if (given === undefined) return {};
  const options = json(given);
  if (!isRecord(options) || !Object.values(options).every(isRecord))
    throw new PartError(`has providerOptions that are none (${at}); they are options by provider: { openai: { … } }`);
  return { providerOptions: options };
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function json(value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new PartError(`has something that is no JSON: ${describe(cause).split('\n')[0]}`, { cause });
  }
  return text === undefined ? null : (JSON.parse(text) as unknown);
}
