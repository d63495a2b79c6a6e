// The stand-ins of a script: requests are answered as they were in the real run, found by their content. What the program
// now asks otherwise is told with the nearest request of the script and the first difference. Made by testScript.ts.
//
// R1 equal questions are answered in the order in which they were asked, each as often as it was.
// R2 an answer is found by what the model reads: not by who it was, its settings, or what only a provider reads.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult, LanguageModelV4Message } from '@ai-sdk/provider';
import { canonical, type Json } from '../agent/canonical.ts';
import { AmdahlError, reviveError } from '../agent/errors.ts';
import { firstDifference, nearestRequest, type RecordedRequest } from '../model/cassetteRequest.ts';
import { assistantMessage } from '../model/render.ts';
import { asStandIn } from '../model/scripted.ts';
import { estimatePrompt, estimateTokens } from '../model/tokens.ts';
import { streamOf } from '../model/wholeStream.ts';
import { type Script, type ScriptAnswer, type ScriptResult, type ScriptTurn, withHashes } from './script.ts';

/** Something that was asked, and what came of it. */
interface Line<T> {
  readonly request: RecordedRequest;
  readonly where: string;
  readonly came: T;
}

/** What was asked of one thing, and how often each question was answered by now. */
class Lines<T> {
  readonly #all: Line<T>[] = [];
  readonly #byContent = new Map<string, { readonly lines: Line<T>[]; next: number }>();

  add(line: Line<T>): void {
    this.#all.push(line);
    const same = this.#byContent.get(canonical(line.request)) ?? { lines: [], next: 0 };
    same.lines.push(line);
    this.#byContent.set(canonical(line.request), same);
  }

  has(request: RecordedRequest): boolean {
    return this.#byContent.has(canonical(request));
  }

  /** What came of a request, the next time it was made; else how it differs from all that there are. */
  take(request: RecordedRequest): { readonly came: T } | { readonly drift: string } {
    const same = this.#byContent.get(canonical(request));
    const line = same?.lines[same.next];
    if (same !== undefined && line !== undefined) {
      same.next += 1;
      return { came: line.came };
    }
    if (same !== undefined)
      return { drift: `it was asked ${same.lines.length === 1 ? 'once' : `${same.lines.length} times`}, and is asked once more` };
    const nearest = nearestRequest(this.#all, request);
    const difference = nearest === undefined ? undefined : firstDifference(nearest.request, request);
    if (nearest === undefined || difference === undefined) return { drift: 'it was never asked anything' };
    const { path, recorded, asked } = difference;
    return { drift: `the nearest request, that of ${nearest.where}, differs at ${path}: it was ${recorded} and is now ${asked}` };
  }
}

/** Plays a script. Each question is answered once for each time that it was asked. */
export class Repeat {
  readonly #script: Script;
  readonly #talks = new Map<string, Lines<ScriptTurn>>();
  readonly #tools = new Map<string, Lines<ScriptResult>>();
  readonly #steps = new Map<string, Lines<ScriptResult>>();
  /** The first request that was made otherwise, whoever caught that. */
  drift: AmdahlError | undefined;

  constructor(script: Script) {
    this.#script = script;
    for (const { agent, path, setup, turns } of script.talks) {
      const prompt: LanguageModelV4Message[] = [];
      const { tools = [], format = null } = script.setups[setup] ?? {};
      for (const [turn, one] of turns.entries()) {
        prompt.push(...one.told);
        const request = requestOf({ prompt, tools, format });
        linesOf(this.#talks, agent).add({ request, where: turns.length === 1 ? path : `${path}, turn ${turn + 1}`, came: one });
        if (one.answer !== undefined) prompt.push(assistantMessage(one.answer.content));
      }
    }
    for (const { agent, tool, args, ...came } of script.tools)
      linesOf(this.#tools, `${agent}/${tool}`).add({ request: { args }, where: agent, came });
    for (const { step, input, ...came } of script.steps) linesOf(this.#steps, step).add({ request: { input }, where: step, came });
  }

  get #tookAddresses(): boolean {
    return this.#script.talks.some(({ turns }) =>
      turns.some(({ told }) =>
        told.some(
          ({ role, content }) =>
            role === 'user' &&
            content.some(
              (part) => part.type === 'file' && typeof part.data === 'object' && 'type' in part.data && part.data.type === 'url',
            ),
        ),
      ),
    );
  }

  /** The agents that asked a model. */
  get agents(): readonly string[] {
    return [...this.#talks.keys()];
  }

  model(agent: string): LanguageModelV4 {
    const generate = async (options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> => {
      const { tools = [], responseFormat = null, prompt } = options;
      const taken = linesOf(this.#talks, agent).take(requestOf({ prompt, tools, format: responseFormat }));
      if ('drift' in taken) throw (this.drift ??= this.#drifted(`what '${agent}' now asks its model`, taken.drift));
      const { answer, error } = taken.came;
      if (answer === undefined)
        throw error === undefined ? this.#drifted(`what '${agent}' asks its model`, 'it was never answered') : reviveError(error);
      return resultOf(answer, prompt);
    };
    return asStandIn({
      specificationVersion: 'v4',
      provider: 'script',
      modelId: this.#script.run,
      // Who was sent an address is sent it again.
      supportedUrls: this.#tookAddresses ? ADDRESSES : {},
      doGenerate: generate,
      doStream: async (options) => ({ stream: streamOf(await generate(options)) }),
    });
  }

  hasTool(agent: string, tool: string, args: Json): boolean {
    return this.#tools.get(`${agent}/${tool}`)?.has({ args }) === true;
  }

  tool(agent: string, tool: string, args: Json): ScriptResult | AmdahlError {
    const taken = linesOf(this.#tools, `${agent}/${tool}`).take({ args });
    return 'came' in taken ? taken.came : this.#drifted(`how '${agent}' now calls the tool '${tool}'`, taken.drift);
  }

  step(step: string, input: Json): ScriptResult | AmdahlError {
    const taken = linesOf(this.#steps, step).take({ input });
    return 'came' in taken ? taken.came : this.#drifted(`what the step '${step}' is now asked`, taken.drift);
  }

  hasStep(step: string): boolean {
    return this.#steps.has(step);
  }

  #drifted(what: string, why: string): AmdahlError {
    return new AmdahlError(
      'SCRIPT_DRIFT',
      `The script of the run '${this.#script.run}' has no answer to ${what}: ${why}. If it should differ, run the program once more and write its script anew (amdahl script last FILE).`,
      { data: { run: this.#script.run } },
    );
  }
}

const ADDRESSES = { '*/*': [/^https?:/] };

function linesOf<T>(all: Map<string, Lines<T>>, name: string): Lines<T> {
  const lines = all.get(name) ?? new Lines<T>();
  all.set(name, lines);
  return lines;
}

/** What a model reads, as JSON. */
function requestOf(request: {
  readonly prompt: readonly LanguageModelV4Message[];
  readonly tools: unknown;
  readonly format: unknown;
}): RecordedRequest {
  const json = JSON.stringify(withHashes(request), (key, value: unknown) => (key === 'providerOptions' ? undefined : value));
  return JSON.parse(json) as RecordedRequest; // JSON of an object
}

function resultOf(
  { content, text, finish, usage }: ScriptAnswer,
  prompt: LanguageModelV4CallOptions['prompt'],
): LanguageModelV4GenerateResult {
  return {
    content: [...content],
    ...(text === undefined ? {} : { structuredOutputText: text }),
    finishReason: { unified: finish, raw: undefined },
    usage: {
      inputTokens: {
        total: usage?.tokensIn ?? estimatePrompt(prompt),
        noCache: undefined,
        cacheRead: usage?.tokensCached,
        cacheWrite: undefined,
      },
      outputTokens: {
        total: usage?.tokensOut ?? estimateTokens(JSON.stringify(content)),
        text: undefined,
        reasoning: usage?.tokensReasoning,
      },
    },
    warnings: [],
  };
}
