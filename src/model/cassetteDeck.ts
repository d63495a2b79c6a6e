// What a cassette plays and what it sends: each request is looked up, numbered, and kept or left. Called by the cassette,
// which asks the models. Pure but for the file that it is given.

import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';
import { keyOf, type Line, nameOf, type Recording, tornText } from './cassetteLines.ts';
import { GONE, type Redact } from './cassetteRedact.ts';
import type { RecordedAnswer } from './cassetteReply.ts';
import { firstDifference, nearestRequest, type RecordedRequest, recordedRequest } from './cassetteRequest.ts';
import { Track, tracksOf } from './cassetteTrack.ts';

export type Mode = 'auto' | 'record' | 'replay';

/** Where lines are. All of it throws AmdahlError MISCONFIGURED where that cannot be. */
export interface TapeFile {
  readonly path: string;
  /** Nothing where there is no file. */
  read(): Recording;
  /** Tries all that appending takes. */
  check(): void;
  append(line: Omit<Line, 'row'>): void;
}

/** A request with its number. It is kept or left, once: what comes later changes nothing. */
export interface Asked {
  /** As it is recorded: 'provider/modelId'. */
  readonly model: string;
  /** For its answer. */
  readonly redact: Redact;
  /** Where it is recorded. */
  readonly answer: RecordedAnswer | undefined;
  /** Said once: mode 'auto' sends what the tape does not have, which may be drift that nobody meant. */
  readonly news?: string;
  /** The number is used up; an answer that is new is written. */
  keep(answer?: RecordedAnswer): void;
  /** The number is given back. */
  leave(): void;
}

/** What was read of the file, and the numbers that are in use. */
interface Tape {
  readonly recording: Recording;
  readonly tracks: Map<string, Track>;
  /** Of what mode 'record' writes. */
  readonly take: number;
}

export class Deck {
  readonly #redact: Redact;
  readonly #file: TapeFile;
  readonly #mode: Mode;
  readonly #ci: boolean;
  readonly #take: string | undefined;
  #tape: Tape | undefined;
  #told = false;

  constructor(file: TapeFile, mode: Mode, ci: boolean, take: string | undefined, redact: Redact) {
    this.#file = file;
    this.#mode = mode;
    this.#ci = ci;
    this.#take = take === undefined ? undefined : redact(take);
    this.#redact = redact;
  }

  /**
   * A request with its recorded answer, or without where it is to be sent: then the file has been found writable. `own`
   * takes out what whoever asks holds secret.
   */
  ask(name: string, options: LanguageModelV4CallOptions, own?: Redact): Asked {
    options.abortSignal?.throwIfAborted();
    const tape = (this.#tape ??= this.#read());
    const redact = own === undefined ? this.#redact : (text: string): string => own(this.#redact(text));
    const model = redact(name);
    const request = recordedRequest(model, options, redact);
    const track = this.#trackOf(tape, request);
    const nth = track.next(({ auto: 'any', record: 'new', replay: 'recorded' } as const)[this.#mode]);
    if (nth === undefined) throw this.#drift(tape, model, request, track);
    const answer = track.answers.get(nth);
    const news = answer === undefined && this.#mode === 'auto' ? this.#newsOf(tape, model, request, track) : undefined;
    const asked = { ...this.#held(model, request, track, nth, options.abortSignal), redact };
    if (answer !== undefined) return { ...asked, answer };
    try {
      this.#file.check();
    } catch (error) {
      asked.leave();
      throw error;
    }
    return news === undefined ? asked : { ...asked, news };
  }

  /** Of the first request that is not on a tape that has others. */
  #newsOf({ recording }: Tape, model: string, request: RecordedRequest, { answers }: Track): string | undefined {
    if (this.#told || recording.lines.length === 0 || answers.size > 0) return undefined;
    this.#told = true;
    return `${nameOf(this.#file.path)} has no answer to a request of ${model}: ${unlike(recording, request).why}. It is asked and recorded, and so are others that are new.`;
  }

  #read(): Tape {
    const recording = this.#file.read();
    const goesOn = this.#take !== undefined && this.#take === recording.name;
    return { recording, tracks: tracksOf(recording.lines), take: goesOn ? recording.take : recording.take + 1 };
  }

  #trackOf({ recording, tracks, take }: Tape, request: RecordedRequest): Track {
    const key = keyOf(request);
    const known = tracks.get(key);
    const isRecording = this.#mode === 'record';
    if (known !== undefined && (!isRecording || known.take === take)) return known;
    const track = new Track(isRecording ? take : Math.max(1, recording.take));
    tracks.set(key, track);
    return track;
  }

  /** Whoever aborts a request does not wait for it: its number is free at once, and a late answer is none. */
  #held(model: string, request: RecordedRequest, track: Track, nth: number, signal: AbortSignal | undefined): Omit<Asked, 'redact'> {
    let open = true;
    const leave = (): void => {
      if (close()) track.giveBack(nth);
    };
    const close = (): boolean => {
      const was = open;
      open = false;
      signal?.removeEventListener('abort', leave);
      return was;
    };
    signal?.addEventListener('abort', leave);
    const name = this.#mode === 'record' ? this.#take : undefined;
    const keep = (answer?: RecordedAnswer): void => {
      if (!open) return;
      if (answer !== undefined) this.#file.append({ take: track.take, name, nth, request, answer });
      close();
    };
    return { model, answer: undefined, keep, leave };
  }

  #drift({ recording }: Tape, model: string, asked: RecordedRequest, { answers }: Track): AmdahlError {
    const { why, data } =
      answers.size === 0 ? unlike(recording, asked) : { why: `it is recorded ${times(answers.size)} and asked once more`, data: {} };
    const torn = recording.torn === 0 ? '' : ` Of the file, ${tornText(recording)}.`;
    const ci = this.#ci ? " In CI (the variable CI is set) the mode 'auto' only plays." : '';
    const { path } = this.#file;
    return new AmdahlError(
      'SCRIPT_DRIFT',
      `${nameOf(path)} has no answer to this request of ${model}: ${why}.${torn}${ci} To record it anew, run once with cassette('${path}', { mode: 'record' }), or delete the file.`,
      { data: { file: path, ...data } },
    );
  }
}

/** How a request differs from all that are recorded. */
function unlike({ lines }: Recording, asked: RecordedRequest): { readonly why: string; readonly data: Readonly<Record<string, unknown>> } {
  const nearest = nearestRequest(lines, asked);
  const difference = nearest === undefined ? undefined : firstDifference(nearest.request, asked);
  if (nearest === undefined || difference === undefined) return { why: 'nothing is recorded there', data: {} };
  const { path, recorded: before, asked: now } = difference;
  const hidden = `${before}${now}`.includes(GONE)
    ? ` (${GONE} stands where a secret was: the value of a variable such as *_KEY or *_PASSWORD of that machine or this one, or what is shaped like a key)`
    : '';
  return {
    why: `the nearest one, in line ${nearest.row}, differs at ${path}: recorded ${before}, asked ${now}${hidden}`,
    data: { line: nearest.row, path },
  };
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
