// The context a run was given, held against what each part of the program declares. Made once per entry, before anything
// is claimed; asked by the funnel wherever a part's code runs.
//
// X1 a part gets what its own schema gave, and the same value each time in one entry.
// X2 no value of a context enters an error, an event or a hash: what does not fit is told by its path alone.

import { type ContextPart, contextParts } from '../agent/context.ts';
import type { Contract } from '../agent/contract.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError, type Problem } from '../agent/errors.ts';
import { parsePath } from '../agent/path.ts';

export class Contexts {
  readonly #raw: unknown;
  readonly #given = new Map<Contract, unknown>();

  private constructor(raw: unknown) {
    this.#raw = raw;
  }

  /**
   * Validates the context for every part of an agent that is known without running it.
   * @throws AmdahlError CONTEXT_MISSING, CONTRACT_VIOLATION naming the part and the fields.
   */
  static async of(root: AnyAgent, raw: unknown): Promise<Contexts> {
    const contexts = new Contexts(raw);
    for (const { contract, who } of contextParts(root)) await contexts.give(contract, who);
    return contexts;
  }

  /**
   * What a part gets; undefined for a part that declares nothing. Agents that only a flow's code names are held against
   * theirs here, when they are first asked.
   * @throws AmdahlError as `of`
   */
  give(contract: Contract | undefined, who: string): unknown {
    if (contract === undefined) return undefined;
    if (this.#given.has(contract)) return this.#given.get(contract);
    return this.#validated({ contract, who });
  }

  async #validated(part: ContextPart): Promise<unknown> {
    let checked: Awaited<ReturnType<Contract['validate']>>;
    try {
      checked = await part.contract.validate(this.#raw);
      // Without any context a schema says nothing of fields; of an empty one it names those that are missing.
      if (!checked.ok && this.#raw === undefined) {
        const empty = await part.contract.validate({});
        if (!empty.ok) checked = empty;
      }
    } catch {
      // What the schema threw may hold what it was given.
      throw new AmdahlError(
        'CODE_FAILED',
        `The schema of the context of ${part.who} threw. A refinement or transform should report an issue instead of throwing.`,
      );
    }
    if (!checked.ok) throw this.#refused(part, checked.problems);
    this.#given.set(part.contract, checked.value);
    return checked.value;
  }

  /** Names paths and nothing else: messages of schemas may hold the value. */
  #refused({ who }: ContextPart, problems: readonly Problem[]): AmdahlError {
    if (this.#raw === undefined) {
      const fields = namesOf(problems);
      const what = fields === '' ? 'a context' : `a context with ${fields}`;
      return new AmdahlError('CONTEXT_MISSING', `${who} needs ${what} and the run was given none. ${remedy}`.replace(/^t/, 'T'), {
        data: { part: who },
      });
    }
    const missing = problems.filter(({ path }) => path !== '' && valueAt(this.#raw, path) === undefined);
    const named = missing.length > 0 ? missing : problems;
    const paths = named.map(({ path }) => ({ path, message: missing.length > 0 ? 'is missing' : 'does not fit' }));
    const what =
      missing.length > 0
        ? `needs ${namesOf(missing)} in the run's context, which has none`
        : `declares a context that the run's does not fit${where(problems)}`;
    return new AmdahlError(missing.length > 0 ? 'CONTEXT_MISSING' : 'CONTRACT_VIOLATION', `${who} ${what}. ${remedy}`.replace(/^t/, 'T'), {
      problems: paths,
      data: { part: who, side: 'context' },
    });
  }
}

const remedy =
  "Give run() all of it as context; at the command line the program's export context(subject) makes it. Values are not shown here.";

function where(problems: readonly Problem[]): string {
  const names = namesOf(problems);
  return names === '' ? '' : ` at ${names}`;
}

function namesOf(problems: readonly Problem[]): string {
  return [...new Set(problems.map(({ path }) => path))]
    .filter((path) => path !== '')
    .map((path) => `'${path}'`)
    .join(', ');
}

/** What stands at a path of a problem; undefined where nothing does. Reading may run getters of what was given: they may throw. */
function valueAt(raw: unknown, path: string): unknown {
  try {
    let value: unknown = raw;
    for (const step of parsePath(path)) {
      if (typeof value !== 'object' || value === null || (typeof step !== 'string' && typeof step !== 'number')) return undefined;
      value = Reflect.get(value, step);
    }
    return value;
  } catch {
    return undefined;
  }
}
