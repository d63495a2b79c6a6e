// That there is no value for a part of a schema: thrown on the way in, caught where another choice is left, and told with
// its place where none is. Never leaves generate.ts.

export class Impossible extends Error {
  /** From the value as a whole to the part: names of properties and places in lists. */
  readonly #path: (string | number)[] = [];

  /** `why` goes behind the part: "has no value (why)". */
  constructor(why: string) {
    super(why);
  }

  within(name: string | number): this {
    this.#path.unshift(name);
    return this;
  }

  /** $.list[0].name */
  get part(): string {
    return this.#path.map((name) => (typeof name === 'number' ? `[${name}]` : `.${name}`)).reduce((all, one) => all + one, '$');
  }
}

/** Makes a part of something; what is impossible in it is known by its place. */
export function within<T>(name: string | number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof Impossible ? error.within(name) : error;
  }
}

/** Whether there was a value. */
export function attempted(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof Impossible) return false;
    throw error;
  }
}
