// A local server in the place of the providers, so that the models named on the pages are asked without a key. No LLM is asked.

import { type ModelServer, startModelServer } from '../../src/testing.ts';

/** Starts it, and has the provider packages ask it. Close it, or the process stays. */
export async function standInProvider(): Promise<ModelServer> {
  const server = await startModelServer({ seed: 1 });
  process.env['OPENAI_BASE_URL'] = server.baseUrl('openai');
  process.env['ANTHROPIC_BASE_URL'] = server.baseUrl('anthropic');
  process.env['OPENAI_API_KEY'] = process.env['ANTHROPIC_API_KEY'] = 'any';
  return server;
}
