// What passes between the protocols and the rest of the server: a request as it was understood, and what a model
// says to it. Protocol files turn bytes into these and back; answers, faults and records know nothing else.

/** The three protocols that are spoken. */
export type Protocol = 'openai.chat' | 'openai.responses' | 'anthropic.messages';

/** A JSON Schema as it came in a request. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * One part of a message. Files are described, not kept: `bytes` is the size of the data, where it came inline; `url` is
 * where it lies, or the id under which the provider has it. `isError` is told by Anthropic's protocol alone.
 */
export type AskedPart = (
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'file'; readonly mediaType: string; readonly bytes?: number; readonly url?: string; readonly name?: string }
  | { readonly type: 'toolCall'; readonly id: string; readonly tool: string; readonly args: unknown }
  | { readonly type: 'toolResult'; readonly id: string; readonly text: string; readonly isError: boolean }
) &
  Marked;

/** The request asks for a cache of its prompt up to the end of this. */
export interface Marked {
  readonly marked?: true;
}

export interface AskedMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly parts: readonly AskedPart[];
}

/** A request, whatever protocol it came in. */
export interface Asked {
  readonly protocol: Protocol;
  readonly model: string;
  readonly stream: boolean;
  readonly messages: readonly AskedMessage[];
  readonly tools: readonly { readonly name: string; readonly description?: string; readonly schema: Schema; readonly marked?: true }[];
  readonly toolChoice: 'auto' | 'required' | 'none' | { readonly tool: string };
  /** The form that the answer must have. `schema` is absent where any JSON is wanted. */
  readonly form?: { readonly name?: string; readonly schema?: Schema };
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  /** All of it is to be cached, as if its last part were marked. */
  readonly marksEnd?: true;
  /** As it came. Names of headers are lower case. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why a model stopped. Any other text is sent as it is: an unknown finish reason. */
export type SaidFinish = 'stop' | 'tools' | 'length' | 'filter' | 'refusal';

/** Tokens of one answer. `tokensIn` includes what was read from a cache and written into it, `tokensOut` includes reasoning. */
export interface SaidUsage {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  readonly tokensReasoning: number;
  /** Told where what is written has a price: by Anthropic, and by OpenAI from GPT-5.6 on. */
  readonly tokensCacheWritten?: number;
}

/** What a model says to a request, complete: in the order reasoning, text, tools. */
export interface Said {
  readonly reasoning?: string;
  readonly text?: string;
  readonly refusal?: string;
  /** `args` is sent as JSON, or as it is where it is a string. */
  readonly tools: readonly { readonly name: string; readonly args: unknown }[];
  readonly finish: SaidFinish | (string & {});
  readonly usage: SaidUsage;
  /** An envelope without content: empty choices, no content blocks. */
  readonly empty?: true;
}

/** What can be wrong with a request, or with the provider that is played. */
export type Trouble =
  | 'badRequest'
  | 'unauthorized'
  | 'unknownModel'
  | 'contextOverflow'
  | 'tooLarge'
  | 'rateLimited'
  | 'quotaUsedUp'
  | 'overloaded'
  | 'serverError'
  | 'unavailable';

/** What the provider's own text of an error tells. */
export interface About {
  readonly model?: string;
  readonly tokens?: number;
  readonly tokensMax?: number;
  /** Which limit was reached. */
  readonly limit?: 'requests' | 'tokens';
}

/** The parts that an earlier answer was given under an id. */
export type Find = (id: string) => readonly AskedPart[] | undefined;

/** One protocol. Pure: no I/O, no clock, no dice; `serial`, a safe integer, makes the ids of an answer. */
export interface Voice {
  readonly protocol: Protocol;
  /** A request understood, or what is wrong with it. Without `find`, parts that a request names by id are left out. */
  read(body: unknown, headers: Readonly<Record<string, string>>, find?: Find): Asked | { readonly wrong: string };
  /** The body of an answer that comes whole. */
  whole(asked: Asked, said: Said, serial: number): unknown;
  /** What later requests may name by id instead of sending it again; absent where a protocol knows no such thing. */
  stores?(asked: Asked, said: Said, serial: number): ReadonlyMap<string, readonly AskedPart[]>;
  /** The answer as server-sent events, each ready to be written; `piece` characters of text or arguments per event. */
  events(asked: Asked, said: Said, serial: number, piece: number): readonly string[];
  /** An error in the protocol's own form, with the status that the provider gives it. Without a message, in its own words. */
  error(trouble: Trouble, message: string, about?: About): { readonly status: number; readonly body: unknown };
  /** An error that comes in the middle of a stream. */
  errorEvent(trouble: Trouble, message: string): string;
  /** The body of the models listing. */
  models(ids: readonly string[]): unknown;
  /** One of them. */
  model(id: string): unknown;
}
