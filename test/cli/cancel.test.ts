import { expect, test } from 'vitest';
import { linesOf, place, type Place, type Running } from './cli.ts';

const HOLD = ['run', 'team.ts#review', '--input', '{"topic":"hold"}', '--id', 'held'] as const;

/** A run that is on record and waits for its model. */
async function held({ start, amdahl }: Place): Promise<Running> {
  const running = start(HOLD);
  await running.said('HOLDING');
  // That it began is noted, and in the file a few milliseconds later.
  while ((await amdahl(['runs', '--json'])).out === '') await running.said('HOLDING');
  return running;
}

test('a run in another process is stopped within a second or so, and a resume goes on with it', async () => {
  const here = place();
  const { amdahl } = here;
  const running = await held(here);
  const from = performance.now();
  const cancelled = await amdahl(['cancel', 'held', '--reason', 'wrong topic']);
  expect(cancelled).toMatchObject({ code: 0 });
  expect(cancelled.err).toContain('held is cancelled');
  expect(cancelled.err).toContain('resume held');
  const { code, err } = await running.ended;
  expect(code).not.toBe(0);
  expect(err).toContain('wrong topic');
  expect(performance.now() - from).toBeLessThan(20_000);
  const shown = await amdahl(['runs', '--json']);
  expect(linesOf(shown.out)[0]).toMatchObject({ run: 'held', status: 'cancelled' });
  expect(await amdahl(['resume', 'held', '-q'], { env: { GO: '1' } })).toMatchObject({ code: 0 });
  const again = await amdahl(['cancel', 'held', '--json']);
  expect(again.code).toBe(1);
  expect(linesOf(again.out)).toMatchObject([{ run: 'held', became: 'ended before', status: 'succeeded' }]);
});

test('a run whose process is gone is ended there and then', async () => {
  const here = place();
  const { amdahl } = here;
  const running = await held(here);
  running.child.kill('SIGKILL');
  await running.ended;
  expect(await amdahl(['cancel', 'held'])).toMatchObject({ code: 0 });
  const shown = await amdahl(['runs', '--json']);
  expect(linesOf(shown.out)[0]).toMatchObject({ status: 'cancelled' });
});

test('a frozen process is said to be frozen, and hears of it when it goes on', async () => {
  const here = place();
  const { amdahl } = here;
  const running = await held(here);
  running.child.kill('SIGSTOP');
  try {
    const { code, err } = await amdahl(['cancel', 'held']);
    expect(code).toBe(4);
    expect(err).toContain(`process ${running.child.pid}`);
    expect(err).toContain('kill -CONT');
  } finally {
    running.child.kill('SIGCONT');
  }
  const ended = await running.ended;
  expect(ended.err).toContain('amdahl cancel');
});

test('all that anybody works on are stopped at once, and none is said so', async () => {
  const { start, amdahl } = place();
  const all = ['one', 'two'].map((id) => start(['run', 'team.ts#review', '--input', '{"topic":"hold"}', '--id', id]));
  await Promise.all(all.map((running) => running.said('HOLDING')));
  const { code, out } = await amdahl(['cancel', '--all', '--json']);
  expect(code).toBe(0);
  expect(
    linesOf(out)
      .map(({ run, became }) => [String(run), became])
      .sort(([a = ''], [b = '']) => String(a).localeCompare(String(b))),
  ).toEqual([
    ['one', 'cancelled'],
    ['two', 'cancelled'],
  ]);
  await Promise.all(all.map((running) => running.ended));
  expect(await amdahl(['cancel', '--all'])).toMatchObject({ code: 0 });
  expect(await amdahl(['cancel'])).toMatchObject({ code: 2 });
  expect(await amdahl(['cancel', 'nobody'])).toMatchObject({ code: 2 });
});

test('pruning says what would go, asks before, and leaves the rest', async () => {
  const { amdahl } = place();
  for (const id of ['one', 'two']) await amdahl(['run', 'team.ts#review', '--input', `{"topic":"${id}"}`, '--id', id, '-q']);
  const dry = await amdahl(['prune', '--run', 'one', '--dry-run']);
  expect(dry).toMatchObject({ code: 0 });
  expect(dry.err).toMatch(/1 run with \d+ events, .* in \.amdahl/);
  const unasked = await amdahl(['prune', '--run', 'one']);
  expect(unasked).toMatchObject({ code: 1 });
  expect(unasked.err).toContain('--yes');
  expect(await amdahl(['prune', '--older-than', '1d', '--yes'])).toMatchObject({ code: 0 });
  expect(linesOf((await amdahl(['runs', '--json'])).out)).toHaveLength(2);
  const pruned = await amdahl(['prune', '--run', 'one', '--yes', '--json']);
  expect(linesOf(pruned.out)).toMatchObject([{ runs: [{ run: 'one' }], overwritten: true }]);
  expect(linesOf((await amdahl(['runs', '--json'])).out)).toMatchObject([{ run: 'two' }]);
  for (const wrong of [['prune'], ['prune', '--older-than', 'yesterday'], ['prune', '--status', 'running'], ['prune', '--run', 'nobody']])
    expect(await amdahl(wrong), wrong.join(' ')).toMatchObject({ code: 2 });
});

test('an encrypted journal is opened by AMDAHL_JOURNAL_KEY, and doctor says truly how it is', async () => {
  const { amdahl } = place();
  const env = { AMDAHL_JOURNAL_KEY: 'correct horse battery staple' };
  expect(await amdahl(['run', 'team.ts#review', '--input', '{"topic":"sealed"}', '--id', 'sealed', '-q'], { env })).toMatchObject({
    code: 0,
  });
  expect(linesOf((await amdahl(['runs', '--json'], { env })).out)).toMatchObject([{ run: 'sealed', status: 'succeeded' }]);
  const doctor = async (given: Readonly<Record<string, string>>): Promise<unknown> =>
    linesOf((await amdahl(['doctor', '--json'], { env: given })).out)[0]?.['journal'];
  expect(await doctor(env)).toMatchObject({ readable: true, runs: 1, check: 'ok' });
  expect(await doctor({})).toMatchObject({ readable: false, problem: expect.stringContaining('AMDAHL_JOURNAL_KEY') });
  for (const given of [{}, { AMDAHL_JOURNAL_KEY: 'another passphrase' }] as const) {
    const { code, err } = await amdahl(['runs'], { env: given });
    expect(code).toBe(4);
    expect(err).toContain('JOURNAL_LOCKED');
  }
});
