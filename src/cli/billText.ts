// The bill as lines for people. Pure; called at the end of run and resume, and by show.

import type { Colors } from 'picocolors/types.js';
import type { Bill, Waited } from '../journal/bill.ts';
import type { Levy, Spend } from '../journal/spend.ts';
import { usesStandIn } from './progress.ts';
import { STAND_IN_NOTE } from './progressText.ts';
import { costText, countText, many, timeText, usdText, visible, wrapText } from './quantities.ts';
import type { Cell } from './table.ts';
import { tableLines } from './table.ts';

/** Shorter waits are no news, in a bill as in a tree. */
export const WAIT_TOLD_FROM_MS = 100;

const COLUMNS = [
  { gives: true },
  { align: 'right' },
  { align: 'right', drop: 2 },
  { align: 'right', drop: 2 },
  { align: 'right' },
  { align: 'right', drop: 1 },
] as const;

/**
 * What was spent, on what, and how much of it was tax. Rows per agent and model only where there are several. `turnedAway`:
 * how many of the failed requests a rate limit turned away.
 */
export function renderBill(bill: Bill, turnedAway: number, width: number, colors: Colors): string[] {
  if (bill.calls === 0) return [`${colors.bold('bill')}  no model was asked`, ...reusedLines(bill)];
  const rows = [[...rowOf({ text: 'bill', paint: colors.bold }, bill), timeText(bill.activeMs)]];
  const [agents, models] = [Object.entries(bill.agents), Object.entries(bill.models)];
  if (agents.length > 1) for (const [name, spend] of agents) rows.push(rowOf({ text: `  ${visible(name)}` }, spend));
  if (models.length > 1) for (const [name, spend] of models) rows.push(rowOf({ text: `  ${visible(name)}`, paint: colors.dim }, spend));
  return [
    ...tableLines(COLUMNS, rows, width),
    ...reusedLines(bill),
    ...notesOf(bill, turnedAway, colors).flatMap(([text, paint]) => wrapText(text, width, '  ').map((line) => paint(line))),
  ];
}

/** What other runs had bought. */
function reusedLines({ reused }: Bill): string[] {
  if (reused === undefined) return [];
  const { answers, requests, tokens, usdMicros } = reused;
  const saved = [many(requests, 'request'), `${countText(tokens)} tokens`, ...(usdMicros === 0 ? [] : [usdText(usdMicros)])];
  return [`  bought by others: ${many(answers, 'call')}, saved ${saved.join(', ')}`];
}

function rowOf(name: Cell, spend: Spend): (string | Cell)[] {
  const { calls, tokensIn, tokensOut, usdMicros, callsUnpriced } = spend;
  return [name, many(calls, 'request'), `${countText(tokensIn)} in`, `${countText(tokensOut)} out`, costText(usdMicros, callsUnpriced)];
}

type Note = readonly [text: string, paint: (text: string) => string];

function notesOf(bill: Bill, turnedAway: number, colors: Colors): Note[] {
  const notes: Note[] = [];
  const { tax, open, failed, cancelled, tokensCached, tokensCacheWritten, tokensReasoning, unpriced, modelMs } = bill;
  const models = Object.keys(bill.models);
  const plain = (text: string): string => text;
  const details = [
    models.length === 1 ? `all to ${visible(models[0] ?? '')}` : '',
    `${timeText(modelMs)} of model time`,
    tokensCached === 0 ? '' : `${countText(tokensCached)} of the input cached${savedText(bill)}`,
    tokensCacheWritten === 0 ? '' : `${countText(tokensCacheWritten)} written into the cache${tokensCached === 0 ? savedText(bill) : ''}`,
    tokensReasoning === 0 ? '' : `${countText(tokensReasoning)} of the output reasoning`,
    failed <= turnedAway ? '' : `${many(failed - turnedAway, 'request')} failed`,
    turnedAway === 0 ? '' : `${many(turnedAway, 'request')} turned away by rate limits`,
    cancelled === 0 ? '' : `${many(cancelled, 'request')} cancelled`,
  ].filter((part) => part !== '');
  if (details.length > 0) notes.push([details.join(', '), plain]);
  const waited = waitedText(tax.waitedMs);
  if (waited !== '') notes.push([waited, plain]);
  if (tax.all.requests > 0) notes.push([`tax: ${levyText(tax.all)} of it bought no output (${taxCauses(bill)})`, plain]);
  if (open.requests > 0)
    notes.push([`${many(open.requests, 'request')} got no answer: ${levyText(open, false)} assumed spent`, colors.yellow]);
  if (unpriced.length > 0)
    notes.push([`no price known for ${unpriced.map(visible).join(', ')}: what it cost is not in the sum`, colors.yellow]);
  if (usesStandIn(models)) notes.push([STAND_IN_NOTE, colors.yellow]);
  return notes;
}

/** '' where it is not known, or too little to tell. */
function savedText({ cacheSavedUsdMicros: saved = 0 }: Bill): string {
  if (saved === 0) return '';
  return saved > 0 ? `, which saved ${usdText(saved)}` : `, which cost ${usdText(-saved)} more than it saved`;
}

function taxCauses({ tax }: Bill): string {
  const { repairs, retries, hedges, rejected } = tax;
  return [
    repairs.requests === 0 ? '' : many(repairs.requests, 'repair'),
    retries.requests === 0 ? '' : `${retries.requests} sent again`,
    hedges.requests === 0 ? '' : many(hedges.requests, 'hedge'),
    rejected.attempts === 0 ? '' : `${many(rejected.attempts, 'attempt')} thrown away`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** '' where nobody waited long enough to notice. */
function waitedText({ budget, retry, gate, cache }: Waited): string {
  const parts = [
    gate < WAIT_TOLD_FROM_MS ? '' : `${timeText(gate)} at gates`,
    retry < WAIT_TOLD_FROM_MS ? '' : `${timeText(retry)} to send again`,
    budget < WAIT_TOLD_FROM_MS ? '' : `${timeText(budget)} for room in budgets`,
    cache < WAIT_TOLD_FROM_MS ? '' : `${timeText(cache)} for another to fill the provider's cache`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? '' : `waited ${parts.join(', ')}, summed over calls`;
}

function levyText({ requests, tokens, usdMicros }: Levy, withRequests = true): string {
  return [withRequests ? many(requests, 'request') : '', `${countText(tokens)} tokens`, usdMicros === 0 ? '' : usdText(usdMicros)]
    .filter((part) => part !== '')
    .join(', ');
}
