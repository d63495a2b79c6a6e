// What a resume found, as lines for people. Pure but for the command it names; called by drive.

import type { Colors } from 'picocolors/types.js';
import type { RunId } from '../journal/event.ts';
import type { ResumeReport } from '../run/report.ts';
import { amdahlCommand, pasteable } from './invocation.ts';
import { clipLine, countText, many, usdText, visible } from './quantities.ts';

const SHOWN_MAX = 8;
const RETRIES_NAMED_MAX = 3;

export function renderResume(report: ResumeReport, id: RunId, colors: Colors): string[] {
  const { bought, unversioned, changed } = report;
  const reasons = reasonsOf(bought);
  const lines = [`${colors.bold('resumed')}  ${summary(report)}`, ...reasons.slice(0, SHOWN_MAX).map((line) => `  ${line}`)];
  if (reasons.length > SHOWN_MAX) lines.push(`  … ${reasons.length - SHOWN_MAX} more: ${amdahlCommand()} show ${id}`);
  lines.push(...[...unaskedLines(report), ...keptLines(report, id)].map((line) => colors.yellow(`  ${line}`)));
  for (const { path } of report.unasked.filter(({ acted }) => acted === true).slice(0, SHOWN_MAX))
    lines.push(colors.red(`  ${visible(path)} acted on the world and was not asked for again: look whether something was done twice`));
  for (const path of changed.slice(0, SHOWN_MAX))
    lines.push(colors.yellow(`  ${visible(path)} acted on the world and answers as it did, although its program has changed`));
  if (unversioned.length > 0)
    lines.push(colors.dim(`  counted as unchanged, for they have no version: ${unversioned.slice(0, SHOWN_MAX).map(visible).join(', ')}`));
  return lines;
}

/** The program went another way: what it had bought is of no use to it now. */
function isElsewhere({ unasked, fresh }: ResumeReport): boolean {
  return unasked.length > 0 && fresh > 0;
}

function summary(report: ResumeReport): string {
  const { answered, bought, fresh, reused } = report;
  const parts = [`${many(answered, 'call')} answered from the journal`];
  if (reused > 0) parts.push(`${reused} by what was bought at another place`);
  if (bought.length > 0) parts.push(`${bought.length} asked again`);
  else if (!isElsewhere(report)) parts.push('nothing bought again');
  if (fresh > 0 && !isElsewhere(report)) parts.push(`${fresh} asked for the first time`);
  return parts.join(', ');
}

function unaskedLines(report: ResumeReport): string[] {
  const { unasked, fresh, firstDifference } = report;
  if (unasked.length === 0) return [];
  const [tokens, micros] = unasked.reduce(([sum, usd], one) => [sum + one.tokens, usd + one.usdMicros], [0, 0]);
  const cost = `${countText(tokens)} tokens${micros === 0 ? '' : `, ${usdText(micros)}`}`;
  const first = firstDifference === undefined ? '' : visible(firstDifference);
  if (!isElsewhere(report)) {
    const lines = [`${many(unasked.length, 'answer')} nobody asked for any more (${cost})`];
    return first === '' ? lines : [...lines, `it first went another way at ${first}`];
  }
  const left = `${many(unasked.length, 'recorded answer')} (${cost}) ${unasked.length === 1 ? 'was' : 'were'} left unused`;
  const lines = [`${many(fresh, 'call')} asked at new places while ${left}`];
  return first === '' ? lines : [...lines, `the first: ${first} (another input, name or order?)`];
}

function keptLines({ kept }: ResumeReport, id: RunId): string[] {
  if (kept.length === 0) return [];
  const named = kept.slice(0, RETRIES_NAMED_MAX).map(({ path }) => ` --retry '${visible(path)}'`);
  const rest = kept.length > RETRIES_NAMED_MAX ? ' …' : '';
  return [
    `${many(kept.length, 'recorded failure')} answered too; ask ${kept.length === 1 ? 'it' : 'them'} again: ${amdahlCommand()} resume ${id}${named.join('')}${rest}`,
  ];
}

/** Why calls were asked again; the same reason for calls of the same agent is one line. */
function reasonsOf(bought: ResumeReport['bought']): string[] {
  const groups = Map.groupBy(
    bought.map(({ path, why }) => ({ path, agent: agentOf(path), why: why.replaceAll(`'${path}'`, `'${agentOf(path)}'`) })),
    ({ agent, why }) => `${agent}\n${why}`,
  );
  return [...groups.values()].map((group) => {
    const [{ path, agent, why } = { path: '', agent: '', why: '' }] = group;
    return `${group.length === 1 ? visible(path) : `${group.length} × ${visible(agent)}`}: ${clipLine(pasteable(why), 160)}`;
  });
}

/** 'sweep[3]/review#1' is a call of 'review'. */
function agentOf(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/[#~].*$/, '');
}
