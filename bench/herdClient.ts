// A process of those who ask over sockets: lets one herd or several loose, each on a server of its own, and says what
// came of them. Started by herd.ts, fresh for everything that is measured, so that none knows what another learned.

import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { RateLimit } from '../src/model/limiter.ts';
import { askAll, herdOf } from './herdWorld.ts';

export type ContenderName = 'amdahl' | 'generateText' | 'generateText12' | 'fullJitter';

export interface HerdTask {
  readonly contender: ContenderName;
  readonly baseUrl: string;
  readonly agents: number;
  /** What `rateLimits` says. */
  readonly known?: RateLimit;
  /** How long after the others it begins, so that not all begin at once. */
  readonly startMs: number;
  /** Whoever is not answered by then, from its beginning, is given up. */
  readonly cutMs: number;
}

/** What came of a task. */
export interface HerdDone {
  readonly answered: number;
  readonly ms: number;
  readonly cut: boolean;
}

/** Asks for all items, and counts those that are answered. */
type Herd = (items: readonly string[], answered: () => void) => Promise<unknown>;

const MODEL_ID = 'stand-in';
/** Another model, so that no gate knows anything of the one that counts. */
const WARM_ID = 'warm';
const WARM_AGENTS = 20;
const [JITTER_BASE_MS, JITTER_CAP_MS] = [500, 20_000];

async function herdBy({ contender, baseUrl, known }: HerdTask, modelId: string): Promise<Herd> {
  const provider = createOpenAI({ baseURL: baseUrl, apiKey: 'none', fetch: wordless });
  const model = provider.chat(modelId);
  switch (contender) {
    case 'amdahl': {
      const rateLimits = known && { rateLimits: { [`${model.provider}/${modelId}`]: known } };
      return async (items, answered) => {
        const done = await askAll(model, { items, id: modelId, ...rateLimits });
        for (let nth = 0; nth < done.answered; nth += 1) answered();
      };
    }
    case 'generateText':
      return await generating(model, undefined);
    case 'generateText12':
      return await generating(model, 12);
    case 'fullJitter':
      return eachOf((item) => jittered(model, item));
  }
}

async function generating(model: LanguageModelV4, maxRetries: number | undefined): Promise<Herd> {
  const { generateText } = await import('ai');
  return eachOf((prompt) => generateText({ model, instructions: 'Answer.', prompt, ...(maxRetries !== undefined && { maxRetries }) }));
}

/** Everybody at once, each for itself. */
function eachOf(ask: (item: string) => Promise<unknown>): Herd {
  return (items, answered) => Promise.allSettled(items.map((item) => ask(item).then(answered)));
}

/** Sends until it is answered, after a wait with full jitter and nothing else. */
async function jittered(model: LanguageModelV4, item: string): Promise<void> {
  for (let before = 0; ; before += 1) {
    try {
      await model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: item }] }] });
      return;
    } catch {
      const ms = Math.random() * Math.min(JITTER_CAP_MS, JITTER_BASE_MS * 2 ** before);
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }
}

/** The model server says in words when to come again, whatever its headers say: a herd without headers must not read it. */
const wordless: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (response.status !== 429) return response;
  await response.arrayBuffer();
  const error = { message: 'Rate limit reached.', type: 'requests', code: 'rate_limit_exceeded' };
  return new Response(JSON.stringify({ error }), { status: 429, headers: response.headers });
};

async function perform(task: HerdTask, herd: Herd): Promise<HerdDone> {
  await new Promise((resolve) => setTimeout(resolve, task.startMs));
  const from = performance.now();
  let answered = 0;
  let lastMs = 0;
  const counted = (): void => {
    answered += 1;
    lastMs = performance.now() - from;
  };
  const cut = new Promise<'cut'>((resolve) => setTimeout(() => resolve('cut'), task.cutMs));
  const how = await Promise.race([herd(herdOf(task.agents), counted), cut]);
  return { answered, ms: how === 'cut' ? task.cutMs : lastMs, cut: how === 'cut' };
}

async function serve(tasks: readonly HerdTask[]): Promise<void> {
  const herds: Herd[] = [];
  for (const task of tasks) {
    await (
      await herdBy(task, WARM_ID)
    )(herdOf(WARM_AGENTS), () => {});
    herds.push(await herdBy(task, MODEL_ID));
  }
  process.on('message', () => {
    const doing = tasks.map((task, nth) => perform(task, herds[nth] ?? eachOf(() => Promise.reject(new Error('no herd')))));
    Promise.all(doing).then(
      (done) => process.send?.(done, () => process.exit()),
      (error: unknown) =>
        process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }, () => process.exit()),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
}

const [given] = process.argv.slice(2);
if (import.meta.main && given !== undefined) await serve(JSON.parse(given) as readonly HerdTask[]); // by herd.ts
