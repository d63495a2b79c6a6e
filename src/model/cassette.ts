// Recorded models: what a model answered once, on a file, played again without it. For tests; run/tape.ts gives it to
// amdahl/testing. A file has one interaction a line (cassetteLines.ts) and is only ever appended to; what is played and what
// is sent is decided in cassetteDeck.ts:
//
// C1 an interaction is found by its request's content (cassetteRequest.ts); equal requests are played in the order in
//    which they were asked, however long each answer took (cassetteTrack.ts).
// C2 a recording made anew is a new take: of equal requests those of the last take are played, so nothing is rewritten
//    while another process reads or writes.
// C3 a line is written in one piece, after its answer is complete; what a killed process left behind is skipped, and said.
// C4 only whole answers are recorded: of a request that failed or was left, nothing remains, not even its number.
// C5 no key reaches the file (cassetteRedact.ts).

import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import { checkOptions } from '../agent/options.ts';
import { adapted, type AnyLanguageModel, isLanguageModel } from './adapted.ts';
import { BEHIND } from './behind.ts';
import { type Asked, Deck, type Mode, type TapeFile } from './cassetteDeck.ts';
import { lineText, misconfigured, nameOf, parseLines, tornText } from './cassetteLines.ts';
import { type Redact, redactor } from './cassetteRedact.ts';
import { playedStream, playedWhole, recordedReply, recordedStream } from './cassetteReply.ts';

export interface CassetteOptions {
  /** 'auto', the default, plays what is recorded and records what is not; where CI is set it only plays. */
  readonly mode?: Mode;
  /**
   * A name for what mode 'record' records: a process that records under the name of the last take goes on with it, and any
   * other begins anew. Give the run's id, and a run that was killed and resumed is one recording; without a name its
   * second half hides what it asked again.
   */
  readonly take?: string;
}

const MODES: readonly unknown[] = ['auto', 'record', 'replay'];

/**
 * Gives models a memory in a file. Played answers never touch the model. Failures are not recorded. `present`, asked for
 * each request, takes out what whoever sends it holds secret.
 * @throws AmdahlError MISCONFIGURED for a mode that does not exist and, when asked, for a file that cannot be read or
 * written; SCRIPT_DRIFT, when asked, for a request that is not recorded and may not be sent.
 */
export function cassette(
  file: string,
  options: CassetteOptions = {},
  present: () => Redact | undefined = () => undefined,
): (model: AnyLanguageModel) => LanguageModelV4 {
  checkOptions(options, { mode: true, take: true }, 'cassette()');
  if (typeof file !== 'string' || file === '') {
    throw new AmdahlError(
      'MISCONFIGURED',
      `cassette() takes a file and was given ${file === '' ? 'no name' : kindOf(file)}. Write cassette('tapes/….jsonl').`,
    );
  }
  const { mode = 'auto', take } = options;
  if (!MODES.includes(mode)) {
    throw new AmdahlError('MISCONFIGURED', `cassette() has no mode ${JSON.stringify(mode)}. The modes are 'auto', 'record' and 'replay'.`);
  }
  if (take !== undefined && (typeof take !== 'string' || take === '')) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `The take of cassette() is ${take === '' ? 'an empty text' : kindOf(take)}. Give it a name, such as the run's id.`,
    );
  }
  const ci = mode === 'auto' && !['', '0', 'false'].includes((process.env['CI'] ?? '').toLowerCase());
  const redact = redactor(process.env);
  const deck = new Deck(tapeFile(file, redact), ci ? 'replay' : mode, ci, take, redact);
  return (model) => {
    if (isLanguageModel(model)) return recorded(adapted(model), deck, present);
    throw new AmdahlError(
      'MISCONFIGURED',
      `A cassette records a language model and was given ${kindOf(model)}. Give a name such as 'openai/gpt-5', or an object that an AI SDK provider makes.`,
    );
  };
}

function recorded(model: LanguageModelV4, deck: Deck, present: () => Redact | undefined): LanguageModelV4 {
  const name = modelName(model);
  const ask = (options: LanguageModelV4CallOptions): Asked => {
    const asked = deck.ask(name, options, present());
    if (asked.news !== undefined) process.emitWarning(asked.news, { code: 'AMDAHL_CASSETTE_RECORDS' });
    return asked;
  };
  const made: LanguageModelV4 & { readonly [BEHIND]: object } = {
    specificationVersion: 'v4',
    provider: model.provider,
    modelId: model.modelId,
    [BEHIND]: model,
    // Read when asked for: playing must not touch the model.
    get supportedUrls() {
      return model.supportedUrls;
    },
    doGenerate: async (options) => {
      const asked = ask(options);
      if (asked.answer !== undefined) {
        asked.keep();
        return playedWhole(asked.answer, asked.model);
      }
      try {
        const result = await model.doGenerate(options);
        asked.keep(recordedReply(result, asked.redact));
        return result;
      } finally {
        asked.leave();
      }
    },
    doStream: async (options) => {
      const asked = ask(options);
      if (asked.answer !== undefined) return { stream: listened(playedStream(asked.answer), asked, () => asked.keep()) };
      try {
        const result = await model.doStream(options);
        return { ...result, stream: listened(result.stream, asked, (parts) => asked.keep(recordedStream(parts, asked.redact))) };
      } catch (error) {
        asked.leave();
        throw error;
      }
    },
  };
  return 'supportsStructuredOutputs' in model ? Object.assign(made, { supportsStructuredOutputs: model.supportsStructuredOutputs }) : made;
}

/** The stream as it is; `heard` gets its parts before its end is told, unless it failed or was left. */
function listened(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  asked: Asked,
  heard: (parts: readonly LanguageModelV4StreamPart[]) => void,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts: LanguageModelV4StreamPart[] = [];
  const reader = stream.getReader();
  const pull = async (controller: ReadableStreamDefaultController<LanguageModelV4StreamPart>): Promise<void> => {
    try {
      const { done, value } = await reader.read();
      if (!done) {
        if (value.type === 'error') asked.leave();
        parts.push(value);
        controller.enqueue(value);
        return;
      }
      if (parts.some(({ type }) => type === 'finish')) heard(parts);
      asked.leave();
      controller.close();
    } catch (error) {
      asked.leave();
      throw error;
    }
  };
  const cancel = (reason: unknown): Promise<void> => {
    asked.leave();
    return reader.cancel(reason);
  };
  // Nothing is read before it is wanted.
  return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
}

function tapeFile(path: string, redact: Redact): TapeFile {
  const write = (textOf: (afterTorn: boolean) => string): void => {
    try {
      mkdirSync(dirname(path), { recursive: true });
      const fd = openSync(path, 'a+');
      try {
        const text = textOf(endsTorn(fd));
        // In one piece: what several processes append does not mix.
        if (text !== '') writeFileSync(fd, text);
      } finally {
        closeSync(fd);
      }
    } catch (cause) {
      const advice = "Name a file that can, or only play it: { mode: 'replay' }.";
      throw misconfigured(path, `cannot be written: ${describe(cause)}`, advice, cause);
    }
  };
  return {
    path,
    read: () => {
      const recording = parseLines(contentOf(path), path, redact);
      if (recording.torn > 0) process.emitWarning(`${nameOf(path)}: ${tornText(recording)}.`, { code: 'AMDAHL_CASSETTE_TORN' });
      return recording;
    },
    check: () => write(() => ''),
    append: (line) => write((afterTorn) => lineText(line, afterTorn)),
  };
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return '';
    throw misconfigured(path, `cannot be read: ${describe(cause)}`, 'Name a file.', cause);
  }
}

function isMissing(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT';
}

/** Whether the file's last line has no end: who wrote it was killed. */
function endsTorn(fd: number): boolean {
  const { size } = fstatSync(fd);
  const last = new Uint8Array(1);
  return size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== 10;
}
