// What a resume found, as lines for people. Pure; called by drive.

import type { Colors } from 'picocolors/types.js';
import type { ResumeReport } from '../run/report.ts';
import { clipLine, countText, many, usdText, visible } from './quantities.ts';

const SHOWN_MAX = 8;

export function renderResume(report: ResumeReport, colors: Colors): string[] {
  const { answered, bought, unasked, firstDifference, unversioned, changed } = report;
  const lines = [
    `${colors.bold('resumed')}  ${many(answered, 'call')} answered from the journal, ${bought.length === 0 ? 'nothing bought again' : `${bought.length} asked again`}`,
  ];
  lines.push(...bought.slice(0, SHOWN_MAX).map(({ path, why }) => `  ${visible(path)}: ${clipLine(why, 160)}`), ...more(bought.length));
  if (unasked.length > 0) {
    const [tokens, micros] = unasked.reduce(([sum, usd], one) => [sum + one.tokens, usd + one.usdMicros], [0, 0]);
    lines.push(
      colors.yellow(
        `  ${many(unasked.length, 'answer')} nobody asked for any more (${countText(tokens)} tokens${micros === 0 ? '' : `, ${usdText(micros)}`})`,
      ),
    );
    if (firstDifference !== undefined) lines.push(colors.yellow(`  it first went another way at ${visible(firstDifference)}`));
  }
  for (const path of changed.slice(0, SHOWN_MAX))
    lines.push(colors.yellow(`  ${visible(path)} acted on the world and answers as it did, although its program has changed`));
  if (unversioned.length > 0)
    lines.push(colors.dim(`  counted as unchanged, for they have no version: ${unversioned.slice(0, SHOWN_MAX).map(visible).join(', ')}`));
  return lines;
}

function more(count: number): string[] {
  return count > SHOWN_MAX ? [`  … ${count - SHOWN_MAX} more: amdahl show`] : [];
}
