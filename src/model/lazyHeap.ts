// A binary heap whose members may die where they stand: the dead are skipped when they surface, and swept out when they
// outnumber the living, so that a death costs O(1) amortised and a heap never holds more than twice what lives (and a
// few). Called by fairQueue.ts. Pure but for itself.

/** Below this many members nobody sweeps. */
const SWEPT_MIN = 16;

export class LazyHeap<T> {
  #members: T[] = [];
  #dead = 0;
  readonly #before: (a: T, b: T) => boolean;
  readonly #lives: (member: T) => boolean;

  /** `before` must be a strict order that never changes for two members; `lives` may turn false once, and then `died` is called. */
  constructor(before: (a: T, b: T) => boolean, lives: (member: T) => boolean) {
    this.#before = before;
    this.#lives = lives;
  }

  /** O(log n). */
  push(member: T): void {
    this.#members.push(member);
    this.#rise(this.#members.length - 1);
  }

  /** The first of the living. O(1), and O(log n) for each of the dead above it. */
  first(): T | undefined {
    for (;;) {
      const [first] = this.#members;
      if (first === undefined || this.#lives(first)) return first;
      this.#dead -= 1;
      this.#drop();
    }
  }

  /** Says that one of its members has died. O(1) amortised. */
  died(): void {
    this.#dead += 1;
    const held = this.#members.length;
    if (this.#dead < held && (held < SWEPT_MIN || this.#dead * 2 <= held)) return;
    this.#members = this.#members.filter(this.#lives);
    this.#dead = 0;
    for (let at = (this.#members.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  /** Members, the dead among them. */
  get held(): number {
    return this.#members.length;
  }

  #drop(): void {
    const last = this.#members.pop();
    if (last === undefined || this.#members.length === 0) return;
    this.#members[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const above = (at - 1) >> 1;
      if (!this.#swapped(at, above)) return;
      at = above;
    }
  }

  #sink(from: number): void {
    for (let at = from; ;) {
      const left = 2 * at + 1;
      const [a, b] = [this.#members[left], this.#members[left + 1]];
      const child = a !== undefined && b !== undefined && this.#before(b, a) ? left + 1 : left;
      if (!this.#swapped(child, at)) return;
      at = child;
    }
  }

  /** Swaps the one below with the one above where it belongs above. */
  #swapped(below: number, above: number): boolean {
    const [low, high] = [this.#members[below], this.#members[above]];
    if (low === undefined || high === undefined || !this.#before(low, high)) return false;
    this.#members[below] = high;
    this.#members[above] = low;
    return true;
  }
}
