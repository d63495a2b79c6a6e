import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Happening, RunId } from '../../src/journal/event.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { callStarted, callSucceeded, journalOf, placeOf, runStarted } from '../journal/story.ts';
import { linesOf, place } from './cli.ts';

const WIDE = JSON.stringify(Array.from({ length: 20 }, (_, index) => ({ topic: index === 3 ? 'bad' : `topic ${index}` })));

describe('amdahl show', () => {
  it('shows every attempt of a model that answers garbage, and folds what went well', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#sweep', '--input', WIDE, '--id', 'wide', '-q']);
    const { code, out } = await amdahl(['show', 'last']);
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toBe('wide  partial');
    expect(out).toContain('agent    sweep  team.ts#sweep');
    expect(out).toMatch(/^✓ sweep +map of 20 +/m);
    expect(out).toMatch(/^├ ✗ \[3\]\/review +2 attempts, 6 turns +/m);
    expect(lines.filter((line) => /turn [123]: /.test(line))).toHaveLength(6);
    expect(lines.filter((line) => line.includes('said no JSON at all'))).toHaveLength(6);
    expect(lines.filter((line) => line.includes('rejected by its contract'))).toHaveLength(2);
    expect(out).toMatch(/^└ … 14 more succeeded \(--all\) +/m);
    expect(out).toMatch(/^missing {2}1\n {2}sweep\[3\]\/review CONTRACT_VIOLATION: /m);
    expect(out).toMatch(/^bill {2}25 requests /m);
    expect(out).toMatch(/ask again what is missing: .* resume wide$/m);
  });

  it('tells of a tool that was held back, at the end of the run and afterwards', async () => {
    const { amdahl, write } = place();
    write(
      'look.ts',
      `import { agent, map, tool } from 'amdahl';
       import { scripted } from 'amdahl/testing';
       import { z } from '${import.meta.resolve('zod')}';
       const look = tool({ effect: 'none', description: 'Look', input: z.object({ call: z.number() }), execute: () => { throw new Error('connect refused'); } });
       const model = scripted(Array.from({ length: 13 }, (_, call) => [{ tools: [['look', { call }]] }, { text: 'done' }]).flat());
       export const seek = agent({ name: 'seek', model, instructions: 'Look.', tools: { look } });
       export const sweep = map(seek, { name: 'sweep', concurrency: 1 });`,
    );
    const { code, err } = await amdahl(['run', 'look.ts#sweep', '--input', JSON.stringify(Array(13).fill('x')), '--id', 'look']);
    expect(code).toBe(0);
    const held = /^tool 'look' was held back: 10 failures in a row since \d\d:\d\d:\d\d, 3 calls were told so$/m;
    expect(err).toMatch(held);
    const { out } = await amdahl(['show', 'look']);
    expect(out).toMatch(held);
    expect(out).toMatch(/^ {2}tool 'look' said: .*connect refused$/m);
  });

  it('says once how two incidents of one outage began', async () => {
    const { amdahl, dir } = place();
    const journal = sqliteJournal({ dir: join(dir, '.amdahl') });
    const claim = await journal.claim('twice' as RunId); // any text will do as an id
    const tripped = (id: string): Happening => ({
      kind: 'guard.tripped',
      place: placeOf('a'),
      guard: 'breaker',
      call: 'a',
      evidence: { id, gate: 'acme/small', since: 1_000, until: 2_000, failures: 5, code: 'MODEL_UNAVAILABLE', message: 'no answer' },
    });
    await claim.append(journalOf(runStarted, callStarted('a'), tripped('i1'), tripped('i2'), callSucceeded('a')).map(({ event }) => event));
    await claim.release();
    await journal.close();
    const { out } = await amdahl(['show', 'twice']);
    expect(out).toContain('2 incidents:');
    expect(out.match(/the first failure of acme\/small: MODEL_UNAVAILABLE: no answer/g)).toHaveLength(1);
  });

  it('shows every call, turn and tool call with --all', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#sweep', '--input', WIDE, '--id', 'wide', '-q']);
    const { out } = await amdahl(['show', 'wide', '--all']);
    expect(out.match(/^[├└] ✓ \[\d+\]\/review/gm)).toHaveLength(19);
    expect(out.match(/turn 1: /g)).toHaveLength(21);
  });

  it('tells how often somebody worked on the run, and what was forgotten and why', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#sweep', '--input', WIDE, '--id', 'wide', '-q']);
    await amdahl(['resume', 'wide', '-q']);
    const { out } = await amdahl(['show', 'wide']);
    expect(out).toMatch(/^entries\n {2}1 {2}\d{4}-.*\n {2}2 {2}\d{4}-/m);
    expect(out).toMatch(/^forgotten and asked again\n {2}sweep/m);
    expect(out).toContain('sweep[3]/review  entry 2: it had failed, and the run was resumed');
  });

  it('prints exactly what was sent, from the journal', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#sweep', '--input', WIDE, '--id', 'wide', '-q']);
    const { out } = await amdahl(['show', 'wide', '--prompt', 'sweep[3]/review']);
    expect(out).toContain('sweep[3]/review  attempt 1, turn 1, acme/small\n');
    expect(out).toContain('\nsystem\nReview it.\nuser\n<topic>\nbad\n</topic>\n');
    expect(out).toMatch(/^answer format \{"type":"json","schema":\{.*"title"/m);
    expect(out).toContain('after all messages of the turn before:\nassistant\nno JSON at all\nuser\nYour last answer was refused:');
    expect(out).toContain('sweep[3]/review  attempt 2, turn 3, acme/small\n');
    expect(out).not.toContain('sweep[4]');
  });

  it('lists the calls and prints the first in full, unless it is told which', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#strict', '--input', '[{"topic":"a"},{"topic":"b"}]', '--id', 'two', '-q']);
    const { out } = await amdahl(['show', 'two', '--prompt']);
    expect(out).toMatch(/^2 requests by 2 calls\n {2}strict\[0\]\/review {2}1 request\n {2}strict\[1\]\/review {2}1 request\n\n/);
    expect(out.match(/attempt 1, turn 1/g)).toHaveLength(1);
    expect(out).toMatch(/^one call: .* show two --prompt 'strict\[1\]\/review'\nall of them: .* show two --prompt --all$/m);
    const all = (await amdahl(['show', 'two', '--prompt', '--all'])).out;
    expect(all.match(/attempt 1, turn 1/g)).toHaveLength(2);
    expect(all).not.toContain('one call: ');
    await amdahl(['run', 'team.ts#bare', '--input', 'x', '--id', 'none', '-q']);
    expect((await amdahl(['show', 'none', '--prompt'])).out).toBe('Run none asked no model.\n');
  });

  it('prints every request whole as JSON', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#sweep', '--input', '[{"topic":"bad"},{"topic":"a"}]', '--id', 'two', '-q']);
    const { out } = await amdahl(['show', 'two', '--prompt', '--json']);
    const requests = linesOf(out);
    expect(requests).toHaveLength(7);
    const third = requests.find(({ path, attempt, turn }) => path === 'sweep[0]/review' && attempt === 0 && turn === 2);
    expect(third?.['messages']).toMatchObject([
      { role: 'system' },
      { role: 'user' },
      { role: 'assistant' },
      { role: 'user' },
      { role: 'assistant' },
      { role: 'user' },
    ]);
    expect(third?.['setup']).toMatchObject({ model: 'acme/small', format: { type: 'json' } });
  });

  it('gives run, tree and bill as JSON', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#sweep', '--input', '[{"topic":"a"}]', '--id', 'one', '-q']);
    const { out } = await amdahl(['show', 'one', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      run: { run: 'one', status: 'succeeded' },
      tree: { status: 'succeeded', root: { path: 'sweep', kind: 'map', children: [{ path: 'sweep[0]/review', status: 'succeeded' }] } },
      bill: { calls: 1, tokensIn: 100 },
    });
  });
});

describe('amdahl runs', () => {
  it('lists runs, newest first, with what became of them', async () => {
    const { amdahl } = place();
    await amdahl(['run', 'team.ts#bare', '--input', 'x', '--id', 'first', '-q']);
    await amdahl(['run', 'team.ts#hello', '--input', 'down', '--id', 'second', '-q']);
    const { out } = await amdahl(['runs']);
    expect(out.split('\n').map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['RUN', 'STATUS', 'AGENT'],
      ['second', 'failed', 'hello'],
      ['first', 'succeeded', 'bare'],
      [''],
    ]);
    expect((await amdahl(['runs', '-n', '1'])).out.split('\n')).toHaveLength(3);
    expect(linesOf((await amdahl(['runs', '--json'])).out)).toMatchObject([
      { run: 'second' },
      { run: 'first', program: { file: 'team.ts', export: 'bare' } },
    ]);
  });

  it('says where there are none', async () => {
    const { code, out, err } = await place().amdahl(['runs']);
    expect([code, out]).toEqual([0, '']);
    expect(err).toMatch(/^There are no runs in \.amdahl yet\. .*node \S+ run FILE starts one\.\n$/);
  });

  it('looks where AMDAHL_DIR says', async () => {
    const { amdahl } = place();
    const env = { AMDAHL_DIR: 'elsewhere' };
    await amdahl(['run', 'team.ts#bare', '--input', 'x', '--id', 'there', '-q'], { env });
    expect((await amdahl(['runs'], { env })).out).toContain('there');
    expect((await amdahl(['runs'])).out).toBe('');
  });
});
