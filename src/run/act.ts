// Acts: immediate effects on the world, journaled before and after. Called for tools and steps with effect 'immediate'.
//
// E1 `effect.committing` is durable before the act starts, so that a crash in between is found.
// E2 what came back stays: an act that returned or threw is never started again, whatever is resumed or retried.
//    One whose call was over before it could start is on record as not begun, and a later entry may begin it.
// E3 once an act has begun, its call and all above it get no fresh attempt: the session's effects say so.

import { toJson } from '../agent/canonical.ts';
import { AmdahlError, asAmdahl, recordError } from '../agent/errors.ts';
import type { Json, Place } from '../journal/event.ts';
import { chainOf, type Frame } from './asker.ts';
import { foldAct, NOT_BEGUN, type RecordedAct } from './recorded.ts';
import type { Secrets } from './secrets.ts';

export interface Deed {
  /** The act's own place. */
  readonly place: Place;
  /** Of the attempt that acts. */
  readonly attempt: Place;
  readonly path: string;
  readonly tool: string;
  readonly args: Json;
  /** Of the effect, for good. */
  readonly key: string;
  /** An earlier entry may have done it. */
  readonly again: boolean;
  readonly timeoutMs?: number;
  readonly execute: (signal: AbortSignal) => unknown;
}

export type Done = Exclude<RecordedAct, { kind: 'none' }>;

/** Acts once, or gives what the act gave when it was done. */
export async function act(frame: Frame, deed: Deed): Promise<Done> {
  const { session } = frame;
  const { place, path, tool, args, key } = deed;
  if (deed.again) {
    const known = foldAct(await session.recall(place));
    if (known.kind !== 'none') return known;
  }
  const calls = chainOf(frame);
  session.check();
  await session.settle({ kind: 'effect.committing', place, calls, attempt: deed.attempt, path, tool, key, args, effect: 'immediate' });
  const over = session.interrupted ?? frame.life.error;
  if (over !== undefined) {
    await session.settle({ kind: 'effect.committed', place, calls, key }, { kind: 'tool.returned', place, error: NOT_BEGUN, ms: 0 });
    throw over;
  }
  const start = session.clock.now();
  const done = await perform(frame, deed);
  const ms = session.clock.now() - start;
  if (done === undefined) {
    await session.settle({ kind: 'effect.uncertain', place, calls, key });
    const error = uncertain(path, tool);
    session.interrupt(error);
    throw error;
  }
  const returned =
    done.kind === 'returned'
      ? { kind: 'tool.returned' as const, place, result: done.result, ms }
      : { kind: 'tool.returned' as const, place, error: done.error, ms };
  await session.settle({ kind: 'effect.committed', place, calls, key }, returned);
  session.check();
  frame.life.check();
  return done;
}

/** Runs the act and waits for it, also past a cancel: stopping to look would leave it uncertain. Undefined when it never came back. */
async function perform(frame: Frame, deed: Deed): Promise<Done | undefined> {
  const { session, life } = frame;
  const { clock, limits } = session;
  const abort = new AbortController();
  const stops: (() => void)[] = [];
  const gone = new Promise<undefined>((resolve) => {
    const stop = (error: AmdahlError): void => {
      if (abort.signal.aborted) return;
      abort.abort(error);
      stops.push(clock.after(limits.actGraceMs, () => resolve(undefined)));
    };
    stops.push(life.onEnd(stop));
    if (deed.timeoutMs !== undefined) {
      stops.push(
        session.work.after(deed.timeoutMs, () =>
          stop(new AmdahlError('TIMEOUT', `'${deed.path}' did not end within ${deed.timeoutMs} ms.`)),
        ),
      );
    }
  });
  try {
    return await Promise.race([execute(deed, abort.signal, session.secrets), gone]);
  } finally {
    for (const stop of stops) stop();
  }
}

async function execute({ path, execute: run }: Deed, signal: AbortSignal, secrets: Secrets): Promise<Done> {
  try {
    return { kind: 'returned', result: secrets.clean(toJson((await run(signal)) ?? null, `the result of '${path}'`)) };
  } catch (thrown) {
    return { kind: 'threw', error: secrets.record(recordError(asAmdahl(thrown, path))) };
  }
}

/** The error for an act of which nobody knows whether it happened. Pure. */
export function uncertain(path: string, tool: string): AmdahlError {
  return new AmdahlError(
    'EFFECT_UNCERTAIN',
    `'${tool}' was called by '${path}' and never came back: it may or may not have acted on the world. Look there first. To let it act (perhaps a second time), resume with --retry '${path}', or run it with retry: ['${path}'].`,
    { where: { call: path }, data: { tool } },
  );
}
