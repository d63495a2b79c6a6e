// What a real run asked and was answered, as data: read from its journal, kept as a file beside a test. testScript.ts plays
// it; `amdahl script` writes it.

import type { LanguageModelV4Content, LanguageModelV4FinishReason, LanguageModelV4Message } from '@ai-sdk/provider';
import { hash } from '../agent/canonical.ts';
import { AmdahlError, type ErrorRecord } from '../agent/errors.ts';
import type { Entry, Event, EventOf, Json, Place, RunId, Setup, Usage } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { withoutForm } from '../model/render.ts';
import { foldTurns } from '../run/recorded.ts';

/** The version of this format. */
export const SCRIPT_VERSION = 1;

/** What a model answered to a request. */
export interface ScriptAnswer {
  readonly content: readonly LanguageModelV4Content[];
  readonly text?: string;
  readonly finish: LanguageModelV4FinishReason['unified'];
  readonly usage?: Usage;
}

/** A turn: what was told to the model, and what it answered, or why it did not. */
export interface ScriptTurn {
  readonly told: readonly LanguageModelV4Message[];
  readonly answer?: ScriptAnswer;
  readonly error?: ErrorRecord;
}

/** A conversation of one attempt. */
export interface ScriptTalk {
  readonly agent: string;
  /** For people. */
  readonly path: string;
  /** The attempt's. */
  readonly place: Place;
  /** Which of `setups`. */
  readonly setup: number;
  readonly turns: readonly ScriptTurn[];
}

/** What came back of code. */
export type ScriptResult = { readonly result: Json } | { readonly error: ErrorRecord };

export interface Script {
  readonly amdahl: 'script';
  readonly version: number;
  readonly run: string;
  readonly agent: string;
  readonly input: Json;
  readonly scope?: string;
  readonly subject?: Json;
  /** Absent where the run did not succeed. */
  readonly output?: Json;
  /** Why it failed, where it did. */
  readonly failure?: ErrorRecord;
  /** Tools and forms of answers that requests offered. */
  readonly setups: readonly Pick<Setup, 'tools' | 'format'>[];
  readonly talks: readonly ScriptTalk[];
  readonly tools: readonly ({ readonly agent: string; readonly tool: string; readonly args: Json; readonly place: Place } & ScriptResult)[];
  readonly steps: readonly ({ readonly step: string; readonly input: Json; readonly place: Place } & ScriptResult)[];
  /** Files that were sent, and where they came from: their bytes as base64. */
  readonly files: readonly (Omit<EventOf<'file.kept'>, 'data'> & { readonly data: string })[];
  /** What flows drew from the world and which branch of a race was first, by the place of who asked. */
  readonly drawn: readonly EventOf<'value.drawn' | 'decision'>[];
}

/**
 * A run as stand-ins, for `testScript`: give its id, or what `run` resolved to. O(what was said).
 * @throws AmdahlError RUN_UNKNOWN where the journal (default: the one of this directory) has no such run.
 */
export async function journalToScript(
  run: string | { readonly id: string },
  { journal = defaultJournal() }: { readonly journal?: Journal } = {},
): Promise<Script> {
  const id = (typeof run === 'string' ? run : run.id) as RunId; // whatever is given is looked up as it is
  const found = new Found();
  for await (const entry of journal.read(id)) found.add(entry);
  // Each was bought before it was taken, so a chain of runs ends.
  for (let bought = found.takeBought(); bought.size > 0; bought = found.takeBought())
    for (const [other, calls] of bought) for await (const entry of journal.read(other)) found.addOf(calls, entry);
  return found.script(id);
}

interface Talk {
  readonly agent: string;
  readonly path: string;
  setup: Pick<Setup, 'tools' | 'format'> | undefined;
  readonly entries: Entry[];
  failure: ErrorRecord | undefined;
}

/** A run as far as it was read. */
class Found {
  #started: EventOf<'run.started'> | undefined;
  #output: Json | undefined;
  #failure: ErrorRecord | undefined;
  readonly #talks = new Map<Place, Talk>();
  readonly #agents = new Map<Place, EventOf<'call.started'>>();
  readonly #called = new Map<Place, EventOf<'tool.called'> | EventOf<'effect.committing'>>();
  readonly #tools: Script['tools'][number][] = [];
  readonly #steps: Script['steps'][number][] = [];
  /** Steps whose code asked models: they are answered as a whole. */
  readonly #asking = new Set<Place>();
  readonly #drawn: Script['drawn'][number][] = [];
  readonly #files: Script['files'][number][] = [];
  /** Calls of other runs whose answers were taken. */
  #bought = new Map<RunId, Set<Place>>();

  /** What was not yet asked for of `#bought`. */
  takeBought(): ReadonlyMap<RunId, Set<Place>> {
    const bought = this.#bought;
    this.#bought = new Map();
    return bought;
  }

  /** An entry of another run, where it is of one of these calls or below: what is below is added to them. */
  addOf(calls: Set<Place>, entry: Entry): void {
    const { event } = entry;
    switch (event.kind) {
      case 'call.started':
        if (event.under !== undefined && calls.has(event.under)) calls.add(event.place);
        return calls.has(event.place) ? this.add(entry) : undefined;
      case 'call.succeeded':
        return calls.has(event.place) ? this.add(entry) : undefined;
      case 'model.requested':
      case 'tool.called':
        return calls.has(event.call) ? this.add(entry) : undefined;
      case 'model.responded':
      case 'model.failed':
      case 'attempt.repaired':
      case 'tool.returned':
        return this.add(entry); // by its place, which no other run has: nothing comes of one that was not asked for
      case 'file.kept':
        return this.#files.some(({ file }) => file === event.file) ? undefined : this.add(entry);
      default:
        return;
    }
  }

  add(entry: Entry): void {
    const { event } = entry;
    switch (event.kind) {
      case 'run.started':
        this.#started = event;
        return;
      case 'run.succeeded':
        this.#output = event.output;
        return;
      case 'run.resumed':
        this.#output = this.#failure = undefined;
        return;
      case 'run.failed':
        this.#failure = event.error;
        return;
      case 'call.started':
        this.#agents.set(event.place, event);
        return;
      case 'call.succeeded':
        return this.#succeeded(event);
      case 'call.failed':
        return this.#failed(event);
      case 'model.requested':
      case 'model.responded':
      case 'model.failed':
      case 'attempt.repaired':
        return this.#said(entry, event);
      case 'tool.called':
        this.#called.set(event.place, event);
        return;
      case 'effect.committing':
        if (!this.#called.has(event.place)) this.#called.set(event.place, event);
        return;
      case 'tool.returned':
        return this.#returned(event);
      case 'file.kept':
        this.#files.push({ ...event, data: base64(event.data) });
        return;
      case 'value.drawn':
        this.#drawn.push(event);
        return;
      case 'decision':
        if (event.question.startsWith('race')) this.#drawn.push(event);
        return;
      default:
        return; // Says nothing of what was asked or answered.
    }
  }

  #said(entry: Entry, event: EventOf<'model.requested' | 'model.responded' | 'model.failed' | 'attempt.repaired'>): void {
    if (event.kind === 'model.requested') {
      if (event.gated === true) return void this.#asking.add(event.call);
      const talk = this.#talks.get(event.place) ?? {
        agent: event.agent,
        path: event.path,
        setup: undefined,
        entries: [],
        failure: undefined,
      };
      if (event.setup !== undefined) talk.setup ??= { tools: event.setup.tools, format: event.setup.format };
      this.#talks.set(event.place, talk);
    }
    const talk = this.#talks.get(event.place);
    talk?.entries.push(entry);
    if (talk !== undefined && event.kind === 'model.failed' && event.lost !== true) talk.failure = event.error;
  }

  #returned(event: EventOf<'tool.returned'>): void {
    const called = this.#called.get(event.place);
    if (called === undefined) return;
    const came = 'error' in event ? { error: event.error } : { result: event.result };
    if (called.kind === 'effect.committing')
      return void this.#steps.push({ step: called.tool, input: called.args, place: event.place, ...came });
    const agent = this.#agents.get(called.call)?.agent;
    if (agent !== undefined && called.effect !== 'agent')
      this.#tools.push({ agent, tool: called.tool, args: called.args, place: event.place, ...came });
  }

  #succeeded({ place, output, from }: EventOf<'call.succeeded'>): void {
    if (from?.run !== undefined) this.#bought.set(from.run, (this.#bought.get(from.run) ?? new Set()).add(from.place));
    const call = this.#agents.get(place);
    // Code without an effect really runs again, unless it asked models; a person is never asked again.
    const isTaken = call?.of === 'human' || (call?.of === 'step' && this.#asking.has(place));
    if (call === undefined || !isTaken || output === undefined) return;
    this.#steps.push({ step: call.agent, input: call.input, place, result: output });
  }

  /** What a person refused, or did not answer, a test's person does not either. */
  #failed({ place, error }: EventOf<'call.failed'>): void {
    const call = this.#agents.get(place);
    if (call?.of === 'human') this.#steps.push({ step: call.agent, input: call.input, place, error });
  }

  script(run: RunId): Script {
    if (this.#started === undefined)
      throw new AmdahlError(
        'RUN_UNKNOWN',
        `There is no run '${run}' in this journal. Give the journal that it is in: journalToScript(id, { journal }).`,
      );
    const { agent, input, scope, subject } = this.#started;
    const setups = new Map<string, { readonly index: number; readonly setup: Script['setups'][number] }>();
    const talks = [...this.#talks].map(([place, talk]): ScriptTalk => {
      const setup = talk.setup ?? { tools: [], format: null };
      const key = JSON.stringify(setup);
      const { index } = setups.get(key) ?? { index: setups.size };
      setups.set(key, { index, setup });
      return { agent: talk.agent, path: talk.path, place, setup: index, turns: turnsOf(talk) };
    });
    return {
      amdahl: 'script',
      version: SCRIPT_VERSION,
      run,
      agent,
      input,
      ...(scope === undefined ? {} : { scope }),
      ...(subject === undefined ? {} : { subject }),
      ...(this.#output === undefined ? {} : { output: this.#output }),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      setups: [...setups.values()].map(({ setup }) => setup),
      talks,
      tools: this.#tools,
      steps: this.#steps,
      files: this.#files,
      drawn: this.#drawn,
    };
  }
}

function turnsOf({ entries, failure, setup }: Talk): readonly ScriptTurn[] {
  const usages = new Map<number, Usage>();
  for (const { event } of entries) if (event.kind === 'model.responded') usages.set(event.turn, event.usage);
  return foldTurns(entries).map(({ adds, reply }, turn): ScriptTurn => {
    // Where a provider does not pass on the form of an answer it was spelled out: a stand-in passes it on.
    const told = withHashes(withoutForm(adds, setup?.format));
    if (reply === undefined) return { told, ...(failure === undefined ? {} : { error: failure }) };
    const { content, text, finish } = reply;
    const usage = usages.get(turn);
    return {
      told,
      answer: {
        content: withBytes(content, base64),
        finish,
        ...(text === undefined ? {} : { text }),
        ...(usage === undefined ? {} : { usage }),
      },
    };
  });
}

/** A value as JSON has it, with bytes in words. Who made them a Buffer has its own idea of JSON, which is passed over. */
function withBytes<T>(value: T, words: (bytes: Uint8Array) => string): T {
  const text = JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, key, now: unknown) {
    const own = this[key];
    return own instanceof Uint8Array ? words(own) : now;
  });
  return JSON.parse(text) as T; // the same, as JSON
}

/** What a model was told, with files by the hash of what is in them. Pure; O(size). */
export function withHashes<T>(value: T): T {
  return withBytes(value, (bytes) => `sha256 ${hash(base64(bytes))}`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** An event that only tests play back: as it stands in a journal. Pure. */
export function recallOf({ drawn, files }: Script): (place: Place) => readonly Entry[] {
  const kept = files.map((file): EventOf<'file.kept'> => ({ ...file, data: Buffer.from(file.data, 'base64') }));
  const byPlace = Map.groupBy<Place, Event & { readonly place: Place }>([...drawn, ...kept], ({ place }) => place);
  return (place) => (byPlace.get(place) ?? []).map((event: Event, seq) => ({ seq, event }));
}
