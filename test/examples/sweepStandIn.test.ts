import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolCall,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listEntries, readExcerpt } from '../../examples/sweep/files.ts';
import { Review, Summary } from '../../examples/sweep/findings.ts';
import { grep } from '../../examples/sweep/search.ts';
import { standIn, type StandInOptions } from '../../examples/sweep/standIn.ts';
import { planFor } from '../../examples/sweep/topics.ts';
import { plant } from './sweepTree.ts';

const OFFERED: LanguageModelV4CallOptions['tools'] = ['list', 'grep', 'read'].map((name) => ({ type: 'function', name, inputSchema: {} }));
const quick: StandInOptions = { latencyMs: [0, 0] };

function asked(fields: Readonly<Record<string, unknown>>): LanguageModelV4Prompt {
  const text = Object.entries(fields).map(
    ([name, value]) => `<${name}>\n${typeof value === 'string' ? value : JSON.stringify(value)}\n</${name}>`,
  );
  return [
    { role: 'system', content: 'Instructions it does not need.' },
    { role: 'user', content: [{ type: 'text', text: text.join('\n\n') }] },
  ];
}

function use(root: string, tool: string, input: string): Promise<unknown> {
  const args: unknown = JSON.parse(input);
  if (tool === 'list') return listEntries(root, z.object({ path: z.string(), depth: z.number() }).parse(args));
  if (tool === 'grep')
    return grep(
      root,
      z.object({ pattern: z.string(), extensions: z.array(z.string()).optional(), ignoreCase: z.boolean().optional() }).parse(args),
    );
  return readExcerpt(root, z.object({ file: z.string(), from: z.number(), to: z.number() }).parse(args));
}

/** A whole conversation with real tools: the content of each reply. */
async function converse(
  root: string,
  question: string,
  options: StandInOptions = quick,
): Promise<{
  readonly replies: LanguageModelV4Content[][];
  readonly prompt: LanguageModelV4Prompt;
}> {
  const model = standIn(options);
  const prompt = asked({ question, codebase: 'fixture', root });
  const replies: LanguageModelV4Content[][] = [];
  for (let turn = 0; turn < 9; turn += 1) {
    const { content } = await model.doGenerate({ prompt, ...(OFFERED === undefined ? {} : { tools: OFFERED }) });
    replies.push(content);
    const calls = content.filter((part) => part.type === 'tool-call');
    prompt.push({
      role: 'assistant',
      content: content.map((part) =>
        part.type === 'tool-call'
          ? { ...part, input: JSON.parse(part.input) as unknown }
          : { type: 'text', text: part.type === 'text' ? part.text : '' },
      ),
    });
    if (calls.length === 0) break;
    const results = await Promise.all(
      calls.map(async (call) => ({ type: 'tool-result' as const, ...named(call), output: await outputOf(root, call) })),
    );
    prompt.push({ role: 'tool', content: results });
  }
  return { replies, prompt };
}

function named({ toolCallId, toolName }: LanguageModelV4ToolCall): Pick<LanguageModelV4ToolCall, 'toolCallId' | 'toolName'> {
  return { toolCallId, toolName };
}

async function outputOf(root: string, call: LanguageModelV4ToolCall): Promise<LanguageModelV4ToolResultOutput> {
  try {
    return { type: 'json', value: z.json().parse(JSON.parse(JSON.stringify(await use(root, call.toolName, call.input)))) };
  } catch (error) {
    return { type: 'error-text', value: error instanceof Error ? error.message : String(error) };
  }
}

function fail(why: string): never {
  throw new Error(why);
}

function reviewIn(content: readonly LanguageModelV4Content[] | undefined): Review {
  const [part] = content ?? [];
  return part?.type === 'text' ? Review.parse(JSON.parse(part.text)) : fail('no answer');
}

const root = plant({
  'lib/run.js': [
    '// eval(this) is only a comment',
    'function run(code) {',
    '  return eval(code);',
    '}',
    'const text = "eval(no)";',
    '',
  ].join('\n'),
  'lib/make.mjs':
    '/*\n new Function("in a comment")\n*/\nexport const make = (body) => new Function("x", body);\nsetTimeout("tick()", 10);\n',
  'lib/own.js': 'class Function {}\nnew Function(1);\n',
  'lib/run.copy.js': 'function run(code) {\n  return eval(code);\n}\n',
  'index.d.ts': 'declare function eval(code: string): void;\n',
  'readme.md': 'eval(code) is evil\n',
});
const QUESTION = 'Where is code evaluated from a string?';

describe('the stand-in model', () => {
  it('lists, searches with several tools in one turn, reads, and then answers with what it found', async () => {
    const { replies } = await converse(root, QUESTION);
    expect(replies.map((content) => content.map((part) => (part.type === 'tool-call' ? part.toolName : part.type)))).toEqual([
      ['list'],
      Array.from({ length: 7 }, () => 'grep'),
      ['read', 'read', 'read', 'read'],
      ['text'],
    ]);
    const { codebase, findings, standIn: says } = reviewIn(replies.at(-1));
    expect(codebase).toBe('fixture');
    expect(says).toContain('no LLM was asked');
    expect(findings.map(({ file, line, quote, pattern }) => ({ file, line, quote, pattern }))).toEqual([
      { file: 'lib/run.copy.js', line: 2, quote: 'return eval(code);', pattern: 'eval' },
      { file: 'lib/make.mjs', line: 5, quote: 'setTimeout("tick()", 10);', pattern: 'timer with a string' },
      { file: 'lib/make.mjs', line: 4, quote: 'export const make = (body) => new Function("x", body);', pattern: 'new Function' },
    ]);
    expect(findings[0]?.why).toContain('In `run`. The same text stands 1 more time in this codebase.');
  });

  it('answers the same requests with the same replies', async () => {
    expect((await converse(root, QUESTION)).replies).toEqual((await converse(root, QUESTION)).replies);
  });

  it('leaves out what was refused when it is asked to mend an answer', async () => {
    const { prompt, replies } = await converse(root, QUESTION);
    const objection: LanguageModelV4Message = {
      role: 'user',
      content: [{ type: 'text', text: 'Your last answer was refused:\n- findings[1].quote: quoted: it is not there' }],
    };
    const { content } = await standIn(quick).doGenerate({ prompt: [...prompt, objection], tools: OFFERED ?? [] });
    const [first, , third] = reviewIn(replies.at(-1)).findings;
    expect(reviewIn(content).findings).toEqual([first, third]);
  });

  it('searches for the words of a question that no topic fits, and says so', async () => {
    const words = plant({ 'a.js': 'const walrus = 1;\n' });
    const review = reviewIn((await converse(words, 'Who keeps the `walrus` around?')).replies.at(-1));
    expect(review.findings).toMatchObject([{ file: 'a.js', line: 1, quote: 'const walrus = 1;' }]);
    expect(review.notes).toEqual(['No topic of the stand-in fits the question, so it searched for "walrus".']);
  });

  it('says why it has nothing when its tools fail', async () => {
    const review = reviewIn((await converse('/nowhere/at/all', QUESTION)).replies.at(-1));
    expect(review).toMatchObject({
      findings: [],
      notes: ['A call of list failed: The codebase itself cannot be read: /nowhere/at/all (ENOENT).'],
    });
  });

  it('groups findings by pattern when it is asked for a summary, and says that no LLM was asked', async () => {
    const example = { file: 'a.js', line: 1, quote: 'eval(x)' };
    const groups = [
      { id: 'g1', codebase: 'a', pattern: 'eval', count: 2, example },
      { id: 'g2', codebase: 'a', pattern: 'node:vm', count: 9, example },
      { id: 'g3', codebase: 'b', pattern: 'eval', count: 1, example },
    ];
    const { content } = await standIn(quick).doGenerate({ prompt: asked({ question: QUESTION, codebases: 5, groups }) });
    const [part] = content;
    const summary = part?.type === 'text' ? Summary.parse(JSON.parse(part.text)) : fail('no answer');
    expect(summary.patterns.map(({ name, groups: ids }) => ({ name, ids }))).toEqual([
      { name: 'node:vm', ids: ['g2'] },
      { name: 'eval', ids: ['g1', 'g3'] },
    ]);
    expect(summary.summary).toContain('2 of 5 codebases have such places; 12 are listed, of 2 kinds.');
    expect(summary.summary).toContain('no LLM was asked');
  });

  it('writes a line per request to its log, the turn it was asked for or a hash, and bills tokens by length', async () => {
    const log = join(plant({}), 'log');
    const model = standIn({ ...quick, log });
    const prompt = asked({ question: QUESTION, codebase: 'x', root });
    const reply = await model.doGenerate({ prompt, tools: OFFERED ?? [], headers: { 'x-amdahl-turn': 'place.0' } });
    await model.doGenerate({ prompt, tools: OFFERED ?? [] });
    await model.doGenerate({ prompt, tools: OFFERED ?? [] });
    const [turn, first, second, end] = readFileSync(log, 'utf8').split('\n');
    expect([turn, end]).toEqual(['place.0', '']);
    expect(first).toMatch(/^[0-9a-f]{22}$/);
    expect(second).toBe(first);
    expect(reply.usage.inputTokens.total).toBe(Math.ceil((JSON.stringify(prompt).length + JSON.stringify(OFFERED).length) / 4));
  });

  it('neither answers nor buys once it was aborted, and stops waiting when it is', async () => {
    const log = join(plant({ log: '' }), 'log');
    const prompt = asked({ question: QUESTION, codebase: 'x', root });
    await expect(standIn({ ...quick, log }).doGenerate({ prompt, abortSignal: AbortSignal.abort(new Error('over')) })).rejects.toThrow(
      'over',
    );
    expect(readFileSync(log, 'utf8')).toBe('');
    const stop = new AbortController();
    const slow = standIn({ latencyMs: [3_600_000, 3_600_000] }).doGenerate({ prompt, abortSignal: stop.signal });
    stop.abort();
    await expect(slow).rejects.toThrow(/abort/i);
  });
});

describe('what the stand-in makes of a question', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['where is code evaluated from a string?', ['code from strings']],
    ['Which child processes are started, and how?', ['child processes']],
    ['What talks to the network?', ['network']],
    ['Where are files deleted?', ['deletion of files']],
    ['Which environment variables are read?', ['environment variables']],
    ['List all TODOs', ['unfinished work']],
    ['Is Math.random used for anything that matters?', ['weak randomness and hashes']],
    ['Where are errors silently ignored?', ['swallowed errors']],
  ];
  for (const [question, topics] of cases) {
    it(`takes "${question}" for ${topics.join(', ')}`, () => {
      expect(planFor(question).topics).toEqual(topics);
    });
  }

  it('takes the longest words of any other question, without special meaning', () => {
    expect(planFor('Where is lodash.merge called?').clues.map((clue) => clue.pattern)).toEqual(['lodash\\.merge']);
    expect(planFor('why?').clues).toEqual([]);
  });
});
