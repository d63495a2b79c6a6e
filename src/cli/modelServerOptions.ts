// What the options of `amdahl model-server` say, as options of startModelServer. Called by modelServerCommand; reads the
// file of answers, and nothing else.

import { readFileSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { AmdahlError, describe } from '../agent/errors.ts';
import { checkShares, type ModelServerOptions } from '../modelServer/options.ts';
import type { LimitHeaders } from '../modelServer/throttle.ts';
import { importProgram } from './programImport.ts';

/** As commander gives them. */
export interface ModelServerFlags {
  readonly port: string;
  readonly host?: string;
  readonly answers?: string;
  readonly latency?: string;
  readonly tokenLatency?: string;
  readonly rpm?: string;
  readonly tpm?: string;
  readonly rpmBurst?: string;
  readonly tpmBurst?: string;
  readonly limits?: string;
  readonly fault?: readonly string[];
  readonly seed?: string;
  readonly key?: readonly string[];
  readonly model?: readonly string[];
  readonly context?: string;
  readonly log?: string;
  readonly json?: boolean;
}

/** @throws AmdahlError MISCONFIGURED or PROGRAM_NOT_FOUND naming what is wrong. */
export async function modelServerOptions(flags: ModelServerFlags): Promise<ModelServerOptions> {
  const { answers, latency, tokenLatency, seed, key, model, context, host, fault } = flags;
  const throttle = throttleOf(flags);
  const perTokenMs = tokenLatency === undefined ? undefined : numberIn(tokenLatency, '--token-latency', '20');
  const firstMs = latency === undefined ? undefined : parseLatency(latency);
  return {
    port: numberIn(flags.port, '--port', '8080', WHOLE(0, 65_535)),
    ...(host !== undefined && { host: textIn(host, '--host', '0.0.0.0') }),
    ...(answers !== undefined && { answers: await answersIn(answers) }),
    ...((firstMs !== undefined || perTokenMs !== undefined) && {
      delay: { ...(firstMs !== undefined && { firstMs }), ...(perTokenMs !== undefined && { perTokenMs }) },
    }),
    ...(throttle !== undefined && { throttle }),
    ...(fault !== undefined && { faults: parseFaults(fault) }),
    ...(seed !== undefined && { seed: numberIn(seed, '--seed', '7', WHOLE(0)) }),
    ...(key !== undefined && { keys: key.map((one) => textIn(one, '--key', 'secret')) }),
    ...(model !== undefined && { models: model.map((one) => textIn(one, '--model', 'gpt-4o')) }),
    ...(context !== undefined && { contextTokens: numberIn(context, '--context', '128k', WHOLE(1)) }),
  };
}

/** "200" or "lognormal:200:0.5": the median in ms and sigma of the logarithm. Pure. */
export function parseLatency(text: string): number | { readonly medianMs: number; readonly sigma: number } {
  const [, median, sigma] = /^lognormal:([\d.]+):([\d.]+)$/.exec(text) ?? [];
  if (median !== undefined && sigma !== undefined)
    return {
      medianMs: numberIn(median, '--latency', 'lognormal:200:0.5', ABOVE_0),
      sigma: numberIn(sigma, '--latency', 'lognormal:200:0.5'),
    };
  return numberIn(text, '--latency', '200 or lognormal:200:0.5');
}

/** "500=5%", "hang=0.02", "hang:30000=2%" with ms of hang, stall and refuse, or the byte of a cut. Pure. */
export function parseFaults(texts: readonly string[]): NonNullable<Exclude<ModelServerOptions['faults'], (...args: never) => unknown>> {
  const faults: Record<string, unknown> = {};
  for (const text of texts.flatMap((one) => one.split(','))) {
    const [, name, takes, number, percent] = /^\s*(\w+)(?::(\d+))?=(\d+(?:\.\d+)?)(%?)\s*$/.exec(text) ?? [];
    if (name === undefined) throw wrong(`--fault: '${text}' is no fault with its share`, '--fault 500=5% --fault hang:30000=2%');
    const share = Number(number) / (percent === '%' ? 100 : 1);
    if (Object.hasOwn(faults, name)) throw wrong(`--fault: ${name} is given twice`, '--fault 500=5%');
    const taken =
      takes === undefined ? {} : { [name.startsWith('cut') ? 'atByte' : /^\d+$/.test(name) ? 'retryAfterMs' : 'forMs']: Number(takes) };
    faults[name] = { share, ...taken };
  }
  checkShares(faults, '--fault', '--fault');
  return faults; // as checked
}

function throttleOf({ rpm, tpm, rpmBurst, tpmBurst, limits }: ModelServerFlags): ModelServerOptions['throttle'] {
  if (rpmBurst !== undefined && rpm === undefined) throw wrong('--rpm-burst does nothing without --rpm', '--rpm 60 --rpm-burst 5');
  if (tpmBurst !== undefined && tpm === undefined) throw wrong('--tpm-burst does nothing without --tpm', '--tpm 100k --tpm-burst 10k');
  if (rpm === undefined && tpm === undefined) {
    if (limits !== undefined) throw wrong('--limits says how limits are told, but there are none', '--rpm 60 --limits announced');
    return undefined;
  }
  return {
    // A bucket that cannot hold one request never lets one in.
    ...(rpm !== undefined && {
      requestsPerMinute: numberIn(rpm, '--rpm', rpmBurst === undefined ? '60' : '0.5', rpmBurst === undefined ? AT_LEAST_1 : ABOVE_0),
    }),
    ...(rpmBurst !== undefined && { burstRequests: numberIn(rpmBurst, '--rpm-burst', '5', AT_LEAST_1) }),
    ...(tpm !== undefined && { tokensPerMinute: numberIn(tpm, '--tpm', '100k', ABOVE_0) }),
    ...(tpmBurst !== undefined && { burstTokens: numberIn(tpmBurst, '--tpm-burst', '10k', AT_LEAST_1) }),
    ...(limits !== undefined && { headers: limitsIn(limits) }),
  };
}

function limitsIn(limits: string): readonly LimitHeaders[] {
  const all = limits.split(',').map(headersIn);
  if (all.length > 1 && all.includes('bare')) throw wrong(`--limits: bare tells nothing, and '${limits}' something`, '--limits bare');
  return all;
}

function headersIn(limits: string): LimitHeaders {
  switch (limits) {
    case 'announced':
    case 'bare':
      return limits;
    case 'retry-after':
      return 'retryAfter';
    case 'retry-after-ms':
      return 'retryAfterMs';
    default:
      throw wrong(`--limits: '${limits}' is none of announced, retry-after, retry-after-ms and bare`, '--limits announced,retry-after');
  }
}

const SCALES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6 };

/** Which numbers an option takes, and how they are called. */
interface Range {
  readonly fits: (value: number) => boolean;
  readonly says: string;
}

const ANY: Range = { fits: () => true, says: 'number' };
const ABOVE_0: Range = { fits: (value) => value > 0, says: 'number above 0' };
const AT_LEAST_1: Range = { fits: (value) => value >= 1, says: 'number of at least 1' };
const WHOLE = (least: number, most = Number.MAX_SAFE_INTEGER): Range => ({
  fits: (value) => Number.isInteger(value) && value >= least && value <= most,
  says: `whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? ' on' : ` to ${most}`}`,
});

/** 8080, 0.5, 100k, 2M. */
function numberIn(text: string, option: string, example: string, { fits, says }: Range = ANY): number {
  const [, number, scale = ''] = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(text) ?? [];
  const value = Number(number) * (SCALES[scale.toLowerCase()] ?? 1);
  if (number === undefined || !fits(value)) throw wrong(`${option}: '${text}' is no ${says}`, `${option} ${example}`);
  return value;
}

function textIn(text: string, option: string, example: string): string {
  if (text === '') throw wrong(`${option} is empty`, `${option} ${example}`);
  return text;
}

/** A list in a .json file, or what a module exports as default: a list or a function. */
async function answersIn(file: string): Promise<NonNullable<ModelServerOptions['answers']>> {
  const path = resolve(file);
  let answers: unknown;
  if (extname(path) === '.json') {
    try {
      answers = JSON.parse(readFileSync(path, 'utf8'));
    } catch (cause) {
      throw new AmdahlError('MISCONFIGURED', `--answers: ${file} cannot be read as JSON: ${describe(cause)}.`, { cause });
    }
  } else ({ default: answers } = await importProgram(file, path));
  // The fields of each answer are checked when it is asked for.
  if (Array.isArray(answers)) return answers as Extract<ModelServerOptions['answers'], readonly unknown[]>;
  if (typeof answers === 'function') return answers as Extract<ModelServerOptions['answers'], (...args: never) => unknown>; // its answers are checked as well
  throw new AmdahlError(
    'MISCONFIGURED',
    `--answers: ${file} has no list and no function of answers. A .json file is a list; a module exports either as default.`,
  );
}

function wrong(what: string, example: string): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `${what}. Write it like ${example}.`);
}
