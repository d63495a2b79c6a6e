// What a run adds to the conversation that it was asked with, from its journal: the same in the entry that bought it and in
// every later one. Called by run.ts when the root has answered, and by
// follow.ts.

import type { Conversation } from '../agent/messages.ts';
import type { AnyAgent } from '../agent/definition.ts';
import type { RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { type AppendedMessage, appendedOf } from '../model/history.ts';
import { rootPlace } from './enter.ts';
import { askerPlace } from './place.ts';
import { foldCall, foldTurns } from './recorded.ts';

/** The messages to append, where the input `I` is a conversation. */
export type Appended<I> = [I] extends [never]
  ? undefined
  : [I] extends [Conversation]
    ? [Conversation] extends [I]
      ? AppendedMessage[]
      : undefined
    : undefined;

/** Undefined where the input is no conversation, or nobody knows. What is no model's says its output, text as it is. */
export async function appendedBy(
  { journal, run }: { readonly journal: Journal; readonly run: RunId },
  root: AnyAgent | undefined,
  output: unknown,
): Promise<AppendedMessage[] | undefined> {
  if (root?.input.raw === undefined) return undefined;
  if (root.behaviour.kind !== 'model') {
    const text = typeof output === 'string' ? output : (JSON.stringify(output) ?? 'null');
    return [{ role: 'assistant', content: [{ type: 'text', text }] }];
  }
  for await (const { event } of journal.read(run, { kinds: ['run.started'] })) {
    if (event.kind !== 'run.started') continue;
    const place = rootPlace(run, root, event.inputHash);
    const { attempts } = foldCall(await journal.at(run, place));
    return appendedOf(foldTurns(await journal.at(run, askerPlace(place, 'attempt', attempts.at(-1)?.number ?? 0))));
  }
  return undefined;
}
