// A program to be killed in the middle of its tool loops: three leads side by side, each asking helpers, which ask
// experts, all of them agents that are tools; and one that acts on the world. Run by child.ts.

import { appendFileSync, existsSync } from 'node:fs';
import { z } from 'zod';
import { type Agent, agent, flow, map, tool } from '../../src/index.ts';
import { digest } from './voice.ts';

const Said = z.object({ said: z.string() });
const Question = z.object({ q: z.string() });

const echo = tool({ description: 'Echo.', effect: 'none', version: '1', input: Question, execute: ({ q }) => ({ echo: digest(q) }) });
const expert = agent({
  name: 'expert',
  description: 'Ask an expert.',
  input: Question,
  output: Said,
  instructions: 'tools 1 garbage',
  tools: { echo },
});
const helper = agent({
  name: 'helper',
  description: 'Ask a helper.',
  input: Question,
  output: Said,
  instructions: 'tools 2',
  tools: { expert, echo },
});
const lead = agent({ name: 'lead', input: z.unknown(), output: Said, instructions: 'tools 3', tools: { helper, expert, echo } });

/** Everything it gives depends on every turn below it. */
export const team: Agent<unknown, unknown> = flow({
  name: 'team',
  input: z.unknown(),
  run: async (_: unknown, ctx) => {
    const said = await ctx.call(map(lead, { concurrency: 3 }), ['ann', 'bob', 'cy']);
    return { said, last: await ctx.call(lead, said) };
  },
});

/**
 * A program with one act: a line in a file, after which the process kills itself where `kill` says: in the act, before
 * anything can be recorded of it. Once the line is there, an act only writes another one.
 */
export function actor(file: string, kill: (() => void) | undefined): Agent<unknown, unknown> {
  const send = tool({
    description: 'Send.',
    effect: 'immediate',
    input: Question,
    execute: () => {
      const first = !existsSync(file);
      appendFileSync(file, 'sent\n');
      if (first) kill?.();
      return 'sent';
    },
  });
  const sender = agent({
    name: 'sender',
    description: 'Send.',
    input: Question,
    output: Said,
    instructions: 'tools 1 once',
    tools: { send },
  });
  return agent({ name: 'actor', input: z.unknown(), output: Said, instructions: 'tools 1 once', tools: { sender } });
}
