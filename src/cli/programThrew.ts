// The error for a program file that cannot be loaded. Thrown by program.ts, shown by report.ts.

/** The program's own code threw while it was loaded. `shown` is what its author wants to see. */
export class ProgramThrew extends Error {
  override readonly name = 'ProgramThrew';
  readonly file: string;
  readonly thrown: unknown;
  readonly hint: string | undefined;

  constructor(file: string, thrown: unknown, hint: string | undefined) {
    super(`${file} threw while it was loaded`);
    this.file = file;
    this.thrown = thrown;
    this.hint = hint;
  }
}
