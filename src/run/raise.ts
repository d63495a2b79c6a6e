// Raises: a person is asked for more of a budget, and what was given holds in every later entry. call.ts and enter.ts let accounts
// be raised whose budgets say so; account.ts decides when it asks; reentry.ts folds what was given.
//
// B1 an account asks one thing at a time, and a question is the same in every entry: its cap as it is, and which time it is.
// B2 what a person gave is added once, whichever entry takes it.

import { type Budget, type Cap, CAPS, type More, raised } from '../agent/budget.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { AskId, Happening, Json, Place } from '../journal/event.ts';
import { Account, type Shortage } from './account.ts';
import { Life } from './life.ts';
import type { Session } from './session.ts';

/** Whose budget it is. `calls` are the call and all above it; none for the run's own. */
interface Budgeted {
  readonly session: Session;
  readonly place: Place;
  readonly path: string;
  readonly budget: Budget;
  readonly above: Account | undefined;
}

/** The account of a budget, with what was spent and given in earlier entries. */
export function accountOf({ session, place, path, budget, above }: Budgeted): Account {
  const { inherited } = session;
  const given = inherited?.raises.of(place);
  const caps = given === undefined ? budget : raised(budget, given.more);
  const account = new Account(place, path, caps, above, inherited?.spent.get(place));
  account.raises = given?.times ?? 0;
  return account;
}

/** Lets a person be asked for more, as long as `life` goes on. Only where the budget says so. */
export function letRaise(session: Session, account: Account, calls: () => readonly Place[], life: Life): void {
  const own = new Life(life);
  let asking: Promise<unknown> = Promise.resolve();
  account.raising = {
    ask: (short, nth) => {
      const more = askMore(session, account, calls(), short, nth, own);
      asking = more.catch(() => {});
      return more;
    },
    hold: (waiting) => session.busy.wait(waiting),
    close: async () => {
      own.end(new AmdahlError('CANCELLED', `'${account.path}' is over, and needs no more.`));
      await asking;
    },
  };
}

async function askMore(
  session: Session,
  { place, path, budget }: Account,
  calls: readonly Place[],
  { cap, bound, used }: Shortage,
  nth: number,
  life: Life,
): Promise<More | undefined> {
  const replied = await session.asks.ask(
    {
      of: 'budget',
      place,
      calls,
      path,
      question: `The budget of '${path}' caps ${cap} at ${bound}; ${used} are spent, and what comes next does not fit. How much more may it spend?`,
      // The same over entries: what is spent by now is only told.
      about: { path, cap, bound },
      form: formOf(budget, cap),
      nth,
    },
    life,
  );
  return replied.kind === 'answered' ? moreIn(replied.value) : undefined;
}

const WHAT: Readonly<Record<Cap, Json>> = {
  calls: { type: 'integer', minimum: 1, description: 'so many more model requests' },
  tokens: { type: 'integer', minimum: 1, description: 'so many more tokens, in and out' },
  usd: { type: 'number', exclusiveMinimum: 0, description: 'so many more US dollars' },
  ms: { type: 'integer', minimum: 1, description: 'so many more milliseconds' },
};

/** What there is too little of must be among what is given; of the rest only what is capped. Pure. */
function formOf(budget: Budget, cap: Cap): Json {
  const capped = CAPS.filter((one) => budget[one] !== undefined);
  return {
    type: 'object',
    properties: Object.fromEntries(capped.map((one) => [one, WHAT[one]])),
    required: [cap],
    additionalProperties: false,
  };
}

/** What an answer gives; undefined where it gives nothing. Pure. */
function moreIn(value: Json): More | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const more: { [C in Cap]?: number } = {};
  for (const cap of CAPS) {
    const given = (value as Readonly<Record<string, Json>>)[cap]; // an object of JSON
    if (typeof given === 'number' && given > 0) more[cap] = given;
  }
  return Object.keys(more).length === 0 ? undefined : more;
}

/** What people gave to the budgets of a run, by whose they are: a fold over its events. */
export class Raises {
  readonly #root: Place;
  readonly #asked = new Map<AskId, Place>();
  readonly #given = new Map<Place, { more: More; times: number }>();

  constructor(root: Place) {
    this.#root = root;
  }

  of(place: Place): { readonly more: More; readonly times: number } | undefined {
    return this.#given.get(place);
  }

  take(event: Happening): void {
    switch (event.kind) {
      case 'ask.opened':
        if (event.of === 'budget') this.#asked.set(event.ask, event.place);
        break;
      case 'ask.answered': {
        const place = this.#asked.get(event.ask);
        if (place !== undefined) this.#add(place, moreIn(event.value));
        break;
      }
      case 'call.retracted':
        // A retry forgets what was answered; other entries go on with it.
        if (event.why === 'retried') this.forget(event.place);
        break;
      case 'run.resumed':
        if (event.budget !== undefined) this.setAnew(event.budget);
        break;
      default:
        break;
    }
  }

  #add(place: Place, more: More | undefined): void {
    if (more === undefined) return;
    const before = this.#given.get(place) ?? { more: {}, times: 0 };
    const zero = Object.fromEntries(Object.keys(more).map((cap) => [cap, 0])) as More; // caps of another
    this.#given.set(place, { more: raised({ ...zero, ...before.more }, more), times: before.times + 1 });
  }

  forget(place: Place): void {
    this.#given.delete(place);
  }

  /** A cap of the run that is given again is what it is given. */
  setAnew(budget: Budget): void {
    const before = this.#given.get(this.#root);
    if (before === undefined) return;
    const more = { ...before.more };
    for (const cap of CAPS) if (budget[cap] !== undefined) delete more[cap];
    this.#given.set(this.#root, { more, times: before.times });
  }
}
