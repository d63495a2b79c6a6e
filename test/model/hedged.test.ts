import type { LanguageModelV4, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { AmdahlError } from '../../src/agent/errors.ts';
import type { Came, Permit } from '../../src/model/gate.ts';
import type { Due } from '../../src/model/hedging.ts';
import { type SendPorts, type HedgePorts, send } from '../../src/model/send.ts';
import { DEFAULT_LIMITS } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const busy = new AmdahlError('MODEL_OVERLOADED', 'It is busy.', { retryable: 'yes' });
const limited = new AmdahlError('MODEL_RATE_LIMITED', 'Wait.', { retryable: 'yes' });
const rest = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

/** One turn over ports that write down what they are told, by sending; answers, failures and lateness come when the test says so. */
class Stage {
  readonly told: string[] = [];
  readonly came: Record<string, Came['outcome']['kind']> = {};
  readonly signals: AbortSignal[] = [];
  /** What was told to the lane when the turn was over. */
  over: boolean | undefined;
  late: () => Due = () => 'never';
  isOver = false;
  readonly #answers: PromiseWithResolvers<LanguageModelV4GenerateResult>[] = [];
  #reserved = 0;

  send(given: Partial<SendPorts> = {}, hedging: Partial<HedgePorts> = {}): ReturnType<typeof send> {
    const model: LanguageModelV4 = {
      ...scripted([]),
      doGenerate: ({ abortSignal }) => {
        const answer = Promise.withResolvers<LanguageModelV4GenerateResult>();
        this.#answers.push(answer);
        if (abortSignal !== undefined) this.signals.push(abortSignal);
        return answer.promise;
      },
    };
    return send(
      {
        model,
        options: { prompt: [], maxOutputTokens: 50 },
        tokensIn: 100,
        tokensOutAssumed: 50,
        metered: true,
        hasNext: false,
        bounds: { ...DEFAULT_LIMITS, retries: 1 },
      },
      { ...this.#ports(hedging), ...given },
    );
  }

  async answer(nth: number, error?: Error): Promise<void> {
    const answer = this.#answers[nth];
    if (error === undefined) answer?.resolve(await scripted([{ text: 'hi', tokensIn: 100, tokensOut: 7 }]).doGenerate({ prompt: [] }));
    else answer?.reject(error);
    await rest();
  }

  readonly reserve = (tokensOut = 50): { tokensIn: number; tokensOut: number; capped: boolean; settle: (spent: unknown) => void } => {
    const name = `reservation ${(this.#reserved += 1)}`;
    return { tokensIn: 100, tokensOut, capped: false, settle: (spent) => this.told.push(`${name} settled: ${JSON.stringify(spent)}`) };
  };

  readonly permit = (name: string): Permit => ({
    announce: () => {},
    done: ({ outcome }) => {
      this.came[name] ??= outcome.kind;
      return undefined;
    },
  });

  #ports(hedging: Partial<HedgePorts>): SendPorts {
    const which = (hedge: boolean): string => (hedge ? 'hedge' : 'first');
    return {
      price: undefined,
      sendings: { sent: 0, again: 0 },
      inFlight: () => 1,
      random: () => 0,
      now: () => 0,
      after: () => () => {},
      wait: () => Promise.resolve(),
      reserve: () => this.reserve(),
      enter: () => this.permit('first'),
      requested: (_, again, hedge) => void this.told.push(`${which(hedge)} requested${again === 0 ? '' : ` again ${again}`}`),
      answered: ({ hedge }) => void this.told.push(`${which(hedge)} answered`),
      failed: ({ hedge, lost, error }, retryMs) =>
        void this.told.push(`${which(hedge)} failed: ${error.code}${lost ? ', lost' : ''}${retryMs === undefined ? '' : ', sent again'}`),
      lend: (work) =>
        new Promise((resolve, reject) => {
          const abort = new AbortController();
          const cut = (error: Error): void => {
            abort.abort(error);
            reject(error);
          };
          work(abort.signal, cut).then(resolve, reject);
        }),
      hedging: {
        lane: {
          watch: (due) => {
            this.late = due;
            return (answered) => {
              this.over = answered;
              this.isOver = true;
            };
          },
        },
        reserveNow: () => this.reserve(),
        enterNow: () => this.permit('hedge'),
        ...hedging,
      },
    };
  }
}

const READ = '{"tokens":100,"usdMicros":0}';
const ANSWERED = '{"tokens":107,"usdMicros":0}';

describe('of two sendings of a turn', () => {
  test('the hedge decides where it is answered first: told before the first, which is cut off, and both are settled', async () => {
    const stage = new Stage();
    const sent = stage.send();
    await rest();
    expect(stage.late()).toBe('sent');
    await stage.answer(1);
    expect(await sent).toMatchObject({ ok: true, hedge: true });
    expect(stage.told).toEqual([
      'first requested',
      'hedge requested',
      'hedge answered',
      'first failed: CANCELLED, lost',
      `reservation 1 settled: ${READ}`,
      `reservation 2 settled: ${ANSWERED}`,
    ]);
    expect(stage.came).toEqual({ first: 'ignored', hedge: 'success' });
    expect(stage.signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect([stage.isOver, stage.over]).toEqual([true, false]);
  });

  test('the first decides where it is answered first, and the hedge is cut off', async () => {
    const stage = new Stage();
    const sent = stage.send();
    await rest();
    stage.late();
    await stage.answer(0);
    expect(await sent).toMatchObject({ ok: true, hedge: false });
    expect(stage.told.slice(2)).toEqual([
      'first answered',
      'hedge failed: CANCELLED, lost',
      `reservation 2 settled: ${READ}`,
      `reservation 1 settled: ${ANSWERED}`,
    ]);
    expect(stage.came).toEqual({ first: 'success', hedge: 'ignored' });
    expect(stage.signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    expect([stage.isOver, stage.over]).toEqual([true, true]);
  });

  test('one that is answered at the same moment is lost all the same, with what it really took', async () => {
    const stage = new Stage();
    const sent = stage.send();
    await rest();
    stage.late();
    const both = [stage.answer(0), stage.answer(1)];
    await Promise.all(both);
    expect(await sent).toMatchObject({ ok: true, hedge: false });
    expect(stage.told.slice(3)).toEqual([
      'hedge failed: CANCELLED, lost',
      `reservation 2 settled: ${ANSWERED}`,
      `reservation 1 settled: ${ANSWERED}`,
    ]);
    expect(stage.came).toEqual({ first: 'success', hedge: 'success' });
  });

  test('one that fails gives back what it holds at once, and the other decides', async () => {
    const stage = new Stage();
    const sent = stage.send();
    await rest();
    stage.late();
    await stage.answer(0, busy);
    const zero = '{"tokens":0,"usdMicros":0}';
    expect(stage.told.slice(2)).toEqual(['first failed: MODEL_OVERLOADED', `reservation 1 settled: ${zero}`]);
    expect(stage.came).toEqual({ first: 'dropped' });
    await stage.answer(1);
    expect(await sent).toMatchObject({ ok: true });
    expect(stage.told.slice(4)).toEqual(['hedge answered', `reservation 2 settled: ${ANSWERED}`]);
  });

  test.each([
    ['before', [0, 1]],
    ['after', [1, 0]],
  ] as const)('what the first failed of decides where both fail, also where that came %s the other', async (_, order) => {
    const stage = new Stage();
    const sent = stage.send();
    await rest();
    stage.late();
    // A bad request is never sent again, whatever the hedge met.
    const errors = [new AmdahlError('MODEL_BAD_REQUEST', 'No.'), limited];
    for (const nth of order) await stage.answer(nth, errors[nth]);
    expect(await sent).toMatchObject({ ok: false, error: { code: 'MODEL_BAD_REQUEST' } });
    expect(stage.told.filter((one) => one.includes('settled'))).toHaveLength(2);
    expect(stage.told.filter((one) => one.includes('failed')).toSorted()).toEqual([
      'first failed: MODEL_BAD_REQUEST',
      'hedge failed: MODEL_RATE_LIMITED',
    ]);
  });

  test('both may fail: the turn is sent again once, and what comes then may be hedged too', async () => {
    const stage = new Stage();
    const sent = stage.send();
    await rest();
    stage.late();
    await stage.answer(1, busy);
    await stage.answer(0, busy);
    expect(stage.late()).toBe('sent');
    await stage.answer(3);
    expect(await sent).toMatchObject({ ok: true, hedge: true });
    expect(stage.told.filter((one) => !one.includes('settled'))).toEqual([
      'first requested',
      'hedge requested',
      'hedge failed: MODEL_OVERLOADED',
      'first failed: MODEL_OVERLOADED, sent again',
      'first requested again 1',
      'hedge requested again 1',
      'hedge answered',
      'first failed: CANCELLED, lost',
    ]);
  });

  test('both are told and settled where the telling of the answer throws: the run was interrupted', async () => {
    const stage = new Stage();
    const interrupted = new AmdahlError('CANCELLED', 'enough');
    const sent = stage.send({
      answered: () => {
        throw interrupted;
      },
    });
    sent.catch(() => {});
    await rest();
    stage.late();
    await stage.answer(1);
    await expect(sent).rejects.toBe(interrupted);
    expect(stage.told.slice(2)).toEqual([
      'first failed: CANCELLED, lost',
      `reservation 1 settled: ${READ}`,
      `reservation 2 settled: ${ANSWERED}`,
    ]);
    expect(stage.isOver).toBe(true);
  });
});

describe('a turn is not hedged', () => {
  const cases: Record<
    string,
    { readonly hedging: (stage: Stage) => Partial<HedgePorts>; readonly due: Due; readonly told: readonly string[] }
  > = {
    'where its budgets have no room at once': { hedging: () => ({ reserveNow: () => undefined }), due: 'never', told: [] },
    'where they have room for a shorter answer only': {
      hedging: (stage) => ({ reserveNow: () => stage.reserve(49) }),
      due: 'never',
      told: ['reservation 2 settled: undefined'],
    },
    'as long as its gate does not let it in': {
      hedging: () => ({ enterNow: () => undefined }),
      due: 'later',
      told: ['reservation 2 settled: undefined'],
    },
  };

  test.each(Object.entries(cases))('%s', async (_, { hedging, due, told }) => {
    const stage = new Stage();
    const sent = stage.send({}, hedging(stage));
    await rest();
    expect(stage.late()).toBe(due);
    await stage.answer(0);
    expect(await sent).toMatchObject({ ok: true, hedge: false });
    expect(stage.told).toEqual(['first requested', ...told, 'first answered', `reservation 1 settled: ${ANSWERED}`]);
    expect(stage.signals).toHaveLength(1);
  });

  test('once it must not be sent any more: what the hedge holds is given back', async () => {
    const stage = new Stage();
    const sent = stage.send({
      requested: (_, __, hedge) => {
        if (hedge) throw new AmdahlError('CANCELLED', 'over');
      },
    });
    await rest();
    expect(stage.late()).toBe('never');
    expect(stage.told).toEqual(['reservation 2 settled: undefined']);
    expect(stage.came).toEqual({ hedge: 'ignored' });
    await stage.answer(0);
    expect(await sent).toMatchObject({ ok: true });
  });

  test('once it is decided', async () => {
    const stage = new Stage();
    const sent = stage.send();
    await rest();
    await stage.answer(0);
    expect(stage.late()).toBe('never');
    await sent;
    expect(stage.signals).toHaveLength(1);
  });
});
