// What the compiler shows a user, compared with what a fixture expects. Called by displayed.test.ts. Pure.
//
// An expectation is a comment of its own above the line that is wrong, several may stand above one line:
//   // @displays "part of a message"     some error of the line contains the part
//   // @type Agent<string, Finding>      the line is `shown(value);` and the value's type is displayed like that

/** One error as the compiler displays it, continuation lines included. `line` counts from 1. */
export interface Displayed {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface Expected {
  readonly file: string;
  readonly line: number;
  readonly part: string;
  /** The part is the whole message. */
  readonly whole: boolean;
}

/** Reads the output of `tsc --pretty false`. */
export function parseDisplayed(output: string): readonly Displayed[] {
  const errors: Displayed[] = [];
  for (const line of output.split('\n')) {
    const [, file, at, message] = /^(.+)\((\d+),\d+\): error TS\d+: (.*)$/.exec(line) ?? [];
    const last = errors.at(-1);
    if (file !== undefined && message !== undefined) errors.push({ file, line: Number(at), message });
    else if (line.startsWith('error TS')) errors.push({ file: '(project)', line: 0, message: line });
    else if (last !== undefined && line.trim() !== '') errors.splice(-1, 1, { ...last, message: `${last.message}\n${line}` });
  }
  return errors;
}

/** Reads the expectations of one fixture. A comment with an unknown or malformed @word is itself an expectation nothing meets. */
export function parseExpected(file: string, text: string): readonly Expected[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index): readonly Expected[] => {
    const [, word, rest = ''] = /^\s*\/\/ @(\w+)\s*(.*)$/.exec(line) ?? [];
    if (word === undefined) return [];
    const behind = lines.slice(index + 1).findIndex((next) => next.trim() !== '' && !/^\s*\/\//.test(next));
    const at = { file, line: index + 2 + Math.max(behind, 0) };
    const [, part] = /^"(.+)"$/.exec(rest.trim()) ?? [];
    if (word === 'displays' && part !== undefined) return [{ ...at, part, whole: false }];
    if (word === 'type' && rest !== '') {
      return [{ ...at, part: `Argument of type '${rest.trim()}' is not assignable to parameter of type 'never'.`, whole: true }];
    }
    return [{ file, line: index + 1, part: `an expectation in a known form, not ${line.trim()}`, whole: true }];
  });
}

/** What was expected and not displayed, and what was displayed and not expected; empty when all is well. */
export function compareDisplayed(displayed: readonly Displayed[], expected: readonly Expected[]): readonly string[] {
  const meets = (error: Displayed, wish: Expected): boolean =>
    error.file === wish.file &&
    error.line === wish.line &&
    (wish.whole ? error.message.split('\n')[0] === wish.part : error.message.includes(wish.part));
  const missing = expected
    .filter((wish) => !displayed.some((error) => meets(error, wish)))
    .map((wish) => {
      const instead = displayed.filter((error) => error.file === wish.file && error.line === wish.line).map((error) => error.message);
      return `${wish.file}:${wish.line}: not displayed: ${wish.part}${instead.length === 0 ? '' : `\n  but: ${instead.join('\n  and: ')}`}`;
    });
  const surprising = displayed
    .filter((error) => !expected.some((wish) => meets(error, wish)))
    .map((error) => `${error.file}:${error.line}: not expected: ${error.message}`);
  return [...missing, ...surprising];
}
