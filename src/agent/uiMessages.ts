// AI SDK UI messages (versions 5 to 7) as the model messages that they stand for, the way ai's own convertToModelMessages
// turns them (read in ai 7.0.173; tests compare). Called by messages(), with lists whose shape has been looked at.
//
// What nobody answered is left out: calls whose arguments are still coming, that wait for an approval, or that were approved
// and not carried out. So are data parts, which are for the page, and what a run asked people, which no model ever called.

type Fields = Readonly<Record<string, unknown>>;

/** A part of a UI message: `type` says what else there is. */
export type UiPart = Fields & { readonly type: string };

export interface UiMessageShape {
  readonly role: 'system' | 'user' | 'assistant';
  readonly parts: readonly UiPart[];
}

/** The model messages of one UI message. Pure. */
export function fromUi({ role, parts }: UiMessageShape): readonly Fields[] {
  switch (role) {
    case 'system':
      return [systemOf(parts.filter(({ type }) => type === 'text'))];
    case 'user':
      return [{ role, content: parts.flatMap((part) => (part.type === 'text' || part.type === 'file' ? [contentOf(part)] : [])) }];
    case 'assistant':
      return assistantOf(parts.filter((part) => !isAsk(part)));
  }
}

function systemOf(texts: readonly UiPart[]): Fields {
  const content = texts.map(({ text }) => String(text)).join('');
  const metadata: Fields = Object.assign({}, ...texts.map(({ providerMetadata }) => providerMetadata ?? {})) as Fields; // records of options
  return { role: 'system', content, ...(Object.keys(metadata).length === 0 ? {} : { providerOptions: metadata }) };
}

/** One after the other: a step ends where the next begins, and what its tools gave follows it. */
function assistantOf(parts: readonly UiPart[]): readonly Fields[] {
  const messages: Fields[] = [];
  let step: UiPart[] = [];
  const end = (): void => {
    messages.push(...stepOf(step));
    step = [];
  };
  for (const part of parts) {
    if (part.type === 'step-start') end();
    else if (part.type === 'steering-message') {
      end();
      messages.push({ role: 'user', content: listOf(part['parts']).map(contentOf) });
    } else step.push(part);
  }
  end();
  return messages;
}

function stepOf(step: readonly UiPart[]): readonly Fields[] {
  const kept = step.filter((part) => !isTool(part) || isComplete(part));
  const content = kept.flatMap(saidIn);
  const results = kept.filter(isTool).flatMap(resultsOf);
  return [
    ...(content.length === 0 ? [] : [{ role: 'assistant', content }]),
    ...(results.length === 0 ? [] : [{ role: 'tool', content: results }]),
  ];
}

function saidIn(part: UiPart): readonly Fields[] {
  if (isTool(part)) return callOf(part);
  switch (part.type) {
    case 'text':
    case 'file':
      return [contentOf(part)];
    case 'reasoning':
      return [{ type: 'reasoning', text: part['text'], ...optionsOf(part['providerMetadata']) }];
    case 'reasoning-file':
      return [{ type: 'reasoning-file', data: part['url'], mediaType: part['mediaType'], ...optionsOf(part['providerMetadata']) }];
    case 'custom':
      return [{ type: 'custom', kind: part['kind'], ...optionsOf(part['providerMetadata']) }];
    default:
      return [];
  }
}

function contentOf(part: UiPart): Fields {
  const options = optionsOf(part['providerMetadata']);
  if (part.type === 'text') return { type: 'text', text: part['text'], ...options };
  const { mediaType, filename, providerReference, url } = part;
  const data = providerReference === undefined || providerReference === null ? url : { type: 'reference', reference: providerReference };
  return { type: 'file', mediaType, ...(filename === undefined ? {} : { filename }), data, ...options };
}

function isTool({ type }: UiPart): boolean {
  return type.startsWith('tool-') || type === 'dynamic-tool';
}

/** As toUIMessageStream() marks questions to people that belong to no tool call. */
function isAsk({ toolMetadata }: UiPart): boolean {
  return fieldOf(toolMetadata, 'amdahl') !== undefined;
}

function nameOf(part: UiPart): unknown {
  return part.type === 'dynamic-tool' ? part['toolName'] : part.type.slice('tool-'.length);
}

function isComplete({ state, preliminary, approval, providerExecuted }: UiPart): boolean {
  switch (state) {
    case 'output-available':
      return preliminary !== true;
    case 'output-error':
    case 'output-denied':
      return true;
    case 'approval-responded':
      return providerExecuted === true || fieldOf(approval, 'approved') === false;
    default:
      return false;
  }
}

/** The call, and what a provider's own tool gave, which stands with what was said. */
function callOf(part: UiPart): readonly Fields[] {
  const { toolCallId, state, input, rawInput, providerExecuted, callProviderMetadata, resultProviderMetadata } = part;
  const toolName = nameOf(part);
  const isError = state === 'output-error';
  const call = {
    type: 'tool-call',
    toolCallId,
    toolName,
    input: isError ? (input ?? rawInput) : input,
    ...(providerExecuted === undefined ? {} : { providerExecuted }),
    ...optionsOf(callProviderMetadata ?? (isError ? resultProviderMetadata : undefined)),
  };
  if (providerExecuted !== true || (state !== 'output-available' && !isError)) return [call];
  const output = isError ? { type: 'error-json', value: jsonOf(part['errorText']) } : outputOf(part);
  return [call, { type: 'tool-result', toolCallId, toolName, output, ...optionsOf(resultProviderMetadata ?? callProviderMetadata) }];
}

/** What the tool message of a step says of a call. */
function resultsOf(part: UiPart): readonly Fields[] {
  const { toolCallId, state, approval, providerExecuted, callProviderMetadata } = part;
  const reason = fieldOf(approval, 'reason');
  const approved = fieldOf(approval, 'approved');
  const result = (output: Fields): Fields => ({
    type: 'tool-result',
    toolCallId,
    toolName: nameOf(part),
    output,
    ...optionsOf(callProviderMetadata),
  });
  if (providerExecuted === true && (approved === undefined || approved === null)) return [];
  const answer =
    providerExecuted === true && approved !== undefined
      ? [
          {
            type: 'tool-approval-response',
            approvalId: fieldOf(approval, 'id'),
            approved,
            ...(reason === undefined ? {} : { reason }),
            providerExecuted,
          },
        ]
      : [];
  const denied =
    state === 'approval-responded' && approved === false
      ? [result({ type: 'execution-denied', ...(reason === undefined ? {} : { reason }) })]
      : [];
  if (providerExecuted === true) return [...answer, ...denied];
  if (state === 'output-denied') return [result({ type: 'error-text', value: reason ?? 'Tool call execution denied.' })];
  if (state === 'output-error') return [result({ type: 'error-text', value: errorOf(part['errorText']) })];
  if (state === 'output-available') return [result(outputOf(part))];
  return denied;
}

function outputOf(part: UiPart): Fields {
  if (part.type === 'dynamic-tool' && part['dynamic'] === false)
    return { type: 'text', value: 'Tool output omitted because the tool is no longer available.' };
  const { output } = part;
  return typeof output === 'string' ? { type: 'text', value: output } : { type: 'json', value: jsonOf(output) };
}

/** As ai words an error that is no text. */
function errorOf(error: unknown): string {
  if (error === undefined || error === null) return 'unknown error';
  if (typeof error === 'string') return error;
  return error instanceof Error ? String(error) : JSON.stringify(error);
}

function jsonOf(value: unknown): unknown {
  const text = value === undefined ? undefined : JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as unknown);
}

function optionsOf(metadata: unknown): Fields {
  return metadata === undefined || metadata === null ? {} : { providerOptions: metadata };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined;
}

function listOf(value: unknown): readonly UiPart[] {
  return Array.isArray(value) ? value.filter((part: unknown): part is UiPart => typeof fieldOf(part, 'type') === 'string') : [];
}
