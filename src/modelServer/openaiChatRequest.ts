// A Chat Completions request, read as OpenAI reads it: what it would refuse is refused here, with its words.

import {
  contentAt,
  argsFrom,
  base64Bytes,
  type Fields,
  fieldsAt,
  fileAt,
  inlineFile,
  isFields,
  listAt,
  markOf,
  marksEnd,
  numberAt,
  textAt,
  understood,
  wrong,
} from './fields.ts';
import type { Asked, AskedMessage, AskedPart, Schema } from './wire.ts';

export function readChat(body: unknown, headers: Readonly<Record<string, string>>): Asked | { readonly wrong: string } {
  return understood(() => {
    const fields = fieldsAt(body, 'body');
    const model = textAt(fields['model'], 'model');
    const messages = listAt(fields['messages'], 'messages').map((message, index) => readMessage(message, `messages[${index}]`));
    if (messages.length === 0)
      wrong("Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.");
    checkPairs(messages);
    const form = readForm(fields['response_format'], messages);
    const maxOutputTokens = numberAt(fields['max_completion_tokens'] ?? fields['max_tokens'], 'max_completion_tokens');
    const temperature = numberAt(fields['temperature'], 'temperature');
    return {
      protocol: 'openai.chat',
      model,
      stream: fields['stream'] === true,
      messages,
      tools: readTools(fields['tools']),
      toolChoice: readToolChoice(fields['tool_choice']),
      ...(form !== undefined && { form }),
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      ...(temperature !== undefined && { temperature }),
      ...marksEnd(fields),
      body,
      headers,
    };
  });
}

function readMessage(value: unknown, at: string): AskedMessage {
  const message = fieldsAt(value, at);
  const role = textAt(message['role'], `${at}.role`);
  switch (role) {
    case 'system':
    case 'developer':
      return { role: 'system', parts: contentAt(readPart, message['content'], `${at}.content`) };
    case 'user':
      return { role: 'user', parts: contentAt(readPart, message['content'], `${at}.content`) };
    case 'assistant':
      return { role: 'assistant', parts: readAssistant(message, at) };
    case 'tool': {
      const id = textAt(message['tool_call_id'], `${at}.tool_call_id`);
      const parts = contentAt(readPart, message['content'], `${at}.content`);
      const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
      return { role: 'tool', parts: [{ type: 'toolResult', id, text, isError: false, ...markOf(parts) }] };
    }
    default:
      wrong(`Invalid value: '${role}'. Supported values are: 'system', 'assistant', 'user', 'tool', and 'developer'. (${at}.role)`);
  }
}

function readAssistant(message: Fields, at: string): readonly AskedPart[] {
  const calls = message['tool_calls'] ?? undefined;
  const content = message['content'] ?? undefined;
  const refusal = message['refusal'] ?? undefined;
  const reasoning = message['reasoning_content'] ?? message['reasoning'];
  if (content === undefined && calls === undefined && refusal === undefined) {
    wrong(`Invalid value for 'content': expected a string, got null. (${at}.content)`);
  }
  return [
    ...(typeof reasoning === 'string' ? [{ type: 'reasoning', text: reasoning } as const] : []),
    ...(content === undefined || content === '' ? [] : contentAt(readPart, content, `${at}.content`)),
    ...(typeof refusal === 'string' ? [{ type: 'text', text: refusal } as const] : []),
    ...(calls === undefined ? [] : listAt(calls, `${at}.tool_calls`).map((call, index) => readCall(call, `${at}.tool_calls[${index}]`))),
  ];
}

function readCall(value: unknown, at: string): AskedPart {
  const call = fieldsAt(value, at);
  const asked = fieldsAt(call['function'], `${at}.function`);
  return {
    type: 'toolCall',
    id: textAt(call['id'], `${at}.id`),
    tool: textAt(asked['name'], `${at}.function.name`),
    args: argsFrom(textAt(asked['arguments'], `${at}.function.arguments`)),
  };
}

function readPart(part: Fields, at: string): AskedPart {
  const type = textAt(part['type'], `${at}.type`);
  switch (type) {
    case 'text':
      return { type: 'text', text: textAt(part['text'], `${at}.text`) };
    case 'refusal':
      return { type: 'text', text: textAt(part['refusal'], `${at}.refusal`) };
    case 'image_url':
      return fileAt(textAt(fieldsAt(part['image_url'], `${at}.image_url`)['url'], `${at}.image_url.url`), 'image/*');
    case 'input_audio': {
      const audio = fieldsAt(part['input_audio'], `${at}.input_audio`);
      const data = textAt(audio['data'], `${at}.input_audio.data`);
      return { type: 'file', mediaType: `audio/${textAt(audio['format'], `${at}.input_audio.format`)}`, bytes: base64Bytes(data) };
    }
    case 'file': {
      const file = fieldsAt(part['file'], `${at}.file`);
      const name = typeof file['filename'] === 'string' ? file['filename'] : undefined;
      const mediaType = 'application/octet-stream';
      if (typeof file['file_id'] === 'string') return fileAt(file['file_id'], mediaType, name);
      return inlineFile(textAt(file['file_data'], `${at}.file.file_data`), mediaType, name);
    }
    default:
      wrong(`Invalid value: '${type}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'. (${at}.type)`);
  }
}

/** Every call has its results right behind it, and no result comes without its call. */
function checkPairs(messages: readonly AskedMessage[]): void {
  let open = new Set<string>();
  messages.forEach(({ role, parts }, index) => {
    for (const part of parts) {
      if (part.type !== 'toolResult' || open.delete(part.id)) continue;
      wrong(
        `Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'. (messages[${index}])`,
      );
    }
    if (role === 'tool') return;
    if (open.size > 0) unanswered(open);
    open = new Set(parts.flatMap((part) => (part.type === 'toolCall' ? [part.id] : [])));
  });
  if (open.size > 0) unanswered(open);
}

function unanswered(open: ReadonlySet<string>): never {
  wrong(
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
      `The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
  );
}

function readTools(value: unknown): Asked['tools'] {
  if (value === undefined || value === null) return [];
  return listAt(value, 'tools').flatMap((tool, index) => {
    const at = `tools[${index}]`;
    const fields = fieldsAt(tool, at);
    if (fields['type'] !== 'function') return [];
    const { name, description, parameters } = fieldsAt(fields['function'], `${at}.function`);
    return [
      {
        name: textAt(name, `${at}.function.name`),
        ...(typeof description === 'string' && { description }),
        schema: parameters === undefined ? {} : fieldsAt(parameters, `${at}.function.parameters`),
      },
    ];
  });
}

function readToolChoice(value: unknown): Asked['toolChoice'] {
  if (value === undefined || value === null || value === 'auto') return 'auto';
  if (value === 'required' || value === 'none') return value;
  const choice = fieldsAt(value, 'tool_choice');
  if (choice['type'] !== 'function') return 'auto';
  return { tool: textAt(fieldsAt(choice['function'], 'tool_choice.function')['name'], 'tool_choice.function.name') };
}

function readForm(value: unknown, messages: readonly AskedMessage[]): { name?: string; schema?: Schema } | undefined {
  if (!isFields(value) || value['type'] === 'text') return undefined;
  if (value['type'] === 'json_object') {
    const says = messages.some(({ parts }) => parts.some((part) => part.type === 'text' && /json/i.test(part.text)));
    if (!says) wrong("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.");
    return {};
  }
  if (value['type'] !== 'json_schema') {
    wrong(
      `Invalid value: '${String(value['type'])}'. Supported values are: 'json_object', 'json_schema', and 'text'. (response_format.type)`,
    );
  }
  const { name, schema } = fieldsAt(value['json_schema'], 'response_format.json_schema');
  return {
    name: textAt(name, 'response_format.json_schema.name'),
    ...(isFields(schema) && { schema }),
  };
}
