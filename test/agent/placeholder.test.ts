import { describe, expect, test } from 'vitest';
import { judge } from '../../src/agent/checks.ts';
import { noPlaceholder } from '../../src/agent/placeholder.ts';

function refused(output: unknown, input: unknown = 'nothing of it', paths?: string | string[], results: unknown[] = []): string[] {
  const evidence = { input, results: results.map((result) => ({ tool: 'read', args: { text: 'TODO' }, result })) };
  const problems = judge([noPlaceholder(paths)], output, evidence, 'a');
  if (problems instanceof Promise) throw new Error('it is sync');
  return problems.map((problem) => problem.path);
}

const placeholders = `TODO|todo|TBD|T.B.D.|tba|FIXME|#N/A|n/a|N/A|N/A.|(n/a)|None provided|not provided|Not available|not applicable
No description provided|no information provided.|Lorem ipsum|Lorem ipsum dolor sit amet, consectetur adipiscing|placeholder|Placeholder text
This is a placeholder.|Placeholder for summary|placeholder_name|<your name>|<Your Name>|<company name>|<description>|<string>|<TODO>|[TODO]
[insert name]|[Insert summary here]|[Your Name]|[date]|[PLACEHOLDER]|<insert quote here>|{{x}}|{{ user.name }}|{placeholder}|string|"string"
example text|Sample text|dummy text|some text|xxx|XXX|…|...|. . .|???|_____|**TODO**|TODO: fill in|TODO: add description|TODO - complete this
to be determined|To be added|your text here|Insert text here|enter your answer here|Description here|summary goes here|coming soon|asdf
blah blah blah|foo bar|[To be completed]|[Placeholder text]|not given`.split(/[|\n]/);

/** Whole answers that only look like the above. */
const answers = `The TODO in line 3 is stale|none|None|unknown|null|NA|-|x|xx|yes|test|foo|TODO: implement the parser for nested lists
TODO comments remain in 3 files|Add a null check here|Insert a semicolon here|<div>|<Button onClick={x}>|<title>|<input disabled>|<a@b.c>|<T>|<stdin>
[1]|[redacted]|[x]|[ ]|[link](http://x)|[WIP] Fix the parser|[Errno 2] No such file|Example|The string is empty|A string|String concatenation
string or undefined|not found|none found|none given|None given.|No issues found|Not specified|not stated in the contract|(none)|(no output)
No placeholder was used|The placeholder is not translated|Placeholder of the input is hard-coded|Lorem ipsum text is left in the footer|Your name
Your account was closed|Your data is used for ads|Enter your email|\${HOME}|{ a: 1 }|{id}|/users/{id}|...and more|Wait...|Name|Title|Date|Data|Description
John Doe|example.com|Example output|Sample size|sample data is wrong|TBD by the client in the next meeting|Still to be determined by the board
Provide input validation|Add file|Add comments|Write tests|Add description of the API to the README|The field "name" is missing|No data given to third parties`.split(
  /[|\n]/,
);

test.each(placeholders)('%s is a placeholder', (text) => {
  expect(refused({ summary: text })).toEqual(['summary']);
});

test.each(answers)('%s is an answer', (text) => {
  expect(refused({ summary: text })).toEqual([]);
});

test('fields are judged anywhere in the output, by their paths, and text outputs as a whole', () => {
  expect(refused({ a: [{ b: 'TODO' }, { b: 'fine' }], c: 'n/a' })).toEqual(['a[0].b', 'c']);
  expect(refused('lorem ipsum')).toEqual(['']);
  expect(refused({ type: 'string | undefined' })).toEqual([]);
  expect(refused({ a: null, b: 1, c: true, d: '', e: [] })).toEqual([]);
});

test('with paths, only what stands there and below it is judged', () => {
  const output = { summary: 'TODO', findings: [{ quote: 'n/a', tags: ['tbd'] }] };
  expect(refused(output, 'x', 'findings[*]')).toEqual(['findings[0].quote', 'findings[0].tags[0]']);
  expect(refused(output, 'x', ['summary'])).toEqual(['summary']);
});

describe('what the call was given is never refused', () => {
  test.each([
    ['TODO', '// TODO: free the buffer'],
    ['N/A', { phone: 'N/A' }],
    ['to be  determined', 'The price is to be\ndetermined.'],
    ['{{ user.name }}', 'Hello {{user.name}} and {{ user.name }}'],
    ['<your name>', 'Dear <your name>,'],
    ['...', ['...']],
    ['xxx', 'rated XXX'],
  ])('%s', (text, input) => {
    expect(refused({ quote: text }, input)).toEqual([]);
  });

  test('nor what a tool returned, but arguments that the model wrote do not count', () => {
    expect(refused({ quote: 'TODO' }, 'x', undefined, ['line 3: TODO'])).toEqual([]);
    expect(refused({ quote: 'TODO' }, 'x', undefined, ['line 3'])).toEqual(['quote']);
  });

  test('but only as a whole: not inside a word, and marks not inside a text', () => {
    expect(refused({ quote: 'xxx' }, 'axxxb')).toEqual(['quote']);
    expect(refused({ quote: '...' }, 'and so on ... or not')).toEqual(['quote']);
  });
});

test('a state or a type may be a word that is a placeholder elsewhere, unless the field was named', () => {
  expect(refused({ status: 'todo', paramType: 'string', category: 'n/a', title: 'todo' })).toEqual(['title']);
  expect(refused({ status: '<your status>' })).toEqual(['status']);
  expect(refused({ status: 'todo' }, 'x', 'status')).toEqual(['status']);
});

test('the model is told what to do', () => {
  const problems = judge([noPlaceholder()], { summary: 'TODO' }, { input: '', results: [] }, 'a');
  expect(problems).toEqual([
    { path: 'summary', message: 'noPlaceholder: "TODO" is a placeholder: write what belongs here; if it is not known, say so in words' },
  ]);
});
