// Parking: a run in which nothing can go on until a person says something says so, and its time stands still. It then waits in
// this process, or is given up by it for somebody else to take up once there is an answer. Made by run.ts, one per entry.
//
// P1 a run is parked exactly when it is idle (busy.ts) and one of its asks is open; any event of the run ends that.
// P2 a run that is given up because it is parked has `run.parked` as its last event: nothing is recorded after it.

import { AmdahlError } from '../agent/errors.ts';
import type { RunId } from '../journal/event.ts';
import { type OpenAsk, openAsk } from './people.ts';
import type { Session } from './session.ts';

/** 'wait': in this process, for the answer. 'return': the run is given up, and goes on when somebody runs it again. */
export type OnPark = 'wait' | 'return';

/** Parks the session's run when it is idle. Called by run.ts before the root is asked. `onParked` is told each time. */
export function parkWhenIdle(session: Session, onPark: OnPark, onParked: (() => void) | undefined): void {
  const canPark = (): boolean => !session.work.isParked && session.interrupted === undefined && session.asks.open.length > 0;
  const park = async (): Promise<void> => {
    await session.asks.dropUnasked();
    if (!canPark() || !session.busy.isIdle) return; // whatever goes on now is idle again some time
    if (onPark === 'return') session.noteGates();
    await session.park();
    const waitsFor = await openAsks(session);
    if (!session.work.isParked || !session.busy.isIdle || session.interrupted !== undefined) return; // an answer came meanwhile
    onParked?.();
    if (onPark === 'return') session.giveUp(parked(session.run, waitsFor), waitsFor);
  };
  session.busy.onIdle(() => {
    if (!canPark()) return false;
    park().catch(() => {}); // the run was interrupted: whoever drives it hears why
    return true;
  });
}

/** What the run waits for. */
async function openAsks({ asks, journal, run }: Session): Promise<readonly OpenAsk[]> {
  const row = await journal.row(run);
  return row === undefined ? [] : asks.open.map((opened) => openAsk(opened, row, row.agent));
}

/** The error of a run that was given up because it is parked. */
function parked(run: RunId, asks: readonly OpenAsk[]): AmdahlError {
  const [first] = asks;
  const [what, shown] =
    asks.length === 1 ? ['an answer', 'the question; answer it'] : [`${asks.length} answers`, 'the questions; answer one'];
  return new AmdahlError(
    'RUN_PARKED',
    `The run '${run}' waits for ${what}, and nothing in it can go on without. amdahl inbox shows ${shown}, then run it again with this id. Asked: ${first?.question ?? ''}`,
    { data: { run, asks } },
  );
}
