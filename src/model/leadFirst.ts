// Whether a request goes ahead, leads or follows, where others with the same prefix are on their way: a prefix that no
// provider holds yet is written by one, and the others wait for the beginning of its answer, from which on they read it.
// Pure; sharedPrefixes.ts keeps the states and waits.
//
// L1 one that waits does so before it has reserved anything and before it stands at a gate, so nobody waits for it.
// L2 nobody waits longer than a bound of its own, whatever leads do; a lead that is over, or late, is none any more.
// L3 the first never waits. What anybody says does not depend on who was first: only when it is sent does.

/** What is known of one prefix at one provider. Times in epoch ms. */
export interface PrefixState {
  /** When somebody asked with it last. */
  readonly askedAt: number | undefined;
  /** When an answer last began whose request had written or read it. */
  readonly heldAt: number | undefined;
  /** When the one that writes it was sent, while its answer has not begun. */
  readonly leadAt: number | undefined;
  /** Whether that one is streamed: where it is not, its answer begins when it is there. */
  readonly leadStreams: boolean;
  /** Requests with it that are not over, those that wait among them. */
  readonly open: number;
  /** How long the last lead's answer took to begin, and answers with it take in all, in ms; undefined until known. */
  readonly firstMs: number | undefined;
  readonly answerMs: number | undefined;
}

export const UNKNOWN_PREFIX: PrefixState = {
  askedAt: undefined,
  heldAt: undefined,
  leadAt: undefined,
  leadStreams: false,
  open: 0,
  firstMs: undefined,
  answerMs: undefined,
};

/** What a request is, whose prefix it is about. */
export interface Wish {
  /** Of the prefix, estimated. */
  readonly tokens: number;
  readonly minTokens: number;
  readonly ttlMs: number;
  /** What writing and reading cost over plain input. */
  readonly write: number;
  readonly read: number;
  /** It must be marked to be written and to be read. */
  readonly marks: boolean;
  /** How many requests with this prefix are known to come, and how many of them at the same time. */
  readonly coming: number;
  readonly atOnce: number;
  /** The user says that it is shared. */
  readonly named: boolean;
  /** How long it has waited already, in ms. */
  readonly waitedMs: number;
}

export type Choice =
  /** `marks`: it writes or reads the prefix. `first`: it is the one that writes it. `leads`: others are to wait for it. */
  | { readonly go: 'now'; readonly marks: boolean; readonly first: boolean; readonly leads: boolean }
  /** Until the lead's answer begins, or it is over, or so many ms. */
  | { readonly go: 'follow'; readonly ms: number };

/** A first token is taken to come this fast where none was seen yet. */
const FIRST_MS_ASSUMED = 1_000;
/** Prompts are read at some 10,000 tokens a second, at least. */
const READ_MS_PER_TOKEN = 0.1;
const WAIT_MS = 5_000;
const WAIT_MS_MAX = 30_000;
/** What a millisecond of waiting must save, in tokens of plain input. */
const TOKENS_PER_MS = 1;
/** The network may shift things: what is this close to its end counts as gone. */
const TTL_USED = 0.9;

/** How long one waits for leads at most, in ms: what reading its prompt takes, and some. Pure. */
export function waitMsMax(tokens: number): number {
  return Math.min(WAIT_MS_MAX, WAIT_MS + tokens * READ_MS_PER_TOKEN);
}

/**
 * How many requests that share a prefix at once make it worth that all but one wait: so many that this at least halves what
 * the prefix costs, plain, all together. Written at 1.25 and read at 0.1 these are 3 (1.45 for 3), written at 1 and read at 0.25 too; read at
 * half price none are. Pure.
 */
export function leastToLead(write: number, read: number): number {
  return read >= 0.5 ? Infinity : Math.max(2, Math.ceil((write - read) / (0.5 - read) - 1e-9));
}

/** What a request does. Pure. */
export function choose(state: PrefixState, wish: Wish, now: number): Choice {
  const { tokens, minTokens, ttlMs, marks, waitedMs } = wish;
  const within = (at: number | undefined): boolean => at !== undefined && now - at < ttlMs * TTL_USED;
  const isShared = wish.named || wish.coming > 1 || within(state.askedAt);
  if (within(state.heldAt)) return { go: 'now', marks: true, first: false, leads: false };
  const { leadAt } = state;
  const isLate = leadAt === undefined || now - leadAt >= waitMsMax(tokens);
  if (isLate) {
    const first = isShared || !marks;
    return { go: 'now', marks: isShared, first, leads: first && tokens >= minTokens && pays(state, wish, true) };
  }
  const leftMs = waitMsMax(tokens) - waitedMs;
  if (tokens >= minTokens && leftMs > 0 && pays(state, wish, state.leadStreams)) return { go: 'follow', ms: leftMs };
  // The lead writes it: to write it a second time would cost more than to do without.
  return { go: 'now', marks: !marks, first: false, leads: false };
}

/** Whether enough wait for it that waiting pays: in tokens, and against the time of those who wait. */
function pays({ open, firstMs, answerMs }: PrefixState, { tokens, write, read, atOnce }: Wish, streams: boolean): boolean {
  const many = Math.max(atOnce, open + 1);
  if (many < leastToLead(write, read)) return false;
  const first = streams ? (firstMs ?? FIRST_MS_ASSUMED + tokens * READ_MS_PER_TOKEN) : (answerMs ?? Infinity);
  // A wait weighs less before a long answer.
  const share = answerMs === undefined || answerMs <= first ? 1 : first / answerMs;
  return (many - 1) * tokens * (1 - read) >= TOKENS_PER_MS * first * share;
}
