// The conversations that code has with models through `gate()`, told apart by what was sent and answered. A loop of tools
// sends its whole conversation each time; what goes on where another request was answered is told as its next turn, so
// that a journal grows with what is said. Called by codeAsker.ts.
//
// K1 what the turns of a place add, with the answers between them, is exactly what was sent; else it is another place.

import type { LanguageModelV4Content, LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { hash } from '../agent/canonical.ts';
import type { Place } from '../journal/event.ts';
import { assistantMessage } from '../model/render.ts';

/** A request as part of a conversation that code has with a model. */
export interface CodeTurn {
  readonly place: Place;
  readonly turn: number;
  /** What it adds to the turn before. */
  readonly adds: readonly LanguageModelV4Message[];
  /** To be told what it was answered, before anybody else is. */
  readonly answered: (content: readonly LanguageModelV4Content[]) => void;
}

/** A conversation with one model, as far as it was sent: a hash for each message. */
interface Talk {
  readonly place: Place;
  readonly model: string;
  turn: number;
  said: readonly string[];
  /** The hash of the answer to the last turn; undefined until it is there. */
  answer: string | undefined;
}

/** Conversations that go on side by side; of more than these the oldest begin anew in the journal. */
const TALKS_MAX = 16;

export class Talks {
  readonly #placeOf: (nth: number) => Place;
  readonly #open: Talk[] = [];
  #begun = 0;

  constructor(placeOf: (nth: number) => Place) {
    this.#placeOf = placeOf;
  }

  /** O(characters of the prompt). */
  turn(prompt: LanguageModelV4Prompt, model: string): CodeTurn {
    const said = prompt.map(printOf);
    const talk = this.#open.findLast((one) => one.model === model && goesOn(one, said, prompt));
    if (talk === undefined) return turnOf(this.#begin(said, model), prompt);
    // Behind what was sent stands the answer, which the journal has.
    const adds = prompt.slice(talk.said.length + 1);
    talk.turn += 1;
    talk.said = said;
    talk.answer = undefined;
    return turnOf(talk, adds);
  }

  #begin(said: readonly string[], model: string): Talk {
    const talk: Talk = { place: this.#placeOf(this.#begun), model, turn: 0, said, answer: undefined };
    this.#begun += 1;
    this.#open.push(talk);
    if (this.#open.length > TALKS_MAX) this.#open.shift();
    return talk;
  }
}

/** A turn is only gone on with once it is answered, so that the answer told here is always to the last. */
function turnOf(talk: Talk, adds: readonly LanguageModelV4Message[]): CodeTurn {
  const answered = (content: readonly LanguageModelV4Content[]): void => {
    talk.answer = printOf(assistantMessage(content));
  };
  return { place: talk.place, turn: talk.turn, adds, answered };
}

/** Whether a prompt is what was sent, the answer that was given, and at least one message more. */
function goesOn({ said: before, answer }: Talk, said: readonly string[], prompt: LanguageModelV4Prompt): boolean {
  const more = prompt[before.length + 1];
  // What begins with the system's words is read as another beginning.
  if (more === undefined || more.role === 'system') return false;
  return said[before.length] === answer && before.every((message, at) => message === said[at]);
}

/** Equal for messages that say the same, in whatever order their fields stand. */
function printOf(message: LanguageModelV4Message): string {
  return hash(JSON.stringify(message, inOrder));
}

/** Bytes would be written number by number. */
function inOrder(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
