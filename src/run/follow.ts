// follow: a handle on a run that this process does not drive, or drives elsewhere. Read from the journal alone.

import type { Agent, AnyAgent } from '../agent/definition.ts';
import { AmdahlError, asAmdahl, reviveError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { billOf } from '../journal/bill.ts';
import type { RunId } from '../journal/event.ts';
import { Effects } from '../journal/effects.ts';
import type { Journal } from '../journal/journal.ts';
import { Speech } from '../journal/speech.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { appendedBy } from './appended.ts';
import { type Handle, handleOn, type Outcome } from './handle.ts';
import { type Clock, systemClock } from './ports.ts';
import { effectsDone, RunError } from './runResult.ts';
import { standingOf } from './standing.ts';
import { tail } from './tail.ts';

export interface FollowOptions<O> {
  /** Default: that of `run`. */
  readonly journal?: Journal;
  /** The agent that runs: types the output, and gives it as its contract makes it. Without it the output is JSON. */
  readonly agent?: Agent<never, O, string, never>;
  /** How long to wait for somebody to go on with a run whose owner is gone, before RUN_ABANDONED. Default: for ever. */
  readonly ownerlessMs?: number;
  readonly clock?: Clock;
}

const OPTIONS: OptionNames<FollowOptions<unknown>> = { journal: true, agent: true, ownerlessMs: true, clock: true };

/**
 * A handle on a run, whoever drives it: in this process or another one, now or long ago. A run whose owner is gone is
 * followed too: until somebody goes on with it.
 * @throws AmdahlError RUN_UNKNOWN, MISCONFIGURED, JOURNAL_*
 */
export async function follow<O = unknown>(id: string, options: FollowOptions<O> = {}): Promise<Handle<O>> {
  checkOptions(options, OPTIONS, 'follow()');
  const { journal = defaultJournal(), clock = systemClock, ownerlessMs } = options;
  const run = id as RunId; // where it is none, the journal has no such run
  if ((await journal.row(run)) === undefined)
    throw new AmdahlError('RUN_UNKNOWN', `There is no run '${id}' in this journal. amdahl runs lists those that exist.`, {
      data: { run: id },
    });
  const agent = options.agent as unknown as AnyAgent | undefined; // the funnel knows agents by their contracts
  const target = { journal, run, clock, ownerlessMs };
  let outcome: Promise<Outcome<O>> | undefined;
  return handleOn<O>({
    id: run,
    clock,
    agent,
    entries: (of) => tail({ ...target, ...of }),
    standing: () => standingOf(target),
    outcome: () => (outcome ??= outcomeOf<O>(target, agent)),
    cancel: async (reason) => {
      await journal.cancel(run, { reason });
      await (outcome ??= outcomeOf<O>(target, agent));
    },
  });
}

/** How the run ended, whoever drove it; a failure where that cannot be told. */
export async function outcomeOf<O>(
  target: {
    readonly journal: Journal;
    readonly run: RunId;
    readonly clock: Clock;
    readonly ownerlessMs: number | undefined;
    readonly drives?: boolean;
  },
  agent: AnyAgent | undefined,
): Promise<Outcome<O>> {
  const { journal, run: id } = target;
  try {
    const speech = new Speech();
    const ledger = new Effects();
    for await (const batch of tail(target)) {
      for (const entry of batch) {
        speech.take(entry);
        ledger.take(entry.event);
      }
    }
    const bill = await billOf(journal.read(id));
    const effects = effectsDone(ledger);
    const { end } = speech;
    if (end?.status === 'succeeded') {
      const output = (await contracted(speech, agent)) as O; // what the agent's contract made of it, else its JSON form
      const messages = await appendedBy(target, agent, output);
      return { status: 'succeeded', id, output, messages, missing: end.missing, effects, bill };
    }
    if (end?.status === 'cancelled') {
      const error = new AmdahlError('CANCELLED', end.reason, { data: { run: id } });
      return { status: 'cancelled', id, error: new RunError(error, id, bill, journal, 'cancelled', [], effects), bill };
    }
    if (end?.status === 'failed') {
      const error = new RunError(reviveError(end.error), id, bill, journal, 'failed', [], effects);
      return { status: 'failed', id, error, bill };
    }
    throw new AmdahlError('RUN_UNKNOWN', `The run '${id}' has no end in this journal.`);
  } catch (thrown) {
    return { status: 'failed', id, error: asAmdahl(thrown, id) };
  }
}

/** The raw answer of a leaf passes its contract as it did when it was given. */
async function contracted({ rootOutput, end }: Speech, agent: AnyAgent | undefined): Promise<unknown> {
  if (agent !== undefined && rootOutput !== undefined) {
    const checked = await agent.output.validate(rootOutput.raw);
    if (checked.ok) return checked.value;
  }
  return end?.status === 'succeeded' ? end.output : undefined;
}
