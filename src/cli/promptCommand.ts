// `amdahl show RUN --prompt`: what was sent to models, by one call or by all. Called by showCommand.

import type { Place } from '../journal/event.ts';
import type { Journal, RunRow } from '../journal/journal.ts';
import { amdahlCommand } from './invocation.ts';
import { renderRequest, requestsOf } from './promptText.ts';
import { many, visible } from './quantities.ts';
import { findCalls } from './runReference.ts';
import type { ShowOptions } from './showCommand.ts';
import { tableLines } from './table.ts';
import type { Output } from './terminal.ts';

const CALLS_LISTED = 20;

/** `which` is a call, or true for all: with neither `all` nor `json` that is the first in full, and how to see the others. */
export async function showPrompts(
  journal: Journal,
  row: RunRow,
  which: string | true,
  { all = false, json = false }: ShowOptions,
  out: Output,
): Promise<void> {
  const calls = await callsThatAsked(journal, row);
  const [named] = which === true ? [] : await findCalls(journal, row.run, [which]);
  const [first] = calls.keys();
  if ((named === undefined ? first : calls.get(named.place)) === undefined) {
    if (!json) out.line(`${which === true ? `Run ${row.run}` : which} asked no model.`);
    return;
  }
  const some = which === true && !all && !json && calls.size > 1;
  if (some) for (const line of listOf(calls, out)) out.line(line);
  await printRequests(journal, row, named?.place ?? (some ? first : undefined), json, out);
  if (!some) return;
  const show = `${amdahlCommand()} show ${row.run} --prompt`;
  const second = [...calls.values()][1]?.path ?? '';
  out.line(out.colors.dim(`one call: ${show} '${visible(second)}'`));
  out.line(out.colors.dim(`all of them: ${show} --all`));
}

interface Asking {
  readonly path: string;
  requests: number;
}

/** In the order in which they asked first. O(events of the run). */
async function callsThatAsked(journal: Journal, { run }: RunRow): Promise<ReadonlyMap<Place, Asking>> {
  const calls = new Map<Place, Asking>();
  for await (const { event } of journal.read(run, { kinds: ['model.requested'] })) {
    if (event.kind !== 'model.requested') continue;
    const call = calls.get(event.call) ?? { path: event.path, requests: 0 };
    call.requests += 1;
    calls.set(event.call, call);
  }
  return calls;
}

function listOf(calls: ReadonlyMap<Place, Asking>, { colors, width }: Output): string[] {
  const asking = [...calls.values()];
  const total = asking.reduce((sum, { requests }) => sum + requests, 0);
  const rows = asking.slice(0, CALLS_LISTED).map(({ path, requests }) => [`  ${visible(path)}`, many(requests, 'request')]);
  const more = asking.length - rows.length;
  return [
    colors.bold(`${many(total, 'request')} by ${many(asking.length, 'call')}`),
    ...tableLines([{ gives: true }, { align: 'right' }], rows, width()),
    ...(more > 0 ? [colors.dim(`  … ${many(more, 'more call')}`)] : []),
    '',
  ];
}

async function printRequests(journal: Journal, { run }: RunRow, call: Place | undefined, json: boolean, out: Output): Promise<void> {
  for await (const request of requestsOf(journal.read(run, { kinds: ['model.requested', 'model.responded'] }), call)) {
    if (json) out.line(JSON.stringify(request));
    else for (const line of renderRequest(request, out.colors)) out.line(out.tty ? visible(line) : line);
  }
}
