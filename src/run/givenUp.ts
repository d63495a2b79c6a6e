// Why a signal is aborted that ends no run: this process gives it up, and another may go on. Thrown in by recover.ts, told
// from a cancel by run.ts.

export class GivenUp extends Error {
  constructor() {
    super('this process gives its runs up');
  }
}
