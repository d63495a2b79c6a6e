// The input of a run, from what `--input` says and what the agent's contract wants. Called by run.

import { readFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { shapeText } from './shapeText.ts';
import type { Terminal } from './terminal.ts';

/**
 * Reads `--input`: JSON, `@file`, `-` for standard input, or nothing. An agent that takes text gets it as it is,
 * unless it is a JSON string.
 * @throws AmdahlError CONTRACT_VIOLATION with path and reason, MISCONFIGURED for what cannot be read or parsed.
 */
export async function readInput(option: string | undefined, agent: AnyAgent, terminal: Terminal): Promise<unknown> {
  const value = option === undefined ? absent(agent) : valueOf(await textOf(option, terminal), option, agent);
  const checked = await agent.input.validate(value);
  if (checked.ok) return value;
  const what = option === undefined ? `'${agent.name}' needs an input` : `the input of '${agent.name}' does not fit its contract`;
  throw new AmdahlError('CONTRACT_VIOLATION', `${what}. ${expected(agent)}`, { problems: option === undefined ? [] : checked.problems });
}

function absent(agent: AnyAgent): unknown {
  if (agent.input.kind === 'schema') {
    const schema = schemaOf(agent);
    if (schema?.['type'] === 'object') return {};
  }
  throw new AmdahlError('CONTRACT_VIOLATION', `'${agent.name}' needs an input. ${expected(agent)}`);
}

async function textOf(option: string, terminal: Terminal): Promise<string> {
  if (option === '-') return terminal.readAll();
  if (!option.startsWith('@')) {
    if (isFile(option))
      throw new AmdahlError(
        'MISCONFIGURED',
        `--input ${option} is the name of a file. Did you mean --input @${option}? For the name itself as text, write it as JSON: --input '"${option}"'.`,
      );
    return option;
  }
  try {
    return await readFile(option.slice(1), 'utf8');
  } catch (cause) {
    throw new AmdahlError('MISCONFIGURED', `--input: ${option.slice(1)} cannot be read (${describe(cause)}).`, { cause });
  }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function valueOf(text: string, option: string, agent: AnyAgent): unknown {
  const inline = option !== '-' && !option.startsWith('@');
  if (agent.input.kind === 'text') return inline ? unquoted(text) : text;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    // A composite that passes on what it gets may stand before an agent that takes text.
    if (agent.input.kind === 'open' && !/^\s*[[{"]/.test(text)) return text;
    throw new AmdahlError('MISCONFIGURED', `--input is not JSON (${describe(cause)}). ${expected(agent)}`, { cause });
  }
}

/** A JSON string stands for its text, so that programs can quote whatever they pass. */
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : text;
  } catch {
    return text;
  }
}

function expected(agent: AnyAgent): string {
  if (agent.input.kind === 'text') return `It takes text: --input 'your text', --input @file or --input - for standard input.`;
  const shape = shapeOf(agent);
  const how = `Give it as JSON: --input '…', --input @file.json or --input - for standard input.`;
  if (shape === '') return how;
  return shape.includes('\n') ? `${how} It takes\n${shape}` : `${how} It takes ${shape}`;
}

/** Of a fan-out, a list of what its agent takes. */
function shapeOf(agent: AnyAgent): string {
  const schema = schemaOf(agent);
  if (schema !== undefined) return shapeText(schema);
  const [item] = agent.children;
  if (item === undefined || (agent.kind !== 'map' && agent.kind !== 'mapReduce')) return '';
  const one = schemaOf(item);
  return one === undefined ? '' : shapeText({ type: 'array', items: one });
}

/** Undefined where the library has no JSON Schema for it: then there is nothing to show. */
function schemaOf(agent: AnyAgent): Readonly<Record<string, unknown>> | undefined {
  try {
    return agent.input.jsonSchema();
  } catch {
    return undefined;
  }
}
