// Files on every wire. No agent takes files yet, so the gate is asked directly, with a prompt as a run would give it.

import { readFileSync } from 'node:fs';
import type { LanguageModelV4FilePart, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/index.ts';
import { type SendPorts, send } from '../../src/model/send.ts';
import type { Asked } from '../../src/modelServer/wire.ts';
import { systemClock } from '../../src/run/ports.ts';
import { startModelServer } from '../../src/testing.ts';
import { columns, limits } from './cells.ts';
import { wires } from './wires.ts';

const BYTES = readFileSync(import.meta.filename).subarray(0, 600);
const PROMPT: LanguageModelV4Prompt = [
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is in these?' },
      file('application/pdf', { type: 'data', data: BYTES }, 'report.pdf'),
      file('image/png', { type: 'data', data: BYTES.toString('base64') }),
      file('image/png', { type: 'url', url: new URL('https://example.org/a.png') }),
    ],
  },
];

function file(mediaType: string, data: LanguageModelV4FilePart['data'], filename?: string): LanguageModelV4FilePart {
  return { type: 'file', mediaType, data, ...(filename === undefined ? {} : { filename }) };
}

/** Ports without a run: nothing is metered, and nothing ends before its time. */
function ports(stream: boolean): SendPorts {
  return {
    price: undefined,
    sendings: { sent: 0, again: 0 },
    now: () => systemClock.now(),
    after: (ms, then) => systemClock.after(ms, then),
    inFlight: () => 1,
    random: () => 0,
    reserve: ({ tokensIn, tokensOut }) => ({ tokensIn, tokensOut, capped: false, settle: () => {} }),
    lend: async (work) => {
      const abort = new AbortController();
      return await work(abort.signal, (error) => abort.abort(error));
    },
    enter: () => undefined,
    wait: () => Promise.resolve(),
    requested: () => {},
    answered: () => {},
    failed: () => {},
    ...(stream ? { delta: () => {} } : {}),
  };
}

describe.each(columns)('$wire, streamed: $stream', ({ wire, stream }) => {
  test('brings files with their kind, their size and their name, also when it sends them again', async () => {
    const asked: Asked[] = [];
    const server = await startModelServer({
      answers: () => 'Nothing.',
      faults: (one, nth) => (asked.push(one), nth === 0 ? 'cutReset' : undefined),
    });
    const outgoing = {
      options: { prompt: PROMPT },
      tokensIn: 10,
      tokensOutAssumed: 10,
      metered: false,
      hasNext: false,
      bounds: { ...DEFAULT_LIMITS, ...limits },
    };
    const sent = await send({ ...outgoing, model: wires[wire](server.baseUrl()) }, ports(stream));
    if (!sent.ok) throw sent.error;
    expect(sent.result.content.filter(({ type }) => type === 'text')).toMatchObject([{ text: 'Nothing.' }]);
    expect(asked).toHaveLength(2);
    for (const { messages } of asked) {
      expect(messages[0]?.parts).toEqual([
        { type: 'text', text: 'What is in these?' },
        { type: 'file', mediaType: 'application/pdf', bytes: 600, name: 'report.pdf' },
        { type: 'file', mediaType: 'image/png', bytes: 600 },
        { type: 'file', mediaType: 'image/*', url: 'https://example.org/a.png' },
      ]);
    }
    await server.close();
  });
});
