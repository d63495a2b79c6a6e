// A program that was edited between a crash and the resume: what still fits answers, what does not is asked anew, the
// report says so, and what comes out is what the edited program would have given from the start.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, flow, map, type ResumeReport, step, tool } from '../../src/index.ts';
import { oneLiveOutcome } from '../suites/invariants.ts';
import { holds, shown, undisturbed } from './law.ts';
import { type Ending, type Mortal, World } from './mortal.ts';
import { programOf } from './programs.ts';
import { voice } from './voice.ts';

const Said = z.object({ said: z.string() });
type Any = Agent<unknown, unknown>;

interface Version {
  readonly prompt?: string;
  readonly helper?: string;
  readonly output?: z.ZodType<{ said: string }>;
  readonly check?: (output: { said: string }) => string | undefined;
  readonly step?: string;
  readonly again?: boolean;
}

/** Three items are reviewed by an agent that asks a helper, a step joins them, and one more agent says something of it. */
function program({ prompt = 'tools 1', helper = 'tools 0', output = Said, check, step: version, again = false }: Version): Any {
  const ask = agent({ name: 'ask', description: 'Ask.', instructions: helper, input: z.object({ q: z.string() }), output: Said });
  const review = agent({
    name: 'review',
    instructions: prompt,
    input: z.unknown(),
    output,
    tools: { ask },
    ...(check === undefined ? {} : { checks: [check] }),
  });
  const join = step({
    name: 'join',
    input: z.unknown(),
    output: z.string(),
    ...(version === undefined ? {} : { version }),
    execute: (input) => `${version ?? 'unversioned'} ${JSON.stringify(input)}`,
  });
  const last = agent({ name: 'last', instructions: 'tools 0', input: z.unknown(), output: Said });
  return flow({
    name: 'program',
    input: z.unknown(),
    run: async (_: unknown, ctx) => {
      const reviews = await ctx.call(map(review), [1, 2, 3]);
      const joined = await ctx.call(join, again ? [...reviews, await ctx.call(last, 'first')] : reviews);
      return await ctx.call(last, joined);
    },
  });
}

function mortalOf(version: Version): Mortal {
  return { agent: program(version), input: {}, model: voice };
}

function reportOf(ending: Ending): ResumeReport {
  if (ending.kind !== 'succeeded' || ending.resume === undefined) throw new Error(`no report of ${JSON.stringify(ending)}`);
  return ending.resume;
}

/** Runs one version to its end or to a crash, then another, which must give what it gives when run alone. */
async function edited(before: Version, after: Version, events?: number): Promise<{ readonly report: ResumeReport; readonly world: World }> {
  const world = new World('edited');
  await world.enter(mortalOf(before), events === undefined ? {} : { events });
  const ending = await world.enter(mortalOf(after));
  const alone = await undisturbed(mortalOf(after), 'alone');
  if (ending.kind === 'succeeded' && alone.ending.kind === 'succeeded') expect(ending.output).toEqual(alone.ending.output);
  expect(ending.kind).toBe('succeeded');
  await holds(world, ending);
  return { report: reportOf(ending), world };
}

const whys = (report: ResumeReport): readonly string[] => report.bought.map(({ path, why }) => `${path}: ${why}`).sort();

describe('an edit between crash and resume', () => {
  it('of a prompt asks that agent anew and lets the others answer', async () => {
    const { report } = await edited({ step: '1' }, { step: '1', prompt: 'tools 1 now' });
    expect(whys(report)).toEqual([0, 1, 2].map((index) => `program/map(review)[${index}]/review: its instructions changed`));
    // What is asked for with other inputs has another place: the old answers were not asked for.
    expect(report.unasked.map(({ path }) => path)).toEqual(['program/join', 'program/last']);
    expect(report.firstDifference).toBe('program/join');
    expect(report.unasked[1]?.tokens).toBeGreaterThan(0);
  });

  it('of nothing buys nothing, reports no difference and names steps without a version', async () => {
    const { report, world } = await edited({}, {});
    expect(report).toMatchObject({ entry: 1, answered: 5, bought: [], unasked: [], unversioned: ['join'], changed: [] });
    expect(report.firstDifference).toBeUndefined();
    expect(world.requests.length).toBe((await undisturbed(mortalOf({}), 'calm')).requests);
  });

  it('of the prompt of an agent that is a tool asks its callers anew', async () => {
    const { report } = await edited({ step: '1' }, { step: '1', helper: 'tools 0 but better' });
    expect(whys(report)).toEqual(
      [0, 1, 2].map(
        (index) => `program/map(review)[${index}]/review: its input contract, prompt, cache, version or the inside of a tool changed`,
      ),
    );
  });

  it('of a check judges recorded answers again and asks only for those that fail', async () => {
    const first = await undisturbed(mortalOf({ step: '1' }), 'edited');
    const said = first.entries.flatMap(({ event }) =>
      event.kind === 'call.succeeded' &&
      event.output !== undefined &&
      first.entries.some(({ event: begun }) => begun.kind === 'call.started' && begun.place === event.place && begun.agent === 'review')
        ? [Said.parse(event.output).said]
        : [],
    );
    expect(said).toHaveLength(3);
    const { report } = await edited({ step: '1' }, { step: '1', check: (output) => (output.said === said[0] ? 'not this' : undefined) });
    expect(report.bought).toHaveLength(1);
    expect(report.bought[0]?.why).toContain('its recorded answer does not pass any more: ');
    expect(report.bought[0]?.why).toContain('not this');
  });

  it('of a contract asks anew where the model sees another form, and where only the value is refused', async () => {
    const wider = await edited({ step: '1' }, { step: '1', output: z.object({ said: z.string().max(100) }) });
    expect(wider.report.bought).toHaveLength(3);
    const world = new World('edited');
    await world.enter(mortalOf({ step: '1' }));
    let refused = 0;
    const once = z.object({ said: z.string().refine(() => (refused += 1) > 1) });
    const ending = await world.enter(mortalOf({ step: '1', output: once }));
    expect(reportOf(ending).bought).toHaveLength(1);
    expect(reportOf(ending).bought[0]?.why).toContain('its recorded answer does not pass any more');
    oneLiveOutcome(await world.entries());
  });

  it('of flow code buys what is new and reports what nobody asked for, with its cost and the first difference', async () => {
    const { report, world } = await edited({ step: '1' }, { step: '1', again: true });
    expect(report.bought).toEqual([]);
    expect(report.unasked.map(({ path }) => path)).toEqual(['program/join', 'program/last']);
    expect(report.firstDifference).toBe('program/join');
    const calm = await undisturbed(mortalOf({ step: '1', again: true }), 'calm');
    expect(world.requests.length).toBe(calm.requests + 1);
  });

  it('of a version runs the step again, and of code without a version does not', async () => {
    const { report } = await edited({ step: '1' }, { step: '2' });
    expect(whys(report)).toEqual([`program/join: its version changed`]);
    expect(report.unversioned).toEqual([]);
  });

  it('of a tool with a version asks its agent anew', async () => {
    const asker = (version: string): Mortal => {
      const look = tool({
        description: 'Look.',
        effect: 'none',
        version,
        input: z.object({ q: z.string() }),
        execute: ({ q }) => `${version} ${q}`,
      });
      return {
        agent: flow({
          name: 'program',
          input: z.unknown(),
          run: async (input: unknown, ctx) =>
            await ctx.call(agent({ name: 'looker', instructions: 'tools 1', input: z.unknown(), output: Said, tools: { look } }), input),
        }),
        input: {},
        model: voice,
      };
    };
    for (let events = 3; events < 12; events += 1) {
      const world = new World('tool');
      await world.enter(asker('1'), { events });
      const ending = await world.enter(asker('2'));
      const alone = await undisturbed(asker('2'), 'alone');
      expect(ending).toMatchObject({ kind: 'succeeded', output: alone.ending.kind === 'succeeded' ? alone.ending.output : undefined });
    }
  });

  it('gives what the edited program gives, wherever the first version crashed', async () => {
    const after = { step: '2', prompt: 'tools 1 now' };
    const { events } = await undisturbed(mortalOf({ step: '1' }), 'edited');
    for (let at = 1; at <= events; at += 1) {
      const { report } = await edited({ step: '1' }, after, at);
      expect(report.bought.length, `crashed after ${at} events`).toBeLessThanOrEqual(4);
    }
  });

  it('gives what the edited program gives, also of a generated one', { timeout: 60_000 }, async () => {
    let edits = 0;
    for (let seed = 1; seed <= 8; seed += 1) {
      const calm = await undisturbed({ agent: programOf(seed), input: { seed }, model: voice }, `p${seed}`);
      for (const leaf of [1, 2, 3]) {
        const now: Mortal = { agent: programOf(seed, leaf), input: { seed }, model: voice };
        const alone = await undisturbed(now, `p${seed}`);
        for (let events = 1 + seed; events <= calm.events; events += 13) {
          const world = new World(`p${seed}`);
          await world.enter({ agent: programOf(seed), input: { seed }, model: voice }, { events });
          const ending = await world.enter(now);
          expect(shown(ending), `program ${seed}, leaf ${leaf}, event ${events}`).toEqual(shown(alone.ending));
          await holds(world, ending);
          edits += 1;
        }
      }
    }
    expect(edits).toBeGreaterThan(100);
  });
});
