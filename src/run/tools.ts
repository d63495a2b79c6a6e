// One tool call of a turn: an agent asked as a child call, or code run under its declared effect. What goes wrong
// here is told to the model, which may do better; only the end of the call itself stops it.

import type { LanguageModelV4ToolCall, LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import { toJson } from '../agent/canonical.ts';
import type { Effect, EffectOptions } from '../agent/effect.ts';
import { AmdahlError, asAmdahl, problemList, recordError, reviveError } from '../agent/errors.ts';
import { field, type Receipt, receiptOf } from '../agent/receipt.ts';
import { takesText, type ToolSpec } from '../agent/tool.ts';
import type { Json } from '../journal/event.ts';
import { argumentsOf, toolPart, unwrapArguments } from '../model/render.ts';
import { readJson } from '../model/mend.ts';
import { act, allow } from './act.ts';
import type { Asker, Frame } from './asker.ts';
import type { Input } from './attempts.ts';
import { CodeAsker } from './codeAsker.ts';
import { type Counted, effectKey } from './effectKey.ts';
import { limitError } from './limits.ts';
import { stage, withResults } from './outbox.ts';
import { foldAct, type RecordedAct } from './recorded.ts';
import { consider } from './staging.ts';
import { admitted, listen, type Pass, saying } from './toolBreaker.ts';

/** A turn whose tools are called. */
export interface ToolTurn {
  readonly frame: Frame;
  readonly asker: Asker;
  readonly tools: ReadonlyMap<string, ToolSpec>;
  readonly input: Input;
  readonly attempt: number;
  readonly turn: number;
  /** The turn was answered in an earlier entry: its tools may have been called. */
  readonly again: boolean;
  /** Of each of its calls, which of equal ones in the attempt it is; undefined where no tool has an effect. */
  readonly occurrences: readonly number[] | undefined;
}

type CodeTool = Extract<ToolSpec, { kind: 'code' }>;
type Execute = (signal: AbortSignal) => unknown;

/** The part that tells the model what its call gave. Rejects only when the call it serves has ended or the run was interrupted. */
export async function callTool(on: ToolTurn, call: LanguageModelV4ToolCall, index: number): Promise<LanguageModelV4ToolResultPart> {
  const { frame, turn } = on;
  const spec = on.tools.get(call.toolName);
  const path = `${on.asker.path}:${turn + 1}.${index + 1}`;
  const asker = on.asker.below('turn', turn, path).below('tool', index, path);
  const { busy } = frame.session;
  if (spec?.kind !== 'agent') busy.beginTool(frame.life);
  try {
    const result = spec?.kind === 'agent' ? await askAgent(on, spec, asker, call) : await runCode(on, spec, asker, call, index);
    return toolPart(call, { result });
  } catch (thrown) {
    frame.session.check();
    frame.life.check();
    // Arguments that do not fit are the model's own affair: it answers the same way again.
    if (asAmdahl(thrown, call.toolName).code !== 'CONTRACT_VIOLATION') frame.makeshift = true;
    return toolPart(call, { error: saying(frame.session.secrets.thrown(thrown)) });
  } finally {
    if (spec?.kind !== 'agent') busy.endTool(frame.life);
  }
}

function readArguments(spec: ToolSpec, call: LanguageModelV4ToolCall): unknown {
  const args = argumentsOf(call);
  // A tool that takes text may be given it bare; what begins as JSON and is none was cut off.
  const cutOff = args === call.input && /^\s*[{"]/.test(call.input);
  if (typeof args !== 'string' || (takesText(spec) && !cutOff)) return args;
  const read = readJson(args);
  if (read.ok) return read.value;
  throw new AmdahlError('CONTRACT_VIOLATION', `The arguments of '${call.toolName}' are not JSON: ${read.why}.`);
}

function unknownTool(name: string, tools: ReadonlyMap<string, ToolSpec>): AmdahlError {
  const others = tools.size === 0 ? 'There are no tools.' : `The tools are ${[...tools.keys()].join(', ')}.`;
  return new AmdahlError('CONTRACT_VIOLATION', `There is no tool '${name}'. ${others}`);
}

async function askAgent(
  { frame }: ToolTurn,
  spec: Extract<ToolSpec, { kind: 'agent' }>,
  asker: Asker,
  call: LanguageModelV4ToolCall,
): Promise<unknown> {
  const { session, life } = frame;
  let asked: Promise<unknown>;
  session.busy.beginTool(life);
  try {
    const args = argumentsFor(spec, call);
    if (session.inherited === undefined || (await session.recall(asker.place)).length === 0) noteCalled(frame, asker, call, args, 'agent');
    asked = asker.ask(spec.agent, withResults(session, args));
  } finally {
    session.busy.endTool(life); // from here on it is the agent's call that goes on
  }
  return session.secrets.clean(toJson(await asked, `the output of '${spec.name}'`));
}

async function runCode(
  on: ToolTurn,
  spec: CodeTool | undefined,
  asker: Asker,
  call: LanguageModelV4ToolCall,
  index: number,
): Promise<Json> {
  if (spec?.effect === 'staged') return await stageCall(on, spec, asker, call, index);
  const { frame } = on;
  const { session, agent } = frame;
  const raw = toJson(argumentsOf(call), `the arguments of '${call.toolName}'`);
  const standIn = spec === undefined ? undefined : session.standIn((standIns) => standIns.tool(agent, spec, raw, asker.place));
  if (on.again) {
    const known = foldAct(await session.recall(asker.place));
    if (known.kind === 'returned') return spec === undefined ? known.result : bounded(frame, spec, known.result);
    if (known.kind === 'threw') throw reviveError(known.error);
  }
  noteCalled(frame, asker, call, raw, spec?.effect ?? 'none');
  const start = session.clock.now();
  let args: Json;
  let value: unknown;
  let context: unknown;
  let pass: Pass;
  try {
    if (spec === undefined) throw unknownTool(call.toolName, on.tools);
    args = argumentsFor(spec, call);
    value = await contracted(frame, spec, withResults(session, args, spec.effect === 'immediate'));
    if (spec.context !== undefined) context = await session.contexts.give(spec.context, `the tool '${spec.name}' of '${frame.path}'`);
    pass = admitted(frame, spec, args);
  } catch (thrown) {
    noteThrown(frame, asker, call.toolName, thrown, start);
    throw thrown;
  }
  const code = new CodeAsker(frame, asker.place, on.attempt);
  const base = { run: session.run, call: frame.place, tool: spec.name, args, occurrence: on.occurrences?.[index] ?? 0 };
  const key = spec.effect === 'none' ? '' : effectKey(session.effects, base);
  const work: Execute = (signal) =>
    code.run(
      () =>
        standIn === undefined
          ? spec.execute(value, { input: on.input.value, signal, id: call.toolCallId, context, key })
          : standIn({ value, input: on.input.value, signal }),
      spec.timeoutMs === undefined ? undefined : signal,
    );
  const execute: Execute = session.secrets.none ? work : (signal) => session.secrets.guard(() => work(signal));
  try {
    return spec.effect === 'immediate'
      ? await actOnce(on, spec, asker, { args, value, context, key, pass, execute })
      : await read(on, spec, asker, pass, execute);
  } finally {
    await code.finish();
  }
}

/** Puts the effect into the outbox; the model is told of a receipt, now and on every resume. */
async function stageCall(on: ToolTurn, spec: CodeTool, asker: Asker, call: LanguageModelV4ToolCall, index: number): Promise<Json> {
  const { frame, input } = on;
  const { session, agent } = frame;
  const { place } = asker;
  const known = on.again ? foldAct(await session.recall(place)) : NOTHING_KNOWN;
  if (known.kind === 'threw') throw reviveError(known.error);
  const raw = toJson(argumentsOf(call), `the arguments of '${call.toolName}'`);
  session.standIn((standIns) => standIns.tool(agent, spec, raw, place));
  if (known.kind === 'none') noteCalled(frame, asker, call, raw, spec.effect);
  const start = session.clock.now();
  try {
    const args = argumentsFor(spec, call);
    const { rules, context: contract, name } = spec;
    const context = (): unknown => session.contexts.give(contract, `the tool '${name}' of '${frame.path}'`);
    const isKnown = known.kind === 'returned';
    const approve = !isKnown && (await consider(frame, { args, contract: spec.input, rules, input, context }));
    const occurrence = on.occurrences?.[index] ?? 0;
    const key = stage(frame, { place, attempt: on.asker.place, tool: name, args, rules, occurrence, approve }, isKnown);
    asker.raise(0, [key]);
    const result = { staged: true, receipt: receiptOf(key), note: NOTE(receiptOf(key)) };
    if (!isKnown) session.note({ kind: 'tool.returned', place, result, ms: session.clock.now() - start });
    return result;
  } catch (thrown) {
    noteThrown(frame, asker, spec.name, thrown, start);
    throw thrown;
  }
}
const NOTHING_KNOWN: RecordedAct = { kind: 'none' };
const NOTE = (receipt: Receipt): string =>
  `It will be done once your answer stands. Use the receipt where a later tool takes its result; ${field(receipt, 'field')} is a field of it.`;

/** What makes a tool call equal to another of its attempt; undefined where it has no effect, or cannot have one. Pure. */
export function countedCall(tools: ReadonlyMap<string, ToolSpec>, call: LanguageModelV4ToolCall): Counted {
  const spec = tools.get(call.toolName);
  if (spec?.kind !== 'code' || spec.effect === 'none') return undefined;
  try {
    return { tool: spec.name, args: argumentsFor(spec, call) };
  } catch {
    return undefined; // the model is told when it is called
  }
}

/** The arguments as JSON: the question to an agent, and what an act is known by. */
export function argumentsFor(spec: ToolSpec, call: LanguageModelV4ToolCall): Json {
  return unwrapArguments(spec, toJson(readArguments(spec, call), `the arguments of '${call.toolName}'`));
}

async function contracted({ life }: Frame, spec: CodeTool, args: Json): Promise<unknown> {
  const validated = spec.input.validate(args);
  const checked = validated instanceof Promise ? await life.race(validated) : validated;
  if (checked.ok) return checked.value;
  throw new AmdahlError('CONTRACT_VIOLATION', `The arguments do not fit: ${problemList(checked.problems)}.`, {
    problems: checked.problems,
  });
}

function noteCalled(
  { session, place, path }: Frame,
  asker: Asker,
  call: LanguageModelV4ToolCall,
  args: Json,
  effect: Effect | 'agent',
): void {
  session.note({ kind: 'tool.called', place: asker.place, call: place, path, tool: call.toolName, args, effect, id: call.toolCallId });
}

/** What went wrong, unless it is that the call itself has ended: then nothing came back. */
function noteThrown({ session, life }: Frame, asker: Asker, tool: string, thrown: unknown, start: number): void {
  life.check();
  session.check();
  session.note({ kind: 'tool.returned', place: asker.place, error: recordError(asAmdahl(thrown, tool)), ms: session.clock.now() - start });
}

/** Code without an effect: its result is recorded so that a resume need not run it again, and may if it was lost. */
async function read({ frame }: ToolTurn, spec: CodeTool, asker: Asker, pass: Pass, execute: Execute): Promise<Json> {
  const { session, life } = frame;
  const start = session.clock.now();
  try {
    const value = await listen(frame, pass, async () =>
      session.secrets.clean(toJson((await withTimeout(frame, spec, execute)) ?? null, `the result of the tool '${spec.name}'`)),
    );
    life.check();
    const result = bounded(frame, spec, value);
    session.note({ kind: 'tool.returned', place: asker.place, result, ms: session.clock.now() - start });
    return result;
  } catch (thrown) {
    noteThrown(frame, asker, spec.name, thrown, start);
    throw thrown;
  }
}

async function withTimeout({ session, life }: Frame, spec: CodeTool, execute: Execute): Promise<unknown> {
  const ms = spec.timeoutMs;
  if (ms === undefined) return await life.lend(execute);
  let stop = (): void => {};
  const abort = new AbortController();
  const late = new Promise<never>((_, reject) => {
    stop = session.work.after(ms, () => {
      const error = new AmdahlError('TIMEOUT', `The tool '${spec.name}' did not end within ${ms} ms.`);
      abort.abort(error);
      reject(error);
    });
  });
  try {
    return await Promise.race([life.lend((signal) => execute(AbortSignal.any([signal, abort.signal]))), late]);
  } finally {
    stop();
  }
}

/** An act, ready to be begun. */
interface Doing {
  readonly args: Json;
  /** As the contract made it of them. */
  readonly value: unknown;
  readonly context: unknown;
  readonly key: string;
  readonly pass: Pass;
  readonly execute: Execute;
}

async function actOnce(
  { frame, asker: { place: attempt }, input }: ToolTurn,
  spec: CodeTool,
  asker: Asker,
  { args, value, context, key, pass, execute }: Doing,
): Promise<Json> {
  const timeout = spec.timeoutMs === undefined ? {} : { timeoutMs: spec.timeoutMs };
  const about = (signal: AbortSignal): EffectOptions<unknown, unknown, unknown> => ({
    key,
    args: value,
    input: input.value,
    signal,
    context,
  });
  const { name: tool, rules } = spec;
  const deed = { place: asker.place, attempt, path: frame.path, tool, args, key, rules, about, again: false, execute, ...timeout };
  try {
    await allow(frame, deed);
  } catch (thrown) {
    noteThrown(frame, asker, tool, thrown, frame.session.clock.now());
    throw thrown;
  }
  const result = await listen(frame, pass, async () => {
    const done = await act(frame, deed);
    if (done.kind === 'threw') throw reviveError(done.error);
    return done.result;
  });
  return bounded(frame, spec, result);
}

function bounded({ session, place, path }: Frame, spec: CodeTool, result: Json): Json {
  const { toolResultBytes } = session.limits;
  const bytes = typeof result === 'string' ? result.length : JSON.stringify(result).length;
  if (bytes <= toolResultBytes) return result;
  session.note({ kind: 'guard.tripped', place, guard: 'toolResultBytes', call: path, evidence: { tool: spec.name, bytes } });
  throw limitError(
    'toolResultBytes',
    toolResultBytes,
    `The result of the tool '${spec.name}' has ${bytes} bytes`,
    spec.effect === 'none' ? 'Ask for a smaller part.' : 'It was done all the same: do not call it again for its result.',
  );
}
