// A model opens a ticket and comments on it, both in one answer that may still be refused. Neither is done while it speaks, so
// the comment refers to a ticket that has no id yet: by its receipt.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, tool } from '../../src/index.ts';
import { lastMessage } from '../../src/model/scripted.ts';
import { scripted } from '../../src/testing.ts';
import { type Mortal, World } from '../crash/mortal.ts';
import { idOf, Ledger } from './ledger.ts';
import { Client, Service } from './service.ts';

let service: Service;
let client: Client;
beforeAll(async () => {
  service = await Service.open();
  client = new Client(service.port);
});
beforeEach(() => {
  service.ledger = new Ledger();
});
afterAll(async () => {
  client.close();
  await service.close();
});

function support(): Agent<string, string> {
  const createTicket = tool({
    effect: 'staged',
    idempotent: true, // the service takes keys
    description: 'Open a ticket.',
    input: z.object({ title: z.string() }),
    execute: (args, { key }) => client.do('idempotent', 'createTicket', args, key), // gives { id }
  });
  const comment = tool({
    effect: 'staged',
    idempotent: true,
    description: 'Comment on a ticket.',
    input: z.object({ ticketId: z.string(), text: z.string() }),
    execute: (args, { key }) => client.do('idempotent', 'comment', args, key),
  });
  return agent({ name: 'support', instructions: 'Open a ticket and say what is known.', tools: { createTicket, comment } });
}

const ID = idOf('createTicket', { title: 'Login fails' });
const BOTH = ['createTicket {"title":"Login fails"}', `comment {"text":"Since Monday.","ticketId":"${ID}"}`];

/** What it is told for a ticket that is not opened yet, it puts into the comment: `[receipt:KEY.id]` stands for the ticket's id. */
const model: Mortal['model'] = () =>
  scripted((request) => {
    const turn = request.prompt.filter(({ role }) => role === 'assistant').length;
    if (turn === 0) return { tools: [['createTicket', { title: 'Login fails' }]] };
    if (turn > 1) return { text: 'Both are on their way.' };
    const [receipt = ''] = /\[receipt:[\w-]+\]/.exec(lastMessage(request)) ?? [];
    return { tools: [['comment', { ticketId: receipt.replace(']', '.id]'), text: 'Since Monday.' }]] };
  });

function mortal(): Mortal {
  return {
    agent: support(),
    input: 'I cannot log in.',
    model,
    onProcess: ({ clock, dead }) => {
      client = new Client(service.port, async (work) => (dead() ? await new Promise<never>(() => {}) : await clock.outside(work())));
    },
  };
}

describe('a comment on a ticket that is staged with it', () => {
  it('is made on the ticket that was opened, both once the answer stands', async () => {
    const world = new World('support');
    expect(await world.enter(mortal())).toMatchObject({ kind: 'succeeded', output: 'Both are on their way.' });
    expect(service.ledger.standing).toEqual(BOTH);
    const kinds = (await world.entries()).map(({ event }) => event.kind);
    expect(kinds.filter((kind) => kind.startsWith('effect.') || kind === 'call.confirmed')).toEqual([
      'effect.staged',
      'effect.staged',
      'call.confirmed', // until here nothing was sent, and from here nothing is thought over
      'effect.committing',
      'effect.committed',
      'effect.committing',
      'effect.committed',
    ]);
  });

  it('is made on the same ticket when the process dies between the two', async () => {
    const world = new World('support');
    await world.enter(mortal());
    const opened = (await world.entries()).findIndex(({ event }) => event.kind === 'effect.committed');

    service.ledger = new Ledger();
    const again = new World('support');
    await again.enter(mortal(), { events: opened + 1 }); // dies when the ticket is on record and the comment is not begun
    expect(service.ledger.standing).toEqual(BOTH.slice(0, 1));
    expect(await again.enter(mortal())).toMatchObject({ kind: 'succeeded', output: 'Both are on their way.' });
    expect(service.ledger.standing).toEqual(BOTH);
    expect(service.ledger.asked.map(({ tool: name }) => name)).toEqual(['createTicket', 'comment']);
    expect(again.requests.length).toBe(world.requests.length); // the model is not asked again either
  });

  it('shows the model and the journal its receipt, and the service the id', async () => {
    const world = new World('support');
    await world.enter(mortal());
    const entries = await world.entries();
    const [ticket, comment] = entries.flatMap(({ event }) => (event.kind === 'effect.staged' ? [event] : []));
    expect(comment?.args).toEqual({ ticketId: ticket?.receipt.replace(']', '.id]'), text: 'Since Monday.' });
    const sent = entries.flatMap(({ event }) => (event.kind === 'effect.committing' ? [event.args] : []));
    expect(sent).toEqual([{ title: 'Login fails' }, { ticketId: ID, text: 'Since Monday.' }]);
  });
});
