// A model server in a process of its own, whose record survives the clients that are killed. Its models do what the
// sweep's stand-in does: a request is turned back into the words of the AI SDK and given to it. Started by sweepRuns.ts.

import type { LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4ToolResultOutput } from '@ai-sdk/provider';
import { standIn } from '../../examples/sweep/standIn.ts';
import type { Answer } from '../../src/modelServer/answers.ts';
import type { Asked, AskedMessage, AskedPart } from '../../src/modelServer/wire.ts';
import { startModelServer } from '../../src/testing.ts';

/** Long enough that requests are in flight at any moment. */
const DELAY_MS = 4;

const model = standIn({ latencyMs: [0, 0] });

async function answer(asked: Asked): Promise<Answer> {
  const { content } = await model.doGenerate(callOf(asked));
  const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const tools = content.flatMap((part) => (part.type === 'tool-call' ? [{ name: part.toolName, args: part.input }] : []));
  return tools.length > 0 ? { tools } : { text };
}

function callOf({ messages, tools }: Asked): LanguageModelV4CallOptions {
  const names = new Map(
    messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'toolCall' ? [[part.id, part.tool] as const] : []))),
  );
  return {
    prompt: messages.map((message) => messageOf(message, names)),
    tools: tools.map(({ name }) => ({ type: 'function', name, inputSchema: {} })),
  };
}

function messageOf({ role, parts }: AskedMessage, names: ReadonlyMap<string, string>): LanguageModelV4Message {
  const text = parts.flatMap((part) => (part.type === 'text' ? [{ type: 'text' as const, text: part.text }] : []));
  switch (role) {
    case 'system':
      return { role, content: text.map((part) => part.text).join('\n') };
    case 'user':
      return { role, content: text };
    case 'assistant': {
      const calls = parts.flatMap((part) => (part.type === 'toolCall' ? [part] : []));
      return {
        role,
        content: [
          ...text,
          ...calls.map(({ id, tool, args }) => ({ type: 'tool-call' as const, toolCallId: id, toolName: tool, input: args })),
        ],
      };
    }
    case 'tool': {
      const results = parts.flatMap((part) => (part.type === 'toolResult' ? [part] : []));
      return {
        role,
        content: results.map((result) => ({
          type: 'tool-result',
          toolCallId: result.id,
          toolName: names.get(result.id) ?? '',
          output: outputOf(result),
        })),
      };
    }
  }
}

/** OpenAI's protocols have no mark for a result that is an error: its package writes `{ error }`. */
function outputOf({ text, isError }: Extract<AskedPart, { type: 'toolResult' }>): LanguageModelV4ToolResultOutput {
  return { type: isError || text.startsWith('{"error":') ? 'error-text' : 'text', value: text };
}

const server = await startModelServer({ answers: answer, delay: DELAY_MS });
process.send?.(server.baseUrl());
process.on('disconnect', () => process.exit());
