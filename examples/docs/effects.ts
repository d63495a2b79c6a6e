// Effects that are staged, held, immediate and undone, against services that know keys. A stand-in model answers.

import { z } from 'zod';
import { agent, memoryJournal, pipe, run, tool, transaction } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const tickets = new Map<string, { readonly id: string }>();
const comments = new Map<string, string>();
const tracker = {
  open: async (_title: string, key: string): Promise<{ readonly id: string }> => {
    const known = tickets.get(key) ?? { id: `T-${tickets.size + 1}` };
    tickets.set(key, known);
    return known;
  },
  comment: async (ticket: string, text: string, key: string): Promise<string> => {
    comments.set(key, `${ticket}: ${text}`);
    return 'added';
  },
};
const seats = {
  free: 1,
  reserve: async (_flight: string, _key: string): Promise<{ readonly seat: string }> => {
    seats.free -= 1;
    return { seat: '12A' };
  },
  release: async (_key: string): Promise<void> => {
    seats.free += 1;
  },
};
const journal = memoryJournal();
// What a model does with a receipt: it writes it where the ticket's id belongs.
const model = scripted(({ prompt }, nth) => {
  if (nth === 0) return { tools: [['createTicket', { title: 'Blank page on Safari' }]] };
  const [receipt] = /\[receipt:[\w-]+/.exec(JSON.stringify(prompt)) ?? [];
  if (nth === 1) return { tools: [['comment', { ticket: `${receipt}.id]`, text: 'Try without extensions.' }]] };
  return { text: 'I opened a ticket and commented on it.' };
});

const createTicket = tool({
  effect: 'staged',
  idempotent: true,
  description: 'Open a ticket',
  input: z.object({ title: z.string() }),
  execute: async ({ title }, { key }) => await tracker.open(title, key),
});

const comment = tool({
  effect: 'staged',
  idempotent: true,
  description: 'Comment on a ticket',
  input: z.object({ ticket: z.string(), text: z.string() }),
  execute: async ({ ticket, text }, { key }) => await tracker.comment(ticket, text, key),
});

const triage = agent({
  name: 'triage',
  model,
  instructions: 'Open a ticket for the report, and comment what to try first. Say in one sentence what you did.',
  tools: { createTicket, comment },
  checks: [(said) => (said.length > 10 ? undefined : 'say what you did')],
});

const { output, effects } = await run(triage, 'The page is blank on Safari.', { id: 'triage-1', journal });
console.log(output, effects);

const summarize = agent({ name: 'summarize', model: scripted([{ text: 'One ticket.' }]), instructions: 'Summarize.' });
const careful = transaction(pipe(triage, summarize));

const reserve = tool({
  effect: 'immediate',
  description: 'Reserve a seat',
  input: z.object({ flight: z.string() }),
  execute: async ({ flight }, { key }) => await seats.reserve(flight, key),
  undo: async (_, { key }) => await seats.release(key),
});

const booking = agent({
  name: 'booking',
  model: scripted([
    { tools: [['reserve', { flight: 'BA 117' }]] },
    { text: 'no' },
    { tools: [['reserve', { flight: 'BA 117' }]] },
    { text: 'Seat 12A is yours.' },
  ]),
  instructions: 'Reserve a seat, and say which.',
  tools: { reserve },
  checks: [(said) => (said.includes('12A') ? undefined : 'say which seat')],
  repairs: 0,
  attempts: 2,
});
await run(booking, 'BA 117', { journal });
console.log(careful.name, seats.free, [...comments.values()]);
