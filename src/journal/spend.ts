// Sums of a bill: what a set of requests cost, by agent and by model, and what one cause of tax did. Called by bill.ts.

/** What a set of model requests cost. `tokensIn` includes cached and written, `tokensOut` includes reasoning. */
export interface Spend {
  /** Model requests sent: failed, cancelled and unanswered ones included, and those refused for their rate, which no budget counts. */
  readonly calls: number;
  /** How many of them failed. */
  readonly failed: number;
  /** How many were cut off because their call or the run was cancelled, or because a hedge decided their turn. */
  readonly cancelled: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  /** Written into the provider's prompt cache, where it tells that. */
  readonly tokensCacheWritten: number;
  readonly tokensReasoning: number;
  /** Micro-dollars of the requests whose model has a price. */
  readonly usdMicros: number;
  /** Requests whose price is unknown: with any of these `usdMicros` is a lower bound. */
  readonly callsUnpriced: number;
  /** Time spent waiting for models, in ms, summed over requests also where they ran side by side. */
  readonly modelMs: number;
}

/** One cause of tax: what was spent on it. */
export interface Levy {
  readonly requests: number;
  /** In and out. */
  readonly tokens: number;
  readonly usdMicros: number;
}

/** A row that is being added to. */
export type Row = { -readonly [K in keyof Spend]: Spend[K] };
/** A levy that is being added to. */
export type Sum = { -readonly [K in keyof Levy]: Levy[K] };

export function rowOf(rows: Map<string, Row>, name: string): Row {
  let row = rows.get(name);
  if (row === undefined) {
    row = emptyRow();
    rows.set(name, row);
  }
  return row;
}

export function emptyRow(): Row {
  return {
    calls: 0,
    failed: 0,
    cancelled: 0,
    tokensIn: 0,
    tokensOut: 0,
    tokensCached: 0,
    tokensCacheWritten: 0,
    tokensReasoning: 0,
    usdMicros: 0,
    callsUnpriced: 0,
    modelMs: 0,
  };
}

/** Rows as plain data, by name. */
export function frozenRows(rows: ReadonlyMap<string, Row>): Readonly<Record<string, Spend>> {
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, row]) => [name, { ...row }]));
}

export function emptySum(): Sum {
  return { requests: 0, tokens: 0, usdMicros: 0 };
}

export function addTo(sum: Sum, requests: number, tokens: number, usdMicros: number): void {
  sum.requests += requests;
  sum.tokens += tokens;
  sum.usdMicros += usdMicros;
}
