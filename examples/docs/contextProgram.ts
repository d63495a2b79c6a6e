// A program whose context the command line makes, when a run begins and again when it goes on.

import { z } from 'zod';
import { step } from '../../src/index.ts';

export default step({
  name: 'greet',
  context: z.object({ greeting: z.string() }),
  execute: (name, { context }) => `${context.greeting}, ${name}!`,
});

const Subject = z.object({ language: z.string() }).default({ language: 'en' });

export function context(subject: unknown): { greeting: string } {
  const { language } = Subject.parse(subject);
  return { greeting: language === 'de' ? 'Hallo' : 'Hello' };
}
