// The one error family. Every failure a user can meet has a stable `code`; everybody throws these and
// nobody reads messages in code. Foreign errors are mapped once, in the adapter that meets them.

/** Every code, with what it means. Codes are stable; messages are not. */
export const ERROR_CODES = {
  MISCONFIGURED: 'a definition or an option is wrong',
  CONTRACT_VIOLATION: 'a value does not fit its contract',
  CHECK_FAILED: 'an output fits its contract but a check refuses it',
  CONTEXT_MISSING: 'a part of the program needs a context that the run was not given',
  NOT_JSON: 'a value that crosses a handoff is not JSON',
  SECRET_IN_CONTRACT: 'a declared input or output holds a secret',
  FILE_UNREADABLE: 'a file of an input cannot be read, fetched or found again',
  NO_JSON_SCHEMA: 'a schema has no JSON Schema form',
  MODEL_MISSING: 'an agent has no model to ask',
  MODEL_DENIED: 'the run forbids asking this model',
  PACKAGE_MISSING: 'a package that a named model needs is not installed',
  KEY_MISSING: 'a named model needs an API key that is not set',
  MODEL_RATE_LIMITED: 'the provider refuses more requests for now, or a quota is used up',
  MODEL_OVERLOADED: 'the provider says that it is overloaded',
  MODEL_UNAVAILABLE: 'the provider cannot be reached, or failed',
  MODEL_TIMEOUT: 'a request did not connect, went silent or did not end in its time',
  MODEL_BAD_REQUEST: 'the provider does not take this request: unknown model, wrong setting, unsupported part',
  MODEL_CONTEXT_OVERFLOW: 'a conversation is longer than the model can read',
  MODEL_UNAUTHORIZED: 'the provider does not accept the key, or the account may not do this',
  MODEL_REFUSED: 'the model refused to answer',
  MODEL_FILTERED: 'the provider withheld the answer',
  MODEL_GARBAGE: 'what came back is not what the protocol says, or broke off',
  MODEL_FAILED: 'a model failed in some other way',
  NO_STAND_IN: 'in a test, something that a model or the world would have answered has no stand-in',
  SCRIPT_DRIFT: 'a scripted model was asked something else than its script expects',
  PRICE_UNKNOWN: 'a USD cap covers a model without a price',
  BUDGET_EXCEEDED: 'a budget is used up',
  TIMEOUT: 'a call did not end in its time',
  CANCELLED: 'a call or a run was cancelled',
  LIMIT_EXCEEDED: 'a named limit was reached',
  AMBIGUOUS_CALL: 'the same question was asked twice at once by one asker',
  TOO_MANY_MISSING: 'a fan-out lost more than it may',
  CODE_FAILED: 'code of a step, a flow, a check or a tool threw',
  TOOL_UNAVAILABLE: 'a tool that keeps failing the same way is not called for now',
  EFFECT_REFUSED: 'an effect is declared in a way that is refused here',
  EFFECT_UNCERTAIN: 'an act on the world may or may not have happened',
  EFFECT_FAILED: 'effects of a confirmed call could not all be done, and a person gave the rest up',
  APPROVAL_REFUSED: 'a person refused an effect, or nobody approved of it in time',
  ASK_UNKNOWN: 'there is no such question to a person',
  ASK_CLOSED: 'the question was answered, refused or withdrawn before, or has expired',
  ASK_REFUSED: 'a person refused to answer',
  ASK_EXPIRED: 'nobody answered a question in its time',
  DIVERGED: 'a resumed run went another way than the effects it had committed',
  RUN_PARKED: 'a run waits for an answer, and nothing in it can go on without one',
  RUN_CONFLICT: 'a run with this id was started with something else',
  RUN_OWNED: 'another process works on this run',
  RUN_LOST: 'another process took this run over',
  RUN_UNKNOWN: 'there is no such run, or no such call in it',
  RUN_ABANDONED: 'nobody works on a run that is followed',
  JOURNAL_UNWRITABLE: 'the journal cannot be created or written',
  JOURNAL_DAMAGED: 'the journal file is not readable as one',
  JOURNAL_NEWER: 'the journal was written by a newer amdahl',
  JOURNAL_LOCKED: 'the journal is encrypted, and its key was not given',
  JOURNAL_UNLOCKED: 'a key was given for a journal that is not encrypted',
  JOURNAL_FULL: 'the disk or the file is full',
  JOURNAL_BUSY: 'another process holds the journal for too long',
  PROGRAM_NOT_FOUND: 'a program file or an export of it does not exist',
  PROGRAM_BROKEN: 'a program file cannot be loaded',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether asking again may help: never, at once, or after some milliseconds. */
export type Retryable = 'no' | 'yes' | { readonly afterMs: number };

/** Where it happened, as far as it is known. `call` is a readable path such as `sweep[3]/review`. */
export interface Where {
  readonly run?: string;
  readonly call?: string;
  readonly place?: string;
  readonly attempt?: number;
}

/** One thing that is wrong with a value: where in it, and why. `path` is '' for the whole value. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Problems in one line, for messages: ends without a period. Pure. */
export function problemList(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === '' ? '' : `${path}: `) + message.replace(/\.+$/, '')).join('; ');
}

/** What an error keeps when it is journaled: everything but stack and identity. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable?: Retryable;
  readonly where?: Where;
  readonly problems?: readonly Problem[];
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: ErrorRecord | { readonly message: string };
}

export interface AmdahlErrorOptions {
  readonly retryable?: Retryable;
  readonly where?: Where;
  readonly problems?: readonly Problem[];
  /** JSON that a program may want to read: the limit's name, the owner of a run, what was achieved. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const CAUSES_SHOWN_MAX = 5;

/** The only error class amdahl throws. `message` says what was wrong, where, and what to do. */
export class AmdahlError extends Error {
  override readonly name = 'AmdahlError';
  readonly code: ErrorCode;
  readonly retryable: Retryable;
  readonly where: Where;
  readonly problems: readonly Problem[];
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AmdahlErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? 'no';
    this.where = options.where ?? {};
    this.problems = options.problems ?? [];
    this.data = options.data ?? {};
  }

  /** The same error with a place: the first one told wins, so the innermost call is named. */
  at(where: Where): AmdahlError {
    if (this.where.place !== undefined) return this;
    return new AmdahlError(this.code, this.message, {
      retryable: this.retryable,
      where: { ...where, ...this.where },
      problems: this.problems,
      data: this.data,
      cause: this.cause,
    });
  }
}

/** What console.error shows: the stack, and a line for each cause. Providers' errors hold whole requests, which nobody wants to read there. */
Object.defineProperty(AmdahlError.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: AmdahlError): string {
    const { name, code, message, stack = '', cause } = this;
    const [, ...frames] = stack.slice(stack.indexOf(message) + message.length).split('\n');
    return [`${name} [${code}]: ${message}`, ...frames, ...causeLines(cause)].join('\n');
  },
});

/** The causes of an error, a line each: several at once side by side, one below the other. */
function causeLines(cause: unknown): readonly string[] {
  const lines: string[] = [];
  for (let next = cause; next instanceof Error && lines.length < CAUSES_SHOWN_MAX; next = next.cause) {
    const all: readonly unknown[] = next instanceof AggregateError ? next.errors : [next];
    const shown = all
      .slice(0, CAUSES_SHOWN_MAX)
      .map((one) => `  caused by ${one instanceof Error ? `${one.name}: ${one.message}` : describe(one)}`);
    lines.push(...shown, ...(all.length > shown.length ? [`  and ${all.length - shown.length} more`] : []));
  }
  return lines;
}

/** What a journal keeps of an error. Pure. Causes are followed eight deep. */
export function recordError(error: AmdahlError, depth = 0): ErrorRecord {
  const { code, message, retryable, where, problems, data, cause } = error;
  return {
    code,
    message,
    ...(retryable === 'no' ? {} : { retryable }),
    ...(Object.keys(where).length === 0 ? {} : { where }),
    ...(problems.length === 0 ? {} : { problems }),
    ...(Object.keys(data).length === 0 ? {} : { data: journaled(data) }),
    ...(cause === undefined || depth >= 8 ? {} : { cause: recordCause(cause, depth + 1) }),
  };
}

/** User code may put anything into `data`; what is no JSON must not cost the run its journal. */
function journaled(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(JSON.stringify(data)) as Readonly<Record<string, unknown>>; // an object, as it was given
  } catch (error) {
    return { lost: `data that is not JSON: ${describe(error)}` };
  }
}

function recordCause(cause: unknown, depth: number): ErrorRecord | { readonly message: string } {
  return cause instanceof AmdahlError ? recordError(cause, depth) : { message: describe(cause) };
}

/** The error a record stands for, so that a resumed asker gets what the first one got. Pure. */
export function reviveError(record: ErrorRecord): AmdahlError {
  const { code, message, cause, ...rest } = record;
  return new AmdahlError(code, message, {
    ...rest,
    ...(cause === undefined ? {} : { cause: 'code' in cause ? reviveError(cause) : new Error(cause.message) }),
  });
}

/** What user code threw, in this family. `who` is the call or agent whose code it was. Pure. */
export function asAmdahl(thrown: unknown, who: string): AmdahlError {
  if (thrown instanceof AmdahlError) return thrown;
  return new AmdahlError('CODE_FAILED', `The code of '${who}' threw: ${describe(thrown)}${origin(thrown)}`, { cause: thrown });
}

const OWN = new URL('..', import.meta.url).href;

/** Where in the user's code an error was made, as ' (file.ts:12:5)'; nothing where its stack does not say. Pure. */
function origin(thrown: unknown): string {
  for (const line of stackOf(thrown).split('\n')) {
    const [, place = ''] = /^\s+at (?:.*\()?((?:file:\/\/|\/|[A-Za-z]:\\).+:\d+:\d+)\)?$/.exec(line) ?? [];
    // The folder is left out: an error is journaled and sent to others, and machines differ.
    if (place !== '' && !place.includes(OWN) && !place.includes('node_modules')) return ` (${place.replace(/^.*[\\/]/, '')})`;
  }
  return '';
}

/** Reading what user code threw may itself throw. */
function stackOf(thrown: unknown): string {
  try {
    return thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : '';
  } catch {
    return '';
  }
}

/** A text as a sentence: it begins upper-case and ends with a period. Pure. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!…]$/.test(text) ? '' : '.');
}

/** Any thrown thing in words. Pure. */
export function describe(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return String(thrown.message === '' ? thrown.name : thrown.message);
    return String(thrown);
  } catch {
    return 'something that cannot be shown as text';
  }
}
