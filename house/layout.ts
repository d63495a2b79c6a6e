// The house's plan as data: which folder may import which, who owns which package, what a file may be called.
// Read by floors.ts and by nobody else. To allow an exception, add it here with its reason.

/** For each folder of src/, what of src/ it may import: whole folders, or single files. Itself is understood. */
export const FLOORS: Readonly<Record<string, readonly string[]>> = {
  agent: [],
  // Errors, JSON and the words in which agents are defined; never what makes or runs them.
  journal: ['agent/errors.ts', 'agent/canonical.ts', 'agent/options.ts', 'agent/definition.ts', 'agent/budget.ts', 'agent/effect.ts'],
  model: ['agent', 'journal'],
  run: ['agent', 'journal', 'model'],
  compose: ['agent', 'run/scope.ts'],
  // A server that stands in for providers: it speaks their protocols and knows nothing of runs.
  modelServer: ['agent', 'model/tokens.ts'],
  // Runs in which stand-ins answer for models and the world.
  testing: ['agent', 'journal', 'model', 'modelServer', 'run'],
  cli: ['agent', 'journal', 'model', 'modelServer', 'run', 'compose', 'testing', 'index.ts', 'testing.ts'],
};

/** The public face: files beside the folders, which may import every folder but these. */
export const ENTRIES: readonly string[] = ['index.ts', 'testing.ts'];
export const CLOSED_TO_ENTRIES: readonly string[] = ['cli'];

/** What each place outside src/ may import from the rest of the tree. */
export const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  src: [],
  // The page of the command line is written from its definitions.
  house: ['src/cli/commands.ts', 'src/cli/terminal.ts'],
  examples: ['src/index.ts', 'src/testing.ts'],
  bench: ['src', 'examples'],
  test: ['src', 'examples', 'bench', 'house'],
};

/** Packages that more than one folder of src/ may import, and why. Their types only: values stay in one folder. */
export const SHARED_TYPES: Readonly<Record<string, string>> = {
  '@ai-sdk/provider': 'its messages and models are the words in which journal and agents speak',
  '@standard-schema/spec': 'it has nothing but types, and every signature that takes a schema names them',
};

/** Folders in which import() may take something other than a literal, and why. */
export const COMPUTED_IMPORTS: Readonly<Record<string, string>> = {
  cli: 'it loads the program that the user names',
  run: 'it loads the provider package that a model is named after, if it is installed',
};

/** Attics: a file is called after the noun that lives in it. */
export const ATTIC: RegExp = /^(utils?|helpers?|common|misc|types?|managers?)$|(Utils?|Helpers?|Managers?)$/;

/** lowerCamelCase, with dotted kinds behind it: `place.ts`, `place.prop.test.ts`. */
export const FILE_NAME: RegExp = /^[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*\.ts$/;

/** Folders whose files open with a comment that says what lives there. */
export const INTRODUCED: readonly string[] = ['src', 'house', 'bench', 'examples'];

/** Programs that are wrong on purpose (test/types/displayed.test.ts), and apps that their own tools build (test/frameworks). */
export const FIXTURES: readonly string[] = ['test/types/fixtures/', 'test/fixtures/next/', 'test/fixtures/express/'];
