import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LanguageModelV4, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import { findCodebases } from '../../examples/sweep/codebases.ts';
import { Review } from '../../examples/sweep/findings.ts';
import type { Sweep } from '../../examples/sweep/report.ts';
import { standIn } from '../../examples/sweep/standIn.ts';
import sweep, { findings, options } from '../../examples/sweep/sweep.ts';
import { memoryJournal, run } from '../../src/index.ts';
import { packageFiles, plant } from './sweepTree.ts';

const quick = standIn({ latencyMs: [0, 0] });
const home = plant({
  'alpha/run.js': 'function run(code) {\n  return eval(code);\n}\n',
  'beta/make.js': 'export const make = (body) => new Function("x", body);\n',
  'gamma/plain.js': 'export const one = 1;\n',
});
const codebases = [join(home, '*')];

/** The stand-in with its reviews tampered with. `tamper` gets each review with its number, from 0. */
function tampered(tamper: (review: Review, nth: number) => Review): LanguageModelV4 {
  const nth = new Map<string, number>();
  const doGenerate = async (call: Parameters<LanguageModelV4['doGenerate']>[0]): Promise<LanguageModelV4GenerateResult> => {
    const result = await quick.doGenerate(call);
    const [part] = result.content;
    const review = part?.type === 'text' ? Review.safeParse(JSON.parse(part.text)) : undefined;
    if (review?.success !== true) return result;
    const count = nth.get(review.data.codebase) ?? 0;
    nth.set(review.data.codebase, count + 1);
    return { ...result, content: [{ type: 'text', text: JSON.stringify(tamper(review.data, count)) }] };
  };
  return { ...quick, doGenerate };
}

const shifted = (review: Review): Review => ({
  ...review,
  findings: review.findings.map((finding) => ({ ...finding, line: finding.line + 1 })),
});

describe('a sweep over a few folders', () => {
  it('reports what was asked, who answered, and where things are, with quotes', async () => {
    const { output, missing } = await run(
      sweep,
      { codebases },
      { journal: memoryJournal(), models: { '*': quick }, prices: options.prices },
    );
    expect(missing).toEqual([]);
    expect(output).toContain('Answered by  stand-in/sweep-policy: a fixed search policy, no LLM was asked');
    expect(output).toContain('Answered     3; 2 with findings, 1 without; none failed');
    expect(output).toContain(`${join(home, 'alpha')}  run.js:2\n      return eval(code);`);
    expect(output).toContain(`${join(home, 'beta')}  make.js:1\n      export const make = (body) => new Function("x", body);`);
  });

  it('costs nothing, says so, and counts the tokens of the stand-in', async () => {
    const { bill } = await run(sweep, { codebases }, { journal: memoryJournal(), models: { '*': quick }, prices: options.prices });
    expect(bill).toMatchObject({ usdMicros: 0 });
    expect(bill.tokensIn).toBeGreaterThan(1_000);
  });

  it('repairs a review that shifts a line, and passes on only what stands there', async () => {
    const lies = tampered((review, nth) => (nth === 0 ? shifted(review) : review));
    const { output, bill } = await run(
      findings,
      { codebases },
      { journal: memoryJournal(), models: { '*': lies }, prices: options.prices },
    );
    expect(output.failed).toEqual([]);
    expect(output.reviews.flatMap((review) => review.findings.map(({ file, line }) => `${file}:${line}`))).toEqual([
      'run.js:2',
      'make.js:1',
    ]);
    expect(bill.tax).toMatchObject({ repairs: { requests: 2 }, rejected: { requests: 0 } });
  });

  it('lists a codebase whose reviewer keeps lying, with why, when enough of the others answered', async () => {
    const lies = tampered((review) => (review.codebase.endsWith('alpha') ? shifted(review) : review));
    const result = await run(
      sweep,
      { codebases, atLeast: 0.6 },
      { journal: memoryJournal(), models: { '*': lies }, prices: options.prices },
    );
    expect(result.missing).toHaveLength(1);
    expect(result.output).toMatch(/^Answered {5}2; 1 with findings, 1 without; 1 failed \(listed below\)$/m);
    expect(result.output).toContain(`${join(home, 'alpha')}  CHECK_FAILED: `);
    expect(result.output.replaceAll(/\s+/g, ' ')).toContain('The quote is not at run.js:3, which reads `}`. It is at line 2.');
  });

  it('fails when fewer answered than it must, and names how many', async () => {
    const lies = tampered((review) => (review.codebase.endsWith('alpha') ? shifted(review) : review));
    await expect(
      run(sweep, { codebases, atLeast: 0.9 }, { journal: memoryJournal(), models: { '*': lies }, prices: options.prices }),
    ).rejects.toMatchObject({ code: 'TOO_MANY_MISSING' });
  });

  it('does not believe a reviewer that found nothing without having looked', async () => {
    const home = plant({ 'here/a.js': 'eval(x)\n' });
    const { output } = await run(
      findings,
      { codebases: [join(home, 'here')], atLeast: 0 },
      { journal: memoryJournal(), models: { '*': quick, review: neverLooks() }, prices: options.prices },
    );
    expect(output.failed).toMatchObject([{ error: { code: 'CHECK_FAILED' } }]);
    expect(JSON.stringify(output.failed)).toContain('Nothing in the codebase was searched or read');
  });

  it('repairs a summary that leaves a group out, names one twice, or makes one up', async () => {
    const wrongs: readonly ((groups: readonly string[]) => string[])[] = [
      (all) => all.slice(1),
      (all) => [...all, ...all],
      (all) => [...all, 'g99'],
    ];
    for (const wrong of wrongs) {
      const { output, bill } = await run(
        findings,
        { codebases },
        { journal: memoryJournal(), models: { '*': quick, summarize: regrouped(wrong) }, prices: options.prices },
      );
      expect(bill.tax).toMatchObject({ repairs: { requests: 1 }, rejected: { requests: 0 } });
      expect(output.summary?.patterns.flatMap((pattern) => pattern.groups)).toEqual(['g1', 'g2']);
    }
  });

  it('says which folders it could not find', async () => {
    await expect(run(sweep, { codebases: [join(home, 'nowhere/*')] }, { journal: memoryJournal() })).rejects.toThrow(
      /No codebase at ".*nowhere\/\*", looked for in .*: nothing there has that name\./,
    );
  });

  it('asks packages by name and never looks into the packages they contain', async () => {
    const nested = plant({ ...packageFiles('node_modules/outer', { 'a.js': 'let a;\n', 'node_modules/inner/b.js': 'eval(b)\n' }) });
    const { output } = await run(
      findings,
      { codebases: [join(nested, 'node_modules')] },
      { journal: memoryJournal(), models: { '*': quick }, prices: options.prices },
    );
    expect(output.reviews).toMatchObject([{ codebase: 'outer', findings: [] }]);
  });
});

/** A summarizer whose first answer puts all groups into one pattern, wrongly. */
function regrouped(wrong: (groups: readonly string[]) => string[]): LanguageModelV4 {
  let answers = 0;
  const doGenerate = async (call: Parameters<LanguageModelV4['doGenerate']>[0]): Promise<LanguageModelV4GenerateResult> => {
    const result = await quick.doGenerate(call);
    answers += 1;
    if (answers > 1) return result;
    const pattern = { name: 'everything', what: 'Everything.', groups: wrong(['g1', 'g2']) };
    return { ...result, content: [{ type: 'text', text: JSON.stringify({ summary: 'All of it.', patterns: [pattern] }) }] };
  };
  return { ...quick, doGenerate };
}

/** A reviewer that says "nothing found" without having looked. */
function neverLooks(): LanguageModelV4 {
  const doGenerate = async (call: Parameters<LanguageModelV4['doGenerate']>[0]): Promise<LanguageModelV4GenerateResult> => ({
    ...(await quick.doGenerate(call)),
    content: [{ type: 'text', text: JSON.stringify({ codebase: 'here', findings: [] }) }],
    finishReason: { unified: 'stop', raw: undefined },
  });
  return { ...quick, doGenerate };
}

describe('the demo', () => {
  it('asks at least fifty real packages, finds real places, and every quote stands at its line', { timeout: 120_000 }, async () => {
    const { output }: { readonly output: Sweep } = await run(
      findings,
      {},
      { journal: memoryJournal(), models: { '*': quick }, prices: options.prices },
    );
    const roots = new Map(
      (await findCodebases(['node_modules'], { cwd: process.cwd(), limit: 60 })).codebases.map((one) => [one.name, one.root]),
    );
    expect(output.asked).toBeGreaterThanOrEqual(50);
    expect(output.failed).toEqual([]);
    const found = output.reviews.flatMap((review) =>
      review.findings.map((finding) => ({ ...finding, root: roots.get(review.codebase) ?? '' })),
    );
    expect(found.length).toBeGreaterThanOrEqual(10);
    for (const { root, file, line, quote } of found) expect(readFileSync(join(root, file), 'utf8').split('\n')[line - 1]).toContain(quote);
    expect(output.reviews.filter((review) => review.findings.length > 0).length).toBeGreaterThanOrEqual(5);
  });
});
