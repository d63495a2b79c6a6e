// The stand-ins of a script: requests are answered as they were in the real run, found by their content. What the program
// now asks otherwise is told with the nearest request of the script and the first difference. Made by testScript.ts.
//
// R1 equal questions are answered by who asked them, as far as places tell, then in their order; each as often as it was asked.
// R2 an answer is found by what the model reads: not by who it was, its settings, or what only a provider reads.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult, LanguageModelV4Message } from '@ai-sdk/provider';
import { canonical, type Json } from '../agent/canonical.ts';
import { AmdahlError, reviveError } from '../agent/errors.ts';
import { firstDifference, nearestRequest, type RecordedRequest } from '../model/cassetteRequest.ts';
import type { Place } from '../journal/event.ts';
import { assistantMessage } from '../model/render.ts';
import { askerPlace } from '../run/place.ts';
import { TURN_HEADER } from '../run/turns.ts';
import { asStandIn } from '../model/scripted.ts';
import { estimatePrompt, estimateTokens } from '../model/tokens.ts';
import { streamOf } from '../model/wholeStream.ts';
import { type Script, type ScriptAnswer, type ScriptResult, type ScriptTurn, withHashes } from './script.ts';

/** Something that was asked, and what came of it. */
interface Line<T> {
  readonly request: RecordedRequest;
  readonly where: string;
  /** Of the turn, the tool call or the act. The same as in the run, as long as the program goes the same way. */
  readonly place: string;
  readonly came: T;
  isTaken?: true;
}

/** What was asked of one thing, and how often each question was answered by now. */
class Lines<T> {
  readonly #all: Line<T>[] = [];
  readonly #byContent = new Map<string, Line<T>[]>();

  add(line: Line<T>): void {
    this.#all.push(line);
    const same = this.#byContent.get(canonical(line.request)) ?? [];
    same.push(line);
    this.#byContent.set(canonical(line.request), same);
  }

  has(request: RecordedRequest): boolean {
    return this.#byContent.has(canonical(request));
  }

  /** What came of a request, of the same place where it was made there; else how it differs from all that there are. */
  take(request: RecordedRequest, place: string | undefined): { readonly came: T } | { readonly drift: string } {
    const same = this.#byContent.get(canonical(request)) ?? [];
    const line = same.find((one) => one.place === place && one.isTaken !== true) ?? same.find((one) => one.isTaken !== true);
    if (line !== undefined) {
      line.isTaken = true;
      return { came: line.came };
    }
    if (same.length > 0) return { drift: `it was asked ${same.length === 1 ? 'once' : `${same.length} times`}, and is asked once more` };
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
    for (const { agent, path, place, setup, turns } of script.talks) {
      const prompt: LanguageModelV4Message[] = [];
      const { tools = [], format = null } = script.setups[setup] ?? {};
      for (const [turn, one] of turns.entries()) {
        prompt.push(...one.told);
        const request = requestOf({ prompt, tools, format });
        linesOf(this.#talks, agent).add({
          request,
          where: turns.length === 1 ? path : `${path}, turn ${turn + 1}`,
          place: askerPlace(place, 'turn', turn),
          came: one,
        });
        if (one.answer !== undefined) prompt.push(assistantMessage(one.answer.content));
      }
    }
    for (const { agent, tool, args, place, ...came } of script.tools)
      linesOf(this.#tools, `${agent}/${tool}`).add({ request: { args }, where: agent, place, came });
    for (const { step, input, place, ...came } of script.steps)
      linesOf(this.#steps, step).add({ request: { input }, where: step, place, came });
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
      const { tools = [], responseFormat = null, prompt, headers } = options;
      const taken = linesOf(this.#talks, agent).take(requestOf({ prompt, tools, format: responseFormat }), headers?.[TURN_HEADER]);
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

  tool(agent: string, tool: string, args: Json, place: Place): ScriptResult | AmdahlError {
    const taken = linesOf(this.#tools, `${agent}/${tool}`).take({ args }, place);
    return 'came' in taken ? taken.came : this.#drifted(`how '${agent}' now calls the tool '${tool}'`, taken.drift);
  }

  step(step: string, input: Json, place: Place): ScriptResult | AmdahlError {
    const taken = linesOf(this.#steps, step).take({ input }, place);
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
