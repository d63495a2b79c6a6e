// An agent that asks a person, and people who answer. A step reaches its run's asks through the code that is running.

import { z } from 'zod';
import { type Agent, step } from '../../src/index.ts';
import type { Json } from '../../src/journal/event.ts';
import type { Question, Replied } from '../../src/run/asks.ts';
import { chainOf, type Frame } from '../../src/run/asker.ts';
import { CodeAsker, presentCode } from '../../src/run/codeAsker.ts';
import type { Life } from '../../src/run/life.ts';

export interface PersonOptions extends Partial<Pick<Question, 'question' | 'expiresMs' | 'nth'>> {
  /** What it does before it asks, and with the reply: what the agent then gives. */
  readonly before?: () => unknown;
  readonly after?: (replied: Replied) => Json | Promise<Json>;
}

/** Asks a person what it is asked, and gives what came of it. */
export function person<const N extends string>(name: N, options: PersonOptions = {}): Agent<Json, Json, N> {
  const { question = `${name}?`, before, after = (replied): Json => ({ ...replied }), ...rest } = options;
  return step({
    name,
    input: z.custom<Json>(),
    output: z.custom<Json>(),
    execute: async (input) => {
      await before?.();
      return await after(await askPerson({ question, about: input, ...rest }));
    },
  });
}

/** Asks for the step whose code is running. */
export async function askPerson(
  question: Pick<Question, 'question' | 'about' | 'expiresMs' | 'nth'>,
  life: Life = presentLife(),
): Promise<Replied> {
  const { session, place, path } = presentFrame();
  return await session.asks.ask({ of: 'human', place, calls: chainOf(presentFrame()), path, ...question }, life);
}

/** The life of the step whose code is running. */
export function presentLife(): Life {
  return presentFrame().life;
}

function presentFrame(): Frame {
  const code = presentCode();
  if (!(code instanceof CodeAsker)) throw new Error('Only code of a run can ask.');
  return code.frame;
}
