// True answers about texts: reviews, hunts for unfinished work, questions to documentation, changelogs, licences. Called
// by groundedRounds.ts with dice; each builds a question from real files and answers it from what it just read.

import type { Dice } from '../src/modelServer/dice.ts';
import { between, oneOf } from '../src/modelServer/dice.ts';
import { codeQuote, paragraphsOf, proseQuote } from './groundedQuotes.ts';
import { checksOf, given, type Sample, type Slot, slot } from './groundedSample.ts';
import { anyFile, excerptOf, type SourceFile, someFiles } from './groundedSources.ts';
import { count, inWords } from './groundedWords.ts';

/** Files as a call is given them: in its input, or as what its tools returned. */
function shown(random: Dice, files: readonly SourceFile[], question: string): Sample['evidence'] {
  const read = (text: (file: SourceFile) => unknown): Sample['evidence'] =>
    given(
      { question },
      { tool: 'listFiles', args: {}, result: files.map(({ path }) => path) },
      ...files.map((file) => ({ tool: 'readFile', args: { path: file.path }, result: text(file) })),
    );
  switch (between(random, 0, 5)) {
    case 0:
      return given({ question, files });
    case 1:
      return given(`${question}\n\n${files.map(({ path, text }) => `=== ${path} ===\n${text}`).join('\n\n')}`);
    case 2:
      return read(({ text }) => text);
    case 3:
      return read(({ path, text }) => ({ path, content: numbered(text) }));
    case 4:
      return read(({ path, text }) => JSON.stringify({ path, size: text.length, text }, null, 2));
    default:
      return given({ question, documents: files.map(({ path, text }) => `<document path="${path}">\n${text}\n</document>`) });
  }
}

function numbered(text: string): string {
  return text
    .split('\n')
    .map((line, index) => `${String(index + 1).padStart(5)}\t${line}`)
    .join('\n');
}

function truthOf(files: readonly SourceFile[]): string {
  return files.map(({ path, text }) => `${path}\n${text}`).join('\n');
}

const SEVERITIES = ['low', 'medium', 'high'];
const CONCERNS = [
  'The value is used before it is checked.',
  'The result of the call is dropped, so a failure here goes unseen.',
  'A later reader cannot tell why this branch exists.',
  'No test covers this line.',
  'The name says less than the code does.',
];

export function review(random: Dice): Sample {
  const files = someFiles(random, 'code', between(random, 1, 3)).map((file) => excerptOf(random, file, 90));
  const findings = Array.from({ length: between(random, 1, 4) }, () => {
    const file = oneOf(random, files);
    const quote = codeQuote(random, file.text).written;
    return { file: pathAs(random, file.path), quote, severity: oneOf(random, SEVERITIES), comment: oneOf(random, CONCERNS) };
  });
  const output = {
    findings,
    total: findings.length,
    summary: `${capital(inWords(findings.length))} ${findings.length === 1 ? 'place deserves' : 'places deserve'} a second look.`,
  };
  return {
    task: 'review',
    evidence: shown(random, files, 'Which lines of this code deserve a second look?'),
    checks: checksOf({ quote: ['findings[*].quote'], path: ['findings[*].file'], number: ['total'] }),
    output,
    slots: findings.flatMap((_, index): Slot[] => [
      slot('quote', 'findings', index, 'quote'),
      slot('path', 'findings', index, 'file'),
      slot('text', 'findings', index, 'comment'),
    ]),
    truth: truthOf(files),
  };
}

function pathAs(random: Dice, path: string): string {
  const short = path.replace('node_modules/', '');
  return oneOf(random, [path, path, `./${path}`, short, `${path}:${between(random, 1, 80)}`]);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const UNFINISHED = /\b(?:TODO|FIXME|XXX)\b.*/;

/** What is marked as unfinished, quoted: an answer full of TODOs that is no placeholder. */
export function unfinished(random: Dice): Sample {
  const files = someFiles(random, oneOf(random, ['unfinished', 'unfinished', 'code'] as const), between(random, 1, 2));
  const all = files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (UNFINISHED.test(line) ? [{ path, line, number: index + 1 }] : [])),
  );
  const todos = all.slice(0, 8).map(({ path, line, number }) => ({
    file: path,
    line: number,
    marker: /TODO|FIXME|XXX/.exec(line)?.[0] ?? '',
    text: oneOf(random, [line.trim(), line, (UNFINISHED.exec(line)?.[0] ?? line).trim(), line.replace(/^\s*(?:\/\/|\*)\s*/, '')]),
  }));
  const grep = all.slice(0, 8).map(({ path, line, number }) => `${path}:${number}:${line}`);
  const none = oneOf(random, ['none found', 'None', 'No open TODOs were found in these files.', 'There are none.']);
  return {
    task: 'unfinished',
    evidence: given(
      { task: 'List what is marked as unfinished.', files: files.map(({ path }) => path) },
      { tool: 'grep', args: { pattern: 'TODO|FIXME|XXX' }, result: grep.length === 0 ? 'no matches' : grep.join('\n') },
    ),
    checks: checksOf({ quote: ['todos[*].text'], path: ['todos[*].file'], number: ['todos[*].line', 'count'] }),
    output: {
      todos,
      count: todos.length,
      note: todos.length === 0 ? none : `${count(random, todos.length)} open ${plural(todos.length, 'item')}.`,
    },
    slots: [
      slot('text', 'note'),
      ...todos.flatMap((_, index): Slot[] => [
        slot('quote', 'todos', index, 'text'),
        slot('path', 'todos', index, 'file'),
        slot('number', 'todos', index, 'line'),
      ]),
    ],
    truth: `${truthOf(files)}\n${grep.join('\n')}`,
  };
}

function plural(n: number, noun: string): string {
  return n === 1 ? noun : `${noun}s`;
}

const UNANSWERED = [
  'not stated in the file',
  'The file does not say.',
  'none found',
  'unknown',
  'Not covered by the given text.',
  'No figures are given.',
];

/** A question to documentation: a paraphrase, the words it rests on, and what the text does not say. */
export function documentation(random: Dice): Sample {
  const files = someFiles(random, 'prose', between(random, 1, 2)).map((file) => ({ ...file, text: excerptWithProse(random, file) }));
  const evidence = Array.from({ length: between(random, 1, 3) }, () => {
    const file = oneOf(random, files);
    return { source: pathAs(random, file.path), quote: proseQuote(random, file.text).written };
  });
  const headings = files.flatMap(({ text }) => text.match(/^#{2,4} +[\w `-]{3,40}$/gm) ?? []).map((line) => line.replace(/^#+ +/, ''));
  const topic = headings.length === 0 ? 'its use' : oneOf(random, headings);
  const sections = files.flatMap(({ text }) => withoutCode(text).match(/^#{1,6} \S/gm) ?? []).length;
  return {
    task: 'documentation',
    evidence: shown(random, files, `What do these pages say about ${topic}?`),
    checks: checksOf({ quote: ['evidence[*].quote'], path: ['evidence[*].source'], number: ['headings'] }),
    output: {
      answer: `In short, it explains ${topic.replaceAll('`', '')} and when to reach for it.`,
      evidence,
      headings: files.length === 1 && sections > 0 ? sections : null,
      performance: oneOf(random, UNANSWERED),
    },
    slots: [
      slot('text', 'answer'),
      slot('text', 'performance'),
      ...evidence.flatMap((_, index): Slot[] => [slot('quote', 'evidence', index, 'quote'), slot('path', 'evidence', index, 'source')]),
    ],
    truth: truthOf(files),
  };
}

/** Without fenced code; a fence that the excerpt cuts ends nowhere. */
function withoutCode(text: string): string {
  return text.replaceAll(/^ *(```|~~~)[^]*?^ *\1.*$/gm, '');
}

function excerptWithProse(random: Dice, file: SourceFile): string {
  for (let tries = 0; tries < 20; tries += 1) {
    const { text } = excerptOf(random, file, 120);
    try {
      if (paragraphsOf(text).length > 1) return text;
    } catch {
      // Nothing but tables and code: another stretch.
    }
  }
  return file.text;
}

/** The newest releases of a changelog: versions, commits and counts. */
export function changelog(random: Dice): Sample {
  const file = excerptOf(random, anyFile(random, 'changes'), between(random, 40, 160), false);
  const lines = file.text.split('\n');
  const releases = lines.filter((line) => /^#{2,3} \[?v?\d/.test(line)).map((line) => /\d+\.\d+\.\d+[\w.-]*/.exec(line)?.[0] ?? '');
  const bullets = lines.filter((line) => /^[-*] \S/.test(line));
  const changes = Array.from({ length: Math.min(bullets.length, between(random, 1, 4)) }, () => {
    const bullet = oneOf(random, bullets);
    const id = /^- ([0-9a-f]{7}): /.exec(bullet)?.[1] ?? /#(\d+)/.exec(bullet)?.[0];
    const text = bullet.replace(/^[-*] (?:[0-9a-f]{7}: )?/, '');
    return { ...(id === undefined ? {} : { id }), change: proseOf(random, text) };
  });
  const versions = releases.slice(0, between(random, 1, 3));
  return {
    task: 'changelog',
    evidence: shown(random, [file], 'What changed in the newest releases?'),
    checks: checksOf({ quote: ['changes[*].change'], id: ['versions[*]', 'changes[*].id'], number: ['releases', 'entries', 'summary'] }),
    output: {
      versions,
      changes,
      releases: releases.length,
      entries: bullets.length,
      summary: `${count(random, releases.length)} ${plural(releases.length, 'release')} with ${bullets.length} ${plural(bullets.length, 'entry').replace('entrys', 'entries')} in all, the newest being ${releases[0] ?? 'unnamed'}.`,
    },
    slots: [
      ...versions.map((_, index) => slot('id', 'versions', index)),
      slot('text', 'summary'),
      ...changes.flatMap(({ id }, index) => [
        slot('quote', 'changes', index, 'change'),
        ...(id === undefined ? [] : [slot('id', 'changes', index, 'id')]),
      ]),
    ],
    truth: truthOf([file]),
  };
}

function proseOf(random: Dice, text: string): string {
  const words = text.split(' ');
  return words.length < 10 ? text : proseQuote(random, text).written;
}

/** Who holds the rights, since when, under which conditions. */
export function licence(random: Dice): Sample {
  const files = someFiles(random, 'licences', between(random, 1, 3));
  const terms = files.map((file) => {
    const holder = /^.*copyright.*\d{4}.*$/im.exec(file.text)?.[0];
    return {
      file: file.path,
      holder: holder?.trim().replaceAll('*', '') ?? null,
      year: Number(/(?:copyright|\(c\)|©)[^\n]*?(\d{4})/i.exec(file.text)?.[1] ?? 0) || null,
      condition: proseQuote(random, file.text).written,
      warranty: oneOf(random, ['disclaimed', 'none given', 'not stated in the file']),
    };
  });
  return {
    task: 'licence',
    evidence: shown(random, files, 'Under which conditions may these be used?'),
    checks: checksOf({ quote: ['terms[*].condition', 'terms[*].holder'], path: ['terms[*].file'], number: ['terms[*].year'] }),
    output: { terms, unclear: 'none' },
    slots: terms.flatMap(({ holder, year }, index): Slot[] => [
      slot('quote', 'terms', index, 'condition'),
      ...(holder === null ? [] : [slot('quote', 'terms', index, 'holder')]),
      ...(year === null ? [] : [slot('number', 'terms', index, 'year')]),
      slot('path', 'terms', index, 'file'),
      slot('text', 'terms', index, 'warranty'),
    ]),
    truth: truthOf(files),
  };
}
