// Tools that read and tools that act, of one's own and of the AI SDK.

import { tool as sdkTool } from 'ai';
import { z } from 'zod';
import { agent, type ExecuteOptions, memoryJournal, readOnly, run, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const notes: Record<string, string> = { 'ada/delivery': 'Wants parcels left at the door.' };
const sent: string[] = [];
const mail = async (to: string, text: string, signal: AbortSignal): Promise<string> => {
  signal.throwIfAborted();
  return `mail ${sent.push(`${to}: ${text}`)}`;
};
const model = scripted([
  { tools: [['readNote', { name: 'delivery' }]] },
  { tools: [['sendMail', { text: 'We leave it at the door.' }]] },
  { text: 'I told the customer.' },
]);
const archive = scripted([{ tools: [['lookUp', { year: 1843 }]] }, { text: 'Notes on the engine.' }]);
const lookUp = sdkTool({
  description: 'What was written in a year',
  inputSchema: z.object({ year: z.number() }),
  execute: ({ year }) => (year === 1843 ? 'Notes' : 'nothing'),
});

interface Case {
  readonly customer: string;
}

const readNote = tool({
  effect: 'none',
  description: 'Read one note of the customer',
  input: z.object({ name: z.string() }),
  execute: ({ name }, { input }: ExecuteOptions<Case>) => notes[`${input.customer}/${name}`] ?? 'There is no such note.',
});

const sendMail = tool({
  effect: 'immediate',
  description: 'Send a mail to the customer',
  input: z.object({ text: z.string() }),
  timeoutMs: 10_000,
  execute: async ({ text }, { input, signal }: ExecuteOptions<Case>) => await mail(input.customer, text, signal),
});

const care = agent({
  name: 'care',
  model,
  instructions: 'Read the notes, then answer the customer by mail. Say in one sentence what you did.',
  input: z.object({ customer: z.string(), question: z.string() }),
  tools: { readNote, sendMail },
});

const archivist = agent({
  name: 'archivist',
  model: archive,
  instructions: 'Answer from the archive.',
  tools: readOnly({ lookUp }),
});

const send = step({
  name: 'send',
  version: '1',
  effect: 'immediate',
  input: z.object({ customer: z.string(), text: z.string() }),
  execute: async ({ customer, text }, { signal }) => await mail(customer, text, signal),
});

const journal = memoryJournal();
console.log((await run(care, { customer: 'ada', question: 'Where will my parcel be?' }, { journal })).output, sent);
console.log((await run(archivist, 'What was written in 1843?', { journal })).output);
console.log((await run(send, { customer: 'ada', text: 'Done.' }, { journal })).output);
