// What the stand-in model does: a fixed policy, no language model. It looks only at the conversation, as a
// model would: it lists, searches for the clues of topics.ts, reads around the best matches, and answers with
// what the tools returned. Pure: equal conversations give equal moves.

import { z } from 'zod';
import { SOURCE_EXTENSIONS } from './files.ts';
import { type Finding, FINDINGS_MAX, Group, type Review, type Summary } from './findings.ts';
import { type Clue, meaningOf, planFor, type Plan } from './topics.ts';

/** Stands wherever the stand-in's words are shown. */
export const STAND_IN = 'stand-in/sweep-policy: a fixed search policy, no LLM was asked';

export interface Asked {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Absent when the tool failed. */
  readonly result?: unknown;
  readonly error?: string;
}

/** A conversation as the policy reads it. */
export interface Conversation {
  /** The fields of the input, as they are rendered: strings as they are, the rest JSON. */
  readonly fields: ReadonlyMap<string, string>;
  readonly asked: readonly Asked[];
  /** Earlier answers of this conversation, each with what was said against it. */
  readonly refused: readonly { readonly answer: string; readonly objection: string }[];
  readonly offered: ReadonlySet<string>;
}

export type Move =
  | { readonly kind: 'ask'; readonly calls: readonly { readonly tool: string; readonly args: Readonly<Record<string, unknown>> }[] }
  | { readonly kind: 'answer'; readonly value: Review | Summary | string };

const READS_MAX = 6;
const AROUND = 15;
const PER_FILE_MAX = 3;
const QUOTE_CHARS_MAX = 74;
const QUOTE_CHARS_BEFORE = 24;

/** The next move in a conversation. */
export function decide(conversation: Conversation): Move {
  const { fields, offered } = conversation;
  const question = fields.get('question');
  if (question === undefined) return { kind: 'answer', value: `${STAND_IN}. It was asked no <question>, so it has nothing to say.` };
  const groups = z.array(Group).safeParse(parsed(fields.get('groups') ?? ''));
  if (groups.success) return { kind: 'answer', value: summarize(groups.data, Number(fields.get('codebases'))) };
  const plan = planFor(question);
  const done = (tool: string): readonly Asked[] => conversation.asked.filter((one) => one.tool === tool);
  if (offered.has('list') && done('list').length === 0) return { kind: 'ask', calls: [{ tool: 'list', args: { path: '.', depth: 3 } }] };
  if (offered.has('grep') && done('grep').length === 0 && plan.clues.length > 0) {
    return { kind: 'ask', calls: plan.clues.flatMap((clue) => searchesFor(clue, done('list'))) };
  }
  const hits = hitsOf(plan, done('grep'));
  if (offered.has('read') && done('read').length === 0 && hits.listed.length > 0) {
    return {
      kind: 'ask',
      calls: placesToRead(hits.listed).map((hit) => ({
        tool: 'read',
        args: { file: hit.file, from: Math.max(1, hit.line - AROUND), to: hit.line + AROUND },
      })),
    };
  }
  return { kind: 'answer', value: review(conversation, plan, hits) };
}

/** Only source code where there is any; a folder of prose is searched as it is. */
function searchesFor(clue: Clue, listed: readonly Asked[]): Extract<Move, { kind: 'ask' }>['calls'] {
  const listing = z.object({ entries: z.array(z.string()), more: z.number() }).safeParse(listed[0]?.result);
  const source = new RegExp(`\\.(?:${SOURCE_EXTENSIONS.join('|')}) \\(`);
  const hasSource =
    !listing.success || listing.data.more > 0 || listing.data.entries.some((entry) => source.test(entry) || entry.endsWith('/'));
  const patterns = clue.unless === undefined ? [clue.pattern] : [clue.pattern, clue.unless];
  return patterns.map((pattern) => ({
    tool: 'grep',
    args: { pattern, ...(hasSource ? { extensions: SOURCE_EXTENSIONS } : {}), ...(clue.ignoreCase === true ? { ignoreCase: true } : {}) },
  }));
}

interface Hit {
  readonly clue: Clue;
  readonly file: string;
  readonly line: number;
  readonly quote: string;
  /** How many more places of this codebase have the same text. */
  readonly again: number;
}

const Match = z.object({ file: z.string(), line: z.number(), column: z.number(), text: z.string(), cut: z.boolean().optional() });
type Match = z.output<typeof Match>;

const Grepped = z.object({
  matches: z.array(Match),
  total: z.number(),
  filesSearched: z.number(),
  filesSkipped: z.number(),
  stopped: z.string().optional(),
});

interface Hits {
  readonly listed: readonly Hit[];
  /** There were more than are listed. */
  readonly more: boolean;
}

/** Matches worth reporting, the clues taking turns, each text once. */
function hitsOf(plan: Plan, greps: readonly Asked[]): Hits {
  const matchesOf = (pattern: string | undefined): readonly Match[] =>
    greps.filter((one) => one.args['pattern'] === pattern).flatMap((one) => Grepped.safeParse(one.result).data?.matches ?? []);
  const byClue = plan.clues.map((clue) => {
    const others = new Set(matchesOf(clue.unless).map((match) => match.file));
    const found = matchesOf(clue.pattern).filter((match) => !match.file.endsWith('.d.ts') && !others.has(match.file));
    return found
      .filter((match) => plan.inComments || !(isMention(match) || isDefinition(match)))
      .map((match) => ({ clue, match, quote: quoteOf(match, clue) }));
  });
  const hits = new Map<string, Hit>();
  const perFile = new Map<string, number>();
  let more = false;
  for (let round = 0; byClue.some((found) => round < found.length); round += 1) {
    for (const found of byClue) {
      const next = found[round];
      if (next === undefined) continue;
      const { quote } = next;
      const key = `${next.clue.label}\n${quote}`;
      const known = hits.get(key);
      const inFile = perFile.get(`${next.clue.label}\n${next.match.file}`) ?? 0;
      if (known !== undefined) hits.set(key, { ...known, again: known.again + 1 });
      else if (inFile < PER_FILE_MAX) {
        hits.set(key, { clue: next.clue, file: next.match.file, line: next.match.line, quote, again: 0 });
        perFile.set(`${next.clue.label}\n${next.match.file}`, inFile + 1);
      } else more = true;
    }
  }
  return { listed: [...hits.values()].slice(0, FINDINGS_MAX), more: more || hits.size > FINDINGS_MAX };
}

/** The line where it is short, else a piece of it that begins a little before the match. */
function quoteOf(match: Match, clue: Clue): string {
  const text = match.text.trim();
  if (text.length <= QUOTE_CHARS_MAX) return text;
  const at = Math.max(0, text.search(new RegExp(clue.pattern, clue.ignoreCase === true ? 'i' : '')));
  const start = Math.max(0, Math.min(at - QUOTE_CHARS_BEFORE, text.length - QUOTE_CHARS_MAX));
  return text
    .slice(start, start + QUOTE_CHARS_MAX)
    .replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
    .trim();
}

/** Whether a match stands in a comment or inside a string, as far as one line tells. */
function isMention({ text, column, cut }: Match): boolean {
  if (/^\s*(?:\/\/|\/\*|\*|#(?!!)|<!--)/.test(text)) return true;
  if (cut === true) return false;
  const before = text.slice(0, column - 1);
  if (/(?:^|[\s;{}(),])\/\/(?!["'`])/.test(before)) return true;
  let open = '';
  for (let at = 0; at < before.length; at += 1) {
    const character = before[at] ?? '';
    if (character === '\\') at += 1;
    else if (open === '' && /["'`]/.test(character)) open = character;
    else if (character === open) open = '';
  }
  return open !== '' && open !== '`';
}

/** Whether the line defines a function or method of that name rather than calling it. */
function isDefinition({ text, column }: Match): boolean {
  const before = text.slice(0, column - 1);
  if (/\bfunction\s*\*?\s*$/.test(before)) return true;
  return (
    /^\s*(?:(?:async|static|get|set|public|private|protected)\s+|\*\s*)*$/.test(before) &&
    /^[\w$#]+\s*\([^()]*\)\s*\{\s*$/.test(text.slice(column - 1))
  );
}

/** One place per clue first, then the rest in order, each file once per round. */
function placesToRead(hits: readonly Hit[]): readonly Hit[] {
  const first = hits.filter((hit, index) => hits.findIndex((other) => other.clue.label === hit.clue.label) === index);
  const rest = hits.filter((hit) => !first.includes(hit));
  return [...first, ...rest].slice(0, READS_MAX);
}

function review(conversation: Conversation, plan: Plan, hits: Hits): Review {
  const texts = textsOf(conversation.asked);
  const refused = refusedFindings(conversation.refused);
  const kept = hits.listed.filter((hit) => plan.inComments || !inBlockComment(hit, texts)).map((hit) => findingOf(hit, texts));
  return {
    codebase: conversation.fields.get('codebase') ?? '',
    findings: kept.filter((finding) => !refused.has(keyOf(finding))),
    notes: notesOf(conversation.asked, plan, hits.more),
    standIn: STAND_IN,
  };
}

function findingOf(hit: Hit, texts: ReadonlyMap<string, string>): Finding {
  const around = enclosing(hit, texts);
  const again = hit.again === 0 ? '' : ` The same text stands ${hit.again} more time${hit.again === 1 ? '' : 's'} in this codebase.`;
  return {
    file: hit.file,
    line: hit.line,
    quote: hit.quote,
    pattern: hit.clue.label,
    why: `${hit.clue.means}${around === undefined ? '' : ` In \`${around}\`.`}${again}`,
  };
}

/** Every line that was read, by `file:line`. */
function textsOf(asked: readonly Asked[]): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const one of asked) {
    const excerpt = z.object({ file: z.string(), text: z.string() }).safeParse(one.result);
    if (one.tool !== 'read' || !excerpt.success) continue;
    for (const line of excerpt.data.text.split('\n')) {
      const colon = line.indexOf(': ');
      texts.set(`${excerpt.data.file}:${line.slice(0, colon)}`, line.slice(colon + 2));
    }
  }
  return texts;
}

function inBlockComment(hit: Hit, texts: ReadonlyMap<string, string>): boolean {
  for (let line = hit.line - 1; line >= hit.line - AROUND; line -= 1) {
    const text = texts.get(`${hit.file}:${line}`);
    if (text === undefined || text.includes('*/')) return false;
    if (/^\s*\/\*/.test(text)) return true;
  }
  return false;
}

/** The name of the nearest function or method that begins above, as far as it was read. */
function enclosing(hit: Hit, texts: ReadonlyMap<string, string>): string | undefined {
  const opens =
    /\bfunction\s*\*?\s+([\w$]+)\s*\(|\b(?:const|let|var)\s+([\w$]+)\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*=>|[\w$]+\s*=>)|^\s+(?:static\s+|async\s+|\*\s*)*([\w$#]+)\s*\([^)]*\)\s*\{\s*$/;
  const indent = (text: string): number => text.length - text.trimStart().length;
  const own = texts.get(`${hit.file}:${hit.line}`);
  if (own === undefined || own.length > 300) return undefined;
  for (let line = hit.line; line >= hit.line - AROUND; line -= 1) {
    const text = texts.get(`${hit.file}:${line}`);
    if (text === undefined) return undefined;
    const match = opens.exec(text);
    const name = match?.[1] ?? match?.[2] ?? match?.[3];
    const opensHere = name !== undefined && !/^(?:if|for|while|switch|catch|with|return|eval|Function)$/.test(name);
    if (opensHere && (line === hit.line || indent(text) < indent(own))) return name;
  }
  return undefined;
}

function notesOf(asked: readonly Asked[], plan: Plan, more: boolean): string[] {
  const notes: string[] = [];
  const failed = asked.find((one) => one.error !== undefined);
  if (failed?.error !== undefined) notes.push(`A call of ${failed.tool} failed: ${failed.error}`);
  if (plan.clues.length === 0) notes.push('The question has no word that could be searched for.');
  else if (plan.topics.length === 0)
    notes.push(`No topic of the stand-in fits the question, so it searched for ${plan.clues.map((clue) => clue.label).join(', ')}.`);
  const greps = asked.filter((one) => one.tool === 'grep').flatMap((one) => Grepped.safeParse(one.result).data ?? []);
  const skipped = Math.max(0, ...greps.map((one) => one.filesSkipped));
  if (skipped > 0) notes.push(`${skipped} file${skipped === 1 ? ' was' : 's were'} not searched, being binary, unreadable or too large.`);
  const stopped = greps.find((one) => one.stopped !== undefined)?.stopped;
  if (stopped !== undefined) notes.push(stopped);
  if (more || greps.some((one) => one.total > one.matches.length))
    notes.push(`More places matched than are listed: at most ${FINDINGS_MAX}, and ${PER_FILE_MAX} of one kind in one file.`);
  return notes;
}

/** What was said against earlier answers, as keys of the findings meant: `findings[3]` names the fourth. */
function refusedFindings(refused: Conversation['refused']): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { answer, objection } of refused) {
    const findings =
      z.object({ findings: z.array(z.object({ file: z.string(), line: z.number(), quote: z.string() })) }).safeParse(parsed(answer)).data
        ?.findings ?? [];
    for (const match of objection.matchAll(/findings(?:\[(\d+)\]|[./](\d+))/g)) {
      const finding = findings[Number(match[1] ?? match[2])];
      if (finding !== undefined) keys.add(keyOf(finding));
    }
  }
  return keys;
}

function keyOf(finding: { readonly file: string; readonly line: number; readonly quote: string }): string {
  return JSON.stringify([finding.file, finding.line, finding.quote]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function summarize(groups: readonly Group[], codebases: number): Summary {
  const byPattern = Map.groupBy(groups, (group) => group.pattern);
  const patterns = [...byPattern].map(([name, members]) => ({
    name,
    what: meaningOf(name) ?? `Places that match ${name}.`,
    groups: members.map((group) => group.id),
    count: members.reduce((sum, group) => sum + group.count, 0),
    codebases: new Set(members.map((group) => group.codebase)).size,
  }));
  patterns.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  const total = patterns.reduce((sum, pattern) => sum + pattern.count, 0);
  const holders = new Set(groups.map((group) => group.codebase)).size;
  const top = patterns[0];
  const most =
    top === undefined ? '' : ` Most often it is ${top.name}: ${top.count} in ${top.codebases} codebase${top.codebases === 1 ? '' : 's'}.`;
  return {
    summary: `${holders} of ${codebases} codebases have such places; ${total} are listed, of ${patterns.length} kind${patterns.length === 1 ? '' : 's'}.${most} (Counted by a stand-in; no LLM was asked.)`,
    patterns: patterns.map(({ name, what, groups: ids }) => ({ name, what, groups: ids })),
    standIn: STAND_IN,
  };
}
