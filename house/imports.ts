// What a TypeScript file imports, found by a real parser: static imports, re-exports, import() and types by
// import(). Called by floors.ts. Pure.

import { parseSync, Visitor } from 'oxc-parser';

export interface Import {
  /** The module as it is written; undefined where import() takes something other than a literal. */
  readonly specifier: string | undefined;
  /** Nothing of it is left when the types are taken away. */
  readonly typeOnly: boolean;
  /** From 1. */
  readonly line: number;
}

export interface Source {
  readonly imports: readonly Import[];
  /** Whether the file opens with a comment (a #! line aside). */
  readonly introduced: boolean;
  /** Why the file cannot be parsed. */
  readonly errors: readonly string[];
}

/** Parses one file. Cost linear in its length. */
export function readSource(file: string, text: string): Source {
  const { module, program, errors } = parseSync(file, text);
  const imports: Import[] = [];
  const add = (specifier: string | undefined, typeOnly: boolean, offset: number): void => {
    imports.push({ specifier, typeOnly, line: text.slice(0, offset).split('\n').length });
  };

  for (const found of module.staticImports) {
    const typeOnly = found.entries.length > 0 && found.entries.every((entry) => entry.isType);
    add(found.moduleRequest.value, typeOnly, found.start);
  }
  for (const found of module.staticExports) {
    const [first] = found.entries.filter((entry) => entry.moduleRequest !== null);
    const typeOnly = found.entries.every((entry) => entry.isType);
    if (first?.moduleRequest) add(first.moduleRequest.value, typeOnly, found.start);
  }
  new Visitor({
    ImportExpression(node) {
      const literal = node.source.type === 'Literal' && typeof node.source.value === 'string' ? node.source.value : undefined;
      add(literal, false, node.start);
    },
    TSImportType(node) {
      add(node.source.value, true, node.start);
    },
  }).visit(program);

  return {
    imports,
    introduced: /^(#![^\n]*\n)?\s*\/[/*]/.test(text),
    errors: errors.filter((error) => error.severity === 'Error').map((error) => error.message),
  };
}
