// A program that is edited between a crash and its resume. Until a call is confirmed with its effects, the new program decides
// what is done; from there on what was confirmed is done, whatever the new program would do. Never half of one and half of the
// other, and nothing twice.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, type AnyAgent, type Entry, flow, tool, transaction } from '../../src/index.ts';
import { holds } from '../crash/law.ts';
import { committedAfterConfirmed, effectsInOrder, noOrphanEffects } from '../suites/effectInvariants.ts';
import type { Program } from './cells.ts';
import { play } from './player.ts';
import { type Client, Service } from './service.ts';
import { type Person, Stage, truthful } from './stage.ts';

const THOROUGH = process.env['AMDAHL_CRASH'] !== undefined;

let service: Service;
beforeAll(async () => {
  service = await Service.open();
});
afterAll(async () => await service.close());

const Said = z.object({ said: z.string() });
type Doer = Agent<string, { said: string }>;

/** A version of the program: what its model does and says, what judges it, and what its code does around it. */
interface Version {
  readonly remark?: string;
  readonly texts?: readonly string[];
  readonly says?: readonly string[];
  readonly refuses?: string;
  readonly code?: 'asks before' | 'does more' | 'does less';
}

const HOLDERS = ['none', 'transaction', 'checks'] as const;
type Holder = (typeof HOLDERS)[number];

function programOf(holder: Holder, version: Version): (client: Client) => AnyAgent {
  return (client) => {
    const note = tool({
      effect: 'staged',
      idempotent: true,
      description: 'Note.',
      input: z.object({ text: z.string() }),
      execute: (args, { key }) => client.do('idempotent', 'note', args, key),
    });
    const { remark = '', texts = ['a', 'b'], says = ['final', 'better'], refuses, code } = version;
    const noting = (name: string, notes: readonly string[], checks: readonly ((output: { said: string }) => string | undefined)[]): Doer =>
      agent({
        name,
        instructions: play([{ turns: [notes.map((text) => ['note', { text }])], answers: says.map((said) => ({ said })) }], remark),
        output: Said,
        tools: { note },
        checks,
        repairs: 1,
        attempts: 1,
      });
    const doer = noting('doer', texts, refuses === undefined ? [] : [({ said }) => (said === refuses ? 'Not this.' : undefined)]);
    const more = noting('more', ['c'], []);
    const idle = agent({ name: 'idle', instructions: play([{ answers: [{ said: 'idle' }] }]), output: Said });
    const body = flow({
      name: 'body',
      version: code ?? '1',
      ...(holder === 'checks' ? { output: Said, checks: [({ said }: { said: string }) => (said === 'never' ? 'Never.' : undefined)] } : {}),
      run: async (input, ctx): Promise<{ said: string }> => {
        if (code === 'asks before') await ctx.call(idle, input);
        const done = code === 'does less' ? await ctx.call(idle, input) : await ctx.call(doer, input);
        if (code === 'does more') await ctx.call(more, input);
        return done;
      },
    });
    return holder === 'transaction' ? transaction(body) : body;
  };
}

/** What may stand in the end, with what may be said then. */
interface Allowed {
  readonly stands: readonly string[];
  readonly said: readonly string[];
}

const OLD: Allowed = { stands: ['a', 'b'], said: ['final'] };

const EDITS: readonly {
  readonly title: string;
  readonly before?: Version;
  readonly after: Version;
  readonly allowed: readonly Allowed[];
}[] = [
  { title: 'a prompt that leads to the same', after: { remark: 'Please.' }, allowed: [OLD] },
  { title: 'a prompt that leads to another answer', after: { says: ['other'] }, allowed: [OLD, { ...OLD, said: ['other'] }] },
  {
    title: 'a prompt that leads to other effects',
    after: { texts: ['d', 'e'], says: ['other'] },
    allowed: [OLD, { stands: ['d', 'e'], said: ['other'] }],
  },
  { title: 'a check that passes', after: { refuses: 'nothing' }, allowed: [OLD] },
  { title: 'a check that refuses what was said', after: { refuses: 'final' }, allowed: [OLD, { ...OLD, said: ['better'] }] },
  {
    title: 'a check that is gone',
    before: { refuses: 'final' },
    after: {},
    allowed: [{ ...OLD, said: ['final', 'better'] }],
  },
  { title: 'code that asks before', after: { code: 'asks before' }, allowed: [OLD] },
  { title: 'code that does more', after: { code: 'does more' }, allowed: [OLD, { stands: ['a', 'b', 'c'], said: ['final'] }] },
  {
    title: 'code that does less',
    after: { code: 'does less' },
    // A person lets it go on with what is done by then.
    allowed: [OLD, ...[[], ['a'], ['a', 'b']].map((stands) => ({ stands, said: ['idle'] }))],
  },
];

/** Gives up what the program has no code for any more; says the truth of all else. */
const person: Person = (question, ledger) =>
  JSON.stringify(question.about).includes('any more') ? { outcome: 'give up' } : truthful(question, ledger);

const isConfirmed = ({ event }: Entry): boolean => event.kind === 'call.confirmed';

function staged(holder: Holder, version: Version): Program {
  return { name: holder, input: 'q', make: programOf(holder, version), expected: [], ordered: true, never: [] };
}

describe.each(HOLDERS)('effects below %s, and an edit', (holder) => {
  it.each(EDITS)('of $title: wherever the run crashed, one program or the other decides', { timeout: 120_000 }, async (edit) => {
    const before = staged(holder, edit.before ?? {});
    const calm = new Stage(before, service);
    await calm.toItsEnd();
    const { length } = await calm.world.entries();
    let diverged = 0;
    for (let events = THOROUGH ? 0 : edit.title.length % 2; events <= length; events += THOROUGH ? 1 : 2) {
      for (const lingerMs of THOROUGH ? [0, 3, 6] : [events % 4 < 2 ? 0 : 4]) {
        const stage = new Stage(before, service, person);
        await stage.enter({ events, lingerMs });
        const left = await stage.world.entries();
        if (left.some(({ event }) => event.kind === 'run.succeeded')) continue;
        const begun = left.some(({ event }) => event.kind === 'call.confirmed' || event.kind === 'effect.committing');
        stage.program = staged(holder, edit.after);
        const ending = await stage.toItsEnd();
        const where = `crashed after ${events} events and ${lingerMs} ms`;
        if (ending.kind === 'failed' && ending.code === 'EFFECT_FAILED' && edit.after.code === 'does less' && left.some(isConfirmed))
          continue;
        if (ending.kind !== 'succeeded') throw new Error(`${where}: ${JSON.stringify(ending)}`);
        const entries = await stage.world.entries();
        await holds(stage.world, ending);
        effectsInOrder(entries);
        committedAfterConfirmed(entries);
        noOrphanEffects(entries);
        const stands = stage.ledger.standing.map((one) => (JSON.parse(one.slice('note '.length)) as { text: string }).text);
        const { said } = Said.parse(ending.output);
        const fits = edit.allowed.some((one) => JSON.stringify(one.stands) === JSON.stringify(stands) && one.said.includes(said));
        expect(fits, `${where}: ${JSON.stringify({ stands, said })}`).toBe(true);
        const shown = stage.asked.filter(({ question }) => question.of === 'diverged').length;
        diverged += shown;
        // What the new program did not come by again was shown to a person, and only that.
        expect(shown, where).toBe(said === 'idle' && begun ? 1 : 0);
      }
    }
    if (edit.after.code === 'does less' && holder === 'none') expect(diverged).toBeGreaterThan(0);
  });
});
