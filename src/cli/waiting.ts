// Who waits for whom right now, and what of it is worth a line: gates with somebody in line, and models that are to be
// asked again. Pure, given what gates show of themselves; watch.ts calls it as time passes.
//
// W1 A wait is told once it has lasted a second or will; it is over when nobody has waited for a second.
// W2 A log hears of it twice: when it begins and when it is over, however many calls wait.

import type { GateView } from '../model/gateView.ts';
import type { Progress } from './progress.ts';
import { amountText, clipPath, clockText, many, timeText, visible, widthOf } from './quantities.ts';

const TOLD_FROM_MS = 1_000;
const OVER_AFTER_MS = 1_000;

/** Some calls that wait for the same thing. */
export interface Wait {
  readonly key: string;
  readonly text: string;
  /** The same in ever fewer words. */
  readonly shorter: readonly string[];
  /** What is said when it is over; how long it took comes behind. */
  readonly over: string;
  /** In ms, as far as it is known. */
  readonly nextMs: number | undefined;
}

/** A wait that was seen, from when to when in epoch ms. */
interface Seen extends Wait {
  readonly since: number;
  readonly lastAt: number;
  readonly told: boolean;
}

/** What was seen so far, by key. */
export type Seens = ReadonlyMap<string, Seen>;

export const NOBODY_WAITS: Seens = new Map();

/** What waits at `now`. O(gates + running calls). */
export function waitsOf(views: readonly GateView[], progress: Progress, now: number): readonly Wait[] {
  const names = Map.groupBy(views, ({ name }) => name);
  const accountOf = ({ name, account }: GateView): string =>
    (names.get(name)?.length ?? 0) < 2 || account === undefined ? '' : ` (account ${account.slice(0, 8)})`;
  const atGates = views
    .filter(({ queued, incident }) => queued > 0 || incident !== undefined)
    .map((view): Wait => {
      const account = accountOf(view);
      const name = visible(view.name + account);
      const refused = view.incident !== undefined || view.closed === 'paused' || view.closed === 'breaker';
      return {
        key: `gate ${view.name} ${view.account ?? ''}`,
        ...textsOf(name, visible(bareName(view.name) + account), view),
        over: refused ? `${name} takes requests again` : `nobody is in line for ${name} any more`,
        nextMs: view.nextMs,
      };
    });
  const forCaches = views.flatMap((view): Wait[] => {
    const { following = 0 } = view;
    return following === 0 ? [] : [cacheWait(view, following, visible(view.name + accountOf(view)))];
  });
  return [...atGates, ...forCaches, ...retriesOf(progress, now)];
}

/** Calls that follow another's first token. */
function cacheWait({ name, account = '' }: GateView, following: number, shown: string): Wait {
  return {
    key: `cache ${name} ${account}`,
    text: `${many(following, 'call waits', 'calls wait')} for ${shown} to begin one answer: its cache then holds what they share`,
    shorter: [`${many(following, 'call waits', 'calls wait')} for the cache of ${shown}`, `${following} wait for a cache`],
    over: `nobody waits for the cache of ${shown} any more`,
    nextMs: undefined,
  };
}

/** What gates tell of a run at a glance: how many are in line, and whether a provider is down. Pure; O(gates). */
export function lineAt(views: readonly GateView[]): { readonly queued: number; readonly down: boolean } {
  return {
    queued: views.reduce((sum, { queued }) => sum + queued, 0),
    down: views.some(({ incident }) => incident !== undefined),
  };
}

/** The next state, and what a log says now. Pure. */
export function seeWaits(before: Seens, waits: readonly Wait[], now: number): { readonly seen: Seens; readonly lines: readonly string[] } {
  const seen = new Map<string, Seen>();
  const lines: string[] = [];
  for (const wait of waits) {
    const known = before.get(wait.key);
    const since = known?.since ?? now;
    const told = known?.told === true || now - since >= TOLD_FROM_MS || (wait.nextMs ?? 0) >= TOLD_FROM_MS;
    seen.set(wait.key, { ...wait, since, lastAt: now, told });
    if (told && known?.told !== true) lines.push(wait.text);
  }
  for (const [key, one] of before) {
    if (seen.has(key)) continue;
    if (now - one.lastAt < OVER_AFTER_MS) seen.set(key, one);
    else if (one.told) lines.push(`${one.over} after ${timeText(one.lastAt - one.since)}`);
  }
  return { seen, lines };
}

/** The texts of all waits that are told, as they were when they were last seen: in as many words as fit `width`. */
export function waitTexts(seen: Seens, width: number): readonly string[] {
  return [...seen.values()].filter(({ told }) => told).map((wait) => fitting(wait, width));
}

/** What matters most stands at the end: it is never cut there. */
function fitting({ text, shorter }: Wait, width: number): string {
  return [text, ...shorter].find((one) => widthOf(one) <= width) ?? clipPath(shorter.at(-1) ?? text, width);
}

/** A wait at a gate: how many are in line, what is known of its end, and why. */
function textsOf(name: string, bare: string, view: GateView): Pick<Wait, 'text' | 'shorter'> {
  const { queued, closed, nextMs, incident } = view;
  if (queued === 0 && incident !== undefined) {
    const rest = join([`is ${downText(incident)}`, nextText(nextMs, 'next probe')]);
    return { text: `${name} ${rest}`, shorter: [`${bare} ${rest}`] };
  }
  const probe = nextMs === undefined ? 'a probe is out' : nextText(nextMs, 'next probe');
  const facts = [`${queued} in line`, ...(closed === 'breaker' ? [downText(incident), probe] : [nextText(nextMs, 'next')])];
  const { why, brief } = reasonOf(view);
  const line = join(facts);
  const short = join(facts, brief);
  return { text: `waiting for ${name}: ${why(line)}`, shorter: [`${name}: ${short}`, `${bare}: ${short}`, `${bare}: ${line}`] };
}

/** Why the next in line waits: put behind what is said of the line, and in few words. */
interface Reason {
  readonly why: (line: string) => string;
  readonly brief: string;
}

function inBrackets(why: string, brief: string = why): Reason {
  return { why: (line) => join([line], why), brief };
}

function reasonOf({ name, closed, limits, inFlight }: GateView): Reason {
  const atOnce = `${limits.concurrency ?? inFlight} at once`;
  if (limits.source === 'opening' && (closed === undefined || closed === 'inFlight' || closed === 'requests')) {
    const skip = `rateLimits: { '${visible(name)}': { concurrency } } skips this`;
    return {
      why: (line) => `${line}, starting with ${atOnce} until its limits are known; ${skip}`,
      brief: `${atOnce} until limits are known`,
    };
  }
  if (closed === undefined) return inBrackets('');
  switch (closed) {
    case 'paused':
      return inBrackets('it pushed back');
    case 'requests':
      return perMinute(limits.requestsPerMinute, 'requests');
    case 'tokens':
      return perMinute(limits.tokensPerMinute, 'tokens');
    case 'inFlight':
      return inBrackets(`${atOnce}${knownFrom(limits)}`);
    case 'breaker':
      return inBrackets('');
  }
}

/** From where it is known how many it takes at once: nobody announces that, and what was configured may have been cut since. */
function knownFrom({ source, pushBacks }: GateView['limits']): string {
  if (source === 'learned') return ', as learned';
  return source === 'config' && pushBacks === 0 ? ', as configured' : '';
}

function downText(incident: GateView['incident']): string {
  return incident === undefined ? 'down' : `down since ${clockText(incident.since)}`;
}

function perMinute(limit: number | undefined, what: string): Reason {
  return limit === undefined
    ? inBrackets(`${what} per minute`)
    : inBrackets(`${amountText(limit)} ${what} a minute`, `${amountText(limit)} ${what}/min`);
}

/** 'openai/gpt-5' is 'gpt-5'. */
function bareName(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** Whole seconds: a countdown is read, not measured. '' where it is not known or less than one. */
function nextText(nextMs: number | undefined, what: string): string {
  if (nextMs === undefined || nextMs < 1_000) return '';
  const seconds = Math.ceil(nextMs / 1_000);
  return `${what} in ${seconds < 60 ? `${seconds} s` : timeText(seconds * 1_000)}`;
}

function join(parts: readonly string[], why = ''): string {
  return parts.filter((part) => part !== '').join(', ') + (why === '' ? '' : ` (${why})`);
}

/** Requests that wait long to be sent again, per model and failure. */
function retriesOf({ running }: Progress, now: number): readonly Wait[] {
  const waiting = [...running.values()].flatMap(({ model = 'a model', again }) =>
    again === undefined ? [] : [{ model: visible(model), ...again }],
  );
  return [...Map.groupBy(waiting, ({ model, code }) => `${model} ${code}`)].map(([key, all]): Wait => {
    const [{ model, code } = { model: '', code: '' }] = all;
    const nextMs = Math.min(...all.map(({ at }) => at)) - now;
    const rest = join([many(all.length, 'call'), nextText(nextMs, 'next')], `after ${code}`);
    const shorter = [`to ask ${model} again: ${rest}`, `to ask ${bareName(model)} again: ${rest}`];
    return { key: `again ${key}`, text: `waiting ${shorter[0]}`, shorter, over: `${model} was asked again`, nextMs };
  });
}
