// The table of contents of the documentation: which page stands where, for the site's sidebar and for llms.txt.
// A page of docs/ that is not named here is found by a test (test/docs/site.test.ts).

export interface Chapter {
  readonly title: string;
  readonly pages: readonly Page[];
}

export interface Page {
  /** Below docs/, without `.md`. */
  readonly name: string;
  readonly title: string;
  /** What stands there, in one line of llms.txt. */
  readonly about: string;
}

export const CONTENTS: readonly Chapter[] = [
  {
    title: 'Begin',
    pages: [
      { name: 'start', title: 'Start', about: 'from an empty folder to the first answer and a passing test' },
      { name: 'model', title: 'How it works', about: 'the nouns: agent, call, place, attempt, turn, resume, journal' },
      { name: 'faq', title: 'Questions', about: 'when not to use amdahl, what it costs, what a kill loses' },
      { name: 'migrating', title: 'Migrating', about: 'from the AI SDK, LangGraph, Mastra and the OpenAI Agents SDK' },
    ],
  },
  {
    title: 'Agents',
    pages: [
      { name: 'agents', title: 'Agents', about: 'what an agent is made of: contracts, what is sent, conversations, files, settings' },
      { name: 'composing', title: 'Putting agents together', about: 'pipe, all, map, mapReduce and flow: fan-outs, gaps, branches' },
      { name: 'tools', title: 'Tools', about: 'tools, steps, MCP and AI SDK tools, tools that fail' },
      {
        name: 'effects',
        title: 'Effects',
        about: 'what is done to the world, once and only after the output is right; what exactly is guaranteed',
      },
      { name: 'people', title: 'People', about: 'questions to people, approvals, parked runs' },
      { name: 'models', title: 'Models', about: 'models by name, fall-backs, the gate, streams, hedging' },
      { name: 'context', title: 'Context', about: 'what a program hands its agents beside the input; reuse and tenants' },
      { name: 'caching', title: 'Prompts and caching', about: 'what exactly is sent, and how prompt caches are used' },
      { name: 'budgets', title: 'Budgets and limits', about: 'caps on calls, tokens, USD and time; every limit and its default' },
    ],
  },
  {
    title: 'In your program',
    pages: [
      { name: 'chat', title: 'Chat', about: 'start, follow and recover: streams that survive' },
      { name: 'frameworks', title: 'Frameworks', about: 'Next, Express and other servers' },
      { name: 'data', title: 'Data', about: 'secrets, encryption, how long journals are kept' },
      { name: 'testing', title: 'Testing', about: 'runs with stand-ins, a real run as a test, cassettes, the model server' },
    ],
  },
  {
    title: 'Reference',
    pages: [
      { name: 'cli', title: 'Command line', about: 'every command and option' },
      { name: 'errors', title: 'Errors', about: 'every code, its cause and its remedy' },
      { name: 'herd', title: 'The herd', about: 'two hundred agents behind one rate limit, measured' },
    ],
  },
];
