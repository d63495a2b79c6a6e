// A run of one program of the matrix, with everything that is outside its processes: the journal, the service, the model's
// provider, and a person who looks at the service and says the truth. Crashed by law.ts as it is told.
//
// S1 what a dead process has sent arrives before the next one begins: a request that is held up for longer is deduplicated by
//    its key or not at all, as the docs say.
// S2 the person answers what is asked, in another process, once the run is parked.

import { type AnyAgent, type Entry, type Json } from '../../src/index.ts';
import { type Ending, type Mortality, World } from '../crash/mortal.ts';
import type { AskId } from '../../src/journal/ids.ts';
import type { Program } from './cells.ts';
import { Ledger } from './ledger.ts';
import { type Attempts, player, remembering } from './player.ts';
import { Client, type Service } from './service.ts';

/** How long a request takes on its way and back, in virtual ms: a process may die before, between and after. */
const WAY_MS = 2;
const NEVER = new Promise<never>(() => {});
/** More entries than any program needs, however it is crashed. */
const ENTRIES_MAX = 40;

/** A question as it stands in the journal. */
export interface Question {
  readonly ask: string;
  readonly of: string;
  readonly about: Json;
}

/** A question and what was said to it. */
export interface Answered {
  readonly question: Question;
  readonly said: Json;
}

/** What the person says to a question. */
export type Person = (question: Question, ledger: Ledger) => Json;

export class Stage {
  readonly world: World;
  readonly ledger: Ledger = new Ledger();
  /** What was asked, with what was said to it. */
  readonly asked: Answered[] = [];
  /** What the next processes run. */
  program: Program;
  readonly #service: Service;
  readonly #person: Person;
  readonly #attempts: Attempts = remembering();
  readonly #sent = new Set<Promise<unknown>>();

  constructor(program: Program, service: Service, person: Person = truthful) {
    this.world = new World('r');
    this.program = program;
    this.#service = service;
    this.#person = person;
  }

  /** One process on the run, until it ends, parks or dies. */
  async enter(mortality: Mortality = {}): Promise<Ending> {
    this.#service.ledger = this.ledger;
    let process: Parameters<NonNullable<Parameters<World['enter']>[0]['onProcess']>>[0] | undefined;
    const client = new Client(this.#service.port, async (work) => {
      if (process === undefined) throw new Error('no process');
      const { clock, dead } = process;
      await clock.sleep(WAY_MS);
      if (dead()) return await NEVER;
      const sent = work();
      this.#sent.add(sent);
      try {
        const came = await clock.outside(sent);
        await clock.sleep(WAY_MS);
        return dead() ? await NEVER : came;
      } finally {
        this.#sent.delete(sent);
      }
    });
    const agent: AnyAgent = this.program.make(client);
    try {
      return await this.world.enter(
        {
          agent,
          input: this.program.input,
          model: (clock) => player(this.#attempts, (ms) => clock.sleep(ms)),
          options: { onPark: 'return' },
          onProcess: (one) => {
            process = one;
          },
        },
        mortality,
      );
    } finally {
      await Promise.allSettled(this.#sent);
      client.close();
    }
  }

  /** Processes one after the other, a person in between, until the run has ended. The first of them are mortal as told. */
  async toItsEnd(): Promise<Ending> {
    for (let entry = 0; entry < ENTRIES_MAX; entry += 1) {
      const ending = await this.enter();
      if (ending.kind !== 'failed' || ending.code !== 'RUN_PARKED') return ending;
      if (!(await this.say())) throw new Error(`it is parked and asks nothing: ${ending.message}`);
    }
    throw new Error(`it does not end within ${ENTRIES_MAX} entries`);
  }

  /** Lets the person answer all that is open. False where nothing is. */
  async say(): Promise<boolean> {
    const open = openQuestions(await this.world.entries());
    for (const question of open) {
      const said = this.#person(question, this.ledger);
      this.asked.push({ question, said });
      const id = question.ask as AskId; // as the journal says
      const { kind } = await this.world.store.respond(id, { kind: 'answer', value: said, by: 'ann' }, this.world.now);
      if (kind !== 'accepted') throw new Error(`the answer to ${question.ask} was not accepted: ${kind}`);
    }
    return open.length > 0;
  }
}

/** What is open and waits for an answer. */
export function openQuestions(entries: readonly Entry[]): readonly Question[] {
  const open = new Map<string, Question>();
  for (const { event } of entries) {
    if (event.kind === 'ask.opened') open.set(event.ask, { ask: event.ask, of: event.of, about: event.about });
    else if (event.kind.startsWith('ask.') && 'ask' in event) open.delete(String(event.ask));
  }
  return [...open.values()];
}

/** Looks at the service and says what there is; lets go on what is to be approved or went another way. */
export function truthful({ of, about }: Question, ledger: Ledger): Json {
  if (of !== 'effect') return of === 'diverged' ? { outcome: 'go on' } : true;
  const { key, undo } = about as { readonly key: string; readonly undo?: boolean }; // as questions about effects are
  const deed = ledger.find(key);
  if (undo === true) return { outcome: deed === undefined ? 'done' : 'not done' };
  return deed === undefined ? { outcome: 'not done' } : { outcome: 'done', result: deed.result };
}
