// A diagnosis as people read it: each line is a fact, or says what to do. Pure; called by `amdahl doctor`.

import type { Colors } from 'picocolors/types.js';
import { waysText } from '../model/providers.ts';
import type { Diagnosis, ProviderHealth, ProviderState } from './doctor.ts';
import type { JournalHealth } from './doctorJournal.ts';
import { many, visible } from './quantities.ts';
import type { Cell } from './table.ts';
import { tableLines } from './table.ts';

const COLUMNS = [{}, { drop: 1 }, {}, { gives: true }] as const;
const NAMED_MAX = 5;

/** `command` is how this CLI was called, so that what is suggested can be pasted. */
export function renderDiagnosis(found: Diagnosis, width: number, colors: Colors, command: string): string[] {
  return [
    nodeLine(found, colors),
    factLine('amdahl', found.amdahl, colors),
    '',
    ...tableLines(COLUMNS, [headOf(colors), ...found.providers.map((one) => providerCells(one, colors))], width),
    ...found.providers.flatMap((one) => noteLines(one, colors)),
    '',
    modelLine(found, colors),
    ...journalLines(found.journal, colors, command),
    '',
    endLine(found, colors),
  ];
}

function nodeLine({ node }: Diagnosis, colors: Colors): string {
  if (node.ok) return factLine('node', node.version, colors);
  return badLine(
    'node',
    `${node.version} is too old: amdahl needs Node ${node.needed.replace(/^\D+/, '')} or newer. Install it from https://nodejs.org.`,
    colors,
  );
}

function factLine(what: string, text: string, colors: Colors): string {
  return `${colors.bold(what)}  ${visible(text)}`;
}

function badLine(what: string, text: string, colors: Colors): string {
  return `${colors.red(colors.bold('problem'))}  ${what}: ${visible(text)}`;
}

function headOf(colors: Colors): Cell[] {
  return ['PROVIDER', 'STATE', 'PACKAGE', 'KEY'].map((text) => ({ text, paint: colors.dim }));
}

function providerCells(one: ProviderHealth, colors: Colors): Cell[] {
  const paint = { paint: painter(one.state, colors) };
  const found = one.version === undefined ? (one.install ?? '') : `${one.package} ${one.version}`;
  return [{ text: one.name, ...paint }, { text: one.state, ...paint }, { text: found }, { text: keyText(one) }];
}

function painter(state: ProviderState, colors: Colors): (text: string) => string {
  switch (state) {
    case 'ready':
      return colors.green;
    case 'broken':
      return colors.red;
    case 'needs a key':
    case 'needs its package':
      return colors.yellow;
    case 'not set up':
      return colors.dim;
  }
}

function keyText({ missing, variables, server }: ProviderHealth): string {
  if (missing.length > 0) return waysText(missing);
  const set = Object.entries(variables).flatMap(([variable, isSet]) => (isSet ? [variable] : []));
  if (set.length === 0) return server === undefined ? 'needs none' : `needs none, but a server at ${server}`;
  return `${set.join(', ')} ${set.length === 1 ? 'is' : 'are'} set`;
}

function noteLines({ name, baseUrl, problem }: ProviderHealth, colors: Colors): string[] {
  return [
    ...(baseUrl === undefined ? [] : [factLine(name, `is asked at ${baseUrl.url}, as ${baseUrl.variable} says`, colors)]),
    ...(problem === undefined ? [] : [badLine(name, problem, colors)]),
  ];
}

function modelLine({ model }: Diagnosis, colors: Colors): string {
  if (model.name === undefined) {
    return factLine('AMDAHL_MODEL', 'is not set: agents that have no model need it, or --model provider/modelId', colors);
  }
  return model.problem === undefined
    ? factLine('AMDAHL_MODEL', `${model.name} can be asked`, colors)
    : badLine('AMDAHL_MODEL', model.problem, colors);
}

function journalLines(journal: JournalHealth, colors: Colors, command: string): string[] {
  const { file, exists, bytes = 0, runs, more, running = [], interrupted = [], parked = 0, asks = 0, check, problem } = journal;
  const bad = problem === undefined ? [] : [badLine('journal', problem, colors)];
  if (!exists) return problem === undefined ? [factLine('journal', `none yet: the first run makes ${file}`, colors)] : bad;
  if (runs === undefined) return bad;
  const checked = check === 'skipped' ? `not checked, for its size: sqlite3 ${file} 'PRAGMA quick_check'` : check === 'ok' ? 'whole' : '';
  const facts = [file, sizeText(bytes), `${many(runs, 'run')}${more === true ? ' or more' : ''}`, checked];
  const first = interrupted[0];
  return [
    factLine('journal', facts.filter((fact) => fact !== '').join(', '), colors),
    ...bad,
    ...running
      .slice(0, NAMED_MAX)
      .map(
        ({ run, pid, host, alive }) =>
          `  ${visible(run)} is running in process ${pid} on ${visible(host)}${alive ? '' : ', which is gone'}`,
      ),
    ...(running.length > NAMED_MAX ? [`  … ${running.length - NAMED_MAX} more are running`] : []),
    ...(first === undefined
      ? []
      : [`  ${many(interrupted.length, 'run')} interrupted: ${command} resume ${visible(first)} goes on with the newest`]),
    ...(asks === 0 ? [] : [`  ${many(asks, 'question')} to people open, ${many(parked, 'run')} parked: ${command} inbox lists them`]),
  ];
}

/** 900 B, 12 KB, 3.4 MB: by thousands. */
function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function endLine({ ok, providers, model }: Diagnosis, colors: Colors): string {
  if (!ok) return colors.red('Something that is set up does not work: every problem above says what to do.');
  const keyed = providers.filter(({ state, server }) => state === 'ready' && server === undefined).map(({ name }) => name);
  const able = [...(model.name === undefined ? [] : [visible(model.name)]), ...keyed];
  if (able.length > 0) return colors.green(`Runs can ask ${able.join(', ')}.`);
  return 'No provider has a key here. Set up one of them, run a local server, or give agents models of your own.';
}
