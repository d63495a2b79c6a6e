// What a run with effects is held to, however often it was crashed: the service's own count against what the program was to do,
// and the journal against I5 and I6. Called by every test of the matrix.

import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Entry } from '../../src/index.ts';
import { holds, shown } from '../crash/law.ts';
import type { Ending, Mortality } from '../crash/mortal.ts';
import { committedAfterConfirmed, effectsInOrder, noOrphanEffects, personSettles } from '../suites/effectInvariants.ts';
import { InvariantBroken, prefixSurvives, type Shift } from '../suites/invariants.ts';
import type { Cell, Program } from './cells.ts';
import { type Ledger, meaning } from './ledger.ts';
import type { Service } from './service.ts';
import { type Answered, type Person, Stage } from './stage.ts';

/** What the service counted of one run that was crashed, for the table. */
export interface Count {
  readonly asked: number;
  readonly applied: number;
  readonly lost: number;
  readonly twice: number;
}

/** The run of a program that nobody disturbed. */
export interface Calm {
  readonly ending: Ending;
  readonly entries: readonly Entry[];
}

export async function calmRun(program: Program, cell: Cell, service: Service): Promise<Calm> {
  const stage = new Stage(program, service);
  const ending = await stage.toItsEnd();
  await obeys(stage, program, cell, ending);
  expect(stage.asked, 'nobody is asked about a run that nobody disturbs').toEqual([]);
  return { ending, entries: await stage.world.entries() };
}

/** Crashes a run as told, one process after the other, lets it come to its end, and holds it to the laws and to the calm one. */
export async function crashed(
  program: Program,
  cell: Cell,
  service: Service,
  crashes: readonly Mortality[],
  calm: Calm,
  { before, person }: { readonly before?: (stage: Stage) => void; readonly person?: Person } = {},
): Promise<Count> {
  const stage = new Stage(program, service, person);
  before?.(stage);
  for (const crash of crashes) {
    const entries = await stage.world.entries();
    await stage.enter(crash);
    prefixSurvives(entries, await stage.world.entries());
    nothingUnrecorded(stage.ledger, await stage.world.entries());
    await stage.say();
  }
  const ending = await stage.toItsEnd();
  const other = ending.kind === 'succeeded' && stage.asked.length > 0 && isDeepStrictEqual(ending.output, program.or?.output);
  if (ending.kind === 'succeeded' && !other) expect(shown(ending)).toEqual(shown(calm.ending));
  const held = other ? { ...program, ...program.or } : program;
  await obeys(stage, held, cell, ending);
  return countOf(stage, held);
}

/** What is left of a run and its world, whoever crashed it. */
export interface Remains {
  readonly entries: readonly Entry[];
  readonly shifts: readonly Shift[];
  readonly ledger: Ledger;
  readonly asked: readonly Answered[];
}

/** What is true of any run of the program that succeeded. */
async function obeys(stage: Stage, program: Program, cell: Cell, ending: Ending): Promise<void> {
  if (ending.kind !== 'succeeded') throw new Error(`it did not succeed: ${JSON.stringify(ending)}`);
  await holds(stage.world, ending);
  lawful({ entries: await stage.world.entries(), shifts: stage.world.shifts, ledger: stage.ledger, asked: stage.asked }, program, cell);
}

/** The laws of effects, by the service's own count and by the journal. */
export function lawful({ entries, shifts, ledger, asked }: Remains, program: Program, cell: Cell): void {
  effectsInOrder(entries);
  committedAfterConfirmed(entries);
  noOrphanEffects(entries);
  nothingUnrecorded(ledger, entries);
  undoneInReverse(ledger);
  const inOrder = (list: readonly string[]): readonly string[] => (program.ordered ? list : list.toSorted());
  expect(inOrder(ledger.standing), 'what stands at the service').toEqual(inOrder(program.expected));
  for (const deed of ledger.deeds) {
    if (program.never.includes(meaning(deed)))
      throw new InvariantBroken(`I5 effects: ${meaning(deed)} was done, and its output was refused`);
    const times = ledger.timesDone(deed.key);
    if (times > 1) throw new InvariantBroken(`I5 effects: ${meaning(deed)} was done ${times} times with one key`);
  }
  if (cell.manner !== 'plain') return;
  personSettles(entries, shifts);
  neverAgainUnasked(ledger, asked);
}

/** What was sent is on record as begun: the journal knows of it, whoever died. */
function nothingUnrecorded(ledger: Ledger, entries: readonly Entry[]): void {
  const begun = new Set(entries.flatMap(({ event }) => (event.kind === 'effect.committing' ? [event.key] : [])));
  const unknown = ledger.asked.find(({ method, key }) => method === 'POST' && !begun.has(key));
  if (unknown !== undefined) throw new InvariantBroken(`I5 effects: ${meaning(unknown)} was sent before it was on record`);
}

/** What is taken back is taken back in reverse order: last done, first undone. */
export function undoneInReverse(ledger: Ledger): void {
  const undone = new Set(ledger.asked.flatMap(({ method, key }) => (method === 'DELETE' ? [key] : [])));
  const standing: string[] = [];
  for (const { method, key } of ledger.asked) {
    const at = standing.indexOf(key);
    if (method === 'POST' && undone.has(key) && at < 0) standing.push(key);
    if (method !== 'DELETE' || at < 0) continue;
    if (at < standing.length - 1)
      throw new InvariantBroken(`I5 effects: ${key} was undone before ${standing.slice(at + 1).join(', ')}, which came after it`);
    standing.pop();
  }
}

/** A service that knows no keys is sent nothing again unless a person said that it was not done. */
function neverAgainUnasked(ledger: Ledger, asked: readonly Answered[]): void {
  for (const key of new Set(ledger.asked.map((one) => one.key))) {
    const isNotDone = ({ question, said }: Answered): boolean =>
      JSON.stringify(question.about).includes(key) && JSON.stringify(said).includes('not done');
    const words = asked.filter(isNotDone).length;
    const sent = ledger.timesSent(key);
    if (sent > 1 + words)
      throw new InvariantBroken(`I5 effects: ${key} was sent ${sent} times, and a person said ${words} times that it was not done`);
  }
}

function countOf({ ledger, asked }: Stage, { expected }: Program): Count {
  const standing = [...ledger.standing];
  const lost = expected.filter((one) => {
    const at = standing.indexOf(one);
    if (at >= 0) standing.splice(at, 1);
    return at < 0;
  }).length;
  const again = ledger.deeds.filter(({ key }) => ledger.timesDone(key) > 1).length;
  return {
    asked: asked.filter(({ question }) => question.of === 'effect').length,
    applied: ledger.standing.length,
    lost,
    twice: Math.max(standing.length, again),
  };
}
