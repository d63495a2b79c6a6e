// A Responses request, read as OpenAI reads it: what it would refuse is refused here, with its words.

import {
  contentAt,
  argsFrom,
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
import type { Asked, AskedMessage, AskedPart, Find, Schema } from './wire.ts';

export function readResponses(body: unknown, headers: Readonly<Record<string, string>>, find?: Find): Asked | { readonly wrong: string } {
  return understood(() => {
    const fields = fieldsAt(body, 'body');
    const model = textAt(fields['model'], 'model');
    const messages = readInput(fields['input'], find);
    checkPairs(
      messages,
      isFields(fields['conversation']) || typeof (fields['previous_response_id'] ?? fields['conversation']) === 'string',
    );
    const instructions = fields['instructions'];
    const form = readForm(fields['text'], messages);
    const maxOutputTokens = numberAt(fields['max_output_tokens'], 'max_output_tokens');
    const temperature = numberAt(fields['temperature'], 'temperature');
    return {
      protocol: 'openai.responses',
      model,
      stream: fields['stream'] === true,
      messages:
        typeof instructions === 'string' ? [{ role: 'system', parts: [{ type: 'text', text: instructions }] }, ...messages] : messages,
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

/** Items in a row that one side said become one message, as in the other protocols. */
function readInput(value: unknown, find: Find | undefined): readonly AskedMessage[] {
  if (typeof value === 'string') return [{ role: 'user', parts: [{ type: 'text', text: value }] }];
  const messages: { role: AskedMessage['role']; parts: AskedPart[] }[] = [];
  listAt(value, 'input').forEach((item, index) => {
    const read = readItem(fieldsAt(item, `input[${index}]`), `input[${index}]`, find);
    const last = messages.at(-1);
    if (last !== undefined && last.role === read.role && (read.role === 'assistant' || read.role === 'tool'))
      last.parts.push(...read.parts);
    else messages.push({ role: read.role, parts: [...read.parts] });
  });
  return messages;
}

function readItem(item: Fields, at: string, find: Find | undefined): AskedMessage {
  const type = textAt(item['type'] ?? 'message', `${at}.type`);
  switch (type) {
    case 'message':
      return readMessage(item, at);
    case 'reasoning':
      return { role: 'assistant', parts: readSummary(item, at) };
    case 'function_call':
      return {
        role: 'assistant',
        parts: [
          {
            type: 'toolCall',
            id: textAt(item['call_id'], `${at}.call_id`),
            tool: textAt(item['name'], `${at}.name`),
            args: argsFrom(textAt(item['arguments'], `${at}.arguments`)),
          },
        ],
      };
    case 'function_call_output': {
      const id = textAt(item['call_id'], `${at}.call_id`);
      const parts = contentAt(readPart, item['output'], `${at}.output`);
      const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
      return {
        role: 'tool',
        parts: [{ type: 'toolResult', id, text, isError: false, ...markOf(parts) }, ...parts.filter((part) => part.type === 'file')],
      };
    }
    case 'item_reference':
      return { role: 'assistant', parts: find === undefined ? [] : found(textAt(item['id'], `${at}.id`), find) };
    default:
      wrong(
        `Invalid value: '${type}'. Supported values here are: 'message', 'reasoning', 'function_call', 'function_call_output', and 'item_reference'. (${at}.type)`,
      );
  }
}

function found(id: string, find: Find): readonly AskedPart[] {
  return find(id) ?? wrong(`Item with id '${id}' not found.`);
}

function readMessage(item: Fields, at: string): AskedMessage {
  const role = textAt(item['role'], `${at}.role`);
  const parts = contentAt(readPart, item['content'], `${at}.content`);
  switch (role) {
    case 'system':
    case 'developer':
      return { role: 'system', parts };
    case 'user':
    case 'assistant':
      return { role, parts };
    default:
      wrong(`Invalid value: '${role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'. (${at}.role)`);
  }
}

function readSummary(item: Fields, at: string): readonly AskedPart[] {
  return listAt(item['summary'], `${at}.summary`).map((part, index) => {
    const place = `${at}.summary[${index}]`;
    return { type: 'reasoning', text: textAt(fieldsAt(part, place)['text'], `${place}.text`) };
  });
}

function readPart(part: Fields, at: string): AskedPart {
  const type = textAt(part['type'], `${at}.type`);
  switch (type) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: textAt(part['text'], `${at}.text`) };
    case 'refusal':
      return { type: 'text', text: textAt(part['refusal'], `${at}.refusal`) };
    case 'input_image':
      return fileAt(textAt(part['image_url'] ?? part['file_id'], `${at}.image_url`), 'image/*');
    case 'input_file': {
      const name = typeof part['filename'] === 'string' ? part['filename'] : undefined;
      const mediaType = 'application/octet-stream';
      const elsewhere = part['file_url'] ?? part['file_id'];
      if (typeof elsewhere === 'string') return fileAt(elsewhere, mediaType, name);
      return inlineFile(textAt(part['file_data'], `${at}.file_data`), mediaType, name);
    }
    default:
      wrong(
        `Invalid value: '${type}'. Supported values are: 'input_text', 'input_image', 'output_text', 'refusal', and 'input_file'. (${at}.type)`,
      );
  }
}

/** Every call has its output somewhere behind it, and no output comes without its call, which may be of a stored response. */
function checkPairs(messages: readonly AskedMessage[], continues: boolean): void {
  const open = new Set<string>();
  for (const part of messages.flatMap(({ parts }) => parts)) {
    if (part.type === 'toolCall') open.add(part.id);
    if (part.type !== 'toolResult' || open.delete(part.id) || continues) continue;
    wrong(`No tool call found for function call output with call_id ${part.id}.`);
  }
  for (const id of open) wrong(`No tool output found for function call ${id}.`);
}

function readTools(value: unknown): Asked['tools'] {
  if (value === undefined || value === null) return [];
  return listAt(value, 'tools').flatMap((tool, index) => {
    const { type, name, description, parameters } = fieldsAt(tool, `tools[${index}]`);
    if (type !== 'function') return []; // a tool of the provider's own
    return [
      {
        name: textAt(name, `tools[${index}].name`),
        ...(typeof description === 'string' && { description }),
        schema: (parameters ?? null) === null ? {} : fieldsAt(parameters, `tools[${index}].parameters`),
      },
    ];
  });
}

function readToolChoice(value: unknown): Asked['toolChoice'] {
  if (value === undefined || value === null || value === 'auto') return 'auto';
  if (value === 'required' || value === 'none') return value;
  const { type, name } = fieldsAt(value, 'tool_choice');
  return type === 'function' ? { tool: textAt(name, 'tool_choice.name') } : 'auto';
}

function readForm(value: unknown, messages: readonly AskedMessage[]): { name?: string; schema?: Schema } | undefined {
  if (!isFields(value) || !isFields(value['format'])) return undefined;
  const { type, name, schema } = value['format'];
  switch (type) {
    case 'text':
      return undefined;
    case 'json_object': {
      const says = messages.some(({ parts }) => parts.some((part) => part.type === 'text' && /json/i.test(part.text)));
      if (!says) wrong("Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.");
      return {};
    }
    case 'json_schema':
      return { name: textAt(name, 'text.format.name'), schema: fieldsAt(schema, 'text.format.schema') };
    default:
      wrong(`Invalid value: '${String(type)}'. Supported values are: 'text', 'json_object', and 'json_schema'. (text.format.type)`);
  }
}
