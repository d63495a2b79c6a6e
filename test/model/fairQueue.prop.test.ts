import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue, type InLine } from '../../src/model/fairQueue.ts';
import { LazyHeap } from '../../src/model/lazyHeap.ts';

interface Waiter extends InLine {
  readonly name: number;
}

type Step =
  | { readonly do: 'push'; readonly party: number; readonly depth: number }
  | { readonly do: 'back'; readonly which: number }
  | { readonly do: 'take'; readonly cost: number }
  | { readonly do: 'remove'; readonly which: number }
  | { readonly do: 'charge'; readonly party: number; readonly cost: number };

const cost = fc.integer({ min: 1, max: 64 }).map((parts) => parts / 64);
const push = fc.record({ do: fc.constant('push' as const), party: fc.nat(3), depth: fc.nat(4) });
const take = fc.record({ do: fc.constant('take' as const), cost });
const remove = fc.record({ do: fc.constant('remove' as const), which: fc.nat(999) });
const back = fc.record({ do: fc.constant('back' as const), which: fc.nat(999) });
const charge = fc.record({
  do: fc.constant('charge' as const),
  party: fc.nat(3),
  cost: fc.integer({ min: -64, max: 64 }).map((n) => n / 64),
});
const steps = (...of: readonly fc.Arbitrary<Step>[]): fc.Arbitrary<Step[]> => fc.array(fc.oneof(...of), { maxLength: 200, size: 'max' });

interface SlowParty {
  start: number;
  since: number;
  picks: number;
  turn: number;
  line: { readonly waiter: Waiter; readonly seq: number }[];
}

/** The same by its definition, in lists that are searched from end to end. */
class SlowQueue {
  readonly #parties = new Map<object, SlowParty>();
  readonly #seqs = new Map<Waiter, number>();
  #time = 0;
  #turns = 0;

  #of(key: object): SlowParty {
    const party = this.#parties.get(key) ?? { start: 0, since: 0, picks: 0, turn: 0, line: [] };
    this.#parties.set(key, party);
    return party;
  }

  push(waiter: Waiter): void {
    const party = this.#of(waiter.party);
    if (party.line.length === 0) {
      party.since = this.#time;
      party.start = Math.max(this.#time, party.start);
      party.turn = this.#turns += 1;
    }
    const seq = this.#seqs.get(waiter) ?? this.#seqs.size;
    this.#seqs.set(waiter, seq);
    party.line.push({ waiter, seq });
  }

  next(): Waiter | undefined {
    const [party] = [...this.#parties.values()]
      .filter(({ line }) => line.length > 0)
      .toSorted((a, b) => a.start - b.start || a.turn - b.turn);
    if (party === undefined) return undefined;
    const byAge = party.line.toSorted((a, b) => a.seq - b.seq);
    return (party.picks % 4 === 3 ? byAge : byAge.toSorted((a, b) => b.waiter.depth - a.waiter.depth))[0]?.waiter;
  }

  take(spent: number): Waiter | undefined {
    const waiter = this.next();
    if (waiter === undefined) return undefined;
    const party = this.#of(waiter.party);
    this.#time = Math.max(this.#time, party.start);
    party.start += spent;
    party.picks += 1;
    party.turn = this.#turns += 1;
    this.remove(waiter);
    return waiter;
  }

  remove(waiter: Waiter): void {
    const party = this.#of(waiter.party);
    party.line = party.line.filter((place) => place.waiter !== waiter);
  }

  charge(key: object, spent: number): void {
    const party = this.#of(key);
    if (party.line.length > 0) {
      party.start = Math.max(party.since, party.start + spent);
      party.turn = this.#turns += 1;
      return;
    }
    const nobody = [...this.#parties.values()].every(({ line }) => line.length === 0);
    if (spent > 0) party.start = Math.max(this.#time, party.start);
    if (spent > 0 && nobody) this.#time = party.start;
    party.start += spent;
  }
}

test('whatever happens, the next is the one that the definition says, and everybody is taken once', () => {
  fc.assert(
    fc.property(steps(push, push, push, take, take, back, remove, charge), (script) => {
      const [queue, slow] = [new FairQueue<Waiter>(), new SlowQueue()];
      const parties = [0, 1, 2, 3].map((name) => ({ name }));
      const partyAt = (at: number): object => parties[at] ?? {};
      const [line, out] = [new Set<Waiter>(), new Set<Waiter>()];
      for (const step of script) {
        if (step.do === 'charge') for (const one of [queue, slow]) one.charge(partyAt(step.party), step.cost);
        if (step.do === 'take') {
          const waiter = queue.take(step.cost);
          expect(waiter).toBe(slow.take(step.cost));
          if (waiter === undefined) continue;
          expect(line.delete(waiter)).toBe(true);
          out.add(waiter);
        }
        if (step.do === 'remove' || step.do === 'back') {
          const from = [...(step.do === 'remove' ? line : out)];
          const waiter = from[step.which % from.length];
          if (waiter === undefined) continue;
          if (step.do === 'remove') for (const one of [queue, slow]) one.remove(waiter);
          else for (const one of [queue, slow]) one.push(waiter);
          if (step.do === 'remove') line.delete(waiter);
          else out.delete(line.add(waiter) && waiter);
        }
        if (step.do === 'push') {
          const waiter = { party: partyAt(step.party), depth: step.depth, name: line.size };
          for (const one of [queue, slow]) one.push(waiter);
          line.add(waiter);
        }
        expect(queue.next()).toBe(slow.next());
        expect(new Set(queue.waiting())).toEqual(line);
        expect(queue.size).toBe(line.size);
      }
      for (let left = line.size; left > 0; left -= 1) expect(queue.take(1)).toBe(slow.take(1));
      expect(queue.next()).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test('while two wait, what they got differs by no more than the largest cost of one and the largest of the other', () => {
  fc.assert(
    fc.property(steps(push, take, take, remove), fc.tuple(cost, cost, cost, cost), (script, most) => {
      const queue = new FairQueue<Waiter>();
      const parties = most.map((max) => ({ max, got: 0, waiting: 0 }));
      type Party = (typeof parties)[number];
      // For every pair, how far apart they have been since both began to wait.
      const apart = new Map<string, { least: number; most: number }>();
      const look = (a: Party, b: Party, key: string): void => {
        const now = a.got - b.got;
        const seen = apart.get(key) ?? { least: now, most: now };
        apart.set(key, { least: Math.min(seen.least, now), most: Math.max(seen.most, now) });
        expect(Math.max(seen.most, now) - Math.min(seen.least, now)).toBeLessThanOrEqual(a.max + b.max + 1e-9);
        if (a.waiting === 0 || b.waiting === 0) apart.delete(key);
      };
      for (const step of script) {
        const party = step.do === 'push' ? parties[step.party] : undefined;
        if (step.do === 'push' && party !== undefined) {
          for (let n = 0; n < 3; n += 1) queue.push({ party, depth: step.depth, name: n });
          party.waiting += 3;
        }
        if (step.do === 'take' || step.do === 'remove') {
          const all = step.do === 'take' ? [queue.next()] : [...queue.waiting()];
          const waiter = step.do === 'take' ? all[0] : all[step.which % all.length];
          const of = parties.find((one) => one === waiter?.party);
          if (waiter === undefined || of === undefined) continue;
          if (step.do === 'remove') queue.remove(waiter);
          else {
            queue.take(of.max * step.cost);
            of.got += of.max * step.cost;
          }
          of.waiting -= 1;
        }
        for (const [i, a] of parties.entries()) for (const [j, b] of parties.slice(0, i).entries()) look(a, b, `${i} ${j}`);
      }
    }),
    { numRuns: 300 },
  );
});

test('nobody starves: with n older ones before it, one goes at the latest with the 4(n + 1)th pick of its run', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ pushes: fc.array(fc.nat(9), { maxLength: 3 }), takes: fc.nat(2) }), { maxLength: 80 }), (script) => {
      const queue = new FairQueue<Waiter>();
      const run = {};
      let picks = 0;
      const due = new Map<Waiter, number>();
      const takeOne = (): void => {
        const waiter = queue.take(1);
        if (waiter === undefined) return;
        picks += 1;
        expect(picks).toBeLessThanOrEqual(due.get(waiter) ?? 0);
        due.delete(waiter);
      };
      for (const { pushes, takes } of script) {
        for (const depth of pushes) {
          const waiter = { party: run, depth, name: picks };
          due.set(waiter, picks + 4 * (queue.size + 1));
          queue.push(waiter);
        }
        for (let n = 0; n < takes; n += 1) takeOne();
      }
      while (queue.size > 0) takeOne();
    }),
  );
});

test('how many go before a newcomer is never said too high, whoever comes and whoever is taken', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5), { maxLength: 40 }), fc.nat(30), fc.nat(5), (depths, before, depth) => {
      const queue = new FairQueue<Waiter>();
      const run = {};
      for (const one of depths) queue.push({ party: run, depth: one, name: 0 });
      for (let n = 0; n < before; n += 1) queue.take(1);
      const ahead = queue.ahead(run, depth);
      const newcomer = { party: run, depth, name: 1 };
      queue.push(newcomer);
      let passed = 0;
      while (queue.take(1) !== newcomer) passed += 1;
      expect(passed).toBeGreaterThanOrEqual(ahead);
    }),
  );
});

test('a heap gives the first of the living and holds few of the dead', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ key: fc.nat(50), dies: fc.nat(999) }), { maxLength: 300 }), (script) => {
      const living = new Set<{ readonly key: number }>();
      const heap = new LazyHeap<{ readonly key: number }>(
        (a, b) => a.key < b.key,
        (member) => living.has(member),
      );
      for (const { key, dies } of script) {
        const member = { key };
        living.add(member);
        heap.push(member);
        const dead = dies % 3 === 0 ? undefined : [...living][dies % living.size];
        if (dead !== undefined) {
          living.delete(dead);
          heap.died();
        }
        expect(heap.first()?.key).toBe([...living].map((one) => one.key).toSorted((a, b) => a - b)[0]);
        expect(heap.held).toBeLessThanOrEqual(Math.max(16, 2 * living.size + 1));
      }
    }),
  );
});

test('a heap asks for n log n comparisons, whoever dies first', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat()), fc.boolean(), (keys, fromTheEnd) => {
      const members = [...keys.take(2_000)].map((key) => ({ key, lives: true }));
      let compared = 0;
      const heap = new LazyHeap<(typeof members)[number]>(
        (a, b) => {
          compared += 1;
          return a.key < b.key;
        },
        ({ lives }) => lives,
      );
      for (const member of members) heap.push(member);
      for (const member of fromTheEnd ? members.toSorted((a, b) => b.key - a.key) : members) {
        member.lives = false;
        heap.died();
        heap.first();
      }
      expect([heap.first(), heap.held]).toEqual([undefined, 0]);
      expect(compared).toBeLessThanOrEqual(2_000 * 3 * 11);
    }),
    { numRuns: 10 },
  );
});
