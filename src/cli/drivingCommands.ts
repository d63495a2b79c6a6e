// What the command line takes to drive a program: run, resume and rerun. Called by commands.ts.

import { type Command, Option } from 'commander';
import { also } from './optionValues.ts';
import type { RerunOptions } from './rerunCommand.ts';
import type { DriveOptions, RunOptions } from './runCommand.ts';
import type { Terminal } from './terminal.ts';

type Done = (code: number) => void;

const RUN_HELP = `
FILE is a module: .ts, .mts, .js or .mjs, or anything that the project's tsx runs. Without #export its default export is
run, or the only agent it exports. It may export context(subject), which makes the run's context from --subject, and again when the run goes on, and
options = { scope, reuse, models, settings, prices, limits, rateLimits, budget, secrets } for its runs.

Examples:
  amdahl run sweep.ts --input '{"question":"where is eval used?"}'
  amdahl run sweep.ts#summarize --input @findings.json --budget tokens=200k,time=10m
  amdahl run sweep.ts --input @question.json --model openai/gpt-5 --model review=ollama/qwen3
  amdahl run sweep.ts --input @question.json --id sweep-7     run it again with the same id: it goes on, or answers
  amdahl run release.ts --input @notes.json --on-ask 'jq -r .question | wall'     tell of questions to people
  amdahl run release.ts --input @notes.json --wait            and wait here for the answers
  amdahl run sweep.ts --input @question.json --json | jq .    every event, then {"result": …}`;

const RESUME_HELP = `
RUN is an id, the start of one, or 'last'. What finished answers from the journal; what failed is asked again.
The program is the one the run was started with, as it is now, unless another FILE#export is given.

Examples:
  amdahl resume last
  amdahl resume sweep-7 --budget usd=5
  amdahl resume sweep-7 --retry 'sweep[3]/review'     ask a call again although it has an answer`;

const RERUN_HELP = `
RUN may have succeeded or failed. Answers of the same agent with the same definition and input are taken over, wherever they
are asked; what was changed since, what failed, and code without a version are asked anew. The plan is printed first.

Examples:
  amdahl rerun last                                   after an edit: see what it would cost, then say yes
  amdahl rerun sweep-7 --as sweep-8 --yes
  amdahl rerun sweep-7 --input @longer.json           the same program over more`;

export function addRun(program: Command, terminal: Terminal, done: Done): void {
  const command = program
    .command('run')
    .summary('run an agent')
    .description('Runs the agent that FILE exports.')
    .argument('<file#export>', 'a module, and which of its agents')
    .option('-i, --input <value>', 'JSON, @file, or - for standard input; text as it is where the agent takes text')
    .option('--id <id>', 'name the run; a known id goes on or answers')
    .option('--subject <json>', "what the program's export context(subject) makes the run's context from")
    .option('--scope <name>', 'whose run it is, such as a tenant: answers of other runs are used within one scope alone');
  addDriving(command)
    .addHelpText('after', RUN_HELP)
    .action(async (file: string, options: RunOptions) => {
      const { runCommand } = await import('./runCommand.ts');
      done(await runCommand(file, options, terminal));
    });
}

export function addResume(program: Command, terminal: Terminal, done: Done): void {
  const command = program
    .command('resume')
    .summary('go on with a run')
    .description('Goes on with a run where it stopped.')
    .argument('<run>', "its id, the start of one, or 'last'")
    .argument('[file#export]', 'its program, if it is not the one it was started with');
  addDriving(command)
    .addHelpText('after', RESUME_HELP)
    .action(async (run: string, file: string | undefined, options: DriveOptions) => {
      const { resumeCommand } = await import('./resumeCommand.ts');
      done(await resumeCommand(run, file, options, terminal));
    });
}

/** What run and resume have in common. */
function addDriving(command: Command): Command {
  return addSpending(command)
    .option('--retry <call>', 'ask this call again, by its path; may be given several times', also)
    .option('--yes', 'do not ask before an act on the world may happen twice');
}

/** What every command that runs a program takes. */
export function addSpending(command: Command): Command {
  return command
    .option('--budget <caps>', 'caps on what may be spent, such as calls=8,tokens=1M,usd=0.5,time=10m')
    .option(
      '--model <name>',
      "the model of all agents, 'provider/modelId', or of one: 'agent=provider/modelId'; given again, the next to ask where the one before fails",
      also,
    )
    .option('--wait', 'where the run is parked because people are asked, wait here for their answers')
    .option(
      '--on-ask <command>',
      'tell this of each question to a person: a command, which gets it as JSON on standard input, or an http address',
    )
    .addOption(new Option('--json', 'every event and then the result on standard output, as lines of JSON').conflicts('quiet'))
    .option('-q, --quiet', 'print nothing but the output');
}

export function addRerun(program: Command, terminal: Terminal, done: Done): void {
  const command = program
    .command('rerun')
    .summary('run again, buying only what changed')
    .description('Begins a new run of the same program, in which every question that is still the same is answered from RUN.')
    .argument('<run>', "its id, the start of one, or 'last'")
    .argument('[file#export]', 'its program, if it is not the one it was started with')
    .option('-i, --input <value>', 'another input than it had: JSON, @file, or - for standard input')
    .option('--as <id>', 'name the new run')
    .option('--subject <json>', 'another subject than it had');
  addSpending(command)
    .option('--yes', 'begin without asking')
    .addHelpText('after', RERUN_HELP)
    .action(async (run: string, file: string | undefined, options: RerunOptions) => {
      const { rerunCommand } = await import('./rerunCommand.ts');
      done(await rerunCommand(run, file, options, terminal));
    });
}
