import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, flow, human, map, pipe, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Person, refusal } from '../support/answering.ts';
import { refusal as refused, toolAnswers, Trial } from '../support/trial.ts';

const HOUR = 3_600_000;
const Decision = z.object({ verdict: z.enum(['publish', 'hold']), why: z.string().optional() });

describe('a person', () => {
  test('is asked what the program says, about what it is given, and answers in the form of its output', async () => {
    const trial = new Trial();
    const editor = human({
      name: 'editor',
      input: z.object({ title: z.string() }),
      output: Decision,
      question: ({ title }) => `Publish "${title}"?`,
      expires: HOUR,
    });
    const person = new Person(trial, () => ({ verdict: 'hold', why: 'too long' }));
    const { output, bill } = await trial.run(editor, { title: 'Moss' }, person.options);
    expect(output).toEqual({ verdict: 'hold', why: 'too long' });
    expect(person.asked).toEqual([
      {
        ask: expect.any(String),
        run: 'r',
        agent: 'editor',
        path: 'editor',
        of: 'human',
        question: 'Publish "Moss"?',
        about: { title: 'Moss' },
        form: editor.output.jsonSchema(),
        openedAt: 1_000_000,
        expiresAt: 1_000_000 + HOUR,
      },
    ]);
    expect((await trial.events('ask.answered')).map(({ by }) => by)).toEqual(['ana']);
    expect(bill.calls).toBe(0);
  });

  test('is asked plain text where nothing is declared, for seven days where nothing else is said', async () => {
    const trial = new Trial();
    const person = new Person(trial, ({ about }) => `${about as string}!`);
    expect((await trial.run(human({ name: 'poet', question: 'Go on:' }), 'moss', person.options)).output).toBe('moss!');
    expect(person.asked[0]).not.toHaveProperty('form');
    expect(person.asked[0]?.expiresAt).toBe(1_000_000 + 7 * 24 * HOUR);
  });

  test('stands wherever an agent does: in a pipe, for each item of a map, as a tool of a model', async () => {
    const editor = human({ name: 'editor', description: 'Asks the editor.', question: 'Better?' });
    const shout = step({ name: 'shout', execute: (text) => text.toUpperCase() });
    const piped = new Trial();
    expect((await piped.run(pipe(editor, shout), 'a', new Person(piped, ({ about }) => `${about as string}b`).options)).output).toBe('AB');

    const mapped = new Trial();
    const each = new Person(mapped, ({ about }) => `${about as string}!`);
    expect((await mapped.run(map(editor), ['a', 'b', 'c'], each.options)).output).toEqual(['a!', 'b!', 'c!']);
    expect(each.asked.map(({ path }) => path).toSorted()).toEqual([
      'map(editor)[0]/editor',
      'map(editor)[1]/editor',
      'map(editor)[2]/editor',
    ]);
    expect(new Set(each.asked.map(({ ask }) => ask)).size).toBe(3);

    const modelled = new Trial();
    const model = scripted([{ tools: [['editor', { input: 'draft' }]] }, { text: 'done' }]);
    const writer = agent({ name: 'writer', model, instructions: 'x', tools: { editor } });
    expect((await modelled.run(writer, 'go', new Person(modelled, () => 'final').options)).output).toBe('done');
    expect(toolAnswers(model, 1)).toEqual(['final']);
  });
});

describe('an answer that does not stand', () => {
  const editor = (repairs?: number): ReturnType<typeof human<'editor', undefined, typeof Decision>> =>
    human({
      name: 'editor',
      output: Decision,
      question: 'Publish?',
      checks: [({ verdict, why }) => (verdict === 'hold' && why === undefined ? 'say why it is held' : undefined)],
      ...(repairs === undefined ? {} : { repairs }),
    });

  test('is asked for again, with what was wrong', async () => {
    const trial = new Trial();
    const person = new Person(trial, (_, nth) => (nth === 0 ? { verdict: 'hold' } : { verdict: 'hold', why: 'thin' }));
    expect((await trial.run(editor(), 'moss', person.options)).output).toEqual({ verdict: 'hold', why: 'thin' });
    expect(person.asked.map(({ question }) => question)).toEqual([
      'Publish?',
      'Publish?\n\nThe answer before was not taken: check 1: say why it is held.',
    ]);
  });

  test('is asked for again where it is larger than an output may be', async () => {
    const trial = new Trial();
    const person = new Person(trial, (_, nth) => (nth === 0 ? 'x'.repeat(101) : 'short'));
    const poet = human({ name: 'poet', question: 'Go on:' });
    expect((await trial.run(poet, 'moss', { ...person.options, limits: { payloadBytes: 100 } })).output).toBe('short');
    expect(person.asked[1]?.question).toContain("The output of 'poet' has 101 bytes: the limit 'payloadBytes' is 100");
  });

  test('fails the call after so many, and a resume asks afresh', async () => {
    const trial = new Trial();
    const person = new Person(trial, (_, nth) => (nth < 3 ? { verdict: 'hold' } : { verdict: 'publish' }));
    const error = await trial.fails(editor(1), 'moss', person.options);
    expect(error).toMatchObject({ code: 'CHECK_FAILED', problems: [{ message: 'check 1: say why it is held' }] });
    expect(person.asked).toHaveLength(2);
    expect((await trial.run(editor(1), 'moss', person.options)).output).toEqual({ verdict: 'publish' });
    expect(person.asked).toHaveLength(4);
  });
});

describe('a refusal', () => {
  test('fails the call with who and why, and nothing answers in its place', async () => {
    const trial = new Trial();
    const editor = human({ name: 'editor', question: 'Publish?', otherwise: 'yes' });
    const error = await trial.fails(editor, 'moss', new Person(trial, () => refusal('not mine to say.')).options);
    expect(error).toMatchObject({
      code: 'ASK_REFUSED',
      message: "The question of 'editor' was refused by ana: not mine to say.",
      data: { reason: 'not mine to say.', by: 'ana' },
    });
  });

  test('stays refused where a program caught it, whatever the program says by then; going on with a failed run asks again', async () => {
    const caught = new Trial();
    const asking = (question: string, thing: string): ReturnType<typeof flow> =>
      flow({
        name: 'desk',
        run: async (input: string, ctx) => {
          const said = await ctx.call(human({ name: 'editor', question }), input).catch(({ code }: { code: string }) => code);
          await ctx.call(step({ name: 'then', execute: () => (thing === 'break' ? Promise.reject(new Error('no')) : thing) }), said);
          return said;
        },
      });
    const person = new Person(caught, () => refusal('no'));
    await caught.fails(asking('Publish?', 'break'), 'moss', person.options);
    const { output, resume } = await caught.run(asking('Publish it?', 'ok'), 'moss', person.options);
    expect(output).toBe('ASK_REFUSED');
    expect(person.asked).toHaveLength(1);
    expect(resume?.kept).toEqual([{ path: 'desk/editor', code: 'ASK_REFUSED' }]);

    const failed = new Trial();
    const twice = new Person(failed, (_, nth) => (nth === 0 ? refusal('later') : 'yes'));
    const editor = human({ name: 'editor', question: 'Publish?' });
    await failed.fails(editor, 'moss', twice.options);
    expect((await failed.run(editor, 'moss', twice.options)).output).toBe('yes');
  });
});

describe('where nobody answers in time', () => {
  const silent = (trial: Trial): Person => new Person(trial, () => undefined);

  test('the call fails, or what was said beforehand counts: a value, a function, an agent that gets the same input', async () => {
    const nobody = new Trial();
    const error = await nobody.fails(human({ name: 'editor', question: 'Publish?', expires: HOUR }), 'moss', silent(nobody).options);
    expect(error.code).toBe('ASK_EXPIRED');
    expect(nobody.clock.now()).toBe(1_000_000 + HOUR);

    const value = new Trial();
    const output = Decision;
    const held = human({ name: 'editor', output, question: 'Publish?', expires: HOUR, otherwise: { verdict: 'hold' } });
    expect((await value.run(held, 'moss', silent(value).options)).output).toEqual({ verdict: 'hold' });

    const code = new Trial();
    const counted = human({ name: 'editor', question: 'Publish?', expires: HOUR, otherwise: (input) => `${input.length} letters` });
    expect((await code.run(counted, 'moss', silent(code).options)).output).toBe('4 letters');

    const other = new Trial();
    const model = scripted([{ object: { verdict: 'publish' } }]);
    const deputy = agent({ name: 'deputy', model, output, instructions: 'Decide.' });
    const represented = human({ name: 'editor', output, question: 'Publish?', expires: HOUR, otherwise: deputy });
    expect((await other.run(represented, 'moss', silent(other).options)).output).toEqual({ verdict: 'publish' });
    expect(represented.shape.children.map(({ name }) => name)).toEqual(['deputy']);
    expect((await other.events('call.started')).map(({ path }) => path)).toEqual(['editor', 'editor/deputy']);
  });

  test('what counts then is held against contract and checks too, and nobody is asked again for it', async () => {
    const trial = new Trial();
    const person = silent(trial);
    const short = human({ name: 'editor', question: 'Name?', expires: HOUR, otherwise: () => '', checks: [(name) => (name === '' ? 'no name' : undefined)] }); // prettier-ignore
    expect((await trial.fails(short, 'moss', person.options)).code).toBe('CHECK_FAILED');
    expect(person.asked).toHaveLength(1);
  });
});

describe('what a person answered', () => {
  test('always answers on a resume, whatever the program says by then, and is asked for once', async () => {
    const trial = new Trial();
    const person = new Person(trial, () => 'moss is fine');
    const desk = (editor: ReturnType<typeof human<'editor'>>, thing: () => string): ReturnType<typeof flow> =>
      flow({
        name: 'desk',
        run: async (input: string, ctx) => {
          const said = await ctx.call(editor, input);
          return `${said}, ${await ctx.call(step({ name: 'then', execute: thing }), said)}`;
        },
      });
    await trial.fails(desk(human({ name: 'editor', question: 'Publish?' }), () => { throw new Error('no'); }), 'moss', person.options); // prettier-ignore
    const stricter = human({ name: 'editor', question: 'Really publish?', checks: [() => 'never good enough'] });
    const { output, resume } = await trial.run(desk(stricter, () => 'printed'), 'moss', person.options); // prettier-ignore
    expect(output).toBe('moss is fine, printed');
    expect(person.asked).toHaveLength(1);
    expect(resume?.changed).toEqual(['desk/editor']);
  });

  test('is used nowhere else: neither by another run that may take answers, nor by an equal question at another place', async () => {
    const trial = new Trial();
    const person = new Person(trial, (_, nth) => `answer ${nth}`);
    const editor = human({ name: 'editor', question: 'Publish?' });
    const scoped = { ...person.options, scope: 'acme', reuse: 'journal' as const };
    await trial.run(editor, 'moss', scoped);
    expect((await trial.run(editor, 'moss', { ...scoped, id: 'other', rerun: 'r' })).output).toBe('answer 1');
    expect((await trial.run(map(editor), ['x', 'x'], { ...scoped, id: 'third' })).output).toEqual(['answer 2', 'answer 3']);
  });

  test('is asked for again by a retry of its call alone', async () => {
    const trial = new Trial();
    const person = new Person(trial, (_, nth) => `answer ${nth}`);
    const editor = human({ name: 'editor', question: 'Publish?' });
    await trial.run(editor, 'moss', person.options);
    expect((await trial.run(editor, 'moss', person.options)).output).toBe('answer 0');
    expect((await trial.run(editor, 'moss', { ...person.options, retry: ['editor'] })).output).toBe('answer 1');
  });
});

test('a person that is defined in a way that makes no sense is refused with advice', () => {
  const question = 'x';
  expect(refused(() => human({ name: 'h' } as never)).message).toContain("The human 'h' has nothing as question");
  expect(refused(() => human({ name: 'h', question, attempts: 2 } as never)).message).toContain("an option 'attempts' that does not exist");
  expect(refused(() => human({ name: 'h', question, expires: 0 })).message).toContain('expires: 0');
  expect(refused(() => human({ name: 'h', question, output: Decision, otherwise: { verdict: 'burn' } as never })).message).toContain(
    "The human 'h' has an otherwise that does not fit its own output: verdict: ",
  );
  expect(refused(() => human({ name: 'h', question, output: z.date() })).code).toBe('NO_JSON_SCHEMA');
});

test('a question that is no text fails the call, and nobody is asked', async () => {
  const trial = new Trial();
  const error = await trial.fails(human({ name: 'h', question: () => '' }), 'x');
  expect(error.message).toContain("The question of 'h' is no text");
  expect(await trial.events('ask.opened')).toEqual([]);
});

test('an effect of whoever answers otherwise waits for the person to be content with it', async () => {
  const trial = new Trial();
  const sent: unknown[] = [];
  const mail = tool({ effect: 'staged', description: 'Mails.', input: z.object({ to: z.string() }), execute: ({ to }) => sent.push(to) });
  const model = scripted([{ tools: [['mail', { to: 'ana' }]] }, { text: 'bad' }]);
  const deputy = agent({ name: 'deputy', model, instructions: 'x', tools: { mail } });
  const editor = human({ name: 'editor', question: 'Mail?', expires: HOUR, otherwise: deputy, checks: [(said) => (said === 'bad' ? 'bad' : undefined)] }); // prettier-ignore
  expect((await trial.fails(editor, 'x')).code).toBe('CHECK_FAILED');
  expect(sent).toEqual([]);
});
