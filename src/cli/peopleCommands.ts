// What the command line takes for people who are asked: inbox, answer and refuse. Called by commands.ts.

import type { Command } from 'commander';
import type { AnswerOptions, RefuseOptions } from './answerCommand.ts';
import { addSpending } from './drivingCommands.ts';
import type { InboxOptions } from './inboxCommand.ts';
import { count } from './optionValues.ts';
import type { Terminal } from './terminal.ts';

type Done = (code: number) => void;

const INBOX_LIMIT = 10;

const INBOX_HELP = `
A run asks a person where an agent is one (human), before an effect that needs approval, when nobody knows whether an effect
happened, and when a budget is used up and was told to ask. Nothing is lost while it waits: the question is kept, and so is
what was done before.

What stands in [receipt:…] is not known yet: it is the result of something that is done before.

Examples:
  amdahl inbox                       what is asked, oldest first, and how each is answered
  amdahl inbox last                  of one run alone
  amdahl inbox --json | jq .ask`;

const ANSWER_HELP = `
ASK is the id of a question, or at least 6 characters that it begins with. On a terminal, without ANSWER, it is asked field by
field and shown before it is said; Ctrl-C leaves the question open. The first answer stands, whoever gives it.

An answer is held against what the question takes; what does not fit is refused, and nothing is said. Then the run goes on, here
and now, as with amdahl resume, unless another process works on it.

Examples:
  amdahl answer 4fOd1xQz                             be asked
  amdahl answer 4fOd1xQz yes                         approve of exactly what the question shows
  amdahl answer 4fOd1xQz 'the second one'            text, where it takes text
  amdahl answer 4fOd1xQz '{"verdict":"ship"}' --no-resume
  amdahl answer 4fOd1xQz done                        of an effect that nobody knew of: it did happen
  jq .review result.json | amdahl answer 4fOd1xQz -`;

const REFUSE_HELP = `
What asked is told the reason: an agent that is a person fails with ASK_REFUSED, an effect is not done (APPROVAL_REFUSED), a budget
stays as it is.

Examples:
  amdahl refuse 4fOd1xQz --reason 'the figures are from last year'`;

export function addInbox(program: Command, terminal: Terminal, done: Done): void {
  program
    .command('inbox')
    .summary('list what people are asked')
    .description('Lists the questions that wait for a person, oldest first, with what exactly is asked and how to answer.')
    .argument('[run]', "of one run alone: its id, the start of one, or 'last'")
    .option('--scope <name>', 'of runs of this scope alone')
    .option('-n, --limit <count>', 'how many', count, INBOX_LIMIT)
    .option('--json', 'one line of JSON per question, all of them')
    .addHelpText('after', INBOX_HELP)
    .action(async (run: string | undefined, options: InboxOptions) => {
      const { inboxCommand } = await import('./inboxCommand.ts');
      done(await inboxCommand(run, options, terminal));
    });
}

export function addAnswer(program: Command, terminal: Terminal, done: Done): void {
  const command = program
    .command('answer')
    .summary('answer a question of a run')
    .description('Answers a question, and goes on with its run.')
    .argument('<ask>', 'its id, or the start of it')
    .argument('[answer]', 'JSON, text where it takes text, or - for standard input; without it, you are asked');
  addSaying(command)
    .addHelpText('after', ANSWER_HELP)
    .action(async (ask: string, text: string | undefined, options: AnswerOptions) => {
      const { answerCommand } = await import('./answerCommand.ts');
      done(await answerCommand(ask, text, options, terminal));
    });
}

export function addRefuse(program: Command, terminal: Terminal, done: Done): void {
  const command = program
    .command('refuse')
    .summary('refuse to answer a question of a run')
    .description('Refuses to answer a question, and goes on with its run.')
    .argument('<ask>', 'its id, or the start of it')
    .requiredOption('--reason <text>', 'why: whoever asked is told, and it is kept in the journal');
  addSaying(command)
    .addHelpText('after', REFUSE_HELP)
    .action(async (ask: string, options: RefuseOptions) => {
      const { refuseCommand } = await import('./answerCommand.ts');
      done(await refuseCommand(ask, options, terminal));
    });
}

function addSaying(command: Command): Command {
  return addSpending(
    command
      .option('--by <name>', 'who says it: kept in the journal; your user name without it')
      .option('--no-resume', 'do not go on with the run here'),
  );
}
