import { describe, expect, test } from 'vitest';
import { AmdahlError } from '../../src/agent/errors.ts';
import { Life } from '../../src/run/life.ts';
import { failure } from '../support/trial.ts';

const over = (message = 'over'): AmdahlError => new AmdahlError('CANCELLED', message);

/** Code that answers or throws at once does so here too: awaiting tells no difference. */
async function lend<T>(life: Life, work: (signal: AbortSignal) => T | PromiseLike<T>): Promise<T> {
  return await life.lend(work);
}

/** root → middle → leaf, and a sibling of middle. */
function family(): { readonly root: Life; readonly middle: Life; readonly leaf: Life; readonly other: Life } {
  const root = new Life();
  const middle = new Life(root);
  return { root, middle, leaf: new Life(middle), other: new Life(root) };
}

describe('ending', () => {
  test('reaches everything below and nothing beside or above, and all know whose end it was', () => {
    const { root, middle, leaf, other } = family();
    const error = over();
    middle.end(error);
    expect([middle.error, leaf.error, leaf.origin]).toEqual([error, error, middle]);
    expect([root.error, other.error]).toEqual([undefined, undefined]);
  });

  test('happens once: the first reason stays', () => {
    const { root, leaf } = family();
    leaf.end(over('first'));
    root.end(over('second'));
    expect(leaf.error?.message).toBe('first');
    expect(leaf.origin).toBe(leaf);
  });

  test('of what is below only, makes each its own origin, or one for all', () => {
    const one = family();
    one.root.endBelow(() => over());
    expect([one.root.error, one.middle.origin, one.other.origin]).toEqual([undefined, one.middle, one.other]);
    expect(one.leaf.origin).toBe(one.middle);
    const two = family();
    two.root.endBelow(() => over(), two.root);
    expect([two.middle.origin, two.leaf.origin, two.other.origin]).toEqual([two.root, two.root, two.root]);
  });

  test('does not make a reason where nothing is below', () => {
    let made = 0;
    new Life().endBelow(() => ((made += 1), over()));
    expect(made).toBe(0);
  });

  test('does not reach what is over already', () => {
    const { root, middle, leaf } = family();
    leaf.close();
    middle.close();
    root.end(over());
    expect([middle.error, leaf.error]).toEqual([undefined, undefined]);
  });

  test('reaches what begins below it afterwards', () => {
    const { root } = family();
    root.end(over());
    const late = new Life(root);
    expect([late.error?.code, late.origin]).toEqual(['CANCELLED', root]);
  });

  test('reaches all of many, in any order of leaving', () => {
    const root = new Life();
    const lives = Array.from({ length: 20 }, () => new Life(root));
    for (const [index, life] of lives.entries()) if (index % 3 === 0) life.close();
    root.end(over());
    expect(lives.map((life) => life.error !== undefined)).toEqual(lives.map((_, index) => index % 3 !== 0));
  });
});

describe('listeners', () => {
  test('are called once, at once when it has ended, and not when they are taken back', () => {
    const { middle, root } = family();
    const heard: string[] = [];
    middle.onEnd(() => heard.push('kept'));
    middle.onEnd(() => heard.push('undone'))();
    root.end(over());
    root.end(over());
    middle.onEnd(() => heard.push('late'));
    expect(heard).toEqual(['kept', 'late']);
  });

  test('hear nothing once the work is over', () => {
    const { middle, root } = family();
    const heard: string[] = [];
    middle.onEnd(() => heard.push('x'));
    middle.close();
    root.end(over());
    expect(heard).toEqual([]);
  });
});

describe('lending', () => {
  test('gives what the code gives, sync or not, and what it throws', async () => {
    const life = new Life();
    expect(await lend(life, () => 1)).toBe(1);
    expect(await lend(life, async () => Promise.resolve(2))).toBe(2);
    await expect(
      lend(life, () => {
        throw new Error('sync');
      }),
    ).rejects.toThrow('sync');
    await expect(lend(life, async () => Promise.reject(new Error('async')))).rejects.toThrow('async');
  });

  test('aborts the signal with the reason and does not wait for code that ignores it', async () => {
    const life = new Life();
    let signal: AbortSignal | undefined;
    const lent = lend(life, async (given) => {
      signal = given;
      return await new Promise<never>(() => {});
    });
    const error = over();
    life.end(error);
    expect(await failure(lent)).toBe(error);
    expect(signal?.reason).toBe(error);
  });

  test('does not begin when it has ended', async () => {
    const life = new Life();
    life.end(over());
    let begun = false;
    expect((await failure(lend(life, () => ((begun = true), 1)))).code).toBe('CANCELLED');
    expect(begun).toBe(false);
  });

  test('that ends while the code is being started is not missed', async () => {
    const life = new Life();
    const lent = lend(life, async (signal) => {
      life.end(over('at once'));
      return await new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('heard')));
    });
    expect((await failure(lent)).message).toBe('at once');
  });

  test('leaves no listener behind', async () => {
    const life = new Life();
    let signal: AbortSignal | undefined;
    await lend(life, async (given) => {
      signal = given;
      return Promise.resolve(1);
    });
    life.end(over());
    expect(signal?.aborted).toBe(false);
  });
});

test('a check throws the reason, and nothing while it goes on', () => {
  const life = new Life();
  life.check();
  life.end(over('why'));
  expect(() => life.check()).toThrow('why');
});
