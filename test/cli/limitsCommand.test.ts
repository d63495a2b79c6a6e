import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { type Learned, learnedIn, limitLines } from '../../src/cli/limitsCommand.ts';
import type { Event, KnownLimits, RunId } from '../../src/journal/event.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { placeOf } from '../journal/story.ts';
import { linesOf, place } from './cli.ts';

const run = (id: string): RunId => id as RunId; // any text will do as an id

function learned(at: number, gate: string, limits: KnownLimits, account?: string): Event {
  return { kind: 'limit.learned', place: placeOf('root'), gate, limits, at, ...(account === undefined ? {} : { account }) };
}

const limitsOf = (requestsPerMinute: number): KnownLimits => ({ source: 'announced', requestsPerMinute, pushBacks: 0 });

function row(more: Partial<Learned> = {}): Learned {
  return { gate: 'openai/gpt-5', limits: limitsOf(500), at: 0, run: run('sweep-7'), ...more };
}

const output = { tty: false, colors: createColors(false), width: () => 200, safe: (text: string) => text, line: () => {} };

describe('what was learned of limits', () => {
  it('is the newest of each gate, over all runs that are read', async () => {
    const journal = memoryJournal();
    const write = async (id: string, ...events: readonly Event[]): Promise<void> => {
      const claim = await journal.claim(run(id));
      await claim.append([{ kind: 'run.started', agent: 'a', input: 1, inputHash: 'h', at: 1 }, ...events]);
      await claim.release();
    };
    await write('old', learned(10, 'openai/gpt-5', limitsOf(1)), learned(90, 'acme/small', limitsOf(2)));
    await write('new', learned(50, 'openai/gpt-5', limitsOf(3)), learned(60, 'openai/gpt-5', limitsOf(4), 'k1'));
    await write('none');
    const found = await learnedIn(journal, [run('new'), run('none'), run('old')]);
    expect(found.map(({ gate, account, limits, run: of }) => [gate, account, limits.requestsPerMinute, of])).toEqual([
      ['acme/small', undefined, 2, 'old'],
      ['openai/gpt-5', 'k1', 4, 'new'],
      ['openai/gpt-5', undefined, 3, 'new'],
    ]);
    expect(await learnedIn(journal, [run('old')])).toMatchObject([{ gate: 'acme/small' }, { limits: { requestsPerMinute: 1 } }]);
  });

  it('is a table that says from where each limit is known', () => {
    const all = row({ limits: { source: 'config', requestsPerMinute: 500, tokensPerMinute: 200_000, concurrency: 40, pushBacks: 2 } });
    expect(limitLines([all, row({ gate: 'acme/small' })], undefined, 180_000, output)).toEqual([
      'GATE          REQUESTS/MIN  TOKENS/MIN  IN FLIGHT  FROM       PUSH-BACKS  WHEN       RUN',
      'openai/gpt-5           500        200k         40  config              2  3 min ago  sweep-7',
      'acme/small             500           -          -  announced           0  3 min ago  sweep-7',
    ]);
  });

  it('shows as much of an account as tells it from others, and says how to keep to what is only guessed', () => {
    const lines = limitLines(
      [row({ account: 'abcdefghijkl', limits: { source: 'learned', requestsPerMinute: 59.6, pushBacks: 7 } })],
      50,
      0,
      output,
    );
    expect(lines[1]).toMatch(/^openai\/gpt-5 {2}abcdefgh +60 .* learned +7 /);
    expect(lines.slice(2)).toEqual([
      '',
      "learned is a guess from push-backs; what you know is kept to from the first request on: export const options = { rateLimits: { 'openai/gpt-5': { requestsPerMinute: 60 } } }",
      expect.stringMatching(/^from the newest 50 runs; .* limits RUN reads an older one$/),
    ]);
  });
});

describe('what an outage leaves behind', () => {
  const overload = row({ limits: { source: 'learned', concurrency: 1, pushBacks: 9 } });

  it('is told as overload, without a number that nobody has said', () => {
    const lines = limitLines([overload], undefined, 0, output);
    expect(lines[1]).toMatch(/^openai\/gpt-5 +- +- +1 {2}overload +9 /);
    expect(lines.slice(2)).toEqual([
      '',
      "overload is no limit of the account: fewer go at once for a while where requests failed; what you know is kept to from the first request on: export const options = { rateLimits: { 'openai/gpt-5': { requestsPerMinute: …, concurrency: … } } }",
    ]);
  });

  it('makes way for a rate that was learned of another gate', () => {
    const learnedRate = row({ gate: 'acme/small', limits: { source: 'learned', requestsPerMinute: 30, pushBacks: 2 } });
    expect(limitLines([overload, learnedRate], undefined, 0, output).at(-1)).toMatch(
      /^learned is .*'acme\/small': \{ requestsPerMinute: 30 \}/,
    );
  });
});

describe('amdahl limits', () => {
  it('says what to do where there are no runs, and where no limits are on record', async () => {
    const { amdahl } = place();
    const none = await amdahl(['limits']);
    expect([none.code, none.out]).toEqual([0, '']);
    expect(none.err).toMatch(/^There are no runs in \.amdahl yet\. .* run FILE starts one\.\n$/);
    await amdahl(['run', 'team.ts#bare', '--input', 'x', '--id', 'first', '-q']);
    const unmet = await amdahl(['limits']);
    expect(unmet.err).toMatch(
      /^The only run's journal has no limits on record: none were met, or it was cut off before it could tell\.\n[^]*rateLimits/,
    );
    expect((await amdahl(['limits', 'first'])).err).toMatch(/^This run's journal has no limits on record: /);
    expect((await amdahl(['limits', '--json'])).out).toBe('');
    expect((await amdahl(['limits', 'second'])).err).toContain("RUN_UNKNOWN There is no run 'second'.");
  });

  it('keeps to what a program says of its limits, says while it waits, and lists them afterwards', async () => {
    const { amdahl, write } = place();
    write(
      'slow.ts',
      `export { strict } from './team.ts';
       export const options = { rateLimits: { 'acme/*': { requestsPerMinute: 40, burstRequests: 1 } }, prices: { 'acme/*': { in: 0, out: 0 } } };`,
    );
    const input = JSON.stringify(['a', 'b'].map((topic) => ({ topic })));
    const { code, err } = await amdahl(['run', 'slow.ts#strict', '--input', input, '--id', 'slow']);
    expect(code).toBe(0);
    expect(err.match(/^waiting for acme\/small: 1 in line, next in 2 s \(\d+ requests a minute\)$/gm)).toHaveLength(1);
    expect(err).toMatch(/^ {2}waited 1\.\d s at gates, summed over calls$/m);
    expect((await amdahl(['show', 'slow'])).out).toMatch(/waited 1\.\d s at the gate of acme\/small$/m);
    const { out } = await amdahl(['limits', 'last']);
    expect(out.split('\n')[1]?.split(/ {2,}/)).toMatchObject([
      'acme/small',
      expect.stringMatching(/^\d+$/),
      '-',
      expect.anything(),
      'config',
      '0',
      'just now',
      'slow',
    ]);
    expect(linesOf((await amdahl(['limits', '--json'])).out)).toMatchObject([
      { gate: 'acme/small', run: 'slow', limits: { source: 'config', pushBacks: 0 } },
    ]);
  });

  it('explains where limits are known from', async () => {
    const { out } = await place().amdahl(['limits', '--help']);
    for (const word of ['config', 'announced', 'learned', 'overload', 'PUSH-BACKS', 'rateLimits']) expect(out).toContain(word);
  });
});
