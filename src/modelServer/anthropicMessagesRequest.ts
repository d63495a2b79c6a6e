// A Messages request, read as Anthropic reads it: what it would refuse is refused here, in its way.

import { base64Bytes, type Fields, fieldsAt, fileAt, isFields, listAt, numberAt, textAt, understood, wrong } from './fields.ts';
import type { Asked, AskedMessage, AskedPart, Schema } from './wire.ts';

export function readMessages(body: unknown, headers: Readonly<Record<string, string>>): Asked | { readonly wrong: string } {
  return understood(() => {
    const fields = fieldsAt(body, 'body');
    const model = textAt(fields['model'], 'model');
    const maxOutputTokens = numberAt(fields['max_tokens'], 'max_tokens') ?? wrong('max_tokens: Field required');
    const messages = listAt(fields['messages'], 'messages').flatMap((message, index) => readMessage(message, `messages.${index}`));
    if (messages.length === 0) wrong('messages: at least one message is required');
    checkFilled(messages);
    checkPairs(messages);
    const json = jsonTool(body);
    const tools = readTools(fields['tools']);
    const form = json === undefined ? readForm(fields) : { schema: json };
    const system = readSystem(fields['system']);
    const marks = { tools, messages: [...system, ...messages], ...(isMarked(fields) && { marksEnd: true as const }) };
    checkMarks(marks);
    const temperature = numberAt(fields['temperature'], 'temperature');
    return {
      protocol: 'anthropic.messages',
      model,
      stream: fields['stream'] === true,
      ...marks,
      tools: json === undefined ? tools : tools.filter(({ name }) => name !== 'json'),
      toolChoice: json === undefined ? readToolChoice(fields['tool_choice']) : 'auto',
      ...(form !== undefined && { form }),
      maxOutputTokens,
      ...(temperature !== undefined && { temperature }),
      body,
      headers,
    };
  });
}

/** Blocks that may be marked; one on the request itself counts too. */
const MARKS_MAX = 4;

function checkMarks(asked: Pick<Asked, 'tools' | 'messages' | 'marksEnd'>): void {
  const marks = asked.messages.flatMap(({ parts }) => parts.filter(({ marked }) => marked === true));
  const found = marks.length + asked.tools.filter(({ marked }) => marked === true).length + Number(asked.marksEnd === true);
  if (found > MARKS_MAX) wrong(`A maximum of ${MARKS_MAX} blocks with cache_control may be provided. Found ${found}.`);
}

function isMarked({ cache_control: mark }: Fields): boolean {
  return isFields(mark);
}

/** The schema of the tool 'json', by which clients ask for JSON of models that have no other way. */
export function jsonTool(body: unknown): Schema | undefined {
  if (!isFields(body) || !Array.isArray(body['tools'])) return undefined;
  const tool: unknown = body['tools'].at(-1);
  if (!isFields(tool) || tool['name'] !== 'json' || tool['description'] !== 'Respond with a JSON object.') return undefined;
  return isFields(tool['input_schema']) ? tool['input_schema'] : {};
}

function readSystem(value: unknown): readonly AskedMessage[] {
  if (value === undefined || value === null) return [];
  return [{ role: 'system', parts: readContent(value, 'system') }];
}

/** One message. Results of tools come first in a user's, and become a message of their own with the files they brought. */
function readMessage(value: unknown, at: string): readonly AskedMessage[] {
  const message = fieldsAt(value, at);
  const role = textAt(message['role'], `${at}.role`);
  if (role === 'assistant' || role === 'system') return [{ role, parts: readContent(message['content'], `${at}.content`) }];
  if (role !== 'user') wrong(`${at}.role: Input should be 'user' or 'assistant'`);
  const content = message['content'];
  const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : listAt(content, `${at}.content`);
  const results: AskedPart[] = [];
  const rest: AskedPart[] = [];
  blocks.forEach((block, index) => {
    const fields = fieldsAt(block, `${at}.content.${index}`);
    (fields['type'] === 'tool_result' ? results : rest).push(...readBlock(fields, `${at}.content.${index}`));
  });
  return [
    ...(results.length > 0 ? [{ role: 'tool', parts: results } as const] : []),
    ...(rest.length > 0 || results.length === 0 ? [{ role: 'user', parts: rest } as const] : []),
  ];
}

function readContent(value: unknown, at: string): readonly AskedPart[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  return listAt(value, at).flatMap((block, index) => readBlock(fieldsAt(block, `${at}.${index}`), `${at}.${index}`));
}

/** A mark counts behind all that a block brings. */
function readBlock(block: Fields, at: string): readonly AskedPart[] {
  const parts = readParts(block, at);
  return isMarked(block) ? parts.map((part, nth) => (nth === parts.length - 1 ? { ...part, marked: true } : part)) : parts;
}

function readParts(block: Fields, at: string): readonly AskedPart[] {
  const type = textAt(block['type'], `${at}.type`);
  switch (type) {
    case 'text': {
      const text = textAt(block['text'], `${at}.text`);
      if (text === '') wrong(`${at}: text content blocks must be non-empty`);
      return [{ type: 'text', text }];
    }
    case 'thinking':
      textAt(block['signature'], `${at}.thinking.signature`);
      return [{ type: 'reasoning', text: textAt(block['thinking'], `${at}.thinking`) }];
    case 'redacted_thinking':
      return [{ type: 'reasoning', text: textAt(block['data'], `${at}.data`) }];
    case 'image':
    case 'document':
      return [readFile(block, at)];
    case 'tool_use':
      return [{ type: 'toolCall', id: textAt(block['id'], `${at}.id`), tool: textAt(block['name'], `${at}.name`), args: block['input'] }];
    case 'tool_result':
      return readResult(block, at);
    default:
      wrong(`${at}: Input tag '${type}' found using 'type' does not match any of the expected tags`);
  }
}

function readFile(block: Fields, at: string): AskedPart {
  const source = fieldsAt(block['source'], `${at}.source`);
  const title = block['title'];
  const name = typeof title === 'string' ? title : undefined;
  const named = name !== undefined && { name };
  const kind = block['type'] === 'image' ? 'image/*' : 'application/pdf';
  switch (source['type']) {
    case 'base64': {
      const data = textAt(source['data'], `${at}.source.data`);
      const mediaType = textAt(source['media_type'], `${at}.source.media_type`);
      return { type: 'file', mediaType, bytes: base64Bytes(data), ...named };
    }
    case 'text': {
      const data = textAt(source['data'], `${at}.source.data`);
      return { type: 'file', mediaType: 'text/plain', bytes: new TextEncoder().encode(data).length, ...named };
    }
    case 'url':
      return fileAt(textAt(source['url'], `${at}.source.url`), kind, name);
    case 'file':
      return fileAt(textAt(source['file_id'], `${at}.source.file_id`), kind, name);
    default:
      wrong(`${at}.source: Input tag '${String(source['type'])}' found using 'type' does not match any of the expected tags`);
  }
}

/** A result, and behind it the files that it brought. */
function readResult(block: Fields, at: string): readonly AskedPart[] {
  const id = textAt(block['tool_use_id'], `${at}.tool_use_id`);
  const content = block['content'] ?? undefined;
  const parts = content === undefined ? [] : readContent(content, `${at}.content`);
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return [{ type: 'toolResult', id, text, isError: block['is_error'] === true }, ...parts.filter((part) => part.type === 'file')];
}

/** Only the answer that the model is to go on with may be empty. */
function checkFilled(messages: readonly AskedMessage[]): void {
  const index = messages.findIndex(({ role, parts }, at) => parts.length === 0 && !(role === 'assistant' && at === messages.length - 1));
  if (index >= 0) wrong(`messages.${index}: all messages must have non-empty content except for the optional final assistant message`);
}

/** Every call has its results in the next message, and no result comes without its call. */
function checkPairs(messages: readonly AskedMessage[]): void {
  let open = new Set<string>();
  messages.forEach(({ role, parts }, index) => {
    for (const part of parts) {
      if (part.type !== 'toolResult' || open.delete(part.id)) continue;
      wrong(
        `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${part.id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    }
    if (open.size > 0) {
      wrong(
        `messages.${index - 1}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...open].join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      );
    }
    open = role === 'assistant' ? new Set(parts.flatMap((part) => (part.type === 'toolCall' ? [part.id] : []))) : new Set();
  });
  if (open.size > 0)
    wrong(`messages: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${[...open].join(', ')}.`);
}

function readTools(value: unknown): Asked['tools'] {
  if (value === undefined || value === null) return [];
  return listAt(value, 'tools').flatMap((tool, index) => {
    const fields = fieldsAt(tool, `tools.${index}`);
    const { name, description, input_schema: schema } = fields;
    if (schema === undefined) return []; // a tool of the provider's own
    return [
      {
        name: textAt(name, `tools.${index}.name`),
        ...(typeof description === 'string' && { description }),
        schema: fieldsAt(schema, `tools.${index}.input_schema`),
        ...(isMarked(fields) && { marked: true }),
      },
    ];
  });
}

function readToolChoice(value: unknown): Asked['toolChoice'] {
  if (value === undefined || value === null) return 'auto';
  const { type, name } = fieldsAt(value, 'tool_choice');
  switch (type) {
    case 'any':
      return 'required';
    case 'none':
      return 'none';
    case 'tool':
      return { tool: textAt(name, 'tool_choice.name') };
    case 'auto':
      return 'auto';
    default:
      wrong(
        `tool_choice: Input tag '${String(type)}' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'`,
      );
  }
}

function readForm(fields: Fields): { schema?: Schema } | undefined {
  const config = fields['output_config'];
  const format = isFields(config) && isFields(config['format']) ? config['format'] : fields['output_format'];
  if (!isFields(format)) return undefined;
  if (format['type'] !== 'json_schema') wrong(`output_config.format.type: Input should be 'json_schema'`);
  return { schema: fieldsAt(format['schema'], 'output_config.format.schema') };
}
