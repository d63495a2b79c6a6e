// How long a model lately took to answer, and which share of its answers comes within what time. Pure data and pure
// functions; hedging.ts keeps one for each agent and model of a map.
//
// What has not been answered yet says that an answer may take longer than that, and must not be left out: of two hundred
// requests sent at once the first answers to come are the fastest ones, and a quantile of those alone would be far too low.

/** So many sendings are remembered. */
const WINDOW = 1_000;
/** With fewer answers than this nothing is said. */
export const ANSWERS_MIN = 20;

/** A sending that is over: how long it was on its way, and whether it was answered then, or cut off. */
interface Sample {
  readonly ms: number;
  readonly answered: boolean;
}

export interface Latencies {
  /** In the order in which they ended. */
  readonly recent: readonly Sample[];
  /** By time; those that were answered before those that were cut off at the same time. */
  readonly sorted: readonly Sample[];
  readonly answers: number;
}

export const NO_LATENCIES: Latencies = { recent: [], sorted: [], answers: 0 };

/** With one more that is over; the oldest is forgotten. O(window). */
export function withLatency({ recent, sorted, answers }: Latencies, ms: number, answered: boolean): Latencies {
  const sample: Sample = { ms, answered };
  const oldest = recent.length < WINDOW ? undefined : recent[0];
  const left = oldest === undefined ? sorted : sorted.filter((one) => one !== oldest);
  const at = firstAt(left.length, (index) => isBefore(sample, left[index] ?? sample));
  return {
    recent: [...(oldest === undefined ? recent : recent.slice(1)), sample],
    sorted: [...left.slice(0, at), sample, ...left.slice(at)],
    answers: answers + Number(answered) - Number(oldest?.answered === true),
  };
}

function isBefore(a: Sample, b: Sample): boolean {
  return a.ms < b.ms || (a.ms === b.ms && a.answered && !b.answered);
}

/**
 * Within how many ms the share `p` of sendings is answered; undefined where fewer than 20 answers are known, or too few to
 * say. `since` says when those began that are on their way, the earliest first. The product-limit estimate (Kaplan &
 * Meier, "Nonparametric Estimation from Incomplete Observations", JASA 1958): where nothing was cut off or is on its way
 * it is the empirical quantile. O(window · log of those on their way).
 */
export function quantileMs({ sorted, answers }: Latencies, since: readonly number[], now: number, p: number): number | undefined {
  if (answers < ANSWERS_MIN) return undefined;
  let longer = 1;
  for (const [index, { ms, answered }] of sorted.entries()) {
    if (!answered) continue;
    const onTheirWay = firstAt(since.length, (at) => now - (since[at] ?? now) < ms);
    longer *= 1 - 1 / (sorted.length - index + onTheirWay);
    // Away from what floating point adds: 19 of 20 are 0.95.
    if (longer <= 1 - p + 1e-9) return ms;
  }
  return undefined;
}

/** The first index for which it holds, of those for which it holds from some index on. */
function firstAt(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
