// The command line: what there is to say, and what each word means. Commands are one file each, loaded when they are
// called; this one parses, calls them, and turns whatever they throw into a message and an exit code.

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { FAULTS } from '../modelServer/faults.ts';
import { loadDotEnv } from './dotEnv.ts';
import { addRerun, addResume, addRun } from './drivingCommands.ts';
import type { InitOptions } from './initCommand.ts';
import { debugging, EXIT, exitCodeOf, reportError } from './report.ts';
import { addCancel, addPrune } from './journalCommands.ts';
import type { ModelServerFlags } from './modelServerOptions.ts';
import { also, count } from './optionValues.ts';
import { addAnswer, addInbox, addRefuse } from './peopleCommands.ts';
import { addPrompt } from './promptUsage.ts';
import type { ShowOptions } from './showCommand.ts';
import type { Terminal } from './terminal.ts';
import { flushed, openTerminal } from './terminal.ts';

const RUNS_DEFAULT = 20;

const EXAMPLES = `
Examples:
  amdahl init                                    make an agent and a test of it here
  amdahl run sweep.ts --input @question.json     run the agent that sweep.ts exports
  amdahl run team.ts#review --input 'a diff'     one of several agents, with text as its input
  git diff | amdahl run review.ts --input -      the input from a pipe, the output on standard output
  amdahl run sweep.ts --budget calls=100,usd=2   stop before more is spent
  amdahl resume last                             go on after Ctrl-C, a crash or a failure; nothing is bought twice
  amdahl rerun last                              run again after an edit; only what changed is bought
  amdahl show last                               what happened: every call, its attempts, time, tokens and dollars
  amdahl show last --prompt                      exactly what was sent to the models, call by call
  amdahl inbox                                   what people are asked, and how to answer
  amdahl answer 4fOd1xQz                         answer a question; its run goes on
  amdahl script last test/sweep.script.json      turn a run into a test, which asks nobody
  amdahl cancel last                             stop a run, wherever it is worked on; resume goes on with it
  amdahl prune --older-than 30d                  delete runs that ended, after saying which
  amdahl limits                                  how many requests and tokens providers take, as far as runs have learned
  amdahl doctor                                  which providers, packages and keys are found, and whether the journal is well

Exit codes:
  0    the run succeeded, also with gaps that its program allows
  1    the run failed
  2    the command, its input or the program is wrong
  3    the run is parked: it waits for answers of people (amdahl inbox), and nothing is lost
  4    the journal cannot be used, the run is owned by another process or in conflict, or a question was answered before
  130  interrupted; amdahl resume goes on

Runs are kept in .amdahl, or where AMDAHL_DIR says; AMDAHL_JOURNAL_KEY encrypts them, and opens what it encrypted. AMDAHL_MODEL=provider/modelId is the model of agents that have none.
What .env in this folder sets counts where the environment does not set it.
AMDAHL_DEBUG=1 shows stacks, NO_COLOR=1 turns colors off.`;

const INIT_HELP = `
It writes the folder agents/, .env.example, and tsconfig.json where there is none; package.json and .gitignore get what they
lack. Without a key a stand-in answers, and says so.

Examples:
  npx amdahl init                            here
  npx amdahl init letters --template sweep   in the folder letters, which may not be there yet`;

const SHOW_HELP = `
Examples:
  amdahl show last
  amdahl show sweep-7 --all                           every call, turn and tool call
  amdahl show sweep-7 --prompt                        which calls asked a model, and what the first one sent
  amdahl show sweep-7 --prompt 'sweep[3]/review'      what one call sent; --prompt --all: what all sent
  amdahl show sweep-7 --prompt --json                 every request as one line of JSON`;

const SCRIPT_HELP = `
The test fails where the program now asks a model, or acts, otherwise than in the run. FILE holds what was said in the run:
look at it before you commit it.

Examples:
  amdahl script last test/review.script.json > test/review.test.ts
  amdahl script sweep-7 | jq '.talks[0]'`;

const LIMITS_HELP = `
One gate for each provider account and model stands in front of all agents of a process. It keeps to the limits it knows:

  config     given as rateLimits, in run() or in the options a program exports
  announced  told by the provider in the headers of its answers
  learned    guessed from requests that were refused for their rate (429)
  overload   no limit of the account: requests failed (503, 529, time-outs), and fewer go at once until they are answered

- is not known, and then not kept to. PUSH-BACKS counts the moments at which the gate was pushed back: several requests
that are refused for their rate at one moment are one. Each request that an overloaded provider drops counts as one, too.
Without RUN the newest runs are read, and the newest of each gate is shown.

What is configured is kept to from the first request on, so that nothing is pushed back at all:

  export const options = { rateLimits: { 'openai/gpt-5': { requestsPerMinute: 500, tokensPerMinute: 200_000 } } };

Examples:
  amdahl limits
  amdahl limits last
  amdahl limits sweep-7 --json | jq .limits`;

const MODEL_SERVER_HELP = `
Faults, each with its share of requests (--fault 503=20% --fault hang:30000=2%):
FAULTS

An answer in --answers is a text, or has text, object, tools, reasoning or refusal. A list is said in its order; a function
gets the request and says one:

  ["Hello.", { "tools": [{ "name": "search", "args": { "query": "lamp" } }] }, { "object": { "found": 3 } }]

In a test the server is started from code, and a function switches faults on and off:

  import { startModelServer } from 'amdahl/testing';
  let down = false;
  const server = await startModelServer({ faults: () => (down ? '503' : undefined) });

Examples:
  amdahl model-server --port 8080 --rpm 60 --limits announced
  amdahl model-server --port 8080 --latency lognormal:200:0.5 --fault 500=5%`;

/** Parses, runs one command, and exits. Never throws. */
export async function main(argv: readonly string[]): Promise<never> {
  const terminal = openTerminal();
  let code: number = EXIT.succeeded;
  const program = commandLine(terminal, (exit) => (code = exit));
  try {
    loadDotEnv();
    await program.parseAsync(argv);
  } catch (error) {
    // Commander has said what was wrong; --help and --version are no errors.
    if (error instanceof CommanderError) code = error.exitCode === 0 ? EXIT.succeeded : EXIT.usage;
    else {
      reportError(error, terminal.err, debugging());
      code = exitCodeOf(error, false);
    }
  }
  await flushed();
  // A program may leave timers and connections open, which is no reason to wait.
  process.exit(code);
}

type Done = (code: number) => void;

/** Every command with its options, for parsing and for the page that lists them. `done` hears the exit code. */
export function commandLine(terminal: Terminal, done: Done): Command {
  const { colors } = terminal.out;
  const program = new Command('amdahl')
    .description('Runs agents and teams of agents, keeps every answer, and says what it cost.')
    .version(version(), '-v, --version')
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureHelp({ styleTitle: (text) => colors.bold(text), showGlobalOptions: false })
    .configureOutput({ outputError: (text, write) => write(`${terminal.err.colors.red(text.trimEnd())}\n`) })
    .addHelpText('after', EXAMPLES);
  addInit(program, terminal, done);
  addRun(program, terminal, done);
  addPrompt(program, terminal, done);
  addResume(program, terminal, done);
  addRerun(program, terminal, done);
  addRuns(program, terminal, done);
  addShow(program, terminal, done);
  addInbox(program, terminal, done);
  addAnswer(program, terminal, done);
  addRefuse(program, terminal, done);
  addScript(program, terminal, done);
  addCancel(program, terminal, done);
  addPrune(program, terminal, done);
  addLimits(program, terminal, done);
  addDoctor(program, terminal, done);
  addModelServer(program, terminal, done);
  return program;
}

function addInit(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('init')
    .summary('make an agent, a test of it and what both need')
    .description('Makes an agent, a test of it and what both need, in an empty folder or a TypeScript project. Overwrites nothing.')
    .argument('[folder]', 'where to; here without it')
    .option('-t, --template <name>', 'script (one agent), sweep (one agent over many files) or chat (a server for useChat)', 'script')
    .option('--dry-run', 'say what would be written, and write nothing')
    .addHelpText('after', INIT_HELP)
    .action(async (folder: string | undefined, options: InitOptions) => {
      const { initCommand } = await import('./initCommand.ts');
      done(await initCommand(folder, options, terminal));
    });
}

function addRuns(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('runs')
    .summary('list runs')
    .description('Lists runs, newest first.')
    .option('-n, --limit <count>', 'how many', count, RUNS_DEFAULT)
    .option('--json', 'one line of JSON per run')
    .action(async (options: { limit: number; json?: boolean }) => {
      const { runsCommand } = await import('./runsCommand.ts');
      done(await runsCommand(options, terminal));
    });
}

function addShow(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('show')
    .summary('show what happened in a run')
    .description('Shows a run: its calls, attempts, failures and bill.')
    .argument('<run>', "its id, the start of one, or 'last'")
    .option('-a, --all', 'every call, turn and tool call; with --prompt, every request')
    .option('-p, --prompt [call]', 'exactly what was sent to models, by one call, or with --all by all')
    .option('--json', 'the whole tree, or every request, as JSON')
    .addHelpText('after', SHOW_HELP)
    .action(async (run: string, options: ShowOptions) => {
      const { showCommand } = await import('./showCommand.ts');
      done(await showCommand(run, options, terminal));
    });
}

function addScript(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('script')
    .summary('turn a run into a test')
    .description('Writes what a run asked and was answered to FILE, as JSON, and prints a test that plays it without model or network.')
    .argument('<run>', "its id, the start of one, or 'last'")
    .argument('[file]', 'where to, such as test/review.script.json; standard output without it')
    .addHelpText('after', SCRIPT_HELP)
    .action(async (run: string, file: string | undefined) => {
      const { scriptCommand } = await import('./scriptCommand.ts');
      done(await scriptCommand(run, file, terminal));
    });
}

function addLimits(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('limits')
    .summary('show what was learned of rate limits')
    .description('Shows how many requests and tokens providers take, as far as runs have learned.')
    .argument('[run]', "of one run alone: its id, the start of one, or 'last'")
    .option('--json', 'one line of JSON per gate')
    .addHelpText('after', LIMITS_HELP)
    .action(async (run: string | undefined, options: { json?: boolean }) => {
      const { limitsCommand } = await import('./limitsCommand.ts');
      done(await limitsCommand(run, options, terminal));
    });
}

function addDoctor(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('doctor')
    .summary('check what runs need')
    .description(
      'Checks Node, the packages and keys of providers, AMDAHL_MODEL and the journal. Prints no key. Exits with 1 when something that is set up does not work.',
    )
    .option('--json', 'all of it as one line of JSON')
    .action(async (options: { json?: boolean }) => {
      const { doctorCommand } = await import('./doctorCommand.ts');
      done(await doctorCommand(options, terminal));
    });
}

function addModelServer(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('model-server')
    .summary('stand in for model providers')
    .description('Serves OpenAI and Anthropic protocols with made-up answers, and misbehaves as it is told. It asks no model.')
    .option('-p, --port <port>', 'where to listen; 0 takes a free port', '0')
    .option('--answers <file>', 'what models say: a .json list, or a module whose default is a list or a function')
    .option('--latency <ms>', 'time to the first byte, such as 200 or lognormal:200:0.5')
    .option('--token-latency <ms>', 'time for each token after it')
    .option('--host <address>', 'where to listen; 127.0.0.1 without it')
    .option('--rpm <count>', 'requests per minute')
    .option('--rpm-burst <count>', 'requests that may come at once after a pause')
    .option('--tpm <count>', 'tokens per minute')
    .option('--tpm-burst <count>', 'tokens that may come at once after a pause')
    .option('--limits <how>', 'how limits are told: announced, retry-after, retry-after-ms, bare')
    .option('--fault <name=share>', 'what goes wrong, such as 500=5% or hang:30000=2%; may be given several times', also)
    .option('--seed <number>', 'of everything drawn')
    .option('--key <key>', 'accept this API key alone; may be given several times', also)
    .option('--model <id>', 'have this model alone; may be given several times', also)
    .option('--context <tokens>', 'refuse longer requests')
    .option('--log <file>', 'append each request as a line of JSON')
    .option('--json', 'each request and then the sums as lines of JSON')
    .addHelpText('after', () => MODEL_SERVER_HELP.replace('FAULTS', faultLines()))
    .action(async (options: ModelServerFlags) => {
      const { modelServerCommand } = await import('./modelServerCommand.ts');
      done(await modelServerCommand(options, terminal));
    });
}

function faultLines(): string {
  return Object.entries(FAULTS)
    .map(([name, { says }]) => `  ${name.padEnd(16)} ${says}`)
    .join('\n');
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}
