import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Ended, linesOf, type Place, place } from './cli.ts';

const PUBLISH = `
import { flow, human, step } from 'amdahl';
import { z } from '${import.meta.resolve('zod')}';
import { appendFileSync } from 'node:fs';
const draft = step({ name: 'draft', execute: (topic) => { appendFileSync('drafts.txt', topic + '\\n'); return 'All about ' + topic; } });
const review = human({
  name: 'review', question: 'Is this fit to be published?',
  output: z.object({ verdict: z.enum(['ship', 'hold']), score: z.int().min(1).max(5), note: z.string().optional() }),
});
const title = human({ name: 'title', question: 'What is it called?' });
export { title };
export default flow({
  name: 'publish', input: z.string(),
  run: async (topic, ctx) => {
    const text = await ctx.call(draft, topic);
    const [judged, name] = await ctx.all([(c) => c.call(review, text), (c) => c.call(title, text)]);
    return name + ' ' + judged.verdict;
  },
});
`;

interface Ask {
  readonly ask: string;
  readonly path: string;
}

interface Parked {
  readonly ended: Ended;
  /** The id of the question that this agent asks. */
  readonly askOf: (agent: string) => string;
}

/** A run that is parked, with its result as JSON. */
async function parked({ amdahl, write }: Place, program = 'publish.ts'): Promise<Parked> {
  write('publish.ts', PUBLISH);
  const ended = await amdahl(['run', program, '--input', '"lamps"', '--id', 'p', '--json']);
  const { result } = linesOf(ended.out).at(-1) as { result: { asks: readonly Ask[] } }; // as run writes it
  return { ended, askOf: (agent) => result.asks.find(({ path }) => path.endsWith(agent))?.ask ?? `no question of ${agent}` };
}

describe('a run that needs people', () => {
  it('is parked with its questions and the commands that answer them, and goes on with each answer', async () => {
    const { amdahl, dir, write } = place();
    write('publish.ts', PUBLISH);
    const { code, err } = await amdahl(['run', 'publish.ts', '--input', '"lamps"', '--id', 'p', '--on-ask', 'cat > told-$$.json']);
    expect(code).toBe(3);
    expect(err).toMatch(/^parked {2}2 questions wait for an answer\n {2}1 finished call kept/m);
    const told = readdirSync(dir).filter((name) => name.startsWith('told-'));
    expect(told.map((name) => readFileSync(join(dir, name), 'utf8')).join('')).toMatch(/What is it called\?/);
    expect(told).toHaveLength(2);
    const title = / answer (\S{8}) 'your answer'/.exec(err)?.[1] ?? 'nothing to answer';
    const review = / answer (\S{8}) +asks field by field/.exec(err)?.[1] ?? 'nothing to answer';
    expect((await amdahl(['show', 'p'])).out).toMatch(/\? \[all\.0\]\/review[\s\S]*asks {3}Is this fit to be published\?[\s\S]*inbox p$/m);

    const first = await amdahl(['answer', title, 'Lamps', '--by', 'ana']);
    expect(first.code).toBe(3);
    expect(first.err).toMatch(/^parked {2}1 question waits for an answer/m);
    const second = await amdahl(['answer', review, '-'], { stdin: '{"verdict":"ship","score":5}' });
    expect(second).toMatchObject({ code: 0, out: 'Lamps ship\n' });

    const { out } = await amdahl(['show', 'p']);
    expect(out).toContain('asked  What is it called? → "Lamps" by ana after');
    expect(out).not.toContain('asks   ');
    expect((await amdahl(['inbox'])).err).toBe('Nobody waits for an answer.\n');
    const again = await amdahl(['answer', title, 'Lights']);
    expect(again.code).toBe(4);
    expect(again.err).toMatch(/^ASK_CLOSED .* was answered before by ana/);
  });

  it('takes no answer that does not fit, and says what would', async () => {
    const here = place();
    const { askOf } = await parked(here);
    const { code, err } = await here.amdahl(['answer', askOf('review'), '{"verdict":"ship","score":6}']);
    expect(code).toBe(2);
    expect(err).toMatch(/^CONTRACT_VIOLATION .*score: expected 5 or less, got 6/);
    expect(err).toContain('Nothing was answered.');
    expect(linesOf((await here.amdahl(['inbox', 'p', '--json'])).out)).toHaveLength(2);
    const nobody = await here.amdahl(['answer', askOf('review')]);
    expect(nobody.code).toBe(2);
    expect(nobody.err).toContain('this is no terminal');
  });

  it('fails with what a person refuses, and asks again when it is resumed', async () => {
    const here = place();
    const { askOf } = await parked(here, 'publish.ts#title');
    const refused = await here.amdahl(['refuse', askOf('title'), '--reason', 'not yet', '--by', 'ana']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('refused by ana: not yet');
    expect(refused.err).toMatch(/ask the person again: .* resume p$/m);
    expect((await here.amdahl(['resume', 'p'])).code).toBe(3);
  });

  it('goes on elsewhere with --no-resume, or where another process works on it', async () => {
    const here = place();
    const { amdahl, start } = here;
    const { askOf } = await parked(here);
    const said = await amdahl(['answer', askOf('title'), 'Lamps', '--no-resume']);
    expect(said.code).toBe(0);
    expect(said.err).toMatch(/^answered\. Nobody works on p; it goes on with: .* resume p$/m);
    expect((await amdahl(['runs'])).out).toMatch(/^p +parked, 1 ask, 1 answered /m);
    const waiting = start(['resume', 'p', '--wait', '--json']);
    let out = '';
    await new Promise<void>((resolve) => {
      waiting.child.stdout?.on('data', (chunk: string) => {
        out += chunk;
        if (out.includes('run.parked')) resolve();
      });
    });
    const answered = await amdahl(['answer', askOf('review'), '{"verdict":"hold","score":1}']);
    expect(answered.code).toBe(0);
    expect(answered.err).toMatch(/^answered; process \d+ on .* works on p and goes on with it\.$/m);
    const ended = await waiting.ended;
    expect(ended.code).toBe(0);
    expect(linesOf(ended.out).at(-1)).toMatchObject({ result: { status: 'succeeded', output: 'Lamps hold' } });
  });

  it('says the same as JSON', async () => {
    const here = place();
    const { ended } = await parked(here);
    expect(ended.code).toBe(3);
    expect(linesOf(ended.out).at(-1)).toMatchObject({
      result: { status: 'parked', id: 'p', asks: [{ of: 'human', run: 'p' }, { of: 'human' }] },
    });
    const [row] = linesOf((await here.amdahl(['runs', '--json'])).out);
    expect(row).toMatchObject({ status: 'parked', asks: 2 });
    const [shown] = linesOf((await here.amdahl(['show', 'p', '--json'])).out);
    expect(shown).toMatchObject({ tree: { status: 'parked' } });
  });
});

const RELEASE = `
import { pipe, step, transaction } from 'amdahl';
import { appendFileSync } from 'node:fs';
const world = (text) => appendFileSync('world.txt', text + '\\n');
const ticket = step({ name: 'ticket', effect: 'staged', idempotent: true, execute: (title) => { world('ticket ' + title); return 'T-7'; } });
const post = step({
  name: 'post', effect: 'staged', approve: true,
  execute: (about) => { world('post ' + about); if (process.env.BREAK) throw new Error('socket hang up'); return 'sent'; },
});
export default transaction(pipe(ticket, post), { name: 'release' });
`;

describe('a run that acts on the world', () => {
  it('asks before it acts, says what it did, and asks what became of what broke off', async () => {
    const { amdahl, dir, write } = place();
    write('release.ts', RELEASE);
    const world = (): string => (existsSync(join(dir, 'world.txt')) ? readFileSync(join(dir, 'world.txt'), 'utf8') : '');
    const asked = await amdahl(['run', 'release.ts', '--input', '"Lamp"', '--id', 'r', '-q']);
    expect(asked.code).toBe(3);
    expect(world()).toBe('');
    const approval = / answer (\S{8})$/m.exec(asked.err)?.[1] ?? 'nothing to answer';
    expect((await amdahl(['inbox'])).out).toMatch(
      /args: \[receipt:(.{12})\]\n[\s\S]*receipt:\1…\] stands for what this gives, done before: ticket "Lamp"/,
    );

    const broke = await amdahl(['answer', approval, 'yes', '--by', 'ana'], { env: { BREAK: '1' } });
    expect(broke.code).toBe(3);
    expect(broke.err).toMatch(/^committed ticket "Lamp" → "T-7"$/m);
    expect(broke.err).toMatch(/^nobody knows whether post .* happened: .*socket hang up/m);
    expect(broke.err).toMatch(/^effects {2}1 committed, 1 uncertain$/m);
    const outcome = / answer (\S{8}) 'not done'/.exec(broke.err)?.[1] ?? 'nothing to answer';
    expect(outcome).not.toBe(approval);

    const done = await amdahl(['answer', outcome, 'not done', '--json']);
    expect(done.code).toBe(0);
    expect(linesOf(done.out).at(-1)).toMatchObject({
      result: {
        status: 'succeeded',
        effects: [
          { tool: 'ticket', state: 'committed', result: 'T-7' },
          { tool: 'post', state: 'committed', result: 'sent' },
        ],
      },
    });
    expect(world()).toBe('ticket Lamp\npost T-7\npost T-7\n');
    const { out } = await amdahl(['show', 'r']);
    expect(out).toMatch(/committed {2}ticket "Lamp" → "T-7"/);
    expect(out).toMatch(/→ approved by ana after/);
  });
});
