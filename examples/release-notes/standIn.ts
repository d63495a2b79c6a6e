// A stand-in for a model, so that the example runs without a key: a fixed script that sorts subjects by their first word. No LLM is
// asked, and what it writes says so.

import { scripted } from '../../src/testing.ts';
import { History } from './history.ts';

export const STAND_IN = 'Drafted by a stand-in: a fixed script, no LLM was asked.';

const GROUPS = [
  { title: 'New', words: /^(?:add|let|show|allow|bring|take|name|tell|say|support)\b/i },
  { title: 'Fixed', words: /^(?:fix|keep|hold|skip|repair|avoid)\b/i },
  { title: 'Changed', words: /^/ },
] as const;

export const model: ReturnType<typeof scripted> = scripted(
  ({ prompt }) => {
    const results = prompt.flatMap((message) => (message.role === 'tool' ? message.content : []));
    const { of, commits } = historyIn(JSON.stringify(prompt[1]));
    const title = `Release notes: ${commits.length} changes`;
    if (results.length === 0) return { text: 'I keep the notes first.', tools: [['save', { markdown: notes(of, title, commits) }]] };
    const [receipt = ''] = /\[receipt:[^\].]+/.exec(JSON.stringify(results)) ?? [];
    const announcement = { title, text: `${commits.length} changes, newest: ${commits.at(-1)?.subject}`, notes: `${receipt}.path]` };
    if (results.length === 1) return { tools: [['announce', announcement]] };
    return { object: { title, commits: commits.map(({ hash }) => hash) } };
  },
  { modelId: 'release-notes' },
);

/** The input as the agent's prompt shows it. */
function historyIn(prompt: string): History {
  const [, of = ''] = /<of>\\n?(.*?)\\n?<\/of>/s.exec(prompt) ?? [];
  const [, commits = '[]'] = /<commits>\\n?(.*?)\\n?<\/commits>/s.exec(prompt) ?? [];
  const parsed: unknown = JSON.parse(JSON.parse(`"${commits}"`) as string); // out of a text in JSON
  return History.parse({ of, commits: parsed });
}

function notes(of: string, title: string, commits: History['commits']): string {
  const left = new Set(commits);
  const sections = GROUPS.flatMap(({ title: group, words }) => {
    const its = [...left].filter(({ subject }) => words.test(subject));
    for (const one of its) left.delete(one);
    return its.length === 0 ? [] : [`## ${group}`, its.map(({ hash, subject }) => `- ${subject} (${hash})`).join('\n')];
  });
  return [`# ${title}`, `Of ${of}. ${STAND_IN}`, ...sections].join('\n\n');
}
