import { describe, expect, test } from 'vitest';
import { answer, asks, memoryJournal, refuse } from '../../src/index.ts';
import type { AskId, EventOf, Place, RunId } from '../../src/journal/event.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { failure } from '../support/trial.ts';

const NOW = 1_000_000;
const clock = { now: () => NOW, after: () => () => {} };

const form = {
  type: 'object',
  properties: { verdict: { enum: ['publish', 'hold'] }, stars: { type: 'integer', minimum: 1 } },
  required: ['verdict'],
  additionalProperties: false,
};

interface Made extends Partial<Pick<EventOf<'ask.opened'>, 'form' | 'expiresAt'>> {
  readonly ask: string;
  readonly run?: string;
  readonly scope?: string;
  readonly at?: number;
}

/** A run that asked, and that nobody works on any more unless it is `held`. */
async function asked(journal: Journal, { ask, run = 'r', scope, at = NOW - 5_000, ...rest }: Made, held = false): Promise<void> {
  const claim = await journal.claim(run as RunId);
  const place = `place-${ask}` as Place;
  const began = { kind: 'run.started', agent: 'desk', input: 'x', inputHash: 'h', ...(scope === undefined ? {} : { scope }), at } as const;
  await claim.append([
    ...(claim.events === 0 ? [began] : []),
    {
      kind: 'ask.opened',
      place,
      ask: ask as AskId,
      of: 'human',
      calls: [place],
      path: 'desk/editor',
      question: 'Publish?',
      about: { title: 'T' },
      at,
      ...rest,
    },
  ]);
  if (!held) await claim.release();
}

const options = (journal: Journal): { journal: Journal; clock: typeof clock } => ({ journal, clock });

describe('the open questions', () => {
  test('are told with all that somebody needs to answer, oldest first', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'later-00000', form });
    await asked(journal, { ask: 'sooner-0000', run: 's', at: NOW - 9_000, expiresAt: NOW + 1, scope: 'acme' });
    expect(await asks(options(journal))).toEqual([
      { ask: 'sooner-0000', run: 's', scope: 'acme', agent: 'desk', path: 'desk/editor', of: 'human', question: 'Publish?', about: { title: 'T' }, openedAt: NOW - 9_000, expiresAt: NOW + 1 },
      { ask: 'later-00000', run: 'r', agent: 'desk', path: 'desk/editor', of: 'human', question: 'Publish?', about: { title: 'T' }, form, openedAt: NOW - 5_000 },
    ]); // prettier-ignore
    expect((await asks({ ...options(journal), scope: 'acme' })).map(({ ask }) => ask)).toEqual(['sooner-0000']);
    expect((await asks({ ...options(journal), run: 'r' })).map(({ ask }) => ask)).toEqual(['later-00000']);
  });

  test('are those that somebody may still answer: not what was said before, nor what is past its time', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'said-000000' });
    await asked(journal, { ask: 'past-000000', expiresAt: NOW });
    await answer('said-000000', 'yes', options(journal));
    expect(await asks(options(journal))).toEqual([]);
  });
});

describe('an answer', () => {
  test('is put once: the second is told who was faster, and when', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'a-000000000' });
    const [open] = await asks(options(journal));
    if (open === undefined) throw new Error('nothing is open');
    expect(await answer(open, 'yes', { ...options(journal), by: 'ana' })).toEqual({ ask: 'a-000000000', run: 'r', agent: 'desk' });
    const late = { now: () => NOW + 40_000, after: clock.after };
    const error = await failure(answer('a-000000000', 'no', { journal, clock: late, by: 'ben' }));
    expect(error).toMatchObject({ code: 'ASK_CLOSED', data: { ask: 'a-000000000', run: 'r', state: 'answered', at: NOW, by: 'ana' } });
    expect(error.message).toBe("The question of 'desk/editor' was answered before by ana, 40 s ago. Nothing has changed.");
    expect((await failure(refuse('a-000000000', 'no', { journal, clock: late }))).code).toBe('ASK_CLOSED');
    expect((await journal.ask('a-000000000'))?.response).toEqual({ kind: 'answer', value: 'yes', by: 'ana', at: NOW });
  });

  test('says who works on the run, where somebody does', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'a-000000000' }, true);
    const { owner } = await answer('a-0000', 'yes', options(journal));
    expect(owner).toEqual({ id: 'memory', pid: 0, host: expect.any(String) });
  });

  test('that does not fit is refused with every problem and its path, and puts nothing', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'a-000000000', form });
    const error = await failure(answer('a-000000000', { verdict: 'burn', stars: 0, mood: 1 }, options(journal)));
    expect(error).toMatchObject({
      code: 'CONTRACT_VIOLATION',
      problems: [
        { path: 'verdict', message: 'expected one of "publish", "hold"' },
        { path: 'stars', message: 'expected 1 or more, got 0' },
        { path: 'mood', message: 'is not asked for; there are verdict, stars' },
      ],
      data: { form },
    });
    expect((await failure(answer('a-000000000', new Date(0), options(journal)))).code).toBe('NOT_JSON');
    expect((await journal.ask('a-000000000'))?.state).toBe('open');
    await answer('a-000000000', { verdict: 'hold' }, options(journal));
    // Fits or not: too late is too late.
    expect((await failure(answer('a-000000000', { verdict: 'burn' }, options(journal)))).code).toBe('ASK_CLOSED');
  });

  test('comes too late when the time is over, though the run has not said so', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'a-000000000', expiresAt: NOW - 3_600_000 });
    const error = await failure(answer('a-000000000', 'yes', options(journal)));
    expect(error).toMatchObject({ code: 'ASK_CLOSED', data: { state: 'expired', at: NOW - 3_600_000 } });
    expect(error.message).toContain('has expired, 60 min ago');
  });

  test('to what the run took already is told what was said there, or that it was withdrawn', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'a-000000000' });
    await asked(journal, { ask: 'b-000000000' });
    const claim = await journal.claim('r' as RunId);
    await claim.append([
      { kind: 'ask.refused', place: 'place-a-000000000' as Place, ask: 'a-000000000' as AskId, reason: 'no', by: 'ana', at: NOW - 1_000 },
      { kind: 'ask.withdrawn', place: 'place-b-000000000' as Place, ask: 'b-000000000' as AskId, why: 'over', at: NOW - 1_000 },
    ]);
    await claim.release();
    expect((await failure(answer('a-000000000', 'yes', options(journal)))).message).toContain('was refused before by ana, 1 s ago');
    expect((await failure(answer('b-000000000', 'yes', options(journal)))).message).toContain('was withdrawn, 1 s ago');
  });

  test('to a question that is not there, or is another scope’s, is told the same', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'same-000001', scope: 'acme', run: 'r1' });
    await asked(journal, { ask: 'same-000002', scope: 'other', run: 'r2' });
    const foreign = { ...options(journal), scope: 'other' };
    const nowhere = await failure(answer('none-000000', 'yes', foreign));
    for (const id of ['same-000001', 'same-0']) {
      const error = await failure(answer(id, 'yes', foreign));
      expect(error).toMatchObject({ code: 'ASK_UNKNOWN', where: {}, problems: [], data: { ask: id } });
      expect(error.message.replace(id, '')).toBe(nowhere.message.replace('none-000000', ''));
    }
    expect((await failure(refuse('same-000001', 'no', foreign))).code).toBe('ASK_UNKNOWN');
    expect((await answer('same-000001', 'yes', { ...options(journal), scope: 'acme' })).scope).toBe('acme');
    // Nobody who may see all is told less.
    expect((await failure(answer('same-0', 'yes', options(journal)))).message).toContain('same-000001, same-000002');
  });

  test('that holds a secret of whoever gives it is not stored, and says where it is', async () => {
    const journal = memoryJournal();
    await asked(journal, { ask: 'a-000000000' });
    const secrets = { values: { DESK_KEY: 'sk-very-secret-0123456789' } };
    const error = await failure(answer('a-000000000', 'use sk-very-secret-0123456789', { ...options(journal), secrets }));
    expect(error).toMatchObject({ code: 'SECRET_IN_CONTRACT', data: { secret: 'DESK_KEY', path: 'value' } });
    expect((await failure(refuse('a-000000000', 'sk-very-secret-0123456789', { ...options(journal), secrets }))).code).toBe(
      'SECRET_IN_CONTRACT',
    );
    expect((await journal.ask('a-000000000'))?.state).toBe('open');
  });

  test('is refused with advice where it is said the wrong way', async () => {
    const journal = memoryJournal();
    expect((await failure(refuse('a-000000000', '', options(journal)))).message).toContain('takes a reason');
    expect((await failure(answer('a-000000000', 1, { ...options(journal), by: '' }))).message).toContain('the name of who says it');
    expect((await failure(answer('a-000000000', 1, { ...options(journal), who: 'x' } as object))).message).toContain("an option 'who'");
    expect((await failure(answer({} as { ask: AskId }, 1, options(journal)))).message).toContain('is named by its id');
  });
});
