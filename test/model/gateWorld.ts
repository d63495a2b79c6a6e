// A gate in virtual time, and those who come to it. Called by the tests of the gate.

import { AmdahlError } from '../../src/agent/errors.ts';
import { type Came, Gate, type GateBounds, type Permit, type Visitor } from '../../src/model/gate.ts';
import type { RateLimit } from '../../src/model/limiter.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const run = {};
export const bounds: GateBounds = { queue: 100_000, retryWaitMs: 60_000, outageMs: 60_000, turnedAway: 20 };

export function visitor(given: Partial<Visitor> = {}): Visitor {
  return {
    party: run,
    depth: 1,
    tokensIn: 100,
    tokensOut: 100,
    deadlineAt: Infinity,
    hasNext: false,
    bounds,
    random: () => 0.5,
    onEnd: () => () => {},
    ...given,
  };
}

/** A visitor whose call can end. */
export function mortal(given: Partial<Visitor> = {}): { readonly who: Visitor; readonly end: () => void } {
  let listener: ((error: AmdahlError) => void) | undefined;
  const who = visitor({
    ...given,
    onEnd: (told) => {
      listener = told;
      return () => (listener = undefined);
    },
  });
  return { who, end: () => listener?.(new AmdahlError('CANCELLED', 'It was taken back.')) };
}

export const success: Came = { outcome: { kind: 'success', tokensIn: 100, tokensOut: 50, announced: {} }, heard: { kind: 'success' } };
export function refused(afterMs?: number): Came {
  return { outcome: { kind: 'refused', afterMs, announced: {} }, heard: { kind: 'ignored' } };
}
export const cancelled: Came = { outcome: { kind: 'ignored', announced: {} }, heard: { kind: 'ignored' } };
export const down: Came = {
  outcome: { kind: 'ignored', announced: {} },
  heard: { kind: 'failure', code: 'MODEL_UNAVAILABLE', message: 'Nothing listens there.' },
};

export class World {
  readonly clock: VirtualClock = new VirtualClock(1_000_000);
  readonly gate: Gate;
  /** By how much somebody has set what the gate reads as the time. Timers know nothing of it. */
  skewMs = 0;

  constructor(config: RateLimit = {}) {
    this.gate = new Gate('test/model', undefined, config, {
      now: () => this.clock.now() + this.skewMs,
      after: (ms, then) => this.clock.after(ms, then),
    });
  }

  /** Enters, and waits in virtual time until it is let in. */
  async in(who: Visitor = visitor()): Promise<Permit> {
    return await this.clock.drive(Promise.resolve(this.gate.enter(who)));
  }

  /** Enters so often at once. */
  permits(count: number): readonly Permit[] {
    return Array.from({ length: count }, () => {
      const permit = this.gate.enter(visitor());
      if (permit instanceof Promise) throw new Error('it must wait');
      return permit;
    });
  }

  /** The provider fails for everybody, as soon as that can be told. */
  breakDown(): void {
    for (const permit of this.permits(5)) permit.done(down);
  }

  /** It answers once. */
  answer(): void {
    this.permits(1)[0]?.done(success);
  }

  /** What waiting at the gate comes to, and after how many ms. */
  async waits(who: Visitor = visitor()): Promise<readonly [came: string, ms: number]> {
    const since = this.clock.now();
    const came = await this.clock.drive(
      Promise.resolve()
        .then(() => this.gate.enter(who))
        .then(
          () => 'in',
          (error: unknown) => (error instanceof AmdahlError ? error.code : String(error)),
        ),
    );
    return [came, this.clock.now() - since];
  }
}
