// True answers about packages and models: what package.json files say, what models cost. Called by groundedRounds.ts
// with dice, as groundedFigures.ts is.

import type { Dice } from '../src/modelServer/dice.ts';
import { between, oneOf } from '../src/modelServer/dice.ts';
import { otherUnit, sum, tableAs } from './groundedFigures.ts';
import { checksOf, given, type Sample, type Slot, slot } from './groundedSample.ts';
import { type Manifest, manifests, priceTable } from './groundedSources.ts';
import { count, inWords, percent, rounded, tokensAs } from './groundedWords.ts';

function textAt({ value }: Manifest, name: string): string {
  const found = value[name];
  return typeof found === 'string' ? found : '';
}

function sizeAt({ value }: Manifest, name: string): number {
  const found = value[name];
  return typeof found === 'object' && found !== null ? Object.keys(found).length : 0;
}

/** What some packages are, what they depend on, under which licence. */
export function packages(random: Dice): Sample {
  const files = manifests(random, between(random, 2, 7));
  const parsed = random() < 0.5;
  const rows = files.map((file) => ({
    name: textAt(file, 'name'),
    version: textAt(file, 'version'),
    license: textAt(file, 'license'),
    about: textAt(file, 'description') || null,
    manifest: file.path,
    dependencies: sizeAt(file, 'dependencies'),
  }));
  const licensed = rows.filter(({ license }) => license === 'MIT').length;
  const output = {
    packages: rows,
    packageCount: rows.length,
    dependencyTotal: sum(rows.map(({ dependencies }) => dependencies)),
    mitCount: licensed,
    mitPercent: rounded(random, (licensed / rows.length) * 100, 1),
    summary: `${licensed === rows.length ? 'All' : `${count(random, licensed)} of the ${inWords(rows.length)}`} are under MIT (${percent(random, licensed / rows.length)}).`,
    advisories: oneOf(random, ['none found', 'not stated in the manifests', 'unknown', 'No advisory was looked up.']),
  };
  return {
    task: 'packages',
    evidence: given(
      { question: 'What are these packages?', files: files.map(({ path }) => path) },
      ...files.map((file) => ({ tool: 'readJson', args: { path: file.path }, result: parsed ? file.value : file.text })),
    ),
    checks: checksOf({
      quote: ['packages[*].about'],
      path: ['packages[*].manifest'],
      id: ['packages[*].name', 'packages[*].version'],
      number: ['packages[*].dependencies', 'packageCount', 'dependencyTotal', 'mitCount', 'mitPercent', 'summary'],
    }),
    output,
    slots: [
      ...rows.flatMap(({ about }, index): Slot[] => [
        slot('id', 'packages', index, 'name'),
        slot('id', 'packages', index, 'version'),
        slot('path', 'packages', index, 'manifest'),
        ...(about === null ? [] : [slot('quote', 'packages', index, 'about')]),
      ]),
      slot('text', 'advisories'),
      ...(licensed < rows.length && licensed > 0
        ? [
            {
              ...slot('number', 'mitPercent'),
              slips: [{ slip: 'wrong base' as const, value: rounded(random, (licensed / (rows.length - licensed)) * 100, 1) }],
            },
          ]
        : []),
    ],
    truth: files.map(({ path, text }) => `${path}\n${text}`).join('\n'),
  };
}

interface Priced {
  readonly model: string;
  readonly inputUsdPerMTok: number;
  readonly outputUsdPerMTok: number;
  readonly contextTokens: number;
}

function priced(): readonly Priced[] {
  const [, ...rows] = priceTable().trim().split('\n');
  return rows.map((row) => {
    const [model = '', input, output, , context] = row.split(',');
    return { model, inputUsdPerMTok: Number(input), outputUsdPerMTok: Number(output), contextTokens: Number(context) };
  });
}

function usd(random: Dice, value: number): string {
  return oneOf(random, [
    `$${value}`,
    `${value} USD`,
    `$${value.toFixed(2).length >= String(value).length ? value.toFixed(2) : value}`,
    `${Number((value * 100).toFixed(6))} cents`,
  ]);
}

/** What models cost beside each other. */
export function prices(random: Dice): Sample {
  const all = priced();
  const rows = all.filter(() => random() < 0.7);
  const [dear, cheap] = twoOf(random, rows.length < 3 ? all : rows);
  const known = rows.length < 3 ? all : rows;
  const saved = 1 - cheap.outputUsdPerMTok / dear.outputUsdPerMTok;
  const reads = oneOf(random, known);
  const mean = sum(known.map(({ inputUsdPerMTok }) => inputUsdPerMTok)) / known.length;
  const output = {
    models: count(random, known.length),
    dearer: { model: dear.model, output: `${usd(random, dear.outputUsdPerMTok)} per million tokens` },
    cheaper: { model: cheap.model, output: `${usd(random, cheap.outputUsdPerMTok)} per million tokens` },
    dearerUsd: dear.outputUsdPerMTok,
    cheaperUsd: cheap.outputUsdPerMTok,
    savedUsd: Number((dear.outputUsdPerMTok - cheap.outputUsdPerMTok).toFixed(6)),
    savedPercent: rounded(random, saved * 100, 1),
    meanInputUsd: rounded(random, mean),
    reads: { model: reads.model, context: tokensAs(random, reads.contextTokens) },
    verdict: `${cheap.model} answers for ${usd(random, cheap.outputUsdPerMTok)} instead of ${usd(random, dear.outputUsdPerMTok)}, ${percent(random, saved)} less.`,
    discounts: oneOf(random, ['not stated in the table', 'none given', 'unknown']),
  };
  const slips = [{ slip: 'wrong base' as const, value: rounded(random, (dear.outputUsdPerMTok / cheap.outputUsdPerMTok - 1) * 100, 1) }];
  return {
    task: 'prices',
    evidence: given({ question: 'Which model is cheaper?' }, { tool: 'prices', args: {}, result: tableAs(random, known) }),
    checks: checksOf({
      id: ['dearer.model', 'cheaper.model', 'reads.model'],
      number: [
        'models',
        'dearer.output',
        'cheaper.output',
        'dearerUsd',
        'cheaperUsd',
        'savedUsd',
        'savedPercent',
        'meanInputUsd',
        'reads.context',
        'verdict',
      ],
    }),
    output,
    slots: [
      slot('id', 'dearer', 'model'),
      slot('id', 'reads', 'model'),
      { ...slot('number', 'dearer', 'output'), slips: [otherUnit(output.dearer.output)] },
      slot('number', 'cheaperUsd'),
      slot('number', 'savedUsd'),
      { ...slot('number', 'savedPercent'), slips },
      slot('number', 'meanInputUsd'),
      { ...slot('number', 'reads', 'context'), slips: [otherUnit(output.reads.context)] },
      slot('number', 'verdict'),
      slot('text', 'discounts'),
    ],
    truth: tableText(known),
  };
}

function tableText(rows: readonly Priced[]): string {
  return rows.map((row) => Object.values(row).join(' ')).join('\n');
}

function twoOf(random: Dice, rows: readonly Priced[]): readonly [Priced, Priced] {
  for (let tries = 0; tries < 100; tries += 1) {
    const [a, b] = [oneOf(random, rows), oneOf(random, rows)];
    if (a.outputUsdPerMTok > b.outputUsdPerMTok) return [a, b];
  }
  throw new Error('Prices differ.');
}
