// What the tables of failures share: bodies in each provider's shape, and the law that every row must keep: what the
// real package throws, or puts into its stream, becomes one error with its code, and no key is in it.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { expect, test } from 'vitest';
import { type AmdahlError, type ErrorCode, recordError, type Retryable } from '../../src/agent/errors.ts';
import { failureOf, type FailureContext } from '../../src/model/failure.ts';
import { KEYS, loopback, type ModelKind, MODELS, type Reply } from './loopback.ts';

export const context: FailureContext = {
  model: 'acme/model-9',
  answered: undefined,
  now: Date.UTC(2026, 0, 15, 12),
  tokensIn: 100,
};

type Way = 'whole' | 'streamed';

interface Row {
  readonly what: string;
  readonly to: readonly ModelKind[];
  readonly reply: Reply;
  readonly becomes: readonly [code: ErrorCode, retryable: Retryable, status: number | undefined];
  /** Parts of the message. */
  readonly says: readonly string[];
  readonly ways?: readonly Way[];
  /** Given where only the gate can know, because the package throws a bare Error. */
  readonly answered?: true;
}

/** A row; `undefined` as its status leaves it open. Both ways, unless `more` says otherwise. */
export function row(
  what: string,
  to: readonly ModelKind[],
  reply: Reply,
  becomes: Row['becomes'],
  says: readonly string[],
  more: Pick<Row, 'ways' | 'answered'> = {},
): Row {
  return { what, to, reply, becomes, says, ...more };
}

/** Those that speak OpenAI's protocols. */
export const OPENAI: readonly ModelKind[] = ['openai chat', 'openai responses', 'compatible', 'groq', 'xai', 'openrouter'];
export const ALL: readonly ModelKind[] = [...OPENAI, 'anthropic', 'google', 'mistral', 'gateway'];

export const openai = (message: string, type: string, code: string | number | null = null): object => ({
  error: { message, type, param: null, code },
});
export const anthropic = (type: string, message: string): object => ({ type: 'error', error: { type, message }, request_id: 'req_7' });
export const google = (code: number, status: string, message: string, details: readonly object[] = []): object => ({
  error: { code, message, status, details },
});
export const sse = (...events: readonly object[]): string => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
export const page = (title: string): string =>
  `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;

/** Declares a test for each row, provider and way. */
export function expectFailures(rows: readonly Row[]): void {
  const cases = rows.flatMap((each) =>
    each.to.flatMap((to) => (each.ways ?? (['whole', 'streamed'] as const)).map((way) => ({ ...each, to, way }))),
  );
  test.each(cases)('$what, from $to, $way', async ({ to, way, reply, becomes, says, answered }) => {
    await using server = await loopback(reply);
    const error = failureOf(await thrownBy(MODELS[to](server.origin), way), { ...context, answered });
    const [code, retryable, status] = becomes;
    // The message stands on both sides so that a failure shows it.
    const { message } = error;
    expect({ code: error.code, retryable: error.retryable, message }).toEqual({ code, retryable, message });
    for (const part of ['acme/model-9', ...says]) expect(message).toContain(part);
    expect(message.length).toBeLessThan(800);
    expect(error.data['model']).toBe('acme/model-9');
    if (status !== undefined) expect(error.data['status']).toBe(status);
    expectNoKey(error);
  });
}

/** What a model throws, or puts into its stream. */
export async function thrownBy(model: LanguageModelV4, way: Way): Promise<unknown> {
  const options = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }] };
  try {
    if (way === 'whole') await model.doGenerate(options);
    else {
      const { stream } = await model.doStream(options);
      for await (const part of stream) if (part.type === 'error') return part.error;
    }
  } catch (thrown) {
    return thrown;
  }
  return 'nothing was thrown';
}

/** Neither what is shown nor what is journaled has a key in it. */
export function expectNoKey(error: AmdahlError): void {
  const shown = `${error.message} ${error.stack} ${JSON.stringify(recordError(error))} ${JSON.stringify(error.data)}`;
  for (const key of Object.values(KEYS)) expect(shown).not.toContain(key);
}
