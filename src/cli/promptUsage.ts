// What `amdahl prompt` takes, and its help. Called by commands.ts.

import type { Command } from 'commander';
import type { PromptOptions } from './renderCommand.ts';
import type { Terminal } from './terminal.ts';

const PROMPT_HELP = `
Examples:
  amdahl prompt review.ts --input 'a diff'            instructions, tools, answer format and input, as they would be sent
  amdahl prompt team.ts#review --input @diff.json --json | jq .messages

What a run has sent is in amdahl show RUN --prompt.`;

export function addPrompt(program: Command, terminal: Terminal, done: (code: number) => void): void {
  program
    .command('prompt')
    .summary('show what an agent would send')
    .description('Shows exactly what the agent that FILE exports would send to its model for an input. Asks no model and records nothing.')
    .argument('<file#export>', 'a module, and which of its agents; one that a model answers')
    .option('-i, --input <value>', 'JSON, @file, or - for standard input; text as it is where the agent takes text')
    .option('--subject <json>', "what the program's export context(subject) makes the context from")
    .option('-m, --model <model>', 'as if this model were asked')
    .option('--json', 'the request as one line of JSON')
    .addHelpText('after', PROMPT_HELP)
    .action(async (file: string, options: PromptOptions) => {
      const { renderCommand } = await import('./renderCommand.ts');
      done(await renderCommand(file, options, terminal));
    });
}
