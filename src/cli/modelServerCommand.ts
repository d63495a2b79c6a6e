// `amdahl model-server`: a stand-in for model providers, until Ctrl-C. What it says about itself goes to standard error,
// a line for each request to standard output.

import { AmdahlError } from '../agent/errors.ts';
import { openLog } from '../modelServer/log.ts';
import type { ModelServerStats, RequestRecord } from '../modelServer/records.ts';
import { startModelServer } from '../modelServer/server.ts';
import { listenForInterrupt } from './interrupt.ts';
import { modelServerOptions, type ModelServerFlags } from './modelServerOptions.ts';
import { countText, many, timeText, visible } from './quantities.ts';
import { EXIT } from './report.ts';
import type { Output, Terminal } from './terminal.ts';

/**
 * Serves until a signal comes, and ends when the last request is recorded and logged.
 * @throws AmdahlError MISCONFIGURED when an option is wrong, the port is taken or the log cannot be written.
 */
export async function modelServerCommand(flags: ModelServerFlags, { out, err }: Terminal): Promise<number> {
  const json = flags.json === true;
  const options = await modelServerOptions(flags);
  if (flags.log === '') throw new AmdahlError('MISCONFIGURED', '--log: no file is named. Write it like --log requests.jsonl.');
  const file = openLog(flags.log);
  const log = (record: RequestRecord): void => {
    file.write(record);
    out.line(json ? JSON.stringify(record) : recordText(record, out.colors));
  };
  const server = await startModelServer({ ...options, log });
  for (const line of introduction(server.url, err)) err.line(line);
  const interrupt = listenForInterrupt(
    () => err.line(),
    () => {},
  );
  await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve(), { once: true }));
  await server.close();
  if (json) out.line(JSON.stringify({ stats: server.stats() }));
  else for (const line of statsText(server.stats())) err.line(line);
  interrupt.restore();
  await file.close();
  return EXIT.succeeded;
}

function introduction(url: string, { colors }: Output): string[] {
  return [
    `${colors.bold('model server')} on ${url}: a stand-in that asks no model; its answers are made up`,
    `  OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=any`,
    `  ANTHROPIC_BASE_URL=${url}/v1 ANTHROPIC_API_KEY=any`,
    colors.dim(`  ${url}/stats has its sums; Ctrl-C stops it`),
    '',
  ];
}

/** One request in one line. Pure. */
export function recordText(record: RequestRecord, colors: Output['colors']): string {
  const {
    nth,
    status,
    method,
    path,
    protocol,
    model = '',
    tokensIn,
    tokensOut,
    tokensCached,
    tookMs,
    fault,
    refused,
    closed,
    turn,
  } = record;
  const paint = status === 200 ? colors.green : status === 0 ? colors.yellow : colors.red;
  const cached = tokensCached === 0 ? '' : ` (${countText(tokensCached)} cached)`;
  const parts = [
    colors.dim(`#${nth}`),
    paint(status === 0 ? '---' : String(status)),
    // What no protocol answers may be asked for at a wrong base URL.
    ...(protocol === undefined
      ? [visible(`${method} ${path}`)]
      : [`${protocol} ${visible(model)}`, `${countText(tokensIn)}${cached} in, ${countText(tokensOut)} out`]),
    timeText(tookMs),
    ...(fault === undefined ? [] : [colors.yellow(`fault ${fault}`)]),
    ...(refused === undefined ? [] : [colors.yellow(visible(refused))]),
    ...(closed === 'client' ? [colors.yellow('closed by the client')] : []),
    ...(turn === undefined ? [] : [colors.dim(visible(turn))]),
  ];
  return parts.join('  ');
}

function statsText(stats: ModelServerStats): string[] {
  const { requests, acknowledged, tokensIn, tokensOut, tokensCached, inFlightMax, byFault, turnsAnsweredTwice } = stats;
  const faults = Object.entries(byFault).map(([name, count]) => `${name} ${count}`);
  return [
    `${many(requests, 'request')}, ${acknowledged} answered; at most ${inFlightMax} at once`,
    `${countText(tokensIn)} tokens in (${countText(tokensCached)} cached), ${countText(tokensOut)} out`,
    ...(faults.length === 0 ? [] : [`faults: ${faults.join(', ')}`]),
    ...(turnsAnsweredTwice === 0 ? [] : [`${many(turnsAnsweredTwice, 'turn')} answered more than once`]),
  ];
}
