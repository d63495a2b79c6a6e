// The page's code that stays as it is: functions of the AI SDK ask through the gate, on their own and in a run.

import { createOpenAI } from '@ai-sdk/openai';
import { generateText, wrapLanguageModel } from 'ai';
import { gate, map, memoryJournal, run, step } from '../../src/index.ts';
import { startModelServer } from '../../src/testing.ts';

const server = await startModelServer({ faults: { '500': 0.05 }, throttle: { requestsPerMinute: 60_000, burstRequests: 20 } });
const openai = createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'any' });

const gated = gate({ budget: { calls: 500 } });
const model = wrapLanguageModel({ model: openai.chat('stand-in'), middleware: gated });

const headline = async (report: string): Promise<string> => (await generateText({ model, prompt: `A headline for: ${report}` })).text;
await headline('nobody runs this but the program');

const reports = Array.from({ length: 40 }, (_, index) => `report ${index}`);
const { output, bill } = await run(map(step({ name: 'headline', execute: headline })), reports, { journal: memoryJournal() });
await server.close();

console.log(
  `${output.length} headlines, ${gated.bill().calls - bill.calls} request outside of the run; ${server.stats().requests - gated.bill().calls} uncounted`,
);
